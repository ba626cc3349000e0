"""Long work started from a widget: progress, cancel, latest request wins, errors shown with their remedy.

A job runs on the one thread that owns the model, never on the kernel's main thread. Jobs of one *lane* replace each
other: a new one cancels the one that is queued or running there. State reaches the view through one callback, at most
ten times a second while work goes on.
"""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, CotLensError
from cotlens.models.contract import Owner

State = Literal["idle", "queued", "running", "done", "cancelled", "error"]
ENDED = ("done", "cancelled", "error")
PUBLISH_S = 0.1


@dataclass(frozen=True)
class JobState:
    """What a view shows of a job. `eta` in seconds; `message` says how it ended, `remedy` what to do."""

    id: int = 0
    state: State = "idle"
    label: str = ""
    done: int = 0
    total: int | None = None
    eta: float | None = None
    message: str | None = None
    remedy: str | None = None

    def payload(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)


class Job:
    """One piece of work on the model's thread."""

    def __init__(self, number: int, label: str, lane: str, publish: Callable[[Job], None]) -> None:
        self.id, self.label, self.lane = number, label, lane
        self.state = JobState(number, "queued", label)
        self.control = Control(self._progress)
        self.error: BaseException | None = None
        self.traceback = ""
        self.future: Future[Any] | None = None
        self._publish, self._began, self._published = publish, 0.0, 0.0

    def run(self, fn: Callable[[], None]) -> None:
        """Do the work; how it ends is kept in `state`, `error` and `traceback`."""
        self._began = time.monotonic()
        self._set("running")
        try:
            fn()
        except Cancelled:
            self._set("cancelled", message="Cancelled; what was finished is kept.")
        except CotLensError as error:
            self._fail(error, str(error), None)
        except Exception as error:
            self._fail(
                error, f"{type(error).__name__}: {error}", "This is a fault in CoTLens; editor.error has the details."
            )
        else:
            self._set("done")

    def dropped(self) -> None:
        """The work was cancelled before it began."""
        if self.state.state not in ENDED:
            self._set("cancelled", message="Cancelled before it began.")

    def _fail(self, error: Exception, message: str, remedy: str | None) -> None:
        self.error, self.traceback = error, traceback.format_exc()
        self._set("error", message=message, remedy=remedy)

    def _progress(self, done: int, total: int | None, label: str) -> None:
        now = time.monotonic()
        if now - self._published >= PUBLISH_S:
            spent = now - self._began
            eta = round(spent * (total - done) / done, 1) if total and done else None
            self._set("running", done=done, total=total, eta=eta, label=label or self.label)

    def _set(self, state: State, **parts: Any) -> None:
        self.state = JobState(self.id, state, parts.pop("label", self.label), **parts)
        self._published = time.monotonic()
        self._publish(self)


class Jobs:
    """The jobs of one widget.

    Args:
        owner: the thread of the model.
        publish: called with every new state, on the thread where it arose.
    """

    def __init__(self, owner: Owner, publish: Callable[[JobState], None]) -> None:
        self._owner, self._publish_state = owner, publish
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._lanes: dict[str, Job] = {}
        self._newest = 0
        self.last_error: Job | None = None

    def start(self, label: str, fn: Callable[[], None], *, lane: str = "work", priority: int = 0) -> Job:
        """Enqueue `fn`; whatever is unfinished in its lane is cancelled."""
        with self._lock:
            job = Job(next(self._numbers), label, lane, self._publish)
            before = self._lanes.get(lane)
            self._lanes[lane] = job
            self._newest = job.id
        if before is not None:
            before.control.cancel()
        self._publish(job)
        job.future = self._owner.submit(lambda: job.run(fn), job.control, priority)
        job.future.add_done_callback(lambda _: job.dropped())
        return job

    def cancel(self, lane: str | None = None) -> None:
        """Cancel everything, or one lane."""
        with self._lock:
            jobs = [job for name, job in self._lanes.items() if lane in (None, name)]
        for job in jobs:
            job.control.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is queued or running; False where `timeout` seconds were not enough."""
        end = None if timeout is None else time.monotonic() + timeout
        while pending := [job for job in self._lanes.values() if job.future is not None and not job.future.done()]:
            if end is not None and time.monotonic() > end:
                return False
            try:
                pending[0].future.result(timeout=0.1)  # type: ignore[union-attr]
            except (TimeoutError, Cancelled, CancelledError):
                continue
        return True

    def _publish(self, job: Job) -> None:
        if job.state.state == "error":
            self.last_error = job
        if job.id == self._newest or job.state.state in ("running", "error"):
            self._publish_state(job.state)
