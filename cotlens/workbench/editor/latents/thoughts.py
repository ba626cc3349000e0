"""Other thoughts, out of which latents are taken: the mean of a step, and a donor's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.latent.steps import check_alike, check_same_model
from cotlens.measure.method import traces_of
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import LatentDonor
from cotlens.workbench.branches.node import Node, short
from cotlens.workbench.shared.controller import check_trace

Floats = NDArray[np.float32]
NOBODY = (
    "no other thought was given: open the editor with some, cl.CoTEditor(model, trace, others=model.reason([...])), "
    "or choose a branch"
)


@dataclass(frozen=True)
class Thoughts:
    """Thoughts of the same model that an editor was given beside its trace."""

    given: tuple[Trace, ...] = ()

    @classmethod
    def of(cls, model: Model | None, trace: Trace, others: Any) -> Thoughts:
        """Those that were given, checked.

        Raises:
            InputError: one is no trace, of another model, or has no latents.
        """
        given = tuple(traces_of(others, "CoTEditor"))
        for one in given:
            check_trace(model, one, "CoTEditor takes latents from", without_model=True)
            if not len(one.latents) or not len(trace.latents):
                raise InputError(
                    "others= are thoughts from which latents are taken, and "
                    f"{'this trace' if len(one.latents) else 'one of them'} has none; leave out others=, or think with "
                    "a model that thinks in latents."
                )
            check_same_model(trace, one, "other thought")
        return cls(given)

    def fitting(self, trace: Trace) -> list[Trace]:
        """Those with as many latents, other than the trace itself."""
        return [one for one in self.given if one.id != trace.id and not _misfit(trace, one)]

    def mean(self, trace: Trace) -> Floats:
        """Of each step over the thoughts that fit, else over this thought's own latents: float32 [k, d_model]."""
        others, own = self.fitting(trace), trace.latents
        found = np.mean([one.latents for one in others], 0) if others else np.broadcast_to(own.mean(0), own.shape)
        return np.asarray(found, np.float32)

    def mean_words(self, trace: Trace) -> str:
        """What that is the mean of."""
        fitting, odd = len(self.fitting(trace)), sum(bool(_misfit(trace, one)) for one in self.given)
        if not fitting:
            return "this thought's own latents"
        have = "have" if odd > 1 else "has"
        return f"this step in {fitting} other thought{'s' * (fitting > 1)}" + (
            f" ({odd} {have} another number of latents)" if odd else ""
        )

    def donors(self, trace: Trace, branches: Iterable[Node]) -> list[LatentDonor]:
        """Whose latents may stand in place of a trace's: the thoughts that were given, and the other branches."""
        seen, found = {trace.id}, list[LatentDonor]()
        named = [(f"thought {i}", one) for i, one in enumerate(self.given, 1)]
        named += [(node.label, node.trace) for node in branches if node.kind != "resample" and len(node.trace.latents)]
        for label, one in named:
            if one.id not in seen:
                seen.add(one.id)
                answer = one.read_answer()
                said, why = f"{label} → {short(answer.text)}" if answer else label, _misfit(trace, one)
                if len(one.latents) != len(trace.latents):  # the whole reason is seen by none who can't point at it
                    said += f", {len(one.latents)} latents"
                found.append({"id": one.id, "label": said, "reason": why or None})
        return found

    def donor(self, trace: Trace, wanted: str, branches: Sequence[Node]) -> Trace:
        """The thought of that id.

        Raises:
            InputError: there is none, or its latents can't stand in this one.
        """
        known = {one.id: one for one in (*self.given, *(node.trace for node in branches))}
        if wanted not in known or wanted == trace.id:
            raise InputError(f"There is no donor to take latents from: {NOBODY}.")
        if why := _misfit(trace, known[wanted]):
            raise InputError(why)
        return known[wanted]


def _misfit(trace: Trace, other: Trace) -> str:
    """Why the latents of another thought can't stand in a trace; "" where they can."""
    try:
        check_alike(trace, other, "other thought")
    except InputError as error:
        return str(error)
    return ""
