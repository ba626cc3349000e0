"""What models that think in depth hold after each step, and what their end says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.lenses.reading import Vectors, residuals
from cotlens.models.contract import Depth, Model, need_depth
from cotlens.trace import Trace


def depth_states(
    trace: Trace | Sequence[int], model: Model, positions: Sequence[int] | None = None
) -> NDArray[np.float32]:
    """What each token holds after each step, float32 [tokens, steps, d_model], before any norm; one pass.

    Args:
        positions: of the tokens; all by default.

    Raises:
        CapabilityError: the model doesn't think in depth, or can't be read.
    """
    sites = need_depth(model).sites
    found = model.read(trace, sites, positions=positions)
    return np.stack([found[site] for site in sites], 1)


def exit_probabilities(trace: Trace | Sequence[int], model: Model) -> NDArray[np.float64]:
    """How probable each token is to stop after each step by the model's own gate, [tokens, steps]; rows sum to one.

    Every token takes all steps here; this says where the gate would have let it go.

    Raises:
        CapabilityError: the model doesn't think in depth, or has no gate.
    """
    gate = need_depth(model).gate
    if gate is None:
        raise CapabilityError(f"{model.name!r} has no gate that says when to stop; an Ouro has one.")
    return gate(depth_states(trace, model))


def as_steps(of: str, given: object) -> tuple[int, ...] | None:
    """The setting `steps` as it is kept: rising numbers; None for all.

    Raises:
        InputError: they are no whole numbers above 0, or none.
    """
    if given is None:
        return None
    found = tuple(sorted({int(one) for one in check.indices("steps", given, of=of)}))
    if not found or found[0] < 1:
        raise InputError(f"{of} was given steps={given!r:.60}: give numbers from 1, or leave steps= out for all.")
    return found


def chosen(depth: Depth, steps: tuple[int, ...] | None) -> tuple[int, ...]:
    """The steps that are asked about; InputError where the model wasn't trained with as many."""
    return tuple(range(1, depth.steps + 1)) if steps is None else tuple(depth.count(one) for one in steps)


def at(model: Model, steps: int) -> Model:
    """The model as deep as that."""
    found: Model = model if steps == need_depth(model).steps else model.at_depth(steps)
    return found


def ends(model: Model, trace: Trace, positions: Sequence[int], steps: Sequence[int]) -> Iterator[tuple[int, Vectors]]:
    """(step, what the final norm and the output embedding read there, had every token taken that many steps).

    Without a coda that is the state after the step, and one pass tells all. A coda looks at other tokens' states too,
    so it is run for each number of steps.
    """
    depth = need_depth(model)
    if not depth.after and max(steps) <= depth.steps:
        step_of = {depth.before + step * depth.layers: step for step in steps}
        for place, vectors in residuals(model, trace, positions, list(step_of)):
            yield step_of[place], vectors
        return
    for step in steps:
        control.current().check()
        deep = at(model, step)
        for _, vectors in residuals(deep, trace, positions, [deep.n_layers]):
            yield step, vectors


def passes(depth: Depth | None, steps: tuple[int, ...] | None, most: int = 64) -> int:
    """How many passes a question about all steps takes at most."""
    return len(steps) if steps is not None else depth.steps if depth is not None else most
