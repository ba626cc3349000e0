"""Attribution patching: the effect of a patch by gradients, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens.measure.answers.forms import Form, check_form
from cotlens.measure.method import RunRecord, check_needs, check_setting, chosen_layers
from cotlens.measure.patching.grid import DIRECTIONS, UNITS, chosen_directions, measured, whole
from cotlens.measure.patching.pair import Pair, pair_of
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, AnswerBranch, Capability, Intervention, Model, Patch
from cotlens.results import Result
from cotlens.trace import Trace

Activations = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What a patch of every cell would do, to first order.

    A row per layer and unit of the base: estimate = sum over its tokens of (a_source - a_base) dm/da, over m(source) -
    m(base), so that it is a recovery as of `PatchGrid`. With steps=0, plain: the gradient at the base, two backward
    passes for all cells together. It ranks cells; its magnitudes are off wherever m bends between the two. With steps
    > 0, integrated: the mean gradient at that many midpoints between the two activations, each cell on its own path;
    2 * steps backward passes per cell, for magnitudes.

    `patched` is the true recovery where `check_true` asks for it, and the extra `error` the mean distance from it.

    Args:
        steps: midpoints of the path; 0 for plain.
        check_true: also runs every patch.
        unit, site, layers, directions, form: as of `PatchGrid`; one direction by default. `difference` is in nats.

    Source: Nanda 2023, attribution patching; Sundararajan et al. 2017 (arXiv 1703.01365) for the path.
    """

    needs: ClassVar[Capability] = Capability.SCORE | Capability.READ | Capability.WRITE | Capability.GRADIENT
    edit_type: ClassVar[str] = "activation patch to first order, forced answer"

    steps: int = 0
    check_true: bool = False
    unit: str = "sentence"
    site: str = "resid_post"
    layers: tuple[int, ...] | None = None
    directions: tuple[str, ...] = DIRECTIONS[:1]
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("Attribution", "unit", self.unit, UNITS)
        check_setting("Attribution", "site", self.site, LAYER_SITES)
        check_form("Attribution", self.form)
        object.__setattr__(self, "steps", check.whole("steps", self.steps, 0, of="Attribution"))
        object.__setattr__(self, "layers", chosen_layers(self.layers, "Attribution"))
        object.__setattr__(self, "directions", chosen_directions(self.directions, "Attribution"))

    def run(
        self, base: Trace, source: Trace, model: Model, seed: int = 0, *, answers: tuple[str, str] | None = None
    ) -> Result:
        """Attribute to every cell; arguments and errors as of `PatchGrid.run`."""
        check_needs(self, model)
        layers = list(range(model.n_layers)) if self.layers is None else list(self.layers)
        for layer in layers:
            check_layer(model, layer)
        pair = pair_of(base, source, model, answers, self.form)
        record = RunRecord(self, pair, model, seed)
        rows: list[dict[str, Any]] = []
        extras: dict[str, Any] = {"steps": self.steps, "site": self.site, "base": pair.base.answer,
                                  "source": pair.source.answer}  # fmt: skip
        for direction in self.directions:
            found, extras[direction] = self._rows(pair if direction == DIRECTIONS[0] else pair.turned, layers, model)
            rows += [{**row, "direction": direction} for row in found]
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0] if name != "run"}
        if self.check_true:
            gaps = np.abs(np.array(columns["patched"]) - columns["estimate"])[[row["run"] for row in rows]]
            extras["error"] = float(gaps.mean()) if len(gaps) else float("nan")
        return Result(
            "patch", "Attribution", f"attributed recovery of {pair.source.answer!r} against {pair.base.answer!r}",
            self.unit, columns, "+ = supports the source's answer; 1: as the source itself", "as the base itself",
            "recovery", record.provenance(), extras,
        )  # fmt: skip

    def _rows(self, pair: Pair, layers: Sequence[int], model: Model) -> tuple[list[dict[str, Any]], dict[str, float]]:
        """A row per layer and unit of one direction, and what both runs say without a patch."""
        sites = [f"{self.site}.{layer}" for layer in layers]
        theirs = model.read(pair.source.text, sites)
        slopes, mine = slope(pair, model, sites)
        before, after = whole(pair, model), -whole(pair.turned, model)
        rows: list[dict[str, Any]] = []
        patches: list[Patch] = []
        for layer, site in zip(layers, sites, strict=True):
            for start, end, text in pair.units(self.unit):
                control.current().check()
                at = list(range(max(start, pair.same), end))
                lost, value = pair.why_not(at), 0.0
                if at and not lost:
                    step = theirs[site][pair.aligned[at]].astype(np.float64) - mine[site][at]
                    patches.append(Patch(layer, tuple(at), _float32(mine[site][at] + step), cast(Any, self.site)))
                    mean = self._mean(pair, model, patches[-1], site, mine[site][at], step) if self.steps else None
                    value = float((step * (slopes[site][at] if mean is None else mean)).sum())
                share = np.nan if lost else value / (after - before)
                rows.append({
                    "start": start, "end": end, "text": text, "estimate": share, "low": share, "high": share, "n": 1,
                    "status": lost or "exact", "layer": layer, "difference": np.nan if lost else value,
                    "run": bool(at) and not lost,
                })  # fmt: skip
        if self.check_true:
            true = iter((measured(pair, model, [(one.positions[0], (one,)) for one in patches]) - before).tolist())
            for row in rows:
                row["patched"] = next(true) / (after - before) if row["run"] else row["estimate"]
        return rows, {"base": before, "source": after}

    def _mean(
        self, pair: Pair, model: Model, patch: Patch, site: str, begin: NDArray[np.float64], step: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The mean gradient along the way from the base's activations to the source's, those of one cell moved."""
        total = np.zeros_like(step)
        for index in range(self.steps):
            share = (index + 0.5) / self.steps
            moved = Patch(patch.layer, patch.positions, _float32(begin + share * step), patch.site)
            slopes, _ = slope(pair, model, [site], (moved,))
            total += slopes[site][list(patch.positions)]
        return total / self.steps


def _float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def slope(
    pair: Pair, model: Model, sites: Sequence[str], interventions: Sequence[Intervention] = ()
) -> tuple[Activations, Activations]:
    """dm/da and a of the base, site -> float64 [tokens, d_model], for the tokens before the deciding one."""
    ids, cut = pair.base.ids, pair.base.cut
    found = []
    for token in (pair.base.other, pair.base.own):
        # The deciding token alone is the value: nothing is asked of what follows it.
        answer = AnswerBranch((*ids[cut:], token), len(ids) - cut, len(ids) - cut + 1)
        asked = partial(model.gradient, pair.base.text, answer, sites, at=cut, metric="log_probability")
        found.append(asked(interventions=interventions))
    ours, theirs = found
    n = len(ids)
    slopes = {site: (ours.gradients[site][:n] - theirs.gradients[site][:n]).astype(np.float64) for site in sites}
    return slopes, {site: ours.activations[site][:n].astype(np.float64) for site in sites}
