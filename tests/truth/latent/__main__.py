"""Measures latents of the shipped reasoners against what is known of them, and writes the tables of docs/latents.md.

python -m tests.truth.latent            # all of it: some minutes
python -m tests.truth.latent --tables   # the tables alone, of what is committed
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cotlens._core.control import Control, using
from tests.truth.latent.holding import broken, pages
from tests.truth.latent.measuring import MODELS, ranked, used

FIGURES = Path(__file__).with_name("figures.json")
PAGE = Path(__file__).parents[3] / "docs" / "latents.md"
BEGIN, END = "<!-- truth: make truth -->", "<!-- /truth -->"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--tables", action="store_true")
    told = asked.parse_args()
    if told.tables:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    else:
        with using(Control()):  # no progress bars
            figures = {
                "ranked": [row for name in MODELS for row in ranked(name)],
                "used": [row for name in MODELS for row in used(name)],
            }
    lost = list(broken(figures))
    if lost:
        sys.exit("\n".join([*lost, "These no longer hold; no table was written."]))
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{pages(figures)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
