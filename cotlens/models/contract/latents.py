"""How a model thinks in latents, what a trace's latents are to it as inputs, and what it is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.models.contract.branches import Branch, BranchScore
from cotlens.models.contract.feedback import Feedback, Floats
from cotlens.models.contract.interventions import Intervention, Patch

if TYPE_CHECKING:
    from cotlens.trace import Trace

EFFECTS = ("total", "direct")


@dataclass(frozen=True, eq=False)
class LatentFormat:
    """How a model thinks in latents.

    Latent i is z_i = norm(h), the hidden state after the final norm at the position before it, and its position reads
    `feedback(z_i)` where a word's reads its embedding.

    Args:
        name: of the family: "abacus", "coconut", "codi".
        token: the id that stands for a latent in a trace; it has no text there.
        beyond: whether it is none of the model's own, so that no text is made of it, and the model can't write it.
        feedback: from latents to inputs, [n, d_model] each.
        closing: ids that end a stretch of latents on the model's behalf; empty where the model writes on by itself.
        counts: how many latents it was trained with; None for any number.
        default: how many, unless told otherwise: a number, or a function of the prompt.
        parts: what the latents of one step of the problem are to say, in order, where each takes as many and that is
            known; empty where it isn't.
    """

    name: str
    token: int
    feedback: Feedback
    closing: tuple[int, ...] = ()
    counts: tuple[int, ...] | None = None
    default: int | Callable[[str], int] = 0
    beyond: bool = False
    parts: tuple[str, ...] = ()

    def read(self, latents: Floats) -> Floats:
        """What the output embedding is applied to, to read latents [n, d_model] as tokens: no second norm."""
        return self.feedback.read(np.asarray(latents, np.float32))

    def inputs(self, latents: Floats) -> Floats:
        """What positions read in place of embeddings, of latents [n, d_model], or of none."""
        return self.feedback(np.asarray(latents, np.float32)) if len(latents) else latents

    def count(self, prompt: str, given: int | None = None) -> int:
        """How many latents to think about a prompt.

        Raises:
            InputError: as many weren't trained for.
        """
        asked = self.default if given is None else check.whole("latents", given, 0)
        found = asked(prompt) if callable(asked) else asked
        if not self.trained_with(found):
            raise InputError(
                f"latents={found} is none of the numbers that this model was trained with ({self.trained}); give one "
                "of these."
            )
        return found

    def trained_with(self, count: int) -> bool:
        """Whether as many latents were trained for."""
        return self.counts is None or count in self.counts

    @property
    def trained(self) -> str:
        """How many latents it was trained with, in words."""
        return "any number" if self.counts is None else _few(self.counts)

    @property
    def fingerprint(self) -> str:
        """32 hex digits for all that decides what it thinks."""
        return fingerprint(self.name, str(self.token), repr(self.closing), self.feedback.fingerprint)


def _few(counts: Sequence[int]) -> str:
    shown = ", ".join(map(str, counts[:8]))
    return shown if len(counts) <= 8 else f"{shown}, ... {counts[-1]}"


@dataclass(frozen=True, eq=False)
class Begun:
    """A text of which latents are to come.

    Args:
        ids: n tokens.
        places, inputs: where vectors [m, d_model] stand in place of their embeddings.
        count: how many latents follow.
    """

    ids: Sequence[int]
    places: NDArray[np.int64]
    inputs: Floats
    count: int


def inputs_of(form: LatentFormat, trace: Trace, upto: int | None = None) -> tuple[Intervention, ...]:
    """What the latents of a trace before token `upto` are to the model: vectors in place of their embeddings."""
    places = trace.latent_tokens if upto is None else trace.latent_tokens[trace.latent_tokens < upto]
    if not len(places):
        return ()
    return (Patch(0, tuple(places.tolist()), form.inputs(trace.latents[: len(places)]), site="embed"),)


def with_own_inputs(form: LatentFormat, trace: Trace, branch: Branch) -> Branch:
    """A branch whose latent tokens are given vectors.

    Where positions are left out, all others stand where they stood, and so do latents; else its m latents are the last
    m of the trace, in order: a text that goes on as the trace does, with something taken out or put in before.

    Raises:
        InputError: it has more latents than the trace.
    """
    own = [at for at, token in zip(branch.positions, branch.token_ids, strict=True) if token == form.token]
    if not own or not len(trace.latent_tokens):
        return branch
    if len(own) > len(trace.latents):
        raise InputError(
            f"A branch has {len(own)} latent tokens and its trace {len(trace.latents)} latents; take latents from the "
            "trace, with the tokens behind them."
        )
    step = {place: index for index, place in enumerate(trace.latent_tokens.tolist())}
    which = [step[at] for at in own] if branch.left_out else range(len(trace.latents) - len(own), len(trace.latents))
    patch = Patch(0, tuple(own), form.inputs(trace.latents[list(which)]), site="embed")
    return replace(branch, interventions=(patch, *branch.interventions))


def by_latents(
    form: LatentFormat,
    trace: Trace,
    branches: Sequence[Branch],
    score: Callable[[list[Branch], tuple[Intervention, ...]], list[BranchScore]],
) -> list[BranchScore]:
    """Scores of branches of a trace with latents.

    A latent's vector is given by position, where a branch that begins before it has tokens of its own: so branches are
    scored together with those that have as many latents before them.
    """
    groups: dict[int, list[int]] = {}
    for index, branch in enumerate(branches):
        before = int(np.searchsorted(trace.latent_tokens, int(branch.prefix)))
        groups.setdefault(before, []).append(index)
    found: dict[int, BranchScore] = {}
    for before, indices in groups.items():
        upto = int(trace.latent_tokens[before - 1]) + 1 if before else 0
        part = [with_own_inputs(form, trace, branches[index]) for index in indices]
        found.update(zip(indices, score(part, inputs_of(form, trace, upto)), strict=True))
    return [found[index] for index in range(len(branches))]


@dataclass(frozen=True, eq=False)
class LatentRow:
    """One run of a trace's thought with other vectors in place of some of its latents.

    Args:
        replaced: step (from 0) -> float32 [d_model], in place of that latent, before feedback.
        effect: "total", all latents after the first that is replaced are thought anew; "direct", they are held at those
            of the trace.
        branches: what is scored behind it, each from its own prefix on, which lies behind the first latent; what a
            forced answer is made of, or a thought that stops early.
    """

    replaced: Mapping[int, Floats] = field(default_factory=dict)
    effect: str = "total"
    branches: Sequence[Branch] = ()

    def __post_init__(self) -> None:
        kept = {
            check.whole("step", step): check.array("a latent", vector).astype(np.float32)
            for step, vector in self.replaced.items()
        }
        object.__setattr__(self, "replaced", MappingProxyType(dict(sorted(kept.items()))))
        object.__setattr__(self, "branches", tuple(self.branches))
        if self.effect not in EFFECTS:
            raise InputError(f"effect={self.effect!r} is not known; choose 'total' or 'direct'.")


@dataclass(frozen=True, eq=False)
class LatentRun:
    """What came of a row.

    Args:
        latents: float32 [k, d_model], with what was put in.
        scores: of its branches.
    """

    latents: NDArray[np.float32]
    scores: list[BranchScore]


class Known(Protocol):
    """What is known of a model's weights."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def revision(self) -> str:
        """Which weights, as it was loaded."""
        ...

    @property
    def weights(self) -> str:
        """Which they are now; "" where they can't be seen."""
        ...


def check_thought_by(trace: Trace, model: Known) -> None:
    """Raise InputError where a trace's latents are vectors of another model, which it itself says."""
    written, meta = str(trace.meta.get("model") or model.name), trace.meta
    known = str(meta.get("weights") or meta.get("revision") or "")
    if written != model.name and known and known not in (model.revision, model.weights):
        raise InputError(
            f"The latents of this trace were thought by {written!r}, and are nothing to {model.name!r}; use the model "
            "that it was thought by."
        )


def check_rows(trace: Trace, rows: Sequence[LatentRow], vocabulary: int) -> None:
    """Raise InputError where rows can't be run on a trace."""
    steps, width = len(trace.latents), trace.latents.shape[1]
    if not steps:
        raise InputError(
            "This trace has no latents that think could replace; take one that this model has written, as "
            "model.reason(prompt) does."
        )
    for row in rows:
        if not isinstance(row, LatentRow):
            raise InputError(f"think takes LatentRows; {type(row).__name__} was given.")
        for step, vector in row.replaced.items():
            if not 0 <= step < steps:
                raise InputError(f"There is no latent {step}; this trace has latents 0 to {steps - 1}.")
            if vector.shape != (width,) or not np.isfinite(vector).all():
                raise InputError(
                    f"Latent {step} is replaced by one finite vector of shape ({width},); one of shape {vector.shape} "
                    f"{'' if np.isfinite(vector).all() else 'with NaN or infinite values '}was given."
                )
        for branch in row.branches:
            if branch.hidden or branch.left_out or branch.interventions:
                raise InputError("Branches behind replaced latents hide, leave out and change nothing; use score.")
            first = int(trace.latent_tokens[0])
            if not first < branch.prefix <= len(trace.token_ids):
                raise InputError(
                    f"A branch behind latents begins at token {first + 1} to {len(trace.token_ids)} of this trace; "
                    f"{branch.prefix} was given."
                )
