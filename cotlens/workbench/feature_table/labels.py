"""What latents are called in a table: typed by its user, from a file, or from the SAE's own files, in this order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cotlens._core.errors import InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.dashboard import Dashboard
from cotlens.measure.features.names import LONGEST, read_labels, save_labels
from cotlens.models.generation.sample_store import default_path

ORIGINS = ("", "sae", "file", "typed")


@dataclass
class Labels:
    """The labels of one SAE.

    Args:
        own: from the SAE's own files, or None.
        given: from a file that was named, such as a Neuronpedia export.
        typed: by the user; kept in `path`, unless that is None.
    """

    own: Dashboard | None
    given: Mapping[int, str]
    typed: dict[int, str] = field(default_factory=dict)
    path: Path | None = None

    def of(self, latent: int) -> tuple[str, str, float]:
        """(label, where it is from, its score on held-out texts or NaN)."""
        if latent in self.typed:
            return self.typed[latent], "typed", float("nan")
        if latent in self.given:
            return self.given[latent], "file", float("nan")
        known = self.own[latent] if self.own is not None else {}
        return (str(known["label"]), "sae", float(known["score"])) if known.get("label") else ("", "", float("nan"))

    def type(self, latent: int, label: str) -> None:
        """Call a latent something, or take that back with ""; what was typed is saved at once.

        Raises:
            InputError: it can't be saved; it is kept for this table all the same.
        """
        words = " ".join(label.split())[:LONGEST]
        if words:
            self.typed[latent] = words
        else:
            self.typed.pop(latent, None)
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.typed:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"The label is kept for now but can't be saved in {self.path.parent}: {error}") from error
        if self.typed:
            save_labels(self.typed, self.path)


def labels_of(sae: SAE, given: str | Path | Mapping[int, str] | None) -> Labels:
    """The labels of `sae`, with those from a file or mapping, and what was typed before.

    Raises:
        InputError: the file is missing or holds no labels.
    """
    named = {} if given is None else dict(given) if isinstance(given, Mapping) else read_labels(given)
    store = default_path()
    if store is None:
        return Labels(Dashboard.of(sae), named)
    path = store.parent / "labels" / f"{sae.fingerprint}.json"
    known = next((one for one in (path, path.with_name(f"{_sampled(sae)}.json")) if one.exists()), None)
    return Labels(Dashboard.of(sae), named, {} if known is None else read_labels(known), path)


def _sampled(sae: SAE) -> str:
    """How older versions named the labels of a SAE: by a sample of its decoder. What was typed then is still read."""
    rows = sae.weights["W_dec"].detach()[:: max(1, sae.config.d_sae // 64)].cpu().numpy()
    return hashlib.sha256(rows.tobytes() + f"{sae.config.site} {sae.config.d_sae}".encode()).hexdigest()[:16]
