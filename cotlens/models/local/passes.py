"""What holds while a pass runs: the model evaluates, and whatever its code raises is said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from cotlens._core.errors import BackendError, CotLensError, OutOfMemory
from cotlens.models.local import grouped_keys

if TYPE_CHECKING:
    from torch import Tensor, nn

_OOM_WORDS = ("can't allocate memory", "out of memory", "not enough memory")


@contextmanager
def running(hf: nn.Module, inputs: Tensor) -> Iterator[None]:
    """A pass over [rows, tokens, ...]: in eval mode, out of memory as OutOfMemory, all other errors as BackendError."""
    rows, tokens = inputs.shape[:2]
    try:
        with memory_errors(rows, tokens, inputs.device), grouped_keys.read_in_place(), _evaluating(hf):
            yield
    except CotLensError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        raise BackendError(
            f"The model's own code failed in a pass over {rows} x {tokens} tokens ({type(error).__name__}: {said}); "
            "change its configuration, or use another version of transformers or of its kernels."
        ) from error


@contextmanager
def memory_errors(rows: int, tokens: int, device: torch.device) -> Iterator[None]:
    """Turn running out of memory into OutOfMemory, in a pass over `rows` x `tokens`."""
    try:
        yield
    except CotLensError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _sounds_full(error)):
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(
            f"A pass over {rows} x {tokens} tokens did not fit into the memory of {device}; "
            "use a shorter trace, a smaller model or a device with more memory."
        ) from error


@contextmanager
def frozen(hf: nn.Module) -> Iterator[None]:
    """Parameters without gradients for a while, so that no activation is kept for theirs."""
    learning = [parameter for parameter in hf.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


@contextmanager
def _evaluating(hf: nn.Module) -> Iterator[None]:
    """Without dropout for a while, where the model is being trained meanwhile and has been left in that mode."""
    training = [module for module in hf.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _sounds_full(error: BaseException) -> bool:
    return any(words in str(error).lower() for words in _OOM_WORDS)
