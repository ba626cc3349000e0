"""`NdifModel`: a model that runs on NDIF, or on any server that speaks its protocol."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.check import texts
from cotlens._core.errors import InputError
from cotlens.models.architecture.layout import describe
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import find
from cotlens.models.contract import (
    AnswerBranch,
    Branch,
    BranchScore,
    Capability,
    Decoded,
    Divergence,
    Gradients,
    Interventions,
    Meter,
    by_interventions,
    by_prefix,
)
from cotlens.models.contract.interventions import BlockAttention, Intervention, as_interventions
from cotlens.models.contract.validation import check_branches as refuse_unscorable
from cotlens.models.generation import writing
from cotlens.models.generation.model import TextModel
from cotlens.models.generation.sample_store import open_store
from cotlens.models.generation.traces import Measured
from cotlens.models.model_config import eos, sampling_defaults
from cotlens.models.ndif import comparing, reading, scoring
from cotlens.models.ndif import writing as writes
from cotlens.models.ndif.checking import Checked
from cotlens.models.ndif.passes import RemoteRunner
from cotlens.models.ndif.service import Deployment
from cotlens.models.ndif.wire import Wire
from cotlens.models.owner import OwnerThread
from cotlens.models.whitebox import gradients
from cotlens.models.whitebox.branch_activations import with_activations
from cotlens.models.whitebox.model import Floats, Spans, WhiteboxModel
from cotlens.trace import FinalAnswer, Trace
from cotlens.trace.answers import AnswerReader

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat

KEY = "nnsight.modeling.transformers.TransformersModel:"


class NdifModel(TextModel, WhiteboxModel):
    """A model on a server; see `contract.Model` for what it can be asked, and `opening.open_ndif` for its options.

    Every question is one or several jobs. Nothing about it is kept on the server between them.
    """

    backend = "ndif"

    def __init__(
        self,
        traced: Any,
        tokenizer: Any,
        generation: Any,
        wire: Wire,
        *,
        name: str,
        deployment: Deployment | None = None,
        revision: str | None = None,
        reader: AnswerReader | None = None,
        format: GivenFormat = None,
        system: str | None = None,
        template: Mapping[str, Any] | None = None,
        score: str = "auto",
        store: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        if score not in ("auto", "packed", "plain"):
            raise InputError(f"score={score!r} is not known; choose 'auto', 'packed' or 'plain'.")
        super().__init__()
        hf = traced._module
        self.name, self.declared = name, revision or "main"
        self.where = f"NDIF · {wire.service.name}"
        self.meter, self.owner, self.store = Meter(), OwnerThread(), open_store(store)
        layout = describe(hf)
        key = deployment.key if deployment is not None and deployment.key else model_key(name, revision)
        self.remote = RemoteRunner(traced, layout, self.meter, wire, key)
        makers = SimpleNamespace(generation_config=generation, config=hf.config)
        ends = eos(makers, tokenizer)
        self.format = find(HFCodec(tokenizer), ends, format, model=name, system=system, template=template)
        self.codec = self.format.codec
        self.reader: AnswerReader = reader if reader is not None else FinalAnswer()
        self.context_length, self.n_layers = layout.context, layout.n_layers
        self.defaults = sampling_defaults(makers)
        self.n_heads = layout.heads if layout.head_width else 0
        self.attention_layers, self.hides_whole = len(self.remote.attending), self.remote.obeys_masks
        lacking = (
            Capability.LATENT if self.remote.obeys_masks else Capability.LATENT | Capability.HIDE | Capability.SKIP
        )
        self.capabilities = ~lacking
        self._listed = (deployment.dtype if deployment is not None else "") or "unknown"
        self._checked = Checked(self.remote, score)

    def __repr__(self) -> str:
        return f"NdifModel({self.name!r}, {self.where}, {self.n_layers} layers)"

    @property
    def state(self) -> str:
        """What is declared of it: server, model, revision and type. Its weights can't be seen from here."""
        return f"declared {json.dumps([self.where, self.remote.key, self.dtype])}"

    @property
    def dtype(self) -> str:
        """Type of the model's activations as it has said itself; before the first question, what the server says."""
        said = vars(self.remote).get("kind", self._listed)
        return str(said).removeprefix("torch.")

    @property
    def score_path(self) -> str:
        """How branches are scored."""
        return self._checked.sentence

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Interventions = (),
        sites: str | Sequence[str] = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given; see `contract.Branch`."""
        ids, changes, wanted = self._ids(trunk), as_interventions(interventions), texts("sites", sites)
        return self._run(
            lambda: by_prefix(
                embeddings, ids, branches, changes, lambda some, own: self._scored(ids, some, own, wanted)
            )
        )

    def _scored(
        self, ids: tuple[int, ...], branches: Sequence[Branch], changes: tuple[Intervention, ...], sites: list[str]
    ) -> list[BranchScore]:
        refuse_unscorable(self.remote, ids, branches)

        def scored(group: list[Branch], own: tuple[Intervention, ...]) -> list[BranchScore]:
            scores = scoring.score(self.remote, ids, group, own, pack=self._checked.pack())
            if not sites:
                return scores
            return with_activations(ids, group, scores, lambda text, at: self._read(text, sites, at, own))

        return by_interventions(branches, changes, scored)

    def _measured(self, ids: tuple[int, ...], k: int, changes: tuple[Intervention, ...] = ()) -> Measured:
        return self._run(lambda: reading.annotate(self.remote, ids, k))

    def _read(
        self,
        ids: tuple[int, ...],
        sites: list[str],
        positions: Sequence[int] | None,
        changes: tuple[Intervention, ...],
    ) -> dict[str, Floats]:
        return reading.read(self.remote, ids, sites, positions, changes)

    def _gradient(
        self,
        ids: tuple[int, ...],
        answer: AnswerBranch,
        sites: list[str],
        metric: str,
        embeddings: Floats | None,
        changes: tuple[Intervention, ...],
    ) -> Gradients:
        return gradients.gradients(self.remote, ids, answer, sites, metric, embeddings, changes)

    def _divergence(
        self,
        ids: tuple[int, ...],
        blocks: Sequence[BlockAttention],
        spans: Spans,
        temperature: float,
        changes: tuple[Intervention, ...] = (),
    ) -> Divergence:
        return comparing.divergence(self.remote, ids, blocks, spans, temperature)

    def _attention(
        self,
        ids: tuple[int, ...],
        heads: Sequence[tuple[int, int]] | None,
        spans: Spans | None,
        changes: tuple[Intervention, ...] = (),
    ) -> dict[tuple[int, int], Floats]:
        return reading.attention(self.remote, ids, heads, spans)

    def _unembed(self, vectors: Floats) -> Floats:
        return reading.unembed(self.remote, vectors)

    def _decode(self, vectors: Floats, targets: NDArray[np.int64], k: int) -> Decoded:
        return reading.decode(self.remote, vectors, targets, k)

    def _predict(self, vectors: Floats) -> Floats:
        return reading.predict(self.remote, vectors)

    def _decode_kl(self, vectors: Floats, wanted: Floats) -> tuple[Floats, Floats]:
        return reading.decode_kl(self.remote, vectors, wanted)

    def _setting(self) -> writing.GenerationContext:
        about = self._about("", str(self.remote.kind).removeprefix("torch."))
        layout = self.remote.layout
        return writing.GenerationContext(
            self.format,
            self.reader,
            about,
            self.defaults,
            layout.context,
            layout.vocabulary,
            partial(writes.write, self.remote),
            partial(writes.write_rollouts, self.remote),
            identity=self.state,
        )


def model_key(repo: str, revision: str | None) -> str:
    """What a server knows a model by, to the letter: nnsight's own `to_model_key` asks Hugging Face first."""
    return KEY + json.dumps({"repo_id": repo, "revision": revision, "task": "text-generation"})
