"""Importance by category, with a bootstrap over traces: sentences of one thought are no independent draws."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.categories.tags import CATEGORIES, Tags
from cotlens.results import Provenance, Result

Floats = NDArray[np.float64]

DRAWS = 4000
ONE_TRACE = "one trace only: no interval over traces"
NONE = "not measured: no sentence of this category was measured"
FEW = "ok: in {} of {} traces"


def importance(results: Result | Sequence[Result], tags: Tags | Sequence[Tags], *, seed: int = 0) -> Result:
    """Mean importance of the sentences of each category, a row per category that occurs.

    Args:
        results: one per trace, of one method and one row per sentence.
        tags: of the same traces, in the same order.
        seed: of the bootstrap, which draws traces with replacement.

    Returns:
        a Result of kind "categories": `estimate`, the mean over sentences; `low` and `high`, 95 % of the bootstrap, NaN
        with a reason where one trace alone has the category; `n`, sentences; `traces`; `share` of all sentences.

    Raises:
        InputError: results and tags are not of the same sentences, or results are of several methods.
    """
    found = [results] if isinstance(results, Result) else list(results)
    tagged = [tags] if isinstance(tags, Tags) else list(tags)
    _check(found, tagged)
    sums, counts = np.zeros((len(found), len(CATEGORIES))), np.zeros((len(found), len(CATEGORIES)))
    for row, (result, one) in enumerate(zip(found, tagged, strict=True)):
        for value, category in zip(result.columns["estimate"], _matched(result, one), strict=True):
            if not np.isnan(value):
                sums[row, CATEGORIES.index(category)] += value
                counts[row, CATEGORIES.index(category)] += 1
    return _result(found, tagged, _means(sums, counts, check.seed(seed)), seed)


@dataclass(frozen=True)
class Means:
    """Of each of the nine categories: mean, ends of its interval, sentences, and traces that have it."""

    estimate: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    traces: NDArray[np.int64]


def _check(found: Sequence[Result], tagged: Sequence[Tags]) -> None:
    if not found or len(found) != len(tagged):
        raise InputError(f"{len(found)} results and {len(tagged)} assignments were given; give one of each per trace.")
    ways = {(result.method, result.metric, result.scale_unit) for result in found}
    if len(ways) > 1:
        raise InputError(
            f"The results are of {len(ways)} measures, whose numbers can't be averaged; give those of one."
        )
    if any(result.unit != "sentence" for result in found):
        raise InputError("Categories are of sentences, and these results are not; run the method with unit='sentence'.")


def _matched(result: Result, tags: Tags) -> list[str]:
    """The category of each row."""
    if result.provenance.trace_id and result.provenance.trace_id != tags.trace.id:
        raise InputError(
            f"A result is of trace {result.provenance.trace_id} and the categories are of {tags.trace.id}; give both "
            "of the same traces, in the same order."
        )
    known = {(span.start, span.end): name for span, name in zip(tags.spans, tags.categories, strict=True)}
    places = list(zip(result.columns["start"].tolist(), result.columns["end"].tolist(), strict=True))
    missing = [place for place in places if place not in known]
    if missing:
        raise InputError(
            f"The result has a row of tokens {missing[0][0]} to {missing[0][1]}, which is no sentence that has a "
            "category; assign categories to the sentences that were measured: tag(trace, spans=...)."
        )
    return [known[place] for place in places]


def _means(sums: Floats, counts: Floats, seed: int) -> Means:
    """Means, with 95 % of those over traces drawn with replacement; no interval where one trace has a category.

    Draws in which no trace has it say nothing of it and are left out.
    """
    rng = np.random.default_rng(seed)
    # Drawing traces with replacement is drawing how often each is taken: means of all draws are two matrix products.
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=DRAWS)
    n, traces = counts.sum(axis=0), (counts > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate, means = sums.sum(axis=0) / n, (drawn @ sums) / (drawn @ counts)
    low, high = np.full(len(CATEGORIES), np.nan), np.full(len(CATEGORIES), np.nan)
    for at in np.flatnonzero(traces > 1):
        low[at], high[at] = np.nanquantile(means[:, at], (0.025, 0.975))
    return Means(estimate, low, high, n.astype(np.int64), traces.astype(np.int64))


def _result(found: Sequence[Result], tagged: Sequence[Tags], means: Means, seed: int) -> Result:
    first, total = found[0], sum(len(one) for one in tagged)
    present = [at for at, name in enumerate(CATEGORIES) if any(name in one.categories for one in tagged)]
    said = [sum(one.categories.count(CATEGORIES[at]) for one in tagged) for at in present]
    columns = {
        "start": [0] * len(present),
        "end": [0] * len(present),
        "text": [CATEGORIES[at] for at in present],
        "estimate": means.estimate[present],
        "low": means.low[present],
        "high": means.high[present],
        "n": means.n[present],
        "status": [_status(means, at, len(found)) for at in present],
        "traces": means.traces[present],
        "share": [count / total for count in said],
    }
    ids = "".join(one.trace.id for one in tagged)
    settings = {"of": first.method, "sources": sorted({s for one in tagged for s in one.sources}), "traces": len(found)}
    provenance = Provenance.record(
        method="categories.importance",
        settings={**settings, "measured": first.provenance.settings},
        model=first.provenance.model,
        revision=first.provenance.revision,
        seed=seed,
        trace_id=hashlib.sha256(ids.encode()).hexdigest()[:16],
    )
    words = {name: getattr(first, name) for name in ("metric", "sign", "zero", "scale_unit")}
    method = f"{first.method} by category"
    return Result("categories", method, unit="category", columns=columns, provenance=provenance, **words)


def _status(means: Means, at: int, traces: int) -> str:
    if not means.n[at]:
        return NONE
    return ONE_TRACE if means.traces[at] < 2 else FEW.format(means.traces[at], traces)
