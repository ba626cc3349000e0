"""What is known of each trace, and what to measure next.

Results are kept per trace and settings, so going back to a branch costs nothing. What a run has measured so far is
known while it goes on, and stays known when it is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.method import check_needs
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.answers import unread
from cotlens.trace.parts.part import unmeasured
from cotlens.trace.values import numerals
from cotlens.widgets.protocol import editor as protocol
from cotlens.widgets.protocol.editor import Unit
from cotlens.workbench.editor.measure_menu import MEASURES, METRICS, OWN, UNITS, MenuEntry, ShadingSettings
from cotlens.workbench.editor.no_model import WHY
from cotlens.workbench.editor.offers.costs import Price, Rates, price
from cotlens.workbench.editor.offers.offering import CURVE, LENS, asked_of, offers, ordered
from cotlens.workbench.shared.layout import layout

AUTOMATIC_S = 20.0  # work expected to be longer than this waits until it is asked for
NO_CUE = (
    'no cue was told: open the editor with the suspected words of the prompt, cl.CoTEditor(model, trace, cue="...")'
)
NO_PROBE = "no probe was given: open the editor with one, cl.CoTEditor(model, trace, probe=cl.probes.fit(...))"
PARTIAL_S = 0.4  # how often what was measured so far is looked at, at most
PARTIAL_SHARE = 4  # and it takes at most one part in so many of the time
OnPartial = Callable[[], None]
Key = tuple[str, bool, ShadingSettings]


def unmeasurable(trace: Trace) -> str | None:
    """Why nothing about the answer can be measured on this trace, None where it can."""
    thought = trace.roles.get("thought")
    if thought is None or thought.start == thought.end:
        return "the thought is empty"
    if trace.read_answer() is None:
        return unread(trace.reader, trace.finished) if trace.answer else "there is no answer yet"
    return None


def has_probabilities(trace: Trace) -> bool:
    """Whether every token after the first has its probability and alternatives; a latent has none."""
    words = np.delete(trace.logprobs, [0, *trace.latent_tokens])
    return bool(trace.top_ids.shape[1]) and not np.isnan(words).any()


class MeasureRunner:
    """Measures traces of one model and remembers what was measured. Methods run on the model's thread.

    Args:
        changed: called when costs became known that the menu shows.
        why: entry -> what the menu says of it beside its question.
        given: "cue", suspected words of the prompt; "lens" and "probe", what reads under the sentences.
    """

    def __init__(
        self,
        model: Model,
        changed: Callable[[], None],
        why: Mapping[str, str],
        given: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.given = given
        self.model, self._changed, self._why = model, changed, why
        self._lock = threading.Lock()
        self._known: dict[Key, Result] = {}
        self._complete: set[Key] = set()
        self._prices: dict[Key, Price] = {}
        self._rates = Rates()

    def forget(self) -> None:
        """Drop what was measured: the model is another one now. What it costs is known still."""
        with self._lock:
            self._known.clear()
            self._complete.clear()

    def known(self, trace: Trace, shown: ShadingSettings) -> Result | None:
        """The result for `shown` as far as it was measured, None while there is none."""
        with self._lock:
            return self._known.get(_key(trace, shown))

    def measured(self, trace: Trace) -> list[ShadingSettings]:
        """What was measured of a trace, as far as it was."""
        with self._lock:
            return [shown for key, awaits, shown in self._known if (key, awaits) == (trace.id, trace.awaits_rerun)]

    def finished(self) -> dict[Key, Result]:
        """Everything that was measured to its end, by trace, whether it awaits its rerun, and what it is shaded by."""
        with self._lock:
            return {key: result for key, result in self._known.items() if key in self._complete}

    def recall(self, known: Mapping[Key, Result]) -> None:
        """Take up what `finished` told."""
        with self._lock:
            self._known.update(known)
            self._complete.update(known)

    def results(self) -> list[Result]:
        """All that is known."""
        with self._lock:
            return list(self._known.values())

    def alike(self, shown: ShadingSettings, traces: Sequence[Trace]) -> list[Result]:
        """What is known of some traces by the same measure, whatever their spans."""
        wanted, ids = replace(shown, spans=()), {trace.id for trace in traces}
        with self._lock:
            known = [(trace_id, replace(part, spans=()), result) for (trace_id, _, part), result in self._known.items()]
        return [result for trace_id, part, result in known if trace_id in ids and part == wanted]

    def complete(self, trace: Trace, shown: ShadingSettings) -> bool:
        """Whether the result for `shown` is all there."""
        return _key(trace, shown) in self._complete

    def curve(self, trace: Trace) -> Result | None:
        """The early-answer curve of a trace, None while there is none."""
        return self.known(trace, CURVE)

    def read_latents(self, trace: Trace) -> Result | None:
        """What a lens reads at a trace's latents, None while it isn't read."""
        return self.known(trace, LENS)

    def annotated(self, trace: Trace) -> Trace:
        """The trace with every token's probability and alternatives; measured where it lacks them and that can be."""
        if self._read(trace):
            return trace
        began, before = time.monotonic(), self.model.meter.snapshot()
        trace = self.model.annotate(trace)
        self._learn("read", began, before)
        return trace

    def _read(self, trace: Trace) -> bool:
        """Whether there are no probabilities that could be read: all are known, or the model tells none."""
        return has_probabilities(trace) or Capability.SCORE not in self.model.capabilities

    def price(self, trace: Trace, shown: ShadingSettings) -> None:
        """Work out what the menu's measures cost on this trace."""
        for part in self._priced(trace, shown):
            self._price(trace, part)

    def has_all(self, trace: Trace, shown: ShadingSettings, asked: bool) -> bool:
        """Whether nothing is left to be done for a trace."""
        if not self._read(trace):
            return False
        with self._lock:
            priced = all(_key(trace, part) in self._prices for part in self._priced(trace, shown))
        return priced and not self.missing(trace, shown, asked)

    def missing(self, trace: Trace, shown: ShadingSettings, asked: bool) -> list[ShadingSettings]:
        """What to measure now: the chosen measure and the curve, whichever can be, is not known and not too long.

        What was asked for is measured whatever it costs.
        """
        own = [LENS, CURVE] if len(trace.latents) else [CURVE]
        return [
            part
            for part in dict.fromkeys([shown, *own] if asked else [*own, shown])
            if not self.complete(trace, part)
            and self.why_not(trace, part) is None
            and ((asked and part == shown) or not self.asks(trace, part))
        ]

    def run(self, trace: Trace, shown: ShadingSettings, came: OnPartial) -> Result:
        """Measure and remember; `came` is called, on this thread, whenever more of it is known.

        What a cancelled run had measured stays known.
        """
        began, before = time.monotonic(), self.model.meter.snapshot()
        try:
            with control.using(self._followed(trace, shown, came)):
                result = shown.method().run(trace, self.model)
        except Cancelled as cancelled:
            partial = getattr(cancelled, "partial", None)
            if partial is not None:
                self._remember(trace, shown, partial)
            raise
        self._learn("write" if shown.n else "read", began, before)
        self._remember(trace, shown, result)
        self._complete.add(_key(trace, shown))
        return result

    def why_not(self, trace: Trace, shown: ShadingSettings) -> str | None:
        """Why `shown` can't be measured on this trace with this model, None where it can."""
        if not self.model.capabilities:
            return WHY
        if trace.status != "verbatim":
            return unmeasured(trace.status)
        entry, nothing = shown.entry, unmeasurable(trace)
        if nothing is not None and (entry.answer or nothing == "the thought is empty"):
            return nothing
        if shown.unit == "span" and not shown.spans:
            return "no span is chosen yet: select a stretch of the thought and press “Measure this stretch”"
        if entry.cue and not shown.cue:
            return NO_CUE
        if entry.reads == "probe" and shown.inside is None:
            return NO_PROBE
        try:
            check_needs(method := shown.method(), self.model)
            check_fits = getattr(method, "check", None)  # tests of one trace have it, and what was fitted on a model
            if check_fits is not None:
                check_fits(self.model if entry.reads else trace)
            if len(trace.latents):
                method.cost(trace)  # who counts words refuses latents
        except (CapabilityError, InputError) as error:
            return str(error)
        found = _count(trace, shown)
        if found < entry.least:
            return f"it needs at least {entry.least} of its unit ({UNITS[shown.unit]}), and there are {found}"
        return None

    def asks(self, trace: Trace, shown: ShadingSettings) -> bool:
        """Whether it is expected to take so long that it waits until it is asked for."""
        return self._rates.seconds(self._price(trace, shown)) > AUTOMATIC_S

    def menu(self, trace: Trace, shown: ShadingSettings) -> list[protocol.Measure]:
        """The view's `measures`, each with its cost on this trace or the reason why it can't be had."""
        return [
            {
                "id": name,
                "label": offer.entry.label,
                "group": offer.entry.group.label,
                "question": " ".join([offer.entry.words, self._why.get(name, "")]).strip(),
                "units": _units(offer.entry, shown),
                "unit": cast(Unit, offer.unit),
                "metrics": [{"id": metric, "label": METRICS[metric]} for metric in offer.entry.metrics],
                "draws": sorted({*offer.entry.draws, offer.n} - {0}),
                **self._offer(trace, offer),
            }
            for name, offer in offers(shown, asked_of(trace, ordered(self.model)), self.given).items()
        ]

    def _offer(self, trace: Trace, shown: ShadingSettings) -> protocol.Offer:
        if (why := self.why_not(trace, shown)) is not None:
            return {"available": False, "reason": why, "cost": None, "asks": False}
        with self._lock:
            known = self._prices.get(_key(trace, shown))
        if known is None:
            return {"available": True, "reason": None, "cost": None, "asks": False}
        asks = self._rates.seconds(known) > AUTOMATIC_S
        return {"available": True, "reason": None, "cost": self._rates.words(known), "asks": asks}

    def _priced(self, trace: Trace, shown: ShadingSettings) -> list[ShadingSettings]:
        """What the menu shows the cost of, and the curve."""
        parts = dict.fromkeys([*offers(shown, asked_of(trace, MEASURES), self.given).values(), CURVE])
        return [part for part in parts if self.why_not(trace, part) is None]

    def _price(self, trace: Trace, shown: ShadingSettings) -> Price:
        key = _key(trace, shown)
        with self._lock:
            known = self._prices.get(key)
        if known is None:
            known = price(trace, shown)
            with self._lock:
                self._prices[key] = known
        return known

    def _followed(self, trace: Trace, shown: ShadingSettings, came: OnPartial) -> Control:
        """A control that passes on progress and cancelling, and looks at what was measured so far."""
        outer, looked, took = control.current(), time.monotonic(), 0.0

        def progress(done: int, total: int | None, label: str) -> None:
            nonlocal looked, took
            outer.report(done, total, label)
            began = time.monotonic()
            if inner.partial is None or began - looked < max(PARTIAL_S, PARTIAL_SHARE * took):
                return
            self._remember(trace, shown, inner.partial())
            came()
            looked = time.monotonic()
            took = looked - began

        inner = Control(progress)
        inner.cancelled = outer.cancelled
        return inner

    def _remember(self, trace: Trace, shown: ShadingSettings, result: Result) -> None:
        with self._lock:
            self._known[_key(trace, shown)] = result

    def _learn(self, kind: str, began: float, before: Any) -> None:
        if self._rates.learn(kind, self.model.meter.since(before).tokens, time.monotonic() - began):
            self._changed()


def _key(trace: Trace, shown: ShadingSettings) -> Key:
    """What a result is kept under: an edit and a rerun that writes the same text differ in whose answer they have."""
    return trace.id, trace.awaits_rerun, shown


def _count(trace: Trace, shown: ShadingSettings) -> int:
    """How many units a thought has."""
    if shown.unit == "group":
        return sum(1 for _ in numerals(trace.thought))
    if shown.unit == "span":
        return len(shown.spans)
    if shown.unit == "latent":
        return len(trace.latents)
    if shown.unit == "sentence":
        return len(layout(trace).sentences)
    return len(trace.spans(shown.unit)) if shown.entry.least > 1 else 1


def _units(entry: MenuEntry, shown: ShadingSettings) -> list[protocol.UnitOffer]:
    """The units of an entry as the view offers them, with the reason why one can't be had."""
    wanted = entry.units if OWN.keys() & set(entry.units) else [unit for unit in UNITS if unit not in OWN]
    return [{"id": cast(Unit, unit), "label": UNITS[unit], "reason": entry.reason(unit)} for unit in wanted]
