"""The labels held to the trained model: change a number and see whether its greedy answer is what the labels say.

- fixed: all copies of the final total are changed together, and other numbers one at a time; the rest of the text
  stays as it is.
- truncated: the thought is stopped just after a number.
- regenerated: a number is changed, and the model writes on from there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from cotlens.models.contract import Branch, Model
from cotlens.organisms.task.problem import LIMIT
from cotlens.organisms.truth.facts import ESTIMANDS, Estimand, Number, Trial
from cotlens.organisms.truth.truth import Truth
from cotlens.trace import Trace

ENDED = "."  # what Abacus writes after an answer
OTHERS = 2  # numbers that are no copies of the final total, changed one at a time
ROOM = 2.0  # a rewritten thought may be this much longer than the thought was


def agreement(truth: Truth, model: Model, estimands: Sequence[Estimand] = ESTIMANDS, seed: int = 0) -> Truth:
    """The truth with `trials`: a sample of its labels tried on `model`.

    "fixed" and "truncated" take one scoring pass; "regenerated" writes the rest of the thought anew, twice.
    """
    if not truth.ok:
        return truth
    rng = random.Random(f"agreement-{seed}-{truth.trace.id}")
    trials: list[Trial] = []
    if "fixed" in estimands:
        trials += _fixed(truth, model, rng)
    if "truncated" in estimands:
        trials += _truncated(truth, model, rng)
    if "regenerated" in estimands:
        trials += _regenerated(truth, model, rng)
    return replace(truth, trials=tuple(trials))


def _fixed(truth: Truth, model: Model, rng: random.Random) -> list[Trial]:
    others = [number for number in truth.numbers if not number.copies and number.role != "time"]
    sets = [truth.copies, *((number,) for number in rng.sample(others, min(OTHERS, len(others))))]
    asked, branches = [], []
    for numbers in sets:
        value = rng.choice(_others(numbers[0].number))
        predicted = truth.answer_if(numbers[0], value, "fixed")
        edited = truth.trace
        for number in reversed(numbers):  # from the end, so that the places before stay where they are
            edited = edited.replace((number.start, number.end), str(value))
        asked.append(("copies" if numbers[0].copies else numbers[0].role, predicted))
        branches.append(_closed(model, edited, predicted, _common(truth.trace, edited)))
    met = _greedy(model, truth.trace, branches)
    return [Trial("fixed", changed, value, ok) for (changed, value), ok in zip(asked, met, strict=True)]


def _truncated(truth: Truth, model: Model, rng: random.Random) -> list[Trial]:
    stated = [number for number in truth.numbers if number.role in ("carry", "result")]
    first = next(number for number in stated if number.copies)
    chosen = [first, *rng.sample(stated, min(OTHERS, len(stated)))]
    ends = {int(end): i for i, end in enumerate(truth.trace.offsets)}
    asked, branches = [], []
    for number in chosen:
        if number.end in ends:
            at = ends[number.end]
            value = truth.says(number.number)
            asked.append((number.role, value))
            answer, start = _answered(model, truth.trace, at, value)
            branches.append((Branch(at, answer), start))
    met = _greedy(model, truth.trace, branches)
    return [Trial("truncated", changed, value, ok) for (changed, value), ok in zip(asked, met, strict=True)]


def _regenerated(truth: Truth, model: Model, rng: random.Random) -> list[Trial]:
    trials = []
    on_path = [number for number in truth.numbers if number.matters["regenerated"]]
    off_path = [number for number in truth.numbers if number.matters["regenerated"] is False]
    if truth.from_prompt:
        on_path, off_path = [n for n in truth.numbers if n.role != "time"], []
    for numbers in (on_path, off_path):
        pairs = [(number, value) for number in rng.sample(numbers, len(numbers)) for value in _possible(truth, number)]
        if not pairs:
            continue
        number = pairs[0][0]
        value = rng.choice([value for other, value in pairs if other is number])
        edited = truth.trace.replace((number.start, number.end), str(value))
        thought = truth.trace.roles["thought"]
        written: Trace = model.resume(
            edited, temperature=0.0, max_new_tokens=int(ROOM * (thought.end - thought.start)) + 32
        )
        answer, predicted = written.read_answer(), truth.answer_if(number, value)
        trials.append(
            Trial("regenerated", number.role, predicted, answer is not None and answer.text == str(predicted))
        )
    return trials


def _others(number: int) -> list[int]:
    """Other numbers with as many digits."""
    return [value for value in range(LIMIT + 1) if value != number and len(str(value)) == len(str(number))]


def _possible(truth: Truth, number: Number) -> list[int]:
    """Other values of a number at which all totals stay within range."""
    return [value for value in _others(number.number) if truth.stays(number, value)]


def _closed(model: Model, edited: Trace, value: int, prefix: int) -> tuple[Branch, int]:
    """The branch that gives `value` after the edited thought, and where the value begins in it."""
    end = edited.roles["thought"].end
    answer, start = _answered(model, edited, end, value)
    text = edited.token_ids[prefix:end]
    return Branch(prefix, (*text, *answer)), len(text) + start


def _answered(model: Model, trace: Trace, at: int, value: int) -> tuple[tuple[int, ...], int]:
    """The tokens that close a thought, give a value and end it, and where the value begins in them."""
    answer = model.answer_branch(trace, at, str(value))
    return (*answer.token_ids, *model.codec.encode(ENDED)), answer.value_start


def _common(one: Trace, other: Trace) -> int:
    pairs = zip(one.token_ids, other.token_ids, strict=False)
    return next(i for i, (a, b) in enumerate(pairs) if a != b)


def _greedy(model: Model, trunk: Trace, branches: Sequence[tuple[Branch, int]]) -> list[bool]:
    """Whether the tokens of each branch from its value on are the ones the model would choose."""
    scores = model.score(trunk, [branch for branch, _ in branches])
    return [
        tuple(score.greedy_ids[start:].tolist()) == branch.token_ids[start:]
        for score, (branch, start) in zip(scores, branches, strict=True)
    ]
