"""The white-box half of the local backend: what happens inside the model, and what its outputs owe to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.models import divergence, patterns, unembedding
from cotlens.models.contract import AnswerBranch, Divergence, Gradients, Interventions
from cotlens.models.gradients import gradients as differentiate
from cotlens.models.interventions import BlockAttention, as_interventions
from cotlens.trace import Trace

if TYPE_CHECKING:
    from cotlens.models.engine import Engine

T = TypeVar("T")


class Inside(ABC):
    """Gradients, divergences and attention patterns of a model that has an engine; see `contract.Model`."""

    engine: Engine

    @abstractmethod
    def _ids(self, trunk: Trace | Sequence[int]) -> tuple[int, ...]:
        """The ids of a trace that is this model's own."""

    @abstractmethod
    def _run(self, fn: Callable[[], T]) -> T:
        """Run `fn` on the thread that owns the model."""

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
        """Gradients of a metric of `answer` after `trace.token_ids[:at]`; one forward and one backward pass.

        Args:
            answer: from `answer_branch(trace, at, value)`.
            sites: as for `read`.
            at: where the thought was closed; default the thought's end, or all ids.
            metric: "logit_difference", "log_probability" or "probability"; see `contract.Gradients`.
            embeddings: float32 [tokens up to `at` and of the answer, d_model], put in place of what "embed" gives.
        """
        ids, changes = self._ids(trace), as_interventions(interventions)
        thought = trace.roles.get("thought") if isinstance(trace, Trace) else None
        end = at if at is not None else thought.end if thought is not None else len(ids)
        if not 1 <= end <= len(ids):
            raise InputError(f"at={end} is not in this trace; it has {len(ids)} tokens, so give 1 to {len(ids)}.")
        wanted = [sites] if isinstance(sites, str) else list(sites)
        return self._run(lambda: differentiate(self.engine, ids[:end], answer, wanted, metric, embeddings, changes))

    def divergence(
        self,
        trace: Trace | Sequence[int],
        blocks: Sequence[BlockAttention],
        spans: Sequence[tuple[int, int]],
        *,
        temperature: float = 1.0,
    ) -> Divergence:
        """How far the predictions at the tokens of each span move under each of `blocks`; see `contract.Divergence`.

        What lies before the first blocked query is the same for all blocks and is run once.

        Args:
            spans: half-open token ranges.
            temperature: logits are divided by it before they are compared.
        """
        ids = self._ids(trace)
        return self._run(lambda: divergence.divergence(self.engine, ids, blocks, spans, temperature))

    def attention(
        self,
        trace: Trace | Sequence[int],
        *,
        heads: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> dict[tuple[int, int], NDArray[np.float32]]:
        """Attention weights per (layer, head), float32; rows attend to columns.

        Computed on demand under eager attention, for some queries at a time and one layer after the other.

        Args:
            heads: (layer, head) pairs; None for all.
            spans: half-open token ranges in order; entry [i, j] is then the mean weight over queries in span i and keys
                in span j, [spans, spans]. None for every token, [tokens, tokens].
        """
        ids = self._ids(trace)
        return self._run(lambda: patterns.attention(self.engine, ids, heads, spans))

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What vectors [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary]."""
        return self._run(lambda: unembedding.unembed(self.engine, vectors))
