"""How often the interval of a deciding sentence holds the exact value, by more draws than `make truth` has time for.

    python -m tests.truth.coverage

Twenty thoughts alone can't tell 95 % from always, so each deciding sentence is asked about several times, with other
rollouts each time. Ten minutes on two quiet cores.
"""

from __future__ import annotations

from typing import Any

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens.measure import stats
from cotlens.organisms.truth import Truth
from tests.truth.plan import BASE
from tests.truth.settings import ROLLOUTS
from tests.truth.thoughts import gather

FORKS = 20
DRAWS = 10  # of the rollouts around each deciding sentence


def held(truth: Truth, model: Any, draws: int = DRAWS) -> list[bool]:
    """For each draw, whether the interval holds the exact value."""
    assert truth.fork is not None
    method = cl.importance.Resampling(n=ROLLOUTS, spans=[truth.sentences[truth.fork.sentence].span])
    rows = [method.run(truth.trace, model, seed).columns for seed in range(draws)]
    return [bool(row["low"][0] <= truth.fork.resampling <= row["high"][0]) for row in rows]


def main() -> None:
    """Print the share of intervals that hold the exact value, with the interval of that share."""
    model = cl.load(BASE)
    with using(Control()):  # no progress bars
        truths = [case.truth for case in gather(BASE, model).cases if case.truth.fork is not None][:FORKS]
        found = [each for truth in truths for each in held(truth, model)]
    low, high = stats.wilson(sum(found), len(found))
    share = f"{sum(found) / len(found):.1%} [{low:.1%}, {high:.1%}]"
    print(f"{sum(found)} of {len(found)} intervals hold the exact value: {share}")


if __name__ == "__main__":
    main()
