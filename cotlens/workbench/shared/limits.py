"""How much, and how freely, the model may write in one action."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.widgets.protocol import editor

LEAST = 256  # tokens that may be written after a text whose settings nobody knows, at least
_PLAIN = {"temperature": 1.0, "top_p": 1.0, "top_k": 0}


@dataclass(frozen=True)
class Limits:
    """Settings of every writing action; `max_new_tokens` counts what one action writes."""

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int

    def __post_init__(self) -> None:
        check.sampling(self)

    @classmethod
    def of(cls, model: Model, trace: Trace) -> Limits:
        """Those the trace was written with; what it doesn't say is the model's default.

        A text that was given may grow by twice what its thought and answer have.
        """
        begin = trace.roles["prompt"].end if "prompt" in trace.roles else 0
        fitting = {"max_new_tokens": max(LEAST, 2 * (len(trace.token_ids) - begin)), **usual(model)}
        said = {name: trace.meta[name] for name in fitting if trace.meta.get(name) is not None}
        try:
            limits = cls(**{**fitting, **said})
        except InputError:  # a file may say anything
            limits = cls(**fitting)
        return replace(limits, max_new_tokens=min(limits.max_new_tokens, model.context_length))

    def changed(self, given: Limits) -> dict[str, Any]:
        """What a person has set otherwise than it was given: measures have limits of their own until then."""
        return {name: value for name, value in asdict(self).items() if value != getattr(given, name)}

    def options(self, model: Model) -> dict[str, Any]:
        """As options of `model.resume`: the limit, and what isn't known to be the model's default."""
        known = usual(model) if hasattr(model, "defaults") else {}
        others = {name: getattr(self, name) for name in _PLAIN if getattr(self, name) != known.get(name)}
        return {"max_new_tokens": self.max_new_tokens, **others}

    def asked(self, max_new_tokens: int, temperature: float, model: Model) -> Limits:
        """With what a person sets; InputError where that can't be a limit."""
        least = check.number("temperature", temperature, least=0, of="The editor")
        return replace(self, max_new_tokens=min(max_new_tokens, model.context_length), temperature=least)

    def payload(self) -> editor.Limits:
        """As the view's `limits`."""
        return {"max_new_tokens": self.max_new_tokens, "temperature": self.temperature}


def tokens_left(model: Model, most: int, at: int) -> int:
    """How many tokens are written at most from token `at` on: `most`, or what the context leaves."""
    return max(1, min(most, model.context_length - at))


def usual(model: Model) -> dict[str, Any]:
    """How a model samples unless asked otherwise."""
    defaults = getattr(model, "defaults", None)
    return dict(_PLAIN) if defaults is None else {name: defaults.data()[name] for name in _PLAIN}
