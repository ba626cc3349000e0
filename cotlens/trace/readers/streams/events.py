"""Events of a stream that come in blocks or items, each kind of API its own way, as the response that they spell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from cotlens.trace.readers.message_fields import THOUGHTS, plain_text

Event = Mapping[str, Any]


def join(message: dict[str, Any], delta: Event) -> None:
    """Put a piece of a message behind what there is: texts are joined, lists of blocks too, calls by their index."""
    for name, value in delta.items():
        if name in _TEXTS and isinstance(value, str):
            say(message, name, value)
        elif name == "content" and isinstance(value, list):
            for block in value:
                say(message, name, block)
        elif name == "tool_calls" and isinstance(value, list):
            calls = message.setdefault("tool_calls", [])
            for piece in value:
                call = _numbered(calls, piece.get("index", len(calls)), {"function": {}})
                join(call, {key: inner for key, inner in piece.items() if key not in ("index", "function")})
                join(call["function"], piece.get("function") or {})
        elif name == "reasoning_details" and isinstance(value, list):
            for piece in value:
                _detail(message.setdefault(name, []), piece)
        elif value is not None:
            message[name] = value


_TEXTS = (
    *THOUGHTS,
    *("content", "refusal", "response", "text", "signature", "partial_json", "arguments"),
)


def _numbered(found: list[dict[str, Any]], index: Any, empty: Event) -> dict[str, Any]:
    """The one of an index; a new one where there is none yet, however large the index that an event claims."""
    known = next((each for each in found if each["index"] == index), None)
    if known is None:
        known = {**empty, "index": index}
        found.append(known)
    return known


def say(message: dict[str, Any], name: str, piece: Any) -> None:
    """A text or a block at the end of a field, which becomes a list once there is a block in it."""
    there = message.get(name)
    if isinstance(piece, str) and not isinstance(there, list):
        message[name] = (there or "") + piece
        return
    found = there if isinstance(there, list) else [{"type": "text", "text": there}] if there else []
    block = {"type": "text", "text": piece} if isinstance(piece, str) else dict(piece)
    last = found[-1] if found else None
    if last and last.get("type") == block.get("type") == "text":
        last["text"] += block.get("text") or ""
    elif last and last.get("type") == block.get("type") == "thinking" and not last.get("closed"):
        both = [last.get("thinking") or "", block.get("thinking") or ""]
        last["thinking"] = [each for part in both for each in (part if isinstance(part, list) else [part])]
    elif last and last.get("type") == block.get("type") == "reasoning" and "summary" in last and "summary" in block:
        last["summary"] = [{"type": "summary_text", "text": plain_text([*last["summary"], *block["summary"]])}]
    else:
        found.append(block)
    message[name] = found


def _detail(found: list[dict[str, Any]], piece: Event) -> None:
    """A piece of `reasoning_details`, which belongs to the last of its type and index."""
    last = found[-1] if found else {}
    if (last.get("type"), last.get("index")) != (piece.get("type"), piece.get("index")) or "index" not in piece:
        found.append(dict(piece))
        return
    for name, value in piece.items():
        joined = name in ("text", "summary", "data") and isinstance(value, str)
        if value is not None:
            last[name] = (last.get(name) or "") + value if joined else value


def anthropic(events: Iterable[Event]) -> Event:
    """Of `message_start`, `content_block_start` and `content_block_delta`."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if isinstance(event.get("message"), Mapping):
            message |= event["message"]
        if "content_block" in event:
            blocks[event["index"]] = dict(event["content_block"])
        elif "index" in event and isinstance(event.get("delta"), Mapping):
            piece = {name: value for name, value in event["delta"].items() if name != "type"}
            join(blocks.setdefault(event["index"], {"type": "text"}), piece)
        elif isinstance(event.get("delta"), Mapping):
            message |= event["delta"]
    for block in blocks.values():
        if block.get("partial_json"):
            block["input"] = block["partial_json"]
    return {"role": "assistant", **message, "content": [blocks[index] for index in sorted(blocks)]}


def bedrock(events: Iterable[Event]) -> Event:
    """Of ConverseStream."""
    blocks: dict[int, dict[str, Any]] = {}
    ended = None
    for event in events:
        for name in ("contentBlockStart", "contentBlockDelta"):
            piece = event.get(name)
            if isinstance(piece, Mapping):
                block = blocks.setdefault(int(piece.get("contentBlockIndex") or 0), {})
                _converse(block, piece.get("start") or piece.get("delta") or {})
        if isinstance(event.get("messageStop"), Mapping):
            ended = event["messageStop"].get("stopReason")
    content = [blocks[index] for index in sorted(blocks)]
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": ended}


def _converse(block: dict[str, Any], piece: Event) -> None:
    join(block, {"text": piece.get("text")})
    if isinstance(piece.get("toolUse"), Mapping):
        use = block.setdefault("toolUse", {})
        for name, value in piece["toolUse"].items():
            use[name] = use.get(name, "") + value if name == "input" else value
    thought = piece.get("reasoningContent")
    if isinstance(thought, Mapping):
        inner = block.setdefault("reasoningContent", {})
        if "redactedContent" in thought:
            inner["redactedContent"] = thought["redactedContent"]
        else:
            join(inner.setdefault("reasoningText", {}), thought)


def cohere(events: Iterable[Event]) -> Event:
    """Of `content-start`, `content-delta`, `tool-plan-delta` and `tool-call-start`."""
    blocks: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[str, Any]] = {}
    message: dict[str, Any] = {"role": "assistant"}
    ended = None
    for event in events:
        delta = event.get("delta") or {}
        said = delta.get("message") or {}
        at = int(event.get("index") or 0)
        ended = delta.get("finish_reason") or ended
        if str(event.get("type")).startswith("content-") and isinstance(said.get("content"), Mapping):
            join(blocks.setdefault(at, {}), said["content"])
        if isinstance(said.get("tool_calls"), Mapping):
            _called(calls.setdefault(at, {"function": {}}), said["tool_calls"])
        join(message, {"tool_plan": said.get("tool_plan")})
    content = [blocks[index] for index in sorted(blocks)]
    return {"message": {**message, "content": content, "tool_calls": list(calls.values())}, "finish_reason": ended}


def _called(call: dict[str, Any], piece: Event) -> None:
    join(call["function"], piece.get("function") or {})
    call |= {name: value for name, value in piece.items() if name != "function"}


def tokens(events: Iterable[Event]) -> Event:
    """Of text-generation-inference: a token each, and the whole text with the last."""
    found = [event for event in events if isinstance(event.get("token"), Mapping)]
    shown = [event["token"] for event in found if not event["token"].get("special")]
    last = found[-1]
    whole = last.get("generated_text") or "".join(str(token.get("text") or "") for token in shown)
    return {"generated_text": whole, "details": {**(last.get("details") or {}), "tokens": shown}}


def pieces(events: Iterable[Event]) -> Event:
    """Of llama.cpp, whose pieces are in `content`, and SGLang, whose texts hold all so far."""
    found = list(events)
    name = "content" if isinstance(found[0].get("content"), str) else "text"
    return {**found[-1], name: _grown([event.get(name) for event in found])}


def ollama(events: Iterable[Event]) -> Event:
    """Of lines that end with `done`."""
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {}
    for event in events:
        join(whole, {name: value for name, value in event.items() if name != "message"})
        join(message, event.get("message") or {})
    return {**whole, **({"message": message} if message else {})}


def dashscope(events: Iterable[Event]) -> Event:
    """Of outputs with choices, each of which holds what is new, or all so far."""
    found = [choice for event in events for choice in event["output"].get("choices") or []]
    messages = [choice.get("message") or {} for choice in found]
    texts = {name: _grown([m.get(name) or "" for m in messages]) for name in ("content", "reasoning_content")}
    message = {**(messages[-1] if messages else {}), **texts}
    ended = next((choice["finish_reason"] for choice in reversed(found) if choice.get("finish_reason")), None)
    return {"output": {"choices": [{"message": message, "finish_reason": ended}]}}


def _grown(pieces: Iterable[Any]) -> str:
    """Pieces as one text; where each begins with the one before it, the last is all of it."""
    said = [piece for piece in pieces if isinstance(piece, str) and piece]
    whole = len(said) > 1 and all(later.startswith(sooner) for sooner, later in pairwise(said))
    return said[-1] if whole else "".join(said)


def responses(events: Iterable[Event]) -> Event:
    """Of Responses whose stream was cut off: its items as far as they came."""
    items: dict[int, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    for event in events:
        if isinstance(event.get("response"), Mapping):
            about |= {name: value for name, value in event["response"].items() if name in _ABOUT and value}
        at = int(event.get("output_index") or 0)
        if isinstance(event.get("item"), Mapping):
            items[at] = dict(event["item"])
        elif isinstance(event.get("delta"), str):
            _grow(items.setdefault(at, {"type": "message", "role": "assistant"}), str(event.get("type")), event)
    return {**about, "object": "response", "output": [items[index] for index in sorted(items)]}


_ABOUT = ("id", "model", "status", "incomplete_details")


def _grow(item: dict[str, Any], kind: str, event: Event) -> None:
    if kind.startswith("response.function_call_arguments"):
        join(item, {"arguments": event["delta"]})
        return
    summary = kind.startswith("response.reasoning_summary")
    blocks = [
        {"index": number, **each} for number, each in enumerate(item.get("summary" if summary else "content") or [])
    ]
    at = event.get("summary_index" if summary else "content_index") or 0
    wanted = "summary_text" if summary else "reasoning_text" if item.get("type") == "reasoning" else "output_text"
    join(_numbered(blocks, at, {"type": wanted, "text": ""}), {"text": event["delta"]})
    item["summary" if summary else "content"] = blocks
