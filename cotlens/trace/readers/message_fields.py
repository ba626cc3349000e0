"""Values of a message as text, and calls of tools and their results made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cotlens.trace.parts.part import Part

THOUGHTS = (
    *("reasoning_content", "reasoningContent", "reasoning", "thinking", "thoughts", "thought", "reasoning_text"),
    "tool_plan",
)
"""Fields of a message in which a thought stands apart from the answer."""

THINKING = ("thinking", "reasoning", "reasoning_text", "reasoning.text", "thought", "text", "content")
"""Names of what a block of reasoning says."""


def plain_text(found: Any) -> str:
    """The text of a content, whatever it is wrapped in; other data as JSON."""
    if isinstance(found, str):
        return found
    if isinstance(found, Sequence) and not isinstance(found, bytes):
        return "".join(map(plain_text, found))
    if isinstance(found, Mapping):
        for name in ("text", *THINKING, "summary", "json", "output", "result", "logs"):
            if name in found:
                return plain_text(found[name])
    return "" if found is None else as_json(found)


def as_json(value: Any) -> str:
    """Data as JSON text; text, which is JSON already, as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def call(name: Any, arguments: Any, id: Any = "") -> Part:
    """A call of a tool."""
    given = as_json({} if arguments in (None, "") else arguments)
    return Part("tool_call", f"{name or ''}({given})", id=str(id or ""), name=str(name or ""), arguments=given)


def result(content: Any, id: Any = "", name: Any = "") -> Part:
    """What a tool answered."""
    text = plain_text(content)
    marked = _RESPONSE.fullmatch(text)
    return Part("tool_result", marked[1] if marked else text, id=str(id or ""), name=str(name or ""))


_RESPONSE = re.compile(r"\s*<tool_response>\s*(.*?)\s*</tool_response>\s*", re.DOTALL)
"""Around what a tool answered, where a transcript keeps the markers of Hermes and Qwen."""
