"""What must hold of the figures, and the tables of docs/latents.md that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.truth.latent.measuring import CONTROL
from tests.truth.pages.markdown import table

RANKED, FOLLOWED, CONTROLLED = 0.95, 0.8, 0.05
QUESTIONS = {"read": "which latents the answer itself reads", "told": "which exchanged digits change the answer"}


def broken(figures: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for everything that doesn't hold."""
    for row in figures["ranked"]:
        where = f"{row['model']}, {QUESTIONS[row['question']]}"
        if row["model"] != CONTROL and row["auroc"] < RANKED:
            yield f"{where}: effects rank latents at {row['auroc']:.2f}"
        if row["model"] == CONTROL and abs(row["auroc"] - 0.5) > 0.02:
            yield f"{where}: nothing is handed on, and effects rank latents at {row['auroc']:.2f}"
    for row in figures["used"]:
        where = f"{row['model']}, total after change {row['change']}"
        if row["model"] != CONTROL and row["estimate"] < FOLLOWED:
            yield f"{where}: only {row['estimate']:.0%} follow"
        if row["model"] == CONTROL and row["estimate"] > CONTROLLED:
            yield f"{where}: nothing is handed on, and {row['estimate']:.0%} follow"


def pages(figures: Mapping[str, Any]) -> str:
    """The tables."""
    ranks = [
        [row["model"], QUESTIONS[row["question"]], str(row["thoughts"]), str(row["latents"]),
         f"{row['auroc']:.2f} [{row['low']:.2f}, {row['high']:.2f}]", f"{row['decodable']:.2f}"]
        for row in figures["ranked"]
    ]  # fmt: skip
    shares = [
        [row["model"], str(row["change"]), f"{row['right']:.0%}", f"{row['decodable']:.0%}",
         f"{row['estimate']:.0%} [{row['low']:.0%}, {row['high']:.0%}]", _share(row["stays"]), _share(row["kept"]),
         f"{row['n']:.0f}"]
        for row in figures["used"]
    ]  # fmt: skip
    return "\n\n".join([
        table(["model", "question", "thoughts", "latents", "AUROC of effects", "of the lens's confidence"], ranks, 2),
        table(["model", "total after change", "right", "the lens says it", "exchanged: answer follows",
               "keeps its own", "its mean: keeps its own", "n"], shares, 1),
    ])  # fmt: skip


def _share(value: float) -> str:
    return "-" if value != value else f"{value:.0%}"
