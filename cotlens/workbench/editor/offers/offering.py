"""Which entries of the menu are offered for a model and a trace, in which order, and what choosing one would show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cotlens._core.errors import CapabilityError
from cotlens.measure.method import check_needs
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.workbench.editor.measure_menu import MEASURES, ShadingSettings

_REWRITTEN = ("occlusion-mean", "occlusion-swap")  # first where few layers look back: these reach all of them


def ordered(model: Model) -> list[str]:
    """The entries in the order in which they are offered for a model."""
    first = () if model.hides_whole else _REWRITTEN
    return [*first, *(name for name in MEASURES if name not in first)]


def default(model: Model, unit: str) -> tuple[ShadingSettings, str]:
    """The first entry with that unit that a model can be asked, and why it is that one; "" for the usual one."""
    lacking = ""
    fits = [name for name in ordered(model) if MEASURES[name].room == "importance"]
    for name in (names := [name for name in fits if not unit or unit in MEASURES[name].units]):
        shown = ShadingSettings(name, unit)
        try:
            check_needs(shown.entry.make(), model)
        except CapabilityError as error:
            lacking = lacking or str(error)
            continue
        if lacking:
            return shown, f"{shown.entry.label} is the first measure that this model can be asked. {lacking}"
        if name in _REWRITTEN:
            return shown, f"{shown.entry.label} comes first: {_hidden_in(model.attention_layers, model.n_layers)}."
        return shown, ""
    why = lacking if model.capabilities else ""  # without a model the view says so itself
    return ShadingSettings(names[0] if names else next(iter(MEASURES)), unit), why


def _hidden_in(attending: int, layers: int) -> str:
    """Where tokens can be hidden, of a model whose layers keep a state that they stay in."""
    if attending == layers:
        return f"tokens can be hidden in the attention of all {layers} layers, but stay in the state beside it"
    return f"tokens can be hidden in the attention of {attending} of {layers} layers only"


CURVE = ShadingSettings("early-answer", "token", "logit_difference")  # the strip's curve
LENS = ShadingSettings("latent-lens")  # what stands on the chips of latents


def offers(shown: ShadingSettings, names: Iterable[str], given: Mapping[str, Any]) -> dict[str, ShadingSettings]:
    """Entry -> what choosing it would show: the unit that is shown now where it has that, all else its own.

    Args:
        given: "cue", "lens" and "probe" as the editor was given them.
    """
    return {
        name: shown if name == shown.measure else replace(
            shown, measure=name, unit=shown.unit if shown.unit in MEASURES[name].units else "", metric="", n=0,
            cue=given.get("cue", ""), inside=given.get(MEASURES[name].reads),
        )
        for name in names
    }  # fmt: skip


def asked_of(trace: Trace, names: Iterable[str]) -> list[str]:
    """The entries that a thought can be asked about: of words nothing of latents is offered."""
    return [name for name in names if len(trace.latents) or "latent" not in MEASURES[name].units]
