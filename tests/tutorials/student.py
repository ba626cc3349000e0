"""A student who goes through a chapter from top to bottom: as handed out, or with the solutions filled in."""

from __future__ import annotations

import ast
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from cotlens.teaching import Verdict

FOLDER = Path(__file__).resolve().parents[2] / "tutorials"
PRETRAINED = "pretrained"  # the tag of the cells that need more than ships
CHAPTERS = sorted(FOLDER.glob("[1-9]_*.ipynb"))


@dataclass
class Run:
    """What was seen: the verdicts in order, and processor seconds."""

    verdicts: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0


def solutions(chapter: Path) -> dict[str, str]:
    """The source of each exercise's solution."""
    text = jupytext.read(FOLDER / "solutions" / f"{chapter.stem}.py", fmt="py:percent")
    return {cell.metadata["exercise"]: cell.source for cell in text.cells if "exercise" in cell.metadata}


def work_through(chapter: Path, filled: dict[str, str]) -> Run:
    """Run the committed notebook's cells in one namespace, as a kernel does, and keep what checks say."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run, began = Run(), time.process_time()
    for cell in nbformat.read(chapter, as_version=4).cells:
        if cell.cell_type != "code" or PRETRAINED in cell.metadata.get("tags", []):
            continue
        shown = execute(filled.get(cell.metadata.get("exercise"), cell.source), names)
        if isinstance(shown, Verdict):
            run.verdicts.append(shown)
        else:
            assert repr(shown), "what a cell ends with is shown"
    run.seconds = time.process_time() - began
    return run


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run one cell and return the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
