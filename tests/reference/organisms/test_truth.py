"""The truth about thoughts held to the trained model, and the committed cells to their tables and to the code."""

import itertools
import json

import numpy as np
import pytest
import torch

from cotlens.measure.importance import METHODS
from cotlens.organisms import store
from cotlens.organisms.task import words
from cotlens.organisms.truth import agreement
from tests.truth import lines, measuring, settings
from tests.truth.figures import auroc, mean
from tests.truth.pages import marks, readme, report
from tests.truth.plan import BASE, Task, fit
from tests.truth.questions import QUESTIONS
from tests.truth.run import Bench, key

CHEAP = ("EarlyAnswer", "Occlusion", "Gradient")  # deterministic, and quick on a short thought
QUICK = [
    question
    for question in QUESTIONS
    if question.method in CHEAP and question.unit == "sentence" and "integrated_gradients" not in question.key
]


@pytest.fixture(scope="module")
def stored():
    return json.loads(report.JSON.read_text())


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(scope="module")
def short(bench):
    """The shortest of the thoughts, by key."""
    found = [case for case in bench.family(BASE).cases if len(case.truth.problem.steps) == min(settings.STEPS)]
    return sorted(found, key=lambda case: len(case.truth.trace.token_ids))


def test_every_method_answers_a_question():
    """A method of the table of methods that no line of `questions.py` names would never be scored."""
    assert set(METHODS.names()) <= {question.method for question in QUESTIONS}


def test_the_pages_show_the_stored_figures(stored):
    assert readme.written() == readme.short(stored)
    assert report.DOCS.read_text() == report.page(stored)


def test_the_package_ships_the_marks_of_the_stored_figures(stored):
    assert json.loads(marks.MARKS.read_text()) == marks.marks(stored)


def test_docstrings_say_what_is_marked_and_nothing_else(stored):
    said = {name: " ".join((METHODS.get(name).__doc__ or "").split()) for name in METHODS.names()}
    for entry in marks.marks(stored):
        assert marks.sentence(entry) in said[entry["method"]]
    marked = [entry["method"] for entry in marks.marks(stored)]
    assert {name: text.count("on ground truth") for name, text in said.items()} == {n: marked.count(n) for n in said}


@pytest.mark.parametrize("question", QUICK, ids=lambda question: question.key)
def test_no_figure_falls_by_more_than_its_noise(question, bench, short):
    """Some committed cells, measured again: a measure may find more than it did, not less."""
    cells, fits = bench.cells(BASE), fit(question)
    asked = [case for case in short if fits(case) and cells.get(key(question, case))][: settings.QUICK]
    assert len(asked) == settings.QUICK
    before = [measuring.row(question, case, cells.get(key(question, case))) for case in asked]
    now = [measuring.row(question, c, measuring.measure(question, c.truth, bench.family(BASE).model)) for c in asked]
    was, found = (mean([auroc(row.scores, row.labels) for row in rows]) for rows in (before, now))
    assert found.value >= was.value - was.noise


def test_a_line_is_made_of_the_cells(bench, stored):
    """One line of truth.json, by hand from its cells."""
    question = next(one for one in QUESTIONS if one.key == "EarlyAnswer | sentence | truncated")
    cells = bench.cells(BASE)
    rows = lines.rows_of(bench, question, BASE)
    assert len(rows) == len([1 for case in Task(BASE, question, fit(question), 10**6).cases(bench.family(BASE))
                             if cells.get(key(question, case))])  # fmt: skip
    areas, position = [], []
    for row in rows:
        pairs = list(itertools.product(np.flatnonzero(row.labels), np.flatnonzero(~row.labels)))
        wins = [np.sign(row.scores[i] - row.scores[j]) / 2 + 0.5 for i, j in pairs]
        areas.append(np.mean(wins))
        position.append(np.mean([float(i > j) for i, j in pairs]))
    line = next(one for one in stored["lines"] if one["question"] == question.key and one["model"] == BASE)
    assert line["auroc"]["value"] == pytest.approx(np.mean(areas), abs=1e-3)
    assert line["beside"]["position"]["value"] == pytest.approx(np.mean(position), abs=1e-3)
    assert line["better"]["position"]["value"] == pytest.approx(np.mean(np.subtract(areas, position)), abs=1e-3)


def test_the_model_does_as_its_labels_say(bench, short):
    tried = [
        agreement(case.truth, bench.family(BASE).model, ("fixed", "truncated")) for case in short[: settings.QUICK]
    ]
    trials = [trial for truth in tried for trial in truth.trials]
    assert {trial.changed for trial in trials} >= {"copies", "carry", "result"}
    assert np.mean([trial.agrees for trial in trials]) >= 0.9


def test_a_fork_s_probability_is_the_model_s(bench):
    """Plain transformers, one forward per way of saying it, from text."""
    hf, tokenizer = store.load_pair(BASE)
    truth = next(case.truth for case in bench.family(BASE).cases if case.truth.fork is not None)
    trace, sentence = truth.trace, truth.sentences[truth.fork.sentence]
    before = trace.text[: sentence.span.char_start].rstrip(" \n")
    gap = trace.text[len(before) : sentence.span.char_start]
    colours = truth.problem.steps[truth.problem.fork].colours
    mass = dict.fromkeys(colours, 0.0)
    for colour, way in itertools.product(colours, words.FORK_CHOICE):
        said = gap + way.format(c=colour, p=truth.problem.pronoun)
        first = len(tokenizer(before, add_special_tokens=False)["input_ids"])
        ids = torch.tensor([tokenizer(before + said, add_special_tokens=False)["input_ids"]])
        with torch.inference_mode():
            log_p = hf(ids).logits[0, :-1].log_softmax(-1)
        each = log_p[torch.arange(first - 1, ids.shape[1] - 1), ids[0, first:]]
        mass[colour] += float(each.double().sum().exp())
    p = mass[colours[truth.choice]] / sum(mass.values())
    assert truth.fork.covered == pytest.approx(sum(mass.values()), abs=1e-4)
    assert truth.fork.probability == pytest.approx(p, abs=1e-4)
    assert truth.fork.resampling == pytest.approx(1 - p, abs=1e-4)
    assert truth.fork.kl == pytest.approx(-np.log(p), abs=1e-4)
