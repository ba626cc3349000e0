"""Responses that came in pieces, as one: events of a stream, as text or as a list, joined to what they spell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError
from cotlens.trace.readers.streams import events as joined
from cotlens.trace.readers.streams import steps
from cotlens.trace.readers.streams.events import Event

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
    told = next((_failed(event) for event in reversed(events) if _failed(event)), None)
    reader = _reader(events)
    if reader is not None:
        return {**reader(events), **({"error": told} if told else {})}
    if told is not None:
        return {"error": told}
    raise InputError("The response is a stream of events that aren't known; give the whole response.")


def are_events(response: Sequence[Event]) -> bool:
    """Whether a list holds the events of one stream, rather than responses of their own."""
    return _reader(response) is not None or any(_failed(event) for event in response)


def _failed(event: Event) -> Any:
    """What an event says went wrong; None of any other."""
    if event.get("type") == "error" or event.get("event_type") == "error":
        return event.get("error") or event
    told = event["response"] if isinstance(event.get("response"), Mapping) else {}
    return told.get("error") or (event.get("error") if _chunk(event) else None)


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
    if any(_step(row) or _piece(row) or isinstance(row.get("token"), Mapping) for row in rows):
        return True
    spoken = [row for row in rows if isinstance(row.get("candidates"), list)]
    ids = {row.get("responseId") or row.get("response_id") for row in spoken}
    same = len(ids) == 1 and None not in ids
    return len(spoken) == len(rows) > 1 and (same or not any(map(_ended, spoken[:-1])))


def _parted(before: Event, event: Event) -> bool:
    """Whether another stream begins between two events."""
    ids = [each.get("id") if _chunk(each) else None for each in (before, event)]
    begins = _kind(event) in _BEGIN or "messageStart" in event
    return begins or before.get("done") is True or (all(ids) and ids[0] != ids[1])


_BEGIN = (
    *("message_start", "message-start", "response.created"),
    *("conversation.response.started", "interaction.created", "interaction.start"),
)


def _kind(event: Event) -> str:
    return str(event.get("type") or event.get("event_type") or "")


def _chunk(event: Event) -> bool:
    return isinstance(event.get("choices"), list) or _delta(event)


def _delta(row: Event) -> bool:
    choices = row.get("choices") or row.get("outputs")
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, Mapping) and isinstance(first.get("delta"), Mapping) and "message" not in first


def _ended(row: Event) -> Any:
    first = row["candidates"][0] if row["candidates"] else None
    return isinstance(first, Mapping) and (first.get("finishReason") or first.get("finish_reason"))


_TYPES = (
    *("content_block", "message_start", "response.", "content-", "tool-plan-", "tool-call-", "message-"),
    "conversation.response.",
)


def _typed(event: Event, kinds: str | tuple[str, ...]) -> bool:
    return _kind(event).startswith(kinds)


def _step(event: Event) -> bool:
    """Whether an event is one of Google's interactions."""
    return str(event.get("event_type") or "").startswith(("step.", "content.", "interaction."))


def _output(event: Event) -> bool:
    return isinstance(event.get("output"), Mapping) and isinstance(event["output"].get("choices"), list)


def _piece(event: Event) -> bool:
    """Whether an event is a piece of a text that isn't the last one."""
    if isinstance(event.get("content"), str):
        return event.get("stop") is False
    meta = event.get("meta_info")
    return isinstance(meta, Mapping) and "finish_reason" in meta and not meta["finish_reason"]


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
        about |= {name: value for name, value in event.items() if name not in _CHOSEN and value is not None}
        for piece in event.get("choices") or event.get("outputs") or []:
            choice = choices.setdefault(int(piece.get("index") or 0), {"message": {"role": "assistant"}})
            delta = piece.get("delta") or piece.get("message") or {"content": piece.get("text")}
            joined.join(choice["message"], delta)
            ended = piece.get("finish_reason") or piece.get("finishReason")
            if ended and ended != "REASON_INVALID":  # what xAI has for none yet
                choice["finish_reason"] = ended
            said = piece["logprobs"].get("content") if isinstance(piece.get("logprobs"), Mapping) else None
            if said:
                choice.setdefault("logprobs", {"content": []})["content"] += said
            choice["token_ids"] = [*choice.get("token_ids", ()), *(piece.get("token_ids") or ())]
    return {**about, "choices": [choices[index] for index in sorted(choices)]}


_CHOSEN = ("choices", "outputs")


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
    (lambda event: _typed(event, ("content_block", "message_start")), joined.anthropic),
    (_step, steps.interaction),
    (lambda event: _typed(event, "conversation.response."), steps.conversation),
    (lambda event: "contentBlockDelta" in event or "contentBlockStart" in event, joined.bedrock),
    (lambda event: _typed(event, ("content-", "tool-plan-", "tool-call-")), joined.cohere),
    (lambda event: _typed(event, "response."), joined.responses),
    (lambda event: isinstance(event.get("done"), bool), joined.ollama),
    (lambda event: isinstance(event.get("token"), Mapping), joined.tokens),
    (_piece, joined.pieces),
)
