"""What a steering panel does on the model's thread: write with vectors and with random ones, measure, and show it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cotlens._core.errors import Cancelled, CotLensError
from cotlens.measure.steering.judging import SteeredRun
from cotlens.workbench.shared.stream import Stream
from cotlens.workbench.steering_panel.history import History, HistoryEntry
from cotlens.workbench.steering_panel.runs import Rerun, RerunStart, RerunWriter
from cotlens.workbench.steering_panel.vector_settings import VectorSetting


class SteeringWork:
    """The long parts of a panel; each shows what it has as it comes.

    Args:
        lock: held while what is shown is read or changed.
        publish: shows everything about the current try.
        record: is given every try that came to its end and was measured.
        show: sets traits of the view.

    Attributes:
        newest: a token of the last thing that was asked for; what was begun for an older one isn't shown.
        stream: the text that is written now, or was last.
        plain: what was measured of the baseline; None while it isn't.
    """

    def __init__(
        self,
        writer: RerunWriter,
        tries: History,
        lock: threading.RLock,
        publish: Callable[..., None],
        show: Callable[..., None],
        record: Callable[[HistoryEntry], None],
    ) -> None:
        self._record = record
        self._writer, self._tries, self._lock = writer, tries, lock
        self._publish, self._show = publish, show
        self.newest: object = None
        self.stream: Stream | None = None
        self.plain: SteeredRun | None = None

    def measure_plain(self) -> None:
        """Measure the baseline, to read others against it."""
        self.plain = self._writer.plain()
        self._publish()

    def write(self, mine: object, start: RerunStart, dials: tuple[VectorSetting, ...]) -> None:
        """Write, show, measure, show again. What a user stopped is kept; what a newer request replaced is not."""
        stream = self.stream = Stream(lambda now: self._show_if(mine, stream=now), which="steered")
        entry = None
        try:
            made = self._writer.write(start, dials, None, stream)
            entry = self._keep(mine, HistoryEntry(start, dials, made))
            measured = self._writer.measured(made, start)
        except CotLensError as error:
            partial = getattr(error, "partial", None)
            if entry is None:
                kept = partial if isinstance(error, Cancelled) and isinstance(partial, Rerun) else None
                self._keep(mine, HistoryEntry(start, dials, kept, failed=not isinstance(error, Cancelled)))
            raise
        self._learn(entry, steered=measured)
        if entry.id:  # else something newer was asked for, and it is forgotten
            self._record(entry)

    def write_control(self, shown: HistoryEntry, seed: int) -> None:
        """Write the same with random vectors of the same length, drawn by `seed`."""
        stream = self.stream = Stream(lambda now: self._show_at(shown, stream=now), which="control")
        try:
            made = self._writer.write(shown.start, shown.dials, seed, stream)
            self._learn(shown, control=self._writer.measured(made, shown.start))
        finally:
            self._show_at(shown, stream={})

    def _keep(self, mine: object, entry: HistoryEntry) -> HistoryEntry:
        """A try is shown if nothing newer was asked for; one that was replaced is forgotten."""
        with self._lock:
            if self.newest is mine:
                self._tries.add(entry)
                self._publish(stream={})
        return entry

    def _learn(self, entry: HistoryEntry, **parts: Any) -> None:
        with self._lock:
            entry.learn(**parts)
            if self._tries.current is entry:
                self._publish()

    def _show_if(self, mine: object, **traits: Any) -> None:
        with self._lock:
            if self.newest is mine:
                self._show(**traits)

    def _show_at(self, entry: HistoryEntry, **traits: Any) -> None:
        with self._lock:
            if self._tries.current is entry:
                self._show(**traits)
