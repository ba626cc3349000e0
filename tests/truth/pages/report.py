"""What was measured, as docs/truth.md for people and truth.json for the test that guards it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cotlens.organisms.truth import ESTIMANDS
from tests.truth import branching, lines, settings
from tests.truth.cells import Cells
from tests.truth.figures import plain
from tests.truth.pages import marks, readme, sections
from tests.truth.pages.planted import section
from tests.truth.plan import FAMILY
from tests.truth.planted import CELLS, figures
from tests.truth.run import Bench
from tests.truth.thoughts import Family

JSON = Path(__file__).parents[1] / "truth.json"
DOCS = Path(__file__).parents[3] / "docs" / "truth.md"
INTRO = """# What the measures of importance find, held to the truth

`make truth` writes this page from the committed cells of a larger run (`python -m tests.truth.run`), a sample of which
it measures again. The models of the Abacus family solve word problems whose symbols are known, so what matters in a
thought they wrote is known too (`cotlens.organisms.truth`), for each question by itself. Every method is scored
against the labels of its own question on held-out problems. AUROC: the probability that an important unit outranks an
unimportant one; AP: average precision. Both are means over n thoughts, in brackets the 95 % interval of a bootstrap
over thoughts; where fewer than 10 thoughts differ from all others it is one that holds for any law between the bounds,
so that a hundred perfect thoughts do not claim perfection. "Position" ranks later units higher and never looks at the
model. A measure whose interval reaches down to .5 is marked as at chance; one whose paired difference to a baseline
without a model reaches down to 0 is marked as no better."""


def data(bench: Bench, report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """All figures as plain data; what was not measured is null."""
    return {
        "settings": {name: getattr(settings, name) for name in dir(settings) if name.isupper()},
        "families": {name: _family(bench.family(name)) for name in FAMILY},
        "lines": [lines.data(line) for line in lines.lines(bench, FAMILY, report)],
        "forks": [{**line.data(), "exact": line.question.exact} for line in branching.forks(bench)],
        "copies": {name: plain(figure) for name, figure in branching.copies(bench).items()},
        "planted": figures.data(*(Cells(name) for name in CELLS)),
    }


def _family(family: Family) -> dict[str, Any]:
    trials = {name: [one.agrees for one in family.trials if one.estimand == name] for name in ESTIMANDS}
    return {
        "thoughts": len(family.cases),
        "left_out": dict(family.left_out.most_common()),
        "trials": {name: [sum(met), len(met)] for name, met in trials.items()},
        "contradicted": {name: sum(case.truth.agrees(name) is False for case in family.cases) for name in ESTIMANDS},
    }


def page(found: dict[str, Any]) -> str:
    """The page as Markdown."""
    parts = [INTRO, section(found["planted"]), sections.agreement(found)]
    parts += [sections.estimand(found, name) for name in sections.HEADINGS]
    parts += [sections.forks(found), sections.copies(found), sections.called(found)]
    parts.append("Seeds and sizes: `tests/truth/settings.py`; thoughts and cells: `tests/truth/data`.")
    return "\n\n".join(part for part in parts if part) + "\n"


def write(found: dict[str, Any]) -> None:
    """Write everything that is made of the figures."""
    JSON.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    DOCS.write_text(page(found), encoding="utf-8")
    readme.write(found)
    marks.write(found)
