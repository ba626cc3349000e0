"""Many rollouts, and many prompts, as one collection."""

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
