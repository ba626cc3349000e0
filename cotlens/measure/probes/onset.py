"""Knowledge onset: from where in the thought on is the answer readable inside, and from where on would it be said?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens.measure.answers.forced import StopPoint, score_points, target_answer
from cotlens.measure.answers.onset import onset
from cotlens.measure.method import RunRecord, check_needs, check_setting, traces_of
from cotlens.measure.probes import calibrating
from cotlens.measure.probes.example import Example, Label, check_examples, covariates, examples, read
from cotlens.measure.probes.fitting import METHODS
from cotlens.measure.probes.probe import ExampleSet, task_of
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace


@dataclass(frozen=True, kw_only=True)
class Onset:
    """When does the model know its answer, and when would it say it?

    One probe reads the label at the last token before the thought and at the end of every sentence, by folds of
    problems. A row per trace and cut: estimate = calibrated held-out probability of the trace's own label there. Beside
    it `control`, the same of a probe of what is known without looking inside (length, place, token embedding), and
    `forced`, the probability of the trace's answer when the thought is closed there, as in `EarlyAnswer`.

    Extras, one number per trace: `onset`, the token before which the thought may stop from which on the probability
    stays at `threshold` or above, -1 for never; `forced_onset` and `control_onset`, the same of the other two; `length`
    of the thought in tokens. Short and long thoughts are told apart in `by_length`: the share of traces known before
    the thought, and ever, in each half. `calibration_error` is the expected one of the leading class.

    Args:
        layer: after which the probe reads.
        site: "resid_post", "attn_out" or "mlp_out".
        threshold: probability that counts as known.
        method: "ridge" or "means".
        folds: how many folds of problems.
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.SCORE
    edit_type: ClassVar[str] = "truncated thought"
    unit: ClassVar[str] = "sentence"

    layer: int
    site: str = "resid_post"
    threshold: float = 0.5
    method: str = "ridge"
    folds: int = 5

    def __post_init__(self) -> None:
        check_setting("Onset", "site", self.site, LAYER_SITES)
        check_setting("Onset", "method", self.method, METHODS)
        object.__setattr__(self, "layer", check.whole("layer", self.layer, 0, of="Onset"))
        object.__setattr__(self, "folds", check.whole("folds", self.folds, 2, of="Onset"))
        object.__setattr__(self, "threshold", check.number("threshold", self.threshold, 0, 1, of="Onset"))

    def run(self, traces: Sequence[Trace], model: Model, label: Label, seed: int = 0) -> Result:
        """Read every trace once, and score its forced answers in one packed pass.

        Args:
            label: of a trace and a token index, as for `examples`; for one trace the same at every cut.

        Raises:
            InputError: a trace without thought or answer, labels of one class, fewer problems than folds, no such
                layer.
            CapabilityError: the model can't be read or scored.
            Cancelled: between two traces.
        """
        check_needs(self, model)
        check_layer(model, self.layer)
        known = traces_of(traces, "Onset")
        each = [examples(trace, label, at="prompt and sentence") for trace in known]
        given, which = [one for part in each for one in part], np.repeat(np.arange(len(each)), list(map(len, each)))
        check_examples(given, self.folds)
        record = RunRecord(self, ExampleSet(tuple(given)), model, seed)
        site, task = f"{self.site}.{self.layer}", task_of(given, "class", self.method, self.folds, check.seed(seed))
        seen = read(model, given, ["embed", site])
        plain = np.hstack([covariates(given), seen["embed"].astype(np.float64)])
        tables = [
            calibrating.calibrated(x, task.labels, task.groups, task.fold, self.method, seed)
            for x in (seen[site].astype(np.float64), plain)
        ]
        own, alone = (table[np.arange(len(given)), task.labels] for table in tables)
        forced = _forced(known, given, which, model)
        cuts = np.array([one.at + 1 for one in given])
        first = np.append(True, which[1:] != which[:-1])
        starts = np.where(first, cuts, np.roll(cuts, 1))
        columns: dict[str, Any] = {
            "start": starts, "end": cuts,
            "text": [one.trace.text[one.trace.offsets[s] : one.trace.offsets[e]]
                     for one, s, e in zip(given, starts, cuts, strict=True)],
            "estimate": own, "low": np.full(len(own), np.nan), "high": np.full(len(own), np.nan),
            "n": np.ones(len(own), np.int64), "status": ["ok"] * len(own),
            "trace": which, "control": alone, "forced": forced, "label": [str(one.label) for one in given],
        }  # fmt: skip
        extras = self._extras(known, which, cuts, {"onset": own, "control_onset": alone, "forced_onset": forced})
        extras["calibration_error"] = calibrating.calibration_error(tables[0], task.labels)
        return Result(
            "onset", "Onset", "held-out probability of the answer's label", "sentence", columns,
            "the higher, the surer the layer is of the answer", "not known at all", "probability",
            record.provenance(), extras,
        )  # fmt: skip

    def _extras(
        self, traces: Sequence[Trace], which: NDArray[Any], cuts: NDArray[Any], curves: dict[str, NDArray[np.float64]]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: np.array([onset(curve[which == i] >= self.threshold, cuts[which == i]) for i in range(len(traces))])
            for name, curve in curves.items()
        }
        first = np.array([trace.roles["thought"].start for trace in traces])
        length = np.array([trace.roles["thought"].end for trace in traces]) - first
        long = length > np.median(length)
        found["by_length"] = {
            word: {
                "traces": int(half.sum()),
                "before the thought": float((found["onset"] == first)[half].mean()),
                "ever": float((found["onset"] >= 0)[half].mean()),
            }
            for word, half in (("short", ~long), ("long", long))
            if half.any()
        }
        return {**found, "length": length, "threshold": self.threshold, "layer": self.layer}


def _forced(
    traces: Sequence[Trace], given: Sequence[Example], which: NDArray[Any], model: Model
) -> NDArray[np.float64]:
    """Probability of each trace's answer where its thought is closed after each place."""
    found, current = np.empty(len(given)), control.current()
    for i, trace in enumerate(traces):
        current.check()
        current.report(i, len(traces), "forced answers")
        rows = np.flatnonzero(which == i).tolist()
        value = target_answer(trace, None, model.reader).surface
        with control.using(current.silent()):
            scored = score_points(model, trace, [StopPoint(given[row].at + 1, value) for row in rows])
        found[rows] = [one.probability for one in scored]
    return found
