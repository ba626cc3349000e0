"""Traces of exchanges and of transcripts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part, arranged
from cotlens.trace.readers.exchange import ProviderFailed, Response, asked, replies
from cotlens.trace.readers.files import shaped
from cotlens.trace.readers.logprobs import recorded
from cotlens.trace.readers.streams.joining import are_events, is_stream, whole
from cotlens.trace.trace import Trace

COPIED = "The thought of turn {} was a summary where it was first given, so it is one here."


def of_exchange(
    request: Mapping[str, Any] | None,
    response: Any,
    *,
    model: Any = None,
    summaries: frozenset[str] = frozenset(),
) -> list[Trace]:
    """The traces of a request and its response: one per answer that the response holds.

    Args:
        request, response: their bodies; one may be None. A response may be a stream: its text, or a list of its events.
        model: in whose format the text is tokenised.
        summaries: texts, without whitespace, that are known for summaries; sent back they are none the less.

    Raises:
        InputError: neither holds messages, or their shape isn't known.
    """
    request, response = _asking(opened(request)), opened(response)
    if isinstance(response, str) and not is_stream(response):
        response = {"generated_text": response}
    if isinstance(response, list) and is_stream(response) and not are_events(response):  # of several samples
        return [trace for one in response for trace in of_exchange(request, one, model=model, summaries=summaries)]
    response = whole(response) if is_stream(response) else response
    writer = _writer(request, response)
    before = [] if request is None else asked(request, writer)
    copied = [part.order for part in arranged(before) if part.status == "verbatim" and _bare(part) in summaries]
    notes = [COPIED.format(before[order].turn) for order in copied]
    before = [dataclasses.replace(part, status="summary") if at in copied else part for at, part in enumerate(before)]
    if response is None:
        about = {**_about(writer), "notes": notes}
        return [from_parts(Trace, before, meta=about, model=model, reader=FinalAnswer())]
    return [_trace(before, reply, _about(writer, response), notes, model) for reply in replies(response, writer)]


def _asking(request: Any) -> Mapping[str, Any] | None:
    """A request; a log may hold only its messages, or its question."""
    return {"messages": request} if isinstance(request, (str, list)) and request else request or None


def opened(found: Any) -> Any:
    """What a log of calls or a batch holds a request or response in, taken off: a body, maybe as JSON text."""
    for _ in range(_WRAPPERS):
        if isinstance(found, str):
            found = _parsed(found)
        inner = next((found[name] for name in _BODIES if found.get(name)), None) if _is_wrapper(found) else None
        if inner is None:
            return found
        found = inner
    return found


def _parsed(text: str) -> Any:
    """A body that came as JSON text; the text of a model may be JSON, too, and begin like it."""
    said = text.lstrip("\ufeff \n\r\t")
    if not said.startswith(("{", "[")):
        return text
    try:
        found = loads(text)
    except ValueError as error:
        if said.startswith('{"') and any(f'"{name}"' in said for name in _HELD):
            raise InputError(f"A body that came as text is no whole JSON ({error}); was it cut off?") from error
        return text
    first = found[0] if isinstance(found, list) and found else found
    known = isinstance(first, Mapping) and any(name in first for name in (*_HELD, *_BODIES, *_SHOWN))
    return found if known else text


_SHOWN = (
    *("role", "type", "error", "message", "response", "text", "generated_text", "results", "outputs", "steps"),
    *("result", "object", "event_type", "contentBlockDelta", "promptFeedback", "token"),
)
_BODIES = ("parsed_body", "body", "string", "stream")
_WRAPPERS = 3  # one inside the other, at most: a batch's response, its body, and that as text
_HELD = ("messages", "choices", "content", "output", "candidates", "contents", "input", "prompt")


def _is_wrapper(found: Any) -> bool:
    return isinstance(found, Mapping) and not any(name in found for name in _HELD)


def of_exchanges(exchanges: Sequence[Mapping[str, Any]], *, model: Any = None) -> list[Trace]:
    """The traces of several exchanges; a summary that is sent back later, maybe to another model, stays one."""
    found: list[Trace] = []
    summaries: set[str] = set()
    for number, exchange in enumerate(exchanges, start=1):
        request, response = exchange.get("request"), exchange.get("response")
        with shaped(f"Exchange {number}"):
            try:
                traces = of_exchange(request, response, model=model, summaries=frozenset(summaries))
            except ProviderFailed as error:
                if len(exchanges) == 1 or not request:
                    raise
                traces = [_unanswered(request, str(error), model)]
            except InputError as error:
                raise InputError(
                    f"Exchange {number} can't be read: {error}" if exchanges[1:] else str(error)
                ) from error
        summaries |= {_bare(part) for trace in traces for part in trace.thoughts if part.status == "summary"}
        found += traces
    return found


def _unanswered(request: Any, why: str, model: Any) -> Trace:
    """What was asked and not answered, among others that were: it counts among them."""
    (asking,) = of_exchange(request, None, model=model)
    notes = [*asking.meta.get("notes", ()), why]
    return dataclasses.replace(asking, meta={**asking.meta, "finish": "error", "notes": notes})


def _bare(part: Part) -> str:
    return "".join(part.text.split())


def _trace(before: list[Part], reply: Response, about: Mapping[str, Any], notes: list[str], model: Any) -> Trace:
    if not before and not reply.parts:
        raise InputError("The response holds no text, and there is no request; nothing can be read.")
    first = before[-1].turn + 1 if before else 0
    after = [dataclasses.replace(part, turn=part.turn + first) for part in _from_zero(reply.parts)]
    tokens, more = recorded(reply.data, getattr(model, "codec", None))
    ids = bool(tokens and tokens.ids)
    meta = {**about, "finish": reply.finish, "notes": [*notes, *more], "recorded_ids": ids}
    along: dict[int, Recorded] = {first: tokens} if tokens else {}
    return from_parts(Trace, [*before, *after], recorded=along, meta=meta, model=model, reader=FinalAnswer())


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
