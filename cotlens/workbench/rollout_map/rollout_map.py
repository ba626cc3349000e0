"""RolloutMap: hundreds of thoughts beside each other, and the one that is asked for in the editor below."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets as t
from numpy.typing import ArrayLike

from cotlens._core import check
from cotlens._core.errors import CotLensError
from cotlens._core.files import PathLike
from cotlens.measure.categories.tags import Tags
from cotlens.models.contract import Model
from cotlens.results.code import making_all, script
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.widgets.protocol.rollout_map import REQUESTS
from cotlens.widgets.rollout_map import RolloutView
from cotlens.widgets.shared.bundles import Told
from cotlens.widgets.shared.selection import SelectedTrait
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.rollout_map.payload import tags_of, traits
from cotlens.workbench.shared.controller import brief
from cotlens.workbench.shared.messages import fields_of


class RolloutMap(Told, ipywidgets.VBox):
    """Rollouts as rows: their sentences from left to right, the alike below each other, coloured by what they do.

    Rows stand in groups by their final answer, by its value, with its share and 95 % interval (Wilson); those whose
    answer could not be read are a group, too. Above them is the tree of prefixes that rollouts share, exact by token: a
    triangle stands where the distribution of answers shifts by more than chance (total variation distance to the others
    with the same parent, by permutation, at a false discovery rate of 5 % over the tree of one prompt). A second tab
    has the rollouts as points. Sentences are aligned by the words and numbers they share (`cotlens.measure.rollouts`):
    by wording, and by no deeper meaning. `embeddings` place the points of the second tab. Rollouts of several prompts
    are compared with those of their own prompt alone.

        cl.RolloutMap(model.reason(question, n=200), model)

    Enter on a cell opens its rollout in an editor below, at that sentence. Each rollout has an editor of its own, which
    keeps its branches while another one is looked at.

    Args:
        traces: one at least.
        model: what wrote them, to edit one in the editor; without it they are read there.
        tags: the categories of each trace's sentences; by default those of `cl.categories.tag`.
        embeddings: [n, d], one row for each trace, for the plane.
        seed: of the permutations.

    Attributes:
        view: the map itself.
        editors: rollout -> its editor, in the order in which they were opened.
        editor: the editor that is shown; None before one is opened.
        selected: what is picked, the trace of a rollout and the tokens of a sentence.

    Raises:
        InputError: there are no traces or more than a page holds, they are of several models, or tags or embeddings are
            of others.
        WidgetsNotBuilt: the front end was not built.
    """

    selected = SelectedTrait()

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
        self.editors: dict[int, CoTEditor] = {}
        self.editor: CoTEditor | None = None
        self._lock = threading.Lock()
        self._tags = tags_of(self.traces, tags)
        self.view = RolloutView(**traits(self.traces, self._tags, embeddings, check.seed(seed)))
        self.view.code = self._written(seed)
        self.view.on_msg(self._on_message)
        super().__init__(children=[self.view])
        self.add_class("cotlens-rollouts-box")  # in which the map finds the editor that Enter goes on in

        t.link((self.view, "selected"), (self, "selected"))

    @property
    def code(self) -> str:
        """Python that makes the rollouts again, and shows them."""
        return str(self.view.code)

    def summary(self, *, markdown: bool = False) -> str:
        """The map in words."""
        return self.view.summary(markdown=markdown)

    def __repr__(self) -> str:
        return repr(self.view)

    def edit(self, row: int, sentence: int = -1) -> CoTEditor:
        """Show rollout `row` in its editor below the map; those of other rollouts are kept as they are.

        Args:
            sentence: which of its sentences to go to, as the map counts them; -1 for none.

        Raises:
            InputError: there is no such rollout or sentence, or its tokens are not the model's.
        """
        row = check.whole("row", row, 0, len(self.traces) - 1, of="RolloutMap.edit")
        spans = self._tags[row].spans
        sentence = check.whole("sentence", sentence, -1, len(spans) - 1, of="RolloutMap.edit")
        with self._lock:
            shown = self._editor_of(row)
            # Hidden rather than taken away: an editor that is in no cell stops what it does.
            for one in self.editors.values():
                one.view.layout.display = None if one is shown else "none"
            self.editor = shown
            self.view.opened = [*(each for each in self.editors if each != row), row]
        if sentence >= 0:
            shown.go_to(spans[sentence].start, self.traces[row])
        return shown

    def to_html(self, path: PathLike, title: str = "") -> Path:
        """Write the map as one HTML file that needs no kernel and no network; nothing is opened in an editor there.

        Args:
            title: of the page; by default the map's own line.

        Raises:
            InputError: the file can't be written there.
        """
        return self.view.to_html(path, title)

    def _written(self, seed: int) -> str:
        said = ["traces", *([] if self.model is None else ["model"]), *([f"seed={seed}"] if seed else [])]
        return script(*making_all(list(self.traces)), f"cl.RolloutMap({', '.join(said)})")

    def _editor_of(self, row: int) -> CoTEditor:
        """The editor of a rollout, a new one where it has none or where it was closed."""
        known = self.editors.get(row)
        if known is not None and known.view.comm is not None:
            return known
        made = self.editors[row] = CoTEditor(self.model, self.traces[row])
        self.children = [self.view, *(one.view for one in self.editors.values())]
        return made

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        if not isinstance(number, int):
            return
        try:
            fields = fields_of(content, REQUESTS, "map")
            self.edit(fields["row"], fields["sentence"])
        except CotLensError as error:
            self.view.reply(number, "error", error={"message": brief(str(error)), "remedy": None})
        else:
            self.view.reply(number)
