"""A survey as it runs: cells go to workers, come back, are sent again a few times, or are given up."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Any

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.registry import resolve
from cotlens.measure.survey.plan import Cell, Plan
from cotlens.measure.survey.pools import ThreadPool, WorkerPool
from cotlens.measure.survey.surveyed import Surveyed
from cotlens.measure.survey.worker import OPEN_STORE, CellOutcome


def run(
    plan: Plan,
    *,
    workers: int | None = None,
    ray: bool | str = False,
    retries: int = 2,
    store: Any = None,
) -> Surveyed:
    """Measure every cell of a plan that the store doesn't have.

    Args:
        workers: how many at once: here 1, or more where all models are served; on Ray by default one per GPU, or core.
        ray: True for the cluster that RAY_ADDRESS names, else one on this machine; or a cluster's address.
        retries: how many more times a cell is tried whose worker died or whose server failed.
        store: path of the store; by default that of all rollouts.

    Returns:
        What came of every cell; those that failed have a reason.

    Raises:
        InputError: the store is turned off, or there are no such workers.
        BackendError: there is no cluster at the address.
        Cancelled: with what was measured so far as `partial`.
    """
    retries = check.whole("retries", retries, 0, 100, of="survey")
    workers = None if workers is None else check.whole("workers", workers, 1, of="survey")
    kept = resolve(OPEN_STORE)(store)
    if kept is None:
        raise InputError("A survey keeps every finished cell in the store, which is turned off; name a file by store=.")
    current = control.current()
    pool = _pool(plan, workers, ray, str(kept.path.resolve()), inner := current.silent())
    running = _Running(plan, pool, kept, retries)
    try:
        running.go()
    except BaseException as error:
        inner.cancel()
        error.partial = running.found()  # type: ignore[attr-defined]  # also a KeyboardInterrupt has it
        raise
    finally:
        pool.close()
    return running.found()


def _pool(plan: Plan, workers: int | None, ray: bool | str, store: str, inner: control.Control) -> WorkerPool:
    if ray is False:
        return ThreadPool(plan, workers, store, inner)
    from cotlens.measure.survey.on_ray import RayPool

    return RayPool(ray, workers, store)


class _Running:
    def __init__(self, plan: Plan, pool: WorkerPool, kept: Any, retries: int) -> None:
        self._plan, self._pool, self._kept, self._retries = plan, pool, kept, retries
        self._new: Iterator[Cell] = plan.cells()
        self._again: deque[Cell] = deque()
        self._out: dict[int, Cell] = {}
        self._tries: dict[int, int] = {}
        self._done: dict[int, CellOutcome] = {}

    def go(self) -> None:
        """Work until every cell has an outcome."""
        self._report()
        while len(self._done) < len(self._plan):
            control.current().check()
            while len(self._out) < self._pool.size and (cell := self._next()) is not None:
                self._out[cell.number] = cell
                self._tries[cell.number] = self._tries.get(cell.number, 0) + 1
                self._pool.send(cell)
            for outcome in self._pool.arrived():
                self._take(outcome)

    def found(self) -> Surveyed:
        """What there is so far."""
        return Surveyed(self._plan, dict(self._done), self._kept)

    def _next(self) -> Cell | None:
        return self._again.popleft() if self._again else next(self._new, None)

    def _take(self, outcome: CellOutcome) -> None:
        number = outcome.number
        cell, tries = self._out.pop(number), self._tries[number]
        if outcome.again and tries <= self._retries:
            self._again.append(cell)
            return
        if outcome.result:  # measured on a machine that doesn't share this store
            self._kept.keep_cell(bytes.fromhex(outcome.key), outcome.result)
        status = outcome.status if tries == 1 or outcome.key else f"after {tries} tries: {outcome.status}"
        self._done[number] = dataclasses.replace(outcome, result="", tries=tries, status=status)
        self._report()

    def _report(self) -> None:
        failed = sum(not one.key for one in self._done.values())
        label = f"cells, {failed} failed" if failed else "cells"
        control.current().report(len(self._done), len(self._plan), label)
