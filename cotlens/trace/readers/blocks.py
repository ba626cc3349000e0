"""Blocks of content: the pieces that a message is made of, whoever's they are, as parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens.trace.parts.part import Part
from cotlens.trace.readers.markers import pieces
from cotlens.trace.readers.statuses import status_of, status_within

THINKING = ("thinking", "reasoning", "reasoning_text", "reasoning.text", "thought", "text", "content")
SEALS = ("encrypted_content", "signature", "data")
"""What holds a thought that nobody but the provider can read."""
_CALLS = (
    *("tool_use", "server_tool_use", "function_call", "custom_tool_call", "tool_call", "tool-call", "mcp_call"),
    *("function.call", "tool.execution", "dynamic-tool"),
)
_RESULTS = (
    *("tool_result", "function_call_output", "custom_tool_call_output", "tool-result"),
    *("function_result", "function.result"),
)
_SPOKEN = {"user_input": "user", "message.input": "user", "model_output": "answer", "message.output": "answer"}
_SILENT = ("step-start", "step-finish")
_IDS = ("call_id", "tool_use_id", "tool_call_id", "toolCallId", "id")


def blocks(found: Any, kind: str, model: str) -> Iterator[Part]:
    """Parts of a content: a text, a block, or a list of them.

    Args:
        kind: of plain text in it: "system", "user", "answer" or "tool_result".
        model: who wrote it.
    """
    if isinstance(found, str):
        yield from _texts(found, kind, model)
    elif isinstance(found, Mapping):
        yield from _block(found, kind, model)
    elif isinstance(found, Sequence) and not isinstance(found, bytes):
        for one in found:
            yield from blocks(one, kind, model)
    elif isinstance(found, (bool, int, float)):
        yield Part(kind, as_json(found))


def plain_text(found: Any) -> str:
    """The text of a content, whatever it is wrapped in; other data as JSON."""
    if isinstance(found, str):
        return found
    if isinstance(found, Sequence) and not isinstance(found, bytes):
        return "".join(map(plain_text, found))
    if isinstance(found, Mapping):
        for name in ("text", *THINKING, "summary", "json", "output", "result"):
            if name in found:
                return plain_text(found[name])
    return "" if found is None else as_json(found)


def as_json(value: Any) -> str:
    """Data as JSON text; text, which is JSON already, as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def call(name: Any, arguments: Any, id: Any = "") -> Part:
    """A call of a tool."""
    given = as_json({} if arguments is None else arguments)
    return Part("tool_call", f"{name or ''}({given})", id=str(id or ""), name=str(name or ""), arguments=given)


def result(content: Any, id: Any = "", name: Any = "") -> Part:
    """What a tool answered."""
    return Part("tool_result", plain_text(content), id=str(id or ""), name=str(name or ""))


def _texts(text: str, kind: str, model: str) -> Iterator[Part]:
    if kind != "answer":
        yield Part(kind, text)
        return
    for found, said in pieces(text):
        if found == "answer":
            yield Part(found, said)
        else:
            yield Part(found, said, channel="content", status=status_within(model))


def _block(block: Mapping[str, Any], kind: str, model: str) -> Iterator[Part]:
    wanted = str(block.get("type") or "")
    if isinstance(block.get("reasoningContent"), Mapping):
        yield _bedrock(block["reasoningContent"], model)
    elif wanted == "redacted_thinking" or (wanted in THINKING and block.get("redacted")):
        summary = plain_text(block.get("summary"))
        yield Part("thought", summary, channel=wanted, status="summary" if summary else "redacted", id=_id(block))
    elif wanted.startswith("reasoning.") or wanted in ("thinking", "reasoning", "thought", "reasoning_text"):
        yield thought(block, wanted, model)
    elif block.get("thought") is True:
        yield Part("thought", plain_text(block.get("text")), channel="thought", status="summary")
    elif wanted in _SPOKEN and "content" in block:
        yield from blocks(block["content"], _SPOKEN[wanted], model)
    elif "content" in block and (wanted == "message" or ("role" in block and not wanted)):
        yield from blocks(block["content"], kind, model)
    else:
        yield from _spoken(block, wanted, kind, model)


def _spoken(block: Mapping[str, Any], wanted: str, kind: str, model: str) -> Iterator[Part]:
    """Blocks that are no thoughts: calls, results, texts, and what isn't text."""
    wrapped = {name: block[name] for name in _WRAPPED if isinstance(block.get(name), Mapping)}
    if wrapped:
        name, inner = next(iter(wrapped.items()))
        yield _WRAPPED[name](inner)
    elif wanted in _SILENT:
        return
    elif wanted in _RESULTS or wanted.endswith(("_tool_result", "_call_output")):
        said = next((block[name] for name in ("output", "content", "result") if name in block), "")
        yield result(said, _id_of_call(block), block.get("name"))
    elif wanted in _CALLS or "toolCallId" in block or (wanted.endswith("_call") and kind == "answer"):
        yield from _called(block, wanted)
    elif isinstance(block.get("text"), str):
        yield from _texts(block["text"], kind, model)
    elif isinstance(block.get("document"), Mapping) and "data" in block["document"]:
        yield Part(kind, plain_text(block["document"]["data"]))
    elif isinstance(block.get("refusal"), str):
        yield Part(kind, block["refusal"], channel="refusal")
    elif wanted or block:
        yield Part(kind, f"[{wanted or next(iter(block))}]", channel="not text")


def _called(block: Mapping[str, Any], wanted: str) -> Iterator[Part]:
    """A call, and what came of it where its block says so."""
    given = next((block[name] for name in ("input", "arguments", "args", "action", "code") if name in block), None)
    names = (block.get(name) for name in ("name", "tool_name", "toolName", "tool"))
    name = next((each for each in names if each), wanted.removeprefix("tool-"))
    yield call(name, given, _id_of_call(block))
    if wanted not in ("mcp_call", "code_interpreter_call") and block.get("output") is not None:
        yield result(block["output"], _id_of_call(block), name)


def _id_of_call(block: Mapping[str, Any]) -> Any:
    return next((block[name] for name in _IDS if block.get(name)), "")


def thought(block: Mapping[str, Any], channel: str, model: str) -> Part:
    """A block of reasoning: its text, else its summary, else what is known of why it holds neither."""
    said = _joined(next((block[name] for name in THINKING if block.get(name)), ""))
    summary = _joined(block.get("summary"), "\n\n")
    sealed = any(block.get(name) for name in SEALS)
    if said.strip():
        signed = bool(block.get("signature")) or "claude" in str(block.get("format") or "")
        known = {"google-gemini-v1": "gemini", "openai-responses-v1": "gpt-5"}.get(str(block.get("format")), model)
        status = status_of(known, signed=signed)
    else:
        said, status = summary, "summary" if summary.strip() else "encrypted" if sealed else "stripped"
    return Part("thought", said, channel=channel, status=status, id=_id(block))


def _joined(found: Any, gap: str = "") -> str:
    return gap.join(map(plain_text, found)) if isinstance(found, list) else plain_text(found)


def _bedrock(inner: Mapping[str, Any], model: str) -> Part:
    told = inner.get("reasoningText")
    if isinstance(told, Mapping):
        return thought(told, "reasoningContent", model)
    return Part("thought", channel="reasoningContent", status="redacted")


def _id(block: Mapping[str, Any]) -> str:
    return str(block.get("id") or "")


_WRAPPED: Mapping[str, Any] = {
    "functionCall": lambda inner: call(inner.get("name"), inner.get("args"), inner.get("id")),
    "function_call": lambda inner: call(inner.get("name"), inner.get("args", inner.get("arguments")), inner.get("id")),
    "functionResponse": lambda inner: result(inner.get("response"), inner.get("id"), inner.get("name")),
    "function_response": lambda inner: result(inner.get("response"), inner.get("id"), inner.get("name")),
    "toolUse": lambda inner: call(inner.get("name"), inner.get("input"), inner.get("toolUseId")),
    "toolResult": lambda inner: result(inner.get("content"), inner.get("toolUseId")),
    "executableCode": lambda inner: call("executableCode", inner.get("code")),
    "codeExecutionResult": lambda inner: result(inner.get("output")),
}
