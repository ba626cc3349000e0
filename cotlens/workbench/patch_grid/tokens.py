"""The tokens of a sentence, patched one by one when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from cotlens.measure.patching.grid import measured
from cotlens.measure.patching.pair import Pair
from cotlens.models.contract import Model, Patch
from cotlens.results import Result

Rows = dict[str, list[Any]]
COLUMNS = ("start", "end", "text", "estimate", "low", "high", "n", "status", "layer", "difference", "floor",
           "direction")  # fmt: skip


def token_rows(result: Result, pair: Pair, direction: str, tokens: range, model: Model) -> Rows:
    """Recovery of every token and layer of a result's grid, in its columns; `pair` has the patched text as its base."""
    told: Mapping[str, Any] = result.extras[direction]
    site, layers = str(result.extras["site"]), np.unique(result.columns["layer"].astype(int)).tolist()
    apart, floor = told["source"] - told["base"], told["noise"] / abs(told["source"] - told["base"] or 1)
    refused = "" if np.isfinite(result.columns["estimate"]).any() else str(result.columns["status"][0])
    runs = [at for at in tokens if at >= pair.same and not pair.why_not([at])]
    theirs = model.read(pair.source.ids, [f"{site}.{layer}" for layer in layers])
    cells = [(at, (Patch(layer, (at,), theirs[f"{site}.{layer}"][pair.aligned[[at]]], cast(Any, site)),))
             for layer in layers for at in runs]  # fmt: skip
    values = dict(zip([(layer, at) for layer in layers for at in runs], measured(pair, model, cells), strict=True))
    rows: Rows = {name: [] for name in COLUMNS}
    trace = pair.base.trace
    for layer in layers:
        for at in tokens:
            lost = pair.why_not([at])
            moved = float(values.get((layer, at), told["base"])) - told["base"]
            share = np.nan if lost or refused else moved / apart
            text = trace.text[int(trace.offsets[at]) : int(trace.offsets[at + 1])]
            row = (at, at + 1, text, share, share, share, 1, lost or refused or "exact", layer, moved, floor, direction)
            for name, one in zip(COLUMNS, row, strict=True):
                rows[name].append(one)
    return rows


def together(result: Result, parts: Sequence[Rows]) -> Result:
    """All tokens that were measured as a result, in the order of the text."""
    columns = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in COLUMNS}
    directions = list(dict.fromkeys(result.columns["direction"].astype(str).tolist()))
    place = np.array([directions.index(one) for one in columns["direction"].astype(str)])
    order = np.lexsort((columns["start"], columns["layer"], place))
    made = replace(result.provenance, settings={**result.provenance.settings, "unit": "token"})
    words = {name: getattr(result, name) for name in ("kind", "method", "metric", "sign", "zero", "scale_unit")}
    return Result(**words, unit="token", columns={name: column[order] for name, column in columns.items()},
                  provenance=made, extras=dict(result.extras))  # fmt: skip
