"""The loop of a latent thought: what a position says, after the last norm, becomes the input of the next.

    z_i = norm(h(position before latent i)),  input of latent i = W z_i + b

Without feedback every latent's input is one constant vector, as of a pause token: the same shape, and nothing is handed
on but what attention carries. `rotation` turns z before all that reads it, the loop and the loss alike, so that the
model's own unembedding no longer reads latents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


class Feedback(nn.Module):
    """From a last hidden state [n, d] to the input embedding of the next latent [n, d].

    Args:
        weight: [d, d]; bias: [d].
        rotation: orthogonal, [d, d]; None for none.
        constant: whether the bias alone is given, whatever the hidden state says.
    """

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor, rotation: torch.Tensor | None = None, constant: bool = False
    ) -> None:
        super().__init__()
        self.weight, self.bias, self.constant = nn.Parameter(weight.clone()), nn.Parameter(bias.clone()), constant
        self.register_buffer("rotation", rotation)

    def seen(self, hidden: torch.Tensor) -> torch.Tensor:
        """A latent as the loop and the loss read it."""
        return hidden if self.rotation is None else hidden @ self.rotation.T

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The embedding of the next latent."""
        if self.constant:
            return self.bias.expand_as(hidden)
        return self.seen(hidden) @ self.weight.T + self.bias


HandOn = Callable[[int, torch.Tensor], torch.Tensor]


@dataclass
class Thinking:
    """What a latent thought leaves: its own latents [n, k, d] after the last norm, and where text goes on."""

    latents: torch.Tensor
    cache: Any
    mask: torch.Tensor
    last: torch.Tensor


def think(
    model: Any, feedback: Feedback, prompts: list[list[int]], count: int, hand_on: HandOn | None = None
) -> Thinking:
    """Run `count` latents after each prompt; prompts are padded on the left and their positions counted without it.

    Args:
        hand_on: what is handed on in place of a latent: its number and itself, [n, d]; what follows is thought anew.
    """
    ids, mask = left_padded(prompts, model.config.pad_token_id)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    out = model.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True)
    cache, hidden, latents = out.past_key_values, out.last_hidden_state[:, -1], []
    at = positions[:, -1:]
    for at_latent in range(count):
        latents.append(hidden)
        hidden = hidden if hand_on is None else hand_on(at_latent, hidden)
        mask, at = torch.cat([mask, mask.new_ones(len(mask), 1)], 1), at + 1
        step = model.model(
            inputs_embeds=feedback(hidden)[:, None],
            attention_mask=mask,
            position_ids=at,
            past_key_values=cache,
            use_cache=True,
        )
        hidden = step.last_hidden_state[:, 0]
    stacked = torch.stack(latents, 1) if latents else hidden[:, None][:, :0]
    return Thinking(stacked, cache, mask, hidden)


def go_on(model: Any, thinking: Thinking, ids: torch.Tensor) -> torch.Tensor:
    """Hidden states [n, 1 + len, d] from the last latent on, as text of equal length [n, len] follows."""
    mask = torch.cat([thinking.mask, thinking.mask.new_ones(ids.shape)], 1)
    positions = (mask.cumsum(1) - 1)[:, -ids.shape[1] :]
    out = model.model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=thinking.cache, use_cache=True
    )
    return torch.cat([thinking.last[:, None], out.last_hidden_state], 1)


def left_padded(rows: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask [n, longest] of rows that end together."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def ridge(hidden: torch.Tensor, embeddings: torch.Tensor, penalty: float = 1e-3) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight [d, d] and bias [d] that take hidden states [n, d] to the embeddings that should follow [n, d]."""
    mean, target = hidden.mean(0), embeddings.mean(0)
    x, y = (hidden - mean).double(), (embeddings - target).double()
    gram = x.T @ x
    scale = penalty * gram.diagonal().mean()
    weight = torch.linalg.solve(gram + scale * torch.eye(len(gram), dtype=gram.dtype), x.T @ y).T.float()
    return weight, target - weight @ mean
