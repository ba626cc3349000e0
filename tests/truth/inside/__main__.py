"""Measures what probes, lenses and patches find on the shipped reasoners, and writes docs/inside.md.

python -m tests.truth.inside                  # all of it: some minutes
python -m tests.truth.inside --only patches   # one section; the others as they are committed
python -m tests.truth.inside --tables         # the tables alone
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cotlens._core.control import Control, using
from tests.truth.inside.holding import broken, pages
from tests.truth.inside.measuring import SECTIONS

FIGURES = Path(__file__).with_name("figures.json")
PAGE = Path(__file__).parents[3] / "docs" / "inside.md"
BEGIN, END = "<!-- truth: make truth -->", "<!-- /truth -->"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", choices=list(SECTIONS))
    asked.add_argument("--tables", action="store_true")
    told = asked.parse_args()
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    with using(Control()):  # no progress bars
        for name in () if told.tables else [told.only] if told.only else SECTIONS:
            figures[name] = SECTIONS[name]()
            print(f"{name}: {len(figures[name])} rows", file=sys.stderr)
    lost = list(broken(figures))
    if lost:
        sys.exit("\n".join([*lost, "These no longer hold; no table was written."]))
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if set(SECTIONS) <= set(figures):
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{pages(figures)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
