"""The owner thread: order, cancelling, interrupts, errors, and leaving in peace."""

import gc
import signal
import subprocess
import sys
import threading
import time
import weakref

import pytest

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled
from cotlens.models.owner import OwnerThread


def wait_until_cancelled(began=None):
    if began is not None:
        began.set()
    while True:
        control.current().check()
        time.sleep(0.005)


def test_everything_runs_on_one_thread():
    owner = OwnerThread()
    names = {owner.run(threading.get_ident) for _ in range(5)}
    names |= {owner.submit(threading.get_ident).result() for _ in range(5)}
    assert len(names) == 1
    assert threading.get_ident() not in names


def test_calls_from_the_owner_thread_run_inline():
    owner = OwnerThread()
    assert owner.run(lambda: owner.run(lambda: 5)) == 5
    assert owner.run(lambda: owner.here)
    assert not owner.here


def test_what_a_job_submits_comes_after_it():
    owner, order = OwnerThread(), []

    def job():
        later = owner.submit(lambda: order.append("later"), priority=9)
        order.append("job")
        return later

    owner.run(job).result(timeout=60)
    assert order == ["job", "later"]


def test_higher_priorities_run_first_and_equal_ones_in_order():
    owner, order, gate = OwnerThread(), [], threading.Event()
    jobs = [owner.submit(gate.wait)]
    for priority, name in ((0, "a"), (0, "b"), (5, "c"), (-1, "d"), (5, "e")):
        jobs.append(owner.submit(lambda name=name: order.append(name), priority=priority))
    gate.set()
    for job in jobs:
        job.result(timeout=60)
    assert order == ["c", "e", "a", "b", "d"]


def test_errors_reach_the_caller_and_the_thread_lives_on():
    owner = OwnerThread()
    with pytest.raises(ZeroDivisionError):
        owner.run(lambda: 1 / 0)
    with pytest.raises(TimeoutError):
        owner.run(raise_timeout)
    assert owner.run(lambda: 3) == 3


def raise_timeout():
    raise TimeoutError("of the job's own")


def test_a_running_job_is_cancelled_soon():
    owner, mine, began = OwnerThread(), Control(), threading.Event()
    job = owner.submit(lambda: wait_until_cancelled(began), mine)
    assert began.wait(60)
    mine.cancel()
    with pytest.raises(Cancelled):
        job.result(timeout=60)


def test_a_waiting_job_is_cancelled_without_running():
    owner, gate, mine, ran = OwnerThread(), threading.Event(), Control(), []
    first = owner.submit(gate.wait)
    job = owner.submit(lambda: ran.append(1), mine)
    mine.cancel()
    gate.set()
    first.result(timeout=60)
    with pytest.raises(Cancelled):
        job.result(timeout=60)
    assert not ran


def test_the_callers_control_goes_along():
    owner, told = OwnerThread(), []
    with control.using(Control(lambda *what: told.append(what))):
        owner.run(lambda: control.current().report(1, 2, "x"))
    assert told == [(1, 2, "x")]


@pytest.fixture
def interruptible():
    """Ctrl+C as in a terminal: a process started in the background ignores it from birth."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_cancels_and_hands_on_what_was_done(interruptible):
    owner = OwnerThread()

    def work():
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()  # someone waits for this by then
        try:
            wait_until_cancelled()
        except Cancelled as error:
            error.partial = "half"
            raise

    with pytest.raises(KeyboardInterrupt) as caught:
        owner.run(work)
    assert caught.value.partial == "half"
    assert owner.run(lambda: 1) == 1


def test_the_thread_ends_with_its_owner():
    owner = OwnerThread()
    thread = owner.run(threading.current_thread)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_the_interpreter_exits_while_a_job_runs():
    code = (
        "import threading, time\n"
        "from cotlens.models.owner import OwnerThread\n"
        "owner, began = OwnerThread(), threading.Event()\n"
        "owner.submit(lambda: (began.set(), time.sleep(3600)))\n"
        "assert began.wait(60)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0  # the job would take an hour


def test_an_owner_that_is_stopped_cancels_its_job_and_ends():
    owner, began = OwnerThread(), threading.Event()
    running, waiting = owner.submit(lambda: wait_until_cancelled(began)), owner.submit(lambda: 5)
    began.wait()
    owner.stop(10)
    assert isinstance(running.exception(), Cancelled) and not waiting.done() and not owner._thread.is_alive()
    assert owner.run(lambda: 6) == 6 and waiting.result() == 5
