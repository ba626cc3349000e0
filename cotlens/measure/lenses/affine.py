"""A lens that is an affine map per layer, with what it was made on: what tuned and Jacobian lenses have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens._core.frozen import frozen_array
from cotlens.measure.lenses import reading
from cotlens.measure.lenses.reading import Vectors
from cotlens.measure.method import Cost, check_made_for, check_needs, check_setting
from cotlens.measure.steering.norms import width
from cotlens.models.contract import Capability, Model
from cotlens.results import Provenance, Result
from cotlens.trace import Trace


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AffineLens:
    """Before the model's end, the stream at a layer goes through the map of that layer: matrix h + offset.

    Args:
        layers: numbers of the places that have a map, as of `LogitLens`: 0 is the embedding, l what stands after l
            layers. After the last layer the model itself is read.
        matrices: float32 [layers, d_model, d_model].
        offsets: float32 [layers, d_model].
        tokens, unit: as of `LogitLens`.
        provenance: how and on which model the maps were made.
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE
    edit_type: ClassVar[str] = "none"

    layers: tuple[int, ...]
    matrices: NDArray[np.float32]
    offsets: NDArray[np.float32]
    tokens: tuple[int, int] | None = None
    unit: str = "token"
    provenance: Provenance = field(default_factory=lambda: Provenance("given"))

    def __post_init__(self) -> None:
        check_setting(type(self).__name__, "unit", self.unit, reading.UNITS)
        found = check.indices("layers", self.layers, of=type(self).__name__)
        object.__setattr__(self, "layers", tuple(int(one) for one in found))
        for name in ("matrices", "offsets"):
            given = check.array(name, getattr(self, name), of=type(self).__name__)
            object.__setattr__(self, name, frozen_array(given, np.float32))
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"The {name} of a lens hold NaN or infinite values; fit it again.")
        wide = self.offsets.shape[-1] if self.offsets.ndim == 2 else -1
        if self.offsets.shape != (len(self.layers), wide) or self.matrices.shape != (len(self.layers), wide, wide):
            raise InputError(
                f"A lens of {len(self.layers)} layers can't have matrices of shape {self.matrices.shape} and offsets "
                f"of {self.offsets.shape}: give [layers, d_model, d_model] and [layers, d_model]."
            )
        if not self.layers or len(set(self.layers)) < len(self.layers) or min(self.layers) < 0:
            raise InputError(f"A lens has one map for each of its layers, counted from 0; {self.layers} were given.")

    def __repr__(self) -> str:
        told = f"{len(self.layers)} layers, {self.offsets.shape[1]} wide, made with {self.provenance.model!r}"
        return f"<{type(self).__name__}: {told}>"

    @property
    def fingerprint(self) -> str:
        """32 hex digits for all that it reads."""
        return fingerprint(repr(self.layers), self.matrices, self.offsets)

    def cost(self, trace: Trace) -> Cost:
        """As of `LogitLens`; every vector is decoded twice, with the map and without."""
        return Cost(16 * len(trace.token_ids), 16)

    def through(self, layer: int, vectors: Vectors) -> Vectors:
        """Vectors [n, d_model] of a place by its map; those of a place without one as they are."""
        if layer not in self.layers:
            return vectors
        index = self.layers.index(layer)
        found: Vectors = vectors @ self.matrices[index].T + self.offsets[index]
        return found

    def read_layers(self, model: Model) -> list[int]:
        """Numbers of the places that are read, the model's own end last."""
        return sorted({*self.layers, model.n_layers})

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read every layer that has a map; columns as of `LogitLens`, and `logit_lens`, what the layer says without it.

        Raises:
            InputError: the lens was made on other weights, the trace has no thought and no `tokens` were given, or
                these aren't two or more of its tokens.
            CapabilityError: the model's activations can't be read or decoded.
        """
        check_needs(self, model)
        self.check(model)
        return reading.next_tokens(self, trace, model, seed, self.read_layers(model), self.through)

    def check(self, model: Model) -> None:
        """Raise InputError where it was made with another model, or doesn't fit this one."""
        check_made_for("lens", self.provenance, model)
        reading.check_layers(model, self.layers, "This lens")
        if self.offsets.shape[1] != width(model):
            raise InputError(
                f"This lens is {self.offsets.shape[1]} wide and the residual stream of {model.name!r} {width(model)}: "
                "take one that was made with this model."
            )
