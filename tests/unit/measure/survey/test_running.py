"""Surveys that run here: one table, failures as rows, nothing measured twice, and what kill -9 leaves."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

import cotlens as cl
from cotlens.__main__ import main
from cotlens._core import control
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.survey.worker import Worker

QUESTION = "Mia has 12 pears. She buys 7 more. She gives {} pears to Tom. How many pears does she have?"
METHOD = cl.importance.Occlusion(unit="sentence")


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def traces(model):
    return model.reason([QUESTION.format(k) for k in range(2, 5)])


def kept(path):
    """key -> result of all finished cells in a store."""
    if not path.exists():
        return {}
    with sqlite3.connect(path) as connection:
        try:
            return dict(connection.execute("SELECT question, result FROM cells"))
        except sqlite3.OperationalError:  # not made yet
            return {}


def test_a_survey_measures_what_its_methods_do_and_nothing_twice(model, traces, tmp_path):
    plan = cl.survey(traces, [METHOD, cl.importance.EarlyAnswer(unit="sentence", rivals=2)], models="abacus")
    found = plan.run(store=tmp_path / "s.sqlite")
    alone = [method.run(trace, model) for trace in traces for method in plan.methods]
    for one, other in zip(found.results, alone, strict=True):
        np.testing.assert_array_equal(one.columns["estimate"], other.columns["estimate"])
        assert one.provenance.weights == model.weights and one.provenance.seed == 0
    frame = found.frame()
    assert len(frame) == sum(map(len, alone)) and set(frame["cell"]) == set(range(6)) and not found.failures
    before = kept(tmp_path / "s.sqlite")
    again = plan.run(store=tmp_path / "s.sqlite")
    assert all(one.stored for one in again.outcomes.values()) and kept(tmp_path / "s.sqlite") == before
    found.table().save(tmp_path / "table.json")
    assert cl.load_result(tmp_path / "table.json").extras["cells"][5]["method"] == "EarlyAnswer"


def test_prompts_are_answered_first_and_failures_have_a_row_and_a_reason(tmp_path):
    prompts = [QUESTION.format(2), QUESTION.format(3)]
    found = cl.survey(prompts, METHOD, models=["abacus", "abakus"], seeds=[0, 1]).run(store=tmp_path / "s.sqlite")
    frame = found.frame()
    failed = frame[frame["model"] == "abakus"]
    assert list(found.failures) == [4, 5, 6, 7] and len(failed) == 4
    assert failed["estimate"].isna().all() and (failed["n"] == 0).all()
    assert failed["status"].str.contains("There is no model called 'abakus'").all()
    assert frame[frame["model"] == "abacus"]["estimate"].notna().any()


def test_a_trace_of_other_tokens_is_tokenised_anew(traces, tmp_path):
    words = cl.Trace.from_messages(
        [
            {"role": "user", "content": traces[0].prompt},
            {"role": "assistant", "reasoning_content": traces[0].thought, "content": traces[0].answer},
        ]
    )
    found = cl.survey([words], METHOD, models="abacus").run(store=tmp_path / "s.sqlite")
    assert np.isfinite(found.result(0).columns["estimate"]).any()


def test_cancelled_it_keeps_what_it_has(traces, tmp_path):
    plan = cl.survey(traces, METHOD, models="abacus")
    work = control.Control(lambda done, *_: work.cancel() if done else None)
    with control.using(work), pytest.raises(Cancelled) as stopped:
        plan.run(store=tmp_path / "s.sqlite")
    partial = stopped.value.partial
    assert partial.result(0) is not None and "not run" in partial.failures[2]
    assert not plan.run(store=tmp_path / "s.sqlite").failures


def test_workers_and_stores_that_cannot_be_are_refused(traces, tmp_path):
    plan = cl.survey(traces, METHOD, models="abacus")
    with pytest.raises(InputError, match="which is turned off"):
        plan.run(store=False)
    with pytest.raises(InputError, match="ray=True"):
        plan.run(workers=2, store=tmp_path / "s.sqlite")


def test_a_server_that_fails_is_asked_again_as_often_as_allowed(traces, tmp_path):
    served = {"name": "abacus", "backend": "vllm", "endpoint": "http://127.0.0.1:9/v1", "retries": 0}
    found = cl.survey(traces[:2], METHOD, models=served).run(workers=2, retries=1, store=tmp_path / "s.sqlite")
    assert len(found.failures) == 2 and all(one.tries == 2 for one in found.outcomes.values())
    assert all(status.startswith("after 2 tries: BackendError: ") for status in found.failures.values())


def test_a_worker_without_the_models_memory_says_so_before_it_loads(monkeypatch, traces, tmp_path):
    from cotlens.models.local.loading import planning

    monkeypatch.setattr(planning, "_free", lambda devices: dict.fromkeys(devices, 1000))
    worker = Worker(str(tmp_path / "s.sqlite"))
    (cell,) = cl.survey(traces[0], METHOD, models="abacus").cells()
    outcome = worker.do(cell)
    assert outcome.status.startswith("OutOfMemory: 'abacus' needs") and not outcome.again


def test_without_ray_it_names_the_extra(monkeypatch, traces, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CapabilityError, match=r"cotlens\[ray\]"):
        cl.survey(traces, METHOD, models="abacus").run(ray=True, store=tmp_path / "s.sqlite")


def test_the_command_killed_by_nine_goes_on_where_it_was(model, tmp_path, capfd):
    store, plan = tmp_path / "s.sqlite", tmp_path / "plan.toml"
    traces = model.reason([QUESTION.format(k) for k in range(1, 9)])
    asked = cl.survey(traces, METHOD, models="abacus", seeds=range(3))
    asked.save(plan)
    cells = len(list(asked.cells()))
    command = [sys.executable, "-m", "cotlens", "survey", str(plan), "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not kept(store) and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = kept(store)
    assert 0 < len(before) < cells == 24
    assert main(command[3:]) == 0
    after = kept(store)
    assert len(after) == cells and before.items() <= after.items()  # each has its time and cost in it: none is repeated
    out = capfd.readouterr().out
    assert "Occlusion" in out and f"{len(before)} of them from the store" in out
    assert len(cl.load_result(tmp_path / "plan.result.json")) > cells  # several rows for each
