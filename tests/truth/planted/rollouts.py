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
from typing import Any

from cotlens._core.control import Control, using
from cotlens.measure.stats import newcombe
from cotlens.models.contract import Start
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
ROOM = 2  # a sentence may become so many times as long
MOST = 60 * PLANTED_SENTENCES  # problems that are tried


def answered(model: Any, problem: Planted, sentence: int | None, n: int = PLANTED_ROLLOUTS) -> dict[str, int]:
    """How many of n answers are the key, and how many are a number at all, with a sentence written anew (or none)."""
    thoughts = Counter({problem.thought: n}) if sentence is None else _anew(model, problem, sentence, n)
    closed = [model.compose(problem.prompt, thought, "?") for thought in thoughts]
    starts = [
        Start(trace, trace.roles["answer"].start, range(times))
        for trace, times in zip(closed, thoughts.values(), strict=True)
    ]
    groups = model.rollouts(starts, seed=SEED, max_new_tokens=PLANTED_ANSWER, **PLANTED_SAMPLING)
    answers = [problem.reader.read(rollout.answer) for group in groups for rollout in group]
    given = [answer.text for answer in answers if answer is not None]
    return {"n": len(answers), "read": len(given), "right": given.count(problem.key), "thoughts": len(thoughts)}


def _anew(model: Any, problem: Planted, sentence: int, n: int) -> Counter[str]:
    """The thoughts with that sentence as the model writes it, and how often each."""
    whole = model.compose(problem.prompt, problem.thought, None)
    span = whole.spans("sentence")[sentence]
    start = Start(whole, span.start, range(n))
    (rollouts,) = model.rollouts([start], seed=SEED, max_new_tokens=ROOM * (span.end - span.start), **PLANTED_SAMPLING)
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
    for problem in map(draw, range(MOST)):
        if places[problem.needed] >= PLANTED_EACH:
            continue
        for sentence in (None, *range(PLANTED_SENTENCES)):  # the whole thought first: is the key copied?
            if time.monotonic() > until:
                return
            cell = _cell(model, cells, problem, sentence)
            if sentence is None and not copies(cell):
                break
        else:
            places[problem.needed] += 1
        if all(places[place] >= PLANTED_EACH for place in range(PLANTED_SENTENCES)):
            return


def _cell(model: Any, cells: Cells, problem: Planted, sentence: int | None) -> Cell:
    name, began = key(problem, sentence), time.monotonic()
    cell = cells.get(name)
    if cell is None:
        found = answered(model, problem, sentence)
        cell = cells.put(name, "", **found, seconds=round(time.monotonic() - began, 1))
        print(cell, file=sys.stderr, flush=True)
    return cell


def main() -> None:
    from tests import pretrained

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=600.0)
    until = time.monotonic() + 60 * asked.parse_args().minutes
    with using(Control()):  # no progress bars
        run(pretrained.model(), Cells(NAME), until)


if __name__ == "__main__":
    main()
