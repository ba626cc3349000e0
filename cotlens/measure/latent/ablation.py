"""Ablation: hand something else on in place of a latent, and see whether the answer still comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, METRICS, target_answer, values
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.calling import with_keywords
from cotlens.measure.importance.shared import table
from cotlens.measure.latent import steps
from cotlens.measure.latent.asking import Asked, answers, ask
from cotlens.measure.latent.steps import Groups
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace, traces_of
from cotlens.measure.stats import mean_interval
from cotlens.models.contract import EFFECTS, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

MODES = ("mean", "zero", "noise", "donor")
DRAWN = ("noise", "donor")
"""Modes of which there may be several replacements, and so an interval."""
ASKED = "LatentAblation can replace"


@dataclass(frozen=True, kw_only=True)
class LatentAblation:
    """If this latent said nothing of this problem, would the answer still come?

    estimate = m(the thought as it is) - m(latents replaced), where m is the `metric` of the trace's answer, forced
    after the whole thought. Positive: they support the answer. What stands in a latent's place, before feedback:

    - mode="mean": the mean of that step over other thoughts (`others=` of `run`). It stays where such latents lie.
      Without others, the mean of this thought's own latents; the extra `mean_of` says which.
    - mode="zero": nothing at all, which no thought ever holds. Effects may be the model's surprise.
    - mode="noise": the latent and a random direction of `scale` times its length added. Soft latents are tokens and no
      points of a space, so they are refused; their mean is the mixture of their mixtures.
    - mode="donor": the same step of other thoughts (`others=`), one after the other.

    With effect="total" all later latents are thought anew, with "direct" they are held at what they were. A latent that
    only counts through later ones shows in the first and not in the second. The column `kept` is the share of
    replacements after which the model still gives the answer; the extra `untouched` is m of the thought as it is.

    Args:
        mode: "mean", "zero", "noise" or "donor".
        effect: "total" or "direct".
        groups: latents that are replaced together, a row each: how many in a row, or a list of lists of their numbers
            from 0. By default each alone.
        draws: of the noise.
        scale: of the noise, in lengths of the latent.
        metric: "logit_difference", "log_probability" or "probability".
        target: the answer to follow; the trace's own by default.
        form: in which words it is given; see `EarlyAnswer`.
    """

    needs: ClassVar[Capability] = Capability.LATENT
    unit: ClassVar[str] = "latent"
    label: ClassVar[str] = "Latent ablation"

    mode: str = "mean"
    effect: str = "total"
    groups: Groups = 1
    draws: int = 8
    scale: float = 1.0
    metric: str = "logit_difference"
    target: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("LatentAblation", "mode", self.mode, MODES)
        check_setting("LatentAblation", "effect", self.effect, EFFECTS)
        check_setting("LatentAblation", "metric", self.metric, tuple(METRICS))
        object.__setattr__(self, "groups", steps.as_groups("LatentAblation", self.groups))
        check.whole("draws", self.draws, 1)
        check.number("scale", self.scale, 0)
        check_form("LatentAblation", self.form)
        if self.target is not None:
            check.text("target", self.target, of="LatentAblation")

    @property
    def edit_type(self) -> str:
        """The row in the table of edit types."""
        return f"activation-level: the latent's {self.mode}, {self.effect}"

    def cost(self, trace: Trace) -> Cost:
        """A pass over one position for every latent, for all rows together, and a forced answer for each."""
        count = len(trace.latents)
        groups = steps.members(trace, self.groups, ASKED)
        rows = len(groups) * (self.draws if self.mode == "noise" else 1)
        return Cost(len(trace.token_ids) + rows * (count + FORCED_TOKENS), 2 + count + rows // 16)

    def run(self, trace: Trace, model: Model, seed: int = 0, *, others: Sequence[Trace] = ()) -> Result:
        """Replace every group in lockstep.

        Args:
            others: thoughts of the same model with as many latents; needed with mode="donor".

        Raises:
            InputError: the trace has no latents or no answer, or the others don't fit.
            CapabilityError: the model can't think in latents.
            Cancelled: between two steps.
        """
        check_needs(self, model)
        check_trace(trace, "LatentAblation")
        rows, donors = steps.members(trace, self.groups, ASKED), traces_of(others, "LatentAblation")
        for one in donors:
            steps.check_alike(trace, one, "other thought")
        if self.mode == "donor" and not donors:
            raise InputError("LatentAblation(mode='donor') needs other thoughts; give others= with some.")
        record, form = RunRecord(self, trace, model, seed), form_of(trace, model, self.form)
        target = target_answer(trace, self.target, model.reader).surface
        fills = self._fills(trace, donors, model, check.seed(seed))
        asked = [Asked([target], {step: fill[step] for step in row}, self.effect) for row in rows for fill in fills]
        [[untouched], *found] = ask(model, trace, [Asked([target]), *asked], form)
        forced = [one for [one] in found]
        base = float(values([untouched], self.metric)[0])
        effects = base - values(forced, self.metric).reshape(len(rows), len(fills))
        kept = np.array([answers(one) for one in forced]).reshape(len(rows), len(fills)).mean(1)
        extras: dict[str, Any] = {
            "untouched": base, "form": described(form), "members": [list(row) for row in rows],
            "drawn": len(fills), **self._told(donors),
        }  # fmt: skip
        made = record.provenance()
        if donors:
            extras["others"], made = [one.id for one in donors], with_keywords(made, others="others")
        found_rows = [steps.as_group(trace, row) for row in rows]
        columns: dict[str, Any] = {"kept": kept}
        if len(fills) > 1:
            intervals = [mean_interval(row, seed) for row in effects]
            columns |= {
                "low": np.array([one.low for one in intervals]), "high": np.array([one.high for one in intervals]),
                "n": np.full(len(rows), len(fills), np.int32),
            }  # fmt: skip
        return table.result(
            self, trace, found_rows, effects.mean(1), target, made, extras,
            status=["exact" if len(fills) == 1 else "ok"] * len(rows), columns=columns,
        )  # fmt: skip

    def _fills(self, trace: Trace, donors: Sequence[Trace], model: Model, seed: int) -> list[NDArray[np.float32]]:
        """What may stand in the latents' places: arrays float32 [k, d_model]."""
        own, mean = trace.latents, steps.mean_of(model)
        if self.mode == "zero":
            return [np.zeros_like(own)]
        if self.mode == "donor":
            return [one.latents for one in donors]
        if self.mode == "mean":
            if not donors:
                return [np.broadcast_to(mean(own), own.shape)]
            return [np.stack([mean(np.stack(step)) for step in zip(*(one.latents for one in donors), strict=True)])]
        steps.check_continuous(model, "LatentAblation(mode='noise')")
        rng = np.random.default_rng(seed)
        lengths = np.linalg.norm(own, axis=1, keepdims=True)
        found = []
        for _ in range(self.draws):
            directions = rng.standard_normal(own.shape)
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            found.append((own + self.scale * lengths * directions).astype(np.float32))
        return found

    def _told(self, donors: Sequence[Trace]) -> dict[str, Any]:
        if self.mode != "mean":
            return {}
        return {"mean_of": f"this step in {len(donors)} other thoughts" if donors else "this thought's own latents"}
