"""Pairs of units, source and target: what each does to each later one, as rows of a result of kind "pairs"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.rows import exact


def columns(
    unit: str,
    starts: Sequence[int],
    ends: Sequence[int],
    texts: Sequence[str],
    estimates: NDArray[np.float64],
    status: str,
    **more: NDArray[np.float64],
) -> dict[str, Any]:
    """Columns of a deterministic pairs result: a row for every target that is later than its source, by source.

    `start`, `end` and `text` are the source's; `source` and `target` count units from 0, and `source_*` and `target_*`
    hold text and tokens of both.

    Args:
        starts, ends, texts: of the n units.
        estimates: [n, n], targets by sources.
        status: of pairs that were not measured.
        more: further columns, [n, n] as the estimates.
    """
    source, target = np.triu_indices(len(texts), 1)
    first, last = np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64)
    words = np.asarray(list(texts), dtype=object)
    values = estimates[target, source]
    measured = np.isfinite(values)
    return {
        "unit": [unit] * len(source),
        "start": first[source],
        "end": last[source],
        "text": words[source],
        **exact(values),
        "n": measured.astype(np.int64),
        "status": ["exact" if ok else status for ok in measured],
        "source": source.astype(np.int64),
        "target": target.astype(np.int64),
        "source_text": words[source],
        "target_text": words[target],
        "source_start": first[source],
        "source_end": last[source],
        "target_start": first[target],
        "target_end": last[target],
        **{name: matrix[target, source] for name, matrix in more.items()},
    }
