"""Values that stay as they were made: dictionaries and arrays that refuse to be changed."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dict that raises on change. It is still a dict: `json`, `|`, `dict(...)` and `==` work as ever."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("This mapping can't be changed; make a copy with dict(...) and change that.")

    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[K, V]]]:
        return (type(self), (dict(self),))


def frozen_array(values: Any, dtype: DTypeLike) -> NDArray[Any]:
    """A read-only array of `dtype` with the given values; copied unless it is already read-only."""
    given = np.asarray(values, dtype=dtype)
    array = given.copy() if given.flags.writeable or given.base is not None else given
    array.setflags(write=False)
    return array
