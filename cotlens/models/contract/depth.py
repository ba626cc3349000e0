"""Models that think in depth: a stack of layers that every token goes through several times before the next is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import CapabilityError, InputError
from cotlens._core.frozen import frozen_array

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ExitGate:
    """What says after each step whether a token may stop there: sigmoid(weight norm(state) + bias).

    Args:
        gain, epsilon: of the norm (by the root mean square), float32 [d_model].
        weight, bias: float32 [d_model], and a number.
    """

    gain: Floats
    epsilon: float
    weight: Floats
    bias: float

    def __post_init__(self) -> None:
        for name in ("gain", "weight"):
            object.__setattr__(self, name, frozen_array(getattr(self, name), np.float32))

    def __call__(self, states: Floats) -> NDArray[np.float64]:
        """How probable it is to stop at each step, of states [..., steps, d_model]; the last step takes what is left.

        Source: Zhu et al. 2025 (arXiv 2510.25741).
        """
        from scipy.special import expit

        given = np.asarray(states, np.float64)
        normed = given / np.sqrt((given**2).mean(-1, keepdims=True) + self.epsilon) * self.gain
        stops = expit(normed @ self.weight.astype(np.float64) + self.bias)
        left = np.cumprod(1 - stops, -1)
        before = np.concatenate([np.ones_like(left[..., :1]), left[..., :-1]], -1)
        return np.concatenate([(stops * before)[..., :-1], before[..., -1:]], -1)


@dataclass(frozen=True, eq=False)
class Depth:
    """How a model goes deeper: `steps` times through the same `layers` layers, which count as layers of their own.

    Layers are numbered as they are run: `before` that come once, `layers` for each step, and `after`, the coda. What a
    token holds after a step is the residual stream there, before any norm.

    Args:
        family: "huginn" or "ouro".
        steps: how often every token goes through the loop here.
        trained: how often it did, in training, at most.
        before, layers, after: how many layers there are before the loop, in a step, and behind it.
        seed: of the state that the loop begins with, where that is drawn; None where it is what came before.
        gate: None without one.
    """

    family: str
    steps: int
    trained: int
    before: int
    layers: int
    after: int
    seed: int | None = None
    gate: ExitGate | None = None

    @property
    def sites(self) -> tuple[str, ...]:
        """Where to read what a token holds after each step: `model.read(trace, model.depth.sites)`."""
        return tuple(f"resid_post.{self.before + step * self.layers - 1}" for step in range(1, self.steps + 1))

    def count(self, steps: object) -> int:
        """A number of steps, as it was asked for.

        Raises:
            InputError: it is no whole number from 1 to as many as were trained with.
        """
        found = check.whole("steps", steps, 1)
        if found > self.trained:
            raise InputError(f"steps={found} is deeper than this model was trained to think; give 1 to {self.trained}.")
        return found

    def draw(self, seed: object) -> int | None:
        """The seed of another first state; InputError where none is drawn."""
        if seed is None:
            return self.seed
        if self.seed is None:
            raise InputError(f"A model of the family {self.family!r} draws no state to begin with; leave out seed=.")
        return check.seed(seed)


class Deep(Protocol):
    """A model that may think in depth."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def depth(self) -> Depth | None:
        """How; None where it doesn't."""
        ...


def need_depth(model: Deep) -> Depth:
    """How a model thinks in depth; CapabilityError where it doesn't."""
    if model.depth is None:
        raise CapabilityError(
            f"{model.name!r} takes every token through its layers once, so it has no steps in depth: load a Huginn or "
            'an Ouro with backend="local".'
        )
    return model.depth
