"""The truth about planted thoughts: what the model answers when it has written one sentence anew.

    python -m tests.truth.planted.rollouts --minutes 20     # goes on where it stopped

The model writes a sentence anew from what stands before it, the others stay, the thought is closed (SmolLM2 knows no
markers), and the model writes its answer: all that is sampled is its own. A sentence's effect is the share of right
answers to the thought as it is, less that with the sentence written anew. A random key can't be found again, so the
needed sentence should take the answer with it, and the others should not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cotlens._core.control import Control, using
from cotlens.measure.stats import newcombe
from cotlens.models.contract import Start
from cotlens.trace import Span, Trace
from tests.truth.cells import Cell, Cells
from tests.truth.figures import Figure
from tests.truth.planted.problems import Planted, draw
from tests.truth.settings import (
    PLANTED_ANSWER,
    PLANTED_COPIED,
    PLANTED_EACH,
    PLANTED_ROLLOUTS,
    PLANTED_SAMPLING,
    PLANTED_SENTENCES,
    SEED,
)

NAME = "planted-rollouts"
TOGETHER = 10  # thoughts that are asked about at once
ROOM = 2  # a sentence may become so many times as long
MOST = 60 * PLANTED_SENTENCES  # problems that are tried

Arm = tuple[Planted, int | None]
"""A problem, and the sentence that is written anew: none for the thought as it is."""


def answered(model: Any, asked: Sequence[Arm], n: int = PLANTED_ROLLOUTS) -> list[dict[str, int]]:
    """Per arm, how many of n answers are the key, and how many are a number at all; together it is cheaper."""
    thoughts = _thoughts(model, asked, n)
    starts, owners = [], []
    for arm, each in zip(asked, thoughts, strict=True):
        for thought, times in each.items():
            trace = model.compose(arm[0].prompt, thought, "?")
            starts.append(Start(trace, trace.roles["answer"].start, range(times)))
            owners.append(arm)
    groups = model.rollouts(starts, seed=SEED, max_new_tokens=PLANTED_ANSWER, **PLANTED_SAMPLING)
    found: dict[Arm, list[str | None]] = {arm: [] for arm in asked}
    for arm, group in zip(owners, groups, strict=True):
        answers = [arm[0].reader.read(rollout.answer) for rollout in group]
        found[arm] += [None if answer is None else answer.text for answer in answers]
    return [
        {"n": len(found[arm]), "read": sum(one is not None for one in found[arm]),
         "right": found[arm].count(arm[0].key), "thoughts": len(each)}
        for arm, each in zip(asked, thoughts, strict=True)
    ]  # fmt: skip


def _thoughts(model: Any, asked: Sequence[Arm], n: int) -> list[Counter[str]]:
    """Per arm, the thoughts with that sentence as the model writes it, and how often each."""
    places = [_place(model, problem, sentence) for problem, sentence in asked if sentence is not None]
    starts = [Start(whole, span.start, range(n)) for whole, span in places]
    room = ROOM * max((span.end - span.start for _, span in places), default=0)
    groups = iter(model.rollouts(starts, seed=SEED, max_new_tokens=room, **PLANTED_SAMPLING) if starts else ())
    return [
        Counter({problem.thought: n}) if sentence is None else _put(problem, sentence, next(groups))
        for problem, sentence in asked
    ]


def _place(model: Any, problem: Planted, sentence: int) -> tuple[Trace, Span]:
    whole = model.compose(problem.prompt, problem.thought, None)
    return whole, whole.spans("sentence")[sentence]


def _put(problem: Planted, sentence: int, rollouts: Sequence[Trace]) -> Counter[str]:
    """The thought with each rollout's first sentence in place of its own; the model may also have said nothing."""
    before, after = problem.sentences[:sentence], problem.sentences[sentence + 1 :]
    first = len(" ".join(before))
    said = [rollout.thought[first:].partition(".")[0].strip() for rollout in rollouts]
    return Counter(" ".join([*before, *([f"{one}."] if one else []), *after]) for one in said)


def key(problem: Planted, sentence: int | None) -> str:
    """The name of a cell."""
    return f"{problem.number}/{'whole' if sentence is None else sentence}"


def copies(cell: Cell) -> bool:
    """Whether the model's own answer is the key often enough for the problem to count."""
    return cell["right"] >= PLANTED_COPIED * cell["n"]


def known(cells: Cells) -> tuple[list[Planted], int, int]:
    """The problems that count and were measured whole; how many were tried, and in how many the key is copied."""
    tried = [problem for problem in map(draw, range(MOST)) if cells.get(key(problem, None))]
    copied = [problem for problem in tried if copies(cells.get(key(problem, None)) or {})]
    whole = [one for one in copied if all(cells.get(key(one, i)) for i in range(PLANTED_SENTENCES))]
    return whole, len(tried), len(copied)


def effects(cells: Cells, problem: Planted) -> list[Figure]:
    """The effect of each sentence: right answers to the thought as it is, less those with the sentence anew."""
    kept = cells.get(key(problem, None)) or {}
    found = []
    for sentence in range(PLANTED_SENTENCES):
        anew = cells.get(key(problem, sentence)) or {}
        low, high = newcombe(kept["right"], kept["n"], anew["right"], anew["n"])
        found.append(Figure(kept["right"] / kept["n"] - anew["right"] / anew["n"], low, high, anew["n"]))
    return found


def run(model: Any, cells: Cells, until: float) -> None:
    """Measure until each place of the needed sentence has its problems, or the clock says stop."""
    places: Counter[int] = Counter()
    for first in range(0, MOST, TOGETHER):
        block = [one for one in map(draw, range(first, first + TOGETHER)) if places[one.needed] < PLANTED_EACH]
        if not block or not _measure(model, cells, [(one, None) for one in block], until):
            return
        for problem in block:  # those whose whole thought has the key copied
            if copies(cells.get(key(problem, None)) or {}) and places[problem.needed] < PLANTED_EACH:
                if not _measure(model, cells, [(problem, i) for i in range(PLANTED_SENTENCES)], until):
                    return
                places[problem.needed] += 1


def _measure(model: Any, cells: Cells, asked: Sequence[Arm], until: float) -> bool:
    """Measure what is missing, all together; False where there is no time left."""
    missing = [arm for arm in asked if cells.get(key(*arm)) is None]
    began = time.monotonic()
    if missing and began > until:
        return False
    for arm, found in zip(missing, answered(model, missing) if missing else (), strict=True):
        seconds = round((time.monotonic() - began) / len(missing), 1)
        print(cells.put(key(*arm), "", **found, seconds=seconds), file=sys.stderr, flush=True)
    return True


def main() -> None:
    from tests import pretrained

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=600.0)
    until = time.monotonic() + 60 * asked.parse_args().minutes
    with using(Control()):  # no progress bars
        run(pretrained.model(), Cells(NAME), until)


if __name__ == "__main__":
    main()
