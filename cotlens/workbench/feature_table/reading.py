"""What a feature table knows of a trace: its latents, what the answer owes to them, what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import CotLensError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.dashboard import Dashboard
from cotlens.measure.features.effects import ForcedTarget, exact, first_order, forced_target
from cotlens.measure.features.encoded import Encoded, encode_text
from cotlens.measure.features.logits import top_logits
from cotlens.measure.features.rows import Rows, active_rows
from cotlens.measure.features.table import note
from cotlens.models.contract import Capability, Model
from cotlens.models.contract.branches import AnswerBranch
from cotlens.trace import Trace
from cotlens.widgets.protocol.feature_table import Words


@dataclass
class LatentReading:
    """What is known of one trace so far.

    Args:
        rows: active latents, strongest first.
        asked: the forced answer that effects are effects on, None where there is none; then `why` says why.
        note: what makes the table doubtful.
        estimate: latent -> effect to first order, None until it was worked out.
        exact: latent -> (metric as it is, metric with the latent ablated).
        version: another object each time that more is known.
    """

    trace: Trace
    encoded: Encoded
    rows: Rows
    asked: ForcedTarget | None
    why: str = ""
    note: str = ""
    estimate: dict[int, float] | None = None
    exact: dict[int, tuple[float, float]] = field(default_factory=dict)
    version: object = field(default_factory=object)

    def estimates(self) -> NDArray[np.float32]:
        """First-order effects per row; NaN until worked out."""
        if self.estimate is None:
            return np.full(len(self.rows), np.nan, np.float32)
        return np.array([self.estimate.get(latent, 0.0) for latent in self.rows.latents.tolist()], np.float32)

    def effects(self) -> NDArray[np.float32]:
        """Exact effects per row; NaN where not asked for."""
        nothing = (np.nan, np.nan)
        pairs = [self.exact.get(latent, nothing) for latent in self.rows.latents.tolist()]
        return np.array([before - after for before, after in pairs], np.float32)

    def agreement(self) -> tuple[float, int]:
        """(Pearson's r of exact effects and their estimates, over how many latents); NaN for fewer than three."""
        both = np.array([(b - a, (self.estimate or {}).get(latent, 0.0)) for latent, (b, a) in self.exact.items()])
        if self.estimate is None or len(both) < 3 or not (np.ptp(both, axis=0) > 0).all():
            return float("nan"), len(both)
        return float(np.corrcoef(both.T)[0, 1]), len(both)


class LatentReadings:
    """Reads traces with one SAE. What takes long runs on the model's thread; results are kept.

    Args:
        target, metric: the answer and the metric of effects, as in `features`.
    """

    def __init__(self, model: Model, sae: SAE, dashboard: Dashboard | None, target: str | None, metric: str) -> None:
        self._model, self._sae, self._dashboard = model, sae, dashboard
        self._target, self._metric = target, metric
        self._known: dict[str, LatentReading] = {}
        self._words: dict[int, Words] = {}

    def forget(self) -> None:
        """Drop what was read: the model is another one now."""
        self._known.clear()
        self._words.clear()

    def known(self, trace: Trace) -> LatentReading | None:
        """What was read of a trace, if it was."""
        return self._known.get(trace.id)

    def all(self) -> list[LatentReading]:
        """Everything that was read."""
        return list(self._known.values())

    def recall(self, readings: Iterable[LatentReading]) -> None:
        """What was read before."""
        self._known.update({reading.trace.id: reading for reading in readings})

    def read(self, trace: Trace) -> LatentReading:
        """Encode a trace. Raises what `encode_text` raises."""
        known = self.known(trace)
        if known is None:
            encoded = encode_text(self._model, self._sae, trace)
            asked, why = self._question(trace)
            rows, said = active_rows(encoded, (0, len(trace.token_ids)), ()), note(self._model, self._sae, encoded)
            known = LatentReading(trace, encoded, rows, asked, why, said)
            self._known[trace.id] = known
        return known

    def estimate(self, reading: LatentReading) -> None:
        """The first-order effect of every active latent; one pass forward and back."""
        if reading.asked is None or reading.estimate is not None:
            return
        if Capability.GRADIENT not in self._model.capabilities:
            reading.why = f"{self._model.name!r} gives no gradients here, so effects are not estimated."
            return
        reading.estimate = first_order(self._model, self._sae, reading.trace, self._asked(reading))
        reading.version = object()

    def ablate(self, reading: LatentReading, latents: Iterable[int], came: Callable[[], None]) -> None:
        """The exact effects of latents that lack one; `came` is called after each."""
        missing = [latent for latent in dict.fromkeys(latents) if latent not in reading.exact]
        if reading.asked is None or not missing:
            return
        found = exact(self._model, self._sae, reading.trace, self._asked(reading), missing)
        for latent, pair in zip(missing, found, strict=True):
            reading.exact[latent], reading.version = pair, object()
            came()

    def likely(self, reading: LatentReading, count: int) -> list[int]:
        """The `count` latents that the answer seems to owe most to."""
        values = np.abs(reading.estimates())
        if reading.estimate is None:
            return [int(latent) for latent in reading.rows.latents[:count]]
        return [int(latent) for latent in reading.rows.latents[np.argsort(-values, kind="stable")[:count]]]

    def words(self, latents: Sequence[int], *, compute: bool = True) -> dict[int, Words]:
        """Top and bottom logits of latents: the SAE's own, else computed; those that are known without `compute`."""
        for latent in latents:
            known = self._dashboard[latent] if self._dashboard is not None and latent not in self._words else {}
            if known:
                self._words[latent] = {"raises": known["raises"], "lowers": known["lowers"]}
        missing = [latent for latent in latents if latent not in self._words]
        if missing and compute:
            for latent, one in zip(missing, top_logits(self._model, self._sae, missing), strict=True):
                self._words[latent] = {"raises": list(one.raises), "lowers": list(one.lowers)}
        return {latent: self._words[latent] for latent in latents if latent in self._words}

    def _asked(self, reading: LatentReading) -> ForcedTarget:
        """The forced answer; one that was recalled is worked out anew."""
        assert reading.asked is not None
        if not reading.asked.ids:
            reading.asked = forced_target(self._model, reading.trace, self._target, self._metric)
        return reading.asked

    def _question(self, trace: Trace) -> tuple[ForcedTarget | None, str]:
        """What effects are effects on, or why there are none."""
        try:
            return forced_target(self._model, trace, self._target, self._metric), ""
        except CotLensError as error:
            return None, str(error)


def recalled(target: str | None, metric: str) -> ForcedTarget | None:
    """A forced answer of which no more is known than its words, until a model is asked."""
    return None if target is None else ForcedTarget(target, metric, 0, AnswerBranch((), 0, 0), ())
