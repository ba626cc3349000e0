"""What every model can be asked, whichever backend runs it. Everything above `models` sees models only through this.

Capabilities, not classes, decide what can be asked. `Branch` is the primitive that makes CoTLens fast: many short
continuations of prefixes of one trunk, scored together.

The signatures below stand again in `generation.model`, `whitebox.model`, `mixed` and `endpoint.no_whitebox`, in full:
they are what `help(model.reason)`, an editor's completion and a type checker show, and a misspelt setting fails at the
call that misspelt it. `**settings` handed on would lose all three. `tests/contract` holds every class to this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens.models.contract.branches import AnswerBranch, Branch, BranchScore
from cotlens.models.contract.capability import Capability
from cotlens.models.contract.depth import Depth
from cotlens.models.contract.interventions import (
    BlockAttention,
    Intervention,
)
from cotlens.models.contract.latents import LatentFormat, LatentRow, LatentRun
from cotlens.models.contract.start import OnRollout, Start
from cotlens.models.contract.whitebox import Decoded, Divergence, Gradients

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cotlens._core.control import Control
    from cotlens.models.model_config import Defaults
    from cotlens.trace import Edit, Trace
    from cotlens.trace.answers import AnswerForm, AnswerReader
    from cotlens.trace.codec import Codec
    from cotlens.trace.prompts import Prompt

T = TypeVar("T")
OnToken = Callable[[int, str], None]
Interventions = Intervention | Sequence[Intervention]


@dataclass(slots=True)
class Meter:
    """What a model has computed since it was loaded. Read it before and after to know what something cost.

    Args:
        tokens: token positions that went through the model (rows x columns).
        forwards: passes.
    """

    tokens: int = 0
    forwards: int = 0

    def snapshot(self) -> Meter:
        """A copy that stays as it is."""
        return Meter(self.tokens, self.forwards)

    def since(self, before: Meter) -> Meter:
        """What was added after `before` was taken."""
        return Meter(self.tokens - before.tokens, self.forwards - before.forwards)


class Owner(Protocol):
    """The one thread a model runs on."""

    def submit(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> Future[T]:
        """Enqueue `fn`; higher priorities run first, equal ones in order."""
        ...

    def run(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> T:
        """Run `fn` there and wait; an interrupt cancels. Inline on the owner thread itself."""
        ...


@runtime_checkable
class Model(Protocol):
    """A model as measurements and widgets see it. Every call may come from any thread, and blocks until done.

    Which model it is: `revision` says which weights in the words of whoever loaded them; `commit` is that of their
    repository, "" where they came from elsewhere; `weights` is a fingerprint of every byte of them as they are now, ""
    where they can't be seen. `state` identifies all that is known here of what it computes, so that two models of one
    state write the same; "" where that can't be known. Nothing may be remembered under a name or a revision instead.
    `n_heads` is how many heads stand side by side at "heads", 0 where that site isn't known. `attention_layers` is in
    how many of its `n_layers` tokens can be hidden from each other: all, but in a model that keeps a state too those
    with attention, and 0 where none can be masked. `hides_whole` is False where a state still holds what is hidden,
    whatever the number of these layers. `latent_format` says how it thinks in latents, None of a model of words;
    `depth` how often each token goes through the same layers, None of a model that does so once.

    Errors, each one sentence: InputError (an empty prompt, a token index out of range, more tokens than the context),
    CapabilityError (something this model can't do), BackendError (NaN logits), OutOfMemory, Cancelled. An error raised
    while text is written carries what was written so far as `error.partial` (a Trace, or Traces for n > 1).
    """

    name: str
    where: str
    revision: str
    commit: str
    weights: str
    state: str
    defaults: Defaults
    backend: str
    dtype: str
    capabilities: Capability
    codec: Codec
    format: Any
    latent_format: LatentFormat | None
    depth: Depth | None
    reader: AnswerReader
    context_length: int
    n_layers: int
    n_heads: int
    attention_layers: int
    hides_whole: bool
    score_path: str
    meter: Meter
    owner: Owner

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
        """Answer a question, or the last of a conversation (a list of messages), with a thought.

        A Trace for n == 1, else Traces; of a list of prompts Traces, n of each. `prefill` is how the thought begins.
        A model with a `latent_format` thinks `latents` latents first, by default as many as that says.
        """
        ...

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
        """Write on after `trace.token_ids[:at]`, which are kept as they are (default: `trace.resume_at`).

        `latents` latents are thought there first, by default as many as the trace has from there on.
        """
        ...

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

        A rollout's text depends on (seed, tokens before it, index), not on what else is asked.
        """
        ...

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Interventions = (),
        sites: str | Sequence[str] = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given.

        With `sites`, the activations there, at the tokens that predict what is scored, come with them. `embeddings`,
        float32 [trunk tokens, d_model], stand in place of what "embed" gives for the trunk, at the cost of a pass per
        prefix; the branches' own tokens are embedded as ever.
        """
        ...

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Activations float32 [positions, d_model] per site: "embed", "resid_post.3", "attn_out.0", "mlp_out.2".

        "heads.3" is what the heads of layer 3 give before they are mixed, side by side, [positions, n_heads * width].

        `embeddings`, float32 [tokens, d_model], stand in place of what "embed" gives.
        """
        ...

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
        """Gradients of a metric of `answer` after `trace.token_ids[:at]` (default: to the thought's end)."""
        ...

    def divergence(
        self,
        trace: Trace | Sequence[int],
        blocks: Sequence[BlockAttention],
        spans: Sequence[tuple[int, int]],
        *,
        temperature: float = 1.0,
    ) -> Divergence:
        """How far the predictions at the tokens of each span move under each of `blocks`, one block at a time.

        Cancelled, the error carries a Divergence of the blocks that were done as `partial`.
        """
        ...

    def attention(
        self,
        trace: Trace | Sequence[int],
        *,
        heads: Sequence[tuple[int, int]] | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> dict[tuple[int, int], NDArray[np.float32]]:
        """Attention weights per (layer, head): [tokens, tokens], or means over blocks of spans [spans, spans]."""
        ...

    def unembed(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What vectors [n, d_model] in the residual stream add to the logits directly, float32 [n, vocabulary]."""
        ...

    def decode(self, vectors: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What vectors [n, d_model] say through final norm, output embedding and all that follows, as after a layer.

        `targets`: token ids [n, m] to follow; `k`: how many best tokens. All logits [n, vocabulary] are never held.
        """
        ...

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-probability of every token by vectors that go the way of `decode`, float32 [n, vocabulary]."""
        ...

    def decode_kl(
        self, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """KL(what `wanted` decode to || what `vectors` do), nats [n], and its gradient by the vectors [n, d_model]."""
        ...

    def think(self, trace: Trace, rows: Sequence[LatentRow]) -> list[LatentRun]:
        """The thought of a trace with latents, once for each row, with other vectors in place of some of them."""
        ...

    def decode_latents(self, latents: NDArray[np.float32], targets: ArrayLike = (), k: int = 0) -> Decoded:
        """What latents [n, d_model] say by the output embedding; as `decode`, without a second norm."""
        ...

    def at_depth(self, steps: int, *, seed: int | None = None) -> Any:
        """The same model with another number of steps in depth, or another first state; its weights are shared."""
        ...

    def annotate(self, trace: Trace, k: int = 8) -> Trace:
        """The same trace with log-probability and the k best alternatives at every token but the first."""
        ...

    def compose(
        self, prompt: Prompt, thought: str, answer: str | None, *, written: Sequence[int] | None = None
    ) -> Trace:
        """A trace of given texts in this model's format; nothing is run. Without an answer the thought stays open.

        `written` are the ids that a model wrote after the prompt, to be kept as they are in place of the two texts.
        """
        ...

    def surprise(self, trace: Trace) -> Edit:
        """The edit of an edited trace with `surprise` and `surprise_was` filled in, mean nats per token."""
        ...

    def answer_branch(self, trace: Trace, at: int, value: str, form: AnswerForm | None = None) -> AnswerBranch:
        """Tokens that, placed after `trace.token_ids[:at]`, stop the thought there and answer `value`.

        `form` says in which words; by default the first form of the trace's own reader, else of the model's.
        """
        ...
