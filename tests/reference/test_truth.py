"""The truth about thoughts held to the trained model, and the table of `make truth` to its stored figures."""

import itertools
import json

import numpy as np
import pytest
import torch

from cotlens.measure.importance import METHODS
from cotlens.models.abacus import store, words
from cotlens.models.abacus.truth import agreement
from tests.truth import measuring, readme, report
from tests.truth.cases import Cases, forks
from tests.truth.questions import QUESTIONS
from tests.truth.table import BASE, quick_cases, quick_questions


@pytest.fixture(scope="module")
def stored():
    return json.loads(report.JSON.read_text())


@pytest.fixture(scope="module")
def cases():
    return quick_cases()


def test_every_method_answers_a_question():
    """A method of the table of methods that no line of `questions.py` names would never be scored."""
    assert set(METHODS.names()) <= {question.method for question in QUESTIONS}


def test_readme_shows_the_stored_figures(stored):
    assert readme.shown() == readme.short(stored)


@pytest.mark.parametrize("question", quick_questions(), ids=lambda question: question.key)
def test_no_figure_falls_by_more_than_its_noise(question, cases, stored):
    before = stored["quick"][question.key]
    now, _ = measuring.ranking(measuring.ask(question, cases.truths, cases.model))
    assert now.n == before["n"]
    assert now.value >= before["value"] - before["noise"]


def test_the_model_does_as_its_labels_say(cases):
    trials = [t for truth in cases.truths for t in agreement(truth, cases.model, ("fixed", "truncated")).trials]
    assert {trial.changed for trial in trials} >= {"copies", "carry", "result"}
    assert np.mean([trial.agrees for trial in trials]) >= 0.9


def test_a_fork_s_probability_is_the_model_s(cases):
    """Plain transformers, one forward per way of saying it, from text."""
    hf, tokenizer = store.load_pair(BASE)
    truth = next(iter(forks(Cases(BASE, cases.model), 4).truths))
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
