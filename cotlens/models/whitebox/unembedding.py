"""The way from the residual stream straight to the logits: what a direction adds to each token's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.architecture.layout import RESIDUAL
from cotlens.models.local.placement import present

if TYPE_CHECKING:
    from cotlens.models.architecture.runner import ModelRunner
    from cotlens.models.local.engine import Engine


FACTORS: dict[str, Callable[[Any], float]] = {
    "logits_scaling": lambda config: 1 / config.logits_scaling,  # Granite
    "logit_scale": lambda config: config.logit_scale,  # Cohere
    "lm_head_multiplier": lambda config: config.lm_head_multiplier,  # Falcon-H1
}
"""What some models multiply their logits by, after the output embedding."""
_PROBE = 256.0  # its square is far below what float16 holds


def unembed(engine: Engine, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `vectors` [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary].

    The gain of the final norm counts (and its centring, where it centres), and a factor on all logits; the norm's
    division by that of the whole stream, which no direction has alone, and later caps and biases don't.

    Raises:
        InputError: the vectors have another width.
        CapabilityError: the model has no output embedding or no final norm that is known, or there is more between the
            stream and the logits than these.
    """
    engine.layout.check("unembed", RESIDUAL)
    given, norm, head = parts(engine.hf, engine, vectors)
    with torch.no_grad(), present(norm), present(head):
        scaled = _through_norm(norm, given)
        return (factor(engine.hf.config) * (scaled.to(head.weight) @ head.weight.T).float()).cpu().numpy()


def factor(config: Any) -> float:
    """What all logits are multiplied by after the output embedding; 1 in most models."""
    text = config.get_text_config(decoder=True)
    known = [of(text) for name, of in FACTORS.items() if getattr(text, name, None)]
    return float(np.prod(known))


def uncapped(config: Any, logits: torch.Tensor) -> torch.Tensor:
    """Logits as they were before a cap c bent them to c tanh(logits / c), as Gemma does."""
    cap = getattr(config.get_text_config(decoder=True), "final_logit_softcapping", None)
    # Clamped: at the cap itself, where rounding may put a logit, the inverse is infinite.
    return logits.float() if not cap else cap * torch.atanh((logits.float() / cap).clamp(-1 + 1e-6, 1 - 1e-6))


def parts(hf: Any, runner: ModelRunner, vectors: NDArray[np.float32]) -> tuple[torch.Tensor, nn.Module, nn.Module]:
    """The vectors as a tensor, the final norm, and the output embedding of a model; raises as `unembed`."""
    given = torch.as_tensor(np.ascontiguousarray(vectors, np.float32), device=runner.device)
    if given.ndim != 2 or given.shape[1] != runner.layout.d_model:
        raise InputError(
            f"Vectors of shape [n, {runner.layout.d_model}] can be unembedded; {tuple(given.shape)} was given."
        )
    head = hf.get_output_embeddings()
    if head is None:
        raise CapabilityError("This model has no output embedding, so a direction can't be read as logits.")
    width = runner.layout.d_model
    norms = [
        child
        for child in hf.get_submodule(runner.layout.decoder).children()
        if "norm" in type(child).__name__.lower() and all(part.shape == (width,) for part in child.parameters())
    ]  # Gemma's norms of inputs per layer are narrower
    if not norms:
        raise CapabilityError(
            "No norm was found before this model's output embedding, so no direction can be read there."
        )
    return given, norms[-1], head


def _through_norm(norm: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
    """The vectors times the norm's gain, centred where it centres: found by what it does, whatever its formula."""
    kind = next((part.dtype for part in norm.parameters()), torch.float32)
    # Large, so that what norms add to the mean square is lost beside it: 1e-6 of a probe of ones would be half a
    # millionth of every logit.
    probe = torch.full((vectors.shape[1],), _PROBE, device=vectors.device, dtype=kind)
    probe[1::2] = -_PROBE
    probe = probe - probe.mean()
    # Half of up - down is free of a bias, and divided by the normalised probe it is the gain. A norm that centres gives
    # the same for a probe that is moved as a whole.
    up, down, moved = (norm(given[None]).float()[0] for given in (probe, -probe, probe + _PROBE / 2))
    probe = probe.float()
    gain = (up - down) / 2 / probe * probe.square().mean().sqrt()
    centres = (moved - up).abs().max() < 1e-2 * up.abs().max()
    return (vectors - vectors.mean(-1, keepdim=True) if centres else vectors) * gain
