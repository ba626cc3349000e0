"""Surveys on a real Ray cluster: kill -9 of the driver and of a worker loses no finished cell and repeats none."""

import json
import os
import platform
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cotlens as cl
from cotlens._core import control
from cotlens._core.errors import BackendError, InputError
from cotlens.measure.survey import on_ray
from tests.unit.measure.survey import ray_cluster
from tests.unit.measure.survey.test_running import METHOD, QUESTION, kept

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'cotlens[ray]'")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running cluster with two cores."""
    with pytest.MonkeyPatch.context() as patch, ray_cluster.running(tmp_path_factory.mktemp("ray")) as found:
        for name, value in ray_cluster.ENVIRONMENT.items():
            patch.setenv(name, value)
        yield found
        ray.shutdown()


@pytest.fixture(scope="module")
def plan():
    traces = cl.load("abacus", store=False).reason([QUESTION.format(k) for k in range(1, 9)])
    return cl.survey(traces, METHOD, models="abacus", seeds=range(3))


def test_killed_drivers_and_workers_lose_nothing_and_repeat_nothing(cluster, plan, tmp_path):
    store, told = tmp_path / "s.sqlite", tmp_path / "plan.toml"
    plan.save(told)
    command = [sys.executable, "-m", "cotlens", "survey", str(told), "--store", str(store), "--ray", cluster.address]
    driver = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(kept(store)) < 3 and driver.poll() is None:
        time.sleep(0.02)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    before, killed = kept(store), []
    assert 3 <= len(before) < len(plan) == 24

    def kill(done, total, label):
        if done >= len(before) + 4 and not killed:
            killed.append(done)
            cluster.workers()[0].kill()

    with control.using(control.Control(kill)):
        found = plan.run(ray=cluster.address, workers=1, store=store)
    after = kept(store)
    assert killed and not found.failures and len(found.outcomes) == len(after) == 24
    assert before.items() <= after.items()  # each has its time and cost in it: none is repeated
    assert sum(one.stored for one in found.outcomes.values()) >= len(before)
    assert max(one.tries for one in found.outcomes.values()) == 2
    assert len({one.worker for one in found.outcomes.values() if not one.stored}) == 2
    here = METHOD.run(plan.traces[0], cl.load("abacus", store=False))
    np.testing.assert_allclose(found.result(0).columns["estimate"], here.columns["estimate"], atol=1e-4)


def test_a_worker_that_ray_ended_for_want_of_memory_is_replaced_and_said_in_a_sentence(cluster, plan, tmp_path):
    """What Ray says of it is a page of figures, and comes as no death of an actor."""
    cell, told = next(iter(plan.cells())), []
    pool = on_ray.RayPool(cluster.address, 1, str(tmp_path / "s.sqlite"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            full = ray.exceptions.OutOfMemoryError("1 worker(s) were killed as the node runs low on memory. " * 20)
            patch.setattr(ray, "get", lambda ref: (_ for _ in ()).throw(full))
            pool.send(cell)
            while not told:
                told += pool.arrived()
        assert told[0].again and not told[0].key and len(told[0].status) < 150
        assert "a Ray worker was ended for want of memory; give it a larger machine" in told[0].status
        pool.send(cell)  # to the one in its place
        while len(told) < 2:
            told += pool.arrived()
        assert told[1].key and told[1].status == "ok"
    finally:
        pool.close()


def test_a_cluster_too_small_says_what_it_has(cluster, plan, tmp_path):
    with pytest.raises(InputError, match="cluster has 2 cores and 0 GPUs"):
        plan.run(ray=cluster.address, workers=64, store=tmp_path / "s.sqlite")


def test_where_there_is_no_cluster_is_one_sentence(plan, tmp_path, monkeypatch):
    def timed_out(*_, **__):
        raise Exception("The current node timed out during startup.\nMore of it.")

    monkeypatch.setattr(ray, "init", timed_out)
    with pytest.raises(BackendError, match=r"No Ray cluster can be had at '10.0.0.1:6379' \(The current node timed"):
        plan.run(ray="10.0.0.1:6379", store=tmp_path / "s.sqlite")


def test_a_machine_without_the_store_gives_its_results_back(plan, tmp_path):
    cell = next(iter(plan.cells()))
    for host, comes in (("another machine", True), (platform.node(), False)):
        worker = on_ray.RayWorker(str(tmp_path / "theirs.sqlite"), host)
        outcome = json.loads(worker.do(on_ray.packed(cell)))
        assert outcome["key"] and ('"estimate"' in outcome["result"]) is comes
