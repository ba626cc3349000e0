"""Traces of exchanges and of transcripts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.exchange import Reply, asked, replies
from cotlens.trace.readers.recorded import recorded
from cotlens.trace.trace import Trace

COPIED = "The thought of turn {} was a summary where it was first given, so it is one here."


def of_exchange(
    request: Mapping[str, Any] | None, response: Mapping[str, Any] | None, *, model: Any = None
) -> list[Trace]:
    """The traces of a request and its response: one per answer that the response holds.

    Args:
        request, response: their bodies; one may be missing.
        model: in whose format the text is tokenised.

    Raises:
        InputError: neither holds messages, or their shape isn't known.
    """
    writer = _writer(request, response)
    before = [] if request is None else asked(request, writer)
    if response is None:
        return [from_parts(Trace, before, meta=_about(writer), model=model, reader=FinalAnswer())]
    return [_trace(before, reply, writer, response, model) for reply in replies(response, writer)]


def of_exchanges(exchanges: Sequence[Mapping[str, Any]], *, model: Any = None) -> list[Trace]:
    """The traces of several exchanges; a summary that is sent back later, maybe to another model, stays one."""
    found: list[Trace] = []
    summaries: set[str] = set()
    for exchange in exchanges:
        for trace in of_exchange(exchange.get("request"), exchange.get("response"), model=None):
            told = _copied(trace, summaries)
            summaries |= {_bare(part) for part in told.thoughts if part.status == "summary"}
            found.append(told if model is None or not told.thoughts else told.focus(-1, model=model))
    return found


def _copied(trace: Trace, summaries: set[str]) -> Trace:
    copied = {part.order for part in trace.thoughts if part.status == "verbatim" and _bare(part) in summaries}
    if not copied:
        return trace
    parts = [dataclasses.replace(part, status="summary") if part.order in copied else part for part in trace.parts]
    notes = [COPIED.format(trace.parts[order].turn) for order in sorted(copied)]
    about = {**trace.meta, "notes": [*trace.meta.get("notes", ()), *notes]}
    origin = dataclasses.replace(trace.origin, trace=dataclasses.replace(trace.origin.trace, given_parts=tuple(parts)))
    return dataclasses.replace(trace, given_parts=tuple(parts), meta=about, origin=origin)


def _bare(part: Part) -> str:
    return "".join(part.text.split())


def _trace(before: list[Part], reply: Reply, writer: str, response: Mapping[str, Any], model: Any) -> Trace:
    if not before and not reply.parts:
        raise InputError("The response holds no text, and there is no request; nothing can be read.")
    first = before[-1].turn + 1 if before else 0
    after = [dataclasses.replace(part, turn=part.turn + first) for part in _from_zero(reply.parts)]
    tokens, notes = recorded(reply.data, getattr(model, "codec", None))
    about = {**_about(writer, response), "finish": reply.finish, "notes": notes}
    about["recorded_ids"] = bool(tokens and tokens.ids)
    along: dict[int, Recorded] = {first: tokens} if tokens else {}
    return from_parts(Trace, [*before, *after], recorded=along, meta=about, model=model, reader=FinalAnswer())


def _from_zero(parts: Sequence[Part]) -> list[Part]:
    turns: list[list[Part]] = []
    for part in parts:
        if not turns or turns[-1][-1].turn != part.turn:
            turns.append([])
        turns[-1].append(part)
    return [dataclasses.replace(part, turn=turn) for turn, group in enumerate(turns) for part in group]


def _writer(*sources: Mapping[str, Any] | None) -> str:
    """The model that an exchange names: in the response, else in the request."""
    for source in reversed(sources):
        for name in ("model", "modelVersion", "modelId", "model_id"):
            if source and isinstance(source.get(name), str):
                return str(source[name])
    return ""


def _about(writer: str, response: Mapping[str, Any] | None = None) -> dict[str, Any]:
    response = response or {}
    found = {"model": writer, "response_id": response.get("id") or response.get("responseId")}
    return {name: value for name, value in found.items() if isinstance(value, str) and value}
