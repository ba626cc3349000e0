"""The local backend: any causal LM that transformers loads, run in this process."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.models import answering, reading, rollouts, scoring, writing
from cotlens.models.assemble import build
from cotlens.models.check import Verdict, check
from cotlens.models.codec import HFCodec
from cotlens.models.contract import (
    AnswerBranch,
    Branch,
    BranchScore,
    Capability,
    Interventions,
    Meter,
    OnRollout,
    OnToken,
    Start,
)
from cotlens.models.engine import Engine
from cotlens.models.formats import find
from cotlens.models.inside import Inside
from cotlens.models.interventions import as_interventions
from cotlens.models.owner import OwnerThread
from cotlens.models.store import open_store
from cotlens.trace import Boxed, Edit, Trace
from cotlens.trace.align import char_offsets
from cotlens.trace.answers import AnswerReader

T = TypeVar("T")

__all__ = ["LocalModel"]


class LocalModel(Inside):
    """A model in this process; see `contract.Model` for what it can be asked.

    Args:
        hf: a transformers causal LM.
        tokenizer: its tokenizer.
        name: what it is called; by default the name it was loaded by.
        revision: which weights; by default the commit they came from, else a fingerprint of them.
        reader: how answers are read (default: `Boxed()`).
        format: name of the reasoning format, by default found by the tokenizer.
        score: "auto" (a check decides), "packed" or "plain".
        memory: bytes that one scoring pass may take; by default a share of what is free.
        store: where rollouts are kept: a path, None for the default place, False for nowhere (see `models.store`).

    Raises:
        InputError: an option is not known.
        CapabilityError: no stack of layers was found in the model.
    """

    backend = "local"
    capabilities = Capability.GENERATE | Capability.SCORE | Capability.READ | Capability.WRITE | Capability.GRADIENT

    def __init__(
        self,
        hf: Any,
        tokenizer: Any,
        *,
        name: str | None = None,
        revision: str | None = None,
        reader: AnswerReader | None = None,
        format: str | None = None,
        score: str = "auto",
        memory: int | None = None,
        store: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        if score not in ("auto", "packed", "plain"):
            raise InputError(f"score={score!r} is not known; choose 'auto', 'packed' or 'plain'.")
        self.meter = Meter()
        self.owner = OwnerThread()
        self.store = open_store(store)
        self.engine = Engine(hf.eval(), tokenizer, self.meter, memory)
        self.codec = HFCodec(tokenizer)
        self.format = find(self.codec, _eos(hf, tokenizer), format)
        self.reader: AnswerReader = reader if reader is not None else Boxed()
        self.name = name or str(getattr(hf.config, "_name_or_path", "") or type(hf).__name__)
        self.revision = revision or getattr(hf.config, "_commit_hash", None) or _fingerprint(hf)
        self.dtype = str(hf.dtype).removeprefix("torch.")
        self.where = f"local · {'CPU' if hf.device.type == 'cpu' else 'GPU'}"
        self.context_length = self.engine.layout.context
        self.n_layers = self.engine.layout.n_layers
        self.defaults = _sampling_defaults(hf)
        self._answers: answering.Known = {}
        verdict = self.owner.run(lambda: check(self.engine)) if score == "auto" else _forced(score)
        self._pack, self.score_path = verdict.pack, verdict.sentence

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r}, {self.where}, {self.dtype}, {self.engine.layout.n_layers} layers)"

    def reason(
        self,
        prompt: str,
        *,
        n: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        prefill: str = "",
        interventions: Interventions = (),
        on_token: OnToken | None = None,
    ) -> Any:
        """Answer `prompt` with a thought.

        Args:
            n: how many samples; sample 0 is what n=1 gives.
            max_new_tokens: default 4096, or what the context leaves.
            temperature, top_p: default to what the model's generation config says, else 1.
            prefill: how the thought begins.
            on_token: called with (token index, text) on the owner thread as sample 0 is written.

        Returns:
            a Trace for n=1, else a list of n.
        """
        opening = self.format.open(prompt, prefill)
        job = writing.Job(opening.ids, opening.prompt, opening.begin, {"prefill": prefill} if prefill else {})
        return self._write(job, n, seed, max_new_tokens, temperature, top_p, interventions, on_token)

    def resume(
        self,
        trace: Trace,
        *,
        at: int | None = None,
        close_thought: bool = False,
        n: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        interventions: Interventions = (),
        on_token: OnToken | None = None,
    ) -> Any:
        """Write on after `trace.token_ids[:at]`, which are kept bit for bit.

        From an edited trace (and `at` not before the end of its new text) the result carries the same edit and parent,
        with `rewritten_from` set; otherwise its parent is `trace`.

        Args:
            at: token index; default `trace.resume_at`, just after the text that was edited.
            close_thought: end the thought there and let the model answer.
        """
        self._own(trace)
        job = writing.resuming(self.format, trace, at, close_thought)
        return self._write(job, n, seed, max_new_tokens, temperature, top_p, interventions, on_token)

    def rollouts(
        self,
        starts: Sequence[Start],
        *,
        seed: int = 0,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
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
        for start in starts:
            self._own(start.trace)
        changes = as_interventions(interventions)
        wishes = writing.Wishes(1, seed, max_new_tokens, temperature, top_p, changes, None)
        return self._run(lambda: rollouts.write(self._setting(), starts, wishes, self.store, on_rollout))

    def score(
        self, trunk: Trace | Sequence[int], branches: Sequence[Branch], *, interventions: Interventions = ()
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given; see `contract.Branch`."""
        ids, changes = self._ids(trunk), as_interventions(interventions)
        return self._run(lambda: scoring.score(self.engine, ids, branches, changes, pack=self._pack))

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
    ) -> dict[str, NDArray[np.float32]]:
        """Activations float32 [positions, d_model] per site, after interventions.

        Args:
            sites: "embed", "resid_post.L" (the residual stream after layer L), "attn_out.L", "mlp_out.L".
            positions: token indices; None for all.
        """
        wanted = [sites] if isinstance(sites, str) else list(sites)
        ids, changes = self._ids(trace), as_interventions(interventions)
        return self._run(lambda: reading.read(self.engine, ids, wanted, positions, changes))

    def annotate(self, trace: Trace, k: int = 8) -> Trace:
        """The same trace with log-probability and the k best alternatives at every token but the first. One forward."""
        self._own(trace)
        table = self._run(lambda: reading.annotate(self.engine, trace.token_ids, k))
        return dataclasses.replace(trace, codec=self.codec, **table.fields(self.codec))

    def compose(self, prompt: str, thought: str, answer: str | None) -> Trace:
        """A trace of given texts in this model's format; nothing is run. Without an answer the thought stays open."""
        opening, ids, roles = self.format.compose(prompt, thought, answer)
        meta = {"model": self.name, "revision": self.revision, "finish": "given"}
        return build(self.format, self.reader, ids, opening.prompt, opening.begin, meta, found=roles)

    def surprise(self, trace: Trace) -> Edit:
        """The edit of an edited trace with `surprise` and `surprise_was` filled in: mean nats per token."""
        edit = trace.edit
        if edit is None or trace.parent is None:
            raise InputError("This trace was not edited, so there is no edit to be surprised by; edit a trace first.")
        self._own(trace)
        start = edit.start_token
        new = trace.token_ids[start : edit.end_token]
        old = trace.parent.token_ids[start : start + edit.old_tokens]
        scores = self.score(trace.token_ids[:start], [Branch(start, new), Branch(start, old)])
        mean = [-float(s.logprobs.mean()) if len(s.logprobs) else math.nan for s in scores]
        return dataclasses.replace(edit, surprise=mean[0], surprise_was=mean[1])

    def answer_branch(self, trace: Trace, at: int, value: str) -> AnswerBranch:
        """Tokens that, placed after `trace.token_ids[:at]`, close the thought there and answer `value`.

        The trace's own reader, else the model's, says what leads to a value and what follows it.
        """
        reader = trace.reader if trace.reader is not None else self.reader
        return answering.answer_branch(self.format, reader, trace, at, value, self._answers)

    def _ids(self, trunk: Trace | Sequence[int]) -> tuple[int, ...]:
        if not isinstance(trunk, Trace):
            return tuple(int(token) for token in trunk)
        self._own(trunk)
        return trunk.token_ids

    def _own(self, trace: Trace) -> None:
        """Refuse a trace whose ids mean something else to this model."""
        if trace.codec is self.codec:
            return
        text, _ = char_offsets(self.codec.pieces(trace.token_ids))
        if text != trace.text:
            raise InputError(
                f"This trace's tokens are not those of {self.name!r}; make it with this model, or with "
                "Trace.from_text(prompt, thought, answer, model=model)."
            )

    def _run(self, fn: Callable[[], T]) -> T:
        return self.owner.run(fn)

    def _write(
        self,
        job: writing.Job,
        n: int,
        seed: int,
        max_new_tokens: int | None,
        temperature: float | None,
        top_p: float | None,
        interventions: Interventions,
        on_token: OnToken | None,
    ) -> Any:
        changes = as_interventions(interventions)
        wishes = writing.Wishes(n, seed, max_new_tokens, temperature, top_p, changes, on_token)
        return self._run(lambda: writing.write(self._setting(), job, wishes))

    def _setting(self) -> writing.Setting:
        about = {"model": self.name, "revision": self.revision, "backend": self.backend, "dtype": self.dtype}
        return writing.Setting(self.engine, self.format, self.reader, about, self.defaults)


def _eos(hf: Any, tokenizer: Any) -> list[int]:
    declared = [
        getattr(hf.generation_config, "eos_token_id", None),
        getattr(hf.config, "eos_token_id", None),
        tokenizer.eos_token_id,
    ]
    flat = [
        token for entry in declared if entry is not None for token in (entry if isinstance(entry, list) else [entry])
    ]
    return [int(token) for token in flat]


def _sampling_defaults(hf: Any) -> tuple[float, float]:
    """(temperature, top_p) that the model's makers recommend, 1 where they are silent."""
    config = hf.generation_config
    if config is None or not getattr(config, "do_sample", False):
        return 1.0, 1.0
    temperature, top_p = config.temperature, config.top_p
    return 1.0 if temperature is None else float(temperature), 1.0 if top_p is None else float(top_p)


def _fingerprint(hf: Any) -> str:
    """Identity of weights without a commit: a hash of names, shapes and a sample of every parameter."""
    digest = hashlib.sha256()
    for name, parameter in hf.named_parameters():
        flat = parameter.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // 64)][:64].float().cpu().numpy()
        digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return f"weights:{digest.hexdigest()[:12]}"


def _forced(score: str) -> Verdict:
    return Verdict(score == "packed", f"{score} scoring, because it was asked for and not checked")
