"""Where a vector is added: from words such as "thought" to token positions.

A rerun keeps the tokens before `at` and writes on from there. A vector may act on all of them, also on those that are
kept: their keys and values are then those of a steered model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.steering.vector import Unit, Vector
from cotlens.models.contract import EVER, AddVector, Model, Positions
from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering

PLACES = ("all", "thought", "answer", "from here on")
Where = str | Span


@dataclass(frozen=True)
class Steering:
    """A vector, how much of it, and where.

    Args:
        coefficient: in mean residual norms, or with unit="raw" the factor on the vector's values.
        where: "all" tokens, prompt included; the "thought"; the "answer"; "from here on": from the token that the rerun
            starts at; or a Span of the trace.

    Raises:
        InputError: a place that isn't known, or a coefficient that isn't finite.
    """

    vector: Vector
    coefficient: float
    where: Where = "all"
    unit: Unit = "norm"

    def __post_init__(self) -> None:
        if not isinstance(self.where, Span) and self.where not in PLACES:
            raise InputError(
                f"A vector can't be added at {self.where!r}. {did_you_mean(self.where, PLACES)} Or give a Span of the "
                "trace."
            )
        self.vector.at(self.coefficient, None, self.unit)

    def code(self) -> str:
        """The steering as Python, the vector as `vector`."""
        unit = "" if self.unit == "norm" else f", unit={self.unit!r}"
        return f"cl.steering.Steering(vector, {self.coefficient!r}, {self.where!r}{unit})"


def as_steerings(given: Any) -> tuple[Steering, ...]:
    """One or several steerings, or (vector, coefficient, where) in their place, as a tuple of steerings.

    Raises:
        InputError: something else was given.
    """
    if isinstance(given, Steering) or (isinstance(given, tuple) and given and isinstance(given[0], Vector)):
        given = [given]
    found = []
    for item in given:
        if isinstance(item, tuple) and item and isinstance(item[0], Vector) and 2 <= len(item) <= 3:
            item = Steering(*item)
        if not isinstance(item, Steering):
            raise InputError(f"{item!r} is no steering; give (vector, coefficient, where) or steering.Steering(...).")
        found.append(item)
    return tuple(found)


def check_steerings(model: Model, steerings: Sequence[Steering]) -> None:
    """Raise InputError where a vector doesn't fit the model."""
    for one in steerings:
        one.vector.check(model)


def in_thought(steerings: Sequence[Steering]) -> bool:
    """Whether what is added depends on where the thought ends."""
    return any(one.where in ("thought", "answer") for one in steerings)


@dataclass(frozen=True)
class Ends:
    """Where the thought of a rerun ended and its answer began; the close of the thought lies between."""

    thought: int
    answer: int


def interventions(
    steerings: Sequence[Steering], trace: Trace, at: int, ends: Ends | None = None
) -> tuple[AddVector, ...]:
    """What is added in a rerun of `trace` from token `at`; vectors with coefficient 0 are left out.

    Args:
        ends: None while the thought is still to be written: all that comes after its first token is thought.
    """
    found = [
        one.vector.at(one.coefficient, positions(one.where, trace, at, ends), one.unit)
        for one in steerings
        if one.coefficient
    ]
    return tuple(change for change in found if change.positions is None or len(change.positions))


def positions(where: Where, trace: Trace, at: int, ends: Ends | None = None) -> Positions:
    """The tokens that `where` means; None for all.

    Raises:
        InputError: a span beyond the trace.
    """
    if isinstance(where, Span):
        if where.end > len(trace.token_ids):
            raise InputError(
                f"The span of tokens {where.start} to {where.end} is beyond this trace of {len(trace.token_ids)}."
            )
        return range(where.start, where.end)
    if where == "all":
        return None
    if where == "from here on":
        return range(at, EVER)
    if where == "answer":
        return range(EVER, EVER) if ends is None else range(ends.answer, EVER)
    thought = trace.roles.get("thought")
    return range(at if thought is None else thought.start, EVER if ends is None else ends.thought)


def ends_of(model: Model, trace: Trace) -> Ends | None:
    """Where the thought of `trace` ends and its answer begins, just after the close; None while it is open."""
    thought = trace.roles.get("thought")
    if "answer" not in trace.roles or thought is None:
        return None
    start = trace.roles["answer"].start
    marker = "" if model.format.plain else model.format.family.close
    found = trace.text.find(marker, thought.char_end) if marker else -1
    if found >= 0:
        # The role may begin after white space; what follows the marker is written under the answer's vectors already.
        start = min(start, tokens_covering(trace.offsets, found, found + len(marker))[1])
    return Ends(thought.end, start)
