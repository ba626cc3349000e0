"""Whether a model can think in latents here, tried when it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract.feedback import Mixture
from cotlens.models.contract.latents import Begun
from cotlens.models.local.latents.loop import run
from cotlens.models.whitebox.decoding import logits_after_norm

if TYPE_CHECKING:
    from cotlens.models.contract.latents import LatentFormat
    from cotlens.models.local.engine import Engine

_TRIAL = 8  # tokens


def check(engine: Engine, form: LatentFormat) -> None:
    """Raise unless latents fit the model, and what it says is its output embedding's of what the loop takes.

    Raises:
        InputError: the feedback is of another width, or the latent token is none of the model's.
        CapabilityError: the model keeps a state that can't be copied, or there is more behind its last hidden state.
    """
    engine.need_masks()
    width, wide = form.feedback.width, engine.layout.d_model
    if width not in (None, wide) and not isinstance(form.feedback, Mixture):
        raise InputError(
            f"The feedback of these latents takes vectors of width {width}, and this model's hidden states are {wide} "
            "wide; load the checkpoint that the feedback was trained with."
        )
    _check_feedback(form, wide)
    for token in (form.token, *form.closing):
        if not 0 <= token < engine.layout.vocabulary and token != engine.layout.latent:
            raise InputError(
                f"Token {token} of the latents is not in this model's vocabulary of {engine.layout.vocabulary}; load "
                "a checkpoint that has its special tokens."
            )
    ids = [token % engine.layout.vocabulary for token in range(_TRIAL)]
    hidden, _ = run(engine, Begun(ids, np.empty(0, np.int64), np.empty((0, wide), np.float32), 0))
    ours, theirs = (
        logits_after_norm(engine, hidden[0].float().cpu().numpy()),
        engine.forward(engine.tensor(ids), keep=0)[0][0].float(),
    )
    if not torch.allclose(ours, theirs, atol=1e-3 * float(theirs.abs().max().clamp(min=1))):
        raise CapabilityError(
            "This model can't think in latents: its logits are not those of its last hidden state by its output "
            "embedding; use one of plain attention."
        )


def _check_feedback(form: LatentFormat, wide: int) -> None:
    """Raise InputError where what latents become isn't what positions read."""
    try:
        shape = form.inputs(np.zeros((1, form.feedback.width or wide), np.float32)).shape
    except ValueError as error:  # numpy's, of parts that don't fit one another
        raise InputError(
            f"The parts of the feedback of these latents don't fit one another ({error}); load the checkpoint that "
            "they were trained with."
        ) from error
    if shape != (1, wide):
        raise InputError(
            f"The feedback of these latents gives vectors of width {shape[-1]}, and this model's positions read "
            f"{wide} wide ones; load the checkpoint that the feedback was trained with."
        )
