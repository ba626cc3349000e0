"""Rollouts: many continuations of many prefixes, the same as if each were written alone, and none written twice."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, InputError, OutOfMemory
from cotlens.models.contract import EVER, AddVector, Start
from cotlens.models.generation.sample_store import Store
from cotlens.models.generation.sampling import Sampling, choose, rollout_seed
from cotlens.models.load import load
from cotlens.models.local import batched_decoding
from tests.model import tiny

PROMPT = "Mia has 12 pears and buys 7 more."
THOUGHT = "First I add 12 and 7, which gives 19. Wait, let me check that again."
HOT = {"temperature": 30.0, "max_new_tokens": 40}  # turns end at different times


def test_only_its_owner_can_read_a_store(tmp_path, monkeypatch):
    store = Store(tmp_path / "cotlens" / "rollouts.sqlite")
    store.keep([(b"q", 0, [1, 2], "stop")])
    modes = {path.name: path.stat().st_mode & 0o777 for path in (store.path.parent, *store.path.parent.iterdir())}
    assert modes.pop("cotlens") == 0o700
    assert set(modes.values()) == {0o600}
    store.close()
    store.path.chmod(0o644)
    monkeypatch.setenv("COTLENS_STORE", str(store.path))
    assert len(Store(store.path)) == 1
    assert store.path.stat().st_mode & 0o777 == 0o600


def trace_of(model):
    return model.compose(PROMPT, THOUGHT, "The answer is 19.")


def texts(found):
    return [[one.token_ids for one in group] for group in found]


@pytest.fixture
def stored(tmp_path):
    return load(tiny.pair("qwen3"), store=tmp_path / "rollouts.sqlite")


def alone(model, trace, at, count, **options):
    """The same rollouts, written by `resume` one prefix at a time."""
    many = model.resume(trace, at=at, n=count, seed=rollout_seed(4, trace.token_ids[:at]), **options)
    return [one.token_ids for one in many]


def test_rollouts_are_what_resume_writes(each_model):
    trace = trace_of(each_model)
    thought = trace.roles["thought"]
    places = [thought.start, thought.start + 3, thought.end - 1, len(trace.token_ids) - 2]
    found = each_model.rollouts([Start(trace, at, range(5)) for at in places], seed=4, **HOT)
    assert texts(found) == [alone(each_model, trace, at, 5, **HOT) for at in places]
    assert len({len(one.token_ids) - one.rewritten_from for group in found for one in group}) > 1
    for group, at in zip(found, places, strict=True):
        assert [one.meta["sample"] for one in group] == list(range(5))
        for one in group:
            assert one.token_ids[:at] == trace.token_ids[:at]
            assert (one.rewritten_from, one.parent, one.meta["seed"]) == (at, trace, 4)
            ended = one.token_ids[-1] in each_model.format.stop_ids
            assert one.meta["finish"] == ("stop" if ended else "length")


def test_a_model_that_takes_no_masks_writes_them_too():
    model = tiny.model("bloom")
    trace = trace_of(model)
    at = trace.roles["thought"].start + 4
    found = model.rollouts([Start(trace, at, range(3))], seed=4, max_new_tokens=6)
    assert texts(found) == [alone(model, trace, at, 3, max_new_tokens=6)]


def test_company_changes_nothing(qwen):
    trace = trace_of(qwen)
    at = trace.roles["thought"].start + 5
    many = qwen.rollouts([Start(trace, place, range(30)) for place in range(at - 4, at + 4)], **HOT)
    few = qwen.rollouts([Start(trace, at, [7, 2])], **HOT)[0]
    assert [one.token_ids for one in few] == [many[4][7].token_ids, many[4][2].token_ids]


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"temperature": 0.05}, {"top_p": 0.3}])
def test_rollouts_that_say_the_same_are_computed_once(qwen, settings):
    """Where the model is sure, many rollouts cost hardly more than one."""
    trace = trace_of(qwen)
    starts = [Start(trace, trace.roles["thought"].start + 5, range(40))]
    before = qwen.meter.snapshot()
    found = qwen.rollouts(starts, max_new_tokens=12, seed=4, **settings)
    spent = qwen.meter.since(before).tokens
    distinct = {one.token_ids[:end] for one in found[0] for end in range(starts[0].at + 1, len(one.token_ids))}
    assert spent <= len(trace.token_ids) + len(distinct)
    assert texts(found) == [alone(qwen, trace, starts[0].at, 40, max_new_tokens=12, **settings)]


def test_the_text_itself_is_followed_for_nothing(qwen):
    """A rollout that repeats its text to the end costs no token beside the pass over the text."""
    trace = qwen.reason(PROMPT, max_new_tokens=20, temperature=0)
    before = qwen.meter.snapshot()
    rest = len(trace.token_ids) - trace.meta["begin"]
    found = qwen.rollouts([Start(trace, trace.meta["begin"], range(9))], temperature=0, max_new_tokens=rest)
    assert {one.token_ids for one in found[0]} == {trace.token_ids}
    assert qwen.meter.since(before).tokens <= len(trace.token_ids)


def test_rows_wait_for_room(qwen, monkeypatch):
    trace = trace_of(qwen)
    starts = [Start(trace, trace.roles["thought"].start + at, range(12)) for at in range(3)]
    free = texts(qwen.rollouts(starts, **HOT))
    monkeypatch.setattr(batched_decoding, "_TOGETHER", {"cpu": 5})
    assert texts(qwen.rollouts(starts, **HOT)) == free


def test_running_out_of_memory_means_smaller_batches(qwen, monkeypatch):
    trace = trace_of(qwen)
    starts = [Start(trace, trace.roles["thought"].start, range(12))]
    free = texts(qwen.rollouts(starts, **HOT))
    forward = qwen.engine.forward

    def narrow(ids, *rest, **options):
        if len(ids) > 4:
            raise OutOfMemory("full")
        return forward(ids, *rest, **options)

    monkeypatch.setattr(qwen.engine, "forward", narrow)
    assert texts(qwen.rollouts(starts, **HOT)) == free


def test_interventions_reach_every_token(qwen):
    trace = trace_of(qwen)
    at = trace.roles["thought"].start + 4
    push = AddVector(1, np.linspace(-3, 3, 32, dtype=np.float32), positions=range(at - 2, EVER))
    found = qwen.rollouts([Start(trace, at, range(3))], seed=4, interventions=push, max_new_tokens=8)
    assert texts(found) == [alone(qwen, trace, at, 3, interventions=push, max_new_tokens=8)]
    assert texts(found) != texts(qwen.rollouts([Start(trace, at, range(3))], seed=4, max_new_tokens=8))


def test_a_repeated_question_costs_nothing(stored):
    trace = trace_of(stored)
    starts = [Start(trace, trace.roles["thought"].start + at, range(6)) for at in range(3)]
    first = stored.rollouts(starts, **HOT)
    before = stored.meter.snapshot()
    again = load(tiny.pair("qwen3"), store=stored.store.path).rollouts(starts, **HOT)
    assert texts(stored.rollouts(starts, **HOT)) == texts(again) == texts(first)
    assert stored.meter.since(before).tokens == 0
    assert {one.meta["stored"] for group in first for one in group} == {False}
    assert {one.meta["stored"] for group in again for one in group} == {True}
    more = stored.rollouts([Start(trace, starts[1].at, range(4, 9))], **HOT)[0]
    assert [one.meta["stored"] for one in more] == [True, True, False, False, False]
    assert stored.rollouts(starts[:1], seed=1, **HOT)[0][0].meta["stored"] is False
    assert len(stored.store) == 18 + 3 + 6


KILLED = """
import os, signal, sys
from cotlens.models.load import load
from tests.model import tiny
from tests.model.generation import test_store
model, count = load(tiny.pair("qwen3"), store=sys.argv[1]), [0]

def die(place, rollout):
    count[0] += 1
    if count[0] == 4:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

model.rollouts(test_store.starts_of(model), on_rollout=die, **test_store.HOT)
"""


def starts_of(model):
    trace = trace_of(model)
    return [Start(trace, trace.roles["thought"].start + at, range(8)) for at in range(3)]


def test_a_killed_process_loses_nothing_that_was_finished(stored):
    root = Path(tiny.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(stored.store.path)], cwd=root, env=environment)
    assert killed.returncode not in (0, 1), "it was not killed"
    finished = len(stored.store)
    assert 4 <= finished < 24
    found = stored.rollouts(starts_of(stored), **HOT)
    assert sum(one.meta["stored"] for group in found for one in group) == finished
    assert len(stored.store) == 24
    assert texts(found) == texts(tiny.model("qwen3").rollouts(starts_of(stored), **HOT))


def test_cancelled_rollouts_are_handed_back_and_not_written_again(stored):
    work, seen = Control(), []

    def hear(place, rollout):
        seen.append(rollout)
        if len(seen) == 5:
            work.cancel()

    with control.using(work), pytest.raises(Cancelled) as stopped:
        stored.rollouts(starts_of(stored), on_rollout=hear, **HOT)
    partial = [one for group in stopped.value.partial for one in group]
    assert len(partial) == len(seen) == len(stored.store) >= 5
    found = stored.rollouts(starts_of(stored), **HOT)
    assert sum(one.meta["stored"] for group in found for one in group) == len(seen)


def test_a_cancel_is_noticed_before_the_next_pass(qwen):
    trace, work, passes = trace_of(qwen), Control(), []

    def begun(*_):
        passes.append(work.cancelled.is_set())
        if len(passes) == 10:
            work.cancel()

    listening = qwen.engine.hf.register_forward_pre_hook(begun)
    try:
        with control.using(work), pytest.raises(Cancelled):
            qwen.rollouts([Start(trace, trace.roles["thought"].start, range(200))], max_new_tokens=400)
    finally:
        listening.remove()
    assert len(passes) == 10 and not any(passes)


def test_progress_counts_rollouts(qwen):
    heard = []
    with control.using(Control(lambda *said: heard.append(said))):
        qwen.rollouts(starts_of(qwen), **HOT)
    assert [said[0] for said in heard if said[2] == "rollouts"] == list(range(1, 25))
    assert {said[1:] for said in heard} == {(24, "rollouts")}


def test_bad_starts_are_refused(qwen):
    trace = trace_of(qwen)
    with pytest.raises(InputError, match="can't go on from token 0"):
        qwen.rollouts([Start(trace, 0)])
    with pytest.raises(InputError, match="different whole numbers"):
        Start(trace, 30, [1, 1])
    with pytest.raises(InputError, match="different whole numbers"):
        Start(trace, 30, [-1])
    assert qwen.rollouts([]) == []
    assert qwen.rollouts([Start(trace, 30, [])]) == [[]]


@pytest.mark.parametrize("top_p", [1.0, 0.6])
def test_samples_of_one_row_draw_from_its_distribution(top_p):
    """Chances spread evenly give every token its share of the (cut) distribution."""
    import torch

    logits = torch.tensor([[0.0, 2.0, 1.0, -1.0], [3.0, 0.0, 0.0, 0.0]])
    sampling = Sampling(0, 1, 1.0, top_p)
    rows, chances = [0] * 1000 + [1] * 500, [*np.arange(1000) / 1000, *np.arange(500) / 500]
    chosen = np.array(choose(logits, rows, chances, sampling))
    for row, count in ((0, 1000), (1, 500)):
        shares = torch.softmax(logits[row].double(), -1).numpy()
        order = np.argsort(-shares)
        kept = order[: int((np.cumsum(shares[order]) < top_p - 1e-9).sum()) + 1]
        expected = np.where(np.isin(np.arange(4), kept), shares, 0) / shares[kept].sum()
        found = np.bincount(chosen[np.array(rows) == row], minlength=4) / count
        np.testing.assert_allclose(found, expected, atol=2 / count)


def test_the_store_of_a_model_is_the_one_it_was_given(stored, qwen, tmp_path):
    assert stored.store.path == tmp_path / "rollouts.sqlite"
    assert isinstance(stored.store, Store)
    assert qwen.store is None
