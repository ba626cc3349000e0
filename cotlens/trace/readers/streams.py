"""Responses that came in pieces, as one: events of a stream, as text or as a list, joined to what they spell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens.trace.readers import events as joined
from cotlens.trace.readers.events import Event

_LINES = ("data:", "event:", "id:", "retry:", ":")


def is_stream(response: Any) -> bool:
    """Whether a response is a stream: lines of events, or a list of them."""
    if isinstance(response, str):
        return response.lstrip("\ufeff \r\n\t").startswith(_LINES)
    return isinstance(response, list) and bool(response) and all(isinstance(one, Mapping) for one in response)


def whole(response: str | list[Any]) -> Mapping[str, Any]:
    """The response that a stream spells.

    Raises:
        InputError: an event is damaged, reports an error, or the events are none that are known.
    """
    events = _events(response) if isinstance(response, str) else response
    for event in reversed(events):
        told = event.get("response")
        if isinstance(told, Mapping) and told.get("output"):
            return dict(told)  # Responses repeat all of it at the end
    reader = _reader(events)
    if reader is not None:
        return reader(events)
    if len(events) == 1:  # a list of one response
        return events[0]
    raise InputError("The response is a stream of events that aren't known; give the whole response.")


def streams_in(rows: Sequence[Any]) -> list[list[Event]] | None:
    """The streams that rows of a file are the events of, one after the other; None where they are no events."""
    if not all(isinstance(row, Mapping) for row in rows) or not _are_pieces(rows):
        return None
    found: list[list[Event]] = []
    before: Event | None = None
    for event in rows:
        if before is None or _parted(before, event):
            found.append([])
        found[-1].append(event)
        before = event
    return found


def _are_pieces(rows: Sequence[Event]) -> bool:
    """Whether rows are events of streams, rather than responses of their own."""
    if any(_typed(row, _TYPES) or isinstance(row.get("contentBlockDelta"), Mapping) for row in rows):
        return True
    if any(_delta(row) or row.get("object") == "chat.completion.chunk" or row.get("done") is False for row in rows):
        return True
    ends = [bool(_ended(row)) for row in rows if isinstance(row.get("candidates"), list)]
    return len(ends) == len(rows) > 1 and not any(ends[:-1])


def _parted(before: Event, event: Event) -> bool:
    """Whether another stream begins between two events."""
    ids = [each.get("id") if _chunk(each) else None for each in (before, event)]
    begins = event.get("type") in ("message_start", "message-start", "response.created") or "messageStart" in event
    return begins or before.get("done") is True or (all(ids) and ids[0] != ids[1])


def _chunk(event: Event) -> bool:
    return isinstance(event.get("choices"), list)


def _delta(row: Event) -> bool:
    choices = row.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, Mapping) and isinstance(first.get("delta"), Mapping) and "message" not in first


def _ended(row: Event) -> Any:
    first = row["candidates"][0] if row["candidates"] else None
    return isinstance(first, Mapping) and (first.get("finishReason") or first.get("finish_reason"))


_TYPES = ("content_block", "message_start", "response.", "content-", "tool-plan-", "tool-call-", "message-")


def _typed(event: Event, kinds: str | tuple[str, ...]) -> bool:
    return str(event.get("type", "")).startswith(kinds)


def _output(event: Event) -> bool:
    return isinstance(event.get("output"), Mapping) and isinstance(event["output"].get("choices"), list)


Reader = Callable[[Iterable[Event]], Mapping[str, Any]]


def _reader(events: Sequence[Event]) -> Reader | None:
    """What joins events like these."""
    return next((reader for holds, reader in _READERS if any(map(holds, events))), None)


def _events(text: str) -> list[Event]:
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    try:
        found = [loads(line) for line in lines if line and line != "[DONE]"]
    except ValueError as error:
        raise InputError(f"An event of the response's stream can't be read ({error}); was it cut off?") from error
    return [event for event in found if isinstance(event, Mapping)]


def _chat(events: Iterable[Event]) -> Mapping[str, Any]:
    about: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        about |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        for piece in event.get("choices") or []:
            choice = choices.setdefault(int(piece.get("index") or 0), {"message": {"role": "assistant"}})
            delta = piece.get("delta") or piece.get("message") or {"content": piece.get("text")}
            joined.join(choice["message"], delta)
            if piece.get("finish_reason"):
                choice["finish_reason"] = piece["finish_reason"]
            said = piece["logprobs"].get("content") if isinstance(piece.get("logprobs"), Mapping) else None
            if said:
                choice.setdefault("logprobs", {"content": []})["content"] += said
            choice["token_ids"] = [*choice.get("token_ids", ()), *(piece.get("token_ids") or ())]
    return {**about, "choices": [choices[index] for index in sorted(choices)]}


def _google(events: Iterable[Event]) -> Mapping[str, Any]:
    about: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    ended = None
    for event in events:
        about |= {name: value for name, value in event.items() if name != "candidates"}
        for candidate in (event.get("candidates") or [])[:1]:
            ended = candidate.get("finishReason") or candidate.get("finish_reason") or ended
            for part in _parts(candidate):
                texts = bool(parts) and isinstance(part.get("text"), str) and isinstance(parts[-1].get("text"), str)
                if texts and bool(part.get("thought")) == bool(parts[-1].get("thought")):
                    parts[-1] = {**parts[-1], **part, "text": parts[-1]["text"] + part["text"]}
                else:
                    parts.append(dict(part))
    return {**about, "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": ended}]}


def _parts(candidate: Event) -> Iterator[Mapping[str, Any]]:
    yield from (candidate.get("content") or {}).get("parts") or []


_READERS: tuple[tuple[Callable[[Event], bool], Reader], ...] = (
    (lambda event: "candidates" in event, _google),
    (_chunk, _chat),
    (_output, joined.dashscope),
    (lambda event: _typed(event, "content_block"), joined.anthropic),
    (lambda event: "contentBlockDelta" in event or "contentBlockStart" in event, joined.bedrock),
    (lambda event: _typed(event, ("content-", "tool-plan-", "tool-call-")), joined.cohere),
    (lambda event: _typed(event, "response."), joined.responses),
    (lambda event: isinstance(event.get("done"), bool), joined.ollama),
)
