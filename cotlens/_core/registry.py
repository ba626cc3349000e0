"""Tables of things that are known by name and imported only when asked for.

A table is written down in one place, `{"EarlyAnswer": "cotlens.measure.importance.early_answer:EarlyAnswer"}`, so what
exists never depends on what happens to have been imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from cotlens._core.errors import InputError, did_you_mean


def resolve(target: str) -> Any:
    """Import `"package.module:attribute"`, or `"package.module"` for the module itself."""
    module_name, _, attribute = target.partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, attribute) if attribute else module


class Registry:
    """Names of one kind of thing and where each of them lives.

    Args:
        kind: what is registered, in words for the error message ("importance method").
        targets: name -> `"module:attribute"`.
    """

    def __init__(self, kind: str, targets: Mapping[str, str]) -> None:
        self.kind = kind
        self._targets = dict(targets)

    def get(self, name: str) -> Any:
        """The thing called `name`, imported now.

        Raises:
            InputError: no thing of this kind has that name; near names are suggested.
        """
        if name not in self._targets:
            raise InputError(f"There is no {self.kind} called {name!r}. {did_you_mean(name, self._targets)}")
        return resolve(self._targets[name])

    def names(self) -> list[str]:
        """The known names, in the order of the table."""
        return list(self._targets)

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._targets)})"
