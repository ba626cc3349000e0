"""What is known of each trace, and what to measure next.

Results are kept per trace and settings, so going back to a branch costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cotlens._core.errors import Cancelled
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.workbench.measures import CURVE, MEASURES, UNITS, Shown, offers
from cotlens.workbench.payload import metrics

AUTOMATIC_S = 20.0  # work expected to be longer than this waits until it is asked for
GUESSED_RATE = 5_000.0  # tokens per second, until a pass has been timed that tells something:
TELLING_TOKENS, TELLING_S = 1_000, 2.0  # a shorter one is mostly overhead


def unmeasurable(trace: Trace) -> str | None:
    """Why nothing can be measured on this trace, None where it can."""
    thought = trace.roles.get("thought")
    if thought is None or thought.start == thought.end:
        return "the thought is empty"
    if trace.read_answer() is None:
        return "the answer could not be read" if trace.answer else "there is no answer yet"
    return None


def has_probabilities(trace: Trace) -> bool:
    """Whether every token after the first has its probability and alternatives."""
    return bool(trace.top_ids.shape[1]) and not np.isnan(trace.logprobs[1:]).any()


class Measuring:
    """Measures traces of one model and remembers what was measured. Methods run on the model's thread.

    Args:
        changed: called when costs became known that the menu shows.
    """

    def __init__(self, model: Model, changed: Callable[[], None]) -> None:
        self.model, self._changed = model, changed
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Shown], Result] = {}
        self._prices: dict[tuple[str, Shown], int] = {}
        self._rate = 0.0  # tokens per second, from the last pass

    def known(self, trace: Trace, shown: Shown) -> Result | None:
        """The result for `shown`, None while there is none."""
        with self._lock:
            return self._known.get((trace.id, shown))

    def curve(self, trace: Trace) -> Result | None:
        """The early-answer curve of a trace, None while there is none."""
        return self.known(trace, CURVE)

    def annotated(self, trace: Trace) -> Trace:
        """The trace with every token's probability and alternatives; measured where it lacks them."""
        if has_probabilities(trace):
            return trace
        began, before = time.monotonic(), self.model.meter.snapshot()
        trace = self.model.annotate(trace)
        self._learn_rate(began, before)
        return trace

    def price(self, trace: Trace, shown: Shown) -> None:
        """Work out what the menu's measures cost on this trace."""
        if unmeasurable(trace) is None:
            for part in {*offers(), CURVE, shown}:
                self._tokens(trace, part)

    def settled(self, trace: Trace, shown: Shown, asked: bool) -> bool:
        """Whether nothing is left to be done for a trace."""
        if not has_probabilities(trace):
            return False
        if unmeasurable(trace) is not None:
            return True
        with self._lock:
            priced = all((trace.id, part) in self._prices for part in (*offers(), CURVE, shown))
        return priced and not self.missing(trace, shown, asked)

    def missing(self, trace: Trace, shown: Shown, asked: bool) -> list[Shown]:
        """What to measure now: the chosen measure and the curve, whichever is not known and not too long.

        What was asked for is measured whatever it costs. Nothing is, where there is no answer to follow.
        """
        if unmeasurable(trace):
            return []
        wanted = [shown, CURVE] if asked else [CURVE, shown]
        return [
            part
            for part in dict.fromkeys(wanted)
            if not self._complete(trace, part)
            and ((asked and part == shown) or self._seconds(trace, part) <= AUTOMATIC_S)
        ]

    def run(self, trace: Trace, shown: Shown) -> Result:
        """Measure and remember; what a cancelled run had measured is remembered too."""
        began, before = time.monotonic(), self.model.meter.snapshot()
        try:
            result = shown.method().run(trace, self.model)
        except Cancelled as cancelled:
            partial = getattr(cancelled, "partial", None)
            if partial is not None and self.known(trace, shown) is None:
                self._remember(trace, shown, partial)
            raise
        self._learn_rate(began, before)
        self._remember(trace, shown, result)
        return result

    def menu(self, trace: Trace) -> list[dict[str, Any]]:
        """The view's `measures`, each with its cost on this trace or the reason why it can't be had."""
        return [
            {
                "id": name,
                "label": measure.label,
                "units": list(UNITS),
                "metrics": metrics(),
                **self._offer(trace, offer),
            }
            for (name, measure), offer in zip(MEASURES.items(), offers(), strict=True)
        ]

    def _offer(self, trace: Trace, shown: Shown) -> dict[str, Any]:
        method = shown.method()
        lacking = [part.name for part in Capability if part in method.needs and part not in self.model.capabilities]
        if lacking:
            reason = f"needs {' and '.join(map(str, lacking))}, which the backend {self.model.backend!r} does not offer"
            return {"available": False, "reason": reason, "cost": None}
        if (why := unmeasurable(trace)) is not None:
            return {"available": False, "reason": why, "cost": None}
        return {"available": True, "reason": None, "cost": self._cost(trace, shown)}

    def _cost(self, trace: Trace, shown: Shown) -> str | None:
        with self._lock:
            tokens = self._prices.get((trace.id, shown))
        if tokens is None:
            return None
        most = f"at most {tokens:,} tokens through the model"
        return f"{most}, about {tokens / self._rate:.2g} s" if self._rate else most

    def _seconds(self, trace: Trace, shown: Shown) -> float:
        return self._tokens(trace, shown) / (self._rate or GUESSED_RATE)

    def _tokens(self, trace: Trace, shown: Shown) -> int:
        key = (trace.id, shown)
        with self._lock:
            known = self._prices.get(key)
        if known is None:
            known = shown.method().cost(trace).tokens
            with self._lock:
                self._prices[key] = known
        return known

    def _complete(self, trace: Trace, shown: Shown) -> bool:
        result = self.known(trace, shown)
        return result is not None and bool(np.isfinite(result.columns["estimate"]).all())

    def _remember(self, trace: Trace, shown: Shown, result: Result) -> None:
        with self._lock:
            self._known[trace.id, shown] = result

    def _learn_rate(self, began: float, before: Any) -> None:
        spent, seconds = self.model.meter.since(before), time.monotonic() - began
        if spent.tokens >= TELLING_TOKENS or seconds >= TELLING_S:
            self._rate = spent.tokens / max(seconds, 1e-3)
            self._changed()
