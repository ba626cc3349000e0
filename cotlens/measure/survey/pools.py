"""Workers in this process: one by default, several where a server does the work."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import InputError
from cotlens.measure.survey.plan import Cell, Plan
from cotlens.measure.survey.worker import CellOutcome, Worker

POLL_S = 0.1  # how soon a cancellation is noticed


class WorkerPool(Protocol):
    """Workers side by side: each takes a cell, and gives back what became of it."""

    size: int

    def send(self, cell: Cell) -> None:
        """Give a cell to a worker that has none; at most `size` are out at once."""
        ...

    def arrived(self) -> list[CellOutcome]:
        """Outcomes that are there, after waiting for one for a moment."""
        ...

    def close(self) -> None:
        """Let go of all workers; what they work on is given up."""
        ...


class ThreadPool:
    """Workers of this process, a thread with a model of its own each.

    Raises:
        InputError: several would hold a model each in this process.
    """

    def __init__(self, plan: Plan, workers: int | None, store: str, current: Control) -> None:
        self.size = workers or 1
        served = all(model.get("endpoint") or model.get("backend") == "ndif" for model in plan.models)
        if self.size > 1 and not served:
            raise InputError(
                f"{self.size} workers in this process would hold {self.size} models and share its cores; give "
                "ray=True for one worker per core or GPU, or workers=1."
            )
        self._store, self._control, self._own = store, current, threading.local()
        self._pool = ThreadPoolExecutor(self.size, "cotlens-survey")
        self._out: set[Future[CellOutcome]] = set()

    def send(self, cell: Cell) -> None:
        """See `WorkerPool`."""
        self._out.add(self._pool.submit(self._do, cell))

    def arrived(self) -> list[CellOutcome]:
        """See `WorkerPool`."""
        done, self._out = wait(self._out, POLL_S, FIRST_COMPLETED)
        return [future.result() for future in done]

    def close(self) -> None:
        """See `WorkerPool`."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _do(self, cell: Cell) -> CellOutcome:
        with control.using(self._control):
            if not hasattr(self._own, "worker"):
                self._own.worker = Worker(self._store, threading.current_thread().name)
            worker: Worker = self._own.worker
            return worker.do(cell)
