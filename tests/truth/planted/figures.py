"""How often the measures find the needed sentence, and whether the formats of the answer agree; over problems."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from cotlens.measure.stats import kendall, spearman
from tests.truth.cells import Cells
from tests.truth.figures import Floats, auroc, difference, mean, plain
from tests.truth.measuring import restored
from tests.truth.planted import measures, rollouts
from tests.truth.planted.problems import Planted
from tests.truth.settings import PLANTED_ROLLOUTS, PLANTED_SENTENCES

BASELINES = {
    "position": lambda problem: np.arange(PLANTED_SENTENCES, dtype=np.float64),
    "holds a key": lambda problem: np.array([one[-2].isdigit() for one in problem.sentences], dtype=np.float64),
    "names what is asked for": lambda problem: np.array(
        [problem.things[problem.needed] in one for one in problem.sentences], dtype=np.float64
    ),
}


def data(answers: Cells, scores: Cells) -> dict[str, Any]:
    """All figures as plain data; what was not measured is null."""
    problems, tried, copied = rollouts.known(answers)
    return {
        "problems": len(problems), "tried": tried, "copied": copied,
        "truth": _truth(answers, problems),
        "baselines": {name: _found([score(problem) for problem in problems], problems)
                      for name, score in BASELINES.items()},
        "measures": {name: _measure(scores, name, problems) for name in measures.MEASURES},
        "probability": {form: plain(mean(_probability(scores, form, problems))) for form in measures.FORMS},
    }  # fmt: skip


def _truth(answers: Cells, problems: Sequence[Planted]) -> dict[str, Any]:
    """Effects by rollouts: of the needed sentences, of the others, and how clearly each is apart."""
    found = [(problem, rollouts.effects(answers, problem)) for problem in problems]
    right = [(answers.get(rollouts.key(one, None)) or {})["right"] / PLANTED_ROLLOUTS for one in problems]
    needed = [effects[problem.needed] for problem, effects in found]
    others = [one for problem, effects in found for i, one in enumerate(effects) if i != problem.needed]
    largest = [max(one.value for i, one in enumerate(effects) if i != problem.needed) for problem, effects in found]
    return {
        "right": plain(mean(right)),
        "needed": plain(difference([one.value for one in needed])),
        "others": plain(difference([one.value for one in others])),
        "largest_other": plain(difference(largest)),
        "needed_above_0": [sum(one.low > 0 for one in needed), len(needed)],
        "others_above_0": [sum(one.low > 0 for one in others), len(others)],
    }


def _measure(cells: Cells, name: str, problems: Sequence[Planted]) -> dict[str, Any]:
    known = {form: _scores(cells, name, form, problems) for form in measures.formats(measures.MEASURES[name])}
    return {
        "forms": {form: _found(scores, problems) for form, scores in known.items()},
        "agree": {
            f"{one}, {other}": {
                "spearman": plain(difference([spearman(a, b) for a, b in _both(known[one], known[other])])),
                "kendall": plain(difference([kendall(a, b) for a, b in _both(known[one], known[other])])),
            }
            for one, other in combinations(known, 2)
        },
    }


def _both(one: Sequence[Floats | None], other: Sequence[Floats | None]) -> list[tuple[Floats, Floats]]:
    return [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]


def _scores(cells: Cells, name: str, form: str, problems: Sequence[Planted]) -> list[Floats | None]:
    found = [cells.get(measures.key(problem, name, form)) for problem in problems]
    return [None if cell is None else restored(cell["scores"]) for cell in found]


def _found(scores: Sequence[Floats | None], problems: Sequence[Planted]) -> dict[str, Any]:
    """AUROC of the needed sentence, how often it ranks first (shared first places count in part), and the difference to
    position; on the sentences that have a score.
    """
    areas, firsts, betters = [], [], []
    for problem, each in zip(problems, scores, strict=True):
        if each is not None and np.isfinite(each[problem.needed]):
            known = np.isfinite(each)
            needed = (np.arange(len(each)) == problem.needed)[known]
            areas.append(auroc(each[known], needed))
            top = each[known] == each[known].max()
            firsts.append(float(top[needed][0]) / top.sum())
            betters.append(areas[-1] - auroc(np.flatnonzero(known).astype(np.float64), needed))
    return {"auroc": plain(mean(areas)), "first": plain(mean(firsts)), "better": plain(difference(betters))}


def _probability(cells: Cells, form: str, problems: Sequence[Planted]) -> list[float]:
    found = [cells.get(measures.key(problem, "EarlyAnswer", form)) for problem in problems]
    return [cell["probability"] for cell in found if cell is not None and cell.get("probability") is not None]
