"""A curve of early answers with fewer points: the full one where it was measured, and marked where it wasn't."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.results.certainty import CERTAINTIES, certainty

QUESTION = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"
FLOOR = 0.05


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def trace(model):
    return model.reason(QUESTION, temperature=0)


@pytest.fixture(scope="module")
def full(model, trace):
    return cl.importance.EarlyAnswer(unit="token").run(trace, model)


@pytest.fixture(scope="module")
def fewer(model, trace):
    """The result, and how many tokens both took."""
    spent = []
    for refine in (None, FLOOR):
        model.engine.trunk = None
        before = model.meter.snapshot()
        result = cl.importance.EarlyAnswer(unit="token", refine=refine).run(trace, model)
        spent.append(model.meter.since(before).tokens)
    return result, spent


def test_what_was_measured_is_the_full_curve(full, fewer):
    result, (all_tokens, tokens) = fewer
    at = result.extras["curve_at"]
    rows = np.searchsorted(full.extras["curve_at"], at)
    assert 2 < len(at) < len(full.extras["curve_at"]) and tokens < all_tokens
    both = [answer for answer in result.extras["answers"] if answer in full.extras["answers"]]
    assert len(both) >= 4
    for answer in both:
        mine, theirs = (one.extras["curve"][:, one.extras["answers"].index(answer)] for one in (result, full))
        np.testing.assert_allclose(mine, theirs[rows], atol=1e-4)
    for name in ("curve_metric", "masked_curve"):
        np.testing.assert_allclose(result.extras[name], full.extras[name][rows], atol=1e-4)
    exact = result.columns["status"] == "exact"
    assert 0 < exact.sum() < len(result)
    for name in ("estimate", "probability", "masked", "low"):
        np.testing.assert_allclose(result.columns[name][exact], full.columns[name][exact], atol=1e-3)
    assert (result.columns["leading"][exact] == full.columns["leading"][exact]).all()


def test_what_was_not_is_marked_and_a_straight_line(trace, fewer):
    result, _ = fewer
    left_out = np.array([status.startswith("interpolated") for status in result.columns["status"]])
    assert left_out.any() and (result.columns["n"] == ~left_out).all()
    assert np.isnan(result.columns["low"][left_out]).all() and np.isfinite(result.columns["estimate"]).all()
    hollow = [CERTAINTIES.index("open"), CERTAINTIES.index("small")]
    assert np.isin(certainty(result)[left_out], hollow).all()
    curve, at = result.extras["curve_metric"], result.extras["curve_at"]
    for first, last in result.extras["interpolated"]:
        i = int(np.searchsorted(at, first))
        assert at[i + 1] == last and last - first > 1
        inside = (result.columns["start"] >= first) & (result.columns["end"] <= last)
        assert left_out[inside].all()
        np.testing.assert_allclose(result.columns["estimate"][inside].sum(), curve[i + 1] - curve[i], atol=1e-3)
        assert np.abs(np.diff(result.extras["curve"][i : i + 2], axis=0)).max() <= FLOOR + 1e-6
    total = result.columns["estimate"].sum()
    np.testing.assert_allclose(total, curve[-1] - curve[0], atol=1e-3)


def test_sentence_ends_are_measured_and_every_move_is_followed_to_its_token(trace, fewer):
    result, _ = fewer
    at, curve = result.extras["curve_at"].tolist(), result.extras["curve"]
    assert {trace.roles["thought"].start, *(span.end for span in trace.spans("sentence"))} <= set(at)
    moved = [i for i in range(len(at) - 1) if np.abs(np.diff(curve[i : i + 2], axis=0)).max() > FLOOR + 1e-6]
    assert moved and all(at[i + 1] == at[i] + 1 for i in moved)


def test_short_thoughts_are_measured_whole_and_settings_are_checked(model, trace, full):
    auto = cl.importance.EarlyAnswer(unit="token", refine="auto").run(trace, model)
    assert (auto.columns["status"] == "exact").all() and len(auto.extras["interpolated"]) == 0
    np.testing.assert_array_equal(auto.columns["estimate"], full.columns["estimate"])
    for wrong in (-0.1, 1.5, "all", True):
        with pytest.raises(InputError, match="refine"):
            cl.importance.EarlyAnswer(refine=wrong)


def test_units_and_files(model, trace, fewer, tmp_path):
    result, _ = fewer
    result.save(tmp_path / "r.json")
    again = cl.load_result(tmp_path / "r.json")
    assert again.frame().equals(result.frame())
    np.testing.assert_array_equal(again.extras["interpolated"], result.extras["interpolated"])
    result.chart(view="curve")
    sentences = cl.importance.EarlyAnswer(unit="sentence", refine=FLOOR).run(trace, model)
    assert (sentences.columns["status"] == "exact").all()
