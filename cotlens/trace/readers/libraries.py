"""Messages of libraries that keep who speaks in a place of their own, as messages of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(message: Any) -> Any:
    """A message of a library that keeps who speaks elsewhere, as one of a provider."""
    if not isinstance(message, Mapping) or "role" in message:
        return message
    parts = message.get("parts")
    if (
        message.get("kind") in tuple(_EXCHANGED)
        and isinstance(parts, list)
        and all(isinstance(part, Mapping) for part in parts)
    ):
        return _of_pydantic(message)
    named = message["id"][-1:] if isinstance(message.get("id"), list) else []  # as LangChain dumps its objects
    kind = named[0] if named and message.get("type") == "constructor" else message.get("type")
    inner = next((message[name] for name in ("data", "kwargs") if isinstance(message.get(name), Mapping)), message)
    if not isinstance(kind, str) or kind not in _CLASSES or "content" not in inner:
        return message
    # LangChain keeps some of what a model wrote beside the message.
    beside = inner["additional_kwargs"] if isinstance(inner.get("additional_kwargs"), Mapping) else {}
    said = {name: value for name, value in inner.items() if name != "type" and value not in (None, [], "")}
    return {**beside, **said, "role": _CLASSES[kind]}


_CLASSES = {
    **dict.fromkeys(("human", "HumanMessage", "HumanMessageChunk"), "user"),
    **dict.fromkeys(("ai", "AIMessage", "AIMessageChunk"), "assistant"),
    **dict.fromkeys(("system", "SystemMessage"), "system"),
    **dict.fromkeys(("tool", "function", "ToolMessage", "FunctionMessage"), "tool"),
}
_EXCHANGED = {"request": "user", "response": "assistant"}


def _of_pydantic(message: Mapping[str, Any]) -> dict[str, Any]:
    """A request or response of Pydantic AI, whose parts say what they are."""
    parts = [{**part, "type": part.get("part_kind")} for part in message["parts"]]
    return {"role": _EXCHANGED[message["kind"]], "content": parts, "model": message.get("model_name")}
