"""One thread owns a model: everything that touches it runs there.

nnsight's traces, and even plain forwards beside a trace, break when two threads use one model. So callers hand over
functions; short jobs can go first, and each job can be cancelled.
"""

from __future__ import annotations

import atexit
import contextvars
import itertools
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from cotlens._core import control as controls
from cotlens._core.control import Control

T = TypeVar("T")
_Jobs = queue.PriorityQueue[tuple[int, int, Any]]
_LAST = 2**62  # sorts after every job
_POLL_S = 0.1  # how soon an interrupt is noticed on platforms where waiting for a lock can't be interrupted
_GRACE_S = 5.0  # how long an interrupted caller waits for the job to notice
_EXIT_S = 2.0  # how long an interpreter that exits does


class OwnerThread:
    """A worker thread with a priority queue.

    It starts with the first job and is a daemon. It ends when its owner is garbage-collected, and an interpreter that
    exits cancels its job and waits for that shortly: a thread that is killed within a pass of torch aborts the process.

    Args:
        name: shown in thread listings.
    """

    def __init__(self, name: str = "cotlens-model") -> None:
        self._name = name
        self._jobs: _Jobs = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._running: list[Control] = []
        _OWNERS.add(self)
        weakref.finalize(self, self._jobs.put, (_LAST, _LAST, None)).atexit = False

    @property
    def here(self) -> bool:
        """Whether the caller is on the owner thread."""
        return threading.current_thread() is self._thread

    def submit(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> Future[T]:
        """Enqueue `fn`.

        Args:
            control: cancels the job and receives its progress; by default the caller's current one.
            priority: higher ones run first, equal ones in order; what a job submits itself comes after it.

        Returns:
            a future; `control.cancel()` makes it end with `Cancelled`, also while it is still in the queue.
        """
        future: Future[T] = Future()
        job = _job(fn, control or _own(controls.current()), future, self._running)
        self._start()
        self._jobs.put((-priority, next(self._order), job))
        return future

    def run(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> T:
        """Run `fn` on the owner thread and wait for its value or error.

        KeyboardInterrupt while waiting cancels the job, waits for it to notice, and is raised again; `partial` of the
        job's error, where there is one, is handed on.
        """
        if self.here:
            with controls.using(control or controls.current()):
                return fn()
        mine = control or _own(controls.current())
        future = self.submit(fn, mine, priority)
        try:
            return _wait(future)
        except KeyboardInterrupt as interrupt:
            mine.cancel()
            future.cancel()
            interrupt.partial = _partial(future)  # type: ignore[attr-defined]
            raise

    def stop(self, seconds: float) -> None:
        """Cancel the job that runs, leave those that wait, and wait so long for the thread to end."""
        self._jobs.put((-_LAST, -1, None))
        for control in tuple(self._running):
            control.cancel()
        if self._thread is not None and not self.here:
            self._thread.join(seconds)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True)
                self._thread.start()


_OWNERS: weakref.WeakSet[OwnerThread] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for owner in tuple(_OWNERS):
        owner.stop(_EXIT_S)


def _job(fn: Callable[[], T], control: Control, future: Future[T], running: list[Control]) -> Callable[[], None]:
    context = contextvars.copy_context()

    def call() -> T:
        with controls.using(control):
            control.check()
            return fn()

    def job() -> None:
        if not future.set_running_or_notify_cancel():
            return
        running.append(control)
        try:
            future.set_result(context.run(call))
        except BaseException as error:
            future.set_exception(error)
        finally:
            running.remove(control)

    return job


def _work(jobs: _Jobs) -> None:
    while True:
        job = jobs.get()[2]
        if job is None:
            return
        job()
        del job  # so that an idle thread keeps nothing alive


def _own(current: Control) -> Control:
    """The current control if someone holds it, else a fresh one that reports alike: the default can't be cancelled."""
    return Control(current.report) if current is _DEFAULT else current


_DEFAULT = contextvars.Context().run(controls.current)


def _wait(future: Future[T]) -> T:
    while True:
        try:
            return future.result(timeout=_POLL_S)
        except FutureTimeout:
            if future.done():  # the job itself ended with a TimeoutError
                raise


def _partial(future: Future[Any]) -> Any:
    if future.cancelled():
        return None
    try:
        return getattr(future.exception(timeout=_GRACE_S), "partial", None)
    except FutureTimeout:
        return None
