"""Public names that are imported at first use, so that `import cotlens` stays instant (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from cotlens._core.errors import did_you_mean
from cotlens._core.registry import resolve


def lazy_attributes(package: str, targets: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package that exports `targets` lazily.

    Args:
        package: the package's `__name__`.
        targets: public name -> `"module:attribute"`, or `"module"` where the name stands for a module.
    """
    table = dict(targets)

    def getattribute(name: str) -> Any:
        if name not in table:
            hint = "" if name.startswith("__") else f" {did_you_mean(name, table)}"
            raise AttributeError(f"{package} has no attribute {name!r}.{hint}")
        value = resolve(table[name])
        setattr(sys.modules[package], name, value)  # found directly from now on
        return value

    def directory() -> list[str]:
        return sorted({*vars(sys.modules[package]), *table})

    return getattribute, directory
