"""The reasoners shipped with the package, opened by name like any others.

What is known of them lies in `cotlens.organisms`, which stands above `models`: it is named here, not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cotlens._core.registry import resolve

if TYPE_CHECKING:
    from cotlens.models.contract.latents import LatentFormat

_STORE = "cotlens.organisms.store"


def names() -> list[str]:
    """Their names."""
    return list(resolve(f"{_STORE}:names")())


def latent_format(name: str) -> LatentFormat | None:
    """How one thinks in latents; None of one that thinks in words."""
    found: LatentFormat | None = resolve(f"{_STORE}:latent_format")(name)
    return found


def load_pair(name: str) -> tuple[Any, Any]:
    """The transformers model (float32) and tokenizer of one.

    Raises:
        InputError: none of that name is shipped.
        BackendError: its files are missing or damaged.
    """
    pair: tuple[Any, Any] = resolve(f"{_STORE}:load_pair")(name)
    return pair
