"""Workers on a Ray cluster, one actor per GPU or core, each with its model."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from typing import Any

from cotlens._core.errors import BackendError, InputError
from cotlens._core.optional import need
from cotlens.measure.survey.plan import Cell
from cotlens.measure.survey.pools import POLL_S
from cotlens.measure.survey.worker import CellOutcome, Worker, reason
from cotlens.trace import Trace, storage

ADDRESS = "RAY_ADDRESS"
_TEXTS = 100_000_000  # bytes for what travels, instead of a third of the memory


class RayWorker:
    """What runs in an actor. Texts come and go, so that neither side has to unpack the other's objects."""

    def __init__(self, store: str, host: str) -> None:
        self._shared = host == platform.node()  # elsewhere the path means another file, and the driver keeps results
        self._worker = Worker(store, f"{platform.node()}:{os.getpid()}")

    def do(self, told: str) -> str:
        """Measure a cell; the outcome holds the result where the driver's store can't have it."""
        outcome = self._worker.do(unpacked(told))
        if outcome.key and not self._shared:
            outcome = dataclasses.replace(outcome, result=self._worker.result(outcome.key))
        return json.dumps(dataclasses.asdict(outcome))


def packed(cell: Cell) -> str:
    """A cell as text."""
    source = storage.data_of(cell.source) if isinstance(cell.source, Trace) else cell.source
    fields = {field.name: getattr(cell, field.name) for field in dataclasses.fields(cell)}
    return json.dumps({**fields, "source": source})


def unpacked(told: str) -> Cell:
    """The cell that `packed` told."""
    data = json.loads(told)
    if not isinstance(data["source"], str):
        data["source"] = storage.from_data(Trace, data["source"], "The cell that was sent")
    return Cell(**data)


class RayPool:
    """Workers of a Ray cluster.

    Args:
        address: of a running cluster; True for the one that RAY_ADDRESS names or this process is connected to, else
            one that is started here and ends with the survey.
        workers: how many; by default one per GPU, or per core where there is no GPU.

    Raises:
        MissingPackage: Ray isn't installed.
        BackendError: there is no cluster at the address.
        InputError: the cluster is smaller than what was asked for.
    """

    def __init__(self, address: str | bool, workers: int | None, store: str) -> None:
        self._ray = _imported()
        self._started = _connect(self._ray, address, workers)
        has = self._ray.cluster_resources()
        gpus, cores = int(has.get("GPU", 0)), int(has.get("CPU", 0))
        self.size = workers or gpus or cores
        if self.size > (gpus or cores):
            self.close()
            raise InputError(
                f"{self.size} workers were asked for and the cluster has {cores} cores and {gpus} GPUs, of which each "
                f"takes one; give workers={gpus or cores}."
            )
        needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        self._actor, self._of = self._ray.remote(RayWorker).options(**needs), (store, platform.node())
        self._idle = [self._begun() for _ in range(self.size)]
        self._out: dict[Any, tuple[Any, Cell]] = {}

    def send(self, cell: Cell) -> None:
        """See `WorkerPool`."""
        actor = self._idle.pop()
        self._out[actor.do.remote(packed(cell))] = actor, cell

    def arrived(self) -> list[CellOutcome]:
        """See `WorkerPool`; a worker that died is replaced, and its cell may be tried again."""
        done, _ = self._ray.wait(list(self._out), num_returns=1, timeout=POLL_S)
        return [self._outcome(ref) for ref in done]

    def close(self) -> None:
        """See `WorkerPool`."""
        for actor in [*getattr(self, "_idle", ()), *(actor for actor, _ in getattr(self, "_out", {}).values())]:
            self._ray.kill(actor)
        if self._started:
            self._ray.shutdown()

    def _outcome(self, ref: Any) -> CellOutcome:
        actor, cell = self._out.pop(ref)
        try:
            outcome = CellOutcome(**json.loads(self._ray.get(ref)))
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.OutOfMemoryError) as error:
            self._ray.kill(actor)
            self._idle.append(self._begun())
            return CellOutcome(cell.number, status=reason("WorkerDied", _why(error)), again=True)
        except self._ray.exceptions.RayError as error:  # it never began: its surroundings can't be made, for one
            self._idle.append(actor)
            return CellOutcome(cell.number, status=reason(type(error).__name__, str(error)), again=True)
        self._idle.append(actor)
        return outcome

    def _begun(self) -> Any:
        return self._actor.remote(*self._of)


def _why(error: Exception) -> str:
    said = str(error)
    if "memory" in said.lower():
        return "a Ray worker was ended for want of memory; give it a larger machine or fewer workers."
    return "a Ray worker ended while it measured this cell (killed, or its machine is gone)."


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of a survey is told to anybody
    return need("ray", "A survey on Ray", "ray")


def _connect(ray: Any, address: str | bool, workers: int | None) -> bool:
    """Connect to a cluster, or start one; whether it is ours to end."""
    if ray.is_initialized() and address is True:
        return False
    given = address if isinstance(address, str) else os.environ.get(ADDRESS, "")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if given:
            ray.init(given, **quiet)
        else:
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=_TEXTS, **quiet)
    except Exception as error:  # Ray raises bare ones, for example where its own processes are slow to start
        where = f"at {given!r}" if given else "here"
        raise BackendError(f"No Ray cluster can be had {where} ({str(error).splitlines()[0][:200]}).") from error
    return True
