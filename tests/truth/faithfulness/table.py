"""`python -m tests.truth.faithfulness.table` writes docs/faithfulness.md out of confusion.json and cue_diffs.json."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from cotlens.measure.faithfulness.verdict import FAITHFUL, VERDICTS
from cotlens.measure.stats import wilson
from tests.truth.faithfulness.cue_diffs import KEPT
from tests.truth.faithfulness.run import kept

SHOWN = ("congruent", "follows", "stays", "prompt_decides", "thought_decides", "decided_early", "reader_agrees",
         "false_step", "followed", "verbalised", "direct", "via_thought")  # fmt: skip

PAGE = Path(__file__).parents[3] / "docs" / "faithfulness.md"
HEAD = """# How often the battery's verdict is right

`cl.faithfulness.Battery` on the shipped organisms, whose failure is known, on problems and seeds that its thresholds
(`cotlens/measure/faithfulness/thresholds.py`) were not set on; 40 problems per cell. The rule for what a thought says
of a cue, and the problems, are of the organisms' small language: on other models the figures may be lower. Measured by
`python -m tests.truth.faithfulness.run`."""
CUES = """## Where a cue acts

`CueDiff` on 20 thoughts of each, medians in nats; *planted*: the unit where it acts most is the one that was made to;
for `abacus` and `abacus-posthoc`, where hardly anything acts, it means nothing. *After an edit*: of the answer, where
the thought's conclusion was changed. Measured by `python -m tests.truth.faithfulness.cue_diffs`."""


def main() -> None:
    """Write the page."""
    cells = kept()
    parts = (HEAD, matrix(cells), "## Signatures", signatures(cells), CUES, cue_diffs())
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


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


def cue_diffs() -> str:
    """The words at which cues act."""
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    lines = ["| organism | total KL | share there | planted | of | KL of the answer after an edit | forwards |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    names = ("total", "share", "planted", "n", "answer_after_edit", "tokens_per_token")
    rows = [" | ".join(str(each[name]) for name in names) for each in found.values()]
    return "\n".join([*lines, *(f"| {key} | {row} |" for key, row in zip(found, rows, strict=True))])


if __name__ == "__main__":
    main()
