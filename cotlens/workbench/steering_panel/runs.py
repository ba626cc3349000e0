"""Steered reruns of a trace, fast: the tokens that steering doesn't touch are not written again.

All text is written greedily, so that a difference is the vectors' doing. A pass over the source under the vectors says
where the model would choose another token than without them; up to there its tokens stay, and from there on it writes.
So the first changed token is known after one pass, or a few that double in length, however late in the text it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import BackendError, OutOfMemory
from cotlens.measure.steering.judging import SteeredRun, judge
from cotlens.measure.steering.rerun import rewrite
from cotlens.measure.steering.where import Steering, ends_of, interventions
from cotlens.models.contract import AddVector, Branch, Model
from cotlens.models.contract.interventions import Positions
from cotlens.models.generation.traces import begin_of
from cotlens.trace import Trace
from cotlens.workbench.shared.limits import tokens_left
from cotlens.workbench.shared.stream import Stream
from cotlens.workbench.steering_panel.vector_settings import VectorSetting, VectorSettings

LONGER = 2  # a steered text may be so many times as long as what it replaces
SPARE = 64  # and so many tokens more
STRETCH = 64  # tokens that are looked through first for one that changes
KEPT = 8  # sources whose own choices, and unsteered texts, that are remembered


@dataclass(frozen=True, eq=False)
class RerunStart:
    """What is written again: a trace, and the token from which it may change (None: the first that is steered).

    Args:
        most: tokens that may be written; None for about twice what is replaced.
    """

    source: Trace
    token: int | None = None
    most: int | None = None

    def limit(self, at: int) -> int:
        """How many tokens may be written from token `at` on."""
        return self.most or LONGER * (len(self.source.token_ids) - at) + SPARE


@dataclass(frozen=True, eq=False)
class Rerun:
    """A rewritten text.

    Args:
        trace: the source itself where no token changed.
        at: the first token that the model wrote anew; the number of tokens where it wrote none.
        run: what was measured of it; None where it was stopped.
        note: how it ended, where it didn't end by itself.
    """

    trace: Trace
    at: int
    steerings: tuple[Steering, ...]
    run: SteeredRun | None = None
    note: str = ""

    @property
    def same(self) -> bool:
        """Whether the vectors changed no token."""
        return self.at >= len(self.trace.token_ids)


class RerunWriter:
    """Writes steered reruns of a baseline and of its descendants. For the thread that owns the model."""

    def __init__(self, model: Model, settings: VectorSettings, baseline: Trace) -> None:
        self._model, self._settings, self._baseline = model, settings, baseline
        self._choices: dict[str, NDArray[np.int32]] = {}
        self._unsteered: dict[tuple[str, int], Trace] = {}

    def forget(self) -> None:
        """Drop the model's own choices and texts: it is another one now."""
        self._choices.clear()
        self._unsteered.clear()

    def write(self, start: RerunStart, dials: Sequence[VectorSetting], seed: int | None, stream: Stream) -> Rerun:
        """Rerun from `start`; with a seed under random vectors of equal norm.

        Raises:
            BackendError: the vectors made the model's numbers NaN.
            Cancelled: with what was written so far, as a Rerun, as `partial`.
        """
        source = start.source
        at, first = self._first_change(start, dials, seed)
        steerings = self._settings.steerings(dials, source, at, seed)
        if at >= len(source.token_ids):
            return Rerun(source, at, steerings)
        limit = tokens_left(self._model, start.limit(at), at)
        stream.begin(source, int(source.offsets[at]), limit=limit, expected=first)
        try:
            made = rewrite(
                self._model, source, steerings, at=at, temperature=0.0, max_new_tokens=start.limit(at),
                on_token=stream.add,
            )  # fmt: skip
        except Exception as error:
            partial = getattr(error, "partial", None)
            if isinstance(partial, Trace):
                note = f"Stopped after {stream.count} tokens."
                error.partial = Rerun(partial, at, steerings, note=note)  # type: ignore[attr-defined]
            raise
        note = "" if made.meta.get("finish") == "stop" else f"Cut after {len(made.token_ids) - at} tokens."
        return Rerun(made, at, steerings, note=note)

    def measured(self, rerun: Rerun, start: RerunStart) -> Rerun:
        """The same with its probabilities and perplexities, from the first token that it changed; beside what the model
        writes from that token of the source without vectors.
        """
        at = min(rerun.at, self._begin(self._baseline)) if rerun.same else rerun.at
        unsteered = None if rerun.same else self.unsteered(start, at)
        run = judge(self._model, self._baseline, rerun.trace, rerun.steerings, at, unsteered=unsteered)
        return Rerun(rerun.trace, rerun.at, rerun.steerings, run, rerun.note)

    def unsteered(self, start: RerunStart, at: int) -> Trace:
        """What the model writes from token `at` of the source without vectors: the source, up to the first token that
        it would choose otherwise.

        What ended by itself is remembered: from all tokens up to the first other choice it is the same text.
        """
        source, most = start.source, start.limit(at)
        n = len(source.token_ids)
        other = np.flatnonzero(self._plain_choices(source)[at:] != np.asarray(source.token_ids[at:]))
        # Where all tokens are the model's own choice, the last is written again: the model may not stop after it.
        begin = at + int(other[0]) if len(other) else n - 1
        known = self._unsteered.get((source.id, begin))
        if known is None or len(known.token_ids) - at > most:
            left = max(1, most - (begin - at))
            known = rewrite(self._model, source, [], at=begin, temperature=0.0, max_new_tokens=left)
            if known.meta.get("finish") == "stop":
                _remember(self._unsteered, (source.id, begin), known)
        return known

    def plain(self) -> SteeredRun:
        """The baseline beside itself; the first turn of a dial then finds the model's own choices known."""
        self._plain_choices(self._baseline)
        return judge(self._model, self._baseline, self._baseline, (), self._begin(self._baseline))

    def _begin(self, trace: Trace) -> int:
        return max(1, begin_of(trace))

    def _first_change(self, start: RerunStart, dials: Sequence[VectorSetting], seed: int | None) -> tuple[int, str]:
        """The first token that the vectors change, and what the model writes there; past the end where there is none.

        A descendant's tokens were chosen under other vectors, so it is simply written from the token asked for.
        """
        source, n = start.source, len(start.source.token_ids)
        begin = max(self._begin(source), start.token or 0)
        if source is not self._baseline:
            return begin, ""
        steerings = self._settings.steerings(dials, source, begin, seed, kept=True)
        changes = interventions(steerings, source, begin, ends_of(self._model, source))
        begin = max(begin, min((_follows(change.positions) for change in changes), default=n))
        if begin >= n:
            return n, ""
        try:
            return self._search(source, begin, changes)
        except OutOfMemory:
            raise
        except BackendError:  # the rerun itself meets it, too, and says what was added
            return begin, ""

    def _search(self, source: Trace, begin: int, changes: Sequence[AddVector]) -> tuple[int, str]:
        """The first token from `begin` on that changes, looked for in ever longer stretches: most come early."""
        n, plain, length = len(source.token_ids), self._plain_choices(source), STRETCH
        while begin < n:
            ids = source.token_ids[begin : begin + length]
            choices = self._model.score(source, [Branch(begin, ids)], interventions=changes)[0].greedy_ids
            found = np.flatnonzero((choices != plain[begin : begin + length]) & (choices != np.asarray(ids)))
            if len(found):
                piece = self._model.codec.pieces([int(choices[found[0]])])[0]
                return begin + int(found[0]), piece.decode("utf-8", "ignore")
            begin, length = begin + length, 2 * length
        return n, ""

    def _plain_choices(self, source: Trace) -> NDArray[np.int32]:
        """The model's own choice at every token from the first, without vectors; -1 before it."""
        if source.id not in self._choices:
            begin = self._begin(source)
            score = self._model.score(source, [Branch(begin, source.token_ids[begin:])])[0]
            _remember(self._choices, source.id, np.concatenate([np.full(begin, -1, np.int32), score.greedy_ids]))
        return self._choices[source.id]


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value, and of the older ones the newest."""
    while len(known) >= KEPT:
        known.pop(next(iter(known)))
    known[key] = value


def _follows(positions: Positions) -> int:
    """The first token that can change where a vector is added at `positions`."""
    if positions is None:
        return 0
    return (positions.start if isinstance(positions, range) else min(positions)) + 1  # a range may be endless
