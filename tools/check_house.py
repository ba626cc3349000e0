"""Rules of the house that import-linter has no words for.

    python tools/check_house.py

- No circle of files: not at import time, not in imports inside functions, and not in imports for type annotations.
- At most 15 modules side by side in a folder, `__init__` not counted; in a folder of a widget 18, as each has an entry,
  a protocol and a view that are not looked for.
- No module over 350 lines.
- Every folder says in the docstring of its `__init__` what it is; with more than five modules, which one to open first.
- Every file that CONTRIBUTING names is there, and every folder is on its map, two levels deep.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1] / "cotlens"
WIDGETS = ROOT.parent / "widgets"
MOST = 15
MOST_OF_WIDGET = 18
LONGEST = 350
FEW = 5
FIRST = "Open `"
NAMED = re.compile(r"`([\w./-]+\.(?:py|ts|mjs|md))(?::\w+)?`")
"""A file, with what is called there or without."""
MAP = "## The map"
GUIDE = ROOT.parent / "CONTRIBUTING.md"
SOURCES = ("cotlens", "widgets", "tests", "tools", "docs")


def circles() -> Iterator[str]:
    """A circle of files, if there is one."""
    sys.path.insert(0, str(ROOT.parent))
    graph = grimp.build_graph("cotlens", exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        yield f"these files import each other in a circle: {' <- '.join(error.args[1])}"


def folders() -> Iterator[Path]:
    """Every folder of modules."""
    yield from sorted(path.parent for path in ROOT.rglob("__init__.py"))


def crowded() -> Iterator[str]:
    """Folders with too many modules."""
    for folder in folders():
        count = len(modules(folder))
        if count > MOST:
            yield f"{folder.relative_to(ROOT.parent)} holds {count} modules side by side; at most {MOST}"
    for folder in sorted({path.parent for path in front_end()}):
        count = len(list(folder.glob("*.ts")))
        if count > MOST_OF_WIDGET:
            yield f"{folder.relative_to(ROOT.parent)} holds {count} modules side by side; at most {MOST_OF_WIDGET}"


def front_end() -> list[Path]:
    """The modules of the front end, without its tests."""
    inside = (path.relative_to(WIDGETS) for path in WIDGETS.rglob("*.ts"))
    beside = ("node_modules", "tests", ".cache")
    return [WIDGETS / path for path in inside if path.parts[0] not in beside]


def long() -> Iterator[str]:
    """Modules that are too long to be read in one go."""
    for path in (*ROOT.rglob("*.py"), *front_end()):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONGEST:
            yield f"{path.relative_to(ROOT.parent)} has {lines} lines; at most {LONGEST}"


def unnamed() -> Iterator[str]:
    """Folders that don't say what they are, or where to begin."""
    for folder in folders():
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        if not said:
            yield f"{folder.relative_to(ROOT.parent)} doesn't say what it is"
        elif len(modules(folder)) > FEW and FIRST not in said:
            yield f"{folder.relative_to(ROOT.parent)} doesn't say which module to open first ({FIRST}...`)"


def unfound() -> Iterator[str]:
    """Files that the guide names and nobody has; it may name them by the end of their path."""
    there = [
        f"/{path.relative_to(ROOT.parent).as_posix()}"
        for source in SOURCES
        for path in (ROOT.parent / source).rglob("*.*")
        if "node_modules" not in path.parts
    ]
    for name in sorted(set(NAMED.findall(GUIDE.read_text(encoding="utf-8")))):
        if not any(path.endswith(f"/{name}") for path in there):
            yield f"{GUIDE.name} names {name}, which is nowhere"


def unmapped() -> Iterator[str]:
    """Folders of the package, and of its folders, that the guide's map leaves out."""
    text = GUIDE.read_text(encoding="utf-8")
    listed = set(re.findall(r"(\w+)/", text[text.find(MAP) : text.find("\n###", text.find(MAP))]))
    for folder in folders():
        path = folder.relative_to(ROOT)
        if 0 < len(path.parts) < 3 and path.name not in listed:
            yield f"{GUIDE.name} has no {path.as_posix()}/ on its map"


def modules(folder: Path) -> list[Path]:
    """The modules in a folder, without those of folders in it."""
    return [path for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")]


def main() -> int:
    """Print what is wrong; 1 if something is."""
    wrong = [*circles(), *crowded(), *long(), *unnamed(), *unfound(), *unmapped()]
    for line in wrong:
        print(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
