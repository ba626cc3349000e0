"""What every model can be asked, whichever backend runs it. Everything above `models` sees models only through this.

Capabilities, not classes, decide what can be asked. `Branch` is the primitive that makes CoTLens fast: many short
continuations of prefixes of one trunk, scored together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cotlens.models.capability import Capability, elsewhere, remedy
from cotlens.models.interventions import (
    EVER,
    Ablate,
    AddVector,
    BlockAttention,
    ClampFeature,
    Intervention,
    Patch,
    Positions,
)
from cotlens.models.start import OnRollout, Start
from cotlens.models.whitebox import ANSWER_METRICS, Divergence, Gradients

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cotlens._core.control import Control
    from cotlens.trace import Edit, Trace
    from cotlens.trace.answers import AnswerReader
    from cotlens.trace.codec import Codec
    from cotlens.trace.messages import Prompt

__all__ = [
    "ANSWER_METRICS",
    "EVER",
    "Ablate",
    "AddVector",
    "AnswerBranch",
    "BlockAttention",
    "Branch",
    "BranchScore",
    "Capability",
    "ClampFeature",
    "Divergence",
    "Gradients",
    "Intervention",
    "Meter",
    "Model",
    "OnRollout",
    "OnToken",
    "Owner",
    "Patch",
    "Positions",
    "Start",
    "elsewhere",
    "remedy",
]

T = TypeVar("T")
OnToken = Callable[[int, str], None]
Interventions = Intervention | Sequence[Intervention]


@dataclass(frozen=True, slots=True)
class Branch:
    """A continuation of `trunk[:prefix]`, with trunk positions hidden from it.

    The i-th token of the branch stands at position `prefix + i`; hiding shifts no positions. Its log-probability is
    log p(token_i | trunk[:prefix] without hidden, tokens before i).

    Hiding acts on the attention of the branch's own tokens: the trunk's states are never recomputed, so what an
    earlier token read from a hidden one stays. The token that predicts the first branch token belongs to the branch in
    this respect: the last trunk token before `prefix` that isn't hidden is fed again, at its own position, with the
    hidden positions masked, and stands in for itself. With nothing hidden, this is numerically the ordinary forward.

    Args:
        prefix: how many trunk tokens stand before the branch, at least 1.
        token_ids: the tokens of the branch; may be empty.
        hidden: trunk positions its tokens can't attend to; those from `prefix` on are out of sight anyway.
        given: how many of its first tokens are only read, not scored: their scores are NaN, their ids -1.
    """

    prefix: int
    token_ids: tuple[int, ...]
    hidden: tuple[int, ...] = ()
    given: int = 0


@dataclass(frozen=True, slots=True)
class BranchScore:
    """How a model takes a branch; all arrays have one entry per branch token.

    Args:
        logprobs: float32, natural log of the token's probability (temperature 1, whole vocabulary).
        rival_logprobs: float32, the same for the best *other* token; the difference of the two is the logit difference.
        rival_ids: int32, that other token.
        greedy_ids: int32, the most probable token.
    """

    logprobs: NDArray[np.float32]
    rival_logprobs: NDArray[np.float32]
    rival_ids: NDArray[np.int32]
    greedy_ids: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class AnswerBranch:
    """Tokens that close a thought and give an answer.

    Args:
        token_ids: close of the thought, the reader's suffix, the value, the reader's terminator.
        value_start, value_end: tokens of the value within `token_ids`, half-open. A token that also holds the end of
            the suffix (a leading space) counts as the value's.
    """

    token_ids: tuple[int, ...]
    value_start: int
    value_end: int

    def __iter__(self) -> Any:
        """Unpacks as (token_ids, value_start)."""
        return iter((self.token_ids, self.value_start))


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

    Errors, each one sentence: InputError (an empty prompt, a token index out of range, more tokens than the context),
    CapabilityError (something this model can't do), BackendError (NaN logits), OutOfMemory, Cancelled. An error raised
    while text is written carries what was written so far as `error.partial` (a Trace, or a list for n > 1).
    """

    name: str
    where: str
    revision: str
    backend: str
    dtype: str
    capabilities: Capability
    codec: Codec
    format: Any
    reader: AnswerReader
    context_length: int
    n_layers: int
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
        prefill: str = "",
        interventions: Interventions = (),
        on_token: OnToken | None = None,
    ) -> Any:
        """Answer a question, or the last of a conversation (a list of messages), with a thought.

        A Trace for n == 1, else a list. `prefill` is how the thought begins.
        """
        ...

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
        """Write on after `trace.token_ids[:at]`, which are kept as they are (default: `trace.resume_at`)."""
        ...

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

        A rollout's text depends on (seed, tokens before it, index), not on what else is asked.
        """
        ...

    def score(
        self, trunk: Trace | Sequence[int], branches: Sequence[Branch], *, interventions: Interventions = ()
    ) -> list[BranchScore]:
        """Log-probabilities of the tokens of every branch, in the order given."""
        ...

    def read(
        self,
        trace: Trace | Sequence[int],
        sites: str | Sequence[str],
        *,
        positions: Sequence[int] | None = None,
        interventions: Interventions = (),
    ) -> dict[str, NDArray[np.float32]]:
        """Activations float32 [positions, d_model] per site: "embed", "resid_post.3", "attn_out.0", "mlp_out.2"."""
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

    def annotate(self, trace: Trace, k: int = 8) -> Trace:
        """The same trace with log-probability and the k best alternatives at every token but the first."""
        ...

    def compose(self, prompt: Prompt, thought: str, answer: str | None) -> Trace:
        """A trace of given texts in this model's format; nothing is run. Without an answer the thought stays open."""
        ...

    def surprise(self, trace: Trace) -> Edit:
        """The edit of an edited trace with `surprise` and `surprise_was` filled in, mean nats per token."""
        ...

    def answer_branch(self, trace: Trace, at: int, value: str) -> AnswerBranch:
        """Tokens that, placed after `trace.token_ids[:at]`, stop the thought there and answer `value`."""
        ...
