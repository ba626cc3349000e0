"""RolloutMap: hundreds of thoughts beside each other, and the one that is asked for in the editor below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import ipywidgets
from numpy.typing import ArrayLike

from cotlens._core import check
from cotlens._core.errors import CotLensError
from cotlens.measure.categories.tags import Tags
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.widgets.protocol.rollout_map import REQUESTS
from cotlens.widgets.rollout_map import RolloutView
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.rollout_map.payload import traits
from cotlens.workbench.shared.controller import brief
from cotlens.workbench.shared.messages import fields_of


class RolloutMap(ipywidgets.VBox):
    """Rollouts as rows: their sentences from left to right, the alike below each other, coloured by what they do.

    Rows stand in groups by their final answer, by its value, with its share and 95 % interval (Wilson); those whose
    answer could not be read are a group, too. Above them is the tree of prefixes that rollouts share, exact by token: a
    triangle stands where the distribution of answers shifts by more than chance (total variation distance to the others
    with the same parent, by permutation, at a false discovery rate of 5 %). A second tab has the rollouts as points.
    Sentences are aligned by the words and numbers they share (`cotlens.measure.rollouts`): by wording, and by no deeper
    meaning. `embeddings` place the points of the second tab.

        cl.RolloutMap(model.reason(question, n=200), model)

    Args:
        traces: one at least.
        model: what wrote them, to edit one in the editor; without it they are read there.
        tags: the categories of each trace's sentences; by default those of `cl.categories.tag`.
        embeddings: [n, d], one row for each trace, for the plane.
        seed: of the permutations.

    Attributes:
        view: the map itself.
        editor: the editor of the rollout that was opened last; None before.

    Raises:
        InputError: there are no traces or more than a page holds, they are of several models, or tags or embeddings are
            of others.
        WidgetsNotBuilt: the front end was not built.
    """

    def __init__(
        self,
        traces: Iterable[Trace],
        model: Model | None = None,
        *,
        tags: Sequence[Tags] | None = None,
        embeddings: ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        self.traces = traces if isinstance(traces, Traces) else Traces(traces)
        self.model = model
        self.editor: CoTEditor | None = None
        self.view = RolloutView(**traits(self.traces, tags, embeddings, check.seed(seed)))
        self.view.on_msg(self._on_message)
        super().__init__(children=[self.view])

    def __repr__(self) -> str:
        return repr(self.view)

    def edit(self, row: int) -> CoTEditor:
        """Open rollout `row` in an editor below the map.

        Raises:
            InputError: there is no such rollout, or its tokens are not the model's.
        """
        row = check.whole("row", row, 0, len(self.traces) - 1, of="RolloutMap.edit")
        before, self.editor = self.editor, CoTEditor(self.model, self.traces[row])
        self.children = [self.view, self.editor.view]
        if before is not None:
            before.close()
        return self.editor

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        if not isinstance(number, int):
            return
        try:
            fields = fields_of(content, REQUESTS, "map")
            self.edit(fields["row"])
        except CotLensError as error:
            self.view.reply(number, "error", error={"message": brief(str(error)), "remedy": None})
        else:
            self.view.reply(number)
