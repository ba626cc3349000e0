"""`make truth`: measures a sample of the committed cells again, and writes all tables from them.

    python -m tests.truth                 # at most 12 minutes of measuring; fails where cells no longer hold
    python -m tests.truth --tables        # the tables alone

Writes docs/truth.md, tests/truth/truth.json, README's tables and the marks of the package. What was measured, and how
much, stands in `settings.py`; `python -m tests.truth.run` measures more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from cotlens._core.control import Control, using
from tests import pretrained
from tests.truth import check
from tests.truth.check import Checked
from tests.truth.faithfulness.check import verdicts
from tests.truth.pages import report
from tests.truth.run import Bench

PLANTED_SHARE = 0.25  # of the time


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=12.0)
    asked.add_argument("--seed", type=int, default=0, help="which cells are measured again")
    asked.add_argument("--tables", action="store_true")
    told, bench = asked.parse_args(), Bench()
    with using(Control()):  # no progress bars
        if not told.tables:
            found = list(_told(_checked(bench, 60 * told.minutes, told.seed)))
            lost = [one for one in found if not one.holds]
            _say(f"{len(found) - len(lost)} of {len(found)} cells that were measured again are as they were")
            if lost:
                sys.exit("Measure again what has changed, with `python -m tests.truth.run`; no table was written.")
        figures = report.data(bench, _say)
    report.write(figures)
    print(report.page(figures))


def _checked(bench: Bench, seconds: float, seed: int) -> Iterator[Checked]:
    until = time.monotonic() + seconds
    yield from check.sample(bench, until - PLANTED_SHARE * seconds, seed)
    yield from check.planted(pretrained.model(), until, seed)
    yield from verdicts(seed)


def _told(found: Iterator[Checked]) -> Iterator[Checked]:
    for one in found:
        if not one.holds:
            _say(f"{one.model}: {one.key}: off by {one.off:.1f} times what is allowed")
        yield one


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
