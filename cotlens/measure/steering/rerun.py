"""One steered rerun: the trace is kept up to a token and written on from there with vectors added.

Where a vector is meant for the thought or for the answer alone, the thought is written first and the answer after it,
because where the thought ends is known only then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cotlens._core import check
from cotlens._core.errors import BackendError, Cancelled, InputError, OutOfMemory
from cotlens.measure.steering.where import (
    Steering,
    as_steerings,
    check_steerings,
    ends_of,
    in_thought,
    interventions,
)
from cotlens.models.contract import Model, OnToken
from cotlens.trace import Trace


class _Closed(Cancelled):
    """The thought is closed: the rest is written in another way."""


def rewrite(
    model: Model,
    trace: Trace,
    steerings: Any,
    *,
    at: int | None = None,
    seed: int = 0,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    on_token: OnToken | None = None,
) -> Trace:
    """`trace` up to token `at`, written on with vectors added.

    Args:
        steerings: a `Steering` or several; (vector, coefficient, where) may stand for one. None at all writes the
            baseline of the same settings.
        at: token index; default `start_of(trace, steerings)`.
        on_token: called with (token index, text) on the owner thread as text is written.

    Returns:
        A trace with `trace` as parent, `rewritten_from` set, and the steerings in `meta["steering"]`.

    Raises:
        InputError: a vector doesn't fit the model, or the model can't go on from `at`.
        BackendError: what was added made the model's numbers NaN or infinite; `error.partial` is what was written so
            far.
        Cancelled: with what was written so far as `partial`.
    """
    chosen = as_steerings(steerings)
    check_steerings(model, chosen)
    start = start_of(model, trace, chosen) if at is None else check.whole("at", at)
    settings: dict[str, Any] = {"seed": seed, "temperature": temperature, "top_p": top_p, "top_k": top_k}
    try:
        if not in_thought(chosen):
            changes = interventions(chosen, trace, start)
            made = model.resume(
                trace, at=start, max_new_tokens=max_new_tokens, interventions=changes, on_token=on_token, **settings
            )
        else:
            made = _thought_then_answer(model, trace, chosen, start, max_new_tokens, settings, on_token)
    except (BackendError, Cancelled) as error:
        if isinstance(getattr(error, "partial", None), Trace):
            error.partial = _noted(error.partial, trace, chosen, start)  # type: ignore[union-attr]
        if isinstance(error, BackendError) and not isinstance(error, OutOfMemory) and "NaN" in str(error):
            raise _broken(chosen, error) from error
        raise
    return _noted(made, trace, chosen, start)


def start_of(model: Model, trace: Trace, steerings: Sequence[Steering]) -> int:
    """Where a rerun starts unless told: after a fresh edit, else at the answer where nothing but it is steered, else at
    the first token of the thought.

    Raises:
        InputError: the trace has no thought to begin at.
    """
    if trace.edit is not None and trace.rewritten_from is None:
        return trace.resume_at
    ends = ends_of(model, trace)
    if ends is not None and steerings and all(one.where == "answer" for one in steerings):
        return ends.answer
    if "thought" not in trace.roles:
        raise InputError("This trace has no thought to rewrite; say from which token to go on with at=.")
    return trace.roles["thought"].start


def steering_meta(steerings: Sequence[Steering]) -> list[dict[str, Any]]:
    """What a trace says of the vectors it was written with."""
    return [
        {
            "vector": one.vector.name,
            "layer": one.vector.layer,
            "coefficient": one.coefficient,
            "unit": one.unit,
            "where": one.where if isinstance(one.where, str) else [one.where.start, one.where.end],
        }
        for one in steerings
    ]


def _thought_then_answer(
    model: Model,
    trace: Trace,
    steerings: Sequence[Steering],
    at: int,
    most: int | None,
    settings: dict[str, Any],
    on_token: OnToken | None,
) -> Trace:
    ends = ends_of(model, trace)
    if ends is not None and at >= ends.answer:  # the thought is kept whole
        thought: Trace = trace
    else:
        thought = _thought(model, trace, steerings, at, most, settings, on_token)
        ends = ends_of(model, thought)
        if ends is None:
            return thought
    begin = max(at, ends.answer)
    left = None if most is None else most - (begin - at)
    if left is not None and left < 1:
        return thought
    changes = interventions(steerings, trace, at, ends)
    made: Trace = model.resume(
        thought, at=begin, max_new_tokens=left, interventions=changes, on_token=on_token, **settings
    )
    return made


def _thought(
    model: Model,
    trace: Trace,
    steerings: Sequence[Steering],
    at: int,
    most: int | None,
    settings: dict[str, Any],
    on_token: OnToken | None,
) -> Trace:
    """The thought; with what stands after its close where the model's format has no marker to stop at."""
    marker = "" if model.format.plain else model.format.family.close
    text = ""

    def tell(index: int, piece: str) -> None:
        nonlocal text
        if on_token is not None:
            on_token(index, piece)
        text += piece
        if marker and marker in text:
            raise _Closed("The thought is closed.")

    changes = interventions(steerings, trace, at)
    try:
        made: Trace = model.resume(trace, at=at, max_new_tokens=most, interventions=changes, on_token=tell, **settings)
    except _Closed as closed:
        made = closed.partial  # type: ignore[attr-defined]
    return made


def _noted(made: Trace, trace: Trace, steerings: Sequence[Steering], at: int) -> Trace:
    """The trace as a child of the one it was rewritten from, with what was added in it."""
    fresh = trace.edit is not None and trace.rewritten_from is None and at >= trace.edit.end_token
    return replace(
        made,
        parent=trace.parent if fresh else trace,
        edit=trace.edit if fresh else None,
        rewritten_from=at,
        meta={
            **made.meta,
            "steering": steering_meta(steerings),
            "vector_fingerprints": [one.vector.fingerprint for one in steerings],
        },
    )


def _broken(steerings: Sequence[Steering], error: BackendError) -> BackendError:
    added = " and ".join(f"{one.coefficient:+g} {one.vector.name!r} at layer {one.vector.layer}" for one in steerings)
    told = BackendError(
        f"Adding {added or 'nothing'} made the model's numbers NaN or infinite, so the rerun stopped and the baseline "
        "is kept; use a smaller coefficient."
    )
    told.partial = getattr(error, "partial", None)  # type: ignore[attr-defined]
    return told
