"""Chat completions that go on from the beginning of an answer: what is sent, and what comes back.

A chat endpoint takes messages, and puts them into the model's format itself. A thought is gone on with where the last
message is the assistant's and the server leaves it open; servers want that said in one of three ways (`FLAGS`), and
the thought in one of three fields (`PLACES`). Which of them a server obeys is found out by `chat_probing`.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.chat_formats import templates
from cotlens.models.chat_formats.format import Format
from cotlens.models.endpoint.dialect import Dialect, endings, other_tokens
from cotlens.models.endpoint.errors import BY_TOKENS
from cotlens.models.endpoint.reply import PartialCompletion, choices
from cotlens.trace.prompts import Prompt, conversation

CONTENT = "content"
REASONING = ("reasoning_content", "reasoning")
PLACES = (CONTENT, *REASONING)


@dataclass(frozen=True)
class Flags:
    """How a server is told to leave the last message open: fields of the request, and of that message."""

    request: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)


FLAGS = (
    Flags({"continue_final_message": True, "add_generation_prompt": False}),  # vLLM, SGLang, llama.cpp
    Flags(message={"prefix": True}),  # Mistral, DeepSeek
    Flags(),  # OpenRouter and others: that it is the assistant's says enough
)


@dataclass(frozen=True)
class ChatPrompt:
    """What is sent: messages up to the question, and how the assistant's turn begins, markers and all.

    Args:
        lead: what the chat template itself writes of the turn, such as "<think>" and a line break.
        written: what comes after that; "" for a turn that the server begins.
        rest, held: white space that comes next, which the server has to write itself; see `TextPrompt`.
    """

    messages: tuple[Mapping[str, Any], ...]
    lead: str = ""
    written: str = ""
    rest: str = ""
    held: int = 0


class Conversations:
    """From token ids back to messages: a trace's tokens begin with a conversation that was seen here before.

    Args:
        trimmed: white space that the server takes off the end of what it is sent.
    """

    def __init__(self, form: Format, trimmed: str = "") -> None:
        self._form, self._trimmed, self._known = form, trimmed, dict[str, ChatPrompt]()

    def add(self, prompt: Prompt) -> ChatPrompt:
        """Remember a prompt by what the chat template makes of it."""
        asked, form = conversation(prompt), self._form
        text = "".join(part for part, _ in templates.render(form.codec, form.family, asked).parts)
        at = text.rfind(form.family.open) if form.thinking(form.codec.encode_template(text), 0) else -1
        messages = tuple(templates.with_system(asked.messages, form.family))
        self._known[text] = ChatPrompt(messages, text[at:] if at >= 0 else "")
        return self._known[text]

    def prompt(self, ids: Sequence[int]) -> ChatPrompt:
        """The prompt that a server must be sent to go on from these tokens.

        Raises:
            InputError: it isn't known here, or a server that is sent text would read other tokens.
        """
        codec = self._form.codec
        pieces = codec.pieces(ids)
        text = b"".join(pieces).decode("utf-8", "replace")
        begun = max((known for known in self._known if text.startswith(known)), key=len, default=None)
        if begun is None:
            raise InputError(
                "A chat endpoint takes messages, and these tokens don't begin with a prompt in the model's chat "
                "template; make the trace with this model, or with Trace.from_text(..., model=model)."
            )
        ends = list(accumulate(map(len, pieces)))
        first = bisect.bisect_right(ends, len(begun.encode()))  # the first token that isn't all of the prompt
        for held, whole, rest in endings(pieces):
            n = len(ids) - held
            if n <= first and whole != begun:
                break
            kept = whole == begun or whole[-1] not in self._trimmed
            if kept and (n <= first or codec.encode_template(whole)[first - n :] == list(ids[first:n])):
                return replace(self._known[begun], written=whole[len(begun) :], rest=rest, held=held)
        raise other_tokens("messages", codec, ids)


@dataclass(frozen=True)
class ChatDialect(Dialect):
    """How a chat endpoint is spoken to; what isn't said here is as in `Dialect`.

    Args:
        form: the model's format: its markers stand where the server gives thought and answer apart.
        flags, place: how a turn is gone on with; None where the server never does.
        echoes: whether it repeats the beginning that it was sent.
        trims_start, trims_end: white space that it takes off the two ends of that.
        summarises: whether it keeps its thoughts to itself, and gives summaries of them or nothing.
        takes_seed: whether it may be sent one.
        why: why it never goes on, where it doesn't.
    """

    form: Format = field(kw_only=True)
    flags: Flags | None = None
    place: str = CONTENT
    echoes: bool = False
    trims_start: str = ""
    trims_end: str = ""
    summarises: bool = False
    takes_seed: bool = True
    why: str = ""
    path: str = "/chat/completions"

    def body(self, prompt: Any, most: int, **more: Any) -> dict[str, Any]:
        """A request for up to `most` tokens after a `ChatPrompt`.

        Raises:
            CapabilityError: a turn is to be gone on with, and the server can't.
            InputError: its fields can't hold this one as it is.
        """
        most += prompt.held
        more = more if self.takes_seed else {name: value for name, value in more.items() if name != "seed"}
        body = {"model": self.model, "messages": list(prompt.messages), "max_tokens": most, **self.extras, **more}
        if not prompt.written:
            return body
        if self.flags is None:
            raise CapabilityError(f"{self.model!r} can't go on from a given beginning: {self.limits()[0]}.")
        fields = self._placed(prompt.lead + prompt.written)
        if any(text[:1] in self.trims_start for text in fields.values() if text):
            raise InputError(
                "This server takes off the white space with which a turn begins; begin the thought with a word, or "
                f"{BY_TOKENS}."
            )
        last = {"role": "assistant", **fields, **self.flags.message}
        return {**body, "messages": [*prompt.messages, last], **self.flags.request}

    def _placed(self, turn: str) -> dict[str, str]:
        """A turn as the fields of a message."""
        family = self.form.family
        if self.place == CONTENT or family.open not in turn:
            return {CONTENT: turn}
        thought, closed, answer = turn.partition(family.open)[2].removeprefix(family.after_open).partition(family.close)
        if closed and not answer.strip():
            raise InputError(
                f"This server takes a thought in a field of its own ({self.place!r}), and leaves it open until an "
                f"answer comes; begin the answer with a word, or {BY_TOKENS}."
            )
        return {CONTENT: answer.lstrip() if closed else "", self.place: thought}

    def reply(self, where: str, prompt: Any) -> PartialCompletion:
        """What collects the reply to a prompt as it comes."""
        family, turn = self.form.family, prompt.lead + prompt.written
        return PartialChat(
            where,
            opening=family.open + family.after_open if turn.rfind(family.open) <= turn.rfind(family.close) else "",
            closing=self.form.close_text,
            echo=self._placed(turn) if self.echoes and prompt.written else {},
            rest=prompt.rest,
            held=prompt.held,
        )

    def limits(self) -> list[str]:
        """What this server can't do, each as a part of a sentence."""
        found = [] if self.flags is not None else [f"this server never continues a thought, for {self.why}"]
        if self.trims_end:
            found.append("this server takes white space off the end of a begun text, so the model has to write it anew")
        return [*found, *["this server returns summaries of its thoughts only"] * self.summarises]

    def sentence(self) -> str:
        """How this server scores and what it can't do, as `score_path` has it."""
        return "; ".join(["no scoring, because the server takes messages only, not token ids", *self.limits()])

    def about(self) -> dict[str, Any]:
        """What a trace says of how it came here."""
        about = super().about()
        notes = [f"{limit[0].upper()}{limit[1:]}." for limit in self.limits()]
        return {**about, "notes": [*about.get("notes", ()), *notes]} if notes else about


@dataclass
class PartialChat(PartialCompletion):
    """What has come so far of an assistant's turn, as one text with the markers that the server left out.

    Args:
        opening: marker of a thought, where none is open at the end of what was sent.
        closing: what ends one.
        echo: what the server will repeat first, by field.
        thought, answer: what came in the two fields.
        hidden: whether the server speaks of thoughts that it doesn't give.
    """

    opening: str = ""
    closing: str = ""
    echo: Mapping[str, str] = field(default_factory=dict)
    thought: str = ""
    answer: str = ""
    hidden: bool = False

    def take(self, data: Mapping[str, Any]) -> int:
        """Add an answer, or a piece of one; no ids come."""
        self._count(data)
        details = (data.get("usage") or {}).get("completion_tokens_details") or {}
        unseen = int(details.get("reasoning_tokens") or 0)
        for choice in choices(data, self.where):
            part = choice.get("message") or choice.get("delta") or {}
            self.answer += part.get(CONTENT) or ""
            self.thought += next((part[name] for name in REASONING if part.get(name)), "")
            kinds = [str(one.get("type")) for one in part.get("reasoning_details") or () if isinstance(one, Mapping)]
            self.hidden |= any("summary" in kind or "encrypted" in kind for kind in kinds)
            self._put(self._whole())
            self._end(choice)
        self.hidden |= unseen > 0 and not self.thought and not self.answer.startswith(self.opening or self.closing)
        return 0

    def _whole(self) -> str:
        answer = _without(self.answer, self.echo.get(CONTENT, ""))
        if not self.thought:
            return answer
        repeated = next((self.echo[name] for name in REASONING if name in self.echo), "")
        return self.opening + _without(self.thought, repeated) + (self.closing + answer if answer else "")


def _without(text: str, repeated: str) -> str:
    """A text without what is repeated before it, which may still be on its way, or come without white space around."""
    if repeated.startswith(text):
        return ""
    return text.removeprefix(repeated if text.startswith(repeated) else repeated.strip())
