"""Forced answers: what a model answers when its thought is closed at a point, and how sure it is.

A forced answer is a value after the closed thought and some words that lead to it. What is scored is the value as it is
written in the trace (its surface, "70,000"), not its normal form, which only tells which answers are the same. With
a_1..a_m the tokens of the value and E that it ends there, so that "15" isn't credited with "150" (what ends a value is
said by `chat_formats.endings`; nothing else about what follows counts), three metrics read it, all from one pass:

- `log_probability`: log p(a_1..a_m, E | thought, lead), nats.
- `probability`: its exponential.
- `logit_difference`: log-odds of the answer against its best rival, the least of log p(a_i..a_m, E | a_<i) -
  max_{v != a_i} log p(v | a_<i) over i, and of log p(E | a_1..a_m) - max log p(v | a_1..a_m) over what goes on with the
  value, nats. For an answer of one token that nothing goes on with, this is exactly the difference of two logits. It
  goes on moving where a sure answer's log-probability has no room left to move.

The words that lead to it are those of a form (see `forms`); which were taken is in the extra `form` of every result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.answers.forms import form_of
from cotlens.models.contract import AnswerBranch, Branch, BranchScore, Intervention, Model, TokenSet
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm, AnswerReader, unread

FORCED_TOKENS = 26  # bound on the tokens of close, lead and value, and those after which it is asked whether it ends
METRICS = {"logit_difference": "nats", "log_probability": "nats", "probability": "probability"}
METRIC_WORDS = {
    "logit_difference": "logit difference of {answer!r} to its best rival",
    "log_probability": "log p({answer!r})",
    "probability": "p({answer!r})",
}


@dataclass(frozen=True)
class Target:
    """The answer that is followed.

    Args:
        surface: as it is written; this is scored and shown.
        group: its normal form: what other answers are the same.
    """

    surface: str
    group: str


@dataclass(frozen=True)
class StopPoint:
    """One forced answer to score: the thought closed before token `at`, the value given, tokens hidden from it."""

    at: int
    value: str
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Forced:
    """How a model takes one forced answer, nats.

    Args:
        slack, odds_slack: nats by which the two may be off: above 0 where a server tells only its likeliest tokens.
        greedy_margin: by how much each of its tokens, and its end, is likelier than any other in its place, the least:
            above 0 where greedy decoding writes it. The logit difference asks for more: at each place all that follows
            has to be likelier than the best other token.
    """

    log_probability: float
    logit_difference: float
    slack: float = 0.0
    odds_slack: float = 0.0
    greedy_margin: float = float("nan")

    @property
    def probability(self) -> float:
        """exp of the log-probability."""
        return float(np.exp(self.log_probability))


NOT_MEASURED = Forced(float("nan"), float("nan"))


@dataclass(frozen=True)
class ForcedQuery:
    """A forced answer as the branches that score it: the value, and a branch for each token after it that leaves open
    whether it has ended.

    Args:
        prefix: trunk tokens that stand before it.
        before: tokens between those and the answer's.
        hidden: trunk positions that these tokens and the answer's can't see.
        reads: whether the tokens of `before` are only read; else they are scored too.
        left_out: positions after the prefix that none of these tokens takes.
    """

    answer: AnswerBranch
    prefix: int
    before: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    reads: bool = True
    left_out: tuple[int, ...] = ()

    def branches(self) -> list[Branch]:
        """What to score, the value's branch first."""
        ids, ending = (*self.before, *self.answer.token_ids), self.answer.ending
        given, n = (len(self.before) + self.answer.value_start if self.reads else 0), len(ids)
        if ending is None:
            return [self._branch(ids, given)]
        merged = () if ending.merged is None else ((n - 1, ending.merged),)
        found = [self._branch(ids, given, ((n, ending.after), *merged))]
        if ending.closed is None or ending.onward is None:
            return found
        # After "." it isn't known yet whether a number has ended ("15.") or goes on ("15.5"): one token more is asked
        # behind it.
        then, read = ((n + 1, ending.closed), (n + 1, ending.onward)), n if given else 0
        return found + [self._branch((*ids, token), read, then) for token in ending.pending]

    def _branch(self, ids: tuple[int, ...], given: int, sets: tuple[tuple[int, TokenSet], ...] = ()) -> Branch:
        return Branch(self.prefix, ids, self.hidden, given, sets, self.left_out)

    def read(self, scores: Sequence[BranchScore]) -> Forced:
        """The metrics, from the scores of `branches`."""
        value, *pending = scores
        # Scores have entries for `before` too; the value's stand at their end.
        start = len(value.logprobs) - len(self.answer.token_ids) + self.answer.value_start
        own, rivals = (part[start:].astype(np.float64) for part in (value.logprobs, value.rival_logprobs))
        least = rivals.copy()  # the same where a server doesn't tell the best rival
        if self.answer.ending is None:
            return _summed(own, (rivals, least), np.zeros(3), (np.inf, np.inf), float((own - rivals).min()))
        sums = [_bounds(*pair) for pair in zip(value.set_logprobs, value.set_slack, strict=True)]
        end, onward = sums[0], [(float(value.set_rivals[0]), bool(value.set_told[0]))]
        for one in pending:
            first = float(one.logprobs[-1])
            end = np.logaddexp(end, first + _bounds(one.set_logprobs[0], one.set_slack[0]))
            onward.append((first + float(one.set_logprobs[1]), bool(np.isfinite(one.set_slack[1]))))
        last, each = own[-1] + end, own.copy()
        if len(sums) > 1:
            last, rivals[-1] = np.logaddexp(last, sums[1]), value.set_rivals[1]
            each[-1] = np.logaddexp(own[-1], sums[1][0])
            least[-1] = rivals[-1] if value.set_told[1] else -np.inf
        against = max(rival for rival, _ in onward), max((rival for rival, told in onward if told), default=-np.inf)
        odds = (end[0] - against[0], end[0] - against[1])
        return _summed(own[:-1], (rivals, least), last, odds, min(float((each - rivals).min()), float(odds[0])))


def _bounds(total: float, slack: float) -> NDArray[np.float64]:
    """A sum of probabilities as it was told, the least and the most that it may be; nats [3]."""
    return np.array([total, total - slack, min(float(total) + float(slack), 0.0)], dtype=np.float64)


Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def _summed(
    own: NDArray[np.float64], rivals: Pair, last: NDArray[np.float64], odds: tuple[float, float], margin: float
) -> Forced:
    """Metrics of a value.

    Args:
        own: log-probabilities of its tokens, or of all but the last.
        rivals: of the best other tokens in their places, the most and the least that they may be.
        last: what is left, with its bounds: nothing, or the last token and that the value ends there.
        odds: log-odds of the ending, the least and the most.
        margin: see `Forced.greedy_margin`.
    """
    each = own if len(own) == len(rivals[0]) else np.append(own, last[0])
    rest = np.cumsum(each[::-1])[::-1]  # log p of token i and all after it
    slack = float(max(last[2] - last[0], last[0] - last[1]))
    difference, most = (float(min((rest - other).min(), end)) for other, end in zip(rivals, odds, strict=True))
    unsure = slack + (most - difference if most > difference else 0.0)
    return Forced(float(rest[0]), difference, slack, unsure, margin)


def target_answer(trace: Trace, given: str | None, reader: AnswerReader | None = None) -> Target:
    """The answer to measure: the one given, else the one the trace gives, as it is written there.

    Args:
        reader: groups answers where the trace has no reader of its own.

    Raises:
        InputError: the trace has no answer that its reader can read, and none was given.
    """
    reader = trace.reader if trace.reader is not None else reader
    if given is not None:
        return Target(given, given if reader is None else reader.normal(given))
    answer = trace.read_answer()
    if answer is None:
        why = unread(reader, trace.finished) if trace.answer else "there is no answer yet"
        said = f" (its text: {trace.answer[:60]!r})" if trace.answer else ""
        raise InputError(
            f"This trace has no answer to measure: {why}{said}. Pass target= with the answer, give the trace another "
            "reader with dataclasses.replace(trace, reader=...), or let the model finish with model.resume(trace)."
        )
    return Target(answer.surface.strip() or answer.text, answer.text)


def score_points(
    model: Model,
    trace: Trace,
    points: Sequence[StopPoint],
    interventions: Sequence[Intervention] = (),
    form: AnswerForm | None = None,
) -> list[Forced]:
    """Score forced answers, all of them against one trunk; by default in the form in which the trace answered."""
    chosen = form or form_of(trace, model)
    asked = [
        ForcedQuery(model.answer_branch(trace, point.at, point.value, chosen), point.at, hidden=point.hidden)
        for point in points
    ]
    return score_queries(model, trace, asked, interventions)


def score_queries(
    model: Model, trunk: Trace | Sequence[int], asked: Sequence[ForcedQuery], interventions: Sequence[Intervention] = ()
) -> list[Forced]:
    """How the model takes forced answers, in the order given."""
    return [one.read(scores) for one, scores in zip(asked, scores_of(model, trunk, asked, interventions), strict=True)]


def scores_of(
    model: Model, trunk: Trace | Sequence[int], asked: Sequence[ForcedQuery], interventions: Sequence[Intervention] = ()
) -> list[list[BranchScore]]:
    """The scores of the branches of each forced answer; all of them are scored together."""
    groups = [one.branches() for one in asked]
    scores = iter(model.score(trunk, [branch for group in groups for branch in group], interventions=interventions))
    return [[next(scores) for _ in group] for group in groups]


def values(forced: Sequence[Forced], metric: str) -> NDArray[np.float64]:
    """One metric of many forced answers, float64 [n]."""
    return np.array([getattr(one, metric) for one in forced], dtype=np.float64)


def errors(forced: Sequence[Forced], metric: str) -> NDArray[np.float64]:
    """By how much the metric of each may be off at most, float64 [n]: 0 where all of the vocabulary was seen."""
    name = "odds_slack" if metric == "logit_difference" else "slack"
    slack = np.array([getattr(one, name) for one in forced], dtype=np.float64)
    return values(forced, metric) * np.expm1(slack) if metric == "probability" else slack
