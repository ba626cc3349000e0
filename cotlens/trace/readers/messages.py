"""Messages as parts: each a turn of one speaker, with its thoughts wherever the message keeps them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.blocks import SEALS, SILENT, blocks, thought
from cotlens.trace.readers.files import shaped
from cotlens.trace.readers.libraries import plain
from cotlens.trace.readers.message_fields import THINKING, THOUGHTS, as_json, call, plain_text, result
from cotlens.trace.readers.statuses import status_of

SPEAKERS = {
    "system": ("system", "developer", "context"),
    "user": ("user", "human", "prompter"),
    "answer": ("assistant", "model", "gpt", "ai", "bot", "agent", "chatbot", "completion"),
    "tool_result": ("tool", "function", "ipython", "observation", "environment", "tool_response"),
}
"""The kind of plain text in a message -> how its speaker may be called."""

ITEMS = (
    *("reasoning", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
    *("user_input", "model_output", "function_result"),
)
"""Types of items that say by these whose they are."""

_KINDS = {name: kind for kind, names in SPEAKERS.items() for name in names}
_WRITTEN = ("thought", "answer", "tool_call")
_CONTENTS = ("content", "parts", "value", "text", "message", "output")


def parts_of(messages: Any, model: str = "") -> list[Part]:
    """Parts of messages of any provider; each message is a turn, items of one speaker in a row are one.

    Args:
        messages: a list of messages or items, or one text, which is a question.
        model: who wrote the assistant's.

    Raises:
        InputError: one of them is no message, or nobody says whose it is.
    """
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        raise InputError(f"Messages are a list; a {type(messages).__name__} was given.")
    turns = []
    for number, message in enumerate(given, start=1):
        with shaped(f"Message {number}"):
            turns.append(list(_message(number, message, model)))
    return in_turns(turns)


def in_turns(turns: Iterable[Sequence[Part]], first: int = 0) -> list[Part]:
    """Parts of messages, with the number of their turn; what the model wrote after an item of its own shares its."""
    found: list[Part] = []
    turn, item = first - 1, False
    for parts in turns:
        if not parts:
            continue
        goes_on = item and parts[0].kind in _WRITTEN  # what follows an item, whether it came as one or as a message
        if not goes_on:
            turn += 1
        item = goes_on or (parts[0].turn == _ITEM and parts[0].kind in _WRITTEN)
        found += [dataclasses.replace(part, turn=turn) for part in parts]
    return found


_ITEM = -1  # turn of a part that came as an item of its own, before turns are numbered


def _message(number: int, message: Any, model: str) -> Iterator[Part]:
    if isinstance(message, str):
        message = {"role": "user", "content": message}
    message = plain(message)
    if not isinstance(message, Mapping):
        raise InputError(f"Message {number} is a {type(message).__name__}; give a dict with a role and a content.")
    kind = speaker(message)
    if kind is None:
        found = [] if "role" in message else list(blocks(message, "answer", model))
        if "type" not in message or not (found or message["type"] in SILENT):
            raise InputError(
                f"Message {number} doesn't say whose it is (its fields: {', '.join(map(str, message))[:80]}); "
                "give it a role: system, user, assistant or tool."
            )
        yield from (dataclasses.replace(part, turn=_ITEM) for part in found)
        return
    own = str(message.get("model") or model)
    if kind == "answer":
        item = message.get("type") == "message"
        yield from (dataclasses.replace(part, turn=_ITEM if item else 0) for part in written(message, own))
    elif kind == "tool_result":
        yield from _results(message)
    else:
        for part in blocks(_content(message), kind, own):  # an example of a thought is none (Mistral's system prompt)
            yield Part(kind, part.text, channel=part.channel) if part.kind == "thought" else part


def speaker(message: Mapping[str, Any]) -> str | None:
    """The kind of plain text in a message, by whose it is; None where it doesn't say."""
    for name in ("role", "from", "author", "source", "speaker"):
        said = message.get(name)
        said = said.get("role") if isinstance(said, Mapping) else said
        wanted = said.lower().removeprefix("role_") if isinstance(said, str) else ""
        if wanted in _KINDS:
            return _KINDS[wanted]
    return None


def written(message: Mapping[str, Any], model: str) -> list[Part]:
    """What a model wrote in one message: thoughts, answers and calls of tools, in their order."""
    apart = _apart(message, model)
    content = list(blocks(_content(message), "answer", model))
    if any(part.text.strip() or part.status in ("redacted", "encrypted") for part in apart):
        texts = {part.text.strip() for part in apart}
        content = [part for part in content if part.kind != "thought" or part.text.strip() not in texts]
    spoken = message["audio"].get("transcript") if isinstance(message.get("audio"), Mapping) else None
    if spoken:
        content.append(Part("answer", str(spoken), channel="audio"))
    if message.get("refusal"):
        content.append(Part("answer", str(message["refusal"]), channel="refusal"))
    return _sealed(message, _thought_first([*apart, *_done(message), *_said(content), *_calls(message)]))


def _said(content: Sequence[Part]) -> list[Part]:
    """Content without empty answers, which stand beside calls of tools; blocks that go on with an answer are one."""
    kept: list[Part] = []
    for part in content:
        last = kept[-1] if kept else None
        if last and (last.kind, last.channel) == (part.kind, part.channel) == ("answer", ""):
            kept[-1] = dataclasses.replace(last, text=last.text + part.text)
        elif part.kind != "answer" or part.text:
            kept.append(part)
    return [part for part in kept if part.kind != "answer" or part.text.strip()]


def _done(message: Mapping[str, Any]) -> Iterator[Part]:
    """Tools that a provider called by itself before the answer (Groq), and what it says of its steps (Perplexity)."""
    for one in message.get("executed_tools") or []:
        yield call(one.get("type") or one.get("name"), one.get("arguments"), one.get("id"))
        if one.get("output") is not None:
            yield result(one["output"], one.get("id"), one.get("type"))
    for one in message.get("reasoning_steps") or []:
        kind = str(one.get("type") or "")
        yield Part("thought", str(one.get("thought") or ""), channel="reasoning_steps", status="summary")
        if kind:
            yield call(kind, one.get(kind))


def _content(message: Mapping[str, Any]) -> Any:
    return next((message[name] for name in _CONTENTS if message.get(name) not in (None, "")), [])


def _apart(message: Mapping[str, Any], model: str) -> list[Part]:
    """Thoughts that stand apart from the content."""
    for name in ("reasoning_details", "reasoningDetails", "thinking_blocks"):
        details = message.get(name)
        if isinstance(details, list) and details:
            found = [part for part in blocks(details, "answer", model) if part.kind == "thought"]
            if any(part.text.strip() for part in found) or not any(message.get(name) for name in THOUGHTS):
                return _joined(found)
    for name in THOUGHTS:
        said = message.get(name)
        if isinstance(said, str) and said.strip():
            return [Part("thought", said, channel=name, status=status_of(model))]
        if isinstance(said, Mapping) and any(each in said for each in (*THINKING, "summary", *SEALS)):
            return [thought(said, name, model)]
        if isinstance(said, list) and said:
            return [Part("thought", plain_text(said), channel=name, status=status_of(model))]
    return []


def _joined(found: Sequence[Part]) -> list[Part]:
    """Chunks of one thought as one: of the same kind and status, one after the other, without ids that differ."""
    kept: list[Part] = []
    for part in found:
        last = kept[-1] if kept else None
        same = last and (last.channel, last.status) == (part.channel, part.status) and last.id == part.id
        if last and same and part.text:
            kept[-1] = dataclasses.replace(last, text=last.text + part.text)
        else:
            kept.append(part)
    return kept


def _calls(message: Mapping[str, Any]) -> Iterator[Part]:
    calls = message.get("tool_calls") or message.get("toolCalls") or []
    if isinstance(message.get("function_call"), Mapping) and "name" in message["function_call"]:
        calls = [*calls, {"function": message["function_call"]}]
    if not isinstance(calls, list) or not all(isinstance(one, Mapping) for one in calls):
        raise InputError("The tool_calls of a message are a list of objects, each with a function; one isn't.")
    for one in calls:
        if one:
            inner = next((one[name] for name in ("function", "custom") if isinstance(one.get(name), Mapping)), one)
            name = inner.get("name") or inner.get("function") or inner.get("function_name") or one.get("type")
            given = next((inner[key] for key in ("arguments", "args", "parameters", "input") if key in inner), None)
            yield call(name, given, one.get("id") or one.get("tool_call_id") or one.get("toolCallId"))


def _results(message: Mapping[str, Any]) -> Iterator[Part]:
    content = _content(message)
    found = [part for part in blocks(content, "tool_result", "") if part.kind == "tool_result"]
    ids = (message.get(name) for name in ("tool_call_id", "toolCallId", "call_id"))
    named = {"id": next(filter(None, ids), None), "name": message.get("name") or message.get("tool_name")}
    if len(found) == 1 and not found[0].id and found[0].channel != "not text":
        yield result(found[0].text, named["id"], named["name"] or found[0].name)
    elif found and all(part.id for part in found):
        yield from found
    else:
        yield result(content if not isinstance(content, Mapping) else as_json(content), named["id"], named["name"])


def _thought_first(parts: list[Part]) -> list[Part]:
    """Some providers give the answer before the one thought that led to it; it was thought first."""
    kinds = [part.kind for part in parts]
    if kinds and "thought" in kinds and kinds[0] == "answer" and set(kinds[kinds.index("thought") :]) == {"thought"}:
        first = kinds.index("thought")
        return [*parts[first:], *parts[:first]]
    return parts


def _sealed(message: Mapping[str, Any], parts: list[Part]) -> list[Part]:
    """What is signed or encrypted, where no thought came, is a thought that nobody can read."""
    if any(part.kind == "thought" for part in parts):
        return parts
    content = _content(message)
    holders = [message, *(content if isinstance(content, list) else [])]
    sealed = [name for one in holders if isinstance(one, Mapping) for name in _SIGNED if one.get(name)]
    return [Part("thought", channel=sealed[0], status="encrypted"), *parts] if sealed else parts


_SIGNED = ("thoughtSignature", "thought_signature", "encrypted_content", "encryptedContent")
