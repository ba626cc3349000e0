"""The half of a model that is about text: its format, its answers, whose tokens a trace holds, what is to be written.

Every backend shares it; a backend says how tokens are written (`_setting`), scored, and looked into.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.chat_formats.markers import KnownSegments
from cotlens.models.contract import (
    AnswerBranch,
    Branch,
    BranchScore,
    Interventions,
    OnRollout,
    OnToken,
    Start,
)
from cotlens.models.contract.interventions import Intervention, as_interventions
from cotlens.models.generation import forced_answers, rollouts, writing
from cotlens.models.generation.jobs import WritingJob, resuming
from cotlens.models.generation.latents import LatentThinking
from cotlens.models.generation.traces import Measured, build
from cotlens.trace import Edit, Trace
from cotlens.trace.editing import reads
from cotlens.trace.latents import among
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.trace.prompts import Prompt, conversation, several, which_prompt

if TYPE_CHECKING:
    from cotlens.models.chat_formats.codec import HFCodec
    from cotlens.models.chat_formats.format import Format, Opening
    from cotlens.models.contract import Owner
    from cotlens.models.generation.sample_store import Store
    from cotlens.models.model_config import Defaults
    from cotlens.trace.answers import AnswerForm, AnswerReader

T = TypeVar("T")


class TextModel(LatentThinking, ABC):
    """What all backends do alike; see `contract.Model` for what each call means and raises."""

    name: str
    codec: HFCodec
    format: Format
    reader: AnswerReader
    backend: str
    asked: Mapping[str, Any] = MappingProxyType({})  # the options by which it was loaded that decide its texts
    declared: str  # the revision as it was loaded, "" where it is what the weights are
    commit: str = ""
    defaults: Defaults
    owner: Owner
    store: Store | None

    def __init__(self) -> None:
        self._answers: forced_answers.AnswerBranches = {}

    @property
    def revision(self) -> str:
        """Which weights, as it was loaded; what they are now, whoever changed them meanwhile, `weights` says."""
        return self.declared or self.weights

    @property
    def weights(self) -> str:
        """A fingerprint of every byte of all weights as they are now; "" where they can't be seen."""
        return ""

    @property
    @abstractmethod
    def state(self) -> str:
        """All that is known here of what decides its texts, "" where that can't be known; see `contract.Model`."""

    @abstractmethod
    def _setting(self) -> writing.GenerationContext:
        """How this backend writes tokens."""

    @abstractmethod
    def _measured(self, ids: tuple[int, ...], k: int, changes: tuple[Intervention, ...] = ()) -> Measured:
        """Log-probability and k best alternatives at every token but the first."""

    @abstractmethod
    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Interventions = (),
        sites: str | Sequence[str] = (),
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given; see `contract.Branch`."""

    def reason(
        self,
        prompt: Prompt,
        *,
        n: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        prefill: str = "",
        latents: int | None = None,
        interventions: Interventions = (),
        on_token: OnToken | None = None,
    ) -> Any:
        """Answer `prompt` with a thought.

        Args:
            prompt: a question, or a conversation as a list of messages that ends with one; a system message in it
                replaces the model's own. A list of questions, or of conversations, is several prompts.
            n: how many samples; sample 0 is what n=1 gives.
            max_new_tokens: default 4096, or what the context leaves.
            seed: 0 to 2**64 - 1.
            temperature, top_p, top_k: of `sampling.Sampling`; default to what the model's generation config says and
                transformers makes of it, else to plain sampling (1, 1, and 0 for all tokens).
            prefill: how the thought begins.
            latents: how many latents are thought before words are written, by a model that thinks in latents; default
                as its `latent_format` says. Nothing is changed inside while they are thought.
            on_token: called with (token index, text) on the owner thread as sample 0 is written.

        Returns:
            a Trace for n=1, else Traces of n. Of several prompts Traces, n of each in their order: many are answered
            together, each as if it were alone, where the model runs here and neither `interventions` nor `on_token`
            are given.
        """
        prefill = check.text("prefill", prefill)
        if latents is not None:
            self._can_think().count("", latents)  # what no prompt could be asked with is no fault of the first
        jobs: WritingJob | list[WritingJob]
        if several(prompt):
            jobs = []
            for place, each in enumerate(prompt):
                with which_prompt(place, len(prompt)):
                    jobs.append(self._begin(each, prefill, latents))  # type: ignore[arg-type]
        else:
            jobs = self._begin(prompt, prefill, latents)
        return self._write(jobs, n, seed, max_new_tokens, temperature, top_p, top_k, interventions, on_token)

    def _begin(self, prompt: Prompt, prefill: str, latents: int | None) -> WritingJob:
        """What is to be written after a prompt."""
        latent = self.latent_format
        opening = self._open(prompt, prefill) if latent is None else self.format.open(prompt, prefill, True)
        meta = {**opening.meta, **({"prefill": prefill} if prefill else {})}
        known = KnownSegments(opening.known, len(opening.ids))
        job = WritingJob(opening.ids, opening.span, opening.begin, known, meta)
        if latent is None:
            return job
        return dataclasses.replace(job, ahead=latent.count(conversation(prompt).text, latents))

    def resume(
        self,
        trace: Trace,
        *,
        at: int | None = None,
        close_thought: bool = False,
        latents: int | None = None,
        n: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        interventions: Interventions = (),
        on_token: OnToken | None = None,
    ) -> Any:
        """Write on after `trace.token_ids[:at]`, which are kept bit for bit.

        From an edited trace (and `at` not before the end of its new text) the result carries the same edit and parent,
        with `rewritten_from` set; otherwise its parent is `trace`.

        Args:
            at: token index; default `trace.resume_at`, just after the text that was edited.
            close_thought: end the thought there and let the model answer. A thought that is left open among its latents
                goes on in words, which its notes say; one whose format marks their end (Coconut) ends there.
            latents: how many latents are thought there first; default as many as the trace has from there on, none
                with close_thought. Where that makes another number in all than the model was trained with, its notes
                say so.
        """
        self._own(trace)
        if latents is not None:
            self._can_think()
        job = resuming(self.format, trace, at, close_thought, latents)
        return self._write(job, n, seed, max_new_tokens, temperature, top_p, top_k, interventions, on_token)

    def rollouts(
        self,
        starts: Sequence[Start],
        *,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        interventions: Interventions = (),
        on_rollout: OnRollout | None = None,
    ) -> list[list[Trace]]:
        """Many continuations of many prefixes, those of each start in the order of its indices.

        They are written together, every token that several of them share only once, and kept in the sample store;
        what the store has isn't written again (`trace.meta["stored"]`). A rollout's text depends on the seed, the
        tokens before it and its index. Log-probabilities are unknown in it; `annotate` fills them in.

        Args:
            on_rollout: called with (place among `starts`, trace) on the owner thread as each arrives.
        """
        if not isinstance(starts, Sequence) or not all(isinstance(start, Start) for start in starts):
            raise InputError("rollouts takes a list of Starts, where they begin: [Start(trace, at, range(100))].")
        for start in starts:
            self._own(start.trace)
        changes = as_interventions(interventions)
        request = writing.TextRequest(1, seed, max_new_tokens, temperature, top_p, top_k, changes)
        return self._run(lambda: rollouts.write(self._setting(), starts, request, self.store, on_rollout))

    def annotate(self, trace: Trace, k: int = 8) -> Trace:
        """The same trace with log-probability and the k best alternatives at every token but the first. One forward."""
        self._own(trace)
        table = self._measured(trace.token_ids, k, self._latent_inputs(trace))
        table.logprobs[trace.latent_tokens] = np.nan  # no word's probability is theirs
        return dataclasses.replace(trace, codec=self.codec, **table.fields(self.codec))

    def compose(
        self, prompt: Prompt, thought: str, answer: str | None, *, written: Sequence[int] | None = None
    ) -> Trace:
        """A trace of given texts in this model's format; nothing is run. Without an answer the thought stays open.

        Args:
            written: the ids that a model wrote after the prompt; they are kept as they are, and thought and answer are
                read out of them.
        """
        if written is not None:
            return self._as_written(prompt, written)
        answer = None if answer is None else check.text("answer", answer)
        opening, ids, roles = self.format.compose(prompt, check.text("thought", thought), answer)
        revision = {"revision": self.declared} if self.declared else {}
        meta = {**opening.meta, "model": self.name, **revision, "finish": "given"}
        return build(self.format, self.reader, ids, opening.span, opening.begin, meta, found=roles)

    def _as_written(self, prompt: Prompt, written: Sequence[int]) -> Trace:
        """A trace of the ids that were written after a prompt."""
        opening = self.format.open(prompt)
        revision = {"revision": self.declared} if self.declared else {}
        meta = {**opening.meta, "model": self.name, **revision, "finish": "given"}
        known = KnownSegments(opening.known, len(opening.ids))
        ids = [*opening.ids, *self._words(list(written))]
        return build(self.format, self.reader, ids, opening.span, opening.begin, meta, known=known)

    def surprise(self, trace: Trace) -> Edit:
        """The edit of an edited trace with `surprise` and `surprise_was` filled in: mean nats per token."""
        edit = trace.edit
        if edit is None or trace.parent is None:
            raise InputError("This trace was not edited, so no edit's surprise can be measured; edit a trace first.")
        self._own(trace)
        start = edit.start_token
        new = trace.token_ids[start : edit.end_token]
        old = trace.parent.token_ids[start : start + edit.old_tokens]
        if among(trace, start, edit.end_token) or among(trace.parent, start, start + edit.old_tokens):
            return edit  # latents are no words that could surprise
        trunk = trace if len(trace.latents) else trace.token_ids[:start]
        scores = self.score(trunk, [Branch(start, new), Branch(start, old)])
        mean = [-float(s.logprobs.mean()) if len(s.logprobs) else math.nan for s in scores]
        return dataclasses.replace(edit, surprise=mean[0], surprise_was=mean[1])

    def answer_branch(self, trace: Trace, at: int, value: str, form: AnswerForm | None = None) -> AnswerBranch:
        """Tokens that, placed after `trace.token_ids[:at]`, close the thought there and answer `value`.

        Args:
            form: how the answer is written down; by default the first form of the trace's own reader, else the model's.
        """
        reader = trace.reader if trace.reader is not None else self.reader
        return forced_answers.answer_branch(self.format, form or reader.forms[0], trace, at, value, self._answers)

    def _ids(self, trunk: Trace | Sequence[int]) -> tuple[int, ...]:
        if not isinstance(trunk, Trace):
            return self._words(check.indices("token ids", trunk).tolist())
        self._own(trunk)
        return trunk.token_ids

    def _open(self, prompt: Prompt, prefill: str) -> Opening:
        """What the model is given to go on from."""
        return self.format.open(prompt, prefill)

    def _own(self, trace: Trace) -> None:
        """Refuse a trace whose ids mean something else to this model, or whose thought no model wrote."""
        if not isinstance(trace, Trace):
            raise InputError(
                f"A model goes on from a Trace; {type(trace).__name__} was given: make one with reason(...)."
            )
        check_verbatim(trace)
        self._own_latents(trace)
        if trace.codec is self.codec:
            return
        if not reads(self.codec, trace):
            raise InputError(
                f"This trace's tokens are not those of {self.name!r}; make it with this model, or with "
                "Trace.from_text(prompt, thought, answer, model=model)."
            )

    def _about(self, weights: str, dtype: str) -> dict[str, Any]:
        """What a trace says of who wrote it; commit and weights where they are known and say more than the revision."""
        about = {"model": self.name, "revision": self.declared or weights, "backend": self.backend, "dtype": dtype}
        known = {"commit": self.commit, "weights": weights}
        return {**about, **{name: value for name, value in known.items() if value not in ("", about["revision"])}}

    def _run(self, fn: Callable[[], T]) -> T:
        return self.owner.run(fn)

    def _write(
        self,
        jobs: WritingJob | list[WritingJob],
        n: int,
        seed: int,
        max_new_tokens: int | None,
        temperature: float | None,
        top_p: float | None,
        top_k: int | None,
        interventions: Interventions,
        on_token: OnToken | None,
    ) -> Any:
        changes = as_interventions(interventions)
        request = writing.TextRequest(n, seed, max_new_tokens, temperature, top_p, top_k, changes, on_token)
        return self._run(lambda: writing.write(self._setting(), jobs, request))
