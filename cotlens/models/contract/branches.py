"""What is scored: many short continuations of prefixes of one trunk, and the forced answers that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.models.contract.interventions import EVER, Intervention


@dataclass(frozen=True, slots=True, eq=False)
class TokenSet:
    """Tokens whose probabilities are summed. Made once and shared by many branches; told apart by identity.

    Args:
        member: bool [tokens of the tokenizer], what is summed. Ids beyond the tokenizer's are in no set.
        rival: bool of the same length, tokens that count against it; by default all others.
    """

    member: NDArray[np.bool_]
    rival: NDArray[np.bool_]

    @classmethod
    def of(cls, member: NDArray[np.bool_], neutral: tuple[int, ...] = ()) -> TokenSet:
        """The set, all other tokens but the `neutral` ones against it."""
        rival = ~member
        rival[list(neutral)] = False
        return cls(member, rival)

    def flags(self, vocabulary: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Both for a model of so many tokens: ids that its tokenizer doesn't know only count against the set."""
        more = max(0, vocabulary - len(self.member))
        pair = np.pad(self.member, (0, more)), np.pad(self.rival, (0, more), constant_values=True)
        return pair[0][:vocabulary], pair[1][:vocabulary]


@dataclass(frozen=True, slots=True)
class Branch:
    """A continuation of `trunk[:prefix]`, with trunk positions hidden from it.

    The i-th token of the branch stands at position `prefix + i`; hiding shifts no positions. Its log-probability is
    log p(token_i | trunk[:prefix] without hidden, tokens before i).

    Positions that are left out are taken by no token: a text without some of its tokens, the others where they stood.
    Whatever the layers are, a token that isn't there writes nothing into a state and can't be looked back at, and a
    convolution reaches over its place to the tokens before it.

    Hiding acts on what the branch's own tokens attend to: the trunk's states are never recomputed, so what an earlier
    token read from a hidden one stays. Where nothing before index 1 is scored (`given` at least 1), that is all: every
    trunk token keeps its sight. Where the first token is scored, the token that predicts it belongs to the branch in
    this respect: the last trunk token before `prefix` that isn't hidden is fed again, at its own position, with the
    hidden positions masked, and stands in for itself. With nothing hidden, this is numerically the ordinary forward.
    In recurrent layers what was taken in of a hidden token stays, so that the token before can't be one of them then.

    Args:
        prefix: how many trunk tokens stand before the branch, at least 1.
        token_ids: the tokens of the branch; may be empty.
        hidden: trunk positions its tokens can't attend to; those from `prefix` on are out of sight anyway.
        given: how many of its first tokens are only read, not scored: their scores are NaN, their ids -1.
        sets: (index, tokens): the total probability of a set of tokens where the branch's token of that index stands,
            or after its last one (index = number of tokens); at least `given`.
        left_out: positions from `prefix` on that no token of the branch takes.
        interventions: what is changed at the branch's own tokens, besides what is changed everywhere. Positions are
            those of the whole sequence, from `prefix` on; None for all of the branch.
    """

    prefix: int
    token_ids: tuple[int, ...]
    hidden: tuple[int, ...] = ()
    given: int = 0
    sets: tuple[tuple[int, TokenSet], ...] = ()
    left_out: tuple[int, ...] = ()
    interventions: tuple[Intervention, ...] = ()

    @property
    def changes(self) -> tuple[Intervention, ...]:
        """Its interventions with positions of their own: where all tokens were meant, those of the branch."""
        return tuple(
            replace(item, positions=range(self.prefix, EVER)) if getattr(item, "positions", ()) is None else item  # type: ignore[type-var]
            for item in self.interventions
        )

    @property
    def positions(self) -> Sequence[int]:
        """Where its tokens stand."""
        n, out = len(self.token_ids), set(self.left_out)
        if not out:
            return range(self.prefix, self.prefix + n)
        # What is left out keeps its positions, so all tokens after it stand where they stood in the whole text.
        return tuple(islice((at for at in count(self.prefix) if at not in out), n))

    @property
    def asked(self) -> tuple[int, ...]:
        """Indices at which something is asked, those of the sets last."""
        return (*range(self.given, len(self.token_ids)), *(index for index, _ in self.sets))

    @property
    def entries(self) -> int:
        """How many numbers of each kind its score has."""
        return len(self.token_ids) + len(self.sets)


def by_interventions(
    branches: Sequence[Branch],
    shared: tuple[Intervention, ...],
    score: Callable[[list[Branch], tuple[Intervention, ...]], Sequence[BranchScore]],
) -> list[BranchScore]:
    """Scores where one set of interventions holds for all that are scored together: branches of the same ones at once.

    Those of a branch act from its prefix on and so leave alone what stands before any of its group.
    """
    groups: dict[tuple[Intervention, ...], list[int]] = {}
    for index, branch in enumerate(branches):
        groups.setdefault(branch.changes, []).append(index)
    found: dict[int, BranchScore] = {}
    for own, indices in groups.items():
        scores = score([replace(branches[i], interventions=()) for i in indices], (*shared, *own))
        found.update(zip(indices, scores, strict=True))
    return [found[index] for index in range(len(branches))]


def _none() -> NDArray[np.float32]:
    return np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class BranchScore:
    """How a model takes a branch; arrays have one entry per branch token, those of sets one per set.

    Args:
        logprobs: float32, natural log of the token's probability (temperature 1, whole vocabulary).
        rival_logprobs: float32, the same for the best *other* token; the difference of the two is the logit difference.
        rival_ids: int32, that other token.
        greedy_ids: int32, the most probable token.
        set_logprobs: float32, natural log of the summed probability of each set.
        set_rivals: float32, log-probability of the best token that counts against it.
        set_slack: float32, nats by which `set_logprobs` may be off at most: 0 where the whole vocabulary was summed,
            more where a server tells only its best tokens.
        set_told: bool, whether such a token is known; else `set_rivals` is the most that it can have.
        activations: site -> float32 [entries, d_model] at the token that predicts each entry, those of sets last; NaN
            where nothing is asked. Empty unless sites were asked for.
    """

    logprobs: NDArray[np.float32]
    rival_logprobs: NDArray[np.float32]
    rival_ids: NDArray[np.int32]
    greedy_ids: NDArray[np.int32]
    set_logprobs: NDArray[np.float32] = field(default_factory=_none)
    set_rivals: NDArray[np.float32] = field(default_factory=_none)
    set_slack: NDArray[np.float32] = field(default_factory=_none)
    set_told: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    activations: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ending:
    """What tells that a value ends where it stands; see `chat_formats.endings` for which tokens those are.

    Args:
        after: next tokens with which the value has ended.
        merged: tokens that hold the value's last token and its end in one ("}}" for "}"); None where there are none.
        pending: next tokens with which it may have ended or not: a "." or "," that a digit may follow.
        closed, onward: next tokens after a pending one with which the value has ended, or goes on.
    """

    after: TokenSet
    merged: TokenSet | None = None
    pending: tuple[int, ...] = ()
    closed: TokenSet | None = None
    onward: TokenSet | None = None


@dataclass(frozen=True, slots=True)
class AnswerBranch:
    """Tokens that close a thought and give an answer.

    Args:
        token_ids: close of the thought, the text that leads to the value, the value.
        value_start, value_end: tokens of the value within `token_ids`, half-open. A token that also holds the end of
            the lead (a leading space) counts as the value's. What is scored begins at `value_start`.
        ending: what tells that the value has ended; None where nothing can go on with it.
    """

    token_ids: tuple[int, ...]
    value_start: int
    value_end: int
    ending: Ending | None = None

    def __iter__(self) -> Any:
        """Unpacks as (token_ids, value_start)."""
        return iter((self.token_ids, self.value_start))
