"""From "hold this latent there" to what the model is to write, its name, and the same in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.features.activations import SINK
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.clamping import clamp
from cotlens.models.contract import ClampFeature, Model
from cotlens.models.contract.interventions import EVER, Positions
from cotlens.trace import Trace
from cotlens.workbench.feature_table.code import loading

MODES = ("ablate", "clamp", "scale")
PLACES = ("selection", "onwards", "everywhere")


@dataclass(frozen=True, eq=False)
class ClampPlan:
    """One try.

    Args:
        at: the first token that is written again; what stands before it is kept.
        options: of `model.resume`: seed and limits.
        loading: the Python that loads the autoencoder.
        clamping: the Python of the change.
    """

    source: Trace
    change: ClampFeature
    at: int
    options: dict[str, Any]
    label: str
    loading: str
    clamping: str

    def code(self, **more: Any) -> str:
        """The Python that makes the branch, with `trace` for the one it is made from; `more` are options, too."""
        settings = ", ".join(f"{name}={value!r}" for name, value in {**self.options, **more}.items())
        return f"{self.loading}\ntrace = model.resume(trace, at={self.at}, {settings}, interventions={self.clamping})"


def plan(
    trace: Trace,
    sae: SAE,
    latent: int,
    mode: str,
    value: float,
    where: str,
    selection: tuple[int, int],
    options: dict[str, Any],
) -> ClampPlan:
    """What the model is asked for.

    Text is kept up to and with the last token where the latent is held within the selection ("selection"), with the
    first of the selection ("onwards": held there and at everything after it), or up to the thought ("everywhere").

    Raises:
        InputError: the trace has no thought, the selection lies after it, or mode, place, latent or value are no such.
    """
    if mode not in MODES or where not in PLACES:
        raise InputError(f"A latent can't be changed by {mode!r} at {where!r}; choose of {MODES} and of {PLACES}.")
    if "thought" not in trace.roles:
        raise InputError("This trace has no thought that could be written again; take one with a thought.")
    thought, (first, last) = trace.roles["thought"], selection
    if where != "everywhere" and first >= thought.end:
        raise InputError(
            "The selection lies after the thought, so nothing would be written again; select earlier text."
        )
    # The first token is left out everywhere here: attention sinks are unlike all else, see `features.activations`.
    every = range(SINK, EVER)
    positions: Positions = {"selection": range(first, last), "onwards": range(first, EVER), "everywhere": every}[where]
    keep = {"selection": last, "onwards": first + 1, "everywhere": thought.start}[where]
    at = min(max(keep, thought.start), thought.end)
    factor = 0.0 if mode == "ablate" else value
    how = "scale" if mode == "scale" else "clamp"
    change = clamp(sae, latent, factor, mode=how, positions=positions)  # type: ignore[arg-type]
    said = {"ablate": "without", "clamp": f"= {value:.3g}", "scale": f"× {value:.3g}"}[mode]
    label = f"without {latent}" if mode == "ablate" else f"{latent} {said}"
    return ClampPlan(trace, change, at, options, label, loading(sae), _clamping(latent, factor, how, positions))


def write(model: Model, mine: ClampPlan, **more: Any) -> Trace:
    """The trace that the model writes under the plan; `more` goes to `model.resume`."""
    written: Trace = model.resume(mine.source, at=mine.at, **mine.options, interventions=mine.change, **more)
    return written


def _clamping(latent: int, value: float, mode: str, positions: Positions) -> str:
    given = [f"sae, {latent}, {value!r}"]
    if mode == "scale":
        given.append("mode='scale'")
    if isinstance(positions, range):
        stop = "cl.features.EVER" if positions.stop == EVER else positions.stop
        given.append(f"positions=range({positions.start}, {stop})")
    return f"cl.features.clamp({', '.join(given)})"
