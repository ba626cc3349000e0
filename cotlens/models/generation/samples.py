"""Sequences as they are being written, and what was measured at their tokens; every backend fills these in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens.models.contract.interventions import Patch
from cotlens.models.generation.sampling import Sampling

TOP = 8
_AHEAD = 64  # random numbers that are drawn at once


@dataclass
class TokenMeasurements:
    """What was measured at some tokens of a sequence.

    Args:
        at: token indices.
        logprobs: float32, temperature 1, whole vocabulary.
        top_ids, top_logprobs: [len(at), k], best first.
    """

    at: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    top_ids: list[NDArray[np.int32]] = field(default_factory=list)
    top_logprobs: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, at: Sequence[int], found: tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]) -> None:
        """Append what `logits.alternatives` gave for tokens `at`."""
        self.at += list(at)
        self.logprobs += found[0].tolist()
        self.top_ids += list(found[1])
        self.top_logprobs += list(found[2])


@dataclass
class Sample:
    """One sequence as it is being written.

    Args:
        index: which of the n samples.
        ids: the new tokens.
        notes: of the new tokens, and of those of the prefix that were asked for.
        finish: "stop", "length", or "" while unfinished.
    """

    index: int
    ids: list[int] = field(default_factory=list)
    notes: TokenMeasurements = field(default_factory=TokenMeasurements)
    finish: str = ""


@dataclass(eq=False, kw_only=True)
class OpenRollout(Sample):
    """One of many sequences that are written together, each behind a text of its own.

    Args:
        text, at: it goes on from `text[:at]`; what stands there after `at` is only what it may happen to repeat.
        start: whose it is, for the one who asked.
        sampling: with the seed of its start.
        measured: whether notes are wanted of its new tokens.
        unknown: tokens of `text[:at]` of which notes are wanted, too (from 1).
        latents: what takes the place of the words at some tokens of `text[:at]`.
    """

    text: tuple[int, ...]
    at: int
    start: int
    sampling: Sampling
    measured: bool = False
    unknown: Sequence[int] = ()
    latents: Patch | None = None

    def __post_init__(self) -> None:
        self._source: torch.Generator | None = None  # while it is written: its state takes kilobytes
        self._ahead: list[float] = []

    def chance(self) -> float:
        """The next random number; they are drawn some ahead."""
        if not self._ahead:
            self._source = self._source or self.sampling.source(self.index)
            # Reversed: `pop` takes them from the end.
            self._ahead = torch.rand(_AHEAD, generator=self._source, dtype=torch.float64).tolist()[::-1]
        return self._ahead.pop()

    def say(self, token: int, stop_ids: frozenset[int]) -> None:
        """Write one more token."""
        self.ids.append(token)
        if token in stop_ids:
            self.finish = "stop"
        elif len(self.ids) >= self.sampling.max_new_tokens:
            self.finish = "length"
        if self.finish:
            self._source = None

    def again(self) -> None:
        """Begin anew; the same text will come."""
        self.ids.clear()
        self.notes = TokenMeasurements()
        self._source, self._ahead = None, []


def once_per_token(on_token: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
    """Tell of each token once, also when its group is written again."""
    newest = -1

    def tell(at: int, token: int) -> None:
        nonlocal newest
        if on_token is not None and at > newest:
            newest = at
            on_token(at, token)

    return tell
