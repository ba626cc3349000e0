"""The two sides of a difference: each a model with the thought after the prompt it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract import Capability, Model
from cotlens.trace import Trace
from cotlens.trace.prompts import Prompt

Other = Model | Prompt | Callable[[str], Prompt]
"""Who or what the first model is compared with: another model, another prompt, or what makes one of a prompt."""

EXACT = Capability.READ | Capability.DECODE


@dataclass(frozen=True)
class Side:
    """One side.

    Args:
        model: who reads.
        trace: what it reads: its own prompt, and the thought and answer of the trace that is measured.
        shift: by how many tokens these stand later than there.
        own_tokens: whether its tokenizer is another, so that only the text is the same.
    """

    model: Model
    trace: Trace
    shift: int = 0
    own_tokens: bool = False


def is_model(given: Any) -> bool:
    """Whether it is a model."""
    return isinstance(getattr(given, "capabilities", None), Capability)


def check_model(given: Any, what: str) -> None:
    """Raise InputError where something else stands in place of the first model."""
    if not is_model(given):
        raise InputError(
            f"{what} takes a model first, then a model or a prompt to compare it with; a {type(given).__name__} stands "
            "where the first model should."
        )


def other_prompt(other: Other, trace: Trace) -> Prompt:
    """The prompt of the other side; raises InputError where it is neither a model nor a prompt."""
    given = other(trace.prompt) if callable(other) else other
    if isinstance(given, str) or (isinstance(given, Sequence) and all(isinstance(one, dict) for one in given)):
        return given
    raise InputError(
        f"A difference is to another model, another prompt, or a function that makes one; {type(given).__name__} was "
        "given."
    )


def side_of(model: Model, other: Other, trace: Trace) -> Side:
    """The side that `other` is beside `model`; raises InputError where it is neither a model nor a prompt."""
    if not is_model(other):
        return asked(model, other_prompt(other, trace), trace)
    if same_tokens(model, other):  # type: ignore[arg-type]
        return Side(other, trace)  # type: ignore[arg-type]
    return Side(other, retold(other, trace), own_tokens=True)  # type: ignore[arg-type]


def retold(model: Model, trace: Trace) -> Trace:
    """Prompt, thought and answer of a trace in the format and the tokens of another model."""
    answer = trace.answer if "answer" in trace.roles else None
    return model.compose(trace.meta.get("messages") or trace.prompt, trace.thought, answer)


def asked(model: Model, prompt: Prompt, trace: Trace) -> Side:
    """The thought and answer of a trace, token by token, after another prompt."""
    start = _written_from(model, trace)
    opened = len(model.compose(prompt, "", None, written=()).token_ids)
    return Side(model, model.compose(prompt, "", None, written=trace.token_ids[start:]), opened - start)


def _written_from(model: Model, trace: Trace) -> int:
    """The first token that isn't of the prompt in the model's format; markers that the template opens are."""
    opening = model.compose(trace.meta.get("messages") or trace.prompt, "", None, written=()).token_ids
    return len(opening) if trace.token_ids[: len(opening)] == opening else trace.roles["thought"].start


def same_tokens(a: Model, b: Model) -> bool:
    """Whether every token id means the same to both models; what one of them has more of, nobody writes."""
    if a.codec is b.codec:
        return True
    size = min(len(model.codec.tokenizer) for model in (a, b))  # type: ignore[attr-defined]
    mine, theirs = (model.codec.pieces(range(size)) for model in (a, b))
    return list(mine) == list(theirs)


def check_scores(*models: Model) -> None:
    """Raise CapabilityError where a model neither shows its whole vocabulary nor scores."""
    for model in models:
        if not (EXACT in model.capabilities or Capability.SCORE in model.capabilities):
            raise CapabilityError(
                f"{model.name!r} gives no log-probabilities of a text, so nothing can be compared: load it locally, or "
                "serve it with vLLM or llama.cpp."
            )
