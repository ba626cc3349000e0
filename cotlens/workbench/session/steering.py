"""What a session keeps of a steering panel, its vectors and all tries with texts and figures, and how it comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core import files
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.steering.judging import SteeredRun, unturned
from cotlens.measure.steering.sweeping import Sweep
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Steering
from cotlens.models.contract import Model
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace
from cotlens.workbench.session import tables
from cotlens.workbench.shared.controller import with_codec
from cotlens.workbench.shared.tree_controller import TreeController
from cotlens.workbench.steering_panel.history import HistoryEntry
from cotlens.workbench.steering_panel.panel import SteeringPanel
from cotlens.workbench.steering_panel.runs import Rerun, RerunStart
from cotlens.workbench.steering_panel.sweeps import SETTINGS
from cotlens.workbench.steering_panel.vector_settings import VectorSetting

_FIGURES = (
    "at",
    "answer",
    "answer_after",
    "probability",
    "probability_after",
    "perplexity",
    "perplexity_after",
    "status",
)


def state(panel: SteeringPanel) -> dict[str, Any]:
    """The panel's settings and tries as JSON data; texts by their ids."""
    tries = panel._tries
    said = {
        "baseline": panel.trace.id,
        "sae": None if panel._sae is None else tables.sae_to_data(panel._sae),
        "norms": panel._settings.norms,
        "beside": panel._beside,
        "seed": panel._seed,
        "most": panel._most,
        "plain": _run_to_data(panel._work.plain),
        "tries": [_entry_to_data(entry) for entry in tries.entries],
        "current": tries.current.id,
        "sweep": None if panel.sweep is None else _sweep_to_data(panel.sweep),
    }
    return dict(files.plain(said, "steering panel"))


def texts(panel: SteeringPanel) -> Iterator[Trace]:
    """Every text of a panel, the baseline first."""
    yield panel.trace
    for entry in panel._tries.entries:
        yield entry.start.source
        for rerun in (entry.steered, entry.control):
            if rerun is not None:
                yield rerun.trace
                if rerun.run is not None and rerun.run.unsteered is not None:
                    yield rerun.run.unsteered.steered


def vector_to_data(vector: Vector) -> dict[str, Any]:
    """A vector as JSON data."""
    said = {name: getattr(vector, name) for name in ("name", "layer", "values", "unit", "status")}
    return dict(files.plain({**said, "provenance": vector.provenance.data()}, "vector"))


def vector_from_data(data: Mapping[str, Any]) -> Vector:
    """The inverse."""
    known = files.revive(dict(data))
    return Vector(**{**known, "provenance": Provenance(**known["provenance"])})


def restored(
    model: Model,
    source: TreeController | None,
    data: Mapping[str, Any],
    vectors: Sequence[Vector],
    traces: Mapping[str, Trace],
    swept: Result | None,
    saes: Mapping[str, SAE],
) -> SteeringPanel:
    """A panel as it was; nothing is written or measured before it is asked for.

    Args:
        source: the editor that has the runs as branches.
        traces: every text, by id.
    """
    known = files.revive(dict(data))
    sae = None if known["sae"] is None else tables.sae_from_data(known["sae"], saes)
    panel = SteeringPanel(
        model, traces[known["baseline"]], list(vectors), control=known["seed"], max_new_tokens=known["most"], sae=sae,
        norms=known["norms"],
    )  # fmt: skip
    # One object for each text: a panel knows its baseline, and what was made of what, by identity.
    traces = {**{each: with_codec(model, trace) for each, trace in traces.items()}, panel.trace.id: panel.trace}
    with panel.lock:
        panel.source = source
        panel._beside = bool(known["beside"])
        panel._work.plain = _run(panel, known["plain"], panel.trace, (), traces)
        entries = [_entry(panel, each, traces) for each in known["tries"]]
        panel._tries.recall(entries, known["current"])
        if swept is not None:
            panel._sweeps.recall(swept, None if known.get("sweep") is None else _sweep_from_data(known["sweep"]))
        panel._publish()
    return panel


def _sweep_to_data(sweep: Sweep) -> dict[str, Any]:
    where = dataclasses.asdict(sweep.where) if isinstance(sweep.where, Span) else sweep.where
    vector: Any = sweep.vector
    settings = {name: getattr(sweep, name) for name in SETTINGS}
    return {**settings, "vector": vector_to_data(vector), "where": where}


def _sweep_from_data(data: Mapping[str, Any]) -> Sweep:
    where = data["where"]
    return Sweep(
        vector=vector_from_data(data["vector"]),
        where=Span(**where) if isinstance(where, Mapping) else where,
        **{name: data[name] for name in SETTINGS},
    )


def _entry_to_data(entry: HistoryEntry) -> dict[str, Any]:
    start = entry.start
    return {
        "id": entry.id,
        "source": start.source.id,
        "token": start.token,
        "most": start.most,
        "dials": [dataclasses.asdict(dial) for dial in entry.dials],
        "steered": _rerun_to_data(entry.steered),
        "control": _rerun_to_data(entry.control),
        "failed": entry.failed,
    }


def _rerun_to_data(rerun: Rerun | None) -> dict[str, Any] | None:
    if rerun is None:
        return None
    return {"trace": rerun.trace.id, "at": rerun.at, "note": rerun.note, "run": _run_to_data(rerun.run)}


def _run_to_data(run: SteeredRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    figures = {name: getattr(run, name) for name in _FIGURES}
    return {**figures, "steered": run.steered.id, "unsteered": _run_to_data(run.unsteered)}


def _entry(panel: SteeringPanel, data: Mapping[str, Any], traces: Mapping[str, Trace]) -> HistoryEntry:
    start = RerunStart(traces[data["source"]], data["token"], data["most"])
    dials = tuple(VectorSetting(**dial) for dial in data["dials"])
    steered = _rerun(panel, data["steered"], start, dials, None, traces)
    control = _rerun(panel, data["control"], start, dials, panel._seed, traces)
    return HistoryEntry(start, dials, steered, control, bool(data["failed"]), data["id"])


def _rerun(
    panel: SteeringPanel,
    data: Mapping[str, Any] | None,
    start: RerunStart,
    dials: tuple[VectorSetting, ...],
    seed: int | None,
    traces: Mapping[str, Trace],
) -> Rerun | None:
    if data is None:
        return None
    steerings = panel._settings.steerings(dials, start.source, data["at"], seed)
    trace = traces[data["trace"]]
    return Rerun(trace, data["at"], steerings, _run(panel, data["run"], trace, steerings, traces), data["note"])


def _run(
    panel: SteeringPanel,
    data: Mapping[str, Any] | None,
    steered: Trace,
    steerings: tuple[Steering, ...],
    traces: Mapping[str, Trace],
) -> SteeredRun | None:
    if data is None:
        return None
    beside = data["unsteered"]
    unsteered = None if beside is None else _run(panel, beside, traces[beside["steered"]], unturned(steerings), traces)
    figures = {name: data[name] for name in _FIGURES}
    return SteeredRun(panel.trace, steered, steerings=steerings, unsteered=unsteered, **figures)
