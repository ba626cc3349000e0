"""PatchGrid: where is carried what tells two runs apart, and what becomes of a thought when a piece of it is put over.

Every patch is a branch of one tree, compared like an edit of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.method import check_needs, check_one_model
from cotlens.measure.patching.attribution import Attribution
from cotlens.measure.patching.grid import PatchGrid as PatchingMethod
from cotlens.measure.patching.pair import Pair, pair_of
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.results.code import opening_of, script
from cotlens.trace import Trace
from cotlens.widgets.patch_grid import PatchGridView
from cotlens.workbench.branches.node import Node
from cotlens.workbench.patch_grid.plans import PatchPlan, plan
from cotlens.workbench.patch_grid.requests import PatchRequest, parse
from cotlens.workbench.patch_grid.tokens import Rows, together, token_rows
from cotlens.workbench.patch_grid.work import PatchWork
from cotlens.workbench.shared.controller import check_trace, with_codec
from cotlens.workbench.shared.limits import Limits
from cotlens.workbench.shared.origin import origin
from cotlens.workbench.shared.tree_controller import TreeController

HEADS = (
    "The heads of a layer are shown to be read: to patch in what all of them give, measure "
    "cl.patching.PatchGrid(site='attn_out')."
)
Measuring: TypeAlias = Attribution | PatchingMethod
ONE_WAY = (
    "This result has one direction only, so that there is no other run to take a cell from: measure both, "
    "cl.patching.PatchGrid() or cl.patching.Attribution(directions=('sufficiency', 'necessity'))."
)


class PatchGrid(TreeController):
    """Two runs above each other as layers x sentences, with the recovery of every patch, and their difference.

        cl.PatchGrid(result)                                            # to read
        cl.PatchGrid(result, model=model, base=base, source=source)     # to patch in, too
        cl.PatchGrid(model=model, base=base, source=source)             # measures the grid first
        cl.PatchGrid(..., method=cl.patching.Attribution(directions=("sufficiency", "necessity")))    # by gradients

    Hatched cells lie below the noise floor, or could not be measured and say why; in grey ones nothing differs. Drag a
    cell of one run onto the other (or press M there, and Enter here): its activations are put in, and the model writes
    on from there. That is a branch, compared with the text as it was. Enter opens the tokens of a sentence, which are
    measured then. Work goes on in the model's thread and can be cancelled.

    Args:
        results: of `cl.patching`: of one pair, by sentence, by token or both.
        model, base, source: what the results were measured with; without them the grid is only read.
        method, answers: how the grid is measured where there is no result, `cl.patching.PatchGrid()` by default, and
            what base and source answer, by default what each does.

    Attributes:
        trace: the branch shown now.
        branches: all of them.
        results: what is shown.
        roots: the ids of the two runs among the branches, by "base" and "source".
        code: Python that makes the shown branch again.
        view: the widget itself.

    Raises:
        InputError: only some of model, base and source were given, base and source are of different models, the result
            is of another pair, the method is none of `cl.patching` with cells, or what `LensGrid` raises.
    """

    word = "grid"
    _work: PatchWork

    def __new__(
        cls,
        *results: Result,
        model: Model | None = None,
        base: Trace | None = None,
        source: Trace | None = None,
        method: Measuring | None = None,
        answers: tuple[str, str] | None = None,
    ) -> Any:
        """The view alone where there is no model."""
        if model is None and base is None and source is None:
            if not results:
                raise InputError("PatchGrid needs a result of cl.patching, or model=, base= and source= to measure it.")
            return PatchGridView(*results)
        return super().__new__(cls)

    def __init__(
        self,
        *results: Result,
        model: Model | None = None,
        base: Trace | None = None,
        source: Trace | None = None,
        method: Measuring | None = None,
        answers: tuple[str, str] | None = None,
    ) -> None:
        for trace in (base, source):
            check_trace(model, trace, "PatchGrid patches")
        assert model is not None and base is not None and source is not None
        self._method = PatchingMethod() if method is None else method
        if not isinstance(self._method, Attribution | PatchingMethod):
            raise InputError(
                f"PatchGrid was given method={method!r:.60}: give cl.patching.PatchGrid(...) or "
                "cl.patching.Attribution(...)."
            )
        self._answers = answers
        check_needs(self._method, model)
        check_one_model([base, source])
        _check(results, base, source)
        super().__init__(model, PatchGridView(why=""), base)
        self.results: list[Result] = list(results)
        self.roots = {"base": self._tree.current_id, "source": self._add(source)}
        self._sides = {side: self._tree.go(root).trace for side, root in reversed(self.roots.items())}
        self._tree.done.clear()  # what it was opened with is nobody's step
        self._pair: Pair | None = None
        self._tokens: dict[int, list[Rows]] = {}
        self._work = PatchWork(model, self._tree, self._lock, self._publish, self._set)
        self._newest: PatchPlan | None = None
        self._show_grid()
        self._open()
        if not results:
            self._jobs.start("patching every cell", self._measure, slot="measure")

    @property
    def code(self) -> str:
        """Python that makes the shown branch again; of the two runs themselves, the grid."""
        with self._lock:
            if self.results and self._tree.current_id in self.roots.values():
                return self._code_of_grid()
            other = "source" if self.side(self._tree.current_id) == "base" else "base"
            return "\n".join([
                "import cotlens as cl", "from cotlens.models.contract import Patch", "",
                f"model = {opening_of(self.model)}", *self._tree.script(self.roots[other]), "donor = trace",
                *self._tree.script(self._tree.current_id),
            ])  # fmt: skip

    @property
    def call(self) -> str:
        """The call that measures `base` and `source` again; "" where no literal says how, or nothing was measured."""
        if not self.results or not self.results[0].provenance.call:
            return ""
        told = self.results[0]
        answers = f"({told.extras['base']!r}, {told.extras['source']!r})"
        return f"{told.provenance.call.removesuffix(')')}, answers={answers})"

    def _code_of_grid(self) -> str:
        made = [line for side, root in self.roots.items() for line in (*self._tree.script(root), f"{side} = trace")]
        return script(
            f"model = {opening_of(self.model)}", *made,
            f"result = {self.call}" if self.call else f"# result: {self.results[0]!r}, as it was measured",
            "cl.PatchGrid(result, model=model, base=base, source=source)",
        )  # fmt: skip

    def side(self, node: str) -> str:
        """Which of the two runs a branch was made from, "base" or "source"."""
        named = {root: side for side, root in self.roots.items()}
        while node not in named:
            node = self._tree.nodes[node].parent or self.roots["base"]
        return named[node]

    def revive(self, nodes: Sequence[Node], current: str) -> None:
        """The branches of a file, in which both runs are, in place of those that are there."""
        with self._lock:
            self._tree.revive(nodes, current, self.model.codec)
            self._sides = {side: self._tree.nodes[root].trace for side, root in self.roots.items()}
            self._publish()

    def __repr__(self) -> str:
        return f"PatchGrid({self.model!r}, {self._sides['base']!r}, {self._sides['source']!r})"

    # requests: validated here, answered at once

    def _request(self, content: Any) -> PatchRequest:
        return parse(content)

    def _do_patch(self, request: PatchRequest) -> None:
        if not self.results:
            raise InputError("The grid is still being measured; patch when it is there.")
        if self.view.why:
            raise InputError(self.view.why)
        other = "source" if request.side == "base" else "base"
        trace, donor = self._sides[request.side], self._sides[other]
        options = {
            "seed": int(trace.meta.get("seed") or 0),
            **Limits.of(self.model, trace).options(self.model),
        }
        site = str(self.results[0].extras.get("site", "resid_post"))
        mine = self._newest = plan(trace, donor, site, request, self.model.n_layers, options)
        if self._tree.current_id != self.roots[request.side]:
            self._go(self.roots[request.side])
        node = self._tree.current

        def write() -> None:
            pair = self._paired() if request.side == "base" else self._paired().turned
            self._work.write(node, mine, pair, lambda: self._newest is mine)

        self._jobs.start(mine.label, write, slot="write", priority=1)

    def _do_tokens(self, request: PatchRequest) -> None:
        if not self.results or any(result.unit == "token" for result in self.results):
            raise InputError("The tokens of this place can't be opened: the grid was measured by token, or isn't yet.")
        if "head" in self.results[0].columns:
            raise InputError(
                "Of the heads of a layer tokens are measured at once: PatchGrid(site='heads', unit='token')."
            )
        if self.results[0].method != "PatchGrid":
            method = self.results[0].method
            raise InputError(
                f"Of a patch grid tokens are measured when opened; give this one's, {method}(unit='token')."
            )
        column, spans = request.column, self._spans()
        if not 0 <= column < len(spans[0]):
            raise InputError(f"There is no column {column} in this grid of {len(spans[0])}.")
        if column not in self._tokens:
            self._jobs.start("patching its tokens", lambda: self._open_tokens(column, spans), slot="tokens", priority=1)

    def _do_stream(self, request: PatchRequest) -> dict[str, Any]:
        return {"stream": self._work.whole(request.of)}

    # work, and what is shown

    def _measure(self) -> None:
        found = self._method.run(self._sides["base"], self._sides["source"], self.model, answers=self._answers)
        with self._lock:
            self.results = [found]
            self._show_grid()

    def _open_tokens(self, column: int, spans: list[list[range]]) -> None:
        pair = self._paired()
        rows = [
            token_rows(self.results[0], pair if one == "sufficiency" else pair.turned, one, span[column], self.model)
            for one, span in zip(self._directions(), spans, strict=True)
        ]
        with self._lock:
            self._tokens[column] = rows
            self._show_grid()

    def _paired(self) -> Pair:
        """The pair that was measured, its answers in the words in which they were."""
        if self._pair is None:
            told = self.results[0].extras
            self._pair = pair_of(
                self._sides["base"], self._sides["source"], self.model, (str(told["base"]), str(told["source"])), None
            )
        return self._pair

    def _directions(self) -> list[str]:
        return list(dict.fromkeys(self.results[0].columns["direction"].astype(str).tolist()))

    def _spans(self) -> list[list[range]]:
        """Of each run the tokens of its columns, as they are shown."""
        panels = [one for one in self.view.grid["levels"][0]["panels"] if not one["difference"]]
        ends = [[np.frombuffer(one[name], "<u4").tolist() for name in ("first", "last")] for one in panels]
        return [[range(first, last) for first, last in zip(*one, strict=True)] for one in ends]

    def _show_grid(self) -> None:
        """The grid with the tokens that were measured, each run under the id of its trace."""
        if not self.results:
            return
        opened = [rows for parts in self._tokens.values() for rows in parts]
        shown = [*self.results, *([together(self.results[0], opened)] if opened else [])]
        with self.view.hold_sync():
            self.view.show(shown, traces=[self._sides["base"].id, self._sides["source"].id])
            told = self.results[0].columns.get("direction")
            both = told is not None and len(set(told.astype(str).tolist())) == 2
            self.view.why = HEADS if "head" in self.results[0].columns else "" if both else ONE_WAY

    def _add(self, trace: Trace) -> str:
        """A trace with those it was made from as branches; the id of its own."""
        parent: str | None = None
        for step in trace.path():
            label, code = origin(self.model, step)
            parent = self._tree.add(with_codec(self.model, step), parent, label, code).id
        return str(parent)

    def _arrive(self) -> None:
        self._set(stream={})
        self._publish()

    def _fill(self) -> None:
        """A branch has all that is shown of it from when it was written."""

    def _forget(self) -> None:
        self._tree.forget()

    def _draw(self) -> None:
        node = self._tree.current
        self._set(branches=self._tree.payload(), comparison=node.comparison, code=self.code)


def _check(results: tuple[Result, ...], base: Trace, source: Trace) -> None:
    pair = fingerprint(base.id, source.id)
    for result in results:
        if isinstance(result, Result) and result.provenance.trace_id not in ("", pair):
            raise InputError(
                f"This {result.method} result was measured on another pair of traces than base and source: give those "
                "that it was measured on, in their order."
            )
