"""Two backends as one model: text from one, looks inside from the other, on the same traces.

A server with many GPUs writes rollouts by the thousand; a copy of the model that shows its inside reads the same
tokens. Both must have the same tokens: that is checked over the whole vocabulary before anything is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens.models.contract import (
    AnswerBranch,
    BlockAttention,
    Branch,
    BranchScore,
    Capability,
    Decoded,
    Divergence,
    Gradients,
    Interventions,
    LatentRow,
    LatentRun,
    Meter,
    Model,
    OnRollout,
    OnToken,
    Start,
)
from cotlens.models.contract.interventions import as_interventions
from cotlens.models.same_tokens import check_same_tokens
from cotlens.trace.collection.traces import Traces

if TYPE_CHECKING:
    from cotlens.models.model_config import Defaults
    from cotlens.trace import Edit, Trace
    from cotlens.trace.answers import AnswerForm
    from cotlens.trace.prompts import Prompt


def mixed(*, write: Model, look: Model) -> Mixed:
    """One model that writes with `write` and looks inside with `look`.

        model = cl.mixed(write=cl.load(name, backend="vllm", endpoint=url), look=cl.load(name))

    Args:
        write: writes all text without interventions: `reason`, `resume`, `rollouts`.
        look: everything else. Its format and its reader hold.

    Raises:
        InputError: the two don't have the same tokens, or speak in different formats.
    """
    return Mixed(write, look)


class Mixed:
    """Two models that have the same tokens; see `mixed` and `contract.Model`.

    Whether they hold the same weights can't be known from here: names, revisions and backends of both are recorded, as
    "<write> + <look>" where they differ.
    """

    def __init__(self, write: Model, look: Model) -> None:
        check_same_tokens(write, look)
        self.write, self.look = write, look
        self.name, self.backend = _both(write.name, look.name), _both(write.backend, look.backend)
        self.dtype, self.where = _both(write.dtype, look.dtype), _both(write.where, look.where)
        self.capabilities = look.capabilities | (write.capabilities & (Capability.GENERATE | Capability.SCORE))
        self.codec, self.format, self.reader = look.codec, look.format, look.reader
        self.context_length = min(write.context_length, look.context_length)
        self.n_layers, self.owner = look.n_layers, write.owner
        self.n_heads, self.latent_format, self.depth = look.n_heads, look.latent_format, look.depth
        self.attention_layers, self.hides_whole = look.attention_layers, look.hides_whole
        self._scores = look if Capability.SCORE in look.capabilities else write
        self.score_path = f"text by {write.backend}; {self._scores.backend}: {self._scores.score_path}"

    def __repr__(self) -> str:
        return f"Mixed(write={self.write!r}, look={self.look!r})"

    @property
    def revision(self) -> str:
        """Of both."""
        return _both(self.write.revision, self.look.revision)

    @property
    def commit(self) -> str:
        """Of both."""
        return _known(self.write.commit, self.look.commit)

    @property
    def weights(self) -> str:
        """Of both, as far as they can be seen."""
        return _known(self.write.weights, self.look.weights)

    @property
    def state(self) -> str:
        """What is known of both; "" where that isn't known of one of them."""
        both = [self.write.state, self.look.state]
        return _both(*both) if all(both) else ""

    @property
    def defaults(self) -> Defaults:
        """How text is sampled where nothing else is asked for: those of `write`."""
        return self.write.defaults

    @property
    def meter(self) -> Meter:
        """What both have computed."""
        one, other = self.write.meter, self.look.meter
        return Meter(one.tokens + other.tokens, one.forwards + other.forwards)

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
        """Answer `prompt` with a thought."""
        return self._traces(
            self._writer(interventions).reason(
                prompt,
                n=n,
                seed=seed,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_p=top_p,
                top_k=top_k,
                prefill=prefill,
                latents=latents,
                interventions=interventions,
                on_token=on_token,
            )
        )

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
        """Write on after `trace.token_ids[:at]`."""
        return self._traces(
            self._writer(interventions).resume(
                trace,
                at=at,
                close_thought=close_thought,
                latents=latents,
                n=n,
                seed=seed,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_p=top_p,
                top_k=top_k,
                interventions=interventions,
                on_token=on_token,
            )
        )

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
        """Many continuations of many prefixes."""
        ours = self._ours()
        found = self._writer(interventions).rollouts(
            starts,
            seed=seed,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            interventions=interventions,
            on_rollout=None if on_rollout is None else lambda place, one: on_rollout(place, ours(one)),
        )
        return [[ours(one) for one in each] for each in found]

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Interventions = (),
        sites: str | Sequence[str] = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, by `look` where it scores."""
        return self._scores.score(trunk, branches, interventions=interventions, sites=sites, embeddings=embeddings)

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Activations, by `look`."""
        return self.look.read(trace, sites, positions=positions, interventions=interventions, embeddings=embeddings)

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
        """Gradients, by `look`."""
        return self.look.gradient(
            trace, answer, sites, at=at, metric=metric, embeddings=embeddings, interventions=interventions
        )

    def divergence(
        self,
        trace: Trace | Sequence[int],
        blocks: Sequence[BlockAttention],
        spans: Sequence[tuple[int, int]],
        *,
        temperature: float = 1.0,
    ) -> Divergence:
        """Divergences under blocked attention, by `look`."""
        return self.look.divergence(trace, blocks, spans, temperature=temperature)

    def attention(
        self,
        trace: Trace | Sequence[int],
        *,
        heads: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> dict[tuple[int, int], NDArray[np.float32]]:
        """Attention weights, by `look`."""
        return self.look.attention(trace, heads=heads, spans=spans)

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What directions add to the logits, by `look`."""
        return self.look.unembed(vectors)

    def decode(self, vectors: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What vectors say at the model's end, by `look`."""
        return self.look.decode(vectors, targets, k)

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Every token's log-probability by vectors, by `look`."""
        return self.look.predict(vectors)

    def decode_kl(
        self, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far vectors decode from others, by `look`."""
        return self.look.decode_kl(vectors, wanted)

    def think(self, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
        """A thought with other latents, by `look`."""
        return self.look.think(trace, rows)

    def decode_latents(self, latents: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What latents say, by `look`."""
        return self.look.decode_latents(latents, targets, k)

    def at_depth(self, steps: int, *, seed: int | None = None) -> Any:
        """`look` alone, at another depth."""
        return self.look.at_depth(steps, seed=seed)

    def annotate(self, trace: Trace, k: int = 8) -> Trace:
        """Log-probability and alternatives at every token but the first, by the one that scores."""
        return self._scores.annotate(trace, k)

    def compose(
        self, prompt: Prompt, thought: str, answer: str | None, *, written: Sequence[int] | None = None
    ) -> Trace:
        """A trace of given texts; nothing is run."""
        return self.look.compose(prompt, thought, answer, written=written)

    def surprise(self, trace: Trace) -> Edit:
        """The edit of an edited trace with its surprise, by the one that scores."""
        return self._scores.surprise(trace)

    def answer_branch(self, trace: Trace, at: int, value: str, form: AnswerForm | None = None) -> AnswerBranch:
        """Tokens that close the thought and answer `value`."""
        return self.look.answer_branch(trace, at, value, form)

    def _writer(self, interventions: Interventions) -> Model:
        """Who writes: `look` where something is changed inside or thought in latents, else `write`."""
        return self.look if as_interventions(interventions) or self.latent_format is not None else self.write

    def _traces(self, written: Any) -> Any:
        ours = self._ours()
        return Traces(map(ours, written)) if isinstance(written, Traces) else ours(written)

    def _ours(self) -> Callable[[Trace], Trace]:
        """What gives a trace the codec that looks, and puts both models into its meta."""
        look, codec = self.look, self.codec
        seen = {"model": look.name, "revision": look.revision, "backend": look.backend}
        return lambda trace: dataclasses.replace(trace, codec=codec, meta={**trace.meta, "look": seen})


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} + {other}"


def _known(one: str, other: str) -> str:
    return _both(one or "unknown", other or "unknown") if one or other else ""
