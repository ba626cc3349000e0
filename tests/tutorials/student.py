"""A student who goes through a chapter from top to bottom: as handed out, or with the solutions filled in."""

from __future__ import annotations

import ast
import linecache
import time
import zlib
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
    """What was seen: the verdicts on each exercise as handed out, then solved, in order, and processor seconds."""

    handed_out: list[Verdict] = field(default_factory=list)
    solved: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0


def solutions(chapter: Path) -> dict[str, str]:
    """The source of each exercise's solution."""
    text = jupytext.read(FOLDER / "solutions" / f"{chapter.stem}.py", fmt="py:percent")
    return {cell.metadata["exercise"]: cell.source for cell in text.cells if "exercise" in cell.metadata}


def cells(chapter: Path) -> list[Any]:
    """The code cells of the committed notebook that need nothing but what ships."""
    code = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    return [cell for cell in code if PRETRAINED not in cell.metadata.get("tags", [])]


def is_check(cell: Any) -> bool:
    """Whether a cell judges the one before it."""
    return bool(cell.source.startswith("check("))


def work_through(chapter: Path) -> Run:
    """Run a chapter in one namespace, as a kernel does: each exercise as handed out, then with its solution."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run, filled, began = Run(), solutions(chapter), time.process_time()
    exercise = None
    for cell in cells(chapter):
        if is_check(cell):
            run.handed_out.append(execute(cell.source, names))
            execute(filled[exercise], names)
            run.solved.append(execute(cell.source, names))
        else:
            shown = execute(cell.source, names)
            assert repr(shown), "what a cell ends with is shown"
        exercise = cell.metadata.get("exercise")
    run.seconds = time.process_time() - began
    return run


def unfilled(source: str) -> set[str]:
    """What a cell with dots leaves to be filled in: the names of its functions, and what it assigns dots to."""
    found: set[str] = set()
    for part in ast.parse(source).body:
        if any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(part)):
            targets = part.targets if isinstance(part, ast.Assign) else []
            found |= {part.name} if isinstance(part, ast.FunctionDef) else set()
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def used(source: str) -> set[str]:
    """The names that a cell reads."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run one cell and return the value of its last line, if that is an expression."""
    name = f"<cell {zlib.crc32(source.encode()):08x}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # as a kernel does
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), name, "eval"), names)
