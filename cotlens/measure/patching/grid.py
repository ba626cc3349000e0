"""The patch grid: for every layer and sentence, how much of the source's answer its activations carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.answers.forms import Form, check_form
from cotlens.measure.method import RunRecord, check_needs, check_setting, chosen_layers
from cotlens.measure.patching.pair import LEAST, Pair, pair_of
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, Capability, Model, Patch
from cotlens.results import Result
from cotlens.trace import Trace

HEADS = "heads"
UNITS = ("token", "sentence", "paragraph", "step")
DIRECTIONS = ("sufficiency", "necessity")
CONTROLS = ("shuffled", "mean")
Activations = dict[str, NDArray[np.float32]]
_AT_ONCE = 64  # cells that are scored together, so that a cancel never waits for all of them


@dataclass(frozen=True)
class Lane:
    """What one row of a grid patches: all that stands at a layer's site, or one of its heads.

    Args:
        head, of: number of the head and how many there are; 1 of 1 for all.
    """

    layer: int
    head: int = 0
    of: int = 1

    def put(self, own: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """The base's activations [tokens, width] with those of others in place of this lane's part of them."""
        wide = own.shape[1] // self.of
        found = own.copy()
        found[:, self.head * wide : (self.head + 1) * wide] = others[:, self.head * wide : (self.head + 1) * wide]
        return found


@dataclass(frozen=True, kw_only=True)
class PatchGrid:
    """Where is carried what makes the source answer otherwise than the base?

    m(run) = log p(source's answer) - log p(base's answer) at the token that decides between them, the thought closed at
    its end. A row per layer, unit of the base and direction: estimate = recovery

        (m(base with the source's activations there) - m(base)) / (m(source) - m(base))

    with "sufficiency"; "necessity" is the same with the roles exchanged, its units those of the source. The two differ
    by design. Where |m(source) - m(base)| is below the larger of .5 nats and 10 times the noise floor, recovery is
    refused: NaN with the reason. `difference` has the nats in any case.

    Tokens are aligned where both begin alike, and by a shift behind the last difference; units in an edited span of
    unequal length are NaN with the reason. What stands before the first difference holds the same activations in both,
    so its recovery is 0 and isn't run. The last column is the forced answer itself.

    Controls, as recoveries: `shuffled`, the source's activations of other places of its text; `mean`, the mean of the
    base's activations; `donor`, those of a third trace. `floor`, the largest recovery of an identity patch, the base's
    own activations put in their place: below it nothing is measured.

    Args:
        unit: "token", "sentence", "paragraph" or "step".
        site: "resid_post", "attn_out" or "mlp_out"; "heads" for each attention head of one layer, before they are
            mixed: a row per head then, with the column `head`.
        layers: those to patch, each after its block; all by default. One with "heads".
        directions: "sufficiency", "necessity" or both.
        controls: which of "shuffled" and "mean"; each doubles the work.
        form: in which words the answer is given; see `EarlyAnswer`.
    """

    needs: ClassVar[Capability] = Capability.SCORE | Capability.READ | Capability.WRITE
    edit_type: ClassVar[str] = "activation patch, forced answer"

    unit: str = "sentence"
    site: str = "resid_post"
    layers: tuple[int, ...] | None = None
    directions: tuple[str, ...] = DIRECTIONS
    controls: tuple[str, ...] = ("shuffled",)
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("PatchGrid", "unit", self.unit, UNITS)
        check_setting("PatchGrid", "site", self.site, (*LAYER_SITES, HEADS))
        object.__setattr__(self, "directions", chosen_directions(self.directions, "PatchGrid"))
        object.__setattr__(self, "controls", _chosen("controls", self.controls, CONTROLS, "PatchGrid"))
        check_form("PatchGrid", self.form)
        object.__setattr__(self, "layers", chosen_layers(self.layers, "PatchGrid"))
        if self.site == HEADS and (self.layers is None or len(self.layers) != 1):
            raise InputError(
                "PatchGrid patches the heads of one layer at a time; give site='heads' with layers=(one,)."
            )

    def run(
        self,
        base: Trace,
        source: Trace,
        model: Model,
        seed: int = 0,
        *,
        answers: tuple[str, str] | None = None,
        donor: Trace | None = None,
    ) -> Result:
        """Two readings, and a branch per cell from the cell's first token on, packed.

        Args:
            answers: of base and source; by default what each trace answers, else what the model would.
            donor: a third trace whose activations are put there as a control, aligned like the source.

        Raises:
            InputError: no thought, traces of different models, both answer the same, no such layer.
            CapabilityError: the model can't be scored, read or changed.
            Cancelled: between two batches of cells.
        """
        check_needs(self, model)
        layers = list(range(model.n_layers)) if self.layers is None else list(self.layers)
        for layer in layers:
            check_layer(model, layer)
        lanes = [Lane(layer) for layer in layers]
        if self.site == HEADS:
            if not model.n_heads:
                raise CapabilityError(
                    f"The heads of {model.name!r} can't be told apart: use site='attn_out', or load the model with "
                    'backend="local".'
                )
            lanes = [Lane(layers[0], head, model.n_heads) for head in range(model.n_heads)]
        pair = pair_of(base, source, model, answers, self.form)
        record = RunRecord(self, pair, model, seed)
        parts, extras = [], dict[str, Any]()
        for direction in self.directions:
            one = pair if direction == "sufficiency" else pair.turned
            third = None if donor is None else pair_of(one.base.trace, donor, model, _told(one), self.form, donor=True)
            rows, told = self._cells(one, third, lanes, model, check.seed(seed))
            parts.append({**rows, "direction": [direction] * len(rows["status"])})
            extras[direction] = told
        columns = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
        return Result(
            "patch", "PatchGrid", f"recovery of {pair.source.answer!r} against {pair.base.answer!r}", self.unit,
            columns, "+ = supports the source's answer; 1: as the source itself", "as the base itself", "recovery",
            record.provenance(),
            {**extras, "site": self.site, "base": pair.base.answer, "source": pair.source.answer},
        )  # fmt: skip

    def _cells(
        self, pair: Pair, donor: Pair | None, lanes: Sequence[Lane], model: Model, seed: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        sites = [f"{self.site}.{layer}" for layer in dict.fromkeys(lane.layer for lane in lanes)]
        base, source = (model.read(side.text, sites) for side in (pair.base, pair.source))
        third = None if donor is None else model.read(donor.source.text, sites)
        before = whole(pair, model)
        after = -whole(pair.turned, model)
        found, asked = pair.units(self.unit), list[tuple[int, Lane, str, Patch]]()
        rng = np.random.default_rng(seed)
        for column, (start, end, _) in enumerate(found):
            at = tuple(range(max(start, pair.same), end))
            if not at or pair.why_not(at):
                continue
            for lane in lanes:
                site, own = f"{self.site}.{lane.layer}", base[f"{self.site}.{lane.layer}"][list(at)]
                put = {"own": source[site][pair.aligned[list(at)]], "identity": own}
                if "shuffled" in self.controls:
                    put["shuffled"] = source[site][rng.integers(1, len(pair.source.ids), len(at))]
                if "mean" in self.controls:
                    put["mean"] = np.tile(base[site][1:].mean(0), (len(at), 1))
                if donor is not None and third is not None and not donor.why_not(at):
                    put["donor"] = third[site][donor.aligned[list(at)]]
                # Identity patches at one column tell the noise of all.
                kept = [name for name in put if name != "identity" or column == _first(pair, found)]
                asked += [
                    (column, lane, name, Patch(lane.layer, at, lane.put(own, put[name]), cast(Any, self.site)))
                    for name in kept
                ]
        asked.sort(key=lambda cell: cell[1].layer)  # cells of one layer begin there together, in one pass
        values = measured(pair, model, [(patch.positions[0], (patch,)) for *_, patch in asked])
        told = {(column, lane, what): value for (column, lane, what, _), value in zip(asked, values, strict=True)}
        noise = max((abs(value - before) for (*_, what), value in told.items() if what == "identity"), default=0.0)
        noise = float(noise)
        rows = self._rows(pair, lanes, found, told, before, after, noise, donor is not None)
        return rows, {"base": before, "source": after, "noise": noise, "cells": len(asked)}

    def _rows(
        self,
        pair: Pair,
        lanes: Sequence[Lane],
        found: Sequence[tuple[int, int, str]],
        told: dict[tuple[int, Lane, str], float],
        before: float,
        after: float,
        noise: float,
        donor: bool,
    ) -> dict[str, Any]:
        apart, least = after - before, max(10 * noise, LEAST)
        refused = abs(apart) < least
        why = f"no recovery: the answers lie {abs(apart):.2f} nats apart, and {least:.2f} are needed"
        rows: dict[str, list[Any]] = {name: [] for name in (
            "start", "end", "text", "estimate", "low", "high", "n", "status", "layer", "difference", "floor",
            *self.controls, *(["donor"] if donor else []),
        )}  # fmt: skip
        for lane in lanes:
            for column, (start, end, text) in enumerate(found):
                at = range(max(start, pair.same), end)
                lost = pair.why_not(at)
                value = before if not at else told.get((column, lane, "own"), np.nan)
                share = (value - before) / apart if not (refused or lost) else np.nan
                status = lost or (why if refused else "exact")
                row = (
                    start,
                    end,
                    text,
                    share,
                    share,
                    share,
                    1,
                    status,
                    lane.layer,
                    value - before,
                    noise / abs(apart or 1),
                )
                beside = [
                    np.nan if refused else (told.get((column, lane, name), np.nan) - before) / apart
                    for name in (*self.controls, *(["donor"] if donor else []))
                ]
                for name, one in zip(rows, (*row, *beside), strict=True):
                    rows[name].append(one)
        if self.site == HEADS:
            rows["head"] = [lane.head for lane in lanes for _ in found]
        return rows


def chosen_directions(given: Any, of: str) -> tuple[str, ...]:
    """Which run is patched, each once.

    Raises:
        InputError: there is none, or one is not known.
    """
    found = _chosen("directions", given, DIRECTIONS, of)
    if not found:
        raise InputError(f"{of} was given no direction; give 'sufficiency', 'necessity' or both.")
    return found


def _chosen(name: str, given: Any, allowed: tuple[str, ...], of: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(check.texts(name, given, of=of)))
    for one in found:
        check_setting(of, name, one, allowed)
    return found


def _told(pair: Pair) -> tuple[str, str]:
    return pair.base.answer, pair.source.answer


def whole(pair: Pair, model: Model) -> float:
    """m of the base as it is."""
    return float(pair.metric(model, [(len(pair.base.ids) - 1, ())])[0])


def _first(pair: Pair, found: Sequence[tuple[int, int, str]]) -> int:
    """The first column that is run: its identity patches measure the noise."""
    runs = (i for i, (start, end, _) in enumerate(found) if max(start, pair.same) < end
            and not pair.why_not(range(max(start, pair.same), end)))  # fmt: skip
    return next(runs, -1)


def measured(pair: Pair, model: Model, cells: Sequence[tuple[int, tuple[Patch, ...]]]) -> NDArray[np.float64]:
    """m of every cell, some at a time."""
    found, current = list[float](), control.current()
    for start in range(0, len(cells), _AT_ONCE):
        current.check()
        current.report(start, len(cells), "patching")
        with control.using(current.silent()):
            found += pair.metric(model, cells[start : start + _AT_ONCE]).tolist()
    current.report(len(cells), len(cells), "patching")
    return np.array(found, np.float64)
