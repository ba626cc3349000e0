"""The reasoners shipped with the package, opened by name like any others.

What is known of them lies in `cotlens.organisms`, which stands above `models`: it is named here, not imported.
"""

from __future__ import annotations

from typing import Any

from cotlens._core.registry import resolve

_STORE = "cotlens.organisms.store"


def names() -> list[str]:
    """Their names."""
    return list(resolve(f"{_STORE}:names")())


def load_pair(name: str) -> tuple[Any, Any]:
    """The transformers model (float32) and tokenizer of one.

    Raises:
        InputError: none of that name is shipped.
        BackendError: its files are missing or damaged.
    """
    pair: tuple[Any, Any] = resolve(f"{_STORE}:load_pair")(name)
    return pair
