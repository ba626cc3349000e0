"""CODI (Shen et al. 2025, arXiv 2502.21074; zhenyi4/codi): a small network makes the next input of a hidden state.

A checkpoint is a state dict whose names begin with `codi.`, adapters apart from the weights, and `prj.`, the network.
Three tokens follow the base's vocabulary: padding, and those that begin and end a thought; latents have no id of their
own there, and stand here for the padding, which no text holds. Its authors' own evaluation attends to the padding of
shorter questions, so that its answers depend on what stands beside them; a question alone is what is done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cotlens._core.errors import InputError
from cotlens.models.chat_formats.families import Family
from cotlens.models.contract.feedback import Feedback, Identity, Mlp
from cotlens.models.local.latents.checkpoints.tensors import Tensors, beneath, grown

FAMILY = Family(
    "codi", open="<|bocot|>", close="<|eocot|>", before_open="", after_open="", before_close="", after_close=""
)
OWN = "model*"
SIGN = "codi."
_PADDING = "[PAD]"
_PARTS = {"first": "1.weight", "first_bias": "1.bias", "second": "3.weight", "second_bias": "3.bias"}
_NORM = {"gain": "ln.weight", "shift": "ln.bias"}


def weights(tensors: Tensors) -> Tensors:
    """Those of the model, adapters with them."""
    return {name.removeprefix("base_model.model."): part for name, part in beneath(tensors, SIGN).items()}


def feedback(tensors: Tensors) -> Feedback:
    """What latents become: the network, or themselves in a checkpoint without one."""
    found = beneath(tensors, "prj.")
    if not found:
        return Identity()
    parts = {**_PARTS, **(_NORM if {*_NORM.values()} & {*found} else {})}
    if lost := [name for name in parts.values() if name not in found]:
        raise InputError(f"The checkpoint leaves out {', '.join(lost)} of its projection; save the whole model.")
    if odd := sorted({*found} - {*parts.values()}):
        raise InputError(
            f"The checkpoint's projection holds {', '.join(odd[:3])}, which none of CODI's has: it is of another shape "
            "and can't be opened here."
        )
    return Mlp(**{name: found[key].float().numpy() for name, key in parts.items()})


def tokens(tokenizer: Any, vocabulary: int) -> tuple[int, tuple[int, ...]]:
    """The id of a latent, and those that close a thought."""
    padding, _, end = grown(tokenizer, (_PADDING, FAMILY.open, FAMILY.close), vocabulary)
    return padding, (end,)


def counts(file: Path, said: Mapping[str, Any]) -> tuple[int, ...]:
    """Six, as in all that was published."""
    return (6,)
