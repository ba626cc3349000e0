"""Responses that came in pieces, as one: events of a stream, as text or as a list, joined to what they spell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import InputError

_TEXTS = (
    *("content", "reasoning_content", "reasoning", "thinking", "refusal"),
    *("text", "signature", "partial_json", "arguments"),
)


def is_stream(response: Any) -> bool:
    """Whether a response is a stream: lines of events, or a list of them."""
    if isinstance(response, str):
        return response.lstrip().startswith(("data:", "event:", ":"))
    return isinstance(response, list) and bool(response) and all(isinstance(one, Mapping) for one in response)


def whole(response: str | list[Any]) -> Mapping[str, Any]:
    """The response that a stream spells.

    Raises:
        InputError: an event is damaged, or the events are none that are known.
    """
    events = _events(response) if isinstance(response, str) else response
    for event in reversed(events):
        if isinstance(event.get("response"), Mapping) and "output" in event["response"]:
            return dict(event["response"])  # Responses repeat all of it at the end
    if any("candidates" in event for event in events):
        return _google(events)
    if any("choices" in event for event in events):
        return _chat(events)
    if any(str(event.get("type", "")).startswith("content_block") for event in events):
        return _anthropic(events)
    raise InputError("The response is a stream of events that aren't known; give the whole response.")


def _events(text: str) -> list[Mapping[str, Any]]:
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    try:
        found = [loads(line) for line in lines if line and line != "[DONE]"]
    except ValueError as error:
        raise InputError(f"An event of the response's stream can't be read ({error}); was it cut off?") from error
    return [event for event in found if isinstance(event, Mapping)]


def _chat(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    about: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        about |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        for piece in event.get("choices") or []:
            choice = choices.setdefault(int(piece.get("index") or 0), {"message": {"role": "assistant"}})
            _join(choice["message"], piece.get("delta") or piece.get("message") or {"content": piece.get("text")})
            if piece.get("finish_reason"):
                choice["finish_reason"] = piece["finish_reason"]
    return {**about, "choices": [choices[index] for index in sorted(choices)]}


def _join(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Put a piece of a message behind what there is: texts are joined, calls of tools by their index."""
    for name, value in delta.items():
        if name in _TEXTS and isinstance(value, str):
            message[name] = (message.get(name) or "") + value
        elif name == "tool_calls" and isinstance(value, list):
            calls = message.setdefault("tool_calls", [])
            for piece in value:
                at = piece.get("index", len(calls))
                calls += [{"function": {}} for _ in range(at + 1 - len(calls))]
                _join(calls[at], {key: inner for key, inner in piece.items() if key not in ("index", "function")})
                _join(calls[at]["function"], piece.get("function") or {})
        elif name == "reasoning_details" and isinstance(value, list):
            message[name] = [*message.get(name, []), *value]
        elif value is not None:
            message[name] = value


def _anthropic(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if isinstance(event.get("message"), Mapping):
            message |= event["message"]
        if "content_block" in event:
            blocks[event["index"]] = dict(event["content_block"])
        elif "index" in event and isinstance(event.get("delta"), Mapping):
            _join(blocks[event["index"]], {name: value for name, value in event["delta"].items() if name != "type"})
        elif isinstance(event.get("delta"), Mapping):
            message |= event["delta"]
    for block in blocks.values():
        if block.get("partial_json"):
            block["input"] = block["partial_json"]
    return {**message, "content": [blocks[index] for index in sorted(blocks)]}


def _google(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    about: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    ended = None
    for event in events:
        about |= {name: value for name, value in event.items() if name != "candidates"}
        for candidate in (event.get("candidates") or [])[:1]:
            ended = candidate.get("finishReason") or ended
            for part in (candidate.get("content") or {}).get("parts") or []:
                texts = bool(parts) and "text" in part and "text" in parts[-1]
                if texts and part.get("thought") == parts[-1].get("thought"):
                    parts[-1] = {**parts[-1], **part, "text": parts[-1]["text"] + part["text"]}
                else:
                    parts.append(dict(part))
    return {**about, "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": ended}]}
