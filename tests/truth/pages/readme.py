"""The short tables of README, made of truth.json: `make truth` writes them, a test holds README to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.truth.pages.markdown import number, share, shown, table
from tests.truth.pages.planted import brief
from tests.truth.plan import BASE, POSTHOC

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- truth: make truth -->", "<!-- /truth -->"
HEAD = ("measure of a sentence", "n", "AUROC", "better than position by", "lowest of the family", "recall",
        "false alarms", "where nothing matters")  # fmt: skip
NO_TEST = "no test"


def write(found: dict[str, Any]) -> None:
    """Put the tables of these figures between README's markers."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n\n{short(found)}\n\n{END}{after}", encoding="utf-8")


def written() -> str:
    """What README holds."""
    return README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def short(found: dict[str, Any]) -> str:
    """Sentences only: how well each measure ranks what matters, and what it calls important by its own test."""
    models: dict[str, dict[str, Any]] = {}
    for line in found["lines"]:
        if line["question"].split(" | ")[1] == "sentence":
            models.setdefault(line["question"], {})[line["model"]] = line
    rows = [_row(question, lines) for question, lines in models.items() if BASE in lines]
    pretrained = f"\n\n{brief(found['planted'])}" if found["planted"]["problems"] else ""
    return f"{table(HEAD, rows, left=1)}{pretrained}"


def _row(question: str, lines: dict[str, Any]) -> list[str]:
    own, name = lines[BASE], question.split(" | ")[0]
    calls, dead = own["calls"], (lines.get(POSTHOC, {}).get("calls") or {})
    tests = (calls or {}).get("own_test") or dead.get("own_test")
    ranked = {model: line["auroc"] for model, line in lines.items() if line["auroc"]}
    return [
        f"{name}: *{own['mark']}*" if own["mark"] else name,
        str((own["auroc"] or {}).get("n", "")),
        shown(own["auroc"]),
        shown(own["better"].get("position"), sign=True),
        _lowest(ranked),
        share(calls["recall"]) if tests and calls else "",
        share(calls["alarms"]) if tests and calls else NO_TEST,
        share(dead.get("dead")) if tests else "",
    ]


def _lowest(ranked: dict[str, Any]) -> str:
    if len(ranked) < 2:
        return ""
    name, figure = min(ranked.items(), key=lambda pair: pair[1]["value"])
    return f"{number(figure['value'])} ({name.removeprefix('abacus-')}, n = {figure['n']})"
