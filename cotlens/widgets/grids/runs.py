"""A result of layers and places as numbers by layer and place, a run for each text that was looked into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.results import Result

KINDS = ("lens", "patch")
ABSENT, MEASURED, MISSING, BELOW, WITHOUT = range(5)
"""Codes of a cell: there is none; measured; not measured; below the floor; it can have no influence."""
SAME = "both runs are the same up to here, so that nothing is put in place of anything else"
_BESIDE = ("logprob", "rank", "leading_logprob", "entropy", "control", "floor", "difference", "shuffled", "mean",
           "donor", "total", "patched")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What was measured of one text. Arrays are [layers, places], layers from the deepest.

    Args:
        layers: their numbers, or those of the heads of one.
        texts: of places; `first` and `last` are their tokens, half-open.
        why: of cells that were not, or not fully, measured.
        leading: the token that leads at each cell, None where the result has none.
        beside: further numbers by name.
        parents: of tokens, the sentence that each belongs to; empty otherwise.
    """

    name: str
    note: str
    trace: str
    unit: str
    layers: tuple[int, ...]
    texts: tuple[str, ...]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    estimate: NDArray[np.float64]
    code: NDArray[np.uint8]
    why: NDArray[Any]
    leading: NDArray[Any] | None
    beside: Mapping[str, NDArray[np.float64]]
    parents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def picked(self, places: Sequence[int]) -> Run:
        """Some places, or the same ones in another order; -1 is one that this run doesn't have."""
        at = np.asarray(places, np.int64)
        gone = at < 0
        cells = lambda values, empty: np.where(gone, empty, values[:, at])  # noqa: E731
        return replace(
            self,
            texts=tuple("" if lost else self.texts[one] for one, lost in zip(at, gone, strict=True)),
            first=np.where(gone, 0, self.first[at]), last=np.where(gone, 0, self.last[at]),
            estimate=cells(self.estimate, np.nan), code=cells(self.code, ABSENT).astype(np.uint8),
            why=cells(self.why, ""), leading=None if self.leading is None else cells(self.leading, ""),
            beside={name: cells(values, np.nan) for name, values in self.beside.items()},
        )  # fmt: skip


def rows_of(result: Result) -> Literal["layer", "head"]:
    """What the rows of a result's grid are: layers, or the heads of one."""
    return "head" if "head" in result.columns else "layer"


def runs_of(result: Result) -> list[Run]:
    """A run per direction of a patch, else one.

    Raises:
        InputError: the result is of another kind, lacks layers, or doesn't have the same places at each.
    """
    _check(result)
    told = result.columns.get("direction")
    if told is None:
        return [_run(result, np.arange(len(result)), *_named(result, ""))]
    directions = list(dict.fromkeys(told.astype(str).tolist()))
    return [_run(result, np.flatnonzero(told == one), *_named(result, one)) for one in directions]


def _named(result: Result, direction: str) -> tuple[str, str]:
    """Name and note of a run."""
    base, source = (str(result.extras.get(name, "")) for name in ("base", "source"))
    if direction == "sufficiency":
        return f"base, answers {base}", "each cell is given the source's activations: are they enough?"
    if direction == "necessity":
        return f"source, answers {source}", "each cell is given the base's activations: is it needed?"
    answer = str(result.extras.get("answer", ""))
    return (f"answer {answer}" if answer else "trace"), ""


def _run(result: Result, rows: NDArray[np.intp], name: str, note: str) -> Run:
    columns = {key: column[rows] for key, column in result.columns.items()}
    number = columns[rows_of(result)].astype(np.int64)
    layers, order = np.unique(number), np.argsort(-number, kind="stable")
    shape = (len(layers), len(rows) // len(layers))
    if shape[0] * shape[1] != len(rows):
        raise InputError(f"This {result.method} result has not the same places at every layer, so it is not a grid.")
    grid = {key: column[order].reshape(shape) for key, column in columns.items()}
    first, last = (grid[key].astype(np.int64) for key in ("start", "end"))
    if (
        (first != first[0]).any()
        or (last != last[0]).any()
        or (number[order].reshape(shape) != layers[::-1, None]).any()
    ):
        raise InputError(f"This {result.method} result has not the same places at every layer, so it is not a grid.")
    code, why = _codes(result, grid)
    return Run(
        name, note, result.provenance.trace_id, str(grid["unit"][0, 0]) if "unit" in grid else result.unit,
        tuple(layers[::-1].tolist()), tuple(str(text) for text in grid["text"][0]), first[0].clip(0), last[0].clip(0),
        grid["estimate"].astype(np.float64), code, why, grid.get("leading"),
        {key: grid[key].astype(np.float64) for key in _BESIDE if key in grid},
    )  # fmt: skip


def _codes(result: Result, grid: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    estimate, status = grid["estimate"], grid["status"].astype(object)
    floor = grid.get("floor", np.full(estimate.shape, np.nan))
    code = np.full(estimate.shape, MEASURED, np.uint8)
    why = np.where(np.isin(status.astype(str), ("exact", "ok")), "", status)
    # Of a patch both signs count, of a lens only what stands above its control.
    code[(np.abs(estimate) if result.kind == "patch" else estimate) <= floor] = BELOW
    code[np.char.startswith(status.astype(str), "artefact")] = BELOW
    code[np.isnan(estimate)] = MISSING
    if "difference" in grid:
        moved = ~((grid["difference"] == 0).all(0) & (code != MISSING).all(0))
        same = np.arange(estimate.shape[1]) < (int(np.argmax(moved)) if moved.any() else 0)
        code[:, same], why[:, same] = WITHOUT, SAME
    return code, why


def _check(result: Result) -> None:
    if not isinstance(result, Result) or result.kind not in KINDS:
        given = f"a result of kind {result.kind!r}" if isinstance(result, Result) else f"a {type(result).__name__}"
        raise InputError(f"A grid shows results of lenses and patches; it was given {given}. `cl.show` finds the view.")
    if "layer" not in result.columns:
        raise InputError(f"This {result.method} result has no column 'layer', so there are no rows for a grid.")
    if not len(result):
        raise InputError(f"This {result.method} result has no rows, so there is no grid to show.")
