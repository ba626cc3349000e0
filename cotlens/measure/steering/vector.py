"""A steering vector: a direction in the residual stream, where it is added, and what its coefficient means.

A coefficient is counted in mean residual norms: 1.0 adds a vector as long as the residual stream at that layer is on
average, along `values`. The raw coefficient beside it is the factor on `values` as they stand, which is what repeng and
steering-vectors call coefficient and multiplier.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.fingerprint import fingerprint
from cotlens._core.frozen import frozen_array
from cotlens._core.tensors import write_about
from cotlens.models.contract import AddVector, Positions
from cotlens.results import Provenance

if TYPE_CHECKING:
    from cotlens.models.contract import Model

FORMAT = "cotlens-vector/1"
FLOAT32_MAX = float(np.finfo(np.float32).max)
UNMEASURED = "not measured: no reference tokens were given"
Unit = Literal["norm", "raw"]


@dataclass(frozen=True, eq=False, repr=False)
class Vector:
    """A direction that is added to the output of one layer.

    Args:
        name: what it is called ("check the work").
        layer: the layer, from 0, to whose output ("resid_post") it is added.
        values: float32 [d_model], not normalised.
        unit: mean L2 norm of the residual stream there over the reference tokens; NaN where it was not measured.
        provenance: how it was made: method, settings (sources and texts), model, revision, seed.
        status: "ok", or why `unit` was not measured.

    Raises:
        InputError: values that aren't one vector, aren't finite or are all 0; a negative layer; a unit that isn't above
            0.
    """

    name: str
    layer: int
    values: NDArray[np.float32]
    unit: float = math.nan
    provenance: Provenance = field(default_factory=lambda: Provenance("given"))
    status: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _checked(self.name, self.values))
        unknown = isinstance(self.unit, float) and not math.isfinite(self.unit)
        unit = self.unit if unknown else check.number("unit", self.unit, of=f"The vector {self.name!r}")
        object.__setattr__(self, "unit", unit)
        if isinstance(self.layer, bool) or not isinstance(self.layer, (int, np.integer)) or self.layer < 0:
            raise InputError(f"The layer of the vector {self.name!r} is {self.layer!r}; layers are counted from 0.")
        object.__setattr__(self, "layer", int(self.layer))
        if not (math.isnan(self.unit) or 0 < self.unit < math.inf):
            raise InputError(f"The unit of the vector {self.name!r} is {self.unit}; a mean norm is above 0.")
        object.__setattr__(self, "status", "ok" if math.isfinite(self.unit) else self.status or UNMEASURED)

    def __repr__(self) -> str:
        unit = f"unit {self.unit:.3g}" if math.isfinite(self.unit) else "unit not measured"
        return f"<Vector {self.name!r}: layer {self.layer}, {len(self.values)} wide, {unit}, {self.provenance.method}>"

    @property
    def fingerprint(self) -> str:
        """32 hex digits for the direction and its layer: what it is, whatever it is called."""
        return fingerprint(str(self.layer), self.values)

    @property
    def norm(self) -> float:
        """L2 norm of `values`."""
        return float(np.linalg.norm(self.values.astype(np.float64)))

    def raw(self, coefficient: float) -> float:
        """The factor on `values` that a coefficient in mean residual norms stands for.

        Raises:
            InputError: the coefficient isn't finite, or the unit was not measured.
        """
        _check_coefficient(self.name, coefficient)
        if not math.isfinite(self.unit):
            raise InputError(
                f"The residual norm for the vector {self.name!r} is {self.status}: give it with "
                "vector.on(layer, unit=steering.residual_norm(model, layer, traces)), or use unit='raw'."
            )
        return float(coefficient) * self.unit / self.norm

    def at(self, coefficient: float, positions: Positions = None, unit: Unit = "norm") -> AddVector:
        """The intervention that adds it.

        Args:
            coefficient: in mean residual norms, or with unit="raw" the factor on `values`.
            positions: token indices; None for every token.

        Raises:
            InputError: the coefficient isn't finite, the unit is not known, or "norm" was not measured.
        """
        if unit not in ("norm", "raw"):
            raise InputError(f"A coefficient is counted in 'norm' or 'raw'; unit={unit!r} was given.")
        _check_coefficient(self.name, coefficient)
        factor = self.raw(coefficient) if unit == "norm" else float(coefficient)
        with np.errstate(
            over="ignore"
        ):  # what is beyond float32 is added all the same, and the model says that it broke
            added = (self.values * np.float64(factor)).astype(np.float32)
        if abs(factor) > FLOAT32_MAX or not np.isfinite(added).all():
            return AddVector(self.layer, added, positions)
        return AddVector(self.layer, self.values, positions, factor)

    def on(self, layer: int, unit: float = math.nan) -> Vector:
        """The same direction for another layer, with the mean residual norm there."""
        return replace(self, layer=layer, unit=unit, status="")

    def random(self, seed: int = 0) -> Vector:
        """The control: a direction drawn at random, as long as this one, for the same layer and with the same unit."""
        drawn = np.random.default_rng(check.seed(seed)).standard_normal(len(self.values))
        values = drawn * (self.norm / np.linalg.norm(drawn))
        settings = {"of": self.name, "code": f"{self.code()}.random({seed})"}
        made = replace(self.provenance, method="random", settings=settings, seed=int(seed))
        return replace(self, name=f"random, same norm ({seed})", values=values.astype(np.float32), provenance=made)

    def check(self, model: Model) -> None:
        """Make sure that it can be added inside `model`; a warning where it was made with other weights of that name.

        Raises:
            InputError: the model has other layers or another width, or the vector was made with another model.
        """
        from cotlens.measure.method import made_with
        from cotlens.measure.steering.norms import width

        if self.layer >= model.n_layers:
            raise InputError(
                f"The vector {self.name!r} is for layer {self.layer}; {model.name!r} has layers 0 to "
                f"{model.n_layers - 1}."
            )
        if len(self.values) != width(model):
            raise InputError(
                f"The vector {self.name!r} is {len(self.values)} wide and the residual stream of {model.name!r} "
                f"{width(model)}: fit one with this model."
            )
        made = self.provenance
        apart = made_with(made.revision, made.weights, model)
        known = made.weights and getattr(model, "weights", "")
        if made.model and made.model != model.name and (apart or not known):
            raise InputError(
                f"The vector {self.name!r} was made with {made.model!r}, not {model.name!r}: fit one with this model, "
                "or use its values all the same with steering.given(vector.values, vector.layer)."
            )
        if apart:
            warnings.warn(f"The vector {self.name!r} was made {apart}.", stacklevel=2)

    def save(self, path: PathLike) -> None:
        """Write it to one safetensors file, provenance in the metadata; `steering.load_vector` reads it.

        Raises:
            InputError: the file can't be written.
        """
        about = {
            "format": FORMAT,
            "name": self.name,
            "layer": self.layer,
            "unit": self.unit,
            "status": self.status,
            "provenance": self.provenance.data(),
        }
        write_about(path, "vector", about, {f"layer.{self.layer}": self.values})

    def code(self) -> str:
        """Python that makes this vector, with `model`, `sae`, `positive` and `negative` as they were given."""
        known = self.provenance.settings.get("code")
        return str(known) if known else f"cl.steering.given(values, {self.layer}, name={self.name!r})"


def _checked(name: str, given: object) -> NDArray[np.float32]:
    try:
        values = frozen_array(given, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"The vector {name!r} does not hold numbers ({error}); give float32 [d_model].") from error
    if values.ndim != 1 or not len(values):
        raise InputError(f"The vector {name!r} has the shape {values.shape}; give one of shape [d_model].")
    if not np.isfinite(values).all():
        raise InputError(f"The vector {name!r} holds NaN or infinite values; give finite ones.")
    if not values.any():
        raise InputError(f"The vector {name!r} is 0 everywhere, so it has no direction; its examples may be the same.")
    return values


def _check_coefficient(name: str, coefficient: float) -> None:
    try:
        check.number("coefficient", coefficient)
    except InputError:
        raise InputError(
            f"The coefficient {coefficient} of {name!r} is no number that can be added; give a finite one."
        ) from None
