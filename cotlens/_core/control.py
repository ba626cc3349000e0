"""Progress and cancelling for long work, without threads of its own.

Long code calls `control.current().check()` and `.report(...)` as it goes; whoever started the work wraps it in
`using(Control(...))` and may call `cancel()` from another thread. Code that nobody controls meets a `Control` that
shows a progress bar.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cotlens._core.errors import Cancelled
from cotlens._core.progress import Bar

OnProgress = Callable[[int, "int | None", str], None]


class Control:
    """One piece of long work, as seen by the code that does it and by the one who waits for it.

    Args:
        on_progress: called with (done, total or None, label) in the thread that works.

    Attributes:
        partial: what is finished so far, None where the work has no such thing. The work sets it; only the thread that
            works may call it, as `on_progress` may.
    """

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self.cancelled = threading.Event()
        self.partial: Callable[[], Any] | None = None
        self._on_progress = on_progress

    def cancel(self) -> None:
        """Ask the work to stop; it stops at its next `check`. Any thread may call this."""
        self.cancelled.set()

    def check(self) -> None:
        """Raise `Cancelled` if the work was asked to stop."""
        if self.cancelled.is_set():
            raise Cancelled("The work was cancelled; what was finished before is kept.")

    def silent(self) -> Control:
        """A control that is cancelled with this one and reports nothing: for the parts of work that reports itself."""
        part = Control()
        part.cancelled = self.cancelled
        return part

    def part_of(self, first: int, size: int, total: int, label: str) -> Control:
        """A control for the items first..first + size of `total`: their progress is reported as part of the whole.

        The work on them may count several times from 0; what is reported never goes back.
        """
        furthest = first

        def report(done: int, whole: int | None, _: str) -> None:
            nonlocal furthest
            if whole:
                furthest = max(furthest, first + size * min(done, whole) // whole)
                self.report(furthest, total, label)

        return self._under(report)

    def counted_by(self, count: Callable[[], tuple[int, int | None, str]]) -> Control:
        """A control that is cancelled with this one, and reports `count()` to it at every report of progress.

        Its label may change from report to report; who shows it tells stages of work apart by what stands before the
        first comma (`progress.stage`).
        """
        return self._under(lambda *_: self.report(*count()))

    def _under(self, report: OnProgress) -> Control:
        part = Control(report)
        part.cancelled = self.cancelled
        return part

    def report(self, done: int, total: int | None = None, label: str = "") -> None:
        """Say how far the work is: `done` of `total` (None where the end is unknown)."""
        if self._on_progress is not None:
            self._on_progress(done, total, label)


class _Uncontrolled(Control):
    """Shared by all work that nobody controls: never to be cancelled, and with a progress bar of its own."""

    def __init__(self) -> None:
        super().__init__(Bar().report)

    def cancel(self) -> None:
        return

    def silent(self) -> Control:
        return Control()

    def _under(self, report: OnProgress) -> Control:
        return Control(report)  # cancelled for itself: an interrupt of one call is none of those that come later


_UNCONTROLLED = _Uncontrolled()
_current: ContextVar[Control] = ContextVar("cotlens_control", default=_UNCONTROLLED)


def current() -> Control:
    """The control of the work that runs here; one that shows a progress bar where there is none."""
    return _current.get()


@contextmanager
def using(control: Control) -> Iterator[Control]:
    """Make `control` the current one inside the `with` block, in this thread."""
    token = _current.set(control)
    try:
        yield control
    finally:
        _current.reset(token)
