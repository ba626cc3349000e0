"""Latent steps of a thought: tokens that are no words, each with the vector that the model handed on to itself.

A latent is a row of `trace.latents`: the hidden state after the final norm at the position before it, which a map of
the model's own (its feedback) turns into what the latent's position reads. Its token has an empty piece of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.trace.spans import Span, text_spans
from cotlens.trace.splitting.splitters import split

UNIT = "latent"
"""The unit of a span that is one latent, whatever the thought was cut by."""


class Thought(Protocol):
    """What is asked here of a trace; see `trace.Trace`."""

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The n tokens."""
        ...

    @property
    def text(self) -> str:
        """All characters."""
        ...

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where tokens begin in it, [n + 1]."""
        ...

    @property
    def latents(self) -> NDArray[np.float32]:
        """Vectors, [k, d_model]."""
        ...

    @property
    def latent_tokens(self) -> NDArray[np.int64]:
        """Their tokens, [k]."""
        ...


def check_latents(
    token_ids: Sequence[int], offsets: NDArray[np.int64], places: NDArray[np.int64], vectors: NDArray[np.float32]
) -> None:
    """Raise InputError unless there is a vector for each latent token, and these are tokens without text."""
    if places.ndim != 1 or vectors.ndim != 2 or len(places) != len(vectors):
        raise InputError(
            f"{places.size} latent tokens need latents of shape ({places.size}, d_model); {vectors.shape} were given."
        )
    if not len(places):
        return
    if bool((np.diff(places) < 1).any()) or places[0] < 0 or places[-1] >= len(token_ids):
        raise InputError(
            f"Latent tokens are places in the trace in rising order, 0 to {len(token_ids) - 1}; "
            f"{places[:8].tolist()} were given."
        )
    if len({token_ids[place] for place in places}) > 1 or bool((offsets[places + 1] > offsets[places]).any()):
        raise InputError(
            "Latent tokens have one id and no text, and some of these are words; make the trace with the model that "
            "thinks in latents."
        )
    if not np.isfinite(vectors).all():
        raise InputError("The latents given hold NaN or infinite values; give finite ones.")


def told(places: NDArray[np.int64], vectors: NDArray[np.float32]) -> bytes:
    """What of the latents counts for the id of a trace, b"" of none."""
    return np.asarray(places, "<i8").tobytes() + np.asarray(vectors, "<f4").tobytes() if len(places) else b""


def unit_spans(trace: Thought, role: Span, unit: str) -> list[Span]:
    """A role cut into units of text and, between them, one span per latent."""
    spans: list[Span] = []
    for start, end, latent in _runs(trace, role):
        chars = (
            role.char_start if start == role.start else int(trace.offsets[start]),
            role.char_end if end == role.end else int(trace.offsets[end]),
        )
        if latent:
            spans += [Span(at, at + 1, chars[0], chars[0], UNIT) for at in range(start, end)]
        else:
            pieces = [(chars[0] + a, chars[0] + b) for a, b in split(trace.text[chars[0] : chars[1]], unit)]
            spans += text_spans(trace.offsets, start, end, pieces, unit)
    return spans


def _runs(trace: Thought, role: Span) -> Iterator[tuple[int, int, bool]]:
    """Stretches [start, end) of a role's tokens that are all latents, or none."""
    latent = np.zeros(role.end - role.start, bool)
    inside = trace.latent_tokens[(trace.latent_tokens >= role.start) & (trace.latent_tokens < role.end)]
    latent[inside - role.start] = True
    edges = [0, *(np.flatnonzero(np.diff(latent)) + 1).tolist(), len(latent)]
    for start, end in pairwise(edges):
        if start < end:
            yield role.start + start, role.start + end, bool(latent[start])


def name_of(trace: Thought, span: Span) -> str:
    """What a span says: its text, or which latent it is, counted from 0 ("latent 3")."""
    inside = np.flatnonzero((trace.latent_tokens >= span.start) & (trace.latent_tokens < span.end))
    text = trace.text[span.char_start : span.char_end]
    if text or not len(inside):
        return text
    return f"latent {inside[0]}" if len(inside) == 1 else f"latents {inside[0]} to {inside[-1]}"


def among(trace: Thought, first: int, last: int) -> bool:
    """Whether any of the tokens [first, last) is a latent."""
    return bool(((trace.latent_tokens >= first) & (trace.latent_tokens < last)).any())


def first_apart(one: Thought, other: Thought) -> int:
    """The first token at which the latents of two thoughts differ; beyond both where they don't."""
    pairs = zip(one.latent_tokens.tolist(), other.latent_tokens.tolist(), one.latents, other.latents, strict=False)
    found = next((min(a, b) for a, b, mine, theirs in pairs if a != b or not np.array_equal(mine, theirs)), None)
    return max(len(one.token_ids), len(other.token_ids)) if found is None else found


def followed(trace: Any, at: int, ids: Sequence[int]) -> Any:
    """A trace's tokens up to `at`, then others: their ids, or where there are latents a trace that keeps them."""
    whole = (*trace.token_ids[:at], *ids)
    if not len(trace.latents):
        return whole
    kept = trace.latent_tokens < at
    parts = {"latents": trace.latents[kept], "latent_tokens": trace.latent_tokens[kept], "codec": trace.codec}
    return type(trace).build(whole, trace.codec.pieces(whole), {}, **parts)


def vectors_of(new: Any, trace: Thought) -> NDArray[np.float32] | None:
    """The vectors that stand as latents in place of others; None where text or token ids were given.

    Raises:
        InputError: the trace has no latents, or what was given are no finite numbers of shape (n, d_model).
    """
    given = None if isinstance(new, str) else _array(new)
    if given is None or (given.ndim == 1 and (given.dtype.kind in "iu" or not len(given))):
        return None  # ids of words
    if not len(trace.latent_tokens):
        if given.ndim != 2:
            return None
        raise InputError("Vectors can't stand in this trace, which has no latents; give text, or token ids.")
    numbers = given.dtype.kind in "iuf"
    with np.errstate(over="ignore"):  # beyond every float32 it is infinite, which is told
        vectors = given.astype(np.float32) if numbers else np.empty(0, np.float32)
    finite = bool(np.isfinite(vectors).all())
    infinite = "" if finite else ", with NaN or infinite values"
    if not numbers or given.ndim != 2 or given.shape[1] != trace.latents.shape[1] or not finite:
        raise InputError(
            f"Latents of this trace are finite numbers of shape (n, {trace.latents.shape[1]}), a row for each; an "
            f"array of {given.dtype} of shape {given.shape} was given{infinite}."
        )
    return vectors


def _array(given: Any) -> NDArray[Any] | None:
    """What was given as an array; None where it is none."""
    try:
        found = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):  # rows of several lengths, a tensor that numpy doesn't take
        return None
    return found if found.ndim and found.dtype != object else None


def check_words(trace: Thought, first: int, last: int) -> None:
    """Raise InputError where words in place of tokens [first, last) would replace latents or part them."""
    inside = np.flatnonzero((trace.latent_tokens >= first) & (trace.latent_tokens < last))
    beside = {first - 1, last} <= set(trace.latent_tokens.tolist())
    if not len(inside) and not beside:
        return
    which = inside if len(inside) else np.flatnonzero(np.isin(trace.latent_tokens, (first - 1, last)))
    raise InputError(
        f"Words can't stand in place of latents or between them ({which[0]} to {which[-1]} here); give vectors of "
        f"shape (n, {trace.latents.shape[1]}), delete the latents, or edit the words around them."
    )


def spliced(
    trace: Thought, first: int, last: int, count: int, new: NDArray[np.float32] | None
) -> dict[str, NDArray[Any]]:
    """Latents and their tokens once `count` tokens, latents with the vectors `new` or words, stand at [first, last)."""
    places, vectors = trace.latent_tokens, trace.latents
    before, after = places < first, places >= last
    if new is None:
        new = vectors[:0]
    own = np.arange(first, first + count)[: len(new)]
    return {
        "latent_tokens": np.concatenate([places[before], own, places[after] + (first + count - last)]),
        "latents": np.concatenate([vectors[before], new, vectors[after]]),
    }
