"""Results made by hand for the tests of the views."""

from typing import Any

import numpy as np

from cotlens.results import Provenance, Result

WORDS = {"sign": "+ = supports the answer '7'", "zero": "no effect", "scale_unit": "probability"}


def importance(
    estimates: Any,
    half: Any = 0.1,
    *,
    texts: Any = None,
    units: str | list[str] = "sentence",
    status: Any = None,
    extras: Any = None,
    trace_id: str = "",
    metric: str = "accuracy",
    **columns: Any,
) -> Result:
    """A sampled importance result; half=0 makes it deterministic, half=nan leaves out the intervals."""
    values = np.array(estimates, dtype=float)
    count, measured = len(values), np.isfinite(values)
    exact = np.ndim(half) == 0 and half == 0
    table = {
        "unit": [units] * count if isinstance(units, str) else units,
        "start": np.arange(count) * 5,
        "end": np.arange(count) * 5 + 5,
        "text": texts or [f"Sentence {i}. " for i in range(count)],
        "estimate": values,
        "low": values - half,
        "high": values + half,
        "n": np.where(measured, 1 if exact else 100, 0),
        "status": status
        or [("exact" if exact else "ok") if ok else "not measured: the answer was never read" for ok in measured],
        **columns,
    }
    unit = units if isinstance(units, str) else units[0]
    made = Provenance("Resampling", settings={"rollouts": 100}, model="abacus", backend="local", trace_id=trace_id)
    return Result("importance", "Resampling", metric, unit, table, **WORDS, provenance=made, extras=extras or {})


def pairs(cells: dict[tuple[int, int], float], **columns: Any) -> Result:
    """A deterministic pairs result: (source, target) -> estimate."""
    source, target = (np.array([cell[end] for cell in cells]) for end in (0, 1))
    values = np.array(list(cells.values()), dtype=float)
    table = {
        "start": source,
        "end": source + 1,
        "text": [f"s{i}" for i in source],
        "estimate": values,
        "low": values,
        "high": values,
        "n": np.isfinite(values).astype(int),
        "status": ["exact" if ok else "not measured: cancelled" for ok in np.isfinite(values)],
        "source": source,
        "target": target,
        "source_text": [f"s{i}" for i in source],
        "target_text": [f"s{i}" for i in target],
        **columns,
    }
    return Result("pairs", "Suppression", "kl", "sentence", table, **WORDS, provenance=Provenance("Suppression"))
