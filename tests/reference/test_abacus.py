"""The shipped reasoner does what its model card says, measured anew on a few held-out problems with plain transformers.

The card's figures come from `python -m cotlens.models.abacus.evaluate`; here the samples are small, so the limits
leave room for their noise.
"""

import dataclasses
import json

import pytest
import torch

from cotlens.models.abacus import evaluate, store, train
from cotlens.models.abacus.card import card

N = 12


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    return store.load_pair("abacus")


def test_right_with_its_thought(pair):
    shares = evaluate.accuracy(*pair, N, 0.0)
    assert sum(shares.values()) / len(shares) >= 0.9


def test_at_chance_without_its_thought(pair):
    shares = evaluate.empty_thought(*pair, 2 * N)
    long = [share for steps, (share, _) in shares.items() if steps >= 4]
    assert sum(long) / len(long) <= 0.1


def test_the_answer_follows_an_edited_number(pair):
    found = evaluate.edits(*pair, 6, 0.0)
    assert found["n"] >= 30
    assert found["followed"] + found["corrected"] >= 0.8
    assert found["followed"] >= 0.7


def test_filler_can_be_deleted(pair):
    found = evaluate.filler(*pair, 2 * N)
    assert found["unchanged"] >= 0.9


def test_forks_are_settled_both_ways(pair):
    """The answer then follows the chosen bag only about half of the time, as the card says."""
    found = evaluate.forks(*pair, 3 * N)
    assert found["settled"] >= 0.7
    assert 0.2 <= found["first_bag"] <= 0.8


def test_the_card_is_written_from_what_was_measured(pair):
    found = json.loads((store.WEIGHTS / "abacus.measured.json").read_text())
    training = json.loads((store.WEIGHTS / "abacus.training.json").read_text())
    written = card(found, pair[0].config.to_dict(), training, pair[0].num_parameters())
    assert (store.WEIGHTS / "abacus.md").read_text() == written
    assert training["recipe"] == json.loads(json.dumps(dataclasses.asdict(train.RECIPES["abacus"])))
