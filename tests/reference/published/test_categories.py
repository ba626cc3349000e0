"""Categories by rules, held to those that were published with three rollouts."""

import numpy as np
import pytest

import cotlens as cl
from tests import thought_anchors

PROBLEMS = {
    "correct_base_solution/problem_330": 0.58,
    "correct_base_solution/problem_2238": 0.53,
    "incorrect_base_solution/problem_2189": 0.73,
}


@pytest.fixture(scope="module")
def rollouts():
    return [cl.read_rollouts(thought_anchors.problem(name)) for name in PROBLEMS]


def test_rules_agree_with_published_categories_as_their_page_says(rollouts):
    mine = [cl.categories.tag(one.trace, spans=one.spans) for one in rollouts]
    theirs = [cl.categories.published(one) for one in rollouts]
    each = [cl.categories.agreement(one, two).kappa for one, two in zip(mine, theirs, strict=True)]
    assert each == pytest.approx(list(PROBLEMS.values()), abs=0.006)
    together = cl.categories.agreement(mine, theirs)
    assert together.n == 259
    assert (together.kappa, together.low, together.high) == pytest.approx((0.60, 0.53, 0.66), abs=0.006)
    assert together.observed == pytest.approx(0.68, abs=0.006)


def test_published_importance_by_category_is_the_mean_of_its_sentences(rollouts):
    results = [one.importance("resampling_accuracy") for one in rollouts]
    tags = [cl.categories.published(one) for one in rollouts]
    found = cl.categories.importance(results, tags).frame().set_index("text")
    values = np.concatenate([result.columns["estimate"] for result in results])
    names = np.array([name for one in tags for name in one.categories])
    for name in found.index:
        assert found.loc[name, "estimate"] == pytest.approx(np.nanmean(values[names == name]))
    assert found.loc["active_computation", "traces"] == 3
    assert found.loc["active_computation", "low"] < found.loc["active_computation", "high"]
