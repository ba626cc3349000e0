"""A feature table in words, for a script, an agent or a plain terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cotlens.results.summary import escaped, fitted, table
from cotlens.workbench.feature_table.labels import Labels
from cotlens.workbench.feature_table.reading import LatentReading

_REST = "table.code makes the table with all its columns, table.view.head says what it is of"


def tell(head: Mapping[str, Any], known: LatentReading | None, labels: Labels, markdown: bool) -> str:
    """What was read, how well, and the latents: those of the largest effects first, then the most active ones."""
    say = escaped if markdown else str
    of = f"**FeatureTable** ({say(head['model'])}, {say(head['where'])}): {say(head['sae'])}"
    if known is None:
        return f"{of}\nNothing was read yet: table.wait() until it is, then table.summary()"
    fit = f"{len(known.rows)} latents are active; explained variance {known.encoded.explained_variance:.2f}"
    asked = "" if known.asked is None else f"effects are on the answer {known.asked.target!r}"
    said = [of, *(say(each) for each in (fit, known.note, asked or known.why) if each), ""]
    names, rows = table(["latent", "label", "peak", "tokens", "effect", "measured"], _cells(known, labels), say)
    count = len(known.rows)
    return fitted([*said, *names], rows, lambda shown: f"{shown} of {count} latents; {_REST}")


def _cells(known: LatentReading, labels: Labels) -> Iterator[tuple[Any, ...]]:
    exact, estimate, rows = known.effects(), known.estimates(), known.rows
    effect = np.where(np.isnan(exact), estimate, exact)
    for at in np.argsort(-np.nan_to_num(np.abs(effect)), kind="stable").tolist():
        latent, (first, last) = int(rows.latents[at]), rows.bounds[at : at + 2].tolist()
        how = "not asked" if np.isnan(effect[at]) else "first order" if np.isnan(exact[at]) else "exact"
        told = "" if np.isnan(effect[at]) else f"{effect[at]:+.3g}"
        yield latent, labels.of(latent)[0], f"{rows.values[first:last].max():.3g}", last - first, told, how
