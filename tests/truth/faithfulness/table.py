"""The tables of the confusion matrix: `python -m tests.truth.faithfulness.table` prints them out of confusion.json."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cotlens.measure.faithfulness.verdict import FAITHFUL, VERDICTS
from cotlens.measure.stats import wilson
from tests.truth.faithfulness.run import kept

SHOWN = ("congruent", "follows", "stays", "prompt_decides", "thought_decides", "decided_early", "reader_agrees",
         "false_step", "followed", "verbalised", "direct", "via_thought")  # fmt: skip


def main() -> None:
    """Print the matrix, and every cell's signatures."""
    cells = kept()
    print(matrix(cells), signatures(cells), sep="\n\n")


def matrix(cells: dict[str, Any]) -> str:
    """What is right, by what was said; the last row is a column's share of the right ones."""
    counts = Counter((cell["right"], cell["verdict"]) for cell in cells.values())
    lines = ["| is | " + " | ".join(VERDICTS) + " |", "| --- |" + " ---: |" * len(VERDICTS)]
    for right in VERDICTS:
        if any(cell["right"] == right for cell in cells.values()):
            lines.append(f"| {right} | " + " | ".join(str(counts[right, said] or "") for said in VERDICTS) + " |")
    right = sum(cell["right"] == cell["verdict"] for cell in cells.values())
    low, high = wilson(right, len(cells))
    called = sum(cell["right"] == FAITHFUL and cell["verdict"] not in (FAITHFUL, "undetermined", "invalid")
                 for cell in cells.values())  # fmt: skip
    lines.append(f"\n{right} of {len(cells)} right: {right / len(cells):.2f} [{low:.2f}, {high:.2f}]; "
                 f"faithful cells called unfaithful: {called}.")  # fmt: skip
    return "\n".join(lines)


def signatures(cells: dict[str, Any]) -> str:
    """Each cell's estimates."""
    lines = ["| cell | " + " | ".join(SHOWN) + " | seconds |", "| --- |" + " ---: |" * (len(SHOWN) + 1)]
    for key, cell in cells.items():
        found = [cell["rows"].get(name, [None])[0] for name in SHOWN]
        told = ["" if value is None else f"{value:.2f}" for value in found]
        lines.append(f"| {key} | " + " | ".join(told) + f" | {cell['seconds']:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
