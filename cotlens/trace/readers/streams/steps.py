"""Events of APIs whose response is a list of steps: Google's interactions and Mistral's conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cotlens.trace.readers.streams.events import Event, join, say


def interaction(events: Iterable[Event]) -> Event:
    """Of Google's interactions: `step.start` and `step.delta`, or, before 2026, `content.start` and `content.delta`."""
    steps: dict[int, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    for event in events:
        if isinstance(event.get("interaction"), Mapping):
            about |= {name: value for name, value in event["interaction"].items() if value}
        begun = event.get("step") or event.get("content")
        if isinstance(begun, Mapping):
            steps[event.get("index", len(steps))] = dict(begun)
        if isinstance(event.get("delta"), Mapping):
            _stepped(steps.setdefault(event.get("index", 0), {}), event["delta"])
    return {"object": "interaction", **about, "steps": [steps[index] for index in sorted(steps)]}


def _stepped(step: dict[str, Any], delta: Event) -> None:
    kind = str(delta.get("type"))
    if kind.startswith("thought"):
        step["type"] = "thought"
        if isinstance(delta.get("content"), Mapping):
            step["summary"] = [*(step.get("summary") or []), dict(delta["content"])]
        join(step, {"signature": delta.get("signature")})
    elif kind.startswith("arguments"):
        given = step.get("arguments")  # an empty object until they come as text
        step["arguments"] = (given if isinstance(given, str) else "") + str(delta.get("arguments") or "")
    elif kind == "text" and step.get("type") == "model_output":
        say(step, "content", {"type": "text", "text": delta.get("text") or ""})
    else:
        join(step, {"type": kind, **delta})


def conversation(events: Iterable[Event]) -> Event:
    """Of Mistral's conversations: pieces of messages, and calls of functions and of its own tools."""
    found: dict[Any, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    for event in events:
        kind = str(event.get("type"))
        at = (event.get("output_index") or 0, event.get("id"))
        if kind == "message.output.delta":
            message = found.setdefault(at, {"type": "message.output", "role": "assistant"})
            message |= {"model": event["model"]} if event.get("model") else {}
            say(message, "content", event.get("content") or "")
        elif kind == "function.call.delta":
            call = found.setdefault(at, {"type": "function.call"})
            join(call, {name: event.get(name) for name in ("name", "arguments", "tool_call_id")})
        elif kind.startswith("tool.execution."):
            call = found.setdefault(at, {"type": "tool.execution", "id": event.get("id"), "name": event.get("name")})
            join(call, {"arguments": event.get("arguments")})
        else:
            about |= {name: event[name] for name in ("conversation_id",) if name in event}
    return {"object": "conversation.response", **about, "outputs": list(found.values())}
