"""What is asked of a server: how often, how much at once, in which words, and until when."""

import threading
import time

import pytest

from cotlens._core.control import Control
from cotlens._core.errors import BackendError, Cancelled
from cotlens.models.contract import Branch, Start
from tests.remote.endpoint import PROMPT, connect


@pytest.fixture
def trace(qwen):
    return qwen.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")


def test_what_begins_another_text_is_not_asked_for(model, server, trace):
    before = len(server.requests)
    model.score(trace, [Branch(p, trace.token_ids[p : p + 2]) for p in range(4, 20)])
    assert len(server.requests) == before + 1


def test_a_cancel_stops_the_server_and_keeps_what_was_written(server, model):
    server.step_s = 0.02
    mine, heard, before = Control(), threading.Event(), server.aborted
    job = model.owner.submit(
        lambda: model.reason(PROMPT, n=3, max_new_tokens=400, seed=1, on_token=lambda *_: heard.set()), mine
    )
    assert heard.wait(60)
    mine.cancel()
    with pytest.raises(Cancelled) as caught:
        job.result(timeout=60)
    partial = caught.value.partial
    assert [trace.meta["finish"] for trace in partial] == ["cancelled"] * 3
    assert max(len(trace.token_ids) - trace.meta["begin"] for trace in partial) > 0
    deadline = time.monotonic() + 60
    while server.aborted < before + 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.aborted == before + 3, "the server stopped working too"


def test_requests_go_together_but_not_more_than_allowed(server, served, trace):
    model = connect(served[1], together=3)
    server.step_s, server.most_running = 0.005, 0
    model.rollouts([Start(trace, 30, range(8))], max_new_tokens=4)
    assert server.most_running == 3


def test_an_interrupted_run_goes_on_where_it_was(server, served, trace, tmp_path):
    starts = [Start(trace, at, range(4)) for at in (28, 30)]
    whole = connect(served[1]).rollouts(starts, max_new_tokens=6, seed=2)
    model = connect(served[1], store=tmp_path / "rollouts.sqlite", retries=0, together=1)
    server.faults.extend(["", "", "", "500"])
    with pytest.raises(BackendError, match="Engine core died") as caught:
        model.rollouts(starts, max_new_tokens=6, seed=2)
    assert [len(each) for each in caught.value.partial] == [3, 0]
    before = len(server.requests)
    again = connect(served[1], store=tmp_path / "rollouts.sqlite")
    probing = len(server.requests) - before
    rest = again.rollouts(starts, max_new_tokens=6, seed=2)
    assert len(server.requests) - before - probing == 5
    assert [[one.token_ids for one in each] for each in rest] == [[one.token_ids for one in each] for each in whole]
    assert [one.meta["stored"] for one in rest[0]] == [True] * 3 + [False]


def test_what_was_asked_of_the_server_is_plain_sampling(server, model):
    """Nothing that a server may have as its default cuts the vocabulary or weighs repetition."""
    model.reason(PROMPT, max_new_tokens=2, temperature=0.7, top_p=0.9, seed=4)
    sent = server.requests[-1]
    assert (sent["temperature"], sent["top_p"], sent["seed"]) == (0.7, 0.9, 4)
    assert (sent["top_k"], sent["min_p"], sent["repetition_penalty"]) == (-1, 0.0, 1.0)
    assert set(sent["stop_token_ids"]) == model.format.stop_ids


def test_top_k_is_sent_and_seeds_stay_apart(server, model):
    trace = model.reason(PROMPT, max_new_tokens=12, temperature=2.0, top_k=2, seed=2**63)
    sent = server.requests[-1]
    assert sent["top_k"] == trace.meta["top_k"] == 2
    assert all(trace.token_ids[at] in trace.top_ids[at][:2] for at in range(trace.meta["begin"], len(trace.token_ids)))
    seeds = []
    for seed in (0, 2**31, 2**32, 2**63):
        model.reason(PROMPT, max_new_tokens=1, seed=seed)
        seeds.append(server.requests[-1]["seed"])
    assert len(set(seeds)) == 4 and max(seeds) < 2**31
    model.reason(PROMPT, max_new_tokens=1, temperature=1e-307, top_k=2)
    assert server.requests[-1]["temperature"] == 0
