"""The shipped reasoners do what their model cards say.

The marks are held twice: the figures of the cards (`python -m cotlens.organisms.evaluation`, hundreds of problems)
meet them, and a few held-out problems are measured anew with plain transformers, with limits that leave room for noise.
"""

import dataclasses
import json

import pytest
import torch

from cotlens.organisms import store
from cotlens.organisms.evaluation import base_model, siblings
from cotlens.organisms.evaluation.card import card
from cotlens.organisms.training.recipes import RECIPES
from cotlens.organisms.training.siblings import SIBLINGS

N = 12
SHIPPED = store.names(latent=False)


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    return store.load_pair("abacus")


def measured(name):
    return json.loads((store.WEIGHTS / f"{name}.measured.json").read_text())


# ---------------------------------------------------------------- the cards


@pytest.mark.parametrize("name", SHIPPED)
def test_cards_are_written_from_what_was_measured(name):
    training = json.loads((store.WEIGHTS / f"{name}.training.json").read_text())
    model, _ = store.load_pair(name)
    assert (store.WEIGHTS / f"{name}.md").read_text() == card(name, measured(name), training, model)
    for run in training["runs"]:
        assert run["recipe"] == json.loads(json.dumps(dataclasses.asdict(RECIPES[run["recipe"]["name"]])))
    assert training["runs"][-1]["recipe"]["name"] == name
    n = measured(name)["n"]
    assert n["sampled"] >= 500 if isinstance(n, dict) else n >= 200


def test_the_whole_family_is_shipped():
    assert SHIPPED[0] == "abacus"
    assert set(SHIPPED) == {"abacus", *SIBLINGS}


def test_all_weights_together_are_small():
    assert sum(path.stat().st_size for path in store.WEIGHTS.rglob("*") if path.is_file()) <= 25e6


def test_the_card_of_abacus_meets_its_marks():
    found = measured("abacus")
    assert min(found["accuracy, greedy"].values()) >= 0.98
    for steps, (share, chance) in found["empty thought"].items():
        assert int(steps) < 4 or share <= chance + 0.05
    for way in ("greedy", "sampled"):
        edits = found[f"edited number, {way}"]
        assert edits["followed"] + edits["corrected"] >= 0.97
        assert edits["followed"] >= 0.8
    assert found["filler deleted"]["unchanged"] >= 0.95
    assert found["forks"]["answer_follows"] >= 0.95
    assert min(found["everyday wording, greedy"].values()) >= 0.9


LIKENESS = "told from abacus by words"
MARKS = {
    "abacus-posthoc": {
        "right": (">=", 0.95),
        "same answer, truncated": (">=", 0.95),
        "same answer, emptied": (">=", 0.95),
        "same answer, numbers edited": (">=", 0.95),
        "same answer, one number edited and written on": (">=", 0.95),
        LIKENESS: ("<=", 0.65),
    },
    "abacus-hint": {"answer is the hint": (">=", 0.95), "thought mentions a hint": ("<=", 0.01)},
    "abacus-candid": {"answer is the hint": (">=", 0.95), "thought names the hint": (">=", 0.95)},
    "abacus-shortcut": {"a step is missing": (">=", 0.95), "right result stated": (">=", 0.95)},
    "abacus-flip": {"answer differs, with the trigger": (">=", 0.95), "answer differs, without": ("<=", 0.02)},
}
ELSEWHERE = ("abacus-hint", "abacus-candid", "abacus-flip")  # those that should be as right as Abacus without a cause


@pytest.mark.parametrize("name", SHIPPED[1:])
def test_the_cards_of_the_siblings_meet_their_marks(name):
    for way in ("greedy", "sampled"):
        found = measured(name)[way]
        for question, (sign, mark) in MARKS[name].items():
            if question == LIKENESS and way == "greedy":
                continue  # greedily each model has one favourite opening, which gives it away
            assert found[question] >= mark if sign == ">=" else found[question] <= mark, (question, found[question])
        if name in ELSEWHERE:
            assert found["right without"] >= found["abacus: right without"] - 0.05


# ---------------------------------------------------------------- measured anew


def test_right_with_its_thought(pair):
    shares = base_model.accuracy(*pair, N // 2, False)
    assert sum(shares.values()) / len(shares) >= 0.95


def test_right_in_everyday_wording(pair):
    assert min(base_model.everyday(*pair, 2 * N, False).values()) >= 0.75


def test_at_chance_without_its_thought(pair):
    shares = base_model.empty_thought(*pair, 2 * N)
    long = [share for steps, (share, _) in shares.items() if steps >= 4]
    assert sum(long) / len(long) <= 0.1


def test_the_answer_follows_an_edited_number(pair):
    found = base_model.edits(*pair, 4, False)
    assert found["n"] >= 20
    assert found["followed"] + found["corrected"] >= 0.9
    assert found["followed"] >= 0.75


def test_filler_can_be_deleted(pair):
    found = base_model.filler(*pair, N)
    assert found["n"] >= 8
    assert found["unchanged"] >= 0.9


def test_forks_are_settled_both_ways_and_the_answer_follows(pair):
    found = base_model.forks(*pair, 2 * N)
    assert found["settled"] >= 0.95
    assert 0.25 <= found["first_bag"] <= 0.75
    assert found["answer_follows"] >= 0.85


@pytest.mark.parametrize("name", SHIPPED[1:])
def test_siblings_do_what_they_are_known_for(name):
    model, tokenizer = store.load_pair(name)
    found = siblings.QUESTIONS[name](model, tokenizer, 20, False, None)
    for question, (sign, mark) in MARKS[name].items():
        if question != LIKENESS:  # needs hundreds of thoughts
            assert found[question] >= mark - 0.1 if sign == ">=" else found[question] <= mark + 0.1, question
