"""Checks of numbers and text that a caller gives: all that is public asks here, so one mistake has one answer.

Each check returns the value as plain Python, or raises an `InputError` that says what was given and what is allowed.
A `bool` is no number, a `float` is no whole number even where it is 1.0, and NaN is nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError

SEEDS = 2**64  # how many seeds there are
SOMEONE = "This call"  # was given what can't be; settings say whose they are


def whole(name: str, value: Any, least: int | None = None, most: int | None = None, *, of: str = SOMEONE) -> int:
    """A whole number from `least` to `most`, each None for no bound.

    Args:
        of: what was given it, as the error has it ("Resampling").

    Raises:
        InputError: it is something else.
    """
    if not _is_whole(value) or not _inside(value, least, most):
        raise _refused(of, name, value, f"a whole number{_bounds(least, most)}")
    return int(value)


def number(
    name: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
    of: str = SOMEONE,
) -> float:
    """A finite number from `least`, or greater than `above`, to `most`.

    Raises:
        InputError: it is something else.
    """
    known = (_is_whole(value) or isinstance(value, (float, np.floating))) and _finite(value)
    if not known or not _inside(value, least, most) or (above is not None and not value > above):
        raise _refused(of, name, value, f"a finite number{_bounds(least, most, above)}")
    return float(value)


def seed(value: Any, name: str = "seed", *, of: str = SOMEONE) -> int:
    """A seed: a whole number from 0 to 2**64 - 1.

    Raises:
        InputError: it is something else.
    """
    if not _is_whole(value) or not 0 <= value < SEEDS:
        raise _refused(of, name, value, "a whole number from 0 to 2**64 - 1")
    return int(value)


def flag(name: str, value: Any, *, of: str = SOMEONE) -> bool:
    """True or False.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise _refused(of, name, value, "True or False")
    return bool(value)


def text(name: str, value: Any, *, of: str = SOMEONE) -> str:
    """Text that can be written as UTF-8.

    Raises:
        InputError: it is something else, or holds one half of a surrogate pair.
    """
    if not isinstance(value, str):
        raise _refused(of, name, value, "text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{of} was given {name}= with U+{ord(value[error.start]):04X} at character {error.start}, one half of a "
            "surrogate pair, which stands for no character: take it out, or decode the text anew."
        ) from None
    return value


def indices(name: str, values: Any, *, of: str = SOMEONE) -> NDArray[np.int64]:
    """A sequence of whole numbers, such as token ids or positions, as int64 [n].

    Raises:
        InputError: it is something else.
    """
    try:
        array = np.asarray(values if hasattr(values, "__len__") else list(values))
    except (TypeError, ValueError):
        raise _refused(of, name, values, "a sequence of whole numbers") from None
    if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu"):
        raise _refused(of, name, values, "a sequence of whole numbers")
    return array.astype(np.int64)


def pairs(name: str, values: Any, *, of: str = SOMEONE) -> list[tuple[int, int]]:
    """Pairs of whole numbers, such as stretches of tokens or (layer, head).

    Raises:
        InputError: they are something else.
    """
    try:
        return [  # first the plain ones: there is a pair for every token of a text
            (one, other) if type(one) is type(other) is int else (whole(name, one, of=of), whole(name, other, of=of))
            for one, other in values
        ]
    except (TypeError, ValueError):
        raise _refused(of, name, values, "pairs of whole numbers") from None


def texts(name: str, values: Any, *, of: str = SOMEONE) -> list[str]:
    """One text or several.

    Raises:
        InputError: it is something else.
    """
    if isinstance(values, str):
        return [text(name, values, of=of)]
    if not isinstance(values, Iterable) or isinstance(values, bytes):
        raise _refused(of, name, values, "text, or a list of texts")
    return [text(name, value, of=of) for value in values]


def path(name: str, value: Any, *, of: str = SOMEONE) -> Path:
    """A path of a file or folder, as text or as `pathlib` has it; there may be nothing yet.

    Raises:
        InputError: it is something else, or the system refuses it: a name too long, links in a circle, a folder that
            may not be looked into.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _refused(of, name, value, "a path as text")
    if not value or "\0" in value:
        raise _refused(of, name, value, "a path, which has a character at least and none that ends a text")
    found = Path(text(name, value, of=of))
    try:
        found.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # whoever makes or opens it says so
    except OSError as error:
        raise _refused(of, name, value, f"another path: the system refuses this one ({error.strerror})") from error
    return found


def array(name: str, values: Any, *, of: str = SOMEONE) -> NDArray[np.float64]:
    """An array of numbers as float64, of any shape; NaN and infinity are numbers here.

    Raises:
        InputError: it is something else.
    """
    try:
        found = np.asarray(values)
        if found.dtype.kind in "iuf":
            return found.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise _refused(of, name, values, "numbers")


def sampling(given: Any) -> None:
    """The settings of sampling that `given` has, each of which may be None.

    Raises:
        InputError: one is out of its range.
    """
    of = type(given).__name__
    for name, check in _SAMPLING.items():
        if getattr(given, name) is not None:
            check(name, getattr(given, name), of=of)


def settings(given: Any) -> None:
    """The fields of a dataclass that are declared as int, float, bool or str, or as one of them or None.

    What range a number must be in, its class says.

    Raises:
        InputError: a field holds something else.
    """
    for field in fields(given):
        kinds = [kind.strip() for kind in str(field.type).split("|")]
        value = getattr(given, field.name)
        if kinds[0] not in _KINDS or kinds[1:] not in ([], ["None"]) or (value is None and len(kinds) == 2):
            continue
        _KINDS[kinds[0]](field.name, value, of=type(given).__name__)


_SAMPLING: dict[str, Callable[..., Any]] = {
    "max_new_tokens": partial(whole, least=1),
    "temperature": partial(number, least=0),
    "top_p": partial(number, above=0, most=1),
    "top_k": partial(whole, least=0),
}
_KINDS: dict[str, Callable[..., Any]] = {"int": whole, "float": number, "bool": flag, "str": text}


def _is_whole(value: Any) -> bool:
    # Nearly all are, and thousands are asked about at once.
    return type(value) is int or (isinstance(value, (int, np.integer)) and not isinstance(value, bool))


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _inside(value: Any, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _bounds(least: float | None, most: float | None, above: float | None = None) -> str:
    low = "" if above is None else f" above {above}"
    low += "" if least is None else f"{' and' if low else ''} from {least}"
    return low if most is None else f"{low} to {most}" if low else f" up to {most}"


def _refused(of: str, name: str, value: Any, wanted: str) -> InputError:
    said = repr(value)
    return InputError(f"{of} was given {name}={said if len(said) <= 60 else said[:57] + '...'}: give {wanted}.")
