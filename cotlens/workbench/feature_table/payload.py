"""The traits of a feature table: latents, labels and effects as plain data."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.answers.forced import METRIC_WORDS, METRICS
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.encoded import POOR
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.notes import with_text
from cotlens.widgets.protocol.feature_table import EffectInfo, Facts, Head
from cotlens.widgets.shared.encoding import floats, indices
from cotlens.widgets.shared.names import shown_name
from cotlens.workbench.feature_table.labels import ORIGINS, Labels
from cotlens.workbench.feature_table.reading import LatentReading
from cotlens.workbench.shared import document as documents
from cotlens.workbench.shared.compare import finite

NEURONPEDIA = "https://www.neuronpedia.org/"
_RELEASED = re.compile(r"[\w.-]+/[\w.-]+")
EMPTY: dict[str, Any] = {
    "error": b"", "facts": {}, "latents": b"", "bounds": b"", "tokens": b"", "values": b"", "labels": [],
    "origins": b"", "scores": b"", "corpus": b"", "words": {}, "effect": {}, "estimate": b"", "exact": b"",
}  # fmt: skip
"""The traits of a trace that was not read yet."""


def head(model: Model, sae: SAE) -> Head:
    """The view's `head`. Neuronpedia is linked only for releases that say where they are there."""
    config = sae.config
    known = str(config.metadata.get("neuronpedia_id") or "")
    kept = f" k={config.k}" if config.architecture == "topk" else ""
    return {
        "model": shown_name(model.name),
        "where": model.where,
        "sae": f"{config.architecture}{kept} SAE of {config.site}",
        "width": config.d_sae,
        "link": f"{NEURONPEDIA}{known}/" if _RELEASED.fullmatch(known) else "",
    }


def document(trace: Trace) -> dict[str, Any]:
    """`document` and `token_offsets` of a trace."""
    made = documents.document(trace)
    return {name: made[name] for name in ("document", "token_offsets")}


def reading(known: LatentReading, labels: Labels, note: str) -> dict[str, Any]:
    """Everything about the latents of a trace but their effects."""
    rows, encoded = known.rows, known.encoded
    named = [labels.of(latent) for latent in rows.latents.tolist()]
    facts: Facts = {
        "explained": finite(encoded.explained_variance),
        "l0": float(encoded.latents.l0[1:].mean()),
        "poor": POOR,
        "note": note,
    }
    return {
        "error": floats(encoded.error),
        "facts": facts,
        "latents": indices(rows.latents),
        "bounds": indices(rows.bounds),
        "tokens": indices(rows.tokens),
        "values": floats(rows.values),
        "labels": [label for label, _, _ in named],
        "origins": np.array([ORIGINS.index(origin) for _, origin, _ in named], np.uint8).tobytes(),
        "scores": floats(np.array([score for _, _, score in named], np.float32)),
        "corpus": floats(_density(rows.latents, labels)),
    }


def effects(known: LatentReading, metric: str) -> dict[str, Any]:
    """`effect`, `estimate` and `exact`; NaN is "not asked"."""
    agreement, compared = known.agreement()
    asked = known.asked
    unrun = known.trace.awaits_rerun
    body: EffectInfo = {
        "why": known.why,
        "words": "" if asked is None else with_text(METRIC_WORDS[metric].format(answer=asked.target), unrun),
        "target": "" if asked is None else asked.target,
        "unit": METRICS[metric],
        "estimated": known.estimate is not None,
        "agreement": finite(agreement),
        "compared": compared,
    }
    return {"effect": body, "estimate": floats(known.estimates()), "exact": floats(known.effects())}


def _density(latents: NDArray[np.int64], labels: Labels) -> NDArray[np.float32]:
    """Share of tokens of the SAE's own corpus at which each latent is active; NaN where its files don't say."""
    if labels.own is None:
        return np.full(len(latents), np.nan, np.float32)
    at = np.searchsorted(labels.own.latents, latents).clip(0, max(0, len(labels.own) - 1))
    return np.where(labels.own.latents[at] == latents, labels.own.density[at], np.nan).astype(np.float32)
