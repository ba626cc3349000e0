"""Published sentence-to-sentence matrices as results of kind "pairs"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.published_rollouts import counts, levels
from cotlens.measure.published_rollouts.columns import EMPTY, OK
from cotlens.measure.published_rollouts.files import MATRICES
from cotlens.measure.published_rollouts.published import Published
from cotlens.results import Provenance, Result


@dataclass(frozen=True)
class MatrixWords:
    """What the numbers of a matrix mean."""

    method: str
    metric: str
    metric_words: str
    sign: str
    zero: str
    scale_unit: str
    edit_type: str


WORDS = {
    "resampling": MatrixWords(
        method="Resampling",
        metric="match rate",
        metric_words="share of rollouts in which a sentence like the later one is said",
        sign="+ = keeping the earlier sentence makes the later one more likely to be said",
        zero="the later sentence is said as often without the earlier one",
        scale_unit="proportion",
        edit_type="on-policy",
    ),
    "suppression": MatrixWords(
        method="Suppression",
        metric="log_kl",
        metric_words="mean log KL(ordinary || suppressed), less its mean over all earlier sentences",
        sign="+ = the later sentence misses the earlier one more than it misses others",
        zero="the later sentence misses the earlier one as much as others",
        scale_unit="log nats",
        edit_type="attention-level",
    ),
}


def pairs(rollouts: Published, method: str) -> Result:
    """See `Rollouts.pairs`."""
    if method not in WORDS:
        raise InputError(f"There is no published matrix called {method!r}. {did_you_mean(method, WORDS)}")
    cells, words = rollouts.problem.matrix(method), WORDS[method]
    source, target = np.triu_indices(len(cells), 1)
    return Result(
        kind="pairs",
        method=words.method,
        metric=words.metric,
        unit="sentence",
        columns=_columns(rollouts, cells, source, target, method == "resampling"),
        sign=words.sign,
        zero=words.zero,
        scale_unit=words.scale_unit,
        provenance=Provenance.record(
            method=words.method,
            settings={"source": "published rollouts", "problem": rollouts.name, "file": MATRICES[method]},
            trace_id=rollouts.trace.id,
        ),
        extras={"metric_words": words.metric_words, "edit_type": words.edit_type, "signed": True},
    )


def _columns(
    rollouts: Published, cells: NDArray[np.float64], source: NDArray[Any], target: NDArray[Any], sampled: bool
) -> dict[str, Any]:
    """Rows of pairs; where the cells are differences of shares of rollouts (`sampled`), with intervals."""
    starts = np.array([span.start for span in rollouts.spans])
    ends = np.array([span.end for span in rollouts.spans])
    texts = np.array(rollouts.problem.chunks, dtype=object)
    estimate = cells[source, target]
    measured = np.isfinite(estimate)
    sizes = np.where(rollouts.n > 0, rollouts.n, rollouts.rollouts)
    sizes = np.append(sizes, sizes[-1])  # behind the rates before and after each source
    ends_of = levels.widest(cells, sizes) if sampled else (np.full(cells.shape, np.nan),) * 2
    low, high = (matrix[source, target] for matrix in ends_of)
    n = np.minimum(sizes[:-1], sizes[1:])[source] if sampled else 1
    notes = np.array(counts.notes(rollouts.sizes) if sampled else [""] * len(cells), dtype=object)[source]
    return {
        "start": starts[source],
        "end": ends[source],
        "text": texts[source],
        "estimate": estimate,
        "low": low,
        "high": high,
        "n": np.where(measured, n, 0),
        "status": [(note or OK) if known else EMPTY for known, note in zip(measured, notes, strict=True)],
        "source": source.astype(np.int64),
        "target": target.astype(np.int64),
        "source_text": texts[source],
        "target_text": texts[target],
        "source_start": starts[source],
        "source_end": ends[source],
        "target_start": starts[target],
        "target_end": ends[target],
    }
