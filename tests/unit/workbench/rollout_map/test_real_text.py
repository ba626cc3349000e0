"""The map of real thoughts: published ones of which sentences are left out, and rollouts of a pretrained model."""

import itertools

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.rollouts import align
from tests import pretrained
from tests.thought_anchors import problem
from tests.unit.widgets.shapes import check_view

PROBLEMS = [f"{kind}_base_solution/problem_{number}" for kind, number in
            (("correct", 330), ("correct", 2238), ("incorrect", 2189))]  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_sentences_of_a_published_thought_find_their_columns_again(name):
    """Forty copies, each without a fifth of the sentences: the same sentence should stand in the same column."""
    (trace,) = cl.read(problem(name))
    said = [trace.text[span.char_start : span.char_end] for span in cl.categories.tag(trace).spans]
    rng = np.random.default_rng(0)
    kept = [np.flatnonzero(rng.random(len(said)) < 0.8) for _ in range(40)]
    made = align([[said[at] for at in rows] for rows in kept])
    columns: dict[int, list[int]] = {}
    for rows, placed in zip(kept, made.columns, strict=True):
        for at, column in zip(rows.tolist(), placed.tolist(), strict=True):
            columns.setdefault(at, []).append(column)
    together = [max(map(found.count, set(found))) / len(found) for found in columns.values()]
    assert np.mean(together) > 0.97  # 0.991 to 0.996 when this was written
    assert made.width <= 1.05 * len(said)


def test_a_folder_of_published_problems_is_a_map_of_several_prompts():
    shown = cl.show(problem(PROBLEMS[0]).parents[1])
    check_view(shown.view)
    assert len(shown.view.prompts) == len(shown.traces) == 3
    assert {prompt["groups"][0]["answer"] for prompt in shown.view.prompts} == {"88572", "120", "420"}
    assert [prompt["tree"] for prompt in shown.view.prompts] == [[]] * 3


def test_rollouts_of_a_pretrained_model_share_what_their_tokens_say():
    model = pretrained.model()
    rollouts = model.reason("What is 12 + 7? Think, then answer.", n=4, max_new_tokens=8, seed=1)
    shown = cl.RolloutMap(rollouts, model)
    check_view(shown.view)
    (prompt,) = shown.view.prompts
    assert sum(group["n"] for group in prompt["groups"]) == 4
    for node in prompt["tree"]:
        begins = [tuple(rollouts[row].token_ids[: node["end"]]) for row in node["rows"]]
        assert len(set(begins)) == 1
        longer = [rollouts[row].token_ids[node["end"] : node["end"] + 1] for row in node["rows"]]
        assert len(set(longer)) > 1, "no longer one is shared by all of them"
        others = set(range(4)) - set(node["rows"])
        assert all(tuple(rollouts[row].token_ids[: node["end"]]) != begins[0] for row in others)
    shared = {pair for node in prompt["tree"] for pair in itertools.combinations(node["rows"], 2)}
    assert len(shared) == 6, "all share the prompt"
