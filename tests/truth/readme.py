"""The short table of README, made of truth.json: `make truth` writes it, a test holds README to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.truth.questions import BASELINES
from tests.truth.table import BASE, POSTHOC

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- truth: make truth -->", "<!-- /truth -->"
ASKED = {"fixed": "the text held fixed", "truncated": "the thought stopped there", "regenerated": "written on anew"}
HEAD = ("measure of a sentence", "question", "AUROC", "lowest of the family", "position alone", "false alarms")


def write(found: dict[str, Any]) -> None:
    """Put the table of these figures between README's markers."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n\n{short(found)}\n\n{END}{after}", encoding="utf-8")


def shown() -> str:
    """The table that README holds."""
    return README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def short(found: dict[str, Any]) -> str:
    """Sentences only: how well each measure ranks what matters, and how often it calls something where nothing does."""
    lines: dict[str, dict[str, Any]] = {}
    for line in found["lines"]:
        lines.setdefault(line["question"], {})[line["model"]] = line
    rows = [list(HEAD), ["---", "---", *["---:"] * (len(HEAD) - 2)]]
    for question, models in lines.items():
        method, unit, estimand = question.split(" | ")
        ranked = {name: line["auroc"]["value"] for name, line in models.items() if (line["auroc"] or {}).get("n")}
        if unit != "sentence" or method in BASELINES or BASE not in ranked:
            continue
        position = lines[f"position | {unit} | {estimand}"][BASE]["auroc"]["value"]
        alarms = _share(models.get(POSTHOC, {}).get("alarms"))
        numbers = [ranked[BASE], min(ranked.values()), position]
        rows.append([method, ASKED[estimand], *(f"{number:.2f}" for number in numbers), alarms])
    for fork in found["forks"]:
        alarms = _share(lines[fork["question"]].get(POSTHOC, {}).get("alarms"))
        asked = f"{fork['first']['n']} forks: the deciding one ranks first in {_share(fork['first'])}"
        rows.append([fork["question"].split(" | ")[0], asked, "", "", "", alarms])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _share(figure: dict[str, Any] | None) -> str:
    return f"{figure['value']:.0%}" if figure and figure.get("n") else ""
