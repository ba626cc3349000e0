"""JSON from outside, held to what the rest of the package can bear: bounded depth and numbers, whole characters."""

from __future__ import annotations

import json
import math
from typing import Any

from cotlens._core.text import without_halves

DEEPEST = 64  # lists and objects inside each other; files of this package hold about ten
_LONGEST_NUMBER = 40  # digits; token ids, sizes and counts have at most 20


def loads(text: str | bytes) -> Any:
    """What JSON holds, with U+FFFD for lone surrogates.

    Raises:
        ValueError: it isn't JSON, is nested deeper than `DEEPEST`, or holds a number that no float can hold (1e999) or
            an integer of more than 40 digits.
    """
    try:
        found = json.loads(text, parse_int=_integer, parse_float=_real)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError("it does not hold JSON") from error
    return _bounded(found, 0)


_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"it holds the number {digits[:20]}, which is too large")
    return value


def _bounded(data: Any, depth: int) -> Any:
    if isinstance(data, str):
        return without_halves(data)
    if depth > DEEPEST:
        raise ValueError(_TOO_DEEP)
    if isinstance(data, list):
        return [_bounded(item, depth + 1) for item in data]
    if isinstance(data, dict):
        return {without_halves(name): _bounded(item, depth + 1) for name, item in data.items()}
    return data
