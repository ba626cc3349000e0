"""The cells for a pretrained model run on one, and what the text says was seen is what is seen."""

import ast

import nbformat
import pytest

from cotlens.teaching import pretrained as room
from tests import pretrained
from tests.tutorials.student import CHAPTERS, PRETRAINED, execute


def tried(chapter):
    """Run a chapter's imports and its cell for a pretrained model."""
    code = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    cell = next(cell.source for cell in code if PRETRAINED in cell.metadata.get("tags", []))
    names = {"__name__": "__main__"}
    # What a chapter imports and the helpers that it defines, without what it runs.
    parts = [part for each in code[:6] for part in definitions(each.source)]
    execute("\n".join(parts), names)
    execute(cell, names)


def definitions(source):
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    return [ast.unparse(part) for part in ast.parse(source).body if isinstance(part, kept)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_ends_with_a_cell_for_a_pretrained_model(chapter):
    code = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    assert PRETRAINED in code[-1].metadata["tags"]
    assert "if small := pretrained():" in code[-1].source


SEEN = {
    "1_read_and_break": ["19 - 4 = 13 pears are left"],
    "6_from_finding_to_claim": ["The answer is 17.", "0 of 6"],
}


@pytest.mark.parametrize("chapter", [path for path in CHAPTERS if path.stem in SEEN], ids=lambda path: path.stem)
def test_the_cell_shows_what_the_chapter_says_was_seen(chapter, monkeypatch, capsys):
    monkeypatch.setattr(room, "pretrained", pretrained.model)  # loaded once for all tests
    tried(chapter)
    shown, text = capsys.readouterr().out, chapter.with_suffix(".py").read_text()
    for words in SEEN[chapter.stem]:
        assert words in shown
        assert words in text
