"""What the front end is told of a grid: one or two runs, by sentence and by token, with their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.results.certainty import LEAST
from cotlens.widgets.grids.folding import Pairs, aligned, difference, folded, parents_of, within
from cotlens.widgets.grids.runs import ABSENT, MEASURED, Run, rows_of, runs_of
from cotlens.widgets.protocol.shared import Grid, GridLevel, GridPanel
from cotlens.widgets.shared import scores
from cotlens.widgets.shared.encoding import floats, indices

MOST_CELLS = 4_000_000  # some 40 MB on their way to the page
_NAMES = {"difference": "difference, nats", "leading_logprob": "log p of what leads", "logprob": "log p of the answer"}
FULL = 0.99  # share of cells that lie within the colours
FOLDS = {"mean": "the mean over its tokens", "last": "what stands at its end", "largest": "the largest of its tokens"}
Level = tuple[list[Run], NDArray[np.int64] | None]
"""Runs of one unit, and of each column the one of the level before."""


def payload(results: Sequence[Result], traces: Sequence[str] = ()) -> Grid:
    """One result of a trace for each unit, and of a second trace the same, as the view's `grid`.

    Args:
        traces: ids of the runs' traces; by default those that the results have.

    Raises:
        InputError: the results are no grids, of several kinds, of more than two texts, or too large for a page.
    """
    first = results[0]
    if any(_meaning(one) != _meaning(first) for one in results[1:]):
        raise InputError("A grid shows results of one method side by side; these measure different things.")
    gathered = _gathered(results)
    if traces or first.kind == "patch":  # of a patch the result knows the pair, and neither of the two
        gathered = [
            [replace(run, trace=name) for run in runs] for runs, name in zip(gathered, traces or ("", ""), strict=False)
        ]
    levels, how = _levels(gathered, first)
    cells = sum(run.estimate.size for runs in levels for run in runs)
    if cells > MOST_CELLS:
        raise InputError(f"{cells:,} cells are more than a page can hold ({MOST_CELLS:,}); measure fewer places.")
    shown = _aligned_levels([_with_layers(level) for level in levels], first)
    chance = "log-probability" in first.metric
    base, scale = _ends(shown[0][0], chance, first.scale_unit)
    layers = shown[0][0][0].layers
    words, reasons = _Numbers(), _Numbers()
    return {
        **scores.meaning(first), "metric": _said(results, "metric"), "sign": _said(results, "sign"),
        "signed": not chance, "kind": "exact",
        "base": base, "scale": scale,
        "row": rows_of(first), "rows": [str(layer) for layer in layers],
        "row_words": [_row(first, layer) for layer in layers],
        "cone": "reaches" if first.kind == "patch" else "reads",
        "folded": FOLDS.get(how, ""), "floor": _floor(first),
        "levels": [_level(runs, parents, chance, base, words, reasons) for runs, parents in shown],
        "words": words.texts, "reasons": reasons.texts,
    }  # fmt: skip


def _meaning(result: Result) -> tuple[str, ...]:
    """What two results have in common that can stand beside each other; their answers may be others."""
    return result.kind, result.method, result.metric.partition("'")[0], result.scale_unit, rows_of(result)


def _said(results: Sequence[Result], name: str) -> str:
    """Metric or sign, that of a second text, too, where its answer is another."""
    return "; below: ".join(dict.fromkeys(str(getattr(one, name)) for one in results)).replace("_", " ")


def _gathered(results: Sequence[Result]) -> list[list[Run]]:
    """Runs of each text, a coarser unit before tokens."""
    found: dict[tuple[str, str], list[Run]] = {}
    for number, result in enumerate(results):
        for run in runs_of(result):
            found.setdefault((run.trace or str(number), run.name), []).append(run)
    # A lens of another text under the same trace id would be the same text: a name tells both directions apart.
    texts = [sorted(runs, key=lambda run: run.unit == "token") for runs in found.values()]
    if len(texts) > 2:
        raise InputError(f"A grid shows one text or two above each other; {len(texts)} were given.")
    units = [[run.unit for run in runs] for runs in texts]
    if any(len(set(one)) < len(one) for one in units) or len({tuple(one) for one in units}) > 1:
        raise InputError("A grid takes one result of each text for each unit, the same units for both.")
    if any(len(one) > 2 or (len(one) == 2 and one[1] != "token") for one in units):
        raise InputError(f"A grid shows sentences and their tokens; these results are of {', '.join(units[0])}.")
    if len(texts) == 2 and texts[0][0].name == texts[1][0].name:
        texts = [[replace(run, name=f"{name} trace") for run in runs]
                 for name, runs in zip(("first", "second"), texts, strict=True)]  # fmt: skip
    return texts


def _levels(texts: list[list[Run]], result: Result) -> tuple[list[list[Run]], str]:
    """Runs by level, each text with columns of its own, and how the coarser ones follow from tokens."""
    units = [run.unit for run in texts[0]]
    if units == ["token"]:
        how = "largest" if result.kind == "patch" else "mean" if "leading" in result.columns else "last"
        fine = [replace(runs[0], parents=parents_of(runs[0])) for runs in texts]
        return [[folded(run, how) for run in fine], fine], how
    coarse = [runs[0] for runs in texts]
    if len(units) == 1:
        return [coarse], ""
    return [coarse, [replace(runs[1], parents=within(runs[1], runs[0])) for runs in texts]], ""


def _with_layers(runs: list[Run]) -> list[Run]:
    """Two runs with the layers of both; a layer that one lacks is absent there."""
    layers = tuple(sorted({layer for run in runs for layer in run.layers}, reverse=True))
    return [run if run.layers == layers else _spread(run, layers) for run in runs]


def _spread(run: Run, layers: tuple[int, ...]) -> Run:
    at = np.array([run.layers.index(layer) if layer in run.layers else -1 for layer in layers])
    gone = (at < 0)[:, None]
    cells = lambda values, empty: np.where(gone, empty, values[at])  # noqa: E731
    return replace(
        run, layers=layers, estimate=cells(run.estimate, np.nan), code=cells(run.code, ABSENT).astype(np.uint8),
        why=cells(run.why, ""), leading=None if run.leading is None else cells(run.leading, ""),
        beside={name: cells(values, np.nan) for name, values in run.beside.items()},
    )  # fmt: skip


def _aligned_levels(levels: list[list[Run]], result: Result) -> list[Level]:
    coarse, fine = levels[0], levels[1] if len(levels) > 1 else None
    name = "necessity − sufficiency" if result.kind == "patch" else _apart(coarse)
    columns: Pairs = [(i, i) for i in range(len(coarse[0].texts))]
    if len(coarse) == 2:
        columns = aligned(coarse[0].texts, coarse[1].texts)
    shown: list[Level] = [(_beside(coarse, columns, name), None)]
    if fine is not None:
        pairs, parents = _children(fine, columns)
        shown.append((_beside(fine, pairs, name), parents))
    return shown


def _apart(runs: list[Run]) -> str:
    """What the difference of two lenses is called."""
    named = [run.name for run in runs]
    return "second − first" if len(named) < 2 or named[0].endswith(" trace") else f"{named[1]} − {named[0]}"


def _children(fine: list[Run], columns: Pairs) -> tuple[Pairs, NDArray[np.int64]]:
    """Tokens of both texts in columns, sentence by sentence."""
    own = [run.parents for run in fine]
    pairs: Pairs = []
    parents: list[int] = []
    for column, places in enumerate(columns):
        ours = [np.flatnonzero(of == place).tolist() for of, place in zip(own, places, strict=False)]
        texts = [[run.texts[at] for at in each] for run, each in zip(fine, ours, strict=True)]
        found = aligned(texts[0], texts[-1])
        pairs += [(ours[0][i] if i >= 0 else -1, ours[-1][j] if j >= 0 else -1) for i, j in found]
        parents += [column] * len(found)
    return pairs, np.array(parents, np.int64)


def _beside(runs: list[Run], columns: Pairs, name: str) -> list[Run]:
    """The runs in common columns, and their difference where there are two."""
    if len(runs) == 1:
        return [runs[0].picked([one for one, _ in columns])]
    both = [run.picked([places[number] for places in columns]) for number, run in enumerate(runs)]
    return [*both, difference(both[0], both[1], name)]


def _ends(runs: list[Run], chance: bool, unit: str) -> tuple[float, float]:
    """Where colours begin and end: of log-probabilities from the lowest twentieth to 0, else from 0 on both sides."""
    values = np.concatenate([run.estimate[run.code == MEASURED] for run in runs[:2]])
    values = values[np.isfinite(values)]
    if chance:
        return min(-1.0, float(np.quantile(values, 0.05))) if values.size else -1.0, 0.0
    return 0.0, max(LEAST.get(unit, 1e-6), float(np.quantile(np.abs(values), FULL)) if values.size else 0.0)


def _level(
    runs: list[Run], parents: NDArray[np.int64] | None, chance: bool, base: float, words: _Numbers, reasons: _Numbers
) -> GridLevel:
    return {
        "unit": runs[0].unit,
        "parents": indices([] if parents is None else parents),
        "panels": [_panel(run, number == 2, chance, base, words, reasons) for number, run in enumerate(runs)],
    }


def _panel(run: Run, differs: bool, chance: bool, base: float, words: _Numbers, reasons: _Numbers) -> GridPanel:
    leading = b"" if run.leading is None else indices(words.of(run.leading))
    return {
        "name": run.name, "note": run.note, "trace": run.trace, "difference": differs,
        "signed": differs or not chance, "base": 0.0 if differs else base,
        "texts": list(run.texts), "first": indices(run.first), "last": indices(run.last),
        "estimate": floats(run.estimate), "code": run.code.tobytes(),
        "reason": np.minimum(reasons.of(run.why), 255).astype(np.uint8).tobytes(), "leading": leading,
        "beside": [{"name": _NAMES.get(name, name.replace("_", " ")), "numbers": floats(values)}
                   for name, values in run.beside.items()],
    }  # fmt: skip


class _Numbers:
    """Texts that recur, by number; "" is 0."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {"": 0}

    @property
    def texts(self) -> list[str]:
        return list(self._known)

    def of(self, texts: NDArray[Any]) -> NDArray[np.int64]:
        return np.array([self._known.setdefault(str(text), len(self._known)) for text in texts.ravel()], np.int64)


def _row(result: Result, layer: int) -> str:
    if result.kind == "lens":
        last = layer == result.extras.get("layers", -1) - 1
        if last:
            return f"after layer {layer}, the last: the model itself"
        return "the embedding" if layer == 0 else f"after layer {layer}"
    if rows_of(result) == "head":
        return f"head {layer} of layer {result.columns['layer'][0]}"
    site = str(result.extras.get("site", "resid_post"))
    return {"attn_out": f"attention of layer {layer}", "mlp_out": f"MLP of layer {layer}"}.get(
        site, f"after layer {layer}"
    )


def _floor(result: Result) -> str:
    if result.kind == "patch":
        return "no larger than what an identity patch does"
    return "not above the control: nothing about this place is read"
