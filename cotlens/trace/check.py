"""What must hold of a trace before anything else may rely on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import repr  # what is given may be long: a sentence holds its beginning
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.check import SEEDS
from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace.spans import Span

ROLES = ("prompt", "thought", "answer")


def check_role(role: str) -> None:
    """Raise InputError, with near names, unless `role` is one of `ROLES`."""
    if role not in ROLES:
        raise InputError(f"There is no role called {role!r}. {did_you_mean(role, ROLES)}")


def role_spans(role_tokens: Mapping[str, Sequence[int] | Span], offsets: NDArray[np.int64]) -> dict[str, Span]:
    """Spans of the roles, from the half-open token ranges they cover.

    A range is (start, end), or (start, end, char_start, char_end) where its characters aren't those of its tokens.
    """
    count = len(offsets) - 1
    spans: dict[str, Span] = {}
    for role, place in role_tokens.items():
        check_role(role)
        start, end, *chars = edges_of(place, offsets) if isinstance(place, Span) else map(int, place)
        if not 0 <= start <= end <= count:
            raise InputError(f"The {role} can't be tokens {start} to {end} of a trace of {count} tokens.")
        char_start, char_end = chars or (int(offsets[start]), int(offsets[end]))
        spans[role] = Span(start, end, char_start, char_end, "role")
    return spans


def edges_of(span: Span, offsets: NDArray[np.int64]) -> tuple[int, ...]:
    """A span as `role_spans` takes it."""
    chars = span.char_start, span.char_end
    of_tokens = max(span.end, span.start) < len(offsets) and chars == (offsets[span.start], offsets[span.end])
    return (span.start, span.end) if of_tokens else (span.start, span.end, *chars)


def check_measured(
    count: int,
    logprobs: NDArray[np.float32],
    top_ids: NDArray[np.int32],
    top_logprobs: NDArray[np.float32],
    top_pieces: Sequence[Sequence[str]],
) -> None:
    """Raise InputError unless what was measured on `count` tokens is there once per token."""
    if logprobs.shape != (count,):
        raise InputError(f"A trace of {count} tokens needs {count} log-probabilities; {logprobs.shape} were given.")
    shape = top_ids.shape
    if len(shape) != 2 or shape[0] != count or top_logprobs.shape != shape or len(top_pieces) != count:
        raise InputError(
            f"The alternatives of {count} tokens need top_ids and top_logprobs of {count} rows and as many top_pieces; "
            f"{shape}, {top_logprobs.shape} and {len(top_pieces)} were given."
        )
    if not {*map(len, top_pieces)} <= {0, shape[1]}:
        raise InputError(f"Every token needs {shape[1]} top_pieces, one per alternative, or none.")


def check_offsets(offsets: NDArray[np.int64], count: int, length: int) -> None:
    """Raise InputError unless `offsets` cut `length` characters into `count` tokens."""
    if offsets.shape != (count + 1,):
        raise InputError(f"A trace of {count} tokens needs {count + 1} offsets; {offsets.shape} were given.")
    if offsets[0] != 0 or offsets[-1] != length or bool((np.diff(offsets) < 0).any()):
        raise InputError(f"The offsets of a trace must rise from 0 to the {length} characters of its text.")


def check_roles(roles: Mapping[str, Span], offsets: NDArray[np.int64]) -> None:
    """Raise InputError unless the roles are known, inside the trace, and follow one another."""
    for role in roles:
        check_role(role)
    end, char_end = 0, 0
    for role in ROLES:
        span = roles.get(role)
        if span is None:
            continue
        if not end <= span.start <= span.end < len(offsets):
            raise InputError(
                f"Prompt, thought and answer must follow one another inside the trace; the {role} is tokens "
                f"{span.start} to {span.end} of {len(offsets) - 1}, after token {end}."
            )
        follow = char_end <= span.char_start <= span.char_end
        near = _near(offsets, span.start, span.char_start) and _near(offsets, span.end, span.char_end)
        if not (follow and near):
            raise InputError(f"The characters of the {role} are not those of its tokens; make roles with Trace.build.")
        end, char_end = span.end, span.char_end


def check_meta(meta: Mapping[str, Any], count: int) -> None:
    """Raise ValueError unless what the package itself reads of a trace's `meta` is of its kind.

    Args:
        count: tokens of the trace.
    """
    wholes = {"seed": SEEDS, "sample": SEEDS, "begin": count + 1}
    for name, end in wholes.items():
        value = meta.get(name)
        if value is not None and not (type(value) is int and 0 <= value < end):
            raise ValueError(f"its {name} is {repr(value)}, which is no whole number from 0 to {end - 1}")
    for name in ("finish", "prefill"):
        if not isinstance(meta.get(name, ""), (str, type(None))):
            raise ValueError(f"its {name} is {repr(meta[name])}, which is no text")
    for name in ("notes", "intervention_fingerprints"):
        value = meta.get(name, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise ValueError(f"its {name} are {repr(value)}, which is no list of texts")


def _near(offsets: NDArray[np.int64], border: int, char: int) -> bool:
    """Whether a character edge is at a token border or inside one of the two tokens that meet there."""
    before, after = offsets[max(0, border - 1)], offsets[min(border + 1, len(offsets) - 1)]
    return bool(char == offsets[border] or before < char < after)
