"""The local backend: any causal LM that transformers loads, run in this process."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core.check import texts, whole
from cotlens._core.errors import InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import find
from cotlens.models.contract import Branch, BranchScore, Capability, Decoded, Interventions, Meter, by_prefix
from cotlens.models.contract.interventions import Intervention, as_interventions
from cotlens.models.contract.latents import LatentFormat, LatentRow, LatentRun, by_latents
from cotlens.models.generation import writing
from cotlens.models.generation.model import TextModel
from cotlens.models.generation.sample_store import open_store
from cotlens.models.generation.traces import Measured
from cotlens.models.local import batched_decoding, decoding, kernels, placement
from cotlens.models.local.engine import Engine
from cotlens.models.local.latents import lockstep, loop, trial
from cotlens.models.local.loading import steps
from cotlens.models.local.loading.trial import find_own_positions, tried
from cotlens.models.local.scoring import dispatch
from cotlens.models.local.scoring.verification import ScoringChoice, check
from cotlens.models.model_config import commit_of_pair, eos, precision, sampling_defaults
from cotlens.models.owner import OwnerThread
from cotlens.models.whitebox import activations
from cotlens.models.whitebox import decoding as whitebox_decoding
from cotlens.models.whitebox.model import LocalWhitebox
from cotlens.trace import FinalAnswer, Trace
from cotlens.trace.answers import AnswerReader

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat

__all__ = ["LocalModel"]

T = TypeVar("T")
UNKNOWN = (
    "A hook or a replaced forward takes part in the model's passes, so its weights don't say what wrote this; such "
    "rollouts are neither kept nor taken from the store."
)


class LocalModel(TextModel, LocalWhitebox):
    """A model in this process; see `contract.Model` for what it can be asked.

    Args:
        hf: a transformers causal LM; all passes are run in eval mode, whatever mode it is left in afterwards.
        tokenizer: its tokenizer.
        name: what it is called; by default the name it was loaded by.
        revision: which weights, in the words of whoever loaded them; by default a fingerprint of them.
        commit: of the Hugging Face repository they came from; by default what config and cache say.
        reader: how answers are read (default: `FinalAnswer()`).
        format: name of the reasoning format, the two markers that a thought stands between, or a `families.Family`; by
            default found by the tokenizer.
        system: the system prompt; by default the one that the format needs for a thought, if it needs one.
        template: further variables of the chat template, {"reasoning_effort": "high"}.
        score: "auto" (a check decides), or "packed" or "plain" unchecked.
        memory: bytes that one scoring pass may take; by default a share of what is free.
        store: where rollouts are kept: a path, None for the default place, False for nowhere
            (see `generation.sample_store`).
        latent: how it thinks in latents; None for a model of words.
        kept: the types that a GGUF keeps the weights in, "Q4_1", from which they were dequantised.

    Attributes:
        slow: a sentence where recurrent layers run without their kernels, which is warned of, too; else "".

    Raises:
        InputError: an option is not known, or the module holds no weights.
        CapabilityError: no stack of layers was found in the model.
    """

    backend = "local"

    def __init__(
        self,
        hf: Any,
        tokenizer: Any,
        *,
        name: str | None = None,
        revision: str | None = None,
        commit: str | None = None,
        reader: AnswerReader | None = None,
        format: GivenFormat = None,
        system: str | None = None,
        template: Mapping[str, Any] | None = None,
        score: str = "auto",
        memory: int | None = None,
        store: str | os.PathLike[str] | bool | None = None,
        kept: str = "",
        latent: LatentFormat | None = None,
    ) -> None:
        if score not in ("auto", "packed", "plain"):
            raise InputError(f"score={score!r} is not known; choose 'auto', 'packed' or 'plain'.")
        memory = None if memory is None else whole("memory", memory, 1)
        hf = placement.bare(hf)
        placement.check_weights(hf)
        placement.check_attention(hf)
        super().__init__()
        self.meter = Meter()
        self.owner = OwnerThread()
        self.store = open_store(store)
        self.engine = Engine(hf.eval(), tokenizer, self.meter, memory)
        if latent is not None and latent.beyond:
            self.engine.layout = replace(self.engine.layout, latent=latent.token)
        self.name = name or str(getattr(hf.config, "_name_or_path", "") or type(hf).__name__)
        self.format = find(
            HFCodec(tokenizer, silent=() if latent is None else (latent.token,)),
            eos(hf, tokenizer),
            format,
            model=self.name,
            system=system,
            template=template,
        )
        self.codec = self.format.codec
        self.reader: AnswerReader = reader if reader is not None else FinalAnswer()
        self.commit = commit or commit_of_pair(hf.config)
        self.declared = revision or ""
        self.dtype = precision(hf, kept)
        self.where = f"local · {placement.described(hf)}"
        self.context_length = self.engine.layout.context
        self.n_layers = self.engine.layout.n_layers
        self.defaults = sampling_defaults(hf)
        steps.begin(self.name, steps.SCORING)
        self.owner.run(lambda: find_own_positions(self.engine))
        verdict = self.owner.run(lambda: check(self.engine)) if score == "auto" else _forced(score)
        self._way, self.score_path = verdict.way, verdict.sentence
        steps.begin(self.name, steps.INSIDE)
        self.engine.layout = self.owner.run(lambda: tried(self.engine))
        steps.done(self.name)
        self.slow = self.owner.run(lambda: kernels.fallback(self.engine)) if self.engine.layout.no_mask else ""
        if self.slow:
            warnings.warn(f"{self.name!r} could be quicker. {self.slow}", stacklevel=2)
        self.n_heads = self.engine.layout.heads if "heads" in self.engine.layout.usable("read") else 0
        self.latent_format, self.depth = latent, getattr(hf, "depth", None)
        if latent is not None:
            self.owner.run(lambda: trial.check(self.engine, latent))
        self.capabilities = _able(self.engine) & ~(Capability.LATENT if latent is None else Capability(0))
        self.attention_layers, self.hides_whole = len(self.engine.attending), self.engine.obeys_masks

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r}, {self.where}, {self.dtype}, {self.engine.layout.n_layers} layers)"

    @property
    def weights(self) -> str:
        """A fingerprint of all weights as they are now; see `identity.Identity`."""
        return self._still(self.engine.identity.weights)

    @property
    def state(self) -> str:
        """A fingerprint of all that decides what it computes, as it is now; "" where hooks make that unknown."""
        state = self._still(self.engine.state)
        return f"{state} {self.latent_format.fingerprint}" if state and self.latent_format is not None else state

    def held(self) -> AbstractContextManager[None]:
        """Within, this thread's work takes the weights to stay as they are, and reads them once."""
        return self.engine.held()

    def _still(self, fn: Callable[[], T]) -> T:
        """What `fn` finds in the weights; where passes bring them in and out, between two passes."""
        return self._run(fn) if placement.offloaded(self.engine.hf) else fn()

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
        latent = self.latent_format if embeddings is None and isinstance(trunk, Trace) and len(trunk.latents) else None

        def scored(some: Sequence[Branch], own: tuple[Intervention, ...]) -> list[BranchScore]:
            return dispatch.score(self.engine, ids, some, own, way=self._way, sites=wanted)

        def each() -> list[BranchScore]:
            if latent is None:
                return by_prefix(embeddings, ids, branches, changes, scored)
            return by_latents(latent, trunk, branches, lambda some, own: scored(some, (*own, *changes)))  # type: ignore[arg-type]

        return self._run(each)

    def _measured(self, ids: tuple[int, ...], k: int, changes: tuple[Intervention, ...] = ()) -> Measured:
        return self._run(lambda: activations.annotate(self.engine, ids, k, changes))

    def _decode_latents(self, vectors: NDArray[np.float32], targets: NDArray[np.int64], k: int) -> Decoded:
        return whitebox_decoding.decode(self.engine, vectors, targets, k, normed=True)

    def _thought(self, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
        assert self.latent_format is not None, "it was asked whether it can"
        return lockstep.think(self.engine, self.latent_format, trace, rows)

    def _deepened(self, steps: int, seed: int | None) -> LocalModel:
        engine, found = self._run(lambda: self.engine.deepened(steps, seed)), copy.copy(self)
        found.engine, found.depth, found.n_layers = engine, engine.hf.depth, engine.layout.n_layers
        found.attention_layers = len(engine.attending)
        found.name = f"{self.name.partition(' @')[0]} @{steps} steps"
        return found

    def _setting(self) -> writing.GenerationContext:
        engine, state = self.engine, self.state
        about = self._about(state.split()[0] if state else self.weights, self.dtype)
        if self.latent_format is not None:
            about["latent"] = self.latent_format.name
        return writing.GenerationContext(
            self.format,
            self.reader,
            about if state else {**about, "notes": [UNKNOWN]},
            self.defaults,
            engine.layout.context,
            engine.layout.vocabulary,
            partial(decoding.write, engine),
            partial(batched_decoding.roll, engine) if engine.obeys_masks else None,
            engine.obeys_masks,
            state,
            self.latent_format,
            None if self.latent_format is None else partial(loop.think, engine, self.latent_format),
        )


def _able(engine: Engine) -> Capability:
    """What is left of everything after it was tried."""
    found = ~Capability(0)
    if not engine.attending:
        found &= ~Capability.HIDE
    if engine.no_skip:
        found &= ~Capability.SKIP
    for part in (Capability.READ, Capability.WRITE, Capability.GRADIENT, Capability.DECODE):
        if not engine.layout.usable(str(part.name).lower()):
            found &= ~part
    return found


def _forced(score: str) -> ScoringChoice:
    return ScoringChoice(score, f"{score} scoring, because it was asked for and not checked")
