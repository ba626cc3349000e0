"""Asking whoever judges: a model of CoTLens that can write, or an endpoint that answers messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.method import model_data
from cotlens.models.contract import (
    Answerer,
    Capability,
    Conversation,
    Model,
    OnReply,
    Reply,
    Sent,
    Start,
    remedy,
)
from cotlens.trace import Trace


def answerer(judge: Any) -> Answerer:
    """Who answers, made of what was given as a judge.

    Raises:
        InputError: it is neither a model nor an endpoint.
        CapabilityError: the model can't write.
    """
    if isinstance(getattr(judge, "capabilities", None), Capability):
        if Capability.GENERATE & ~judge.capabilities:
            raise CapabilityError(
                f"A judge has to write, which the backend {judge.backend!r} of {judge.name!r} does not offer: "
                f"{remedy(Capability.GENERATE, judge.backend)}."
            )
        return ModelAnswerer(judge)
    if isinstance(judge, Answerer):
        return judge
    raise InputError(
        f"A {type(judge).__name__} can't judge; give a model (cl.load) or cl.ChatEndpoint(name, endpoint=...)."
    )


@dataclass(frozen=True)
class ModelAnswerer:
    """A model of CoTLens as one who answers messages; its replies are rollouts, which the sample store keeps."""

    model: Model

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def where(self) -> str:
        """The model's."""
        return self.model.where

    def data(self) -> dict[str, Any]:
        """Which model it is."""
        return model_data(self.model)

    def answer(
        self, conversations: Sequence[Conversation], numbers: Sequence[Sequence[int]], sent: Sent, on_reply: OnReply
    ) -> None:
        """Replies to every conversation; see `contract.asking.Answerer`."""
        starts, places = [], []
        for place, (messages, wanted) in enumerate(zip(conversations, numbers, strict=True)):
            if not wanted:
                continue
            start = self._start(messages, wanted)
            room = self.model.context_length - start.at
            if room < sent.max_new_tokens:
                why = (
                    f"The prompt has {start.at} tokens and the reply may have {sent.max_new_tokens}, but the context "
                    f"of {self.name!r} holds {self.model.context_length}."
                )
                for number in wanted:
                    on_reply(place, number, Reply("", "over_budget", why))
                continue
            starts.append(start)
            places.append(place)
        if starts:
            self.model.rollouts(
                starts,
                seed=sent.seed,
                max_new_tokens=sent.max_new_tokens,
                temperature=sent.temperature,
                top_p=sent.top_p,
                on_rollout=lambda at, trace: on_reply(places[at], _number(trace), _reply(trace)),
            )

    def tokens(self, messages: Conversation) -> int:
        """How many tokens a conversation has."""
        return len(self.model.format.open(self._asked(messages)).ids)

    def _start(self, messages: Conversation, wanted: Sequence[int]) -> Start:
        """Where the reply begins: after the template of the turn, and before any thought."""
        return Start(self.model.compose(self._asked(messages), "", None), self.tokens(messages), tuple(wanted))

    def _asked(self, messages: Conversation) -> Any:
        """The messages, or one text for a model that knows no turns."""
        if self.model.format.templated:
            return [dict(message) for message in messages]
        return "\n\n".join(str(message["content"]) for message in messages) + "\n\n"


def _number(trace: Trace) -> int:
    return int(trace.meta["sample"])


def _reply(trace: Trace) -> Reply:
    """What a rollout answers; one without a thought is all answer, and one that is all thought has none yet."""
    text = trace.answer if "answer" in trace.roles else trace.thought
    return Reply(text.strip(), "length" if trace.meta.get("finish") == "length" else "stop")
