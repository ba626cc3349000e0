"""Many rollouts, and many prompts, as one collection."""

import json

import pytest

import cotlens as cl

QUESTIONS = [
    "Mia has 12 pears. She buys 7 more. How many pears does Mia have now?",
    "Tom has 4 figs. He eats 1. How many?",
]


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


def test_many_rollouts_are_a_collection(abacus, tmp_path):
    traces = abacus.reason(QUESTIONS[0], n=6, seed=3)
    assert isinstance(traces, cl.Traces)
    assert len(traces) == 6
    assert traces[0] == abacus.reason(QUESTIONS[0], seed=3)
    groups = traces.group("answer")
    assert sum(len(group) for group in groups.values()) == 6
    traces.save(tmp_path / "six.traces")
    loaded = cl.Traces.load(tmp_path / "six.traces", model=abacus)
    assert loaded == traces
    assert loaded.frame().equals(traces.frame())
    assert abacus.resume(loaded[2].truncate(loaded[2].spans("sentence")[0]), n=2) == abacus.resume(
        traces[2].truncate(traces[2].spans("sentence")[0]), n=2
    )


def test_many_prompts_are_asked_one_after_the_other(abacus):
    traces = abacus.reason(QUESTIONS, n=2, seed=1)
    assert [trace.prompt for trace in traces] == [QUESTIONS[0]] * 2 + [QUESTIONS[1]] * 2
    assert traces[2:] == abacus.reason(QUESTIONS[1], n=2, seed=1)
    asked = abacus.reason([[{"role": "user", "content": text}] for text in QUESTIONS], seed=1)
    assert [trace.token_ids for trace in asked] == [traces[0].token_ids, traces[2].token_ids]


COIN = (
    "Jack has 78 pens. There are two bags: the black bag holds 16 pens, the yellow bag holds 18 pens. "
    "He takes one of them. How many pens does Jack have in the end?"
)


def test_two_hundred_rollouts_become_a_finding_from_whatever_they_are_kept_in(abacus, tmp_path):
    """As a folder of each chunk's own rollouts, and as one file: the same groups, the same map, the same finding."""
    rollouts = abacus.reason(COIN, n=200, seed=1)
    prompt = f"{COIN}\n<think>\n"
    said = [f"{trace.thought.strip()}\n</think>\n\n{trace.answer.strip()}" for trace in rollouts]
    (tmp_path / "base_solution.json").write_text(json.dumps({"prompt": prompt, "solution": said[0]}))
    for chunk in range(4):
        (tmp_path / f"chunk_{chunk}").mkdir()
        found = [{"prefix_without_chunk": "", "rollout": text} for text in said[50 * chunk : 50 * chunk + 50]]
        (tmp_path / f"chunk_{chunk}" / "solutions.json").write_text(json.dumps(found))
    rollouts.save(tmp_path / "rollouts.traces")
    base, *read = cl.read(tmp_path)
    assert base.thought == rollouts[0].thought.strip() and [trace.meta["chunk"] for trace in read][::50] == [0, 1, 2, 3]
    folder, paged = cl.Traces(read), cl.read(tmp_path / "rollouts.traces")
    assert folder.answers() == paged.answers() == rollouts.answers()
    maps = [cl.RolloutMap(traces).view for traces in (rollouts, folder, paged)]
    groups = {name: len(group) for name, group in rollouts.group("answer").items()}
    for view in maps:
        assert {group["answer"]: group["n"] for group in view.prompts[0]["groups"]} == groups
        assert all(group["low"] < group["share"] < group["high"] for group in view.prompts[0]["groups"])
        assert view.rollouts["texts"] == maps[0].rollouts["texts"] or view is maps[1]  # a folder strips its texts
    assert maps[2].prompts == maps[0].prompts and maps[2].rollouts == maps[0].rollouts
    for bag, answer in (("yellow", "96"), ("black", "94")):
        took = folder.filter(lambda one, bag=bag: f"take the {bag}" in one.thought)
        assert set(took.answers()) == {answer} and len(took) > 20, "the answer goes with the bag"
