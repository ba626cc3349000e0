"""The columns of a result: which there must be, of what type, and what a missing measurement looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens._core.frozen import frozen_array
from cotlens._core.text import without_halves

COLUMNS = ("unit", "start", "end", "text", "estimate", "low", "high", "n", "status")
MEASURED = ("ok", "exact")
"""Statuses of rows that were measured; any other status is the reason why a row was not, or not fully."""

_TYPES: dict[str, Any] = {"start": np.int64, "end": np.int64, "n": np.int64} | dict.fromkeys(
    ("estimate", "low", "high"), np.float64
)
_WORDS = ("unit", "text", "status")
_LONGEST = 200  # characters of a reason


def checked_columns(columns: Mapping[str, Any], unit: str) -> dict[str, NDArray[Any]]:
    """The columns in order, as read-only arrays of one length: int64, float64, or str objects.

    Raises:
        InputError: a column is missing, of another length or not of its type; or a row counts as measured and has
            no estimate.
    """
    given = {"unit": None, **columns}
    missing = [name for name in COLUMNS if name not in given]
    if missing:
        raise InputError(f"A result needs the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing.")
    count = len(given["estimate"])
    if given["unit"] is None:
        given["unit"] = [unit] * count
    ordered = (*COLUMNS, *(name for name in given if name not in COLUMNS))
    table = {name: _column(name, given[name]) for name in ordered}
    for name, column in table.items():
        if column.shape != (count,):
            raise InputError(f"The column {name!r} has the shape {column.shape}; the estimates have {count} rows.")
    claimed = np.isin(table["status"].astype(str), MEASURED) & np.isnan(table["estimate"])
    if claimed.any():
        row = int(np.flatnonzero(claimed)[0])
        raise InputError(
            f"Row {row} has the status {table['status'][row]!r} but no estimate; give the reason as its status."
        )
    return table


def _column(name: str, values: Any) -> NDArray[Any]:
    words = name in _WORDS or (name not in _TYPES and _is_text(values))
    try:
        if words:
            column = np.empty(len(values), dtype=object)
            column[:] = [without_halves(str(value)) for value in values]
            column.setflags(write=False)
            return column
        return frozen_array(values, _TYPES.get(name) or np.asarray(values).dtype)
    except (OverflowError, TypeError, ValueError) as error:
        why = str(error)[:_LONGEST]  # it quotes what was given
        raise InputError(f"The column {name!r} can't be read as {'text' if words else 'numbers'}: {why}.") from error


def _is_text(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "OUS"
    return isinstance(values, Sequence) and any(isinstance(value, str) for value in values)
