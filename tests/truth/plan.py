"""What is asked about which thoughts, the most valuable first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from cotlens.measure.importance import METHODS
from cotlens.organisms import store
from cotlens.organisms.truth import Truth
from tests.truth import settings
from tests.truth.questions import BY_PATH, QUESTIONS, Question
from tests.truth.thoughts import Case, Family, says_once

BASE, POSTHOC, SHUFFLED = "abacus", "abacus-posthoc", "abacus-shuffled"
SIBLINGS = tuple(name for name in store.names(latent=False) if name not in (BASE, POSTHOC))
FAMILY = (BASE, POSTHOC, *SIBLINGS)


@dataclass(frozen=True)
class Task:
    """One question to one model about the first `most` thoughts that fit."""

    model: str
    question: Question
    fits: Callable[[Case], bool]
    most: int

    def cases(self, family: Family) -> list[Case]:
        """The thoughts, in the order in which they were written."""
        return list(islice(filter(self.fits, family.cases), self.most))


def questions() -> list[Question]:
    """The questions whose method exists."""
    return [question for question in QUESTIONS if question.method in METHODS.names()]


def tasks() -> Iterator[Task]:
    """Everything, in order: what README shows of `abacus`, of thoughts that don't matter, of siblings; the rest."""
    sentences = [one for one in questions() if one.unit == "sentence"]
    others = [one for one in questions() if one.unit != "sentence"]
    read = [one for one in sentences if not one.writes]
    yield from (_alive(BASE, one) for one in sentences)
    yield from (_dead(POSTHOC, one) for one in sentences if not one.long)
    yield from (_alive(BASE, one) for one in others if one.settings is not BY_PATH)
    for name in (POSTHOC, *SIBLINGS):
        yield from (_alive(name, one) for one in read if not one.long)
    for name in SIBLINGS:
        yield from (_dead(name, one) for one in read if not one.long)
    ranked = [one for one in (*read, *others) if one.estimand != "copies"]
    yield from (Task(SHUFFLED, one, fit(one), settings.SHUFFLED) for one in ranked)
    yield from (_again(one) for one in questions() if one.estimand == "fixed" and one.unit != "set")
    yield from (_alive(name, one) for name in (POSTHOC, *SIBLINGS) for one in others if one.unit == "set")
    rewriting = [one for one in sentences if one.writes and one.estimand != "fork"]
    yield from (_alive(name, one) for name in (POSTHOC, *SIBLINGS) for one in rewriting)
    yield from (_alive(BASE, one) for one in others if one.settings is BY_PATH)  # seconds per thought


def fit(question: Question) -> Callable[[Case], bool]:
    """Whether something in a thought matters to the question, and something doesn't, and each matters by itself."""

    def fits(case: Case) -> bool:
        truth = case.truth
        if (case.stratum == "fork") != (question.estimand == "fork") or (case.stratum == "long") != question.long:
            return False
        return not truth.from_prompt and _sized(question, truth) and _ranks(question, truth)

    return fits


def _ranks(question: Question, truth: Truth) -> bool:
    if question.unit == "set":
        return truth.restated
    if question.estimand == "fixed":
        return says_once("token", truth)
    if question.estimand == "fork":
        return truth.fork is not None and truth.fork.covered >= settings.COVERED
    if question.estimand == "wording":
        return True
    return len({one.matters[question.estimand] for one in truth.sentences} - {None}) == 2  # type: ignore[index]


def _sized(question: Question, truth: Truth) -> bool:
    """Whether a thought is long enough, and short enough where the model writes on from every sentence of it."""
    short = len(truth.problem.steps) <= question.steps
    return len(truth.sentences) >= question.least and (short or not question.writes)


def _alive(name: str, question: Question) -> Task:
    return Task(name, question, fit(question), question.asked)


def _dead(name: str, question: Question) -> Task:
    most = settings.DEAD.get(name, settings.DEAD_ELSEWHERE)
    return Task(name, question, lambda case: case.truth.from_prompt and _sized(question, case.truth), most)


def _again(question: Question) -> Task:
    def fits(case: Case) -> bool:
        return case.stratum == "plain" and not case.truth.from_prompt and not says_once(question.unit, case.truth)

    return Task(BASE, question, fits, settings.AGAIN)
