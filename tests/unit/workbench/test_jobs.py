"""Jobs on a real owner thread: progress, cancel, latest wins, errors with their remedy."""

import threading
import time
from types import SimpleNamespace

import pytest

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.models.owner import OwnerThread
from cotlens.workbench.shared.jobs import ENDED, Jobs
from cotlens.workbench.shared.pace import Pace


@pytest.fixture
def states():
    return []


@pytest.fixture
def jobs(states):
    return Jobs(OwnerThread("test-owner"), states.append)


def work_until_cancelled(started):
    def work():
        for i in range(10_000):
            control.current().check()
            control.current().report(i, 10_000, "counting")
            started.set()
            time.sleep(0.01)

    return work


def test_a_job_runs_off_the_main_thread_and_says_when_it_is_done(jobs, states):
    seen = []
    jobs.start("look", lambda: seen.append(threading.current_thread().name))
    assert jobs.wait(60)
    assert seen == ["test-owner"]
    assert [state.state for state in states] == ["queued", "running", "done"]


def test_progress_has_an_estimate_and_is_throttled(jobs, states, monkeypatch):
    passed = [0.0]  # seconds on the clock of the jobs
    monkeypatch.setattr("cotlens.workbench.shared.jobs.time", SimpleNamespace(monotonic=lambda: passed[0]))

    def work():
        for i in range(1, 101):
            passed[0] += 0.101
            control.current().report(i, 100, "steps")

    jobs.start("work", work)
    assert jobs.wait(60)
    progress = [state for state in states if state.state == "running" and state.total == 100]
    assert [state.done for state in progress] == list(range(1, 101))
    etas = {state.done: state.eta for state in progress}
    assert etas[1] is None, "one step tells no rate"
    assert etas[50] == pytest.approx(5.05, abs=0.1)
    assert etas[99] is None and etas[100] is None, "what is about to end isn't counted down"


def test_the_time_left_follows_the_rate_of_now():
    pace = Pace()
    assert pace.left(1.0, 90, 100) is None, "ninety came from a store at once"
    for second in range(2, 62, 2):
        left = pace.left(float(second), 90 + second // 12, 100)  # and one every twelve seconds after that
    assert left == pytest.approx(60, rel=0.3), "what the first ones took is forgotten"
    assert pace.left(70.0, 100, 100) is None, "all was counted, and something else goes on"


def test_work_says_what_it_did(jobs, states):
    jobs.start("measuring", lambda: "read the probabilities")
    assert jobs.wait(60)
    assert (states[-1].state, states[-1].label) == ("done", "read the probabilities")


def test_what_changes_in_a_label_begins_no_new_stage(jobs, states, monkeypatch):
    passed = [0.0]
    monkeypatch.setattr("cotlens.workbench.shared.jobs.time", SimpleNamespace(monotonic=lambda: passed[0]))

    def work():
        for i in range(1, 101):
            passed[0] += 0.101
            control.current().report(i, 100, f"rollouts, {i - 1} of {i} answers read")

    jobs.start("work", work)
    assert jobs.wait(60)
    progress = [state for state in states if state.state == "running" and state.total == 100]
    assert [state.done for state in progress] == list(range(1, 101))
    assert progress[-1].label == "rollouts, 99 of 100 answers read"
    assert progress[49].eta == pytest.approx(5.05, abs=0.1)


def test_a_cancel_is_noticed(jobs, states):
    started = threading.Event()
    jobs.start("long", work_until_cancelled(started))
    assert started.wait(60)
    jobs.cancel()
    assert jobs.wait(60)
    assert states[-1].state == "cancelled"


def test_the_latest_request_of_a_lane_wins(jobs, states):
    started, seen = threading.Event(), []
    first = jobs.start("first", work_until_cancelled(started), slot="measure")
    assert started.wait(60)
    second = jobs.start("second", lambda: seen.append("second"), slot="measure")
    third = jobs.start("third", lambda: seen.append("third"), slot="measure")
    assert jobs.wait(60)
    assert seen == ["third"]
    assert [job.state.state for job in (first, second, third)] == ["cancelled", "cancelled", "done"]


def test_lanes_do_not_disturb_each_other(jobs):
    seen = []
    jobs.start("a", lambda: seen.append("a"), slot="a")
    jobs.start("b", lambda: seen.append("b"), slot="b")
    assert jobs.wait(60)
    assert seen == ["a", "b"]


def test_an_error_is_shown_and_the_thread_lives_on(jobs, states):
    def fails():
        raise InputError("The prompt is empty: give one.")

    jobs.start("fails", fails)
    jobs.wait(60)
    assert states[-1].state == "error" and states[-1].message == "The prompt is empty: give one."
    assert "InputError" in jobs.last_error.traceback
    jobs.start("fine", lambda: None)
    assert jobs.wait(60) and states[-1].state == "done"


def test_an_unforeseen_error_points_to_its_details(jobs, states):
    jobs.start("fails", lambda: 1 / 0)
    jobs.wait(60)
    assert states[-1].state == "error" and "ZeroDivisionError" in states[-1].message and states[-1].remedy


def test_every_job_ends_in_one_state(jobs, states):
    for i in range(20):
        jobs.start(f"job {i}", lambda: time.sleep(0.005))
    jobs.wait(60)
    ends = [state.id for state in states if state.state in ENDED]
    assert len(ends) == len(set(ends))
