"""A request and its response as one conversation, by their shapes: the fields in which each keeps its messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.blocks import blocks
from cotlens.trace.readers.message_fields import plain_text
from cotlens.trace.readers.messages import in_turns, parts_of, speaker, written

_ENDS = {
    **dict.fromkeys(("stop", "end_turn", "eos", "eos_token", "complete", "completed", "stop_sequence", "word"), "stop"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call", "tool_call"), "stop"),
    **dict.fromkeys(("succeeded", "finish", "finished", "pause_turn", "stop_token"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "incomplete", "model_length", "limit"), "length"),
    **dict.fromkeys(("max_len", "max_context", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("error", "content_filter", "safety", "refusal", "recitation", "failed"), "error"),
}


class ProviderFailed(InputError):
    """A response that says what went wrong in place of a text."""


@dataclass(frozen=True)
class Response:
    """One answer of a response: what the model wrote, how it ended, and the data that its tokens may be in.

    Args:
        parts: of its turn, or turns.
        finish: "stop", "length", "error", or "given" where it doesn't say.
        data: the choice or response it is of.
    """

    parts: list[Part]
    finish: str
    data: Mapping[str, Any]


def asked(request: Mapping[str, Any], model: str) -> list[Part]:
    """What a request says: its system prompt, and its messages."""
    found = []
    for name in ("system", "systemInstruction", "system_instruction", "instructions", "preamble"):
        text = plain_text_of(request.get(name))
        if text:
            found.append([Part("system", text, channel="" if name == "system" else name)])
    said: list[Part] = []
    for source in (request, request.get("input")):  # DashScope wraps what is asked
        for name in (
            "chat_history",
            "messages",
            "input",
            "contents",
            "prompt",
            "message",
            "inputs",
            "inputText",
            "text",
        ):
            given = source.get(name) if isinstance(source, Mapping) else None
            if given not in (None, "", []) and not (name in ("input", "text") and isinstance(given, Mapping)):
                said += _after(said, parts_of(given, model))
    if not said:
        raise InputError("The request holds no messages; give what was asked, or only the response.")
    return in_turns([*found, *_turns(said)])


def plain_text_of(found: Any) -> str:
    """Text of a system prompt, which may be a message or a list of blocks."""
    if isinstance(found, Mapping):
        return "".join(part.text for part in blocks(found.get("parts", found.get("content", found)), "system", ""))
    return "".join(part.text for part in blocks(found, "system", "")) if found else ""


def _after(said: list[Part], more: list[Part]) -> list[Part]:
    first = said[-1].turn + 1 if said else 0
    return [part for turn in _turns(more, first) for part in turn]


def _turns(parts: list[Part], first: int = 0) -> Iterator[list[Part]]:
    turns: dict[int, list[Part]] = {}
    for part in parts:
        turns.setdefault(part.turn, []).append(part)
    for turn, group in turns.items():
        yield [dataclasses.replace(part, turn=turn + first) for part in group]


def replies(response: Mapping[str, Any], model: str) -> list[Response]:
    """The answers in a response; several where it was asked for several.

    Raises:
        InputError: it is none that is known by its shape, or reports an error.
    """
    error = _error(response)
    found = [] if error else [_sealed(reply, response) for reply in _replies(_unwrapped(response), model)]
    told = error or _told(response.get("error"))
    if told and not any(part.text.strip() for reply in found for part in reply.parts):
        raise ProviderFailed(f"The response is an error of the provider ({told}), so there is no text.")
    return [dataclasses.replace(reply, finish="error") for reply in found] if told else found


def _unwrapped(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """A response out of what an API puts around it."""
    inner = response.get("result")
    return inner if isinstance(inner, Mapping) and not any(response.get(name) for name in _TOLD) else response


def _replies(response: Mapping[str, Any], model: str) -> list[Response]:
    for name, reader in _LISTS.items():
        listed = response.get(name)
        if isinstance(listed, list) and listed and any(map(_is_reply, listed)):
            return list(reader(listed, model))
    return [_single(response, model)]


def _is_reply(one: Any) -> bool:
    """Whether an item of a list is an answer of its own, rather than a part of one."""
    return not isinstance(one, Mapping) or ("type" not in one and any(name in one for name in _REPLY))


_REPLY = (
    "message",
    "messages",
    "delta",
    "content",
    "text",
    "generated_text",
    "outputText",
    "finish_reason",
    "finishReason",
)


def _told(error: Any) -> str:
    return plain_text(error.get("message") or error if isinstance(error, Mapping) else error)[:200] if error else ""


def _error(response: Mapping[str, Any]) -> str:
    """What a response says went wrong, where it holds no text; "" of any other."""
    if any(response.get(name) for name in _TOLD) or isinstance(response.get("message"), Mapping):
        return ""
    feedback = response.get("promptFeedback") or response.get("prompt_feedback")
    blocked = feedback.get("blockReason") or feedback.get("block_reason") if isinstance(feedback, Mapping) else None
    about = response.get("base_resp") if isinstance(response.get("base_resp"), Mapping) else {}
    said = [response.get("error"), blocked, (about or {}).get("status_msg"), response.get("detail")]
    if any(name in response for name in ("code", "status_code")) or response.get("object") == "error":
        said.append(response.get("message"))
    return next((_told(each) for each in said if each), "")


_TOLD = (
    *("choices", "content", "output", "outputs", "steps", "candidates", "generated_text", "text", "response"),
    *("results", "generations"),
)


def _choices(choices: list[Any], model: str) -> Iterator[Response]:
    for choice in choices:
        message = choice.get("message") or choice.get("delta") or {"content": _first(choice, _SAID, "")}
        if isinstance(message, str):
            message = {"content": message}
        apart = {name: choice[name] for name in ("reasoning_content", "reasoning") if isinstance(choice.get(name), str)}
        yield Response(written({**apart, **message}, model), _finish(_first(choice, _REASONS)), choice)


def _outputs(outputs: list[Any], model: str) -> Iterator[Response]:
    """Those of xAI: answers, or, where a tool of theirs spoke, the steps of one."""
    spoke = [speaker(one.get("message") or {}) for one in outputs]
    if "tool_result" not in spoke:
        yield from _choices(outputs, model)
        return
    parts = parts_of([one["message"] for one in outputs if one.get("message")], model)
    yield Response(parts, _finish(_first(outputs[-1], _REASONS)), outputs[-1])


def _first(found: Mapping[str, Any], names: Sequence[str], default: Any = None) -> Any:
    return next((found[name] for name in names if found.get(name)), default)


_SAID = ("text", "generated_text", "outputText", "content", "output", "messages")


def _candidates(candidates: list[Any], model: str) -> Iterator[Response]:
    for candidate in candidates:
        content = candidate.get("content") or {}
        yield Response(
            written(content, model), _finish(candidate.get("finishReason") or candidate.get("finish_reason")), candidate
        )


_LISTS: Mapping[str, Callable[[list[Any], str], Iterator[Response]]] = {
    "choices": _choices,
    "candidates": _candidates,
    "outputs": _outputs,
    "results": _choices,
    "generations": _choices,
}
"""Where a response lists its answers."""


def _single(response: Mapping[str, Any], model: str) -> Response:
    output = next((response[name] for name in ("output", "outputs", "steps") if response.get(name)), None)
    if isinstance(output, Mapping) and isinstance(output.get("choices"), list) and output["choices"]:  # DashScope
        return next(_choices(output["choices"], model))
    if isinstance(output, Mapping) and isinstance(output.get("text"), str):
        return Response(written({"content": output["text"]}, model), _finish(output.get("finish_reason")), response)
    if isinstance(output, Mapping) and isinstance(output.get("message"), Mapping):
        return Response(written(output["message"], model), _finish(response.get("stopReason")), response)
    if isinstance(output, list) and output and all(isinstance(item, str) for item in output):  # Replicate
        return Response(written({"content": "".join(output)}, model), _finish(response.get("status")), response)
    if isinstance(output, list) and output and all(isinstance(item, Mapping) and "type" in item for item in output):
        reason = (response.get("incomplete_details") or {}).get("reason") or response.get("status")
        return Response(parts_of(output, model), _finish(reason), response)
    ended = _first(response, _REASONS)
    if isinstance(response.get("generated_text"), list):  # a pipeline of transformers, with all of the conversation
        return Response(parts_of(response["generated_text"], model), _finish(ended), response)
    if isinstance(response.get("message"), Mapping):
        return Response(written(response["message"], model), _finish(ended), response)
    if isinstance(response.get("content"), (list, str)):
        return Response(written(response, model), _finish(ended), response)
    for name in ("generated_text", "text", "generation", "completion", "response", "output_text"):
        if isinstance(response.get(name), str):
            about = response.get("meta_info") or response.get("details") or response
            reason = about.get("finish_reason") or ended
            reason = reason.get("type") if isinstance(reason, Mapping) else reason
            apart = {n: response[n] for n in ("reasoning", "reasoning_content", "thinking") if n in response}
            return Response(written({"content": response[name], **apart}, model), _finish(reason), response)
    raise InputError(
        f"The response has a shape that isn't known (its fields: {', '.join(map(str, response))[:120]}); give its "
        "messages to Trace.from_messages, or name the fields in read_jsonl(path, fields=...)."
    )


_REASONS = (
    *("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "stop_type", "completionReason"),
)


def _finish(reason: Any) -> str:
    said = str(reason).lower().removeprefix("finishreason.").removeprefix("reason_")
    return _ENDS.get(said, "given") if reason else "given"


def _sealed(reply: Response, response: Mapping[str, Any]) -> Response:
    """A reply for whose thought tokens were counted, and none came: it was stripped."""
    if any(part.kind == "thought" for part in reply.parts) or not _thought_tokens(response):
        return reply
    turn = reply.parts[0].turn if reply.parts else 0
    gone = Part("thought", channel="usage", status="stripped", turn=turn)
    return Response([gone, *reply.parts], reply.finish, reply.data)


_USAGE = ("usage", "usageMetadata", "usage_metadata")


def _thought_tokens(response: Mapping[str, Any]) -> int:
    """How many tokens of reasoning a response counts."""
    usage: Mapping[str, Any] = next((response[n] for n in _USAGE if isinstance(response.get(n), Mapping)), {})
    details = [usage, *(usage.get(n) or {} for n in ("completion_tokens_details", "output_tokens_details"))]
    names = ("reasoning_tokens", "thoughtsTokenCount", "thoughts_token_count")
    found = [each[name] for each in details if isinstance(each, Mapping) for name in names if name in each]
    return max((value for value in found if isinstance(value, int)), default=0)
