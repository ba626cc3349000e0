"""What a page can answer without a kernel: the states that a view was in, and what leads from one to another.

A controller that knows what it would show after a request records it; the page plays it back. What was never asked for
has no state, and the page says so instead of showing something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Traits = Mapping[str, Any]
Request = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """One state of a view.

    Args:
        traits: what it shows.
        steps: (request, state): a message that has all the fields of the request leads to the state of that number; a
            field that the message leaves open fits anything. The first that fits is taken.
    """

    traits: Traits
    steps: Sequence[tuple[Request, int]] = ()


@dataclass(frozen=True)
class Recording:
    """States of a view, and answers that change none.

    Args:
        states: the first is shown when the page opens.
        answers: kind of message -> (the fields that an answer is looked up by, values of these fields -> reply).
        refusal: what is said to every other message.
    """

    states: Sequence[State]
    answers: Mapping[str, tuple[Sequence[str], Mapping[str, Traits]]] = field(default_factory=dict)
    refusal: str = ""


STILL = Recording([State({})])
"""Of a page that only shows."""
