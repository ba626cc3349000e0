"""Blocks of content: the pieces that a message is made of, whoever's they are, as parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.message_fields import THINKING, as_json, call, plain_text, result
from cotlens.trace.readers.statuses import status_of
from cotlens.trace.readers.texts.text import parts_within

SEALS = ("encrypted_content", "signature", "data")
"""What holds a thought that nobody but the provider can read."""
_CALLS = (
    *("tool_use", "server_tool_use", "mcp_tool_use", "function_call", "custom_tool_call", "tool_call", "tool-call"),
    *("mcp_call", "function.call", "tool.execution", "dynamic-tool", "builtin-tool-call", "mcp_approval_request"),
)
_RESULTS = (
    *("tool_result", "function_call_output", "custom_tool_call_output", "tool-result", "tool_call_response"),
    *("function_result", "function.result", "tool-return", "builtin-tool-return", "retry-prompt"),
)
_SPOKEN = {
    "user_input": "user",
    "message.input": "user",
    "user-prompt": "user",
    "system-prompt": "system",
    "model_output": "answer",
    "message.output": "answer",
}
SILENT = (
    *("step-start", "step-finish", "cachePoint", "reference", "mcp_list_tools", "item_reference", "additional_tools"),
)
"""What says nothing: borders of steps, places to cache, marks of citations, lists of what could be called."""
_IDS = ("call_id", "tool_use_id", "tool_call_id", "toolCallId", "id")


def blocks(found: Any, kind: str, model: str) -> Iterator[Part]:
    """Parts of a content: a text, a block, or a list of them.

    Args:
        kind: of plain text in it: "system", "user", "answer" or "tool_result".
        model: who wrote it.

    Raises:
        InputError: it holds something that no JSON does.
    """
    if isinstance(found, str):
        yield from _texts(found, kind, model)
    elif isinstance(found, Mapping):
        yield from _block(found, kind, model)
    elif isinstance(found, Sequence) and not isinstance(found, (bytes, bytearray)):
        for one in found:
            yield from blocks(one, kind, model)
    elif isinstance(found, (bool, int, float)):
        yield Part(kind, as_json(found))
    elif found is not None:
        raise InputError(f"A content is text, blocks, or a list of them; it holds a {type(found).__name__}.")


def _texts(text: str, kind: str, model: str) -> Iterator[Part]:
    if kind != "answer":
        yield Part(kind, text)
        return
    yield from parts_within(text, model)


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
        status = "verbatim" if "gemma" in model.lower() else "summary"
        yield Part("thought", plain_text(block.get("text")), channel="thought", status=status)
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
    elif wanted in SILENT or next(iter(block), "") in SILENT:
        return
    elif wanted in _RESULTS or wanted.endswith(("_tool_result", "_call_output")):
        said = next((block[name] for name in ("output", "content", "result", "response") if name in block), "")
        yield result(said, _id_of_call(block), block.get("name") or block.get("tool_name"))
    elif wanted in _CALLS or "toolCallId" in block or (wanted.endswith("_call") and kind == "answer"):
        yield from _called(block, wanted)
    elif wanted == "compaction":
        yield Part(kind, plain_text(block.get("content")) or "[compaction]", channel=wanted)
    elif wanted in _TEXTS and not isinstance(_text(block), (Mapping, list)):
        yield from blocks(_text(block), kind, model)
    elif isinstance(block.get("text"), str):
        yield from _texts(block["text"], kind, model)
    elif any(name in block for name in _AROUND):  # of Bedrock
        inner = next(block[name] for name in _AROUND if name in block)
        yield from blocks(inner.get("content", inner.get("text")), kind, model)
    elif isinstance(block.get("document"), Mapping) and "data" in block["document"]:
        yield Part(kind, plain_text(block["document"]["data"]))
    elif isinstance(block.get("source"), Mapping) and block["source"].get("type") == "text":
        yield Part(kind, plain_text(block["source"].get("data")))
    elif isinstance(block.get("refusal"), str):
        yield Part(kind, block["refusal"], channel="refusal")
    elif wanted or block:
        yield Part(kind, f"[{wanted or next(iter(block))}]", channel="not text")


_TEXTS = ("text", "input_text", "output_text")
_AROUND = ("guardContent", "citationsContent")


def _text(block: Mapping[str, Any]) -> Any:
    return block["text"] if "text" in block else block.get("content")


def _called(block: Mapping[str, Any], wanted: str) -> Iterator[Part]:
    """A call, and what came of it where its block says so."""
    given = next((block[name] for name in _GIVEN if name in block), None)
    given = {"queries": block["queries"]} if given is None and "queries" in block else given
    names = (block.get(name) for name in ("name", "tool_name", "toolName", "tool"))
    name = next((each for each in names if each), wanted.removeprefix("tool-"))
    yield call(name, given, _id_of_call(block))
    came = next((block[name] for name in _CAME if block.get(name) not in (None, [])), None)
    if came is not None:
        yield result(came, _id_of_call(block), name)


_GIVEN = ("input", "arguments", "args", "action", "code", "operation")
_CAME = ("output", "outputs", "results")
"""What a block of a call keeps what came of it in."""


def _id_of_call(block: Mapping[str, Any]) -> Any:
    return next((block[name] for name in _IDS if block.get(name)), "")


def thought(block: Mapping[str, Any], channel: str, model: str) -> Part:
    """A block of reasoning: its text, else its summary, else what is known of why it holds neither."""
    said = _joined(next((block[name] for name in THINKING if block.get(name)), ""))
    summary = _joined(block.get("summary"), "\n\n")
    sealed = any(block.get(name) for name in SEALS)
    if said.strip() == _REDACTED:
        said, status = "", "redacted"
    elif said.strip():
        signed = bool(block.get("signature")) or "claude" in str(block.get("format") or "")
        known = {"google-gemini-v1": "gemini", "openai-responses-v1": "gpt-5"}.get(str(block.get("format")), model)
        status = status_of(known, signed=signed)
    else:
        said, status = summary, "summary" if summary.strip() else "encrypted" if sealed else "stripped"
    return Part("thought", said, channel=channel, status=status, id=_id(block))


_REDACTED = "[REDACTED]"  # what Nova's reasoning reads


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
