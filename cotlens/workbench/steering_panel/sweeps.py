"""The sweep of a steering panel: one vector at several strengths, beside random ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from cotlens._core.errors import Cancelled, InputError
from cotlens.measure.steering.judging import DAMAGED_SHARE
from cotlens.measure.steering.sweeping import Sweep
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Steering
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Span, Trace
from cotlens.widgets.protocol import steering_panel as protocol
from cotlens.workbench.shared.compare import finite
from cotlens.workbench.steering_panel.history import whole
from cotlens.workbench.steering_panel.vector_settings import VectorSetting, stretch

SETTINGS = ("coefficients", "seeds", "controls", "at", "max_new_tokens")
"""What a panel chooses of a sweep, beside its vector and where that is added."""
MOST = 100  # rollouts a point
CONTROLS = 4
STEPS = (-1.0, -0.5, 0.5, 1.0)
"""Strengths, as multiples of the largest."""


def plan(trace: Trace, vector: Vector, dial: VectorSetting, strength: float, rollouts: int, most: int) -> Sweep:
    """The sweep of a dial: share of answers that aren't the baseline's.

    Args:
        strength: the largest, in mean residual norms.
        rollouts: of a point.
        most: tokens that a rollout may have.

    Raises:
        InputError: the baseline has no thought to write anew; a strength or a number of rollouts that can't be.
    """
    if not 0 < strength < math.inf or not 0 < rollouts <= MOST:
        raise InputError(
            f"A sweep goes up to a strength above 0 with 1 to {MOST} rollouts a point; {strength} with {rollouts} was "
            "asked for."
        )
    if "thought" not in trace.roles:
        raise InputError("This trace has no thought to write anew, so there is nothing to sweep.")
    where: Any = {"here": "from here on", "span": stretch(trace, dial.start, dial.end)}.get(dial.place, dial.place)
    at = max(dial.start, trace.roles["thought"].start) if dial.place == "here" else None
    strengths = tuple(step * strength for step in STEPS)
    return Sweep(
        vector=vector, coefficients=strengths, seeds=rollouts, controls=CONTROLS, where=where, at=at,
        max_new_tokens=most,
    )  # fmt: skip


def code(planned: Sweep) -> list[str]:
    """Python that measures a sweep of `trace` again, as `found`."""
    vector, where = planned.vector, planned.where
    assert isinstance(vector, Vector)  # a panel sweeps one
    shown = f"cl.{where!r}" if isinstance(where, Span) else repr(where)
    said = {name: getattr(planned, name) for name in SETTINGS}
    settings = ", ".join(f"{name}={value!r}" for name, value in said.items())
    return [
        f"vector = {whole(vector)}",
        f"vector = vector.on({vector.layer}, unit={vector.unit!r})",
        f"sweep = cl.steering.Sweep(vector=vector, where={shown}, {settings})",
        "found = sweep.run(trace, model)",
    ]


def payload(result: Result) -> protocol.Sweep:
    """The view's `sweep`."""
    frame = result.frame()
    rows: list[protocol.Point] = [
        {
            "arm": row["arm"],
            "coefficient": float(row["coefficient"]),
            "value": finite(row["estimate"]),
            "low": finite(row["low"]),
            "high": finite(row["high"]),
            "n": int(row["n"]),
            "damaged": finite(row["damaged"]),
            "status": row["status"],
        }
        for row in frame.to_dict("records")
    ]
    measured = [row for row in rows if row["value"] is not None]
    why = next((row["status"] for row in rows if row["value"] is None), "").removeprefix("not measured: ")
    note = f"{len(measured)} of {len(rows)} points were measured; the others: {why}" if why else ""
    layer = int(frame["layer"].iloc[0])
    return {"vector": result.extras["vector"], "layer": layer, "rows": rows, "note": note, "most": DAMAGED_SHARE}


class Sweeps:
    """The last sweep of a panel, and what it says of single reruns.

    Args:
        publish: shows everything about the current try, and the traits that it is given.

    Attributes:
        result: None while there is none.
        planned: what was asked for; None while there is none, or where a file of before didn't say.
    """

    def __init__(self, model: Model, trace: Trace, publish: Callable[..., None]) -> None:
        self._model, self._trace, self._publish = model, trace, publish
        self.planned: Sweep | None = None
        self.result: Result | None = None

    def run(self, planned: Sweep) -> None:
        """Measure, and show; of what was stopped, the points that were measured."""
        found: Result | None = None
        try:
            found = planned.run(self._trace, self._model)
        except Cancelled as stopped:
            partial = getattr(stopped, "partial", None)
            found = partial if isinstance(partial, Result) else None
            raise
        finally:
            if found is not None:
                self.planned, self.result = planned, found
                self._publish(sweep=payload(found))

    def recall(self, found: Result, planned: Sweep | None) -> None:
        """A sweep that was measured before; single reruns are told of it where it is known what was asked for."""
        self.planned, self.result = planned, found
        self._publish(sweep=payload(found))

    def at(self, steerings: Sequence[Steering]) -> str:
        """What the sweep says of the strength of one rerun, by the rule of its verdict; "" where it hasn't got it."""
        if self.planned is None or self.result is None or len(steerings) != 1:
            return ""
        (one,) = steerings
        if self.planned.where != one.where or one.vector.fingerprint not in self.result.extras["vector_fingerprints"]:
            return ""
        frame = self.result.frame()
        found = frame[(frame["arm"] == "vector") & (frame["coefficient"] == one.coefficient) & (frame["n"] > 0)]
        counts = [(round(row["damaged"] * row["n"]), row["n"]) for row in found.to_dict("records")]
        return "".join(
            f"Of {n} sampled rollouts at this strength {broken} may be damage by the same rule." for broken, n in counts
        )
