"""A survey on a real Ray cluster: how fast its cells are done by one worker and by two."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import cotlens as cl
from cotlens._core import control
from cotlens.measure.survey.plan import Plan
from tests.benchmarks.table import Row
from tests.unit.measure.survey import ray_cluster

QUESTION = "Mia has 12 pears. She buys 7 more. She gives {} pears to Tom. How many pears does she have?"
TRACES, SEEDS = 10, 8


def rows() -> list[Row]:
    """Cells of occlusion by two workers beside one, once each worker has its model; none where Ray isn't installed."""
    try:
        import ray
    except ImportError:
        return []
    traces = cl.load("abacus", store=False).reason([QUESTION.format(k) for k in range(1, TRACES + 1)])
    plan = cl.survey(traces, cl.importance.Occlusion(unit="sentence"), models="abacus", seeds=range(SEEDS))
    with tempfile.TemporaryDirectory() as folder, ray_cluster.running(Path(folder)) as cluster:
        os.environ.update(ray_cluster.ENVIRONMENT)
        taken = {workers: _seconds(plan, cluster.address, workers, Path(folder)) for workers in (2, 1)}
        ray.shutdown()
    rate = " and ".join(f"{len(plan) / 2 / taken[workers]:.1f} by {workers}" for workers in (1, 2))
    goal = f"cells per second: {rate}"
    return [Row(f"half a survey of {len(plan)} cells on Ray, 2 workers", taken[2], taken[1], "1 worker", goal)]


def _seconds(plan: Plan, address: str, workers: int, folder: Path) -> float:
    """How long the second half of the cells takes: in the first, workers load their model."""
    at: dict[int, float] = {}
    with control.using(control.Control(lambda done, *_: at.setdefault(done, time.perf_counter()))):
        found = plan.run(ray=address, workers=workers, store=folder / f"{workers}.sqlite")
    assert not found.failures
    return at[len(plan)] - at[len(plan) // 2]
