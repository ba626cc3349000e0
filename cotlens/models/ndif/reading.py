"""What a model on a server makes of a given sequence: activations, probabilities, attention, a direction's logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cotlens._core import check, control
from cotlens.models import tracing
from cotlens.models.architecture.logits import check_finite
from cotlens.models.contract import Decoded
from cotlens.models.contract.interventions import Intervention
from cotlens.models.contract.validation import check_ids, check_sequence, chosen_positions
from cotlens.models.generation.samples import TokenMeasurements
from cotlens.models.generation.traces import Measured
from cotlens.models.ndif.passes import RemoteRunner
from cotlens.models.whitebox import attention_patterns, decoding, unembedding


def annotate(remote: RemoteRunner, ids: Sequence[int], k: int) -> Measured:
    """Log-probability and k best alternatives at every token but the first; as `whitebox.activations.annotate`."""
    check_sequence(remote, ids)
    check.whole("k", k, 0)
    table = Measured(len(ids), min(k, remote.layout.vocabulary))
    for start in range(1, len(ids), remote.rows()):
        at = np.arange(start, min(len(ids), start + remote.rows()))
        notes = noted(remote, ids, at, max(1, k))
        if k == 0:
            table.logprobs[notes.at] = notes.logprobs
        else:
            table.put(notes)
        control.current().report(int(at[-1]) + 1, len(ids), "reading")
    return table


def noted(
    remote: RemoteRunner,
    ids: Sequence[int],
    at: NDArray[np.int64],
    k: int,
    interventions: Sequence[Intervention] = (),
) -> TokenMeasurements:
    """What a model expects at the tokens `at` (rising, from 1) of a sequence."""
    row = remote.tensor(ids[: int(at[-1]) + 1])
    k = min(k, remote.layout.vocabulary)
    ask = {"rows": torch.arange(len(at)), "targets": row[0, at], "top": k}
    found = remote.logits(row, None, at - 1, ask, interventions=interventions)
    logprobs, best, values, bad = (part.numpy() for part in found)
    check_finite(torch.from_numpy(np.where(bad, np.nan, 0)), at - 1)
    notes = TokenMeasurements()
    notes.add(at.tolist(), (logprobs, best.astype(np.int32), values))
    return notes


def read(
    remote: RemoteRunner,
    ids: Sequence[int],
    sites: Sequence[str],
    positions: Sequence[int] | None,
    interventions: Sequence[Intervention],
) -> dict[str, NDArray[np.float32]]:
    """Activations float32 [positions, d_model] per site; as `whitebox.activations.read`, in one job."""
    check_sequence(remote, ids)
    for site in sites:
        remote.layout.site(site)
    chosen = chosen_positions(ids, positions)
    if not len(chosen) or not sites:
        return {site: np.empty((len(chosen), remote.layout.width(site)), np.float32) for site in sites}
    rows, order = np.unique(chosen, return_inverse=True)
    ask = {"seen": torch.from_numpy(rows)}
    row = remote.tensor(ids[: int(rows[-1]) + 1])
    _, seen = remote.reduced(row, None, ask, interventions=interventions, sites=sites)
    return {site: seen[site].numpy()[order] for site in sites}


def attention(
    remote: RemoteRunner,
    ids: Sequence[int],
    heads: Sequence[tuple[int, int]] | None,
    spans: Sequence[tuple[int, int]] | None,
) -> dict[tuple[int, int], NDArray[np.float32]]:
    """Attention weights per (layer, head), as `x`, in one job under eager attention."""
    ids, found = attention_patterns.wanted(remote, ids, heads, spans)
    layers, rows, columns, into = attention_patterns.by_layer(remote, found), None, None, slice(None)
    if spans is not None:
        rows, columns, into = attention_patterns.means(remote, spans, 0, len(ids))
    attention_patterns.enter(found, layers, remote.attend(remote.tensor(ids), layers, rows, columns), into)
    return found


def unembed(remote: RemoteRunner, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What vectors [n, d_model] add to the logits directly, as `whitebox.unembedding.unembed`; some of them per job."""
    hf = remote.traced._module
    given, norm, head = unembedding.parts(hf, remote, vectors)
    paths = {id(module): path for path, module in hf.named_modules()}
    centred = float(norm.eps) if isinstance(norm, nn.LayerNorm) else None
    inputs = remote.inputs(remote.tensor([0]), None, 1, None)
    found = [np.empty((0, remote.layout.vocabulary), np.float32)]
    for part in given.split(remote.rows()):
        remote.count(remote.tensor([0]))
        logits = tracing.unembed(
            remote.traced, remote.layout, inputs, paths[id(norm)], paths[id(head)], part, centred, remote.kind,
            remote.job(),
        )  # fmt: skip
        found.append(logits.numpy())
    return np.concatenate(found)


def predict(remote: RemoteRunner, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The log-probability of every token by vectors, as `whitebox.decoding.predict`: all tokens, best first, sorted."""
    found = decode(remote, vectors, np.empty((len(vectors), 0), np.int64), remote.layout.vocabulary)
    placed = np.empty_like(found.top_logprobs)
    np.put_along_axis(placed, found.top_ids.astype(np.int64), found.top_logprobs, axis=1)
    return placed


def decode(remote: RemoteRunner, vectors: NDArray[np.float32], targets: NDArray[np.int64], k: int) -> Decoded:
    """What vectors say at the model's end, as `whitebox.decoding.decode`; reduced there, some of them per job."""
    hf = remote.traced._module
    given, norm, head = unembedding.parts(hf, remote, vectors)
    check_ids(remote.layout.vocabulary, targets.ravel(), "targets")
    paths = {id(module): path for path, module in hf.named_modules()}
    inputs, kind = remote.inputs(remote.tensor([0]), None, 1, None), remote.kind
    best, found = min(k, remote.layout.vocabulary), []
    for part, follow in (
        ()
        if not len(given)
        else zip(given.split(remote.rows()), torch.from_numpy(targets).split(remote.rows()), strict=True)
    ):
        remote.count(remote.tensor([0]))
        found.append(
            tracing.decode(
                remote.traced, remote.layout, inputs, paths[id(norm)], paths[id(head)], part, follow, best,
                decoding.ends(hf.config), kind, remote.job(),
            )
        )  # fmt: skip
    return decoding.joined(found, best, targets.shape[1])


def decode_kl(
    remote: RemoteRunner, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far vectors decode from others, as `whitebox.decoding.kl`; reduced there, some of them per job."""
    hf = remote.traced._module
    given, norm, head = unembedding.parts(hf, remote, vectors)
    goals = torch.from_numpy(np.ascontiguousarray(wanted))
    paths = {id(module): path for path, module in hf.named_modules()}
    inputs = remote.inputs(remote.tensor([0]), None, 1, None)
    apart, slopes = [np.empty(0, np.float32)], [np.empty((0, remote.layout.d_model), np.float32)]
    for part, goal in zip(given.split(remote.rows()), goals.split(remote.rows()), strict=True) if len(given) else ():
        remote.count(remote.tensor([0]))
        found = tracing.decode_kl(
            remote.traced, remote.layout, inputs, paths[id(norm)], paths[id(head)], part, goal,
            decoding.ends(hf.config), remote.kind, remote.job(),
        )  # fmt: skip
        apart.append(found[0].numpy())
        slopes.append(found[1].numpy())
    return np.concatenate(apart), np.concatenate(slopes)
