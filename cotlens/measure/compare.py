"""Several measures of one trace side by side: how far their rankings agree, where not, and what each is evidence of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure import stats
from cotlens.measure.evidence import evidence
from cotlens.results import Provenance, Result

FEWEST = 3
KINDS: tuple[Literal["spearman", "kendall"], ...] = ("spearman", "kendall")
ENDS = ("", "_low", "_high")
TOO_FEW = "not compared: fewer than two measures have this unit"
TOO_FEW_PAIRS = "not compared: both measures have {} units, and a rank correlation needs {}"
ONE_SCORE = "not compared: one of the two gives every unit the same score"

Floats = NDArray[np.float64]


FEWEST_REPEATS = 100
"""Draws of a bootstrap: fewer can't tell where 95 % of them lie."""


def compare(results: Sequence[Result], *, seed: int = 0, repeats: int = 1000) -> Result:
    """Do these measures agree on which parts of the thought matter?

    Every measure ranks the units that all of them have; a unit's `estimate` is the largest difference between its ranks
    as shares of the way from first (0) to last (1), so the rows with the largest estimates are those where the measures
    disagree most. Ranks are by the signed score, or by size where a measure of the two has no sign (a divergence).

    Args:
        results: two or more importance results of one trace, one row per unit.
        seed, repeats: of the bootstrap over units, for the intervals of the correlations; at least 100 repeats.

    Returns:
        A result of kind "comparison". Columns `score 1`, `rank 1`, ... belong to the measures in the order given. The
        extras hold `measures`, a list with the label, edit type, `causal` ("yes", "of the edit" or "no": whether it is
        evidence of causation) and `why` of each; `spearman` and `kendall` [m, m] with `..._low` and `..._high`, NaN
        where fewer than 8 units have both scores, and `correlation_status` [m][m], which says so; and `disagree`, the
        rows of the largest disagreements, largest first.

    Raises:
        InputError: fewer than two results, or they are of different traces or units, or have fewer than 3 units in
            common.
    """
    _check(results)
    seed, repeats = check.seed(seed), check.whole("repeats", repeats, FEWEST_REPEATS, of="A comparison")
    places = _common(results)
    scores = np.stack([_scores(result, places) for result in results])
    labels = _labels(results)
    signed = [bool(result.extras.get("signed", True)) for result in results]
    # Beside a measure without signs, such as a divergence, only the sizes of the others mean the same.
    ranks = np.stack([_ranks(row if all(signed) else np.abs(row)) for row in scores])
    apart = _apart(ranks)
    return Result(
        kind="comparison",
        method="Comparison",
        metric="difference of ranks",
        unit=results[0].unit,
        columns=_columns(results, places, scores, ranks, apart),
        sign="larger = the measures disagree more about where this unit ranks",
        zero="all measures give it the same rank",
        scale_unit="share of all ranks",
        provenance=Provenance.record(
            method="Comparison",
            settings={"measures": labels, "repeats": repeats},
            model=results[0].provenance.model,
            seed=seed,
            trace_id=results[0].provenance.trace_id,
        ),
        extras={
            "metric_words": "ranks of one unit by different measures",
            "signed": False,
            "measures": [
                _words(result, label, row) for result, label, row in zip(results, labels, scores, strict=True)
            ],
            **_correlations(scores, signed, seed, repeats),
            "disagree": [int(row) for row in np.argsort(-np.nan_to_num(apart, nan=-1.0), kind="stable")[:10]],
        },
    )


def _check(results: Sequence[Result]) -> None:
    if isinstance(results, Result) or len(results) < 2:
        raise InputError("A comparison needs two results or more, in one list: compare([first, second]).")
    for result in results:
        if not isinstance(result, Result):
            raise InputError(f"A comparison takes results; a {type(result).__name__} was given.")
        if result.kind != "importance":
            raise InputError(
                f"A comparison takes importance results, one row per unit; one is of kind {result.kind!r}."
            )
    traces = list(dict.fromkeys(result.provenance.trace_id for result in results))
    if len(traces) > 1:
        raise InputError(f"These results are of different traces ({', '.join(traces)}): measure one trace and compare.")
    units = list(dict.fromkeys(result.unit for result in results))
    if len(units) > 1:
        raise InputError(f"These results have different units ({', '.join(units)}): measure all of them per one unit.")


def _common(results: Sequence[Result]) -> list[tuple[int, int]]:
    """Tokens of the units that every result has, in order."""
    having = [set(_places(result)) for result in results]
    common = [place for place in dict.fromkeys(_places(results[0])) if all(place in each for each in having)]
    if len(common) < FEWEST:
        raise InputError(
            f"These results have {len(common)} {results[0].unit}s in common, too few to compare ranks: "
            f"give results with at least {FEWEST}."
        )
    return common


def _places(result: Result) -> list[tuple[int, int]]:
    return list(zip(result.columns["start"].tolist(), result.columns["end"].tolist(), strict=True))


def _scores(result: Result, places: Sequence[tuple[int, int]]) -> Floats:
    at = {place: row for row, place in enumerate(_places(result))}
    return np.asarray(result.columns["estimate"], dtype=np.float64)[[at[place] for place in places]]


def _labels(results: Sequence[Result]) -> list[str]:
    """Names of the measures; settings tell those apart that have one name."""
    names = [f"{result.method} ({result.metric})" for result in results]
    for name in {name for name in names if names.count(name) > 1}:
        same = [i for i, each in enumerate(names) if each == name]
        settings = [dict(results[i].provenance.settings) for i in same]
        told = [key for key in settings[0] if len({repr(each.get(key)) for each in settings}) > 1]
        for number, (i, each) in enumerate(zip(same, settings, strict=True), 1):
            words = ", ".join(f"{key}={each.get(key)}" for key in told) or f"run {number}"
            names[i] = f"{name}, {words}"
    return names


def _ranks(scores: Floats) -> Floats:
    """Ranks from 0 (the largest score) to 1 (the smallest), ties shared; NaN where unmeasured."""
    from scipy.stats import rankdata

    known = ~np.isnan(scores)
    ranks = np.full(len(scores), np.nan)
    ranks[known] = (rankdata(-scores[known]) - 1) / max(1, int(known.sum()) - 1)
    return ranks


def _apart(ranks: Floats) -> Floats:
    """The largest difference of ranks per unit; NaN where fewer than two measures have one."""
    known = ~np.isnan(ranks)
    largest = np.where(known, ranks, -np.inf).max(axis=0)
    smallest = np.where(known, ranks, np.inf).min(axis=0)
    return np.where(known.sum(axis=0) > 1, largest - smallest, np.nan)


def _columns(
    results: Sequence[Result], places: Sequence[tuple[int, int]], scores: Floats, ranks: Floats, apart: Floats
) -> dict[str, Any]:
    at = {place: row for row, place in enumerate(_places(results[0]))}
    texts = results[0].columns["text"]
    each = {
        f"{name} {i + 1}": rows[i] for i in range(len(results)) for name, rows in (("score", scores), ("rank", ranks))
    }
    return {
        "start": [start for start, _ in places],
        "end": [end for _, end in places],
        "text": [texts[at[place]] for place in places],
        "estimate": apart,
        "low": np.full(len(places), np.nan),
        "high": np.full(len(places), np.nan),
        "n": (~np.isnan(ranks)).sum(axis=0),
        "status": [TOO_FEW if missing else "ok" for missing in np.isnan(apart)],
        **each,
    }


def _words(result: Result, label: str, scores: Floats) -> dict[str, Any]:
    edit_type = str(result.extras.get("edit_type", ""))
    causal, why = evidence(edit_type)
    position = stats.position_baseline(scores)
    told = int(np.isfinite(scores).sum()) >= stats.FEWEST_PAIRS
    return {
        "label": label,
        "sign": result.sign,
        "edit_type": edit_type,
        "causal": causal,
        "why": why,
        "rho_position": position.rho if told else np.nan,
        "rho_position_size": position.rho_size if told else np.nan,
    }


def _correlations(scores: Floats, signed: Sequence[bool], seed: int, repeats: int) -> dict[str, Any]:
    """Spearman's rho and Kendall's tau of every two measures, with intervals over units, and why some have none."""
    count = len(scores)
    status = [["ok"] * count for _ in scores]
    found: dict[str, Any] = {f"{kind}{end}": np.full((count, count), np.nan) for kind in KINDS for end in ENDS}
    for i in range(count):
        for j in range(i + 1):
            pair = scores[[i, j]] if signed[i] and signed[j] else np.abs(scores[[i, j]])
            status[i][j] = status[j][i] = _comparable(pair)
            if status[i][j] != "ok":
                continue
            for kind in KINDS:
                values = _correlation(pair, kind, i == j, seed, repeats)
                for end, value in zip(ENDS, values, strict=True):
                    found[f"{kind}{end}"][[i, j], [j, i]] = value
    return found | {"correlation_status": status}


def _correlation(
    pair: Floats, kind: Literal["spearman", "kendall"], same: bool, seed: int, repeats: int
) -> tuple[float, float, float]:
    """The correlation of two rows of scores with its interval; a measure with itself has none."""
    estimate = (stats.spearman if kind == "spearman" else stats.kendall)(pair[0], pair[1])
    if same:
        return estimate, estimate, estimate
    return estimate, *stats.correlation_interval(pair[0], pair[1], kind, seed, repeats=repeats)


def _comparable(pair: Floats) -> str:
    """Whether two rows of scores can be correlated, or why not."""
    both = pair[:, np.isfinite(pair).all(axis=0)]
    if both.shape[1] < stats.FEWEST_PAIRS:
        return TOO_FEW_PAIRS.format(both.shape[1], stats.FEWEST_PAIRS)
    return ONE_SCORE if (np.ptp(both, axis=1) == 0).any() else "ok"
