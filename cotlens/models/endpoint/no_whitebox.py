"""What can't be asked of a model that only a completions endpoint shows: everything inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import CapabilityError
from cotlens.models.contract import AnswerBranch, Capability, Decoded, Divergence, Gradients, Interventions
from cotlens.models.contract.capability import remedy
from cotlens.models.contract.interventions import BlockAttention
from cotlens.trace import Trace


class NoWhitebox:
    """Refuses what needs the inside of a model, and names the backends that show it; see `contract.Model`."""

    name: str
    backend: str

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Refused: an endpoint shows no activations."""
        self._refuse("Activations can't be read", Capability.READ)

    def gradient(
        self,
        trace: Trace | Sequence[int],
        answer: AnswerBranch,
        sites: str | Sequence[str],
        *,
        at: int | None = None,
        metric: str = "logit_difference",
        embeddings: NDArray[np.float32] | None = None,
        interventions: Interventions = (),
    ) -> Gradients:
        """Refused: an endpoint gives no gradients."""
        self._refuse("Gradients can't be had", Capability.GRADIENT)

    def divergence(
        self,
        trace: Trace | Sequence[int],
        blocks: Sequence[BlockAttention],
        spans: Sequence[tuple[int, int]],
        *,
        temperature: float = 1.0,
    ) -> Divergence:
        """Refused: an endpoint blocks no attention."""
        self._refuse("Tokens can't be hidden from each other", Capability.HIDE)

    def attention(
        self,
        trace: Trace | Sequence[int],
        *,
        heads: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> dict[tuple[int, int], NDArray[np.float32]]:
        """Refused: an endpoint shows no attention weights."""
        self._refuse("Attention weights can't be read", Capability.READ)

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refused: an endpoint shows no weights."""
        self._refuse("A direction can't be read as logits", Capability.READ)

    def decode(self, vectors: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """Refused: an endpoint shows no weights."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refused: an endpoint shows no weights."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def decode_kl(
        self, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Refused, as `decode`."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def _refuse(self, what: str, missing: Capability) -> NoReturn:
        raise CapabilityError(
            f"{what} on the endpoint that serves {self.name!r}, which shows nothing from inside the model: "
            f"{remedy(missing, self.backend)}, or join such a model to this one with cl.mixed(write=..., look=...)."
        )
