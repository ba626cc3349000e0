"""What measuring costs, in words and seconds, by what measuring took before."""

from __future__ import annotations

from dataclasses import dataclass

from cotlens.trace import Trace
from cotlens.workbench.editor.measure_menu import ShadingSettings

GUESSED_RATES = {
    "read": 5_000.0,
    "write": 1_000.0,
}  # tokens per second, until work has been timed that tells something:
TELLING_TOKENS, TELLING_S = 1_000, 5.0  # a shorter one is mostly overhead


@dataclass(frozen=True)
class Price:
    """What a run costs.

    Args:
        tokens: token positions through the model: at most, where it reads; about, where it samples.
        rollouts: how many at most, 0 where nothing is sampled.
        each: tokens that one of them is likely to have.
    """

    tokens: int
    rollouts: int = 0
    each: int = 0

    @property
    def kind(self) -> str:
        """Whether tokens are read or written."""
        return "write" if self.rollouts else "read"


def price(trace: Trace, shown: ShadingSettings) -> Price:
    """What it costs to measure a trace.

    A rollout is taken to be half as long as what the trace itself wrote: places are spread over the thought.
    """
    cost = shown.method().cost(trace)
    if not cost.rollouts:
        return Price(cost.tokens)
    thought = trace.roles["thought"]
    each = max(1, (len(trace.token_ids) - thought.start) // 2)
    return Price(cost.rollouts * each, cost.rollouts, each)


class Rates:
    """Tokens per second, read and written: the best that was seen, since first passes and busy moments are slower."""

    def __init__(self) -> None:
        self._timed: dict[str, float] = {}

    def learn(self, kind: str, tokens: int, seconds: float) -> bool:
        """Take note of work that was done; whether it changed a rate."""
        telling = tokens >= TELLING_TOKENS or (kind == "read" and seconds >= TELLING_S)
        if telling:  # few written tokens tell nothing: others came from the store
            self._timed[kind] = max(self._timed.get(kind, 0.0), tokens / max(seconds, 1e-3))
        return telling

    def seconds(self, price: Price) -> float:
        """How long it takes, at a guess where nothing like it was timed."""
        return price.tokens / self._timed.get(price.kind, GUESSED_RATES[price.kind])

    def words(self, price: Price) -> str:
        """The cost in words; seconds only where they were timed."""
        if not price.tokens:
            return "no tokens: it is read off the text"
        if price.rollouts:
            said = f"up to {price.rollouts:,} rollouts of about {price.each} tokens"
        else:
            said = f"at most {price.tokens:,} tokens"
        return f"{said}, about {_duration(self.seconds(price))}" if price.kind in self._timed else said


def _duration(seconds: float) -> str:
    if seconds < 99:
        return f"{seconds:.2g} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36_000 else f"{seconds / 3600:,.0f} h"
