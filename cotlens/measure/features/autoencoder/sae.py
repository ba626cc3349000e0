"""Sparse autoencoders (SAEs): from activations to latents and back, for four architectures.

The formulas are those of SAELens 6, to which `tests/reference/features/test_sae.py` holds them:

    standard    relu(x' W_enc + b_enc)
    topk        the k largest of x' W_enc + b_enc, through relu          (Gao et al. 2024, arXiv 2406.04093)
    jumprelu    relu(p) where p = x' W_enc + b_enc exceeds a threshold   (Rajamanoharan et al. 2024, arXiv 2407.14435)
    gated       relu(x' W_enc * e^r_mag + b_mag) where x' W_enc + b_gate > 0          (ditto, arXiv 2404.16014)

with x' the activation, normalised if the SAE wants it, less b_dec; decoded as latents W_dec + b_dec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.latents import Latents

if TYPE_CHECKING:
    from torch import Tensor

BIASES = {"standard": ("b_enc",), "topk": ("b_enc",), "jumprelu": ("b_enc", "threshold"),
          "gated": ("b_gate", "b_mag", "r_mag")}  # fmt: skip
_ENTRIES = 2**25  # of tokens x latents that are computed at a time: 128 MiB


@dataclass(frozen=True, eq=False, repr=False)
class SAE:
    """A sparse autoencoder. It stays as it is; `to` gives it on another device.

    Args:
        config: its shape and rules.
        weights: float32 tensors by SAELens' names: W_enc [d_in, d_sae], W_dec [d_sae, d_in], b_dec [d_in], and per
            architecture b_enc, threshold, b_gate, b_mag, r_mag [d_sae].
        log_sparsity: float32 [d_sae], log10 of the share of training tokens at which each latent was active, or None.
        folder: where its files lie, or None.

    Raises:
        InputError: a weight is missing, of the wrong shape, or not finite.
    """

    config: Config
    weights: Mapping[str, Tensor]
    log_sparsity: NDArray[np.float32] | None = None
    folder: Path | None = field(default=None)

    def __post_init__(self) -> None:
        _check_weights(self.config, self.weights)
        if self.config.rescale_acts_by_decoder_norm:
            object.__setattr__(self, "weights", _folded(self.weights))
            object.__setattr__(self, "config", replace(self.config, rescale_acts_by_decoder_norm=False))

    def __repr__(self) -> str:
        c = self.config
        kept = f", k={c.k}" if c.architecture == "topk" else ""
        return f"<SAE {c.architecture}{kept}: {c.d_sae:,} latents of {c.site} ({c.d_in} wide) of {c.model_name or '?'}>"

    @property
    def fingerprint(self) -> str:
        """32 hex digits for its rules and every weight, as they are now: what it is, whatever its folder is called."""
        rules = {name: value for name, value in vars(self.config).items() if name != "metadata"}
        weights = [part for name in sorted(self.weights) for part in (name, self.weights[name].detach().cpu().numpy())]
        return fingerprint(repr(sorted(rules.items())), *weights)

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self.weights["W_dec"].device

    def to(self, device: str) -> SAE:
        """The same SAE on another device."""
        return replace(self, weights={name: tensor.to(device) for name, tensor in self.weights.items()})

    def encode(self, activations: NDArray[np.float32]) -> Latents:
        """Active latents of activations float32 [n, d_in], in bounded memory.

        Raises:
            InputError: another width, or activations that aren't finite.
            Cancelled: between two blocks.
        """
        given = self._checked(activations)
        rows = max(1, _ENTRIES // self.config.d_sae)
        parts = []
        for start in range(0, len(given), rows):
            control.current().check()
            parts.append(self._encode(given[start : start + rows]))
        return Latents.join(parts, self.config.d_sae)

    def decode(self, latents: Latents) -> NDArray[np.float32]:
        """The activations that latents stand for, float32 [n, d_in]."""
        import torch

        with torch.no_grad():
            index = torch.from_numpy(latents.index).to(self.device)
            bounds = torch.from_numpy(latents.bounds).to(self.device)
            values = torch.from_numpy(latents.values).to(self.device)
            made = torch.nn.functional.embedding_bag(
                index, self.weights["W_dec"], bounds, mode="sum", per_sample_weights=values, include_last_offset=True
            )
            out = (made + self.weights["b_dec"]).cpu().numpy()
        if latents.scale is not None and latents.shift is not None:
            out = out * latents.scale[:, None] + latents.shift[:, None]
        return np.asarray(out, np.float32)

    def contribution(self, latents: Latents, latent: int) -> NDArray[np.float32]:
        """What one latent adds to the reconstruction, float32 [n, d_in]; 0 where it is not active."""
        acts = latents.of(latent)
        if latents.scale is not None:
            acts = acts * latents.scale
        return np.asarray(acts[:, None] * self.directions([latent]), np.float32)

    def directions(self, latents: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Decoder rows of `latents`, float32 [len(latents), d_in].

        Raises:
            InputError: there is no such latent.
        """
        import torch

        chosen = check.indices("latents", latents)
        if ((chosen < 0) | (chosen >= self.config.d_sae)).any():
            raise InputError(
                f"Latents {chosen.tolist()[:8]} are not all in this SAE; it has 0 to {self.config.d_sae - 1}."
            )
        rows = self.weights["W_dec"][torch.from_numpy(chosen).to(self.device)]
        return np.asarray(rows.cpu().numpy())

    def _checked(self, activations: NDArray[np.float32]) -> NDArray[np.float32]:
        given = np.ascontiguousarray(activations, dtype=np.float32)
        if given.ndim != 2 or given.shape[1] != self.config.d_in:
            raise InputError(
                f"This SAE encodes activations of shape [tokens, {self.config.d_in}] and was given {given.shape}: "
                f"it belongs to {self.config.model_name or 'another model'}, {self.config.site}."
            )
        if not np.isfinite(given).all():
            raise InputError("Some activations are NaN or infinite, so they can't be encoded; check the model's dtype.")
        return given

    def _encode(self, given: NDArray[np.float32]) -> Latents:
        import torch

        with torch.no_grad():
            x, shift, scale = _normalized(torch.from_numpy(given).to(self.device), self.config.normalize_activations)
            if self.config.apply_b_dec_to_input:
                x = x - self.weights["b_dec"]
            rows, index, values = _ACTIVE[self.config.architecture](x, self.weights, self.config)
            counts = torch.bincount(rows, minlength=len(given)).cpu().numpy()
        return Latents(
            np.append(0, counts.cumsum()),
            index.cpu().numpy(),
            values.cpu().numpy(),
            self.config.d_sae,
            None if shift is None else shift.cpu().numpy(),
            None if scale is None else scale.cpu().numpy(),
        )


def _normalized(x: Tensor, how: str) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The activations as the SAE wants them, with what undoes it: x = normalized * scale + shift."""
    if how == "layer_norm":
        shift = x.mean(-1)
        scale = (x - shift[:, None]).std(-1)
        return (x - shift[:, None]) / (scale[:, None] + 1e-5), shift, scale
    if how == "constant_norm_rescale":
        scale = x.norm(dim=-1) / x.shape[-1] ** 0.5
        return x / scale[:, None], scale * 0, scale
    return x, None, None


def _standard(x: Tensor, w: Mapping[str, Tensor], config: Config) -> tuple[Tensor, Tensor, Tensor]:
    return _above(x @ w["W_enc"] + w["b_enc"], 0.0)


def _jumprelu(x: Tensor, w: Mapping[str, Tensor], config: Config) -> tuple[Tensor, Tensor, Tensor]:
    return _above(x @ w["W_enc"] + w["b_enc"], w["threshold"].clamp(min=0))


def _gated(x: Tensor, w: Mapping[str, Tensor], config: Config) -> tuple[Tensor, Tensor, Tensor]:
    shared = x @ w["W_enc"]
    closed = shared + w["b_gate"] <= 0
    return _above((shared * w["r_mag"].exp() + w["b_mag"]).masked_fill_(closed, 0.0), 0.0)


def _topk(x: Tensor, w: Mapping[str, Tensor], config: Config) -> tuple[Tensor, Tensor, Tensor]:
    values, index = (x @ w["W_enc"] + w["b_enc"]).topk(config.k, sorted=False)
    index, order = index.sort()
    values = values.gather(1, order)
    rows, columns = (values > 0).nonzero(as_tuple=True)
    return rows, index[rows, columns], values[rows, columns]


def _above(pre: Tensor, threshold: Any) -> tuple[Tensor, Tensor, Tensor]:
    """(token, latent, value) of all entries above the threshold, in order."""
    rows, index = (pre > threshold).nonzero(as_tuple=True)
    return rows, index, pre[rows, index]


_ACTIVE = {"standard": _standard, "topk": _topk, "jumprelu": _jumprelu, "gated": _gated}


def _check_weights(config: Config, weights: Mapping[str, Tensor]) -> None:
    shapes = {"W_enc": (config.d_in, config.d_sae), "W_dec": (config.d_sae, config.d_in), "b_dec": (config.d_in,)}
    shapes |= dict.fromkeys(BIASES[config.architecture], (config.d_sae,))
    missing = sorted(shapes.keys() - weights.keys())
    if missing:
        raise InputError(
            f"The weights of this {config.architecture} SAE lack {', '.join(missing)}; get its files again."
        )
    for name, shape in shapes.items():
        tensor = weights[name]
        if tuple(tensor.shape) != shape:
            raise InputError(f"{name} of this SAE has the shape {tuple(tensor.shape)}; its cfg.json says {shape}.")
        if not bool(tensor.isfinite().all()):
            raise InputError(f"{name} of this SAE holds NaN or infinite numbers; get its files again.")


def _folded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Decoder rows of norm 1 and the encoder scaled by what they were: the same latents in units of the residual."""
    norm = weights["W_dec"].norm(dim=-1).clamp(min=1e-8)
    return {
        **weights,
        "W_dec": weights["W_dec"] / norm[:, None],
        "W_enc": weights["W_enc"] * norm,
        "b_enc": weights["b_enc"] * norm,
    }
