"""The depth lens: what a model would say next, had it thought less deeply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from cotlens.measure.latent import depth
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, check_needs, check_setting
from cotlens.models.contract import Capability, Model, need_depth
from cotlens.results import Result
from cotlens.trace import Trace


@dataclass(frozen=True, kw_only=True)
class DepthLens:
    """After every step: how probable is the next token already, and which one leads?

    Of models that take each token several times through the same layers. A row per step and token of the thought (or
    of `tokens`), with the columns of `LogitLens`: `layer` counts steps here, from 1. What is read is what the model's
    own end says, its coda with it, had all tokens stopped after that step: the last step is the model's own
    prediction, bit for bit of the same pass. No norm is applied that the model doesn't apply.

    Args:
        steps: which; all that the model takes by default. It may be asked about more, as far as it was trained.
        tokens, unit: as for `LogitLens`.

    Source: the intermediate predictions of Geiping et al. 2025 (arXiv 2502.05171) and Zhu et al. 2025 (arXiv
    2510.25741).
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE
    edit_type: ClassVar[str] = "fewer steps in depth"

    steps: tuple[int, ...] | None = None
    tokens: tuple[int, int] | None = None
    unit: str = "token"

    def __post_init__(self) -> None:
        check_setting("DepthLens", "unit", self.unit, reading.UNITS)
        object.__setattr__(self, "steps", depth.as_steps("DepthLens", self.steps))

    def cost(self, trace: Trace) -> Cost:
        """A pass over the trace for each step; one for all of a model without a coda."""
        passes = 8 * depth.passes(None, self.steps)
        return Cost(passes * len(trace.token_ids), passes)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read every step.

        Raises:
            InputError: as for `LogitLens`, or the model wasn't trained with as many steps.
            CapabilityError: the model doesn't think in depth, or can't be read or decoded.
        """
        check_needs(self, model)
        steps = depth.chosen(need_depth(model), self.steps)
        places = partial(depth.ends, model, trace, steps=steps)
        return reading.next_tokens(self, trace, model, seed, places=places, count=max(steps) + 1)
