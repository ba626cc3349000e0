"""The dials of the steering panel: how far each vector is turned, at which layer, and where it applies.

A place is counted in tokens of the baseline. What the library calls "from here on" begins where a rerun begins; a dial
that begins at an earlier token acts on the kept tokens in between as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.steering.norms import residual_norms
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Steering
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from cotlens.widgets.protocol.steering_panel import Dial, Place, VectorInfo

_KINDS = {
    "difference": "difference of means", "pca": "first principal component", "discriminant": "linear discriminant",
}  # fmt: skip
PLACES: tuple[Place, ...] = get_args(Place)


@dataclass(frozen=True)
class VectorSetting:
    """One vector's setting.

    Args:
        coefficient: in mean residual norms at the layer.
        layer: where the vector is added.
        place: "all", "thought", "answer", "here" (from token `start` on) or "span" (tokens `start` to `end`).
    """

    coefficient: float
    layer: int
    place: Place
    start: int = 0
    end: int = 0

    def payload(self) -> Dial:
        """As the view has it."""
        return {
            "coefficient": self.coefficient,
            "layer": self.layer,
            "place": self.place,
            "start": self.start,
            "end": self.end,
        }


class VectorSettings:
    """The vectors of a panel, each with the unit of every layer it may be moved to.

    Args:
        vectors: as given; the unit of one that has none is measured on `trace`.
        norms: mean norm of the residual stream after each layer along `trace`; measured where they aren't known.

    Raises:
        InputError: no vectors, or one that doesn't fit the model.
    """

    def __init__(self, model: Model, trace: Trace, vectors: Any, norms: Sequence[float] | None = None) -> None:
        self._model, self._trace = model, trace
        given = _several(vectors)
        # With the norms came the vectors, out of a session: they fitted.
        self.vectors = given if norms is not None else [_fitting(model, vector) for vector in given]
        self.norms = [float(norm) for norm in (residual_norms(model, trace) if norms is None else norms)]
        self.units = [self._units(vector) for vector in self.vectors]
        self.places = [place for place in PLACES if place not in ("thought", "answer") or place in trace.roles]

    def fitting(self, vector: Vector) -> Vector:
        """The vector, which may ask the model; InputError where it doesn't fit it."""
        (one,) = _several(vector)
        return _fitting(self._model, one)

    def add(self, vector: Vector) -> None:
        """One more vector, of those that fit."""
        self.vectors.append(vector)
        self.units.append(self._units(vector))

    def zero(self) -> tuple[VectorSetting, ...]:
        """All dials at 0, on the thought where there is one."""
        place: Place = "thought" if "thought" in self.places else "all"
        return tuple(VectorSetting(0.0, vector.layer, place) for vector in self.vectors)

    def filled(self, dials: Sequence[VectorSetting]) -> tuple[VectorSetting, ...]:
        """Dials of an earlier moment, those of vectors that were added since at 0."""
        return (*dials, *self.zero()[len(dials) :])

    def payload(self) -> list[VectorInfo]:
        """The view's `vectors`."""
        return [
            {
                "name": vector.name,
                "detail": detail(vector),
                "layer": vector.layer,
                "norm": vector.norm,
                "units": units,
            }
            for vector, units in zip(self.vectors, self.units, strict=True)
        ]

    def parse(self, given: Any) -> tuple[VectorSetting, ...]:
        """Dials of a message.

        Raises:
            InputError: there are none or too many; one isn't a number, or points outside the model or the trace.
        """
        if not isinstance(given, list) or not 0 < len(given) <= len(self.vectors):
            raise InputError(f"{len(self.vectors)} dials are needed, one per vector; {str(given)[:80]} was given.")
        return self.filled([self._dial(vector, each) for vector, each in zip(self.vectors, given, strict=False)])

    def at(self, index: int, layer: int, seed: int | None = None) -> Vector:
        """A vector at a layer; with a seed, a random one of its length."""
        vector = self.vectors[index].on(layer, self.units[index][layer])
        # Each vector is set against a random one of its own: two that were alike would add up.
        return vector if seed is None else vector.random(seed + index)

    def steerings(
        self, dials: Sequence[VectorSetting], source: Trace, at: int, seed: int | None = None, *, kept: bool = False
    ) -> tuple[Steering, ...]:
        """What the turned dials add in a rerun of `source` from token `at`; with a seed, random vectors instead.

        Args:
            kept: nothing is to be rewritten: every place is one of the source.
        """
        found: list[Steering] = []
        for index, dial in enumerate(dials):
            if dial.coefficient:
                vector = self.at(index, dial.layer, seed)
                until = len(source.token_ids) if kept else at
                found += [Steering(vector, dial.coefficient, where) for where in _wheres(dial, source, until)]
        return tuple(found)

    def code(
        self, dials: Sequence[VectorSetting], source: Trace, at: int, said: Callable[[Vector], str] = Vector.code
    ) -> tuple[list[str], str]:
        """Python for the vectors that are turned, and for the list of steerings.

        Args:
            said: a vector as Python.
        """
        turned = [index for index, dial in enumerate(dials) if dial.coefficient]
        names = {index: "vector" if len(turned) == 1 else f"vector_{index}" for index in turned}
        lines, items = list[str](), list[str]()
        for index in turned:
            vector, dial = self.vectors[index], dials[index]
            unit = self.units[index][dial.layer]  # it was measured on this panel's text
            lines.append(f"{names[index]} = {said(vector)}")
            lines.append(f"{names[index]} = {names[index]}.on({dial.layer}, unit={unit!r})")
            for where in _wheres(dial, source, at):
                shown = f"cl.{where!r}" if isinstance(where, Span) else repr(where)
                items.append(f"({names[index]}, {dial.coefficient!r}, {shown})")
        return lines, f"[{', '.join(items)}]"

    def _units(self, vector: Vector) -> list[float]:
        return [_unit(vector, layer, self.norms) for layer in range(self._model.n_layers)]

    def _dial(self, vector: Vector, given: Any) -> VectorSetting:
        fields = given if isinstance(given, Mapping) else {}
        coefficient = fields.get("coefficient")
        try:
            coefficient = check.number("coefficient", coefficient)
        except InputError:
            raise InputError(
                f"The strength of {vector.name!r} is no number, so nothing was steered and the baseline is kept; "
                "give one such as 1.2."
            ) from None
        layer, place = fields.get("layer", vector.layer), fields.get("place")
        if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < self._model.n_layers:
            raise InputError(f"There is no layer {layer!r}; choose 0 to {self._model.n_layers - 1}.")
        if place not in self.places:
            raise InputError(f"A vector can't be added at {place!r} of this trace. {did_you_mean(place, self.places)}")
        start, end = self._stretch(place, fields)
        return VectorSetting(coefficient, layer, place, start, end)

    def _stretch(self, place: str, fields: Mapping[str, Any]) -> tuple[int, int]:
        if place not in ("here", "span"):
            return 0, 0
        n = len(self._trace.token_ids)
        start, end = fields.get("start"), fields.get("end") if place == "span" else n
        flags = isinstance(start, bool) or isinstance(end, bool)
        if flags or not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= n:
            raise InputError(f"Tokens {start} to {end} are no stretch of this trace; it has the tokens 0 to {n - 1}.")
        return start, end if place == "span" else 0


def signed(value: float) -> str:
    """A strength with its sign, "+1.2"."""
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")


def detail(vector: Vector) -> str:
    """Where a vector came from, in a few words."""
    method, settings = vector.provenance.method, vector.provenance.settings
    if "n_positive" in settings:
        kind = _KINDS.get(method, method)
        n = settings["n_positive"]
        return f"{kind}, {n} example{'s' if n != 1 else ''} against {settings['n_negative']}"
    if method == "latent":
        return f"latent {settings['latent']} of the autoencoder at {settings['site']}"
    return {"token": "unembedding of a token", "random": "random, the control", "given": "given values"}.get(
        method, method
    )


def _wheres(dial: VectorSetting, source: Trace, at: int) -> list[str | Span]:
    """The places of the library that make up a dial's."""
    if dial.place == "here":
        kept = stretch(source, dial.start, at)
        rest: list[str | Span] = ["from here on"] if at < len(source.token_ids) else []
        return [kept, *rest] if kept else rest
    if dial.place == "span":
        span = stretch(source, dial.start, dial.end)
        return [span] if span else []
    return [dial.place]


def stretch(trace: Trace, start: int, end: int) -> Span | None:
    """Tokens start..end as a span, cut where the trace ends; None where nothing is left."""
    end = min(end, len(trace.token_ids))
    return Span(start, end, int(trace.offsets[start]), int(trace.offsets[end]), "token") if 0 <= start < end else None


def _several(vectors: Any) -> list[Vector]:
    given = list(vectors) if isinstance(vectors, list | tuple) else [vectors]
    for vector in given:
        if not isinstance(vector, Vector):
            raise InputError(
                f"SteeringPanel steers with vectors; {type(vector).__name__} was given: make one with "
                "cl.steering.fit, from_latent, from_token or given, or take a probe's, probe.vector(label)."
            )
    if not given:
        raise InputError("SteeringPanel was given no vector; make one with cl.steering.fit(model, positive, negative).")
    return given


def _fitting(model: Model, vector: Vector) -> Vector:
    vector.check(model)
    return vector


def _unit(vector: Vector, layer: int, norms: Sequence[float]) -> float:
    return vector.unit if layer == vector.layer and math.isfinite(vector.unit) else norms[layer]
