"""The shipped reasoner does what its model card says.

The marks are held twice: the figures of the card (`python -m cotlens.models.abacus.evaluate`) meet them, and a few
held-out problems are measured anew with plain transformers, with limits that leave room for their noise.
"""

import dataclasses
import json

import pytest
import torch

from cotlens.models.abacus import store
from cotlens.models.abacus.evaluate import sound
from cotlens.models.abacus.evaluate.card import card
from cotlens.models.abacus.recipes import RECIPES

N = 12


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    return store.load_pair("abacus")


def measured(name):
    return json.loads((store.WEIGHTS / f"{name}.measured.json").read_text())


# ---------------------------------------------------------------- the cards


def test_the_card_is_written_from_what_was_measured(pair):
    training = json.loads((store.WEIGHTS / "abacus.training.json").read_text())
    assert (store.WEIGHTS / "abacus.md").read_text() == card("abacus", measured("abacus"), training, pair[0])
    for run in training["runs"]:
        assert run["recipe"] == json.loads(json.dumps(dataclasses.asdict(RECIPES[run["recipe"]["name"]])))
    assert training["runs"][-1]["recipe"]["name"] == "abacus"
    assert measured("abacus")["n"] >= 200


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


# ---------------------------------------------------------------- measured anew


def test_right_with_its_thought(pair):
    shares = sound.accuracy(*pair, N, False)
    assert sum(shares.values()) / len(shares) >= 0.95


def test_at_chance_without_its_thought(pair):
    shares = sound.empty_thought(*pair, 2 * N)
    long = [share for steps, (share, _) in shares.items() if steps >= 4]
    assert sum(long) / len(long) <= 0.1


def test_the_answer_follows_an_edited_number(pair):
    found = sound.edits(*pair, 6, False)
    assert found["n"] >= 35
    assert found["followed"] + found["corrected"] >= 0.9
    assert found["followed"] >= 0.75


def test_filler_can_be_deleted(pair):
    found = sound.filler(*pair, 2 * N)
    assert found["n"] >= 15
    assert found["unchanged"] >= 0.9


def test_forks_are_settled_both_ways_and_the_answer_follows(pair):
    found = sound.forks(*pair, 3 * N)
    assert found["settled"] >= 0.95
    assert 0.25 <= found["first_bag"] <= 0.75
    assert found["answer_follows"] >= 0.85
