"""Each chapter as a student goes through it: as handed out each check fails and says why, solved each passes."""

from itertools import pairwise

import jupytext
import nbformat
import pytest

from cotlens.teaching.course import CHAPTERS as KNOWN
from cotlens.teaching.course import exercises
from cotlens.teaching.exercise import UNFILLED
from tests.tutorials.student import CHAPTERS, FOLDER, cells, is_check, solutions, unfilled, used, work_through
from tools.make_tutorials import chapters, made

SECONDS = 90  # of processor; about 10 where nothing else runs, so only a chapter that got out of hand fails

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def test_every_chapter_has_its_text_its_notebook_and_its_solutions():
    assert [path.stem[0] for path in CHAPTERS] == KNOWN.names()
    assert [path.stem for path in chapters()] == [path.stem for path in CHAPTERS]
    assert [path.stem for path in sorted((FOLDER / "solutions").glob("*.py"))] == [path.stem for path in CHAPTERS]


@every_chapter
def test_the_notebook_is_what_its_text_makes(chapter):
    assert chapter.read_text(encoding="utf-8") == made(chapter.with_suffix(".py"))
    notebook = nbformat.read(chapter, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert not any(cell.get("outputs") for cell in notebook.cells)


@every_chapter
def test_every_exercise_is_labelled_and_can_be_filled_in(chapter):
    text = jupytext.read(chapter.with_suffix(".py"), fmt="py:percent")
    told = "\n".join(cell.source for cell in text.cells if cell.cell_type == "markdown")
    marked = [cell.metadata["exercise"] for cell in text.cells if "exercise" in cell.metadata]
    known = exercises(chapter.stem[0])
    assert marked == [one.id for one in known] == list(solutions(chapter))
    for one in known:
        assert f"## {one.id} {one.title} ({'★' * one.level}, {one.minutes} minutes)" in told
        assert one.hints


@every_chapter
def test_handed_out_a_chapter_runs_to_its_end(chapter):
    """No cell but its check needs what a student fills in, and each check stands right behind its exercise."""
    code = cells(chapter)
    open_names = set().union(*(unfilled(cell.source) for cell in code if "exercise" in cell.metadata))
    assert open_names
    for before, cell in pairwise(code):
        assert is_check(cell) == ("exercise" in before.metadata)
        if not is_check(cell) and "exercise" not in cell.metadata:
            assert not open_names & used(cell.source)


@every_chapter
def test_every_check_fails_and_says_why_and_passes_once_solved(chapter):
    run, ids = work_through(chapter), [one.id for one in exercises(chapter.stem[0])]
    assert [verdict.exercise for verdict in run.handed_out] == ids == [verdict.exercise for verdict in run.solved]
    assert not any(run.handed_out)
    widgets = {"1.6"}  # read what was done in a widget; nothing was
    assert {v.exercise for v in run.handed_out if v.message != UNFILLED} <= widgets
    assert all(run.solved), [verdict for verdict in run.solved if not verdict]
    assert run.seconds < SECONDS
