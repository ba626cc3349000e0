"""Long work started from a widget: progress, cancel, latest request wins, errors shown with their remedy.

A job runs on the one thread that owns the model, never on the kernel's main thread. Jobs of one *slot* replace each
other: a new one cancels the one that is queued or running there. State reaches the view through one callback, at most
ten times a second while work goes on.
"""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from typing import Any

from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, CotLensError
from cotlens._core.progress import stage
from cotlens.models.contract import Owner
from cotlens.widgets.protocol import shared
from cotlens.workbench.shared.pace import Pace

ENDED = ("done", "cancelled", "error")
PUBLISH_S = 0.1
POLL_S = 0.1  # how soon an interrupt of a waiting cell is noticed
Work = Callable[[], "str | None"]
"""Something to do; what it returns says what was done, where its label doesn't."""
INNER = "scoring"  # what a model reports within the count of a measurement


@dataclass(frozen=True)
class JobState:
    """What a view shows of a job.

    Args:
        label: what is being done; of work that has ended, what was done.
        eta: seconds until `total` is reached, None where nothing tells.
        message: how it ended; `remedy` what to do about it.
    """

    id: int = 0
    state: shared.JobState = "idle"
    label: str = ""
    done: int = 0
    total: int | None = None
    eta: float | None = None
    message: str | None = None
    remedy: str | None = None

    def payload(self) -> shared.Job:
        """As the view's `job`."""
        return {
            "id": self.id,
            "state": self.state,
            "label": self.label,
            "done": self.done,
            "total": self.total,
            "eta": self.eta,
            "message": self.message,
            "remedy": self.remedy,
        }


class Job:
    """One piece of work on the model's thread."""

    def __init__(self, number: int, label: str, slot: str, remedy: str, changed: Callable[[Job], None]) -> None:
        self.id, self.label, self.slot, self.remedy = number, label, slot, remedy
        self.state = JobState(number, "queued", label)
        self.control = Control(self._progress)
        self.error: BaseException | None = None
        self.left = False  # it was for something that is shown no more: how it ends is told nobody
        self.traceback = ""
        self.future: Future[Any] | None = None
        self._changed, self._told, self._pace = changed, 0.0, Pace()

    @property
    def ended(self) -> bool:
        """Whether it will say nothing more."""
        return self.state.state in ENDED

    def run(self, fn: Work) -> bool:
        """Do the work, and say whether it was done to its end; how it ended is in `state`, `error`, `traceback`."""
        self._pace = Pace()
        self._set(JobState(self.id, "running", self.label))
        try:
            did = fn()
        except Cancelled:
            self._set(replace(self.state, state="cancelled", eta=None))
        except CotLensError as error:
            self._fail(error, str(error), None)
        except Exception as error:
            self._fail(error, f"{type(error).__name__}: {error}", self.remedy)
        else:
            self._set(JobState(self.id, "done", did or self.label))
        return self.state.state == "done"

    def cancel(self) -> None:
        """Ask the work to stop; work that has not begun ends at once. Any thread may call this."""
        self.control.cancel()
        if self.future is not None:
            self.future.cancel()

    def dropped(self) -> None:
        """The work will not run any more."""
        if not self.ended:
            self._set(JobState(self.id, "cancelled", self.label, message="Cancelled before it began."))

    def _fail(self, error: Exception, message: str, remedy: str | None) -> None:
        self.error, self.traceback = error, traceback.format_exc()
        self._set(JobState(self.id, "error", self.label, message=message, remedy=remedy))

    def _progress(self, done: int, total: int | None, label: str) -> None:
        before, now = self.state, time.monotonic()
        if label == INNER and before.label != self.label:
            return
        fresh = stage(before.label) != stage(label) and label not in ("", INNER)
        if fresh:
            self._pace = Pace()
        eta = self._pace.left(now, done, total)
        named = self.label if label in ("", INNER) else label
        state = JobState(self.id, "running", named, done, total, eta)
        if fresh or now - self._told >= PUBLISH_S:
            self._set(state)
        else:
            self.state = state  # not told, but how far it came counts if it is cancelled now

    def _set(self, state: JobState) -> None:
        self.state, self._told = state, time.monotonic()
        self._changed(self)


class Jobs:
    """The jobs of one widget.

    Args:
        owner: the thread of the model.
        publish: called with the state to be shown, on the thread where it arose: that of the job that runs, or of one
            that waits, or of the last that ended.
        lock: held while `publish` is called.
        remedy: what to do about an error that isn't one of CoTLens.
        before: called on the owner's thread at the beginning of every job.
    """

    def __init__(
        self,
        owner: Owner,
        publish: Callable[[JobState], None],
        lock: threading.RLock | None = None,
        *,
        remedy: str = "This is a fault in CoTLens.",
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._owner, self._publish, self._remedy, self._before = owner, publish, remedy, before
        self._lock = lock or threading.RLock()
        self._numbers = itertools.count(1)
        self._open: list[Job] = []
        self._futures: set[Future[Any]] = set()
        self.last_error: Job | None = None

    def start(
        self,
        label: str,
        fn: Work,
        *,
        slot: str = "work",
        priority: int = 0,
        then: Callable[[], None] | None = None,
    ) -> Job:
        """Enqueue `fn`; whatever is unfinished in its slot is cancelled. `then` follows if it ends well."""
        with self._lock:
            job = Job(next(self._numbers), label, slot, self._remedy, self._changed)
            older = [one for one in self._open if one.slot == slot]
            self._open.append(job)
        for one in older:
            one.cancel()
        self._changed(job)

        def begun() -> str | None:
            self._before()
            return fn()

        def work() -> None:
            if job.run(begun) and then is not None:
                then()

        self._follow(job, self._owner.submit(work, job.control, priority))
        return job

    def cancel(self, slot: str | None = None, upto: int | None = None) -> None:
        """Cancel everything, or one slot, or the jobs that were there when `upto` was the newest."""
        with self._lock:
            jobs = [job for job in self._open if slot in (None, job.slot) and (upto is None or job.id <= upto)]
        for job in jobs:
            job.cancel()

    def leave(self, slot: str) -> None:
        """Cancel a slot whose work is for something that is shown no more: of how it ends nothing is shown."""
        with self._lock:
            for job in self._open:
                job.left |= job.slot == slot
            self._show_open()
        self.cancel(slot)

    @property
    def busy(self) -> bool:
        """Whether something is queued or running that nobody asked to stop."""
        with self._lock:
            return any(not job.control.cancelled.is_set() for job in self._open)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is queued or running; False where `timeout` seconds were not enough."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                pending = next(iter(self._futures), None)
            if pending is None:
                return True
            if end is not None and time.monotonic() > end:
                return False
            wait_for([pending], timeout=POLL_S)

    def _follow(self, job: Job, future: Future[Any]) -> None:
        with self._lock:
            self._futures.add(future)
        job.future = future
        if job.control.cancelled.is_set():
            future.cancel()

        def ended(future: Future[Any]) -> None:
            job.dropped()
            with self._lock:
                self._futures.discard(future)

        future.add_done_callback(ended)

    def _changed(self, job: Job) -> None:
        with self._lock:
            if job.ended and job in self._open:
                self._open.remove(job)
            if job.state.state == "error":
                self.last_error = job
                self._publish(job.state)
                return
            if not self._show_open() and not job.left:
                self._publish(job.state)

    def _show_open(self) -> bool:
        """Show the job that runs, or the newest that waits; False where there is none to be shown."""
        jobs = [job for job in self._open if not job.left]
        running = [job for job in jobs if job.state.state == "running"]
        for job in running[:1] or jobs[-1:]:
            self._publish(job.state)
        return bool(jobs)
