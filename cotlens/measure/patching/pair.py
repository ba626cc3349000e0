"""Two runs that are compared: base is run, source gives activations; how they answer, and how tokens are aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.answers.forms import Form, form_of
from cotlens.measure.answers.rivals import greedy
from cotlens.measure.method import check_one_model
from cotlens.models.contract import AnswerBranch, Branch, Intervention, Model, TokenSet
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm
from cotlens.trace.latents import first_apart, followed, name_of

Ints = NDArray[np.int64]
LEAST = 0.5  # nats that the answers of a pair must lie apart for a recovery to mean anything
ANSWER = "(the forced answer)"
PROMPT = "(the prompt)"


@dataclass(frozen=True)
class Side:
    """One run: the thought closed at its end, and the words of the answer up to the token that decides.

    Args:
        ids: all token ids before the deciding token.
        cut: where the thought ends.
        own, other: the deciding token of this side's answer and of the other's.
        answer: this side's answer, as it is written.
    """

    trace: Trace
    ids: tuple[int, ...]
    cut: int
    own: int
    other: int
    answer: str

    @cached_property
    def text(self) -> Trace | tuple[int, ...]:
        """What a model is asked about: the ids, with the latents among them."""
        return followed(self.trace, self.cut, self.ids[self.cut :])


@dataclass(frozen=True)
class Pair:
    """Base and source, aligned.

    Where both begin alike, tokens stand for themselves; behind the last difference by a shift; between the two only
    where both sides have as many tokens.
    """

    base: Side
    source: Side

    @property
    def id(self) -> str:
        """Of both traces."""
        return fingerprint(self.base.trace.id, self.source.trace.id)

    @property
    def turned(self) -> Pair:
        """The same with the roles exchanged."""
        return Pair(self.source, self.base)

    @cached_property
    def same(self) -> int:
        """How many tokens both begin with."""
        both = zip(self.base.ids, self.source.ids, strict=False)
        words = next((i for i, (one, other) in enumerate(both) if one != other), min(map(len, self._ids)))
        return min(words, first_apart(self.base.trace, self.source.trace))

    @cached_property
    def aligned(self) -> Ints:
        """int64 [tokens of base], the source's token that stands for each; -1 where none does."""
        mine, theirs = self._ids
        most = min(len(mine), len(theirs)) - self.same
        tail = next((i for i in range(most) if mine[-1 - i] != theirs[-1 - i]), most)
        found = np.full(len(mine), -1, np.int64)
        found[: self.same] = np.arange(self.same)
        found[len(mine) - tail :] = np.arange(len(theirs) - tail, len(theirs))
        if len(mine) == len(theirs):
            found[:] = np.arange(len(mine))
        return found

    @cached_property
    def edited(self) -> tuple[int, int]:
        """How many tokens stand where the two differ, in base and in source."""
        mine, theirs = self._ids
        tail = int((self.aligned[self.same :] >= 0).sum()) if len(mine) != len(theirs) else 0
        return len(mine) - self.same - tail, len(theirs) - self.same - tail

    @property
    def _ids(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.base.ids, self.source.ids

    def why_not(self, positions: Sequence[int]) -> str:
        """Why activations can't be put at some of these tokens, "" where they can."""
        if all(self.aligned[at] >= 0 for at in positions):
            return ""
        here, there = self.edited
        return f"not aligned: the edited span has {here} tokens here and {there} there; edit with as many tokens"

    def units(self, unit: str) -> list[tuple[int, int, str]]:
        """(first token, end, text) of every column: units of the base's thought, then the words of the answer."""
        trace, thought = self.base.trace, self.base.trace.roles["thought"]
        found = [
            (one.start, min(one.end, self.base.cut), name_of(trace, one))
            for one in trace.spans(unit)
            if one.start < self.base.cut
        ]
        # Markers and white space between units belong to the unit before; what differs before them is the prompt's.
        begins = [start for start, _, _ in found]
        ends = [*begins[1:], self.base.cut][: len(begins)]  # an empty thought has no units
        found = [(start, end, text) for (start, _, text), end in zip(found, ends, strict=True)]
        first = begins[0] if begins else thought.start
        before = [(1, first, PROMPT)] if self.same < first else []
        return [*before, *found, (self.base.cut, len(self.base.ids), ANSWER)]

    def metric(self, model: Model, cells: Sequence[tuple[int, tuple[Intervention, ...]]]) -> NDArray[np.float64]:
        """m = log p(source's answer) - log p(base's) at the deciding token of base, for every cell, nats.

        Args:
            cells: (first token that is changed, interventions).
        """
        ids, n = self.base.ids, len(self.base.ids)
        rival = np.zeros(max(self.base.own, self.base.other) + 1, bool)
        rival[self.base.own] = True
        both = TokenSet.of(rival)
        branches = [
            Branch(
                start, (*ids[start:], self.base.other), given=n - start, sets=((n - start, both),), interventions=own
            )
            for start, own in cells
        ]
        scores = model.score(self.base.text, branches) if branches else []
        return np.array([float(one.logprobs[-1]) - float(one.set_logprobs[0]) for one in scores], np.float64)


def pair_of(
    base: Trace, source: Trace, model: Model, answers: tuple[str, str] | None, form: Form, *, donor: bool = False
) -> Pair:
    """The pair, each thought closed at its end.

    Args:
        answers: of base and of source; by default what each trace answers, else what the model would.
        donor: whether the source is a third trace, a control.

    Raises:
        InputError: no thought, traces of different models, no answer can be read, or both answer the same.
    """
    for name, trace in (("base", base), ("donor" if donor else "source", source)):
        if not isinstance(trace, Trace):
            raise InputError(f"Patching compares two traces; {trace!r:.60} was given as {name}.")
        if "thought" not in trace.roles:
            raise InputError(f"The {name} trace has no thought that could be closed; patching needs one.")
    check_one_model([base, source])
    chosen = form_of(base, model, form)
    told = answers or tuple(_answer(one, model, chosen) for one in (base, source))
    if not isinstance(told, tuple | list) or len(told) != 2 or not all(isinstance(one, str) for one in told):
        raise InputError(f"answers={told!r:.60} are not the base's and the source's: give two texts, ('36', '39').")
    reader = base.reader if base.reader is not None else model.reader
    if reader.normal(told[0]) == reader.normal(told[1]):
        raise InputError(
            f"Base and source both answer {told[0]!r}, so nothing tells them apart: give a source that answers "
            "otherwise, or answers=(base's, source's)."
        )
    made = [_tokens(model, trace, told, chosen) for trace in (base, source)]
    (lead, own, other), (there, theirs, ours) = made
    return Pair(
        Side(base, (*base.token_ids[: _cut(base)], *lead), _cut(base), own, other, told[0]),
        Side(source, (*source.token_ids[: _cut(source)], *there), _cut(source), ours, theirs, told[1]),
    )


def _cut(trace: Trace) -> int:
    return trace.roles["thought"].end


def _answer(trace: Trace, model: Model, form: AnswerForm) -> str:
    # Of a text that was edited and not gone on from, the answer belongs to what stood there before.
    stale = trace.edit is not None and trace.rewritten_from is None
    if not stale and trace.read_answer() is not None:
        return target_answer(trace, None, model.reader).surface
    reader = trace.reader if trace.reader is not None else model.reader
    said = greedy(model, trace, [_cut(trace)], form, reader)[0]
    if said is None:
        raise InputError("The model gives no answer that can be read where this thought ends; give answers=.")
    return said


def _tokens(model: Model, trace: Trace, told: Sequence[str], form: AnswerForm) -> tuple[tuple[int, ...], int, int]:
    """Tokens that lead to the deciding one behind a thought, and the deciding tokens of both answers."""

    def value(made: AnswerBranch) -> tuple[int, ...]:
        return tuple(made.token_ids[: made.value_end])

    one, other = (value(model.answer_branch(trace, _cut(trace), each, form)) for each in told)
    apart = next((i for i, both in enumerate(zip(one, other, strict=False)) if both[0] != both[1]), None)
    if apart is None:
        raise InputError(
            f"{told[0]!r} and {told[1]!r} differ only in where they end, so no token decides; give answers=."
        )
    return one[:apart], one[apart], other[apart]
