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
_SHOWN = 40


@dataclass(frozen=True)
class Side:
    """One side.

    Args:
        model: who reads.
        trace: what it reads: its own prompt, and the thought and answer of the trace that is measured.
        shift: by how many tokens these stand later than there.
    """

    model: Model
    trace: Trace
    shift: int = 0


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
    """The side that `other` is beside `model`.

    Raises:
        InputError: it is no model or prompt, or a model with other tokens.
    """
    if is_model(other):
        check_same_tokens(model, other)  # type: ignore[arg-type]
        return Side(other, trace)  # type: ignore[arg-type]
    return asked(model, other_prompt(other, trace), trace)


def asked(model: Model, prompt: Prompt, trace: Trace) -> Side:
    """The thought and answer of a trace, token by token, after another prompt."""
    start = _written_from(model, trace)
    opened = len(model.compose(prompt, "", None, written=()).token_ids)
    return Side(model, model.compose(prompt, "", None, written=trace.token_ids[start:]), opened - start)


def _written_from(model: Model, trace: Trace) -> int:
    """The first token that isn't of the prompt in the model's format; markers that the template opens are."""
    opening = model.compose(trace.meta.get("messages") or trace.prompt, "", None, written=()).token_ids
    return len(opening) if trace.token_ids[: len(opening)] == opening else trace.roles["thought"].start


def check_same_tokens(a: Model, b: Model) -> None:
    """Raise InputError unless every token id means the same to both models."""
    if a.codec is b.codec:
        return
    sizes = [len(model.codec.tokenizer) for model in (a, b)]  # type: ignore[attr-defined]
    mine, theirs = (model.codec.pieces(range(min(sizes))) for model in (a, b))
    at = next((i for i, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1]), None)
    if at is not None:
        raise InputError(
            f"{a.name!r} and {b.name!r} have different tokenizers (token {at} is "
            f"{_text(mine[at])!r} to one and {_text(theirs[at])!r} to the other), so their probabilities are of "
            "different things; compare models with one tokenizer."
        )


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")[:_SHOWN]


def check_scores(*models: Model) -> None:
    """Raise CapabilityError where a model neither shows its whole vocabulary nor scores."""
    for model in models:
        if not (EXACT in model.capabilities or Capability.SCORE in model.capabilities):
            raise CapabilityError(
                f"{model.name!r} gives no log-probabilities of a text, so nothing can be compared: load it locally, or "
                "serve it with vLLM."
            )
