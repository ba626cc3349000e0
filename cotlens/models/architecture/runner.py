"""What is known of a model wherever it runs, here or on a server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import CapabilityError
from cotlens.models.architecture import masks as masking
from cotlens.models.architecture.layout import Layout
from cotlens.models.contract import Meter
from cotlens.models.contract.interventions import BlockAttention, Intervention

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.gradient_target import GradientTarget
    from cotlens.models.architecture.masks import Masks


class ModelRunner(ABC):
    """A model's layout and meter, and how masks are made for it.

    Args:
        layout: see `layout.describe`.
        meter: counts tokens and passes.
        device, dtype: of masks; bool ones are made additive where the model runs.

    Attributes:
        obeys_masks: whether every layer does, so that a mask decides all that a token knows of others.
        attending: the layers in which tokens can be hidden from each other: all, where masks are obeyed, or those with
            attention in a model that keeps a state too.
        no_skip: why positions can't be left out, "" if they can.
    """

    def __init__(self, layout: Layout, meter: Meter, device: torch.device, dtype: torch.dtype) -> None:
        self.layout = layout
        self.meter = meter
        self.device = device
        self.dtype = dtype
        self.obeys_masks = not layout.no_mask
        self.attending = tuple(range(layout.n_layers)) if self.obeys_masks else ()
        self.no_skip = layout.no_mask

    def causal(self, rows: NDArray[np.int64], before: int, interventions: Sequence[Intervention] = ()) -> Masks:
        """Masks of an ordinary pass over tokens at positions `rows`, after `before` cached ones at 0, 1, ..."""
        columns = np.concatenate([np.arange(before), rows])
        return self.masks(masking.causal(len(rows), before, self.device), rows, columns, interventions)

    def masks(
        self,
        visible: Tensor,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        interventions: Sequence[Intervention] = (),
    ) -> Masks:
        """Masks from who may see whom, with the model's windows and blocked attention worked in.

        Raises:
            CapabilityError: this model's attention can't be masked.
        """
        self.need_hiding()
        blocks = [item for item in interventions if isinstance(item, BlockAttention)]
        return masking.build(self.layout, visible, rows, columns, self.dtype, blocks)

    def need_masks(self) -> None:
        """Raise CapabilityError if this model can't hide tokens from each other."""
        if not self.obeys_masks:
            why = self.layout.no_mask or "it pays no heed to a custom attention mask"
            raise CapabilityError(
                f"Tokens can't be hidden from each other in this model, because {why}; "
                "use a model with plain attention."
            )

    def need_hiding(self) -> None:
        """Raise CapabilityError unless tokens can be hidden from each other in the layers that look back at them."""
        if not self.attending:
            self.need_masks()

    def need_skipping(self) -> None:
        """Raise CapabilityError unless positions can be left out."""
        if self.no_skip:
            raise CapabilityError(
                f"Tokens can't be left out of a text in this model, because {self.no_skip}; put others in their place "
                "(Occlusion with mode='mean' or mode='swap')."
            )

    def tensor(self, ids: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """Ids as int64 [1, n] on the model's device."""
        return torch.as_tensor(np.asarray(ids, dtype=np.int64), device=self.device)[None]

    def masks_of(self, goal: GradientTarget, interventions: Sequence[Intervention]) -> Masks | None:
        """The masks of a pass that differentiates; None where the model's own do."""
        if goal.visible is not None:
            return self.masks(goal.visible, goal.positions, goal.positions, interventions)
        blocked = any(isinstance(item, BlockAttention) for item in interventions)
        return self.causal(goal.positions, 0, interventions) if blocked else None

    @abstractmethod
    def differentiate(
        self,
        goal: GradientTarget,
        sites: Sequence[str],
        *,
        embeddings: NDArray[np.float32] | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Metric of the answer, activations at `sites` and its gradients; see `tracing.gradients`.

        The meter counts one pass; the backward one costs about as much as two more.
        """
