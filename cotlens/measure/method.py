"""What all measurements share: checked settings, cost before and after, and work that survives being cancelled."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import Cancelled, CapabilityError, InputError, did_you_mean
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.calling import call_of
from cotlens.models.contract import Capability, Model, remedy
from cotlens.results import Provenance, Result
from cotlens.trace import Trace

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
KEPT = (
    "What was measured so far is kept as `partial` of this KeyboardInterrupt: in a notebook, "
    "`import sys; sys.last_value.partial` is the result."
)
_SAMPLED = re.compile("weights:[0-9a-f]{12}")  # how fingerprints looked that were made of a sample


@dataclass(frozen=True)
class Cost:
    """What a run spends at most: token positions and passes through the model, and rollouts where it samples."""

    tokens: int
    forwards: int
    rollouts: int = 0


class Asking(Protocol):
    """What asks something of a model."""

    @property
    def needs(self) -> Capability:
        """What the model must be able to do, with these settings."""
        ...


class Method(Asking, Protocol):
    """A measurement: frozen settings with a cost and a run."""

    @property
    def edit_type(self) -> str:
        """What is done to the thought: on-policy, resampled, off-policy, teacher-forced, attention-level, ..."""
        ...

    @property
    def unit(self) -> str:
        """What a row of the result is."""
        ...

    def cost(self, trace: Trace) -> Cost:
        """At most what `run` on `trace` spends, known without running it."""
        ...

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure `trace` with `model`."""
        ...


def check_setting(method: str, name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise InputError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise InputError(f"{method} was given {name}={value!r}, which it doesn't know. {did_you_mean(value, allowed)}")


def check_needs(method: Asking, model: Model) -> None:
    """Raise CapabilityError where the model can't do what the method needs, InputError where it is no model."""
    if not isinstance(getattr(model, "capabilities", None), Capability):
        given = "a trace" if isinstance(model, Trace) else f"a {type(model).__name__}"
        raise InputError(
            f"{type(method).__name__}.run takes a trace, then a model; {given} stands where the model should: call "
            "run(trace, model)."
        )
    missing = method.needs & ~model.capabilities
    if missing:
        names = " and ".join(str(part.name) for part in missing)
        raise CapabilityError(
            f"{type(method).__name__} needs {names}, which the backend {model.backend!r} of {model.name!r} "
            f"does not offer: {remedy(missing, model.backend)}."
        )


def as_data(value: Any) -> Any:
    """Settings as plain data, the same after saving and loading.

    Traces, arrays, vectors and autoencoders are told by their content, models by name, revision and weights, and
    functions by name.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Trace):
        return {"trace": value.id}
    if isinstance(value, np.ndarray):
        return {"array": list(value.shape), "fingerprint": fingerprint(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_data(item) for item in value]
    if callable(getattr(value, "reason", None)):
        return model_data(value)
    if is_dataclass(value) and not isinstance(value, type):
        told = {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
        content = getattr(value, "fingerprint", None)
        return told if content is None else {**told, "fingerprint": content}
    name = getattr(value, "name", None) or getattr(value, "__qualname__", None)
    return str(name) if name is not None else type(value).__name__


def model_data(model: Model) -> dict[str, Any]:
    """Which model it is, as a provenance has it: by name and revision, and by what its weights are now."""
    defaults, weights = getattr(model, "defaults", None), getattr(model, "weights", "")
    return {
        "model": model.name,
        # Where none was declared it is what the weights are, and to tell that again would read all of them again.
        "revision": weights if getattr(model, "declared", None) == "" else model.revision,
        "commit": getattr(model, "commit", ""),
        "weights": weights,
        "backend": model.backend,
        "dtype": model.dtype,
        "generation": {} if defaults is None else defaults.data(),
    }


def made_with(revision: str, weights: str, model: Model) -> str:
    """In words, how the weights that something was made with differ from those of `model`; "" where they don't.

    Args:
        revision, weights: as its provenance has them.
    """
    now = getattr(model, "weights", "")
    if weights and now:
        return "" if weights == now else f"with {weights}, and those of the model at hand are {now}"
    if _SAMPLED.fullmatch(revision) and now:
        return f"by an older CoTLens ({revision}), and whether its weights are those at hand can't be said"
    if not revision or revision == model.revision:
        return ""
    return f"at revision {revision}, and the model at hand is at {model.revision}"


def check_made_for(what: str, made: Provenance, model: Model) -> None:
    """Raise InputError where a fitted thing ("probe", "lens") was made with other weights than those of `model`."""
    apart = made_with(made.revision, made.weights, model)
    if apart or (made.model and made.model != model.name and not (made.weights and getattr(model, "weights", ""))):
        raise InputError(
            f"This {what} was made with {made.model!r}{f' {apart}' if apart else ''}: fit one on {model.name!r}, or "
            "load the model that it was made with."
        )


def check_trace(trace: object, what: str) -> None:
    """Raise InputError where something else stands where a trace should."""
    if not isinstance(trace, Trace):
        raise InputError(f"{what} reads a trace; {trace!r:.60} was given: make one with model.reason or model.compose.")


def check_words(trace: Trace, what: str) -> None:
    """Raise InputError where a thought has latents and only words can be measured."""
    if len(trace.latents):
        raise InputError(
            f"{what} takes a thought in words, and this one has {len(trace.latents)} latents, which nobody writes: use "
            "Occlusion, EarlyAnswer, a lens or a probe, or what cl.latent has."
        )


def traces_of(given: object, what: str) -> list[Trace]:
    """One trace or several as a list.

    Raises:
        InputError: something else was given.
    """
    found = [given] if isinstance(given, Trace) or not isinstance(given, Iterable) else list(given)
    for one in found:
        check_trace(one, what)
    return found  # type: ignore[return-value]


def chosen_layers(given: object, of: str) -> tuple[int, ...] | None:
    """Numbers of layers as a setting has them; None for all.

    Raises:
        InputError: they are no whole numbers, or none.
    """
    if given is None:
        return None
    found = tuple(dict.fromkeys(int(one) for one in check.indices("layers", given, of=of)))
    if not found:
        raise InputError(f"{of} was given no layer; give one or more, or leave layers= out for all.")
    return found


def check_one_model(traces: Sequence[Trace]) -> None:
    """Raise InputError where traces were written by different models; one that knows no revision fits any of them."""
    told: dict[str, set[str]] = {}
    for one in traces:
        if one.meta.get("model"):
            told.setdefault(str(one.meta["model"]), set()).update(filter(None, [one.meta.get("revision")]))
    if len(told) > 1 or any(len(revisions) > 1 for revisions in told.values()):
        names = [
            f"{name} ({', '.join(sorted(found)) or 'of no known revision'})" for name, found in sorted(told.items())
        ]
        raise InputError(f"These traces come from different models, {' and '.join(names[:4])}: take those of one.")


def of_one_model(run: Callable[P, R]) -> Callable[P, R]:
    """A method's `run(self, trace, model, ...)`, all of whose questions go to one model: its weights are read once.

    To see whether they have changed takes as long as a pass of a token, and a run may ask dozens of times.
    """

    @wraps(run)
    def held(*given: P.args, **named: P.kwargs) -> R:
        model = given[2] if len(given) > 2 else named.get("model")
        with getattr(model, "held", nullcontext)():
            return run(*given, **named)

    return held


class Identified(Protocol):
    """What is measured: a trace, or a set of problems."""

    @property
    def id(self) -> str:
        """A fingerprint of its content."""
        ...


class RunRecord:
    """Counts what a run spends; `provenance` is the record that goes with the result."""

    def __init__(self, method: Any, trace: Identified, model: Model, seed: int) -> None:
        self._method, self._trace, self._model = method, trace, model
        self._seed, self._about = check.seed(seed), model_data(model)
        self._meter, self._began = model.meter.snapshot(), time.monotonic()

    def provenance(self) -> Provenance:
        """Method, settings, model, versions, trace and what was spent up to now."""
        spent = self._model.meter.since(self._meter)
        cost = {
            "tokens": spent.tokens,
            "forwards": spent.forwards,
            "seconds": round(time.monotonic() - self._began, 4),
        }
        return Provenance.record(
            method=type(self._method).__name__,
            settings=as_data(self._method),
            **self._about,
            seed=self._seed,
            trace_id=self._trace.id,
            cost=cost,
            score_path=self._model.score_path,
            call=call_of(self._method, self._seed),
        )


@contextmanager
def keeping(partial: Callable[[], Result]) -> Iterator[None]:
    """Let whoever follows the block see what was measured so far; where it is stopped, the error has it as `partial`.

    A KeyboardInterrupt has it, too, and a note that says so. Of blocks within each other the outermost is followed.
    """
    current = control.current()
    outer = current.partial
    current.partial = outer or partial
    try:
        yield
    except (Cancelled, KeyboardInterrupt) as error:
        error.partial = partial()  # type: ignore[union-attr]
        if outer is None and isinstance(error, KeyboardInterrupt):
            error.add_note(KEPT)
        raise
    finally:
        current.partial = outer


def in_blocks(
    items: Sequence[T], work: Callable[[Sequence[T]], list[R]], label: str, size: int | None = None
) -> Iterator[R]:
    """Results of `work` over `items`, a block at a time, with progress and a chance to cancel between blocks.

    `size` is that of a block: small where each item is much work, else a quarter of all and at least 256.
    """
    current = control.current()
    size = size or max(256, -(-len(items) // 4))
    for start in range(0, len(items), size):
        current.check()
        current.report(start, len(items), label)
        block = items[start : start + size]
        with control.using(current.part_of(start, len(block), len(items), label)):
            done = work(block)
        yield from done
    current.report(len(items), len(items), label)
