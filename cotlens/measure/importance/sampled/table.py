"""The table every sampled measure returns: a row per unit, with q-values over all units of the trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens.measure import stats
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled.effects import NAN, Effect, wider_than_asked
from cotlens.measure.importance.sampled.rollout_pool import RolloutPool
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.rows import placed
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace
from cotlens.trace.notes import with_text

FALSE_DISCOVERIES = 0.05  # the rate that "significant" keeps to, over the units of a trace
TESTS = {
    "probability": "no difference of two proportions, whatever the unread would have answered",
    "kl": "no difference of two distributions, by re-splitting, the unread as alike as they can be",
}
OF_A_TEST = ("p_value", "q_value", "significant", "null_floor", "null_mean")
"""Columns that only a measure with a test has."""
COUNTS = ("n", "n_kept", "n_without", "n_unread", "n_cut")


def significant(p_values: ArrayLike) -> NDArray[np.bool_]:
    """Which units of a trace stand out, at the rate of false discoveries that results keep to."""
    return np.nan_to_num(stats.benjamini_hochberg(p_values), nan=1.0) <= FALSE_DISCOVERIES


def result(
    method: Any,
    trace: Trace,
    spans: Sequence[Span],
    effects: Sequence[Effect],
    target: str,
    provenance: Provenance,
    pool: RolloutPool,
    *,
    columns: Mapping[str, Any] | None = None,
    extras: Mapping[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
) -> Result:
    """A row per unit, with q-values over all units of the trace.

    Args:
        columns: further ones; `surprise` and `surprise_was` are NaN where no text was given.
        words: `sign`, `zero` and `metric_words` where they aren't those of a probability or KL of the target.
    """
    table = {name: [getattr(one, name) for one in effects] for name in Effect.__dataclass_fields__}
    given = dict(columns or {})
    position = stats.position_baseline(table["estimate"])
    shown = target_answer(trace, method.target).surface
    said = {**_words(method, shown), **(words or {})}
    test = TESTS.get(method.metric, "")
    rows: dict[str, Any] = {
        **placed(trace, method.unit, spans),
        **{name: np.array(values, dtype=np.int32 if name in COUNTS else np.float64)
           for name, values in table.items() if name != "status"},
        "status": [wider_than_asked(method, one) for one in effects],
        "q_value": stats.benjamini_hochberg(table["p_value"]),
        "significant": significant(table["p_value"]),
        "edit_type": [method.edit_type] * len(spans),
        "surprise": given.pop("surprise", np.full(len(spans), NAN)),
        "surprise_was": given.pop("surprise_was", np.full(len(spans), NAN)),
        **given,
    }  # fmt: skip
    if not test:
        rows = {name: values for name, values in rows.items() if name not in OF_A_TEST}
    return Result(
        kind="importance",
        method=type(method).__name__,
        metric=method.metric,
        unit=method.unit,
        columns=rows,
        sign=said["sign"],
        zero=said["zero"],
        scale_unit=type(method).metrics()[method.metric],
        provenance=provenance,
        extras={
            "metric_words": with_text(said["metric_words"], trace.awaits_rerun and method.metric != "kl"),
            "edit_type": method.edit_type,
            "target": shown,
            "target_group": target,
            "convention": method.convention,
            "vocabulary": list(method.vocabulary or ()),
            "test": test or "none",
            "correction": f"Benjamini-Hochberg over {len(spans)} units at {FALSE_DISCOVERIES}" if test else "none",
            "notes": pool.notes(),
            **pool.spent(),
            "rho_position": position.rho,
            "rho_position_size": position.rho_size,
            "signed": method.metric == "probability",
            **(extras or {}),
        },
    )


def _words(method: Sampled, target: str) -> dict[str, str]:
    if method.metric == "kl":
        return {
            "sign": "larger = the answers differ more; no direction",
            "zero": "the same distribution of answers",
            "metric_words": "KL of the answers without the unit from those with it",
        }
    return {
        "sign": f"+ = supports the answer {target!r}",
        "zero": "no effect",
        "metric_words": f"p({target!r})",
    }
