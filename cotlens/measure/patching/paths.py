"""Path patching: what a part of the model does to another directly, all between them held as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forms import Form, check_form
from cotlens.measure.method import RunRecord, check_needs, check_setting
from cotlens.measure.patching.grid import UNITS, whole
from cotlens.measure.patching.pair import Pair, pair_of
from cotlens.measure.steering.norms import check_layer
from cotlens.models.contract import LAYER_SITES, Capability, Model, Patch
from cotlens.results import Result
from cotlens.trace import Trace

PARTS = ("attn_out", "mlp_out")
Place = tuple[int, str]


@dataclass(frozen=True, kw_only=True)
class Path:
    """How much of the source's answer goes from one part of the model straight to another?

    Two true passes per row. In the first the base runs with the source's activations at the sender and every attention
    and MLP between sender and receiver held at the base's values, and what the receiver makes of that is recorded; in
    the second the base runs with that put in its place, everything else free. A row per unit of the base at whose
    tokens the sender is patched: estimate = recovery as of `PatchGrid`; `total`, that of the sender patched freely.

    Args:
        sender: (layer, site); "resid_post", "attn_out" or "mlp_out".
        receiver: (layer, "attn_out" or "mlp_out"), behind the sender.
        unit, form: as of `PatchGrid`.

    Source: Wang et al. 2022 (arXiv 2211.00593), Goldowsky-Dill et al. 2023 (arXiv 2304.05969).
    """

    needs: ClassVar[Capability] = Capability.SCORE | Capability.READ | Capability.WRITE
    edit_type: ClassVar[str] = "path patch, forced answer"

    sender: Place
    receiver: Place
    unit: str = "sentence"
    form: Form = None

    def __post_init__(self) -> None:
        for name, allowed in (("sender", LAYER_SITES), ("receiver", PARTS)):
            given = getattr(self, name)
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise InputError(f"Path was given {name}={given!r:.60}: give (layer, site), such as (1, 'attn_out').")
            check_setting("Path", name, given[1], allowed)
            object.__setattr__(self, name, (check.whole(name, given[0], 0, of="Path"), given[1]))
        if _order(self.sender) >= _order(self.receiver):
            raise InputError(
                f"The receiver {self.receiver} doesn't stand behind the sender {self.sender}; exchange them."
            )
        check_setting("Path", "unit", self.unit, UNITS)
        check_form("Path", self.form)

    def run(
        self, base: Trace, source: Trace, model: Model, seed: int = 0, *, answers: tuple[str, str] | None = None
    ) -> Result:
        """Three passes per unit; arguments and errors as of `PatchGrid.run`."""
        check_needs(self, model)
        for layer, _ in (self.sender, self.receiver):
            check_layer(model, layer)
        pair = pair_of(base, source, model, answers, self.form)
        record = RunRecord(self, pair, model, seed)
        between = [(layer, part) for layer in range(model.n_layers) for part in PARTS
                   if _order(self.sender) < _order((layer, part)) < _order(self.receiver)]  # fmt: skip
        held = model.read(pair.base.text, [_site(place) for place in (self.sender, *between, self.receiver)])
        theirs = model.read(pair.source.text, _site(self.sender))[_site(self.sender)]
        before, after = whole(pair, model), -whole(pair.turned, model)
        rows: list[dict[str, Any]] = []
        for start, end, text in pair.units(self.unit):
            at = tuple(range(max(start, pair.same), end))
            lost = pair.why_not(at)
            found = (0.0, 0.0) if not at else (np.nan, np.nan)
            if at and not lost:
                put = _patch(self.sender, at, theirs[pair.aligned[list(at)]])
                direct, free = self._both(pair, model, put, held, between)
                found = ((direct - before) / (after - before), (free - before) / (after - before))
            rows.append({"start": start, "end": end, "text": text, "estimate": found[0], "low": found[0],
                         "high": found[0], "n": 1, "status": lost or "exact", "layer": self.sender[0],
                         "total": found[1]})  # fmt: skip
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        return Result(
            "patch", "Path", f"recovery of {pair.source.answer!r} by way of {_site(self.receiver)} alone", self.unit,
            columns, "+ = supports the source's answer; 1: as the source itself", "as the base itself", "recovery",
            record.provenance(), {"sender": _site(self.sender), "receiver": _site(self.receiver),
                                  "base": pair.base.answer, "source": pair.source.answer},
        )  # fmt: skip

    def _both(
        self, pair: Pair, model: Model, put: Patch, held: dict[str, Any], between: Sequence[Place]
    ) -> tuple[float, float]:
        """m by the direct path, and by all paths."""
        first, n = put.positions[0], len(pair.base.ids)
        rest = tuple(range(first, n))
        frozen = [_patch(place, rest, held[_site(place)][first:]) for place in between]
        receiver = _site(self.receiver)
        made = model.read(pair.base.text, receiver, positions=list(rest), interventions=[put, *frozen])[receiver]
        second = _patch(self.receiver, rest, made)
        direct, total = pair.metric(model, [(first, (second,)), (first, (put,))])
        return float(direct), float(total)


def _patch(place: Place, at: tuple[int, ...], values: Any) -> Patch:
    return Patch(place[0], at, values, cast(Any, place[1]))


def _site(place: Place) -> str:
    return f"{place[1]}.{place[0]}"


def _order(place: Place) -> float:
    """When a part runs: within a layer attention, then the MLP, then what the layer gives."""
    return place[0] + {"attn_out": 0.0, "mlp_out": 0.3, "resid_post": 0.6}[place[1]]
