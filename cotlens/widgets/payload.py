"""Numbers as the front end reads them: little-endian bytes, never lists in JSON."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def floats(values: ArrayLike | Iterable[float]) -> bytes:
    """Float32 bytes of any shape, flattened row by row; NaN stays NaN and means "not measured"."""
    return _array(values, "<f4").tobytes()


def indices(values: ArrayLike | Iterable[int]) -> bytes:
    """Uint32 bytes of token or character positions."""
    return _array(values, "<u4").tobytes()


def _array(values: ArrayLike | Iterable[float], dtype: str) -> NDArray:
    given = values if isinstance(values, np.ndarray) else list(values)  # type: ignore[arg-type]
    return np.ascontiguousarray(given, dtype=dtype)
