"""Prompts: one text, or a conversation as the list of messages that chat models take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import BackendError, InputError

Prompt = str | Sequence[Mapping[str, Any]]
"""A question, or messages {"role": "user", "content": "..."} of which the last is the user's or a tool's."""

_MESSAGE = "a single message"
_EXAMPLE = "[{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': '12 + 7?'}]"


@dataclass(frozen=True)
class Conversation:
    """A prompt as messages.

    Args:
        messages: with their contents as text; what else a message holds is kept.
        asked: index of the user's last message, whose text is the prompt of the trace.
        listed: whether it was given as messages, rather than as one text.
    """

    messages: tuple[Mapping[str, Any], ...]
    asked: int
    listed: bool

    @property
    def text(self) -> str:
        """What the user asked last."""
        return str(self.messages[self.asked]["content"])

    @property
    def meta(self) -> dict[str, Any]:
        """What a trace keeps of it besides its text: all messages, where they were given."""
        return {"messages": [dict(message) for message in self.messages]} if self.listed else {}


def several(prompt: Any) -> bool:
    """Whether it is a list of prompts, of texts or of conversations, rather than one.

    Raises:
        InputError: it is a list of nothing, or some of it are texts and others conversations, or messages of one.
    """
    if not isinstance(prompt, Sequence) or isinstance(prompt, (str, bytes)):
        return False
    if not prompt:
        raise InputError(f"A list of no prompts was given; give a question, or a list such as {_EXAMPLE}.")
    kinds = [_kind(one) for one in prompt]
    first = next((kind for kind in kinds if kind), "")
    other = next((place for place, kind in enumerate(kinds) if kind not in ("", first)), None)
    if other is not None:
        raise InputError(
            f"Prompt {other + 1} of {len(kinds)} is {kinds[other]}, and prompt {kinds.index(first) + 1} is {first}; "
            f"give texts alone, or each as a list of messages, such as {_EXAMPLE}."
        )
    return first != _MESSAGE


def _kind(one: Any) -> str:
    """What one of a list is, "" where it is nothing that could be asked."""
    if isinstance(one, Mapping):
        return _MESSAGE
    if isinstance(one, str):
        return "a text"
    return "a conversation" if isinstance(one, Sequence) and not isinstance(one, bytes) else ""


@contextmanager
def which_prompt(place: int, count: int | None) -> Iterator[None]:
    """Where one of `count` prompts can't be used, the error says which; None where it isn't one of a list."""
    try:
        yield
    except (InputError, BackendError) as error:
        if count is None:
            raise
        said = str(error)
        raise type(error)(f"Prompt {place + 1} of {count} can't be used: {said[:1].lower()}{said[1:]}") from error


def conversation(prompt: Any) -> Conversation:
    """A prompt as messages.

    Raises:
        InputError: it is neither a text nor a list of messages, nobody asks anything in it, or it holds something other
            than text.
    """
    if isinstance(prompt, str):
        return Conversation(({"role": "user", "content": prompt},), 0, False)
    if isinstance(prompt, Mapping):
        raise InputError(f"One message was given; put it into a list, such as {_EXAMPLE}.")
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes):
        raise InputError(
            f"The prompt must be text or messages, and {prompt!r:.60} is neither; give a question, or a list "
            f"such as {_EXAMPLE}."
        )
    _check_list(prompt)
    messages = tuple(_message(number, message) for number, message in enumerate(prompt, start=1))
    asked = [place for place, message in enumerate(messages) if message["role"] == "user"]
    if not asked:
        raise InputError(f"None of the {len(messages)} messages is the user's; give a list such as {_EXAMPLE}.")
    last = messages[-1]["role"]
    if last == "assistant":
        raise InputError(
            "The last message is the assistant's; end with the user's, and give how the thought should begin as "
            "prefill=, or a whole thought to Trace.from_text(messages, thought, answer, model=model)."
        )
    if last in ("system", "developer"):
        raise InputError(f"The last message is the {last}'s; end with what the user asks.")
    return Conversation(messages, asked[-1], True)


def _check_list(prompt: Sequence[Any]) -> None:
    """Raise InputError where a list holds no messages."""
    if not prompt:
        raise InputError(f"The prompt is empty; give a question, or a list such as {_EXAMPLE}.")
    if all(isinstance(item, str) for item in prompt):
        raise InputError(
            f"A list of {len(prompt)} texts is not one prompt; model.reason(prompts) answers each, and one "
            f"conversation is a list such as {_EXAMPLE}."
        )
    if all(isinstance(item, Sequence) and not isinstance(item, str) for item in prompt):
        raise InputError(f"A list of {len(prompt)} lists is not one prompt; model.reason(conversations) answers each.")


def _message(number: int, message: Any) -> dict[str, Any]:
    """Message number `number`, with its content as text."""
    if not isinstance(message, Mapping):
        raise InputError(f"Message {number} is a {type(message).__name__}; give a dict, as in {_EXAMPLE}.")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise InputError(f"Message {number} has no role; say whose it is, as in {_EXAMPLE}.")
    content = message.get("content")
    if content is None and role != "user":
        return dict(message)  # a call of a tool comes without
    return {**message, "content": _text(number, content)}


def _text(number: int, content: Any) -> str:
    """The text of a content that is a text, or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence) or isinstance(content, bytes):
        kind = type(content).__name__
        raise InputError(f"The content of message {number} is a {kind}; give text, or a list of parts with texts.")
    texts = [part if isinstance(part, str) else _part(number, part) for part in content]
    return "".join(texts)


def _part(number: int, part: Any) -> str:
    text = part.get("text") if isinstance(part, Mapping) else None
    if not isinstance(text, str):
        kind = part.get("type", "dict") if isinstance(part, Mapping) else type(part).__name__
        raise InputError(f"Message {number} holds a part of type {kind!r}; only text can be read.")
    return text
