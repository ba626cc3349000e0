"""Numbers and places as the front end reads them.

Numbers are little-endian bytes, never lists in JSON. Places are UTF-16 code units, as JavaScript counts, and not code
points, as Python does: they differ by one for every character beyond U+FFFF that lies before.
"""

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


def _units(text: str) -> NDArray[np.int64] | None:
    """UTF-16 position of every code point and of the end, int64 [len(text) + 1]; None where the two don't differ."""
    if text.isascii():
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    wide = codes > 0xFFFF
    if not wide.any():
        return None
    units = np.arange(len(codes) + 1, dtype=np.int64)
    units[1:] += np.cumsum(wide)
    return units


def to_utf16(text: str, positions: ArrayLike) -> NDArray[np.int64]:
    """UTF-16 positions of code-point positions in `text`, in the same shape.

    Raises IndexError for a position outside 0..len(text).
    """
    at = _checked(positions, len(text))
    units = _units(text)
    return at.copy() if units is None else units[at]


def from_utf16(text: str, positions: ArrayLike) -> NDArray[np.int64]:
    """Code-point positions of UTF-16 positions in `text`; one inside a character counts as that character's start.

    Raises IndexError for a position outside the text.
    """
    units = _units(text)
    at = _checked(positions, len(text) if units is None else int(units[-1]))
    return at.copy() if units is None else np.searchsorted(units, at, side="right") - 1


def _checked(positions: ArrayLike, size: int) -> NDArray[np.int64]:
    at = np.asarray(positions, dtype=np.int64)
    if at.size and (at.min() < 0 or at.max() > size):
        raise IndexError(
            f"Position {int(at.min()) if at.min() < 0 else int(at.max())} lies outside a text of length {size}."
        )
    return at
