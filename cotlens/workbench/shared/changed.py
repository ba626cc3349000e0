"""Scores under the change of the model that a text was written under."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens.models.contract import Branch, BranchScore
from cotlens.models.contract.interventions import Intervention
from cotlens.trace import Trace

NOTE = "after: the text written under the change, and its answer scored under it"
SAME = "The model wrote the same text again: the change moved no word."
LOST = "after: the text that was written under a change, and its answer scored without it: no file keeps a change"


class UnderChange:
    """A model whose scores of some traces are taken under changes, and of all others as ever.

    Args:
        changed: traces, each with what it was written under.
    """

    def __init__(self, model: Any, *changed: tuple[Trace, Sequence[Intervention]]) -> None:
        self._model, self._changed = model, changed

    def __getattr__(self, name: str) -> Any:
        # Everything but scoring is the model's own.
        return getattr(self._model, name)

    def score(
        self,
        trunk: Trace | Sequence[int],
        branches: Sequence[Branch],
        *,
        interventions: Any = (),
        sites: str | Sequence[str] = (),
        embeddings: Any = None,
    ) -> list[BranchScore]:
        """As the model's, with the changes added where the trunk is a trace that was written under them."""
        mine = next((changes for trace, changes in self._changed if trunk is trace and changes), interventions)
        found: list[BranchScore] = self._model.score(
            trunk, branches, interventions=mine, sites=sites, embeddings=embeddings
        )
        return found
