"""What was measured, as docs/truth.md for people and truth.json for the test that guards it."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from cotlens.models.abacus.truth import ESTIMANDS
from tests.truth import readme, settings
from tests.truth.branching import usable
from tests.truth.cases import Cases
from tests.truth.figures import Figure
from tests.truth.questions import BASELINES
from tests.truth.table import BASE, Line, Measured

JSON = Path(__file__).with_name("truth.json")
DOCS = Path(__file__).parents[2] / "docs" / "truth.md"

HEADINGS = {
    "fixed": "## Which units the answer is read from, the rest of the text held fixed",
    "truncated": "## Where the answer comes about, the thought stopped there",
    "regenerated": "## Which sentences the rest of the thought follows, the rest written anew",
}
LABELS = {
    "fixed": "Important: the final total. AUROC and AP over thoughts that say it once; beside them the AUROC where it "
    "is said again and neither copy alone need matter (for tokens also where a digit stands in it twice). "
    'Unit "set" takes all copies together.',
    "truncated": "Important: numbers that change whether the total stated last is the answer.",
    "regenerated": "Important: sentences on the path to the answer; not slips, checks, asides or filler.",
}
INTRO = """# What the measures of importance find, held to the truth

`make truth` writes this page. The models of the Abacus family solve word problems whose symbols are known, so what
matters in a thought they wrote is known too (`cotlens.models.abacus.truth`), for each question by itself. Every method
is scored against the labels of its own question on held-out problems. AUROC: the probability that an important unit
outranks an unimportant one; AP: average precision. Both are means over thoughts, in brackets the 95 % interval of a
bootstrap over thoughts. "Position" ranks later units higher and "random" draws; neither looks at the model.
"""


def write(found: Measured) -> None:
    """Write both files, and the short table of README."""
    figures = data(found)
    JSON.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n")
    DOCS.write_text(page(found))
    readme.write(figures)


def data(found: Measured) -> dict[str, Any]:
    """All figures as plain data; what was not measured is null."""
    lines = [
        {
            "question": line.question.key,
            "model": line.model,
            **{
                name: _plain(getattr(line, name)) for name in ("auroc", "precision", "said_again", "alarms", "shuffled")
            },
            "seconds": _number(line.seconds),
        }
        for line in found.lines
    ]
    forks = [
        {
            "question": row.question.key,
            **{
                name: _plain(getattr(row, name))
                for name in ("error", "bias", "elsewhere", "covers", "covers_zero", "first")
            },
            "seconds": _number(row.seconds),
        }
        for row in found.forks
    ]
    return {
        "settings": {name: getattr(settings, name) for name in dir(settings) if name.isupper()},
        "lines": lines,
        "forks": forks,
        "redundancy": {name: _plain(figure) for name, figure in found.redundancy.items()},
        "agreement": {
            family.name: {name: _plain_share(family, name) for name in ESTIMANDS} for family in found.families
        },
        "quick": {key: {**(_plain(figure) or {}), "noise": figure.noise} for key, figure in found.quick.items()},
    }


def page(found: Measured) -> str:
    """The page as Markdown."""
    parts = [INTRO, agreement(found)]
    for estimand, heading in HEADINGS.items():
        lines = [line for line in found.lines if line.question.estimand == estimand]
        parts += [heading, LABELS[estimand], ranking([line for line in lines if line.model == BASE])]
        if len(found.families) > 1:
            parts += ["AUROC, each model of the family:", across(found, lines, "auroc")]
    parts += [forks(found), redundancy(found), alarms(found)]
    parts.append(f"Measured in {found.seconds / 60:.0f} minutes; seeds and sizes: `tests/truth/settings.py`.")
    return "\n\n".join(part for part in parts if part) + "\n"


def agreement(found: Measured) -> str:
    """How far labels and models agree, and what was left out."""
    rows = [
        [
            family.name,
            str(len(family.truths)),
            _counted(family.left_out),
            *(_trials(family, name) for name in ESTIMANDS),
            str(sum(any(truth.agrees(name) is False for name in ESTIMANDS) for truth in family.truths)),
        ]
        for family in found.families
    ]
    head = ["model", "thoughts with a truth", "without one", *ESTIMANDS, "thoughts marked"]
    text = (
        "## The labels, held to the trained models\n\n"
        "A thought has no truth where a sentence is outside the grammar or says what the symbols don't. The labels of "
        "the others are tried: numbers are changed, and the model's greedy answer is compared with what the label says "
        "(agreeing trials of all trials). Where they disagree the thought is marked and left out of that label's "
        "scores."
    )
    return f"{text}\n\n{table(head, rows)}"


def ranking(lines: list[Line]) -> str:
    """One model's lines."""
    fixed = any(line.said_again for line in lines)
    head = ["method", "unit", "n", "AUROC", "AP", *(["AUROC, said again"] if fixed else []), "shuffled weights", "s"]
    rows = [
        [
            line.question.name,
            line.question.unit,
            str(line.auroc.n),
            _shown(line.auroc),
            _shown(line.precision),
            *([_shown(line.said_again)] if fixed else []),
            _shown(line.shuffled, sign=True),
            "" if line.question.method in BASELINES else f"{line.seconds:.2f}",
        ]
        for line in _ordered(lines)
    ]
    note = '"Shuffled weights": rank correlation with the same method on a model whose weights are shuffled; it must be low. "s": median seconds per thought.'  # noqa: E501
    return f"{table(head, rows)}\n\n{note}"


def across(found: Measured, lines: list[Line], name: str) -> str:
    """One figure of all models side by side."""
    models = [family.name for family in found.families]
    known = {(line.question.key, line.model): getattr(line, name) for line in lines}
    questions = [line.question for line in _ordered([line for line in lines if line.model == BASE])]
    rows = [
        [one.name, one.unit, *(_shown(known.get((one.key, model)), brief=True) for model in models)]
        for one in questions
        if any(known.get((one.key, model)) for model in models)
    ]
    return table(["method", "unit", *models], rows)


def forks(found: Measured) -> str:
    """The table of forks; empty where no method was asked."""
    if not found.forks or found.fork_cases is None:
        return ""
    count, known = len(found.fork_cases.truths), len(usable(found.fork_cases.truths))
    text = (
        "## Forks: an exact value\n\n"
        "One sentence settles which way is taken, and its importance follows from the model's own probabilities; it is "
        f"0 for all other sentences. {known} thoughts whose way is settled in a known sentence with at least "
        f"{settings.COVERED:.0%} probability, of {count}; {settings.ROLLOUTS} rollouts per sentence."
    )
    head = ["method", "exact value", "error", "bias", "error elsewhere", "interval covers", "covers 0 elsewhere",
            "ranks first", "s"]  # fmt: skip
    rows = [
        [
            row.question.name,
            row.question.exact,
            _shown(row.error),
            _shown(row.bias, sign=True),
            _shown(row.elsewhere),
            _shown(row.covers, brief=True),
            _shown(row.covers_zero, brief=True),
            _shown(row.first, brief=True),
            f"{row.seconds:.1f}",
        ]
        for row in found.forks
    ]
    return f"{text}\n\n{table(head, rows)}"


def redundancy(found: Measured) -> str:
    """What leaving one copy out misses."""
    rows = [[effect, str(figure.n), _shown(figure)] for effect, figure in found.redundancy.items() if figure.n]
    if not rows:
        return ""
    text = (
        "## What leaving one out misses\n\n"
        "Where the final total is said more than once: the largest effect of hiding one copy, as a share of the effect "
        "of hiding all of them (occlusion)."
    )
    return f"{text}\n\n{table(['effect', 'n', 'share'], rows)}"


def alarms(found: Measured) -> str:
    """Units called important where nothing in the thought matters."""
    lines = [line for line in found.lines if line.alarms is not None and line.alarms.n]
    if not lines:
        return ""
    models = list(dict.fromkeys(line.model for line in lines))
    known = {(line.question.key, line.model): line.alarms for line in lines}
    questions = list({line.question.key: line.question for line in lines}.values())
    rows = [
        [one.name, one.estimand, one.unit, *(_shown(known.get((one.key, model)), percent=True) for model in models)]
        for one in questions
    ]
    text = (
        "## False alarms: thoughts that don't matter\n\n"
        "Share of units called important in thoughts whose answer was decided in the prompt: called so by the method's "
        f"own test where it has one, else by a score that {settings.CAUGHT:.0%} of the important units of `abacus` "
        "reach where each of them matters by itself."
    )
    return f"{text}\n\n{table(['method', 'label', 'unit', *models], rows)}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, all but the first two columns to the right."""
    marks = ["---" if i < 2 else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, marks, *rows])


def _ordered(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.question.unit, line.question.method in BASELINES))


def _shown(figure: Figure | None, *, brief: bool = False, sign: bool = False, percent: bool = False) -> str:
    if figure is None or not figure.n:
        return ""
    if percent:
        return f"{figure.value:.1%}"
    value = f"{figure.value:+.2f}" if sign else f"{figure.value:.3f}"
    return value if brief or sign else f"{value} [{figure.low:.3f}, {figure.high:.3f}]"


def _counted(reasons: Counter[str]) -> str:
    return "; ".join(f"{count} {name}" for name, count in reasons.most_common()) or "none"


def _trials(family: Cases, estimand: str) -> str:
    met = [trial.agrees for trial in family.trials if trial.estimand == estimand]
    return f"{sum(met) / len(met):.1%} of {len(met)}" if met else ""


def _plain_share(family: Cases, estimand: str) -> float | None:
    met = [trial.agrees for trial in family.trials if trial.estimand == estimand]
    return round(sum(met) / len(met), 4) if met else None


def _plain(figure: Figure | None) -> dict[str, float] | None:
    return figure.data() if figure is not None and figure.n else None


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
