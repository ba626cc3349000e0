"""Early answering: what the model would answer if its thought stopped here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import (
    FORCED_TOKENS,
    METRICS,
    Forced,
    StopPoint,
    Target,
    score_points,
    target_answer,
)
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.answers.rivals import GREEDY_TOKENS, POOL, greedy, likeliest, pool
from cotlens.measure.answers.stated import answer_lines
from cotlens.measure.importance.shared import controls, spread, table, units
from cotlens.measure.importance.shared.curve import Curve, Interpolation, with_other
from cotlens.measure.importance.shared.units import Place
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, in_blocks, keeping, of_one_model
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace
from cotlens.trace.answers import AnswerForm

MISSED = 0.1  # probability of answers that nobody follows, above which it is asked which they are
MOST_MISSED = 8  # points at which it is asked
LONG = 500  # tokens of a thought above which refine="auto" leaves out points
FLOOR = 0.1  # by how much a probability must change over a stretch there for its tokens to be measured
INTERPOLATED = "interpolated: the answers move by no more than {:g} in probability between the points around it"
RIVAL_TOKENS = 8  # bound on what another value adds: answers at one point share close and suffix


@dataclass(frozen=True, kw_only=True)
class EarlyAnswer:
    """If the thought had stopped before this word, and again after it: how much surer is the answer?

    For a unit [s, e): estimate = m(stopped before e) - m(stopped before s), where m is the `metric` of the trace's
    answer, forced after closing the thought. Positive: having said the unit makes the answer likelier. One packed
    pass; deterministic. The thought is cut off the model's own path, so this is a truncating edit: it misses what acts
    only through text that would have come later, and an answer known before the thought shows as a flat curve.

    Args:
        unit: "token", "sentence", "paragraph" or "step".
        spans: stretches of the thought to measure instead; Spans or (start, end) characters of the trace's text.
        metric: "logit_difference" (default), "log_probability" or "probability".
        target: the answer to follow, as it is to be written; the trace's own by default.
        rivals: how many other answers the curve follows at most, those likeliest at any sentence end of all that stand
            in the text and that the model would give there itself, none that stays below .005 but the likeliest, and
            what it would say at those points where these leave more than .1 open; or the answers to follow. None that
            means the same as the target is among them.
        mask_lines: False leaves out the masked curve, which is another pass over the thought behind its first line.
        form: in which words the answer is given: None for the form in which the trace answered, the name of one of its
            reader's forms, "own" for the trace's words, or an AnswerForm (see `forms`).
        refine: None measures at every unit. A number measures fewer points: the ends of sentences first, then, again
            and again, the middle of every stretch over which the probability of an answer changes by more than that.
            Between the others the curve is a straight line, and their rows have the status "interpolated: ...", no
            interval and n = 0. What comes and goes again within a sentence is missed. "auto" is .1 in thoughts of
            more than 500 tokens.
        forms: several of them: the estimates are those of the first, `low` and `high` the least and the most over all,
            and the extras say how far they agree (see `over_forms`).

    The columns add what stands after each unit: `probability` of the answer, `masked` (below) and the `leading` answer,
    "(other)" where answers that aren't followed have more probability together than any that is.

    The result's extras hold the curve, from no thought at all to all of it: `curve` float32 [points, answers + 1]
    probabilities (last column: any other answer), `curve_at` the token index before which the thought stops,
    `curve_metric` [points], `answers`, all of measured points alone; `interpolated` int32 [stretches, 2] are the points
    between which some were left out. What it has to be read beside:

    - `form`: the words in which the answer was given. `said`: what the model would answer itself where the thought
      stops before the tokens `said_at`, always taking its likeliest token; "" where that can't be read.
    - `question_only`: probability of the answer with an empty thought, and `question_only_metric`.
    - `masked_curve` [points]: the same probability with the lines that state the answer (`answer_lines`, the sentences
      that hold a value of its normal form) hidden from everything after them; NaN where `masked_status` says why.
      `answer_masked`: its end.
    - `aoc`: 1 - area under the answer's curve over the share of the thought's tokens (`aoc_by_unit`: of its units; the
      weights are in `aoc_weighting` and `aoc_by_unit_weighting`); `aoc_masked` is that of the masked curve. High: the
      thought matters.
    - `last_change`: the token before which the thought stops when its leading answer changes for the last time, None
      where it never does; `tokens_after_last_change`; `last_change_status`.

    Source: Lanham et al. 2023 (arXiv 2307.13702), with answer probabilities in place of sampled answers.
    """

    needs: ClassVar[Capability] = Capability.SCORE
    edit_type: ClassVar[str] = "truncated thought, forced answer"
    label: ClassVar[str] = "Early answer"

    unit: str = "token"
    spans: tuple[Place, ...] | None = None
    metric: Literal["logit_difference", "log_probability", "probability"] = "logit_difference"
    target: str | None = None
    rivals: int | tuple[str, ...] = 6
    mask_lines: bool = True
    form: Form = None
    refine: float | Literal["auto"] | None = None
    forms: tuple[str | AnswerForm, ...] | None = None

    def __post_init__(self) -> None:
        units.set_units(self)
        check_form("EarlyAnswer", self.form)
        check_setting("EarlyAnswer", "metric", self.metric, tuple(METRICS))
        if self.refine is not None and self.refine != "auto":
            object.__setattr__(self, "refine", check.number("refine", self.refine, 0, 1))
        if self.forms is not None:
            object.__setattr__(self, "forms", spread.as_forms("EarlyAnswer", self.forms))
        given: Any = self.rivals
        if isinstance(given, str):
            given = (given,)
        named = isinstance(given, list | tuple) and len(given) > 0 and all(isinstance(one, str) for one in given)
        if named:
            object.__setattr__(self, "rivals", tuple(given))
        elif isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise InputError(f"EarlyAnswer was given rivals={given!r}: give 0 or a positive number, or answers.")

    def cost(self, trace: Trace) -> Cost:
        """A trunk pass per block, twice, a forced answer per point and followed answer, and what the model says."""
        points = len(_points(trace, table.units(trace, self.unit, self.spans)))
        ends = len(trace.spans("sentence")) + 1
        most, given = self.followed
        pooled = (min(POOL, 4 + points) + ends + len(given)) * ends if most else 0
        said = GREEDY_TOKENS * (FORCED_TOKENS + GREEDY_TOKENS) * (ends + MOST_MISSED) if most else 0
        others = most + len(given)
        tokens = (2 * points + ends) * FORCED_TOKENS + (points * others + pooled) * RIVAL_TOKENS + said
        n = len(trace.token_ids)
        once = Cost(20 * n + tokens, forwards=20 + n // 4 + points * (2 + others) + pooled + GREEDY_TOKENS * (1 + ends))
        times = max(1, len(self.forms or ()))
        return Cost(once.tokens * times, once.forwards * times)

    @property
    def followed(self) -> tuple[int, tuple[str, ...]]:
        """How many of the likeliest other answers are followed, and which are in any case."""
        return (self.rivals, ()) if isinstance(self.rivals, int) else (0, tuple(self.rivals))

    @of_one_model
    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the trace has no thought to measure, or no answer to follow; spans don't fit it; there is no
                such form.
            Cancelled: with what was measured so far as `partial`.
        """
        check_needs(self, model)
        if self.forms:
            return spread.over_forms(replace(self, forms=None), self.forms, trace, model, seed)
        found = table.units(trace, self.unit, self.spans)
        target, form = target_answer(trace, self.target, model.reader), form_of(trace, model, self.form)
        hides = self.mask_lines and Capability.HIDE in model.capabilities and model.hides_whole
        lines = answer_lines(trace, target, model.reader)
        every, floor = _points(trace, found), self._floor(trace)
        first = every if floor is None else _coarse(trace, every)
        curve = Curve(first, [target.surface], lines if hides else [], form, _why(self, hides, lines))
        record = RunRecord(self, trace, model, seed)

        def result() -> Result:
            return self._result(trace, found, every, curve, record, lines)

        with keeping(result):
            curve.answers += self._others(trace, model, target, curve)
            wanted = [StopPoint(position, answer) for position in curve.at for answer in curve.answers]
            scored = in_blocks(wanted, lambda block: score_points(model, trace, block, form=form), "early answers")
            for one in scored:
                curve.done.append(one)
            while floor is not None and (more := curve.moving(floor, every)):
                curve.insert(more, _scored(trace, model, curve, more))
            curve.follow(*self._missed(trace, model, curve))
            for one in controls.masked(model, trace, curve.behind_lines, target.surface, curve.lines, form):
                curve.masked.append(one)
        return result()

    def _floor(self, trace: Trace) -> float | None:
        """What a curve must change by to be measured more closely; None where every point is measured."""
        if self.refine != "auto":
            return self.refine
        thought = trace.roles["thought"]
        return FLOOR if thought.end - thought.start > LONG else None

    def _others(self, trace: Trace, model: Model, target: Target, curve: Curve) -> list[str]:
        """The other answers to follow: those given, else the likeliest of what is said and what the model would say."""
        most, given = self.followed
        reader = trace.reader if trace.reader is not None else model.reader
        if not most:
            return [answer for answer in given if reader.normal(answer) != target.group]
        ends = sorted({trace.roles["thought"].start, *(span.end for span in trace.spans("sentence"))})
        curve.said_at, curve.said = ends, greedy(model, trace, ends, curve.form, reader)
        groups = {target.group: target.surface}
        for answer in [*(one for one in curve.said if one), *pool(trace, reader, curve.form, target)]:
            groups.setdefault(reader.normal(answer), answer)
        return likeliest(model, trace, list(groups.values())[1:], ends, most, curve.form)

    def _missed(self, trace: Trace, model: Model, curve: Curve) -> tuple[list[str], list[Forced]]:
        """Answers that the model gives where those followed leave much open, and their scores at every point.

        Which answers to follow is found at the ends of sentences; within one, another may lead for a while.
        """
        open_ = 1 - curve.probabilities().sum(axis=1)
        most = [i for i in np.argsort(-open_, kind="stable")[:MOST_MISSED] if open_[i] > MISSED]
        if not self.followed[0] or not most:
            return [], []
        reader = trace.reader if trace.reader is not None else model.reader
        groups = {reader.normal(answer): "" for answer in curve.answers}
        for answer in greedy(model, trace, sorted(curve.at[i] for i in most), curve.form, reader):
            if answer:
                groups.setdefault(reader.normal(answer), answer)
        missed = [answer for answer in groups.values() if answer]
        wanted = [StopPoint(position, answer) for position in curve.at for answer in missed]
        scored = in_blocks(wanted, lambda block: score_points(model, trace, block, form=curve.form), "other answers")
        return missed, list(scored)

    def _result(
        self,
        trace: Trace,
        found: list[Span],
        every: list[int],
        curve: Curve,
        record: RunRecord,
        lines: Sequence[Span],
    ) -> Result:
        metric, followed = curve.metric(self.metric), curve.probabilities()
        leaders = controls.leading(followed, curve.answers)
        hidden = curve.masked_probabilities(followed[:, 0])
        whole = Interpolation(curve.at, every)
        place = {position: i for i, position in enumerate(every)}
        before, after = [place[span.start] for span in found], [place[span.end] for span in found]
        estimates = whole.of(metric)[after] - whole.of(metric)[before]
        skipped = ~(whole.measured[before] & whole.measured[after])
        extras = {
            "curve": with_other(followed).astype(np.float32),
            "curve_at": np.array(curve.at, dtype=np.int32),
            "curve_metric": metric.astype(np.float32),
            "answers": list(curve.answers),
            "interpolated": whole.stretches,
            "question_only": float(followed[0, 0]),
            "question_only_metric": float(metric[0]),
            "form": described(curve.form),
            "said_at": np.array(curve.said_at, dtype=np.int32),
            "said": [answer or "" for answer in curve.said],
            "answer_lines": [[line.start, line.end] for line in lines],
            "masked_status": curve.unmasked or "exact",
            "masked_curve": hidden.astype(np.float32),
            "answer_masked": float(hidden[-1]),
            **_areas(every, whole.of(followed[:, 0]), whole.of(hidden)),
            **_last_change(curve, leaders),
        }
        led = dict(zip(curve.at, leaders, strict=True))
        columns = {
            "probability": whole.of(followed[:, 0])[after],
            "masked": whole.of(hidden)[after],
            "leading": [led.get(every[i], "") for i in after],
            "n": (np.isfinite(estimates) & ~skipped).astype(np.int32),
        }
        off = whole.of(curve.errors(self.metric))
        return table.result(
            self, trace, found, estimates, curve.answers[0], record.provenance(), extras, columns=columns,
            status=_statuses(estimates, skipped, self._floor(trace)),
            errors=np.where(skipped, 0.0, off[after] + off[before]),
        )  # fmt: skip


def _points(trace: Trace, found: list[Span]) -> list[int]:
    """Tokens before which the thought stops: the ends of the units, no thought, all of it."""
    thought = trace.roles["thought"]
    return sorted({thought.start, thought.end, *(s.start for s in found), *(s.end for s in found)})


def _coarse(trace: Trace, points: list[int]) -> list[int]:
    """Those of the points at which a sentence ends, and the first and the last."""
    ends = {span.end for span in trace.spans("sentence")}
    return [point for point in points if point in ends or point in (points[0], points[-1])]


def _scored(trace: Trace, model: Model, curve: Curve, points: list[int]) -> list[Forced]:
    """All followed answers at more points."""
    wanted = [StopPoint(position, answer) for position in points for answer in curve.answers]
    return list(in_blocks(wanted, lambda block: score_points(model, trace, block, form=curve.form), "where it moves"))


def _statuses(estimates: NDArray[np.float64], skipped: NDArray[np.bool_], floor: float | None) -> list[str]:
    between = INTERPOLATED.format(floor or 0.0)
    return [
        table.CANCELLED if np.isnan(one) else between if left_out else "exact"
        for one, left_out in zip(estimates, skipped, strict=True)
    ]


def _why(method: EarlyAnswer, hides: bool, lines: Sequence[Span]) -> str:
    """Why nothing is masked; "" where something is."""
    if not method.mask_lines:
        return "not measured: mask_lines=False"
    if not hides:
        return "not measured: this model can't hide all of a token"
    return "" if lines else "not measured: no sentence of the thought states the answer"


def _areas(at: list[int], plain: NDArray[np.float64], hidden: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "aoc": controls.area_over(plain, at),
        "aoc_weighting": controls.BY_TOKENS,
        "aoc_by_unit": controls.area_over(plain, range(len(at))),
        "aoc_by_unit_weighting": controls.BY_UNITS,
        "aoc_masked": controls.area_over(hidden, at),
    }


def _last_change(curve: Curve, leaders: list[str]) -> dict[str, Any]:
    if len(curve.answers) < 2 or "" in leaders:
        why = "cancelled" if "" in leaders else "only one answer is followed, so it can't change"
        return {"last_change": None, "last_change_status": f"not measured: {why}"}
    change = controls.last_change(leaders, curve.at)
    if change.at is None:
        return {"last_change": None, "last_change_status": "exact: the leading answer never changes"}
    status = f"exact: from {change.was!r} to {leaders[-1]!r}"
    return {
        "last_change": change.at,
        "tokens_after_last_change": change.tokens_after,
        "last_change_status": status,
    }
