"""Soft thinking (Zhang et al. 2025, arXiv 2505.15778): a step is no word but the likeliest few, mixed by probability.

Any model can be asked so; none has to be trained for it. What is kept of a step is its tokens and their probabilities,
not their mean: the mean says nothing of which they were. They are those of the plain distribution (temperature 1), the
`TOKENS` likeliest, summing to one; the paper's filters (top-p, min-p) and its stop at low entropy are left out, so that
the number of steps is what was asked for, and words follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.models.contract.feedback import Floats, Mixture
from cotlens.models.contract.latents import LatentFormat

NAME = "soft"
TOKENS = 8


def format_of(hf: Any, tokenizer: Any) -> LatentFormat:
    """How a loaded model thinks softly.

    A step is none of its words, and there need be no row of its embedding to spare: the id that stands for a step is
    the first beyond both its embedding and its tokenizer.
    """

    def embed(ids: NDArray[np.int64]) -> Floats:
        table = hf.get_input_embeddings()
        if ids.size and ids.max() >= len(table.weight):
            raise InputError(
                f"A soft latent names token {ids.max()}, and this model has tokens 0 to {len(table.weight) - 1}; take "
                "latents that this model thought."
            )
        with torch.no_grad():
            found: Floats = table(torch.tensor(ids, device=table.weight.device)).float().cpu().numpy()
        return found

    rows = len(hf.get_input_embeddings().weight)
    token = max(rows, len(tokenizer))
    return LatentFormat(NAME, token, Mixture(min(TOKENS, rows), embed), default=_unsaid, beyond=True)


def _unsaid(prompt: str) -> int:
    raise InputError("Soft thinking takes as many steps as you say; give latents=, such as reason(prompt, latents=16).")
