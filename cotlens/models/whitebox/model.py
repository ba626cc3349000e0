"""The white-box half of a model: what happens inside it, and what its outputs owe to that.

`WhiteboxModel` is what all backends that can look inside do alike; `LocalWhitebox` does it with an engine in this
process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.contract import LOWEST_TEMPERATURE, AnswerBranch, Decoded, Divergence, Gradients, Interventions
from cotlens.models.contract.embeddings import with_embeddings
from cotlens.models.contract.interventions import BlockAttention, Intervention, Patch, as_interventions
from cotlens.models.contract.validation import checked_targets
from cotlens.models.whitebox import activations, attention_patterns, decoding, divergence, unembedding
from cotlens.models.whitebox.gradients import gradients as differentiate
from cotlens.trace import Trace

if TYPE_CHECKING:
    from cotlens.models.local.engine import Engine

T = TypeVar("T")
Floats = NDArray[np.float32]
Spans = Sequence[tuple[int, int]]


class WhiteboxModel(ABC):
    """Activations, gradients, divergences, attention patterns; see `contract.Model`. Backends fill in the abstract."""

    @abstractmethod
    def _ids(self, trunk: Trace | Sequence[int]) -> tuple[int, ...]:
        """The ids of a trace that is this model's own."""

    @abstractmethod
    def _latent_inputs(self, trunk: Trace | Sequence[int], upto: int | None = None) -> tuple[Intervention, ...]:
        """What the latents of a trace before token `upto` are to the model, as interventions."""

    @abstractmethod
    def _run(self, fn: Callable[[], T]) -> T:
        """Run `fn` on the thread that owns the model."""

    @abstractmethod
    def _read(
        self,
        ids: tuple[int, ...],
        sites: list[str],
        positions: Sequence[int] | None,
        changes: tuple[Intervention, ...],
    ) -> dict[str, Floats]:
        """Activations of `ids`; on the owner thread, as all that follows."""

    @abstractmethod
    def _gradient(
        self,
        ids: tuple[int, ...],
        answer: AnswerBranch,
        sites: list[str],
        metric: str,
        embeddings: Floats | None,
        changes: tuple[Intervention, ...],
    ) -> Gradients:
        """Gradients of a metric of `answer` after `ids`."""

    @abstractmethod
    def _divergence(
        self,
        ids: tuple[int, ...],
        blocks: Sequence[BlockAttention],
        spans: Spans,
        temperature: float,
        changes: tuple[Intervention, ...] = (),
    ) -> Divergence:
        """How far predictions move."""

    @abstractmethod
    def _attention(
        self,
        ids: tuple[int, ...],
        heads: Sequence[tuple[int, int]] | None,
        spans: Spans | None,
        changes: tuple[Intervention, ...] = (),
    ) -> dict[tuple[int, int], Floats]:
        """Attention weights."""

    @abstractmethod
    def _unembed(self, vectors: Floats) -> Floats:
        """From the residual stream to logits."""

    @abstractmethod
    def _decode(self, vectors: Floats, targets: NDArray[np.int64], k: int) -> Decoded:
        """What checked vectors say at the model's end."""

    @abstractmethod
    def _predict(self, vectors: Floats) -> Floats:
        """Every token's log-probability by checked vectors."""

    @abstractmethod
    def _decode_kl(self, vectors: Floats, wanted: Floats) -> tuple[Floats, Floats]:
        """How far checked vectors decode from others, and which way it grows."""

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Activations float32 [positions, d_model] per site, after interventions.

        Args:
            sites: "embed", "resid_post.L" (the residual stream after layer L), "attn_out.L", "mlp_out.L";
                "heads.L", what the heads of its attention give before they are mixed, side by side.
            positions: token indices; None for all.
            embeddings: float32 [tokens, d_model], in place of what "embed" gives.
        """
        wanted = check.texts("sites", sites)
        ids = self._ids(trace)
        latents = self._latent_inputs(trace) if embeddings is None else ()
        changes = with_embeddings(embeddings, ids, (*latents, *as_interventions(interventions)))
        return self._run(lambda: self._read(ids, wanted, positions, changes))

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
        end = thought.end if thought is not None else len(ids)
        end = end if at is None else check.whole("at", at)
        if not 1 <= end <= len(ids):
            raise InputError(f"at={end} is not in this trace; it has {len(ids)} tokens, so give 1 to {len(ids)}.")
        wanted = check.texts("sites", sites)
        changes = (*(self._latent_inputs(trace, end) if embeddings is None else ()), *changes)
        return self._run(lambda: self._gradient(ids[:end], answer, wanted, metric, embeddings, changes))

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
        ids, places = self._ids(trace), check.pairs("spans", spans)
        heat = check.number("temperature", temperature, LOWEST_TEMPERATURE, above=0)
        latents = self._latent_inputs(trace)
        return self._run(lambda: self._divergence(ids, blocks, places, heat, latents))

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
        chosen = None if heads is None else check.pairs("heads", heads)
        places = None if spans is None else check.pairs("spans", spans)
        latents = self._latent_inputs(trace)
        return self._run(lambda: self._attention(ids, chosen, places, latents))

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What vectors [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary]."""
        given = check.array("vectors", vectors).astype(np.float32)
        return self._run(lambda: self._unembed(given))

    def decode(self, vectors: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What vectors in the residual stream would say, were they what stands after the last layer.

        They go through the final norm, with its own statistics of each, the output embedding and whatever follows it
        (biases, factors, caps): after the last layer these are the model's own predictions, before it a logit lens.
        A slice of the vectors at a time, so that all logits [n, vocabulary] are never held.

        Args:
            vectors: float32 [n, d_model].
            targets: token ids to follow, [n, m], or [n] for one each; none by default.
            k: how many of the most probable tokens to return, at most the vocabulary.

        Raises:
            InputError: the vectors have another width, or targets are not ids of this model, a row per vector.
            CapabilityError: this model's end is not known, or what was tried of it didn't hold.
        """
        given = check.array("vectors", vectors).astype(np.float32)
        follow = checked_targets(targets, len(given))
        best = check.whole("k", k, 0)
        return self._run(lambda: self._decode(given, follow, best))

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-probability of every token by vectors that go the way of `decode`, float32 [n, vocabulary].

        All of it is held: give it some vectors at a time.

        Args:
            vectors: float32 [n, d_model].

        Raises:
            InputError: the vectors have another width.
            CapabilityError: this model's end is not known, or what was tried of it didn't hold.
        """
        given = check.array("vectors", vectors).astype(np.float32)
        return self._run(lambda: self._predict(given))

    def decode_kl(
        self, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far what `vectors` say lies from what `wanted` say, and its gradient: what a lens is fitted by.

        Both go the way of `decode`, a slice at a time.

        Args:
            vectors, wanted: float32 [n, d_model].

        Returns:
            KL(wanted || vectors) over the whole vocabulary, nats, float32 [n]; its gradient by `vectors`, float32
            [n, d_model].

        Raises:
            InputError: the vectors have another width, or there are not as many of both.
            CapabilityError: this model's end is not known, or what was tried of it didn't hold.
        """
        ours, theirs = (check.array("vectors", one).astype(np.float32) for one in (vectors, wanted))
        if ours.shape != theirs.shape:
            raise InputError(
                f"Vectors of shape {ours.shape} can't be compared with {theirs.shape}; give as many of both."
            )
        return self._run(lambda: self._decode_kl(ours, theirs))


class LocalWhitebox(WhiteboxModel):
    """The same with an engine."""

    engine: Engine

    def _read(
        self,
        ids: tuple[int, ...],
        sites: list[str],
        positions: Sequence[int] | None,
        changes: tuple[Intervention, ...],
    ) -> dict[str, Floats]:
        return activations.read(self.engine, ids, sites, positions, changes)

    def _gradient(
        self,
        ids: tuple[int, ...],
        answer: AnswerBranch,
        sites: list[str],
        metric: str,
        embeddings: Floats | None,
        changes: tuple[Intervention, ...],
    ) -> Gradients:
        return differentiate(self.engine, ids, answer, sites, metric, embeddings, changes)

    def _divergence(
        self,
        ids: tuple[int, ...],
        blocks: Sequence[BlockAttention],
        spans: Spans,
        temperature: float,
        changes: tuple[Intervention, ...] = (),
    ) -> Divergence:
        return divergence.divergence(self.engine, ids, blocks, spans, temperature, changes)

    def _attention(
        self,
        ids: tuple[int, ...],
        heads: Sequence[tuple[int, int]] | None,
        spans: Spans | None,
        changes: tuple[Intervention, ...] = (),
    ) -> dict[tuple[int, int], Floats]:
        inputs = [item for item in changes if isinstance(item, Patch)]
        return attention_patterns.attention(self.engine, ids, heads, spans, inputs)

    def _unembed(self, vectors: Floats) -> Floats:
        return unembedding.unembed(self.engine, vectors)

    def _decode(self, vectors: Floats, targets: NDArray[np.int64], k: int) -> Decoded:
        return decoding.decode(self.engine, vectors, targets, k)

    def _predict(self, vectors: Floats) -> Floats:
        return decoding.predict(self.engine, vectors)

    def _decode_kl(self, vectors: Floats, wanted: Floats) -> tuple[Floats, Floats]:
        return decoding.kl(self.engine, vectors, wanted)
