"""CoTEditor: edit or truncate a thought in a notebook and see at once what follows.

The controller listens to the view, validates, and hands all computing to the model's thread. A request that fails says
why in the view and changes nothing; every try is a branch of one tree. Messages may arrive on any thread, also while a
cell runs: one lock guards the tree, the choice of what is shown, and every write to the view.
"""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Sequence
from typing import Any

from cotlens._core.errors import CotLensError, InputError
from cotlens.measure.importance.units import units
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.align import char_offsets
from cotlens.widgets.editor import EditorView
from cotlens.workbench import payload
from cotlens.workbench.jobs import Jobs, JobState
from cotlens.workbench.measures import Shown
from cotlens.workbench.measuring import Measuring
from cotlens.workbench.plans import Plan, origin, plan
from cotlens.workbench.requests import Request, parse
from cotlens.workbench.tree import Tree
from cotlens.workbench.work import Work


class CoTEditor:
    """An editor for one reasoning trace.

    Args:
        model: what writes and scores.
        trace: the trace to begin with; traces it was made from are shown as branches too.
        measure: what the text is shaded by first, an entry of the menu: "occlusion-direct", "early-answer",
            "resampling", "suppression", ... (`cotlens.workbench.measures.MEASURES`).
        unit: "token", "sentence", "paragraph" or "span"; by default the measure's first.
        spans: stretches of the thought as units, (start, end) characters of the trace's text; then the unit is "span".

    Attributes:
        trace: the trace shown now.
        result: the result the text is shaded by, None while there is none.
        code: Python that makes the shown trace and result again.
        view: the widget itself.

    Raises:
        InputError: `trace` is no trace, or its tokens aren't this model's; there is no such measure or unit; a span
            leaves the thought or overlaps another one.
    """

    def __init__(
        self,
        model: Model,
        trace: Trace,
        *,
        measure: str = "occlusion-direct",
        unit: str = "",
        spans: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        _check(model, trace)
        self._spans = {} if spans is None else {trace.id: _spans(trace, spans)}
        self.model = model
        self.view = EditorView()
        self._lock = threading.RLock()
        self._tree = Tree()
        self._chosen = Shown(measure, "span" if spans is not None else unit)
        self._measuring = Measuring(model, lambda: self._set(measures=self._measuring.menu(self.trace, self._shown)))
        self._jobs = Jobs(model.owner, self._show_job, self._lock)
        self._work = Work(model, self._tree, self._measuring, self._lock, self._publish, self._set)
        self._newest: Plan | None = None
        self._fault = ""
        for step in trace.path():
            label, code = origin(model, step)
            able = step if step.codec is not None else dataclasses.replace(step, codec=model.codec)
            self._tree.add(able, self._tree.current_id or None, label, code)
        self._set(head={"model": model.name, "where": model.where, "note": model.score_path})
        self.view.on_msg(self._on_message)
        self._publish()
        self._measure()

    @property
    def trace(self) -> Trace:
        """The trace shown now."""
        return self._tree.current.trace

    @property
    def branches(self) -> list[Trace]:
        """All traces, in the order they were made."""
        with self._lock:
            return [node.trace for node in self._tree.nodes.values()]

    @property
    def _shown(self) -> Shown:
        """What the shown trace is shaded by: spans belong to the text they were chosen in."""
        return self._chosen.on(self._spans.get(self.trace.id, ()))

    @property
    def result(self) -> Result | None:
        """The result the text is shaded by."""
        return self._measuring.known(self.trace, self._shown)

    @property
    def code(self) -> str:
        """Python that makes the shown trace and result again."""
        with self._lock:
            lines = self._tree.script(self._tree.current_id)
            return "\n".join(
                ["import cotlens as cl", "", f"model = cl.load({self.model.name!r})", *lines, self._shown.code()]
            )

    @property
    def error(self) -> str:
        """The traceback of the last failure, "" if there was none."""
        return self._jobs.last_error.traceback if self._jobs.last_error else self._fault

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all work that was started has ended; False where `timeout` seconds were not enough."""
        return self._jobs.wait(timeout)

    def cancel(self) -> None:
        """Stop all work; what was finished is kept."""
        self._jobs.cancel()

    def __repr__(self) -> str:
        return f"CoTEditor({self.model!r}, {self.trace!r})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    # requests: validated here, answered at once

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        status, parts = "error", dict[str, Any]()
        try:
            with self._lock:
                request = parse(content, self._tree)
                status, parts = "ok", getattr(self, f"_do_{request.kind}")(request) or {}
        except CotLensError as error:
            parts = {"error": {"message": str(error), "remedy": None}}
        except Exception as error:
            self._fault = traceback.format_exc()
            remedy = "This is a fault in CoTLens; editor.error has the details."
            parts = {"error": {"message": f"{type(error).__name__}: {error}", "remedy": remedy}}
        if isinstance(number, int):
            self.view.reply(number, status, **parts)

    def _do_inspect(self, request: Request) -> dict[str, Any]:
        return payload.inspection(self._tree.holding(request.document).trace, request.token)

    def _do_count(self, request: Request) -> dict[str, Any]:
        return {"tokens": len(self.model.codec.encode(request.text))}

    def _do_cancel(self, request: Request) -> None:
        self._jobs.cancel(upto=request.job)

    def _do_goto(self, request: Request) -> None:
        self._go(request.branch)
        self._measure()

    def _do_measure(self, request: Request) -> None:
        chosen = Shown(request.measure, request.unit, request.metric, request.n)
        if request.spans is not None:
            self._spans[request.document] = _spans(self._tree.holding(request.document).trace, request.spans)
        self._chosen = chosen
        self._publish()
        # The costs that were seen are those of the document it was asked on: elsewhere nothing long begins by itself.
        self._measure(asked=request.confirmed and request.document == self.trace.id)

    def _do_branch(self, request: Request) -> None:
        node = self._tree.holding(request.document)
        seed = self._tree.children(node.id) + int(node.trace.meta.get("seed") or 0)
        mine = self._newest = plan(node.trace, request, seed)
        self._go(node.id)
        self._jobs.start(
            "answering" if "close_thought" in mine.options else "writing",
            lambda: self._work.write(node, mine, request.id, lambda: self._newest is mine),
            lane="write",
            priority=1,
            then=lambda: self._measure(after=mine),
        )

    _do_edit = _do_truncate = _do_rerun = _do_branch

    # work, and what is shown

    def _go(self, branch: str) -> None:
        """Show a branch; what was being measured for the one before stops."""
        before = self._tree.current_id
        self._tree.go(branch)
        self._jobs.cancel("measure")
        if self._tree.current_id != before:
            self._set(stream={})
            self._publish()

    def _measure(self, *, asked: bool = False, after: Plan | None = None) -> None:
        """Fill in what the shown branch lacks: probabilities, comparison, curve, the chosen measure."""
        with self._lock:
            node, shown, newest = self._tree.current, self._shown, self._newest
            needed = "thought" in node.trace.roles and not self._work.settled(node, shown, asked)
        if needed and after in (None, newest):
            fill = lambda: self._work.fill(node.id, shown, asked, lambda: self._newest is newest)  # noqa: E731
            self._jobs.start(shown.entry.label, fill, lane="measure")

    def _publish(self) -> None:
        """Show everything about the current branch."""
        with self._lock:
            node, shown = self._tree.current, self._shown
            self._set(
                **payload.document(node.trace),
                **payload.strip(node.trace, self._measuring.curve(node.trace)),
                **payload.shading(node.trace, shown, self.result, self._measuring.complete(node.trace, shown)),
                branches=self._tree.payload(),
                comparison=node.comparison,
                measures=self._measuring.menu(node.trace, shown),
                selection=payload.selection(node.trace, shown),
                code=self.code,
            )

    def _set(self, **traits: Any) -> None:
        """Write traits as one batch: ipywidgets' own batches are not safe from several threads."""
        with self._lock, self.view.hold_sync():
            for name, value in traits.items():
                setattr(self.view, name, value)

    def _show_job(self, state: JobState) -> None:
        self._set(job=state.payload())


def _check(model: Model, trace: Trace) -> None:
    if not isinstance(trace, Trace):
        raise InputError(
            f"CoTEditor shows a Trace; {type(trace).__name__} was given: make one with model.reason(prompt)."
        )
    text, _ = char_offsets(model.codec.pieces(trace.token_ids))
    if text != trace.text:
        raise InputError(f"The tokens of this trace are not those of {model.name!r}: make the trace with this model.")


def _spans(trace: Trace, given: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in the order of the text; InputError where one leaves the thought or overlaps another one."""
    return tuple((span.char_start, span.char_end) for span in units(trace, "span", given)) if given else ()
