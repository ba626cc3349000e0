"""The rows of a table of latents: which are active, in which order, and what is counted of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.features.activations import SINK
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.dashboard import Dashboard
from cotlens.measure.features.encoded import POOR, Encoded
from cotlens.measure.rows import exact
from cotlens.trace import Span, Trace


@dataclass(frozen=True, eq=False)
class Rows:
    """The active latents, most active on the selection first: per row its latent and its entries."""

    latents: NDArray[np.int64]
    bounds: NDArray[np.int64]
    tokens: NDArray[np.int64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.latents)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        for row in range(len(self)):
            mine = slice(self.bounds[row], self.bounds[row + 1])
            yield self.tokens[mine], self.values[mine]


def selected(trace: Trace, selection: Span | tuple[int, int] | None) -> tuple[int, int]:
    """The tokens of a selection, half-open; the whole trace where there is none.

    Raises:
        InputError: it is empty or not in the trace.
    """
    n = len(trace.token_ids)
    if selection is None:
        return 0, n
    tokens = (selection.start, selection.end) if isinstance(selection, Span) else selection
    start, end = check.pairs("selection", [tokens])[0]
    if not 0 <= start < end <= n:
        raise InputError(f"The selection of tokens {start} to {end} is empty or not in this trace of {n} tokens.")
    return start, end


def active_rows(encoded: Encoded, chosen: tuple[int, int], asked: Sequence[int]) -> Rows:
    """Active latents in order, with those asked for that are active nowhere at the end, empty."""
    active, bounds, tokens, values = encoded.latents.transposed()
    inside = (tokens >= chosen[0]) & (tokens < chosen[1])
    owner = np.repeat(np.arange(len(active)), np.diff(bounds))
    strongest = np.zeros(len(active), np.float32)
    # Not by plain indexing, which would keep the last of several entries of one latent.
    np.maximum.at(strongest, owner[inside], values[inside])
    order = np.argsort(-strongest, kind="stable")
    idle = [latent for latent in dict.fromkeys(asked) if latent not in set(active.tolist())]
    pieces = [np.arange(bounds[row], bounds[row + 1]) for row in order]
    entries = np.concatenate([np.empty(0, np.int64), *pieces])
    lengths = [*(len(piece) for piece in pieces), *(0 for _ in idle)]
    return Rows(
        np.concatenate([active[order], np.array(idle, np.int64)]),
        np.append(0, np.cumsum(lengths, dtype=np.int64)),
        tokens[entries],
        values[entries],
    )


def activity(
    trace: Trace, sae: SAE, encoded: Encoded, rows: Rows, chosen: tuple[int, int], known: Dashboard | None
) -> dict[str, Any]:
    """The columns of a result that say where and how much each latent is active, and what is known of it."""
    n, peaks, here, maximum, mean = len(encoded.error) - SINK, [], [], [], []
    for tokens, values in rows:
        inside = (tokens >= chosen[0]) & (tokens < chosen[1])
        best = np.where(inside, values, -1.0) if inside.any() else values
        peaks.append(int(tokens[best.argmax()]) if len(tokens) else chosen[0])
        here.append(float(values[inside].max(initial=0.0)))
        maximum.append(float(values.max(initial=0.0)))
        mean.append(float(values.sum()) / n)
    at = np.array(peaks, np.int64)
    counts = np.diff(rows.bounds)
    about = [known[int(latent)] if known is not None else {} for latent in rows.latents]
    density = np.array([one.get("density", np.nan) for one in about], np.float64)
    if known is None and sae.log_sparsity is not None:
        density = 10.0 ** sae.log_sparsity[rows.latents].astype(np.float64)
    return {
        "unit": ["latent"] * len(rows),
        "start": at,
        "end": at + 1,
        "text": [trace.tokens[token] for token in peaks],
        **exact(here),
        "n": counts,
        "status": ["exact"] * len(rows),
        "latent": rows.latents,
        "label": np.array([one.get("label", "") for one in about], dtype=object),
        "label_score": np.array([one.get("score", np.nan) for one in about], np.float64),
        "maximum": np.array(maximum),
        "mean": np.array(mean),
        "density": counts / n,
        "corpus_density": density,
        "poor": encoded.error[at] > POOR,
    }
