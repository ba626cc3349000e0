"""From "put this cell into that one" to what the model is to write, its name, and the same in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from cotlens._core.errors import InputError
from cotlens.models.contract import Model, Patch
from cotlens.trace import Trace
from cotlens.workbench.branches.node import short
from cotlens.workbench.patch_grid.requests import PatchRequest


@dataclass(frozen=True, eq=False)
class PatchPlan:
    """One try: what `donor` holds at tokens `there` goes to tokens `here` of `trace`, which is written on from `at`.

    Args:
        options: of `model.resume`: seed and limits.
    """

    trace: Trace
    donor: Trace
    site: str
    layer: int
    from_layer: int
    here: range
    there: range
    at: int
    options: dict[str, Any]

    @property
    def label(self) -> str:
        """What the branch is called."""
        begin, end = (int(self.trace.offsets[at]) for at in (self.here.start, self.here.stop))
        return f"layer {self.layer}: {short(self.trace.text[begin:end].strip() or '␣')}"

    def code(self, **more: Any) -> str:
        """The Python that makes the branch of `trace`, with `donor` for the other trace; `more` are options, too."""
        options = ", ".join(f"{name}={value!r}" for name, value in {**self.options, **more}.items())
        site = f"{self.site}.{self.from_layer}"
        there = f"list(range({self.there.start}, {self.there.stop}))"
        here = f"tuple(range({self.here.start}, {self.here.stop}))"
        return (
            f"values = model.read(donor, {site!r}, positions={there})[{site!r}]\n"
            f"patch = Patch({self.layer}, {here}, values, {self.site!r})\n"
            f"trace = model.resume(trace, at={self.at}, {options}, interventions=patch)"
        )

    def change(self, model: Model) -> Patch:
        """The patch, with what the model computes on the donor."""
        site = f"{self.site}.{self.from_layer}"
        values = model.read(self.donor, site, positions=list(self.there))[site]
        return Patch(self.layer, tuple(self.here), values, cast(Any, self.site))


def plan(
    trace: Trace, donor: Trace, site: str, request: PatchRequest, n_layers: int, options: dict[str, Any]
) -> PatchPlan:
    """What the model is asked for: text is kept up to and with the patched tokens, and written again from there.

    Raises:
        InputError: no such tokens or layers, as many tokens don't stand on both sides, or they lie behind the thought.
    """
    here, there = range(request.first, request.last), range(request.from_first, request.from_last)
    for tokens, whose in ((here, trace), (there, donor)):
        if not 0 <= tokens.start < tokens.stop:
            raise InputError(f"Tokens {tokens.start} to {tokens.stop} can't be patched; choose a cell of a sentence.")
        if tokens.stop > whose.roles["thought"].end:
            raise InputError(
                "The words of the forced answer are not part of the thought, so nothing could be written after them: "
                "patch a sentence of the thought."
            )
    if len(here) != len(there):
        raise InputError(
            f"{len(there)} tokens can't be put in place of {len(here)}: choose places of as many tokens, or open the "
            "sentence (Enter) and patch one token."
        )
    for layer in (request.layer, request.from_layer):
        if not 0 <= layer < n_layers:
            raise InputError(f"There is no layer {layer} in this model; it has 0 to {n_layers - 1}.")
    at = max(here.stop, trace.roles["thought"].start)
    return PatchPlan(trace, donor, site, request.layer, request.from_layer, here, there, at, options)
