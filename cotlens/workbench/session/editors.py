"""What a session keeps of an editor beside its branches, and how it comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from cotlens._core import files
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.results.result import from_data
from cotlens.trace import Trace
from cotlens.workbench.branches.node import Node
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.measure_runner import Key
from cotlens.workbench.shared.limits import Limits


def state(editor: CoTEditor) -> dict[str, Any]:
    """The editor's settings as JSON data."""
    # Without the editor's lock: who holds that may be waiting for the session's.
    chosen = editor._readers.chosen
    said = {
        "shading": _told(editor._chosen),
        "limits": dataclasses.asdict(editor._limits),
        "spans": dict(editor._spans),
        "cue": editor._measuring.given.get("cue", ""),
        "reader": None if chosen is None else chosen.name,
        "findings": editor.view.findings,
        "scale_lock": editor.view.scale_lock,
    }
    return dict(files.plain(said, "editor"))


def finished(editor: CoTEditor) -> dict[Key, Result]:
    """Everything that was measured to its end, but for what a lens or a probe read that was given from outside."""
    return {key: result for key, result in editor._measuring.finished().items() if key[2].inside is None}


def result_to_data(key: Key, result: Result) -> dict[str, Any]:
    """One of `finished` as JSON data."""
    trace_id, awaits, shading = key
    return {
        "trace": trace_id,
        "awaits": awaits,
        "shading": files.plain(_told(shading), "shading"),
        "result": result.data(),
    }


def _told(shading: ShadingSettings) -> dict[str, Any]:
    """Settings as data, without the lens or the probe, which have files of their own."""
    return {name: value for name, value in vars(dataclasses.replace(shading, inside=None)).items() if name in _FIELDS}


_FIELDS = [one.name for one in dataclasses.fields(ShadingSettings) if one.name != "inside"]


def result_from_data(data: Mapping[str, Any], where: str) -> tuple[Key, Result]:
    """The inverse; raises InputError, KeyError, TypeError or ValueError where they are damaged."""
    return (data["trace"], data["awaits"], shading_from_data(data["shading"])), from_data(data["result"], where)


def shading_from_data(data: Mapping[str, Any]) -> ShadingSettings:
    """Settings as they were."""
    pairs = {name: tuple(map(tuple, data[name])) for name in ("spans", "limits")}
    return ShadingSettings(**{**data, **pairs})


def restored(
    model: Model | None,
    nodes: Sequence[Node],
    current: str,
    data: Mapping[str, Any],
    known: Mapping[Key, Result],
    others: Sequence[Trace],
) -> CoTEditor:
    """An editor as it was: its branches, what was measured of them, its settings, the other thoughts that it has."""
    shading = shading_from_data(data["shading"])
    spare = shading.measure, "" if shading.unit == "span" else shading.unit
    given = {"cue": data.get("cue", ""), "others": others}
    editor = CoTEditor(model, nodes[0].trace, measure=spare[0], unit=spare[1], **given)
    with editor.lock:
        editor.tree.revive(nodes, current, editor.model.codec)
        if data["reader"] is not None:
            editor.tree.reader = editor._readers.choose(data["reader"])
        editor._spans = {trace: tuple(map(tuple, spans)) for trace, spans in data["spans"].items()}
        editor._measuring.recall(known)
        editor._chosen = shading
        editor._limits = Limits(**data["limits"])
        editor._set(limits={} if model is None else editor._limits.payload(), findings=data["findings"])
        editor._set(scale_lock=data["scale_lock"])
        editor._publish()
    return editor
