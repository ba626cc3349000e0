"""How long the residual stream is: the unit in which coefficients are counted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.models.contract import Model
from cotlens.trace import Trace

SINK = 1
"""Leading tokens that are left out: attention sinks there have norms hundreds of times those of others."""

Text = Trace | str

_norms: WeakKeyDictionary[Model, dict[str, NDArray[np.float64]]] = WeakKeyDictionary()
_widths: WeakKeyDictionary[Model, int] = WeakKeyDictionary()


def residual_norm(model: Model, layer: int, traces: Trace | Sequence[Text]) -> float:
    """Mean L2 norm of the residual stream after `layer` over the reference tokens.

    Measured once and remembered while the model stays what it is.

    Args:
        traces: traces, of which the thoughts and answers count, or texts, of which all but the first token count.

    Raises:
        InputError: there is no such layer, or no token to measure on.
        Cancelled: between two texts.
    """
    check_layer(model, layer)
    return float(residual_norms(model, traces)[layer])


def residual_norms(model: Model, traces: Trace | Sequence[Text]) -> NDArray[np.float64]:
    """`residual_norm` of every layer, float64 [n_layers]; one pass per text."""
    texts = [traces] if isinstance(traces, (Trace, str)) else list(traces)
    wanted = [(ids_of(model, text), _reference(model, text)) for text in texts]
    state = getattr(model, "state", "")
    key = hashlib.sha256(f"{state} {wanted!r}".encode()).hexdigest()
    known = _norms.setdefault(model, {})
    # A model that can't say what it computes may have changed since: it is measured each time.
    if key not in known or not state:
        known[key] = _measure(model, wanted)
    return known[key]


def width(model: Model) -> int:
    """d_model: how wide the residual stream is."""
    if model not in _widths:
        _widths[model] = model.read(model.codec.encode("a")[:1], "resid_post.0")["resid_post.0"].shape[1]
    return _widths[model]


def check_layer(model: Model, layer: int) -> None:
    """Raise InputError where the model has no such layer."""
    if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)) or not 0 <= layer < model.n_layers:
        raise InputError(f"There is no layer {layer!r}; {model.name!r} has layers 0 to {model.n_layers - 1}.")


def ids_of(model: Model, text: Text) -> tuple[int, ...]:
    """The token ids of a trace, or of a text as the model's tokenizer cuts it, behind what it puts before any text."""
    if isinstance(text, Trace):
        return text.token_ids
    return (*getattr(model.codec, "bos", ()), *model.codec.encode(text))


def _reference(model: Model, text: Text) -> range:
    """The tokens whose norms count."""
    if isinstance(text, str):
        return range(SINK, len(ids_of(model, text)))
    written = [text.roles[role] for role in ("thought", "answer") if role in text.roles]
    if not written:
        return range(SINK, len(text.token_ids))
    return range(max(SINK, written[0].start), max(SINK, written[-1].end))


def _measure(model: Model, wanted: Sequence[tuple[tuple[int, ...], range]]) -> NDArray[np.float64]:
    sites = [f"resid_post.{layer}" for layer in range(model.n_layers)]
    total, count, current = np.zeros(model.n_layers), 0, control.current()
    for ids, positions in wanted:
        current.check()
        if not positions:
            continue
        with control.using(current.silent()):
            found = model.read(ids, sites, positions=list(positions))
        total += [np.linalg.norm(found[site].astype(np.float64), axis=1).sum() for site in sites]
        count += len(positions)
    if not count:
        raise InputError(
            "There is no token to measure the residual norm on; give traces with a thought or longer texts."
        )
    means: NDArray[np.float64] = total / count
    means.setflags(write=False)
    return means
