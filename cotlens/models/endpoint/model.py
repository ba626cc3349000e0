"""A model behind an OpenAI-compatible completions endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from cotlens._core.check import texts
from cotlens._core.errors import CapabilityError
from cotlens.models.chat_formats.format import Format, Opening
from cotlens.models.contract import Branch, BranchScore, Capability, Interventions, Meter
from cotlens.models.contract.capability import remedy
from cotlens.models.contract.interventions import BlockAttention, Intervention, as_interventions
from cotlens.models.contract.validation import check_branches, check_sequence
from cotlens.models.endpoint.chat import ChatDialect, Conversations
from cotlens.models.endpoint.client import CompletionsClient
from cotlens.models.endpoint.dialect import Dialect
from cotlens.models.endpoint.no_whitebox import NoWhitebox
from cotlens.models.endpoint.samples import Writer
from cotlens.models.endpoint.scores import Scorer
from cotlens.models.generation import writing
from cotlens.models.generation.model import TextModel
from cotlens.models.generation.sample_store import Store
from cotlens.models.generation.samples import Sample
from cotlens.models.generation.sampling import Sampling
from cotlens.models.generation.traces import Measured
from cotlens.models.model_config import Defaults
from cotlens.models.owner import OwnerThread
from cotlens.trace import FinalAnswer, Trace
from cotlens.trace.answers import AnswerReader
from cotlens.trace.prompts import Prompt

__all__ = ["EndpointModel"]


@dataclass(frozen=True)
class Extent:
    """How large a model is, as far as it is known from here.

    Args:
        vocabulary: how many token ids there are.
        context: the most tokens in a sequence.
        n_layers: 0 where it isn't known.
    """

    vocabulary: int
    context: int
    n_layers: int = 0


class EndpointModel(TextModel, NoWhitebox):
    """A model that a server runs; see `contract.Model` for what it can be asked.

    It writes and, where the server gives log-probabilities of a prompt, scores. Samples have seeds of their own, so
    that on a server that honours seeds a text depends on (seed, tokens before it, index), as elsewhere; it isn't the
    text that another backend writes with the same seed.

    Args:
        client, dialect: the server, and how it is spoken to.
        revision: which weights; by default a fingerprint of what the server says.
        known: all that is known of what decides its texts; see `state`.
        defaults: how text is sampled where nothing else is asked for.
    """

    backend = "vllm"
    dtype = "as served"

    def __init__(
        self,
        client: CompletionsClient,
        dialect: Dialect,
        form: Format,
        extent: Extent,
        *,
        name: str,
        revision: str,
        known: str,
        defaults: Defaults,
        reader: AnswerReader | None,
        store: Store | None,
    ) -> None:
        super().__init__()
        self.name, self.declared, self.store, self._known = name, revision, store, known
        self.defaults = dialect.follows(defaults)
        self.format, self.codec = form, form.codec
        self.reader: AnswerReader = reader if reader is not None else FinalAnswer()
        self.meter, self.owner = Meter(), OwnerThread()
        self.layout = replace(extent, context=extent.context - 2)  # a request that scores adds a token and writes one
        self.context_length, self.n_layers = extent.context, extent.n_layers
        self.n_heads = 0
        self.attention_layers, self.hides_whole = 0, True
        self.where = f"endpoint · {urlsplit(client.endpoint).netloc}"
        self.client, self.dialect = client, dialect
        self.score_path = dialect.sentence()
        self.capabilities = Capability.GENERATE | (Capability.SCORE if dialect.prompt else Capability(0))
        self._scorer = Scorer(client, dialect, self.meter, form.codec.encode("a")[0]) if dialect.prompt else None
        self._conversations = Conversations(form, dialect.trims_end) if isinstance(dialect, ChatDialect) else None
        self._writer = Writer(
            client, dialect, form.codec, self.meter, self._scorer, form.end, extent.context, self._conversations
        )

    @property
    def state(self) -> str:
        """What is declared of it, and what it was seen to write: its weights can't be seen from here."""
        return self._known

    def __repr__(self) -> str:
        what = ", ".join(str(part.name).lower() for part in self.capabilities)
        return f"{type(self).__name__}({self.name!r}, {self.where}, can {what})"

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
            CapabilityError: positions are hidden, there are interventions or sites, or the server can't score.
        """
        ids, scorer = self._ids(trunk), self._can_score()
        own = [item for branch in branches for item in branch.interventions]
        self._refuse_changes([*as_interventions(interventions), *own])
        if embeddings is not None:
            self._refuse("Embeddings can't be given", Capability.WRITE)
        if texts("sites", sites):
            self._refuse("Activations can't be read", Capability.READ)
        check_branches(self, ids, branches)
        return self._run(lambda: scorer.score(ids, branches))

    def _open(self, prompt: Prompt, prefill: str) -> Opening:
        if self._conversations is not None:
            self._conversations.add(prompt)
        return super()._open(prompt, prefill)

    def _own(self, trace: Trace) -> None:
        super()._own(trace)
        if self._conversations is not None:  # whatever is asked of a trace, its prompt is known from here on
            self._conversations.add(trace.meta.get("messages") or trace.prompt)

    def need_hiding(self) -> None:
        """Raise CapabilityError: a server hides no tokens from each other."""
        self._refuse("Tokens can't be hidden from each other", Capability.HIDE)

    def need_skipping(self) -> None:
        """Raise CapabilityError: a server counts positions by itself."""
        self._refuse("Positions can't be left out of a text", Capability.SKIP)

    def _measured(self, ids: tuple[int, ...], k: int, changes: tuple[Intervention, ...] = ()) -> Measured:
        scorer = self._can_score()
        check_sequence(self, ids)
        return self._run(lambda: scorer.annotate(ids, k))

    def _can_score(self) -> Scorer:
        if self._scorer is None:
            what = f"{self.name!r} can't score on this endpoint ({self.score_path})"
            raise CapabilityError(f"{what}: {remedy(Capability.SCORE, self.backend)}.")
        return self._scorer

    def _refuse_changes(self, interventions: Sequence[Intervention]) -> None:
        for item in interventions:
            missing = Capability.HIDE if isinstance(item, BlockAttention) else Capability.WRITE
            self._refuse(f"{type(item).__name__} can't be applied", missing)

    def _setting(self) -> writing.GenerationContext:
        return writing.GenerationContext(
            self.format,
            self.reader,
            {**self._about(self.weights, self.dtype), **self.dialect.about()},
            self.defaults,
            self.context_length,
            self.layout.vocabulary,
            self._write_samples,
            self._writer.roll,
            identity=self.state,
        )

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
        self._writer.write(prefix, samples, sampling, stop_ids, unknown, on_token)
