"""`make bench`: what CoTLens costs beside the plain way, both measured in turn in one run on one machine.

Ratios are what counts: machines are noisy. Every comparison also asserts that both sides computed the same numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.benchmarks import kernel, scoring
from tests.benchmarks.table import Row, printed


def main() -> None:
    parts: list[Callable[[], list[Row]]] = [scoring.early_answers, scoring.occlusion, kernel.edit_to_answer]
    rows = [row for part in parts for row in part()]
    print(printed(rows))
    if "--no-browser" not in sys.argv:
        from tests.benchmarks import browser_bench

        browser_bench.main()


if __name__ == "__main__":
    main()
