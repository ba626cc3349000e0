"""What someone who only answers messages can be asked: no tokens, no thought of his own to go on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Conversation = Sequence[Mapping[str, str]]
"""Messages, each with a role and a content."""

ENDS = ("stop", "length", "refused", "failed", "over_budget")


@dataclass(frozen=True)
class Reply:
    """What came back for one conversation.

    Args:
        text: the answer, without any thought of who answered.
        finish: "stop"; "length", cut off; "refused", the server or the model declined; "failed", no answer came on any
            try; "over_budget", the conversation is longer than the context.
        why: of the last three, in one sentence.
    """

    text: str
    finish: str = "stop"
    why: str = ""


OnReply = Callable[[int, int, Reply], None]
"""Called with (place among the conversations, number of the reply, reply) as each arrives."""


@dataclass(frozen=True)
class Sent:
    """How replies are sampled.

    Args:
        temperature, top_p: of sampling.
        max_new_tokens: the longest reply.
        seed: replies differ by it and by their number, where the one who answers honours seeds.
        schema: JSON schema that a reply must meet, sent where it is taken; None for none.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 1024
    seed: int = 0
    schema: Mapping[str, Any] | None = None


@runtime_checkable
class Answerer(Protocol):
    """Who answers messages."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def where(self) -> str:
        """Where it is."""
        ...

    def data(self) -> dict[str, Any]:
        """Who it is, as a provenance has it."""
        ...

    def answer(
        self, conversations: Sequence[Conversation], numbers: Sequence[Sequence[int]], sent: Sent, on_reply: OnReply
    ) -> None:
        """Replies to every conversation, those of `numbers[i]` to the i-th, told to `on_reply` as they come.

        What is kept from before is told first and not asked again. One that fails is told as a reply that did.

        Raises:
            BackendError: nobody answers at all, or the key is refused; what came before was told.
            Cancelled: by whoever controls the work.
        """
        ...
