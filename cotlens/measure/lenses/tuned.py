"""The tuned lens: an affine map per layer, fitted so that what it says is what the model goes on to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens._core.frozen import frozen_array
from cotlens._core.tensors import read_about, write_about
from cotlens.measure.lenses.affine import AffineLens
from cotlens.results import Provenance

FORMAT = "cotlens-lens/1"
MEASURED = ("kl", "ridge_kl", "logit_kl", "control_kl")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TunedLens(AffineLens):
    """What does a layer say already, put into the words of the last one?

    logits = head(norm(h + A h + b)), an A and a b per layer, zero where fitting begins. `fit` makes one, `save` and
    `load_lens` keep it; run on other weights than those it was fitted on it is refused. How good it is stands in `kl`,
    nats between the model's prediction and the lens's at tokens of prompts that it wasn't fitted on.

    Columns, control and floor as of `LogitLens`, and `logit_lens`, what the layer says without the map.

    Args:
        kl, logit_kl, ridge_kl, control_kl: float32 [layers], mean KL(model || lens) at held-out tokens: of this lens,
            of the logit lens, of the closed-form ridge map from the layer to the last one, and of this lens where it
            reads another token of those texts: what can be said without reading the place.
        prompts: fingerprints of the prompts that it was fitted on.

    Source: Belrose et al. 2023 (arXiv 2303.08112).
    """

    kl: NDArray[np.float32]
    logit_kl: NDArray[np.float32]
    ridge_kl: NDArray[np.float32]
    control_kl: NDArray[np.float32]
    prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in MEASURED:
            given = check.array(name, getattr(self, name), of="TunedLens")
            object.__setattr__(self, name, frozen_array(given, np.float32))
            if getattr(self, name).shape != (len(self.layers),):
                raise InputError(f"A lens of {len(self.layers)} layers has as many {name}; fit it again.")

    def save(self, path: PathLike) -> None:
        """Write it to one safetensors file, provenance in the metadata; `load_lens` reads it.

        Raises:
            InputError: the file can't be written.
        """
        about = {
            "format": FORMAT, "layers": list(self.layers), "prompts": list(self.prompts),
            **{name: getattr(self, name) for name in MEASURED}, "provenance": self.provenance.data(),
        }  # fmt: skip
        tensors = {"matrices": self.matrices, "offsets": self.offsets}
        write_about(path, "lens", about, tensors)


def load_lens(path: PathLike, *, tokens: tuple[int, int] | None = None) -> TunedLens:
    """A lens that `TunedLens.save` wrote.

    Args:
        tokens: as of `LogitLens`.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    about, tensors = read_about(path, "lens", "a Jacobian lens is read by lenses.read_jacobian")
    try:
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r} and this CoTLens reads {FORMAT!r}")
        return TunedLens(
            layers=tuple(int(one) for one in about["layers"]), matrices=tensors["matrices"], offsets=tensors["offsets"],
            prompts=tuple(map(str, about["prompts"])), tokens=tokens, provenance=Provenance(**about["provenance"]),
            **{name: about[name] for name in MEASURED},
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path} is no saved lens, or it is damaged ({error}); save the lens again.") from error
