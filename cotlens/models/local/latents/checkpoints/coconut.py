"""Coconut (Hao et al. 2024, arXiv 2412.06769; facebookresearch/coconut): the hidden state itself is what comes next.

A checkpoint is a state dict whose names begin with `base_causallm.`, of a base whose vocabulary grew by three tokens in
this order. How many latents depends on how far training went: at stage s, s times `c_thought`, and `checkpoint_7` is of
the seventh epoch. That is read from the settings (a .yaml file) where they lie beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.chat_formats.families import Family
from cotlens.models.contract.feedback import Feedback, Identity
from cotlens.models.local.latents.checkpoints.tensors import Tensors, beneath, grown

FAMILY = Family(
    "coconut",
    open="<|start-latent|>",
    close="<|end-latent|>",
    before_open="\n",
    after_open="",
    before_close="",
    after_close="",
)
OWN = "checkpoint_*"
SIGN = "base_causallm."


def weights(tensors: Tensors) -> Tensors:
    """Those of the model."""
    return beneath(tensors, SIGN)


def feedback(tensors: Tensors) -> Feedback:
    """What latents become."""
    return Identity()


def tokens(tokenizer: Any, vocabulary: int) -> tuple[int, tuple[int, ...]]:
    """The id of a latent, and those that close a thought."""
    _, end, latent = grown(tokenizer, (FAMILY.open, FAMILY.close, "<|latent|>"))
    return latent, (end,)


def counts(file: Path, said: Mapping[str, Any]) -> tuple[int, ...]:
    """How many latents it was trained with, the usual number last; none where nobody says."""
    if not {"c_thought", "max_latent_stage", "epochs_per_stage"} <= set(said):
        return ()
    epoch = re.search(r"(\d+)(?:\.\w+)?$", file.name)
    if epoch is None:
        raise InputError(
            f"{file.name!r} doesn't say after which epoch it was saved, on which the number of its latents depends; "
            "give LatentCheckpoint('coconut', latents=...)."
        )
    each, most, per_stage = (
        check.whole(name, said[name], least, of="The settings beside the checkpoint")
        for name, least in (("c_thought", 0), ("max_latent_stage", 0), ("epochs_per_stage", 1))
    )
    stage = min(most, max(0, int(epoch[1]) - 1) // per_stage)
    if said.get("pad_latent_to_max", True):
        return (each * stage,)
    return tuple(each * step for step in range(stage + 1))  # a problem of fewer steps had fewer latents
