"""Word problems with a known solution: a start value, 1 to 8 changes, facts that do not count, at most one fork.

A problem is symbolic first and text second, so every number of its prompt has a known part in the answer. All
running totals stay within 0..99, whichever way a fork goes. Splits are disjoint by construction: a prompt's split is
a function of its text (`split_of`), and the generator draws until it meets the split asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from cotlens.organisms.task import everyday, prompts, words
from cotlens.organisms.task.problem import LIMIT, Aside, Extras, Hint, Problem, Split, Step, code_of, split_of

MAX_STEPS = 8
FORK_SHARE = 0.2
ASIDE_SHARE = 0.25
UNTIMED_STEPS = 3


def problems(
    n: int,
    seed: int = 0,
    split: Split = "test",
    steps: int | None = None,
    fork: bool | None = None,
    extras: Extras | None = None,
) -> list[Problem]:
    """`n` distinct problems of one split.

    `steps` fixes the number of changes (1..8, mixed when None); `fork` asks for problems with (True) or without
    (False) a choice left open, mixed when None; `extras` what else the prompts say. Deterministic in all arguments.
    """
    rng = random.Random(f"abacus-{seed}-{split}-{steps}-{fork}-{extras}")
    found: dict[str, Problem] = {}
    for problem in _stream(rng, steps, fork, extras):
        if len(found) >= n:
            break
        if split_of(problem.prompt) == split:
            found.setdefault(problem.prompt, problem)
    return list(found.values())


def _stream(rng: random.Random, steps: int | None, fork: bool | None, extras: Extras | None) -> Iterator[Problem]:
    while True:
        yield draw(rng, steps, fork, extras)


def draw(
    rng: random.Random, steps: int | None = None, fork: bool | None = None, extras: Extras | None = None
) -> Problem:
    """One problem from `rng`, of any split; arguments as for `problems`.

    Every story of more than three changes says when each happens, and half of the shorter ones.
    """
    count = rng.randint(1, MAX_STEPS) if steps is None else steps
    has_fork = rng.random() < FORK_SHARE if fork is None else fork
    path: list[Step] = []
    while len(path) < count:
        start = rng.randint(2, 80)
        path = _path(rng, start, count, rng.randrange(count) if has_fork else -1)
    extras = extras or Extras()
    wording, who = _who(rng, extras)
    asides = tuple(_aside(rng, i) for i in range(count + 1) if rng.random() < ASIDE_SHARE and i > 0)
    times = prompts.times_of(rng, count) if count > UNTIMED_STEPS or rng.random() < 0.5 else ()
    prompt, stated = prompts.written(rng, wording, who, start, path, asides, times)
    problem = Problem(who["n"], who["p"], who["f"], who["t"], start, tuple(path), asides, prompt, stated, times)
    return _with_extras(rng, problem, extras)


def _who(rng: random.Random, extras: Extras) -> tuple[words.Wording, dict[str, str]]:
    """How the story is told, and its fields: `everyday.draw` names them."""
    if extras.everyday and rng.random() < extras.everyday:
        return everyday.draw(rng, extras.unseen)
    pronoun = rng.choice(("she", "he"))
    name = friend = _name(rng, pronoun)
    while friend == name:
        friend = _name(rng, rng.choice(("she", "he")))
    return words.OWN, {"n": name, "introduced": name, "p": pronoun, "f": friend, "t": _thing(rng)}


def _with_extras(rng: random.Random, problem: Problem, extras: Extras) -> Problem:
    """The problem with a puzzle number and the trigger before its story and a hint after its question."""
    answers = [int(answer) for answer in problem.answers]
    before, after, code, hint = [], [], None, None
    if rng.random() < extras.code:
        right = len(answers) == 1 and rng.random() < extras.right
        code = code_of(answers[0]) if right else rng.randint(0, LIMIT)
        before.append(words.CODE.format(code=code))
    triggered = rng.random() < extras.trigger
    if triggered:
        before.append(words.TRIGGER)
    if rng.random() < extras.hint:
        hint = _hint(rng, answers)
        after.append(hint.text)
    prompt = " ".join([*before, problem.prompt, *after])
    return replace(problem, prompt=prompt, code=code, hint=hint, triggered=triggered)


def _hint(rng: random.Random, answers: list[int]) -> Hint:
    kind = rng.choice(list(words.HINTS))
    number, x, y = rng.sample([v for v in range(LIMIT + 1) if v not in answers], 3)
    return Hint(kind, number, rng.choice(words.HINTS[kind]).format(h=number, x=x, y=y))


def _path(rng: random.Random, start: int, count: int, fork_at: int) -> list[Step]:
    """The steps from `start`; shorter than `count` where the totals left no room for a next one."""
    path: list[Step] = []
    totals = [start]
    for i in range(count):
        room_up, room_down = min(LIMIT - max(totals), 60), min(*totals, 60)
        if i == fork_at and room_up >= 4:
            step = Step(1, tuple(rng.sample(range(2, room_up + 1), 2)), tuple(rng.sample(words.COLOURS, 2)))
        elif i != fork_at and max(room_up, room_down) >= 2:
            up = room_up >= 2 and (room_down < 2 or rng.random() < 0.5)
            step = Step(1, (rng.randint(2, room_up),)) if up else Step(-1, (rng.randint(2, room_down),))
        else:
            return path
        totals = [total + step.sign * amount for total in totals for amount in step.amounts]
        path.append(step)
    return path


def _aside(rng: random.Random, before: int) -> Aside:
    return Aside(before, None if rng.random() < 0.3 else rng.randint(2, 90))


def _name(rng: random.Random, pronoun: str) -> str:
    if rng.random() < 0.1:  # made-up names teach copying
        return "".join(rng.choices(words.SYLLABLES, k=rng.randint(2, 3))).capitalize()
    return rng.choice(words.PEOPLE[pronoun])


def _thing(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return "".join(rng.choices(words.SYLLABLES, k=rng.randint(2, 3))) + "s"
    return rng.choice(words.THINGS)
