"""What all lenses share: the places they read, and the tables they return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens.measure.method import RunRecord, check_trace
from cotlens.measure.steering.norms import width
from cotlens.models.contract import Model
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace
from cotlens.trace.latents import name_of

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Through = Callable[[int, Vectors], Vectors]
_AT_ONCE = 256 * 2**20  # bytes of activations that are held together
LATENT = "not measured: a latent is no word that could be predicted"
SAID_BACK = 0.5  # share of tokens that the embedding says back, above which it is called an artefact
UNITS = ("token", "sentence")
NOTHING_FOLLOWS = "nothing follows: the text ends here"
LOGPROB, DIFFERENCE = "log-probability", "difference"
"""What the cells of a lens hold, the extra `cells`, by which its chart fills them."""


def sites(model: Model) -> list[str]:
    """The places of a lens, by number: 0 is the token embedding, l what stands after l layers."""
    return ["embed", *(f"resid_post.{layer}" for layer in range(model.n_layers))]


def residuals(
    model: Model, trace: Trace | Sequence[int], positions: Sequence[int], layers: Sequence[int] | None = None
) -> Iterator[tuple[int, Vectors]]:
    """(number, float32 [positions, d_model]) of every place; in one pass where all of them fit into 256 MB.

    Args:
        layers: numbers of the places; all by default.
    """
    places = sites(model)
    wanted = list(range(len(places))) if layers is None else list(layers)
    step = max(1, _AT_ONCE // (4 * max(1, len(positions)) * width(model)))
    for start in range(0, len(wanted), step):
        control.current().check()
        part = wanted[start : start + step]
        found = model.read(trace, [places[one] for one in part], positions=positions)
        yield from ((one, found.pop(places[one])) for one in part)


def check_layers(model: Model, layers: Sequence[int], what: str) -> None:
    """Raise InputError where the model has no such place."""
    wrong = next((one for one in layers if not 0 <= one <= model.n_layers), None)
    if wrong is not None:
        raise InputError(
            f"{what} can't read place {wrong} of {model.name!r}: give 0 (the embedding) to {model.n_layers} (after the "
            "last layer)."
        )


def own_token_status(said: NDArray[np.int32], own: Sequence[int]) -> str:
    """Status of the embedding's rows: where it mostly says its own tokens, as tied weights make it, an artefact."""
    share = float((said == np.asarray(own)).mean()) if len(own) else 0.0
    return f"artefact: the embedding says back its own token at {share:.0%} of places" if share > SAID_BACK else "exact"


def token_texts(model: Model, ids: Sequence[int]) -> list[str]:
    """What tokens read as."""
    return [piece.decode("utf-8", "replace") for piece in model.codec.pieces([int(one) for one in ids])]


def extent(trace: Trace, tokens: tuple[int, int] | None, least: int = 2) -> tuple[int, int]:
    """The tokens to predict, half-open: those given, else the thought's.

    Raises:
        InputError: there is no thought, or they aren't `least` or more tokens of the trace behind another.
    """
    check_trace(trace, "A lens")
    if tokens is None:
        if "thought" not in trace.roles:
            raise InputError("This trace has no thought to look into; give tokens=(start, end).")
        start, end = trace.roles["thought"].start, trace.roles["thought"].end
    else:
        (start, end), *_ = check.pairs("tokens", [tokens])
    start = max(1, start)
    if not start + least <= end <= len(trace.token_ids):
        many = "two or more tokens" if least > 1 else "a token"
        raise InputError(
            f"A lens needs {many} of the trace behind another; tokens {start} to {end} of "
            f"{len(trace.token_ids)} were asked for."
        )
    return start, end


def next_tokens(
    method: Any,
    trace: Trace,
    model: Model,
    seed: int,
    layers: Sequence[int] | None = None,
    through: Through | None = None,
    places: Callable[[list[int]], Iterable[tuple[int, Vectors]]] | None = None,
    count: int | None = None,
) -> Result:
    """A row per place and token to predict, or sentence to read the end of, as `LogitLens` says.

    Args:
        method: with `unit`, and `tokens`, see `extent`.
        layers: numbers of the places that are read; all by default.
        places, count: what stands at the places, (number, float32 [positions, d_model]) of some positions, and how
            many places there are; by default those of the stack of layers.
        through: what the stream at a place goes through before the model's end; with it, `logit_lens` is what the
            stream itself says of the same token.
    """
    by_sentence = method.unit == "sentence"
    start, end = extent(trace, method.tokens, 1 if by_sentence else 2)
    record, ids = RunRecord(method, trace, model, seed), np.array(trace.token_ids)
    moved = int(np.random.default_rng(check.seed(seed)).integers(1, max(2, end - start)))
    found = ends_of(trace, start, end) if by_sentence else tokens_of(trace, start, end)
    at = np.array([last if by_sentence else first for first, last, _ in found])
    # A latent is no word, and behind the text there is none: what is said there is shown and no more.
    lost = np.where(at < len(ids), np.where(np.isin(at, trace.latent_tokens), LATENT, ""), NOTHING_FOLLOWS)
    words, elsewhere = lost == "", start + (at - start - moved) % (end - start)
    compared = ~np.isin(elsewhere, trace.latent_tokens) & (end - start > 1)  # else another word stands nowhere
    others = np.where(compared, ids[elsewhere], 0)
    targets = np.array([np.where(words, ids[np.minimum(at, len(ids) - 1)], 0), others]).T
    parts: list[dict[str, Any]] = []
    streams = partial(residuals, model, trace, layers=layers) if places is None else places
    for layer, vectors in streams((at - 1).tolist()):
        bare = model.decode(vectors, targets, k=1)
        told = bare if through is None else model.decode(through(layer, vectors), targets, k=1)
        status = own_token_status(told.top_ids[:, 0], ids[at - 1].tolist()) if not layer else "exact"
        control = np.where(compared, told.logprobs[:, 1], np.nan)
        floor = float(np.quantile(control[compared], 0.975)) if compared.any() else np.nan
        parts.append({
            "start": [one for one, _, _ in found], "end": [one for _, one, _ in found],
            "text": [one for _, _, one in found],
            "estimate": np.where(words, told.logprobs[:, 0], np.nan).astype(np.float64),
            "status": np.where(words, status, lost).tolist(),
            "layer": np.full(len(at), layer), "rank": np.where(words, told.ranks[:, 0], -1),
            "leading": token_texts(model, told.top_ids[:, 0].tolist()), "leading_logprob": told.top_logprobs[:, 0],
            "entropy": told.entropy, "control": control, "floor": np.full(len(at), floor),
            **({} if through is None else {"logit_lens": np.where(words, bare.logprobs[:, 0], np.nan)}),
        })  # fmt: skip
    extras = {
        "layers": count or model.n_layers + 1, "cells": LOGPROB, "control": f"tokens that follow {moved} places before"
    }  # fmt: skip
    sign, zero = "the nearer to 0, the surer the layer is of the token that follows", "certain of it"
    metric = f"log-probability of the {'token after each sentence' if by_sentence else 'next token'}"
    return table(method, joined(parts), record.provenance(), metric, sign, zero, extras)


def tokens_of(trace: Trace, start: int, end: int) -> list[tuple[int, int, str]]:
    """(token, the next, text) of tokens; a latent, which has no text, by its name."""
    return [(i, i + 1, trace.tokens[i] or name_of(trace, Span(i, i + 1, 0, 0, "token"))) for i in range(start, end)]


def ends_of(trace: Trace, start: int, end: int) -> list[tuple[int, int, str]]:
    """(first token, end, text) of the sentences that end behind `start` and not behind `end`.

    Raises:
        InputError: there are none.
    """
    found = [
        (one.start, one.end, trace.text[one.char_start : one.char_end])
        for one in trace.spans("sentence")
        if start < one.end <= end
    ]
    if not found:
        raise InputError(f"No sentence of the thought ends in tokens {start} to {end}; read it with unit='token'.")
    return found


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of several tables, one below the other."""
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def table(
    method: Any,
    rows: Mapping[str, Any],
    provenance: Provenance,
    metric: str,
    sign: str,
    zero: str,
    extras: Mapping[str, Any],
    scale: str = "nats",
) -> Result:
    """A result of one row per layer and place; without sampling, low = high = estimate."""
    estimates = rows["estimate"]
    first = ("start", "end", "text", "estimate")
    columns = {
        **{name: rows[name] for name in first},
        "low": estimates, "high": estimates, "n": np.ones(len(estimates), np.int32),
        **{name: column for name, column in rows.items() if name not in first},
    }  # fmt: skip
    return Result(
        "lens", type(method).__name__, metric, method.unit, columns, sign, zero, scale, provenance, {**extras}
    )
