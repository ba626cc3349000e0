"""The whole measurement: every question to every model of the family."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cotlens as cl
from cotlens.measure.importance import METHODS
from cotlens.models.abacus import store
from cotlens.models.abacus.truth import ESTIMANDS, Truth
from tests.truth import branching, cases, measuring
from tests.truth.cases import Cases
from tests.truth.figures import Figure
from tests.truth.measuring import Row
from tests.truth.questions import ALL, BASELINES, QUESTIONS, Question
from tests.truth.settings import CAUGHT, QUICK, ROLLED, SHUFFLED

BASE, POSTHOC = "abacus", "abacus-posthoc"


@dataclass
class Line:
    """One question to one model. `said_again`: the ranking where the final total is restated ("fixed" only)."""

    question: Question
    model: str
    auroc: Figure
    precision: Figure
    said_again: Figure | None
    alarms: Figure | None
    seconds: float
    shuffled: Figure | None = None


@dataclass
class Measured:
    """All there is to report."""

    families: list[Cases] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    forks: list[branching.ForkRow] = field(default_factory=list)
    fork_cases: Cases | None = None
    redundancy: dict[str, Figure] = field(default_factory=dict)
    quick: dict[str, Figure] = field(default_factory=dict)
    seconds: float = 0.0


def asked() -> tuple[Question, ...]:
    """The questions whose method exists, and the baselines at every estimand and unit that is asked."""
    present = tuple(question for question in QUESTIONS if question.method in METHODS.names())
    places = dict.fromkeys((one.estimand, one.unit) for one in present if one.estimand in ESTIMANDS)
    return (*present, *(Question(name, estimand, unit) for estimand, unit in places for name in BASELINES))


def measure(report: Callable[[str], None] = lambda line: None) -> Measured:
    """Everything, `abacus` first: the thresholds of false alarms are its own."""
    began, found = time.monotonic(), Measured()
    names = [BASE, *(name for name in store.names() if name != BASE)]
    limits: dict[str, float] = {}
    for name in names:
        family = cases.gather(name)
        found.families.append(family)
        report(f"{name}: {len(family.truths)} thoughts with a truth, left out {dict(family.left_out)}")
        strange = cases.shuffled(name) if name == BASE else None
        for question in asked():
            if question.writes and (name not in (BASE, POSTHOC) or (question.estimand == "fork" and name == BASE)):
                continue
            rows = measuring.ask(question, asked_about(question, family), family.model)
            limits.setdefault(question.key, measuring.threshold(ranked(question, rows), CAUGHT))
            line = one_line(question, name, rows, limits[question.key])
            if strange is not None and question.method not in BASELINES and not question.writes:
                line.shuffled = measuring.sanity(question, rows[:SHUFFLED], strange)
            found.lines.append(line)
            report(f"  {question.key}: AUROC {line.auroc.value:.3f}, {time.monotonic() - began:.0f} s")
    base = found.families[0]
    found.fork_cases = cases.forks(base)
    for question in asked():
        if question.estimand == "fork":
            found.forks.append(branching.ask(question, found.fork_cases.truths, base.model))
            report(f"  {question.key}: error {found.forks[-1].error.value:.3f}, {time.monotonic() - began:.0f} s")
    found.redundancy = {
        effect: branching.redundancy(base.of("fixed"), base.model, effect) for effect in ("direct", "total")
    }
    found.quick = quick(quick_cases())
    found.seconds = time.monotonic() - began
    return found


def asked_about(question: Question, family: Cases) -> list[Truth]:
    """The thoughts that a question is asked about.

    A method that samples, a few short ones: of `abacus-posthoc` such in which nothing matters, of `abacus` such that
    also hold numbers off the path.
    """
    truths = family.of(question.estimand)
    if question.unit == "set":
        return [truth for truth in truths if truth.restated]
    if not question.writes:
        return truths
    if family.name == POSTHOC:
        wanted = [truth for truth in truths if truth.from_prompt]
    else:
        wanted = [truth for truth in truths if any(one.matters["regenerated"] is False for one in truth.numbers)]
    return sorted(wanted, key=lambda truth: len(truth.sentences))[:ROLLED]


def ranked(question: Question, rows: Sequence[Row]) -> list[Row]:
    """The thoughts in which every important unit must matter by itself: a copy beside another need not."""
    if question.estimand != "fixed":
        return [row for row in rows if not row.truth.from_prompt]
    return _thinking(question, rows, once=question.unit != "set")


def _thinking(question: Question, rows: Sequence[Row], once: bool) -> list[Row]:
    """Thoughts that are needed, and say what matters once, or more often."""
    return [row for row in rows if not row.truth.from_prompt and measuring.says_once(question, row.truth) == once]


def one_line(question: Question, model: str, rows: Sequence[Row], limit: float) -> Line:
    """The figures of one question to one model."""
    auroc, precision = measuring.ranking(ranked(question, rows))
    fixed = question.estimand == "fixed" and question.unit != "set"
    said_again = measuring.ranking(_thinking(question, rows, once=False))[0] if fixed else None
    dead = [row for row in rows if row.truth.from_prompt or question.estimand == "wording"]
    alarms = measuring.false_alarms(dead, limit) if dead and question.method not in BASELINES else None
    return Line(question, model, auroc, precision, said_again, alarms, measuring.seconds(rows))


def quick_questions() -> list[Question]:
    """What the guarding test asks: what is deterministic and so cheap that the table asks it of all thoughts."""
    chosen = ("EarlyAnswer", "Occlusion", "Gradient")
    cheap = [
        question
        for question in asked()
        if question.method in chosen and question.most == ALL and not callable(question.settings)
    ]
    return [replace(question, most=QUICK) for question in cheap]


def quick(few: Cases) -> dict[str, Figure]:
    """The figures that the guarding test measures again."""
    return {
        question.key: measuring.ranking(measuring.ask(question, few.truths, few.model))[0]
        for question in quick_questions()
    }


def quick_cases() -> Cases:
    """A few short thoughts of `abacus` that say their final total, and each of its digits, once."""
    few = Cases(BASE, cl.load(BASE))
    for truth in cases.labelled(few, cases.short_problems()):
        if measuring.says_once(Question("", "fixed", "token"), truth):
            few.truths.append(truth)
        if len(few.truths) == QUICK:
            break
    return few
