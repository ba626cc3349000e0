"""Interventions as data: what is changed inside a model, where, and by how much.

They are frozen, comparable and hashable, and hold numpy arrays only, so they can be stored with a result and sent to
any backend. Each backend compiles them once, inside its tracing module.

Positions are token indices of the sequence that is run (prompt included). In a branch the tokens of the branch are
numbered on from its prefix, just as they would be if the branch were the whole sequence. `range(n, EVER)` means "from n
on", which also covers tokens that are still to be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens._core.frozen import frozen_array

EVER = sys.maxsize
Positions = tuple[int, ...] | range | None
Site = Literal["embed", "resid_post", "attn_out", "mlp_out", "heads"]
SITES: tuple[str, ...] = get_args(Site)
LAYER_SITES = ("resid_post", "attn_out", "mlp_out")
"""Those that a layer has one vector of for each token, as wide as the stream."""


def covers(positions: Positions, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entries of `at` are among `positions` (None: all), bool of the shape of `at`."""
    if positions is None:
        return np.ones(at.shape, dtype=bool)
    if isinstance(positions, range):
        inside = (at >= positions.start) & (at < positions.stop)
        return inside & ((at - positions.start) % positions.step == 0)
    return np.isin(at, np.asarray(positions, dtype=np.int64))


def _positions(given: Any, what: str) -> Positions:
    if given is None:
        return None
    if isinstance(given, (int, np.integer)):
        given = (given,)
    if isinstance(given, range):
        if given.step < 1 or given.start < 0:
            raise InputError(f"{what} {given} must be a rising range from 0 or later.")
        return given
    if not isinstance(given, Iterable):
        raise InputError(f"{what}={given!r} can't be positions: give whole numbers, a range, or None for every token.")
    chosen = tuple(check.whole(what, position, most=EVER) for position in given)
    if any(position < 0 for position in chosen):
        raise InputError(f"{what} {chosen} hold a negative number; count tokens from 0 at the start of the sequence.")
    return chosen


class Intervention:
    """Base of all interventions; compares and hashes by content, arrays included."""

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits for all that it does, the same in every process."""
        parts: list[str | NDArray[Any]] = [type(self).__name__]
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            parts += [field.name, value if isinstance(value, np.ndarray) else repr(value)]
        return fingerprint(*parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Intervention) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _check_place(self, layer: int, site: str) -> None:
        self._set("layer", check.whole("layer", layer, of=type(self).__name__))
        if layer < 0:
            raise InputError(f"Layer {layer} is negative; layers are counted from 0.")
        if site not in SITES:
            raise InputError(f"There is no site {site!r} to change; choose one of {', '.join(SITES)}.")
        if site == "embed" and layer != 0:
            raise InputError(f"The embedding stands before layer 0, not before layer {layer}; give layer=0 with it.")


@dataclass(frozen=True, eq=False)
class AddVector(Intervention):
    """Add `coefficient * vector` to the output of one layer (or of its attention or MLP) at `positions`.

    Args:
        layer: from 0.
        vector: float32 [d_model].
        positions: token indices; None for every token.
        coefficient: factor on the vector as given; nothing is normalised.
        site: "resid_post" (the residual stream after the layer), "attn_out" or "mlp_out"; "embed" (with layer 0) is
            the token embedding.
    """

    layer: int
    vector: NDArray[np.float32]
    positions: Positions = None
    coefficient: float = 1.0
    site: Site = "resid_post"

    def __post_init__(self) -> None:
        self._check_place(self.layer, self.site)
        self._set("vector", frozen_array(check.array("vector", self.vector, of="AddVector"), np.float32))
        self._set("positions", _positions(self.positions, "positions"))
        self._set("coefficient", check.number("coefficient", self.coefficient, of="AddVector"))
        if self.vector.ndim != 1:
            raise InputError(f"The vector has shape {self.vector.shape}; give one of shape [d_model].")


@dataclass(frozen=True, eq=False)
class Ablate(Intervention):
    """Put zero, or a mean you measured, in place of an output at `positions`.

    Args:
        mode: "zero", or "mean" with `mean` float32 [d_model], for example the average of `model.read` over many tokens.
            A mean over the tokens at hand is not offered: it would differ between a whole pass and one with a cache.
        site: "mlp_out" (default), "attn_out" or "resid_post"; "embed" with layer 0.
    """

    layer: int
    positions: Positions = None
    mode: Literal["zero", "mean"] = "zero"
    mean: NDArray[np.float32] | None = None
    site: Site = "mlp_out"

    def __post_init__(self) -> None:
        self._check_place(self.layer, self.site)
        self._set("positions", _positions(self.positions, "positions"))
        if self.mode not in ("zero", "mean"):
            raise InputError(f"Ablate(mode={self.mode!r}) is not known; choose 'zero' or 'mean'.")
        if (self.mode == "mean") != (self.mean is not None):
            raise InputError("Ablate needs mean=<vector of shape [d_model]> with mode='mean', and only then.")
        if self.mean is not None:
            self._set("mean", frozen_array(check.array("mean", self.mean, of="Ablate"), np.float32))


@dataclass(frozen=True, eq=False)
class BlockAttention(Intervention):
    """Queries at `queries` can't attend to keys at `keys`. A token never loses sight of itself.

    Args:
        queries, keys: token indices; None for every token.
        layers, heads: where this holds; None for all layers, all heads.
    """

    queries: Positions
    keys: Positions
    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("queries", "keys", "layers", "heads"):
            self._set(name, _positions(getattr(self, name), name))


@dataclass(frozen=True, eq=False)
class Patch(Intervention):
    """Put given activations in place of an output: `values[i]` at `positions[i]`.

    Args:
        positions: token indices, one per row of `values`.
        values: float32 [len(positions), d_model], for example from `model.read` on another trace. At "heads" the
            outputs of all heads of the layer side by side, in the order of their numbers.
    """

    layer: int
    positions: tuple[int, ...]
    values: NDArray[np.float32]
    site: Site = "resid_post"

    def __post_init__(self) -> None:
        self._check_place(self.layer, self.site)
        self._set("positions", tuple(_positions(self.positions, "positions") or ()))
        self._set("values", frozen_array(check.array("values", self.values, of="Patch"), np.float32))
        if self.values.ndim != 2 or len(self.values) != len(self.positions):
            raise InputError(
                f"Patch got {len(self.positions)} positions and values of shape {self.values.shape}; "
                "give one row of values per position."
            )


@dataclass(frozen=True, eq=False)
class ClampFeature(Intervention):
    """Hold latents of a sparse autoencoder at given activations in an output; all else in it stays.

    With a(x) the latent's activation at a token and d its decoder row, x becomes x + (wanted - a(x)) s d, where wanted
    is `value` (mode "clamp"; 0 ablates) or `value * a(x)` (mode "scale") and s undoes the autoencoder's normalisation.
    What the autoencoder doesn't reconstruct is left as it was. All latents of one intervention read the same x; several
    interventions act one after the other. It carries the weights it needs, so any backend can compile it;
    `cl.features.clamp` makes one of an autoencoder.

    The activation is that of a JumpReLU, of which ReLU and gated are special cases: with x' = (x - shift) / scale,
    p = x' encoder + bias, and a = p where p exceeds the threshold, else 0. Where `k` is given, a latent must also be
    among the k largest of all, so `encoder` then holds every latent's column.

    Args:
        features: the latents, by number.
        values: one per latent, or one for all.
        encoder: float32 [d_model, n] for n latents; with `k` [d_model, all latents].
        bias, threshold: float32, one per column of `encoder`; the bias of the decoder is folded into both.
        decoder: float32 [n, d_model].
        k: 0, or how many latents may be active at a token.
        normalize: "none", "layer_norm" or "constant_norm_rescale", as SAELens has them.
        mode: "clamp" or "scale".
        positions: token indices; None for every token.
        sae: what the autoencoder is called, for people.
    """

    layer: int
    features: tuple[int, ...]
    values: tuple[float, ...]
    encoder: NDArray[np.float32]
    bias: NDArray[np.float32]
    threshold: NDArray[np.float32]
    decoder: NDArray[np.float32]
    k: int = 0
    normalize: Literal["none", "layer_norm", "constant_norm_rescale"] = "none"
    mode: Literal["clamp", "scale"] = "clamp"
    positions: Positions = None
    site: Site = "resid_post"
    sae: str = ""

    def __post_init__(self) -> None:
        self._check_place(self.layer, self.site)
        self._set("positions", _positions(self.positions, "positions"))
        features = [self.features] if np.ndim(self.features) == 0 else self.features
        self._set("features", tuple(check.indices("features", features, of="ClampFeature").tolist()))
        given = np.atleast_1d(check.array("values", self.values, of="ClampFeature")).tolist()
        self._set("values", tuple(given * len(self.features) if len(given) == 1 else given))
        for name in ("encoder", "bias", "threshold", "decoder"):
            self._set(name, frozen_array(getattr(self, name), np.float32))
        self._check()

    def _check(self) -> None:
        n = len(self.features)
        if self.mode not in ("clamp", "scale"):
            raise InputError(f"ClampFeature(mode={self.mode!r}) is not known; choose 'clamp' or 'scale'.")
        if self.normalize not in ("none", "layer_norm", "constant_norm_rescale"):
            raise InputError(f"ClampFeature can't normalise by {self.normalize!r}; see its documentation.")
        if not n or len(self.values) != n or not np.isfinite(self.values).all():
            raise InputError(f"ClampFeature needs a finite value per latent: {n} latents got {self.values}.")
        width = self.encoder.shape[-1]
        columns = width > max(self.features) and 1 <= self.k <= width if self.k else width == n
        shaped = self.encoder.ndim == 2 and self.decoder.shape == (n, self.encoder.shape[0])
        if not (columns and shaped and self.bias.shape == self.threshold.shape == (width,)):
            raise InputError(
                f"ClampFeature got an encoder of {self.encoder.shape}, a decoder of {self.decoder.shape} and a bias of "
                f"{self.bias.shape} for {n} latents (k={self.k}), which don't fit; make it with cl.features.clamp."
            )


def as_interventions(given: Intervention | Sequence[Intervention]) -> tuple[Intervention, ...]:
    """One or several interventions as a tuple.

    Raises:
        InputError: something else was given.
    """
    found = (given,) if isinstance(given, Intervention) or not isinstance(given, Iterable) else tuple(given)
    for item in found:
        if not isinstance(item, Intervention):
            raise InputError(
                f"{item!r} is not an intervention; use AddVector, Ablate, BlockAttention, Patch or ClampFeature."
            )
    return found
