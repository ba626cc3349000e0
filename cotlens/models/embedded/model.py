"""A model in an embedded vLLM engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core import check
from cotlens._core.errors import CapabilityError
from cotlens.models.contract import (
    Branch,
    BranchScore,
    Capability,
    Decoded,
    Intervention,
    Interventions,
    by_interventions,
    by_prefix,
    with_embeddings,
)
from cotlens.models.contract.capability import elsewhere
from cotlens.models.contract.interventions import BlockAttention, as_interventions
from cotlens.models.contract.validation import check_branches, check_sequence
from cotlens.models.embedded.whitebox import EngineWhitebox
from cotlens.models.endpoint.model import EndpointModel
from cotlens.models.endpoint.samples import Writer
from cotlens.models.endpoint.scores import Scorer
from cotlens.models.generation.samples import Sample
from cotlens.models.generation.sampling import Sampling
from cotlens.models.whitebox.branch_activations import with_activations
from cotlens.trace import Trace

__all__ = ["EmbeddedModel"]


class EmbeddedModel(EndpointModel):
    """A model that vLLM runs in this process; see `contract.Model` for what it can be asked.

    Beside what a served model does, its residual stream is read and changed, while text is written too. vLLM makes no
    attention weights, takes no masks and has no gradients.

    Args:
        whitebox: None where the engine's modules aren't what they are called.
        dtype: of the weights.
        weights: a fingerprint of the files that the engine has loaded. Whoever reaches into the engine and changes what
            it made of them isn't seen.
    """

    def __init__(self, *args: Any, whitebox: EngineWhitebox | None, dtype: str, weights: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._weights = weights
        self.where, self.dtype, self._whitebox = "vLLM in this process", dtype, whitebox
        self.score_path = "one request per text to vLLM in this process, held to the token ids that were sent"
        if whitebox is not None:
            self.capabilities |= Capability.READ | Capability.WRITE

    @property
    def weights(self) -> str:
        """A fingerprint of the files they were loaded from."""
        return self._weights

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Interventions = (),
        sites: str | Sequence[str] = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given; see `contract.Branch`.

        Raises:
            CapabilityError: positions are hidden, or an intervention can't be applied.
        """
        ids, changes, wanted = self._ids(trunk), as_interventions(interventions), check.texts("sites", sites)
        self._refuse_changes([*changes, *(item for branch in branches for item in branch.interventions)])
        if embeddings is not None:
            self._needs_whitebox("Embeddings can't be given")
        check_branches(self, ids, branches)
        whitebox = self._needs_whitebox("Activations can't be read") if wanted else None

        def scored(group: list[Branch], own: tuple[Intervention, ...]) -> list[BranchScore]:
            with self._changed(own) as (scorer, _):
                scores = scorer.score(ids, group)
            if whitebox is None:
                return scores
            return with_activations(ids, group, scores, lambda text, at: whitebox.read(text, wanted, at, own))

        def each(some: list[Branch], own: tuple[Intervention, ...]) -> list[BranchScore]:
            return by_interventions(some, own, scored)

        return self._run(lambda: by_prefix(embeddings, ids, branches, changes, each))

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Activations float32 [positions, d_model] per site, after interventions."""
        ids = self._ids(trace)
        changes = with_embeddings(embeddings, ids, as_interventions(interventions))
        wanted, whitebox = check.texts("sites", sites), self._needs_whitebox("Activations can't be read")
        self._refuse_changes(changes)
        check_sequence(self, ids)
        return self._run(lambda: whitebox.read(ids, wanted, positions, changes))

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What vectors [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary]."""
        whitebox = self._needs_whitebox("A direction can't be read as logits")
        return self._run(lambda: whitebox.unembed(vectors))

    def decode(self, vectors: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """Refused: the engine is asked for no norms of vectors that it didn't compute."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refused, as `decode`."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def decode_kl(
        self, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Refused, as `decode`."""
        self._refuse("Vectors can't be decoded", Capability.DECODE)

    def attention(
        self,
        trace: Trace | Sequence[int],
        *,
        heads: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> dict[tuple[int, int], NDArray[np.float32]]:
        """Refused: vLLM's kernels never hold attention weights."""
        self._refuse("Attention weights can't be read", Capability.READ | Capability.HIDE)

    @contextmanager
    def _changed(self, changes: Sequence[Intervention]) -> Iterator[tuple[Scorer, Writer]]:
        """Who scores and who writes while `changes` are made."""
        if self._whitebox is None or not changes:
            yield self._can_score(), self._writer
            return
        with self._whitebox.installed(changes) as name:
            dialect = replace(self.dialect, extras={**self.dialect.extras, "edits": [name]})
            scorer = replace(self._can_score(), dialect=dialect)
            yield scorer, replace(self._writer, dialect=dialect, scorer=scorer)

    def _needs_whitebox(self, what: str) -> EngineWhitebox:
        if self._whitebox is None:
            self._refuse(what, Capability.READ)
        return self._whitebox

    def _refuse_changes(self, interventions: Sequence[Intervention]) -> None:
        for item in interventions:
            if isinstance(item, BlockAttention):
                self._refuse("BlockAttention can't be applied", Capability.HIDE)
            self._needs_whitebox(f"{type(item).__name__} can't be applied")

    def _refuse(self, what: str, missing: Capability) -> NoReturn:
        why = "vLLM doesn't offer that" if missing & ~Capability.READ else "vLLM runs this model in parts of its own"
        raise CapabilityError(f"{what} in the vLLM engine ({why}): {elsewhere(missing, self.backend)}.")

    def _write_samples(
        self,
        prefix: Sequence[int],
        samples: list[Sample],
        sampling: Sampling,
        stop_ids: frozenset[int],
        *,
        unknown: Sequence[int] = (),
        interventions: Sequence[Intervention] = (),
        on_token: Callable[[int, int], None] | None = None,
    ) -> None:
        self._refuse_changes(interventions)
        with self._changed(interventions) as (_, writer):
            writer.write(prefix, samples, sampling, stop_ids, unknown, on_token)
