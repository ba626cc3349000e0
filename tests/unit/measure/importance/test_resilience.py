"""Rounds of resilience: an interval that holds at few rollouts, what is cut off, and that there is no test."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.importance.resilience import Resilience, _Chain
from cotlens.measure.importance.sampled.arms import Arm

ARM = Arm(cl.Trace.from_text("q", "a b", "1"), 1)


def chains(rounds, cut=0):
    """Chains with these rounds, the last `cut` of them cut off."""
    count = len(rounds)
    return [
        _Chain(ARM, i, each, gone=i < count - cut, ended=True, cut=i >= count - cut) for i, each in enumerate(rounds)
    ]


@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("again", [0.02, 0.3, 0.8])
def test_the_interval_covers_the_mean_of_rounds_that_are_bounded(again, n):
    """Where content comes back each time with the same chance, or is bound to come back; drawn again, .05 to .91."""
    rng = np.random.default_rng(0)
    method, repeats, covered = Resilience(rounds=20), 200, 0
    truth = sum(again**k for k in range(1, 21))
    for seed in range(repeats):
        counts = np.minimum(rng.geometric(1 - again, n) - 1, 20)
        found = method._rounds(chains(counts.tolist()), seed)
        covered += found.low <= truth <= found.high
        assert found.low < found.high
    assert covered / repeats >= 0.93


def test_rollouts_that_were_cut_off_might_have_gone_on_to_the_end():
    found = Resilience(rounds=10)._rounds(chains([0] * 8 + [2, 3], cut=2), 0)
    assert found.estimate == 0.5
    assert (found.n, found.n_unread, found.n_cut) == (8, 2, 2)
    assert found.high_worst == Resilience(rounds=10)._rounds(chains([0] * 8 + [10, 10]), 0).high > found.high
    assert found.status.startswith("partly read: 2 of 10 rollouts were cut off before the content could come back")
    mostly = Resilience(rounds=10)._rounds(chains([0] * 10, cut=6), 0)
    assert np.isnan(mostly.estimate)
    assert mostly.status.startswith("not measured: 6 of 10")


def test_a_thought_that_was_cut_off_is_not_free_of_the_content():
    trace = cl.Trace.from_text("q", "It is 7. So it is 8.", "8")
    span = trace.spans("sentence")[0]
    method = Resilience(embedder="exact")

    class Never:
        def to(self, own, others):
            return np.zeros(len(others))

    def ended(**meta):
        return method._cut(trace, span, _Chain(ARM, 0), dataclasses.replace(trace, meta=meta), Never())

    assert ended(finish="stop", thought_closed=True).gone
    assert ended(finish="length", thought_closed=True).gone  # only its answer was cut off
    cut = ended(finish="length", thought_closed=False)
    assert cut.cut and cut.ended and not cut.gone


def test_there_is_no_test_and_no_column_of_one():
    model = cl.load("abacus", store=False)
    trace = cl.Trace.from_text("How many?", "He has 12 pears.", "The answer is 12.", model=model)
    found = cl.importance.Resilience(n=2, rounds=1, max_new_tokens=64, embedder="exact").run(trace, model)
    assert found.extras["test"] == found.extras["correction"] == "none"
    assert not {"p_value", "q_value", "significant", "null_floor"} & set(found.columns)
    kinds = cl.importance.Resilience(n=2, rounds=1, max_new_tokens=64, embedder="exact", metric="probability")
    assert "significant" in kinds.run(trace, model).columns
