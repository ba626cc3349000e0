"""CoTEditor: edit or truncate a thought in a notebook and see at once what follows.

The controller listens to the view, validates, and hands all computing to the model's thread. A request that fails says
why in the view and changes nothing; every try is a branch of one tree.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import numpy as np

from cotlens._core.errors import Cancelled, CotLensError, InputError
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.align import char_offsets
from cotlens.widgets.editor import EditorView
from cotlens.workbench import payload
from cotlens.workbench.compare import compare
from cotlens.workbench.jobs import Jobs, JobState
from cotlens.workbench.measures import MEASURES, Measuring, Shown
from cotlens.workbench.requests import Request, edited_trace, parse
from cotlens.workbench.stream import Stream
from cotlens.workbench.tree import Node, Tree


class CoTEditor:
    """An editor for one reasoning trace.

    Args:
        model: what writes and scores.
        trace: the trace to begin with; traces it was made from are shown as branches too.
        measure: what the text is shaded by first: "occlusion-direct", "occlusion-total" or "early-answer".

    Attributes:
        trace: the trace shown now.
        result: the result the text is shaded by, None while there is none.
        code: Python that makes the shown trace and result again.
        view: the widget itself.

    Raises:
        InputError: `trace` is no trace, or its tokens aren't this model's.
    """

    def __init__(self, model: Model, trace: Trace, *, measure: str = "occlusion-direct") -> None:
        _check(model, trace)
        self.model = model
        self.view = EditorView()
        self._lock = threading.RLock()
        self._tree = Tree()
        self._measuring = Measuring(model, self._publish_measures)
        self._jobs = Jobs(model.owner, self._publish_job)
        self._shown = Shown(measure)
        for step in trace.path():
            self._tree.add(step, self._tree.current_id or None, *_origin(model, step))
        self.view.head = {"model": model.name, "where": model.where, "note": model.score_path}
        self.view.on_msg(self._on_message)
        self._show()

    @property
    def trace(self) -> Trace:
        """The trace shown now."""
        return self._tree.current.trace

    @property
    def branches(self) -> list[Trace]:
        """All traces, in the order they were made."""
        return [node.trace for node in self._tree.nodes.values()]

    @property
    def result(self) -> Result | None:
        """The result the text is shaded by."""
        return self._measuring.known(self.trace, self._shown)

    @property
    def code(self) -> str:
        """Python that makes the shown trace and result again."""
        lines = [
            "import cotlens as cl",
            "",
            f"model = cl.load({self.model.name!r})",
            *self._tree.script(self._tree.current_id),
        ]
        return "\n".join([*lines, self._shown.code()])

    @property
    def error(self) -> str:
        """The traceback of the last job that failed, "" if none did."""
        return self._jobs.last_error.traceback if self._jobs.last_error else ""

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all work that was started has ended; False where `timeout` seconds were not enough."""
        return self._jobs.wait(timeout)

    def cancel(self) -> None:
        """Stop all work; what was finished is kept."""
        self._jobs.cancel()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    # requests

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        try:
            request = parse(content, self.trace)
            answer = getattr(self, f"_do_{request.kind}")(request)
        except CotLensError as error:
            self._reply(number, "error", error={"message": str(error), "remedy": None})
        else:
            self._reply(number, "ok", **(answer or {}))

    def _reply(self, number: int | None, status: str, **parts: Any) -> None:
        if number is not None:
            self.view.reply(number, status, **parts)

    def _do_inspect(self, request: Request) -> dict[str, Any]:
        return payload.inspection(self.trace, request.token)

    def _do_count(self, request: Request) -> dict[str, Any]:
        return {"tokens": len(self.model.codec.encode(request.text))}

    def _do_cancel(self, _: Request) -> None:
        self._jobs.cancel()

    def _do_goto(self, request: Request) -> None:
        with self._lock:
            self._tree.go(request.branch)
        self._jobs.cancel()
        self._show()

    def _do_measure(self, request: Request) -> None:
        with self._lock:
            self._shown = Shown(request.measure, request.unit, request.metric)
        self._publish()
        self._measure(asked=True)

    def _do_branch(self, request: Request) -> None:
        self._rewrite(request)

    _do_edit = _do_truncate = _do_answer_here = _do_rerun = _do_branch

    # work

    def _rewrite(self, request: Request) -> None:
        node = self._tree.current
        edited, label, code = edited_trace(node.trace, request)
        seed = self._tree.children(node.id) + int(node.trace.meta.get("seed", 0) or 0)
        close = request.kind in ("truncate", "answer_here")
        self._jobs.cancel("measure")
        work = lambda: self._write(node, edited, label, code, seed, close, request.id)  # noqa: E731
        self._jobs.start("answering" if close else "writing", work, lane="write", priority=1)

    def _write(self, node: Node, edited: Trace, label: str, code: str, seed: int, close: bool, request_id: int) -> None:
        edit = self.model.surprise(edited)
        edited = dataclasses.replace(edited, edit=edit)
        if edit.kind != "truncate":
            with self._lock:
                kept = compare(self.model, node.trace, edited, edit, "the rest of the thought kept as it was")
                self.view.comparison = kept
        stream = Stream(self.view, edited, request_id)
        options: dict[str, Any] = {"close_thought": True} if close else {"seed": seed}
        try:
            written = self.model.resume(edited, **options, on_token=stream.add)
        except Cancelled as cancelled:
            partial = getattr(cancelled, "partial", None)
            if partial is not None:
                self._keep(node, partial, label, code, options)
            raise
        finally:
            stream.close()
        added = self._keep(node, written, label, code, options)
        comparison = compare(self.model, node.trace, written, edit, "the model went on from the edit")
        with self._lock:
            after = comparison["after"] or {}
            self._tree.update(added.id, comparison=comparison, probability=after.get("p"))
        self._publish()
        self._measure()

    def _keep(self, node: Node, trace: Trace, label: str, code: str, options: dict[str, Any]) -> Node:
        settings = ", ".join(f"{name}={value!r}" for name, value in options.items())
        with self._lock:
            added = self._tree.add(trace, node.id, label, f"trace = model.resume({code}, {settings})")
        self._publish()
        return added

    def _show(self) -> None:
        self._publish()
        self._measure()

    def _measure(self, asked: bool = False) -> None:
        """Fill in what the shown trace lacks: probabilities, the curve, the chosen measure."""
        node, shown = self._tree.current, self._shown
        if "thought" not in node.trace.roles:
            return

        def work() -> None:
            trace = self._measuring.annotated(node.trace)
            if trace is not node.trace:
                with self._lock:
                    self._tree.update(node.id, trace=trace)
                self._publish()
            for part in self._measuring.missing(trace, shown, asked):
                self._measuring.run(trace, part)
                self._learn(node.id, trace)
                self._publish()

        self._jobs.start(MEASURES[shown.measure].label, work, lane="measure")

    def _learn(self, node_id: str, trace: Trace) -> None:
        curve = self._measuring.curve(trace)
        if curve is not None and np.isfinite(curve.extras["curve"][-1, 0]):
            with self._lock:
                self._tree.update(
                    node_id, answer=curve.extras["answers"][0], probability=float(curve.extras["curve"][-1, 0])
                )

    # publishing

    def _publish(self) -> None:
        """Everything the view shows of the current branch."""
        with self._lock:
            node, shown = self._tree.current, self._shown
            traits = {
                **payload.document(node.trace),
                **payload.strip(node.trace, self._measuring.curve(node.trace)),
                **payload.shading(node.trace, shown.measure, MEASURES[shown.measure].label, self.result),
                "branches": self._tree.payload(),
                "comparison": node.comparison,
                "measures": self._measuring.menu(node.trace),
                "selection": {"measure": shown.measure, "unit": shown.unit, "metric": shown.metric},
                "code": self.code,
            }
            with self.view.hold_sync():
                for name, value in traits.items():
                    setattr(self.view, name, value)

    def _publish_measures(self) -> None:
        self.view.measures = self._measuring.menu(self.trace)

    def _publish_job(self, state: JobState) -> None:
        with self._lock:
            self.view.job = state.payload()


def _check(model: Model, trace: Trace) -> None:
    if not isinstance(trace, Trace):
        raise InputError(
            f"CoTEditor shows a Trace; {type(trace).__name__} was given: make one with model.reason(prompt)."
        )
    text, _ = char_offsets(model.codec.pieces(trace.token_ids))
    if text != trace.text:
        raise InputError(f"The tokens of this trace are not those of {model.name!r}: make the trace with this model.")


def _origin(model: Model, trace: Trace) -> tuple[str, str]:
    """Label and Python of a trace the editor was opened with."""
    if trace.parent is None:
        seed = trace.meta.get("seed", 0) or 0
        return "original", f"trace = model.reason({trace.prompt!r}, seed={seed})"
    return "edited", "# an edit made outside the editor"
