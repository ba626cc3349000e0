import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotlens._core.errors import InputError
from cotlens.measure.steering import sentences
from cotlens.measure.steering.fitting import SHRUNK, difference, discriminant, pca
from cotlens.measure.steering.layers import _separation, auroc, groups_of, halved
from cotlens.trace import Trace


def drawn(n, d, shift, seed=0):
    rng = np.random.default_rng(seed)
    direction = np.zeros(d)
    direction[1] = shift
    return rng.normal(size=(n, d)) + direction, rng.normal(size=(n, d))


def test_every_method_finds_the_planted_direction():
    positive, negative = drawn(400, 6, 4.0)
    for fit in (difference, pca, discriminant):
        found = fit(positive, negative)
        assert found[1] / np.linalg.norm(found) > 0.97
        assert (fit(negative, positive) @ found) / np.linalg.norm(found) < -0.9 * np.linalg.norm(found)
    assert np.linalg.norm(pca(positive, negative)) == pytest.approx(1)


def test_the_discriminant_leaves_out_what_varies_within_the_sides():
    """Few examples and one loud direction: the difference of means points along it by chance, the discriminant less."""
    positive, negative = drawn(40, 6, 1.0, seed=2)
    for side in (positive, negative):
        side[:, 3] *= 40
    plain, found = difference(positive, negative), discriminant(positive, negative)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(plain))
    assert abs(found[3]) < abs(plain[3]) / 2 and found[1] > 2 * plain[1]


def test_the_discriminant_solves_its_equation():
    positive, negative = drawn(50, 4, 2.0)
    found = discriminant(positive, negative)
    sides = [side - side.mean(0) for side in (positive, negative)]
    covariance = sum(side.T @ side for side in sides) / 100
    shrunk = (1 - SHRUNK) * covariance + SHRUNK * np.diag(covariance).mean() * np.eye(4)
    back, apart = shrunk @ found, positive.mean(0) - negative.mean(0)
    np.testing.assert_allclose(back / np.linalg.norm(back), apart / np.linalg.norm(apart), atol=1e-9)


def test_sides_without_any_spread_differ_by_their_means():
    ones = np.ones((3, 2))
    np.testing.assert_array_equal(discriminant(ones, 0 * ones), [1, 1])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=12),
    st.lists(st.integers(-5, 5), min_size=1, max_size=12),
)
def test_auroc_counts_pairs(positive, negative):
    wins = sum((a > b) + 0.5 * (a == b) for a in positive for b in negative)
    found = auroc(np.array(positive, float), np.array(negative, float))
    assert found == pytest.approx(wins / len(positive) / len(negative))


def test_what_belongs_together_stays_in_one_half():
    traces = [Trace.from_text("q", f"One is {i} here. Then {i + 1} there. At last {i + 2}.", "a") for i in range(8)]
    positive, negative = sentences(traces, lambda trace, span: "Then" in trace.text[span.char_start : span.char_end])
    groups = groups_of(positive, negative)
    for seed in range(5):
        first = halved(groups, seed)
        inside = [set(side[half]) for side, half in zip(groups, first, strict=True)]
        outside = [set(side[~half]) for side, half in zip(groups, first, strict=True)]
        assert not (inside[0] | inside[1]) & (outside[0] | outside[1])
        assert len(inside[0]) == len(outside[0]) == 4


def test_pairs_of_texts_belong_together():
    first, second = groups_of(["a", "b", "c"], ["x", "y", "z"])
    assert first.tolist() == second.tolist()
    first, second = groups_of(["a", "b"], ["x", "y", "z"])
    assert not set(first.tolist()) & set(second.tolist())


def test_one_text_alone_can_not_be_held_out():
    with pytest.raises(InputError, match="held out"):
        halved(groups_of(["a"], ["x"]), 0)


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.35, 0.65), (4.0, 0.97, 1.0)])
def test_held_out_examples_are_separated_where_there_is_something_to_find(shift, low, high):
    positive, negative = drawn(80, 30, shift, seed=5)
    groups = (np.arange(80), np.arange(80, 160))
    half = halved(groups, 0)
    row = _separation(positive, negative, [half, (~half[0], ~half[1])], groups, "difference", np.random.default_rng(0))
    assert low <= row["estimate"] <= high
    assert row["low"] <= row["estimate"] <= row["high"]
    assert row["control_low"] <= row["control"] <= row["control_high"] < 0.95


def test_a_label_that_holds_everywhere_or_nowhere_is_refused():
    trace = Trace.from_text("q", "One here. Then there.", "a")
    for holds in (True, False):
        with pytest.raises(InputError, match="nothing to set against"):
            sentences([trace], lambda trace, span, holds=holds: holds)
