"""The notebooks of `tutorials/` from their text, which is what is written and reviewed.

python tools/make_tutorials.py            # writes tutorials/*.ipynb
python tools/make_tutorials.py --check    # says which of them are not what their text makes
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).resolve().parents[1] / "tutorials"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def made(text: Path) -> str:
    """The notebook of a text, without outputs, always the same for the same text."""
    notebook = jupytext.read(text, fmt="py:percent")
    notebook.metadata.clear()
    notebook.metadata.update(METADATA)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
        cell.metadata.pop("lines_to_next_cell", None)  # of the text's layout, nothing to a notebook
    return str(nbformat.writes(notebook, version=4)) + "\n"


def chapters() -> list[Path]:
    """The texts, in order."""
    return sorted(FOLDER.glob("[1-9]_*.py"))


def main(arguments: list[str]) -> int:
    """Write the notebooks, or check them; 1 if one is stale."""
    stale = []
    for text in chapters():
        notebook, new = text.with_suffix(".ipynb"), made(text)
        if notebook.is_file() and notebook.read_text(encoding="utf-8") == new:
            continue
        stale.append(notebook)
        if "--check" not in arguments:
            notebook.write_text(new, encoding="utf-8")
    if "--check" not in arguments:
        return 0
    for notebook in stale:
        print(f"{notebook.name} is not what its text makes: run python tools/make_tutorials.py")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
