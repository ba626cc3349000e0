"""How well an autoencoder stands for the activations it was made for, on texts it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.features.activations import SINK, Text, ids_of
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.sites import place
from cotlens.models.contract import Ablate, Branch, Intervention, Model, Patch
from cotlens.trace import Trace


@dataclass(frozen=True)
class Quality:
    """What was measured on held-out texts; the first token of each is left out.

    Args:
        explained_variance: 1 - |x - x'|² / |x - mean|², summed over tokens; 1 is perfect.
        l0: mean number of active latents per token.
        dead: share of latents that were never active.
        tokens: how many were encoded.
        loss, loss_reconstructed, loss_zero, loss_mean: mean negative log-likelihood, nats per token, of what the model
            wrote (of a plain text: all tokens but the first): as it is, and with the activations replaced by their
            reconstruction, by zero, by their mean over these texts.
        scored: how many tokens that is a mean of.
    """

    explained_variance: float
    l0: float
    dead: float
    tokens: int
    loss: float
    loss_reconstructed: float
    loss_zero: float
    loss_mean: float
    scored: int

    @property
    def loss_recovered(self) -> float:
        """Share of the loss that zero ablation adds which the reconstruction avoids: the field's measure.

        NaN where ablation adds none.
        """
        return _recovered(self.loss, self.loss_reconstructed, self.loss_zero)

    @property
    def loss_recovered_from_mean(self) -> float:
        """The same against mean ablation, which is harder."""
        return _recovered(self.loss, self.loss_reconstructed, self.loss_mean)


def _recovered(loss: float, rebuilt: float, ablated: float) -> float:
    """Share of what the ablation adds; NaN where it changes nothing, so that there is nothing to recover."""
    return (ablated - rebuilt) / (ablated - loss) if ablated != loss else float("nan")


def measure_quality(model: Model, sae: SAE, texts: Sequence[Text]) -> Quality:
    """Judge `sae` on held-out `texts`: four forward passes per text.

    Raises:
        InputError: the SAE doesn't fit the model, its site can't be changed, or there are no tokens.
        Cancelled: between two texts.
    """
    current, site = control.current(), sae.config.site
    place(site)
    sequences = [ids for ids in (ids_of(model, text) for text in texts) if len(ids) > SINK + 1]
    if not sequences:
        raise InputError("There is no text of three tokens or more to judge the SAE on.")
    begins = [_begin(text) for text in texts if len(ids_of(model, text)) > SINK + 1]
    sums, seen = _Sums(sae), []
    for done, ids in enumerate(sequences):
        current.check()
        current.report(done, 2 * len(sequences), "judging the autoencoder")
        with control.using(current.silent()):
            seen.append(sums.add(model.read(ids, site)[site][SINK:]))
    # Not before all texts were read: one arm puts their common mean in place of the activations.
    mean, losses = sums.mean, np.zeros(4)
    for done, (ids, rebuilt, begin) in enumerate(zip(sequences, seen, begins, strict=True)):
        current.check()
        current.report(len(sequences) + done, 2 * len(sequences), "judging the autoencoder")
        with control.using(current.silent()):
            losses += [_loss(model, ids, begin, change) for change in _changes(sae, len(ids), rebuilt, mean)]
    current.report(2 * len(sequences), 2 * len(sequences), "judging the autoencoder")
    scored = sum(len(ids) - begin for ids, begin in zip(sequences, begins, strict=True))
    loss, rebuilt_loss, zero, middle = (float(value) for value in losses / scored)
    return Quality(
        explained_variance=sums.explained,
        l0=float(sums.active / sums.tokens),
        dead=float((~sums.fired).mean()),
        tokens=sums.tokens,
        loss=loss,
        loss_reconstructed=rebuilt_loss,
        loss_zero=zero,
        loss_mean=middle,
        scored=scored,
    )


class _Sums:
    """What is added up over texts."""

    def __init__(self, sae: SAE) -> None:
        self._sae = sae
        self.fired = np.zeros(sae.config.d_sae, bool)
        self.tokens = self.active = 0
        self._left = self._square = 0.0
        self._sum = np.zeros(sae.config.d_in)

    def add(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Count one text; its reconstruction."""
        latents = self._sae.encode(given)
        rebuilt = self._sae.decode(latents)
        self.fired[latents.index] = True
        self.tokens += len(given)
        self.active += len(latents.index)
        self._left += float(np.square(given - rebuilt, dtype=np.float64).sum())
        self._square += float(np.square(given, dtype=np.float64).sum())
        self._sum += given.sum(0, dtype=np.float64)
        return rebuilt

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.asarray(self._sum / self.tokens, np.float32)

    @property
    def explained(self) -> float:
        # The sum of |x - mean|² is that of |x|² less |sum of x|² / n: no second round over the activations.
        return 1 - self._left / (self._square - float(self._sum @ self._sum) / self.tokens)


def _begin(text: Text) -> int:
    """The first token to score: where the model began to write, or the second of a plain text."""
    written = text.roles.get("thought") or text.roles.get("answer") if isinstance(text, Trace) else None
    return max(SINK, written.start) if written is not None else SINK


def _changes(sae: SAE, n: int, rebuilt: NDArray[np.float32], mean: NDArray[np.float32]) -> list[Intervention | None]:
    """Nothing, the reconstruction, zero, and the mean in place of the activations."""
    kind, layer = place(sae.config.site)
    at = range(SINK, n)
    return [
        None,
        Patch(layer, tuple(at), rebuilt, kind),  # type: ignore[arg-type]
        Ablate(layer, at, "zero", None, kind),  # type: ignore[arg-type]
        Ablate(layer, at, "mean", mean, kind),  # type: ignore[arg-type]
    ]


def _loss(model: Model, ids: Sequence[int], begin: int, change: Intervention | None) -> float:
    """Summed negative log-likelihood of `ids[begin:]`, nats."""
    scores = model.score(
        ids[:begin], [Branch(begin, tuple(ids[begin:]))], interventions=() if change is None else change
    )
    return -float(scores[0].logprobs.sum(dtype=np.float64))
