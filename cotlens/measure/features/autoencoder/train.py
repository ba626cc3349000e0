"""Training a TopK autoencoder on what a model does with given texts.

Gao et al. 2024 (arXiv 2406.04093): the k largest latents are kept, so sparsity needs no penalty and no tuning, and an
auxiliary loss asks latents that have been silent for long to explain what the others leave over, so that few die.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.features.activations import Text, collect
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.sites import hook_of, site_of
from cotlens.models.contract import Capability, Model, remedy

if TYPE_CHECKING:
    from torch import Tensor

_REPORT_EVERY = 20


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an autoencoder is trained.

    Args:
        latents: how many.
        k: how many may be active per token.
        steps, batch: updates, and tokens in each.
        learning_rate: of Adam at its peak; it rises over the first 5 % of steps and falls to 0 over the last 30 %.
        auxiliary: weight of the loss on silent latents.
        silent_after: tokens without activity after which a latent counts as silent.
        tokens: activations that are read and kept in memory at most.
        seed: of everything random.
    """

    latents: int = 2048
    k: int = 24
    steps: int = 3000
    batch: int = 1024
    learning_rate: float = 1e-3
    auxiliary: float = 1 / 32
    silent_after: int = 100_000
    tokens: int = 500_000
    seed: int = 0

    def __post_init__(self) -> None:
        check.settings(self)
        check.seed(self.seed, of="Recipe")
        for name in ("latents", "k", "steps", "batch", "silent_after", "tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"Recipe was given {name}={getattr(self, name)}; it must be at least 1.")
        if self.k > self.latents:
            raise InputError(f"Recipe was given k={self.k} of {self.latents} latents; k can't be more than there are.")
        if not self.learning_rate > 0:
            raise InputError(f"Recipe was given learning_rate={self.learning_rate}; it must be above 0.")


def train_sae(
    model: Model, texts: Sequence[Text], site: str, recipe: Recipe | None = None, *, device: str = "cpu"
) -> SAE:
    """Train an autoencoder on the activations of `model` at `site` over `texts` (traces or plain texts).

    Deterministic under the recipe's seed on one machine. Training needs some hundred tokens per latent.

    Raises:
        InputError: no such site, or no tokens.
        CapabilityError: the model's activations can't be read.
        Cancelled: while reading or between two steps; a SAE that is half trained is not kept.
    """
    if Capability.READ not in model.capabilities:
        raise CapabilityError(
            f"The activations of {model.name!r} can't be read: {remedy(Capability.READ, model.backend)}."
        )
    recipe, site = recipe or Recipe(), site_of(site)
    given = collect(model, texts, site, recipe.tokens, recipe.seed)
    weights, density = fit(given, recipe, device)
    config = Config(
        architecture="topk",
        d_in=given.shape[1],
        d_sae=recipe.latents,
        site=site,
        k=recipe.k,
        metadata={
            "model_name": model.name,
            "model_revision": model.revision,
            "model_weights": getattr(model, "weights", ""),
            "hook_name": hook_of(site),
            "training_tokens": len(given),
            "recipe": asdict(recipe),
        },
    )
    return SAE(config, weights, np.log10(density + 1e-10).astype(np.float32))


def fit(
    given: NDArray[np.float32], recipe: Recipe, device: str = "cpu"
) -> tuple[dict[str, Tensor], NDArray[np.float64]]:
    """Weights of a TopK autoencoder of activations [tokens, d], and the share of tokens each latent was active at.

    The shares are those of the last quarter of training.
    """
    import torch

    generator = torch.Generator().manual_seed(recipe.seed)
    scale = float(np.sqrt(given.shape[1]) / np.linalg.norm(given, axis=1).mean())
    data = torch.from_numpy(given).to(device)
    weights = _start(data, scale, recipe, generator)
    optimizer = torch.optim.Adam(weights.values(), lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe.steps))
    silent = torch.zeros(recipe.latents, dtype=torch.int64, device=device)
    fired = torch.zeros(recipe.latents, dtype=torch.int64, device=device)
    counted, current = 0, control.current()
    for step, rows in enumerate(_batches(len(given), recipe, generator)):
        current.check()
        if step % _REPORT_EVERY == 0:
            current.report(step, recipe.steps, "training the autoencoder")
        loss, active = _loss(data[rows.to(device)] * scale, weights, silent >= recipe.silent_after, recipe)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        _keep_norms(weights["W_dec"])
        optimizer.step()
        schedule.step()
        _normalize(weights["W_dec"])
        counts = torch.bincount(active, minlength=recipe.latents)
        silent = torch.where(counts > 0, 0, silent + len(rows))
        if step >= recipe.steps * 3 // 4:
            fired, counted = fired + counts, counted + len(rows)
    current.report(recipe.steps, recipe.steps, "training the autoencoder")
    found = {name: tensor.detach().cpu() for name, tensor in weights.items()}
    # latents of the scaled activations become those of the activations themselves
    found |= {"b_dec": found["b_dec"] / scale, "b_enc": found["b_enc"] / scale}
    return found, (fired / counted).cpu().numpy()


def _start(data: Tensor, scale: float, recipe: Recipe, generator: Any) -> dict[str, Tensor]:
    """Directions at random of norm 1, the encoder their transpose, the bias the mean activation."""
    import torch

    rows = torch.randn(recipe.latents, data.shape[1], generator=generator)
    rows = (rows / rows.norm(dim=1, keepdim=True)).to(data.device)
    weights = {
        "W_enc": rows.T.clone(),
        "b_enc": torch.zeros(recipe.latents, device=data.device),
        "W_dec": rows.clone(),
        "b_dec": data.mean(0) * scale,
    }
    return {name: tensor.requires_grad_() for name, tensor in weights.items()}


def _loss(x: Tensor, w: dict[str, Tensor], silent: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Share of the batch's variance that is left over, with the auxiliary loss; and the active latents [entries]."""
    import torch

    pre = (x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    values, index = pre.topk(recipe.k, sorted=False)
    values = values.relu()
    left = x - _decoded(index, values, w["W_dec"]) - w["b_dec"]
    variance = (x - x.mean(0)).pow(2).sum()
    loss = left.pow(2).sum() / variance
    k = min(x.shape[1] // 2, int(silent.sum()))
    if k:
        chosen, at = pre.masked_fill(~silent, -torch.inf).topk(k, sorted=False)
        again = left.detach() - _decoded(at, chosen, w["W_dec"])  # no relu: those below 0 must learn too
        loss = loss + recipe.auxiliary * again.pow(2).sum() / left.detach().pow(2).sum().clamp(min=1e-8)
    return loss, index[values > 0]


def _decoded(index: Tensor, values: Tensor, decoder: Tensor) -> Tensor:
    import torch

    made: Tensor = torch.nn.functional.embedding_bag(index, decoder, mode="sum", per_sample_weights=values)
    return made


def _keep_norms(decoder: Tensor) -> None:
    """Take the part along each row off the gradient, which the normalisation would undo."""
    if decoder.grad is not None:
        decoder.grad -= (decoder.grad * decoder.data).sum(1, keepdim=True) * decoder.data


def _normalize(decoder: Tensor) -> None:
    decoder.data /= decoder.data.norm(dim=1, keepdim=True).clamp(min=1e-8)


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / (0.05 * steps), (steps - step) / (0.3 * steps))


def _batches(tokens: int, recipe: Recipe, generator: Any) -> Iterator[Tensor]:
    """Row numbers of every batch: all tokens once in random order, then again."""
    import torch

    order, at = torch.randperm(tokens, generator=generator), 0
    for _ in range(recipe.steps):
        if at + recipe.batch > tokens and at > 0:
            order, at = torch.randperm(tokens, generator=generator), 0
        yield order[at : at + recipe.batch]
        at += recipe.batch
