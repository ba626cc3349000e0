"""`make truth`: scores every importance method against the ground truth of the Abacus family.

Writes docs/truth.md and tests/truth/truth.json; how much is measured stands in `settings.py`.
"""

from __future__ import annotations

import sys

from cotlens._core.control import Control, using
from tests.truth import report
from tests.truth.table import measure


def main() -> None:
    with using(Control()):  # one line per question instead of progress bars
        found = measure(lambda line: print(line, file=sys.stderr, flush=True))
    report.write(found)
    print(report.page(found))


if __name__ == "__main__":
    main()
