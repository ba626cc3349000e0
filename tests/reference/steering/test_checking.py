"""A vector fitted for "check the work" makes Abacus check more, and random directions of the same length don't.

Held to what the task's own grammar says of the sentences that are written. The vector is fitted on composed thoughts
and tried on a problem of the test split; `python -m tests.model.check_the_work` fits it on thoughts that the model
wrote itself and tries it on many.
"""

import pytest

import cotlens as cl
from cotlens.organisms.sae.recipe import composed
from cotlens.organisms.task.problems import problems
from tests.model.check_the_work import checking_share, fitted, separation

COEFFICIENT = 0.4  # chosen on problems of the validation split


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def thoughts(abacus):
    return composed(abacus, 80, "train", 1)


def test_the_token_before_a_checking_sentence_knows_of_it(abacus, thoughts):
    last = separation(abacus, thoughts).frame().iloc[-1]
    assert last["layer"] == abacus.n_layers - 1
    assert last["low"] > 0.6 and last["estimate"] > last["control_high"]


def test_the_share_of_checking_sentences_rises_above_the_control(abacus, thoughts):
    trace = abacus.reason(problems(1, seed=12, split="test")[0].prompt, seed=0)
    found = cl.steering.sweep(
        abacus, trace, fitted(abacus, thoughts), coefficients=(COEFFICIENT,), seeds=20, controls=5,
        metric=checking_share, where="thought", max_new_tokens=100,
    )  # fmt: skip
    frame = found.frame().set_index(["arm", "coefficient"])
    own, steered, random = (
        frame.loc[key] for key in (("vector", 0.0), ("vector", COEFFICIENT), ("random", COEFFICIENT))
    )
    assert steered["low"] > random["high"] and steered["low"] > own["high"]
    assert steered["perplexity"] < 1.5 * own["perplexity"]  # it steered the model and didn't break it
