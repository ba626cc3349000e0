"""What an editor can show without its model: every branch, shaded by whatever was measured of it, and every token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens.trace import Trace
from cotlens.widgets.page.recording import Recording, Request, State
from cotlens.workbench.branches.node import Node
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.payload import inspection

UNMEASURED = "it was not measured when this page was saved"
REFUSAL = "This page was saved without a kernel and doesn't hold that: open the notebook to go on."
_LEFT = ("inspect", ("document", "token"))


@dataclass(frozen=True)
class Shown:
    """A branch, what it is shaded by, and the traits of both."""

    branch: str
    shading: ShadingSettings
    traits: Mapping[str, Any]


def every(
    nodes: Iterable[Node],
    known: Callable[[Trace], Iterable[ShadingSettings]],
    traits: Callable[[Node, ShadingSettings], Mapping[str, Any]],
) -> list[Shown]:
    """Every branch, shaded by all that is known of it."""
    return [
        Shown(node.id, shown, traits(node, shown))
        for node in nodes
        if node.kind != "resample"
        for shown in dict.fromkeys(known(node.trace))
    ]


def recording(
    views: Sequence[Shown],
    at: tuple[str, ShadingSettings],
    traces: Sequence[Trace],
    head: Mapping[str, Any],
    focuses: Mapping[int, str],
) -> Recording:
    """The recording of an editor.

    Args:
        views: everything that it can show.
        at: the branch and the shading that are shown first.
        traces: of all branches, whose tokens can be looked into.
        head: of the page.
        focuses: number of a thought -> the branch that it is looked at by.
    """
    views = sorted(views, key=lambda view: (view.branch, view.shading) != at)
    there = {branch: [view.shading for view in views if view.branch == branch] for branch in {v.branch for v in views}}
    states = [
        State(
            {**view.traits, "head": head, "limits": {}, "measures": _menu(view, there[view.branch])},
            [*_steps(views, view), *_looks(views, focuses)],
        )
        for view in views
    ]
    kind, fields = _LEFT
    tokens = {
        f"{trace.id}/{token}": inspection(trace, token) for trace in traces for token in range(len(trace.token_ids))
    }
    return Recording(states, {kind: (fields, tokens)}, REFUSAL)


def _steps(views: Sequence[Shown], here: Shown) -> list[tuple[Request, int]]:
    """To the other branches, shaded alike where they can be, and to the other shadings of this one."""
    steps: list[tuple[Request, int]] = []
    for branch in dict.fromkeys(view.branch for view in views):
        found = [number for number, view in enumerate(views) if view.branch == branch]
        alike = [number for number in found if views[number].shading == here.shading]
        steps.append(({"kind": "goto", "branch": branch}, (alike or found)[0]))
    for number, view in enumerate(views):
        if view.branch == here.branch:
            steps.append((_asking(view.shading), number))
    return steps


def _looks(views: Sequence[Shown], focuses: Mapping[int, str]) -> list[tuple[Request, int]]:
    """To the thoughts that were looked at; the others unfold."""
    first = {view.branch: number for number, view in reversed(list(enumerate(views)))}
    return [({"kind": "focus", "thought": which}, first[branch]) for which, branch in focuses.items()]


def _asking(shading: ShadingSettings) -> Request:
    wanted = {"kind": "measure", "measure": shading.measure, "unit": shading.unit, "target": shading.target}
    return {
        **wanted,
        **({"metric": shading.metric} if shading.metric else {}),
        **({"n": shading.n} if shading.n else {}),
    }


def _menu(view: Shown, there: Sequence[ShadingSettings]) -> list[dict[str, Any]]:
    """The menu with what can be chosen on the page: what was measured of this branch."""
    known = [(one.measure, one.unit) for one in there]
    menu = []
    for measure in view.traits["measures"]:
        units = [unit for name, unit in known if name == measure["id"]]
        offer = {"available": bool(units), "reason": None if units else UNMEASURED, "cost": None, "asks": False}
        each = [
            {**one, "reason": one["reason"] if one["id"] in units or one["reason"] else UNMEASURED}
            for one in measure["units"]
        ]
        draws = sorted({one.n for one in there if one.measure == measure["id"] and one.n})
        metrics = [
            one
            for one in measure["metrics"]
            if any((shown.measure, shown.metric) == (measure["id"], one["id"]) for shown in there)
        ]
        unit = view.shading.unit if view.shading.unit in units or not units else units[0]
        menu.append(
            {**measure, **offer, "units": each, "unit": unit, "draws": draws, "metrics": metrics or measure["metrics"]}
        )
    return menu
