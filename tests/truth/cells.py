"""Cells: what was measured, one JSON line each, so that a long run can stop anywhere and go on later.

Committed cells lie packed in `tests/truth/data`; those of a run that goes on are appended to files in `.truth`, which
git ignores, and override them. Each says what code it was measured with.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKED, WORK = Path(__file__).with_name("data"), ROOT / ".truth"
MODELS_AND_TRACES = ("trace", "models", "organisms")  # what any measure stands on

Cell = dict[str, Any]


class Cells:
    """The cells of one name: a mapping from key to data that remembers the code."""

    def __init__(self, name: str, packed: Path = PACKED, work: Path = WORK) -> None:
        self._packed, self._work = packed / f"{name}.jsonl.gz", work / f"{name}.jsonl"
        self._found: dict[str, Cell] = {}
        for line in (*_packed_lines(self._packed), *_lines(self._work)):
            self._found[line["key"]] = line

    def get(self, key: str, code: str | None = None) -> Cell | None:
        """What was measured, None where nothing was or only with other code than `code`."""
        found = self._found.get(key)
        return found if found is None or code is None or found["code"] == code else None

    def put(self, key: str, code: str, **data: Any) -> Cell:
        """Keep a cell; it is on disk when this returns."""
        self._found[key] = line = {"key": key, "code": code, **data}
        self._work.parent.mkdir(exist_ok=True)
        with self._work.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line, separators=(",", ":")))  # first the end of a line that a kill cut off
        return line

    def pack(self) -> None:
        """Write all cells where they are committed from, in the order of their keys."""
        if not self._work.exists():
            return
        lines = [json.dumps(self._found[key], separators=(",", ":")) for key in sorted(self._found)]
        self._packed.parent.mkdir(exist_ok=True)
        data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)  # equal cells, equal bytes
        self._packed.write_bytes(data)
        self._work.unlink()

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._found.values())


def _packed_lines(path: Path) -> Iterator[Cell]:
    if path.exists():
        yield from map(json.loads, gzip.decompress(path.read_bytes()).decode().splitlines())


def _lines(path: Path) -> Iterator[Cell]:
    """The lines of a file that is appended to; a last one that was cut off by a kill is none."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


@lru_cache
def code_of(*modules: str) -> str:
    """A hash of all code that these modules of `cotlens.measure` stand on; comments and docstrings don't count."""
    package = ROOT / "cotlens"
    files = {path for room in MODELS_AND_TRACES for path in (package / room).rglob("*.py")}
    for module in modules:
        files |= _reached(module, set())
    text = "".join(_bare(path) for path in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _reached(module: str, seen: set[Path]) -> set[Path]:
    """The files of `cotlens.measure` that a module imports, and those that they import."""
    path = ROOT / (module.replace(".", "/") + ".py")
    if not module.startswith("cotlens.measure") or path in seen or not path.exists():
        return seen
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                _reached(name, seen)
            if (ROOT / node.module.replace(".", "/") / "__init__.py").exists():  # a room such as `stats`
                for file in (ROOT / node.module.replace(".", "/")).glob("[a-z]*.py"):
                    if node.module != "cotlens.measure.importance":  # its modules are named one by one
                        _reached(f"{node.module}.{file.stem}", seen)
    return seen


@lru_cache
def _bare(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = body[1:]  # type: ignore[attr-defined, index]
    return ast.dump(tree)
