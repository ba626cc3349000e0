"""Files that torch has pickled, by its restricted loader: it builds tensors and plain containers, and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def read(path: Path, what: str, otherwise: str) -> Any:
    """What is in such a file.

    Args:
        what: is wanted of it, in words ("lens").
        otherwise: what to do where it holds something else.

    Raises:
        InputError: it is missing, damaged, or holds more than tensors.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 -- the restricted loader
    except OSError as error:
        raise InputError(f"No {what} can be read from {path}: {error.strerror}.") from error
    except Exception as error:  # torch raises many kinds for files that are something else
        raise InputError(
            f"{path} holds more than tensors, or it is damaged, so it is not opened: {otherwise}."
        ) from error


def layers_of(path: Path, found: Any, wanted: str) -> dict[int, Tensor]:
    """A dict layer -> tensor, each of which holds all the numbers that it claims: a view may claim more.

    Args:
        wanted: of each layer, in words ("a matrix").

    Raises:
        InputError: it is none, it is empty, or a tensor claims more than it holds.
    """
    import torch

    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} holds a {type(found).__name__}, not a dict layer -> {wanted}.")
    for layer, value in found.items():
        number = isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0
        if not number or not isinstance(value, torch.Tensor):
            raise InputError(
                f"{path} holds {str(layer)[:40]!r} -> {type(value).__name__}; give a dict layer -> {wanted}."
            )
        if value.layout != torch.strided or value.untyped_storage().nbytes() < value.numel() * value.element_size():
            raise InputError(
                f"{path} claims {value.numel():,} numbers for layer {layer} and holds fewer; save the tensors "
                "themselves, not views of them (`tensor.clone()`)."
            )
    return dict(sorted(found.items()))
