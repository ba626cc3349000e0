"""Fitting a tuned lens on a model's own traces: by gradient steps, or in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.lenses import reading
from cotlens.measure.lenses.reading import Floats, Vectors
from cotlens.measure.lenses.tuned import TunedLens
from cotlens.measure.method import check_needs, check_one_model, check_setting, model_data, traces_of
from cotlens.models.contract import Capability, Model
from cotlens.results import Provenance
from cotlens.trace import Trace

METHODS = ("gradient", "ridge")
PENALTY = 1e-2  # of ridge, as a share of the mean variance of the stream
_DECAY = (0.9, 0.999)  # of Adam's means
Map = tuple[Floats, Floats]


@dataclass(frozen=True)
class _Fit:
    """What fitting asks of a model."""

    needs: Capability = Capability.READ | Capability.DECODE | Capability.GRADIENT


@dataclass(frozen=True)
class _Sample:
    """The stream of one place and of the last one at the same tokens: those to fit on and those held out."""

    here: Vectors
    last: Vectors
    held: NDArray[np.bool_]


def fit(
    traces: Sequence[Trace],
    model: Model,
    *,
    layers: Sequence[int] | None = None,
    method: str = "gradient",
    steps: int = 200,
    batch: int = 256,
    rate: float = 0.1,
    held_out: float = 0.25,
    tokens: int = 4000,
    seed: int = 0,
) -> TunedLens:
    """A tuned lens, fitted on thoughts and answers of the model's own traces, split by prompt.

    "gradient": Adam from zero maps, on the mean KL(model || lens) of a batch of tokens; its rate falls to 0. "ridge":
    the closed-form map to the last layer's stream, which knows nothing of what the model says with it; it is measured
    beside the other in any case.

    Args:
        traces: of this model; two or more prompts.
        layers: numbers of the places to fit, 0 the embedding, l after l layers; by default all but the last.
        steps, batch: of "gradient", and tokens in each step.
        rate: of "gradient", how much of a stream's length a step moves at most.
        held_out: share of prompts that are only measured on.
        tokens: as many are drawn from all traces at most; each trace is read once, and their streams at all layers are
            held, 4 * tokens * layers * d_model bytes.

    Raises:
        InputError: fewer than two prompts, traces of different models, no such layer.
        CapabilityError: the model can't be read, decoded or differentiated.
        Cancelled: between two layers or steps.
    """
    check_setting("fit", "method", method, METHODS)
    check_needs(_Fit(), model)
    steps, batch = check.whole("steps", steps, 1, of="fit"), check.whole("batch", batch, 1, of="fit")
    tokens, rng = check.whole("tokens", tokens, 4, of="fit"), np.random.default_rng(check.seed(seed))
    rate = check.number("rate", rate, above=0, of="fit")
    given, held = _split(traces, check.number("held_out", held_out, above=0, most=0.9, of="fit"), rng)
    wanted = list(range(model.n_layers)) if layers is None else check.indices("layers", layers).tolist()
    reading.check_layers(model, wanted, "A tuned lens")
    if model.n_layers in wanted or len(set(wanted)) < len(wanted) or not wanted:
        raise InputError("After the last layer the model speaks itself: give other layers, each once.")
    chosen, current = _drawn(given, tokens, rng), control.current()
    streams = _streams(given, chosen, model, [*wanted, model.n_layers])
    last = streams[model.n_layers]
    apart = np.concatenate([np.full(len(at), out) for at, out in zip(chosen, held, strict=True)])
    maps: list[Map] = []
    measured: list[tuple[float, float, float, float]] = []
    for done, layer in enumerate(wanted):
        current.check()
        current.report(done, len(wanted), "fitting")
        sample = _Sample(streams.pop(layer), last, apart)
        ridge = _ridge(sample)
        own = ridge if method == "ridge" else _descended(sample, model, steps, batch, rate, rng)
        maps.append(own)
        measured.append(_held_out(sample, model, own, ridge))
    current.report(len(wanted), len(wanted), "fitting")
    settings = {"method": method, "steps": steps, "batch": batch, "rate": rate, "layers": wanted, "traces": len(given),
                "tokens": len(last)}  # fmt: skip
    made = Provenance.record(method="tuned lens", settings=settings, **model_data(model), seed=seed,
                             trace_id=fingerprint(*(one.id for one in given)))  # fmt: skip
    kl = np.array(measured, np.float32).T
    seen = dict.fromkeys(fingerprint(one.prompt) for one, out in zip(given, held, strict=True) if not out)
    return TunedLens(
        layers=tuple(wanted), matrices=np.array([np.eye(last.shape[1]) + one for one, _ in maps], np.float32),
        offsets=np.array([one for _, one in maps], np.float32), provenance=made,
        kl=kl[0], ridge_kl=kl[1], logit_kl=kl[2], control_kl=kl[3], prompts=tuple(seen),
    )  # fmt: skip


def _split(traces: Sequence[Trace], share: float, rng: np.random.Generator) -> tuple[list[Trace], list[bool]]:
    """The traces, and whether each is held out: all of one prompt are, or none."""
    given = traces_of(traces, "A fit of a lens")
    check_one_model(given)
    prompts = list(dict.fromkeys(one.prompt for one in given))
    if len(prompts) < 2:
        raise InputError(
            f"A lens is fitted on some prompts and measured on others, and {len(prompts)} was given: give two or more."
        )
    out = rng.permutation(len(prompts))[: max(1, round(share * len(prompts)))]
    names = {prompts[i] for i in out[: len(prompts) - 1]}
    return given, [one.prompt in names for one in given]


def _drawn(traces: Sequence[Trace], most: int, rng: np.random.Generator) -> list[list[int]]:
    """Positions of each trace at which a thought or an answer is predicted, as many as are wanted of all."""
    places = []
    for one in traces:
        begin = one.roles["thought"].start if "thought" in one.roles else one.roles["prompt"].end
        places.append(list(range(max(1, begin) - 1, len(one.token_ids) - 1)))
    share = min(1.0, most / max(1, sum(map(len, places))))
    found = [sorted(rng.permutation(len(at))[: max(1, round(share * len(at)))].tolist()) for at in places]
    return [[at[i] for i in some] for at, some in zip(places, found, strict=True)]


def _streams(
    traces: Sequence[Trace], chosen: Sequence[Sequence[int]], model: Model, layers: Sequence[int]
) -> dict[int, Vectors]:
    """Layer -> float32 [tokens of all traces, d_model]."""
    found: dict[int, list[Vectors]] = {layer: [] for layer in layers}
    with control.using(control.current().silent()):
        for trace, at in zip(traces, chosen, strict=True):
            for layer, vectors in reading.residuals(model, trace, at, layers):
                found[layer].append(vectors)
    return {layer: np.concatenate(parts) for layer, parts in found.items()}


def _ridge(sample: _Sample) -> Map:
    """A and b so that h + A h + b is nearest to the last layer's stream on the tokens to fit on."""
    here, last = (one[~sample.held].astype(np.float64) for one in (sample.here, sample.last))
    mean, goal = here.mean(0), (last - here).mean(0)
    x, y = here - mean, last - here - goal
    gram = x.T @ x
    # Of tokens that are all alike nothing varies: then only the offset is fitted.
    gram += max(PENALTY * np.trace(gram) / len(gram), 1e-12) * np.eye(len(gram))
    matrix = np.linalg.solve(gram, x.T @ y).T
    return matrix, goal - matrix @ mean


def _descended(sample: _Sample, model: Model, steps: int, batch: int, rate: float, rng: np.random.Generator) -> Map:
    """Adam on the KL, in units of the stream's root mean square, so that one rate fits all widths and layers."""
    rows, wide = np.flatnonzero(~sample.held), sample.here.shape[1]
    size = float(np.sqrt((sample.here[rows].astype(np.float64) ** 2).mean()))
    values = [np.zeros((wide, wide)), np.zeros(wide)]
    means, squares = ([np.zeros_like(one) for one in values] for _ in range(2))
    for step in range(1, steps + 1):
        control.current().check()
        some = rng.choice(rows, min(batch, len(rows)), replace=False)
        for index, slope in enumerate(slopes(sample.here[some], sample.last[some], model, values[0], values[1] * size)):
            scaled = slope * size if index else slope
            means[index] += (1 - _DECAY[0]) * (scaled - means[index])
            squares[index] += (1 - _DECAY[1]) * (scaled**2 - squares[index])
            move = means[index] / (1 - _DECAY[0] ** step)
            move /= np.sqrt(squares[index] / (1 - _DECAY[1] ** step)) + 1e-12
            values[index] -= rate / (1 if index else wide) * (1 - (step - 1) / steps) * move
    return values[0], values[1] * size


def slopes(here: Vectors, last: Vectors, model: Model, matrix: Floats, offset: Floats) -> Map:
    """The gradient of the mean KL(model || lens) by A and b."""
    moved = here + here @ matrix.T.astype(np.float32) + offset.astype(np.float32)
    _, by_vector = model.decode_kl(moved, last)
    pulled = by_vector.astype(np.float64) / len(here)
    return pulled.T @ here, pulled.sum(0)


def _held_out(sample: _Sample, model: Model, own: Map, ridge: Map) -> tuple[float, float, float, float]:
    """Mean KL at held-out tokens: of the map, of ridge, of the stream as it is, and of the map at other tokens."""
    here, last = sample.here[sample.held], sample.last[sample.held]

    def apart(vectors: Vectors, one: Map) -> float:
        moved = vectors + vectors @ one[0].T.astype(np.float32) + one[1].astype(np.float32)
        return float(model.decode_kl(moved, last)[0].mean())

    still = (np.zeros_like(own[0]), np.zeros_like(own[1]))
    return apart(here, own), apart(here, ridge), apart(here, still), apart(np.roll(here, len(here) // 2 or 1, 0), own)
