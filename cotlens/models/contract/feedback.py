"""Maps from a latent to what the next position reads: the small family that latent reasoners are made of.

Each takes latents float32 [n, d_model] to input embeddings [n, d_model]. They are frozen and hold numpy arrays only, so
that any backend can use them and two models with the same ones are known to be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens._core.frozen import frozen_array
from cotlens.models.contract.whitebox import Decoded

Floats = NDArray[np.float32]


class Feedback:
    """Base of all maps; this one hands latents on as they are."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                if not np.isfinite(value).all():
                    raise InputError(f"The feedback's {one.name} holds NaN or infinite values; give finite ones.")
                object.__setattr__(self, one.name, frozen_array(value, np.float32))

    def __call__(self, latents: Floats) -> Floats:
        """The input embeddings [n, d_model] of latents [n, d_model]."""
        return latents

    def read(self, latents: Floats) -> Floats:
        """What the output embedding is applied to, to read latents as tokens; no norm belongs before it."""
        return latents

    @property
    def continuous(self) -> bool:
        """Whether latents are points of a space, so that one and a little of another direction is a latent, too."""
        return True

    def mean(self, latents: Floats) -> Floats:
        """The mean of latents [n, d_model], as a latent."""
        return np.asarray(latents.mean(0), np.float32)

    @property
    def fingerprint(self) -> str:
        """32 hex digits for all that it does."""
        parts: list[str | NDArray[np.float32]] = [type(self).__name__]
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if callable(value) and not isinstance(value, Feedback):
                continue  # the model's own table, which its weights tell
            own = value.fingerprint if isinstance(value, Feedback) else value
            parts += [one.name, own if isinstance(own, np.ndarray) else repr(own)]
        return fingerprint(*parts)

    @property
    def width(self) -> int | None:
        """Of the latents that it takes; None for any."""
        return None


@dataclass(frozen=True, eq=False)
class Identity(Feedback):
    """The latent itself, as in Coconut."""


@dataclass(frozen=True, eq=False)
class Linear(Feedback):
    """weight z + bias.

    Args:
        weight: [d_model, d_model].
        bias: [d_model].
    """

    weight: Floats
    bias: Floats

    def __call__(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        return np.asarray(latents @ self.weight.T + self.bias, np.float32)

    @property
    def width(self) -> int | None:
        """See `Feedback`."""
        return int(self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class Constant(Feedback):
    """One vector whatever the latent is: nothing is handed on but by attention.

    Args:
        vector: [d_model].
    """

    vector: Floats

    def __call__(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        return np.broadcast_to(self.vector, latents.shape).astype(np.float32)

    @property
    def width(self) -> int | None:
        """See `Feedback`."""
        return int(self.vector.shape[0])


@dataclass(frozen=True, eq=False)
class Mlp(Feedback):
    """Two linear maps with a GELU (by the error function) between them, and a layer norm behind them or none.

    Args:
        first, second: weights [hidden, d_model] and [d_model, hidden].
        first_bias, second_bias: [hidden] and [d_model].
        gain, shift: of the norm, [d_model]; None without one.
        epsilon: of the norm.
    """

    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    gain: Floats | None = None
    shift: Floats | None = None
    epsilon: float = 1e-5

    def __call__(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        from scipy.special import erf

        inner = latents @ self.first.T + self.first_bias
        found = (0.5 * inner * (1 + erf(inner / np.sqrt(2)))) @ self.second.T + self.second_bias
        if self.gain is not None and self.shift is not None:
            centred = found - found.mean(-1, keepdims=True)
            found = centred / np.sqrt(found.var(-1, keepdims=True) + self.epsilon) * self.gain + self.shift
        return np.asarray(found, np.float32)

    @property
    def width(self) -> int | None:
        """See `Feedback`."""
        return int(self.first.shape[1])


@dataclass(frozen=True, eq=False)
class Mixture(Feedback):
    """The mean of some tokens' embeddings, as in soft thinking: a latent is m token ids, then their m probabilities.

    Args:
        tokens: m.
        embed: from ids int64 [n] to embeddings [n, d_model].
    """

    tokens: int
    embed: Callable[[NDArray[np.int64]], Floats]

    def __call__(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        ids, shares = self.parts(latents)
        vectors = self.embed(ids.ravel()).reshape(*ids.shape, -1)
        return np.asarray((shares[..., None] * vectors).sum(1), np.float32)

    def parts(self, latents: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Token ids int64 [n, m] and probabilities [n, m] of latents; an id is exact in float32 up to 2^24.

        Raises:
            InputError: these are none.
        """
        ids, shares = latents[:, : self.tokens], latents[:, self.tokens :]
        if ids.shape != shares.shape or (ids != np.round(ids)).any() or (ids < 0).any() or (shares < 0).any():
            raise InputError(
                f"A soft latent is {self.tokens} token ids and as many probabilities; an array of shape "
                f"{latents.shape} holds something else."
            )
        return ids.astype(np.int64), shares

    @property
    def continuous(self) -> bool:
        """See `Feedback`: a direction added to token ids is none."""
        return False

    def mean(self, latents: Floats) -> Floats:
        """The m likeliest tokens of the mixture of mixtures, their probabilities summing to what those of a step do."""
        ids, shares = self.parts(latents)
        known, place = np.unique(ids, return_inverse=True)
        total = np.bincount(place.ravel(), shares.ravel(), len(known)) / len(latents)
        best = np.argsort(-total, kind="stable")[: self.tokens]
        scale = total.sum() / total[best].sum() if total[best].sum() else 0.0
        kept = np.resize(known[best], self.tokens), np.zeros(self.tokens)  # of fewer tokens some stand there twice
        kept[1][: len(best)] = scale * total[best]
        return np.concatenate(kept).astype(np.float32)

    def decoded(self, latents: Floats, targets: NDArray[np.int64], k: int) -> Decoded:
        """What latents say: their own tokens. A target that is none of them has no log-probability, and rank m."""
        ids, shares = self.parts(latents)
        order = np.argsort(-shares, 1, kind="stable")
        ids, shares = np.take_along_axis(ids, order, 1), np.take_along_axis(shares, order, 1)
        known = np.log(shares, out=np.full_like(shares, -np.inf), where=shares > 0)
        same = (ids[:, None] == targets[:, :, None]) & (shares[:, None] > 0)
        held, rank = same.any(2), same.argmax(2)
        own = np.where(held, np.take_along_axis(known, rank, 1), np.nan)
        entropy = -(shares * np.where(shares > 0, known, 0)).sum(1)
        best = min(k, self.tokens)
        return Decoded(
            ids[:, :best].astype(np.int32), known[:, :best].astype(np.float32), entropy.astype(np.float32),
            own.astype(np.float32), np.where(held, rank, self.tokens).astype(np.int32),
        )  # fmt: skip

    def read(self, latents: Floats) -> Floats:
        """Refused: `decoded` tells what they say."""
        raise InputError(
            "Soft latents are tokens with their probabilities already; latent_format.feedback.parts tells them."
        )

    @property
    def width(self) -> int | None:
        """See `Feedback`."""
        return 2 * self.tokens


@dataclass(frozen=True, eq=False)
class Rotated(Feedback):
    """A fixed rotation before another map: the output embedding alone can't read such latents.

    Args:
        rotation: orthogonal, [d_model, d_model].
        then: the map behind it.
    """

    rotation: Floats
    then: Feedback

    def __call__(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        return self.then(self.read(latents))

    def read(self, latents: Floats) -> Floats:
        """See `Feedback`."""
        return np.asarray(latents @ self.rotation.T, np.float32)

    @property
    def width(self) -> int | None:
        """See `Feedback`."""
        return int(self.rotation.shape[1])
