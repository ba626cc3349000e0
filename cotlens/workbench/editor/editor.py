"""CoTEditor: edit or truncate a thought in a notebook and see at once what follows.

Every try is a branch of one tree; of a trace of many parts, each thought that is looked at is a root of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens._core.files import PathLike
from cotlens.measure.monitors import Readings
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.widgets.editor import EditorView
from cotlens.widgets.page.facts import provenance
from cotlens.widgets.page.page import NO_KERNEL
from cotlens.workbench.branches.node import Node
from cotlens.workbench.editor import payload
from cotlens.workbench.editor.latents.moving import Moving
from cotlens.workbench.editor.latents.thoughts import Thoughts
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.measure_runner import MeasureRunner
from cotlens.workbench.editor.no_model import NEEDED_BY, WHY, NoModel
from cotlens.workbench.editor.offers.offering import LENS, default
from cotlens.workbench.editor.parts import Focuses, parts
from cotlens.workbench.editor.plans import BranchPlan, plan
from cotlens.workbench.editor.readers import Readers
from cotlens.workbench.editor.recording import every, recording
from cotlens.workbench.editor.requests import Request, chosen_spans, parse, told
from cotlens.workbench.editor.summary import code_of, tell
from cotlens.workbench.editor.work import Work
from cotlens.workbench.shared.controller import check_trace
from cotlens.workbench.shared.document import document
from cotlens.workbench.shared.jobs import JobState
from cotlens.workbench.shared.limits import Limits
from cotlens.workbench.shared.tree_controller import TreeController


class CoTEditor(TreeController):
    """An editor for one reasoning trace.

    What the model writes keeps to the trace's own limit of new tokens and its temperature; the head shows and changes
    them. An edit that the model has not gone on from (`Trace.awaits_rerun`) is shown as such until it is rerun.

    Args:
        model: what writes and scores. With None the trace can be read: searched, inspected, its branches walked; every
            action that needs a model is off, and says so.
        trace: the trace to begin with; traces it was made from are shown as branches too. Of a trace of many parts the
            others are folded, and each of its thoughts can be looked at (`trace.focus`), with branches of its own.
        measure: what the text is shaded by first, an entry of the menu: "occlusion-direct", "early-answer",
            "resampling", "suppression", ... (`cotlens.workbench.editor.measure_menu.MEASURES`); by default the first
            that this model can be asked, and `why` says why where that isn't the usual one.
        unit: "token", "sentence", "paragraph" or "span"; by default the measure's first.
        spans: stretches of the thought as units, (start, end) characters of the trace's text; then the unit is "span".
        cue: words of the prompt that are suspected of moving the answer; the menu's cue difference asks about them.
        lens, probe: what the menu's lens (by default the logit lens) and probe read under the sentences with.
        others: other thoughts of the model, of a trace with latents: what their means and donors are taken from.

    Attributes:
        trace: the trace shown now.
        result: the result the text is shaded by, None while there is none.
        code: Python that makes the shown trace and result again.
        why: a sentence on the measure that was chosen by default; "" where there is nothing to say.
        others: the other thoughts that it was given.
        view: the widget itself.

    Raises:
        InputError: `trace` is no trace, or its tokens aren't this model's; there is no such measure or unit; a span
            leaves the thought or overlaps another one; the prompt doesn't say the cue, or more than once.
    """

    word = "editor"
    _work: Work

    def __init__(
        self,
        model: Model | None,
        trace: Trace,
        *,
        measure: str | None = None,
        unit: str = "",
        spans: Sequence[tuple[int, int]] | None = None,
        cue: str = "",
        lens: Any = None,
        probe: Any = None,
        others: Sequence[Trace] = (),
    ) -> None:
        check_trace(model, trace, "CoTEditor shows", without_model=True)
        given, thoughts = told(trace, cue, lens, probe), Thoughts.of(model, trace, others)
        self._readonly = model is None
        if model is None:
            model = cast(Model, NoModel(trace))
        self._spans = {} if spans is None else {trace.id: chosen_spans(trace, spans)}
        super().__init__(model, EditorView(), trace)
        self._focuses = Focuses(self._tree, model)
        self._readers = Readers(trace.reader)
        unit = "span" if spans is not None else unit
        chosen = None if measure is None else ShadingSettings(measure, unit, cue=cue, inside=given.get(measure))
        self._chosen, self.why = default(model, unit) if chosen is None else (chosen, "")
        self._measuring = MeasureRunner(
            model,
            lambda: self._set(measures=self._measuring.menu(self.trace, self._shown)),
            *({self._chosen.measure: self.why}, given),
        )
        self._work = Work(model, self._tree, self._measuring, self._lock, self._publish, self._set)
        self.others = thoughts.given
        self._moving = Moving(model, self._tree, thoughts, self._lock, self._set)
        self._newest: BranchPlan | None = None
        self._limits = self._given_limits = Limits.of(model, self.trace)
        self._open(head=payload.head(model, self.why), limits={} if self._readonly else self._limits.payload())
        self._measure(wake=False)

    @property
    def _shown(self) -> ShadingSettings:
        """What the shown trace is shaded by: spans belong to the text they were chosen in."""
        return self._chosen_on(self.trace)

    def _chosen_on(self, trace: Trace) -> ShadingSettings:
        return self._chosen.on(self._spans.get(trace.id, ()))

    @property
    def result(self) -> Result | None:
        """The result the text is shaded by."""
        return self._measuring.known(self.trace, self._shown)

    @property
    def code(self) -> str:
        """Python that makes the shown trace and result again."""
        with self._lock:
            return code_of(self._measuring, self._tree, self._tree.current_id, self._readers.code(), self._shown)

    def __repr__(self) -> str:
        return f"CoTEditor({self.model!r}, {self.trace!r})"

    def go_to(self, token: int, trace: Trace | None = None) -> None:
        """Pick the sentence that holds a token and bring it into view, wherever the editor is shown.

        Args:
            token: index in the trace.
            trace: the branch to show for it; by default the one that is shown.

        Raises:
            InputError: there is no such branch, or no such token in it.
        """
        with self._lock:
            node = self._tree.current if trace is None else self._tree.holding(trace.id)
            token = check.whole("token", token, 0, len(node.trace.token_ids) - 1, of="CoTEditor.go_to")
            if node.id != self._tree.current_id:
                self._goto(node.id)
            asked = self.view.place.get("asked", 0) + 1
            self._set(place={"document": node.trace.id, "token": token, "asked": asked})

    def show_findings(self, *readings: Readings) -> None:
        """Underline what monitors found in the traces of this editor, in place of what was underlined before.

        The inspector tells category, severity, monitor and rationale of what is picked, and the layer can be turned
        off. With no readings nothing is underlined; readings of traces that aren't branches here wait until they are.

        Args:
            readings: of `cl.monitors.Rules`, `cl.monitors.Judge`, ..., each over any number of traces.

        Raises:
            InputError: something else was given.
        """
        self._set(findings=payload.findings(readings))

    # requests: validated here, answered at once

    def _request(self, content: Any) -> Request:
        request = parse(content, self._tree)
        if self._readonly and request.kind in NEEDED_BY:
            raise InputError(WHY)
        if request.document and request.kind in NEEDED_BY:
            check_verbatim(self._tree.holding(request.document).trace)
        return request

    def _do_inspect(self, request: Request) -> dict[str, Any]:
        return {**payload.inspection(self._tree.holding(request.document).trace, request.token)}

    def _do_count(self, request: Request) -> dict[str, Any]:
        return {"tokens": len(self.model.codec.encode(request.text))}

    def _fill(self) -> None:
        self._measure(wake=False)  # to look at a branch loads no model

    def _do_focus(self, request: Request) -> None:
        self._goto(self._focuses.branch(request.thought))

    def _do_measure(self, request: Request) -> None:
        chosen = request.shading(tuple(self._limits.changed(self._given_limits).items()), self._measuring.given)
        if request.spans is not None:
            self._spans[request.document] = chosen_spans(self._tree.holding(request.document).trace, request.spans)
        self._chosen = chosen
        self._publish()
        # The costs that were seen are those of the document it was asked on: elsewhere nothing long begins by itself.
        self._measure(asked=request.confirmed and request.document == self.trace.id)

    def _do_reader(self, request: Request) -> None:
        """Read the answers of all branches anew: what was measured of the answers read before is dropped.

        A text that is being written goes on: it is read by the new reader when it ends.
        """
        reader = self._readers.choose(request.reader)
        self._jobs.cancel("measure")
        self._leave_resampling()
        self._measuring.forget()
        self._chosen = replace(self._chosen, target="")
        self._tree.read_by(reader)
        self._publish()
        self._measure()

    def _do_branch(self, request: Request) -> None:
        node = self._tree.holding(request.document)
        seed = self._tree.children(node.id) + int(node.trace.meta.get("seed") or 0)
        options = {"seed": seed, **self._limits.options(self.model)}
        make = {"put": self._moving.put, "take_out": self._moving.take_out}.get(request.kind, plan)
        mine = make(node.trace, request, options)
        mine.check_fits(self.model)
        self._newest = mine
        self._jobs.cancel("measure")
        self._go(node.id)
        self._jobs.start(
            "answering" if "close_thought" in mine.options else "writing",
            lambda: self._work.write(node, mine, lambda: self._newest is mine),
            slot="write",
            priority=1,
            then=lambda: self._measure(after=mine),
        )

    def _do_resample(self, request: Request) -> None:
        node = self._tree.holding(request.document)
        options = self._drawing(node)
        work = lambda: self._work.resample(node, request.n, options, request.force)  # noqa: E731
        self._jobs.start("resampling", work, slot="resample")

    def _drawing(self, node: Node) -> dict[str, Any]:
        """How rollouts of a branch are drawn."""
        return {"seed": int(node.trace.meta.get("seed") or 0), **self._limits.options(self.model)}

    def _do_limits(self, request: Request) -> None:
        limits = self._limits.asked(request.max_new_tokens, request.temperature, self.model)
        if limits != self._limits:
            self._limits = limits
            self._leave_resampling()
        self._set(limits=self._limits.payload())

    def _do_stream(self, request: Request) -> dict[str, Any]:
        return {"stream": self._work.whole(request.of)}

    _do_edit = _do_truncate = _do_rerun = _do_put = _do_take_out = _do_branch

    def _do_move(self, request: Request) -> None:
        node = self._tree.holding(request.document)
        move = self._moving.move(node.trace, request)
        self._jobs.start("answering", lambda: self._moving.ask(node, move), slot="move", priority=1)

    # work, and what is shown

    def _forget(self) -> None:
        self._measuring.forget()
        self._tree.forget()
        self._work.leave_resampling()
        self._moving.forget()

    def _leave_resampling(self) -> None:
        """Show no rollouts that were read and written by other settings; what they came to stays in the tree."""
        self._jobs.cancel("resample")
        self._work.leave_resampling()
        self._set(resampled={})

    def _arrive(self) -> None:
        """Another branch is shown: what was being measured for the one before stops."""
        for slot in ("measure", "move"):
            self._jobs.leave(slot)
        ended = {} if self._jobs.busy else {"job": JobState().payload()}  # how work for the one before ended
        self._set(stream={}, moved={}, **ended)
        self._publish()

    def _measure(self, *, asked: bool = False, after: BranchPlan | None = None, wake: bool = True) -> None:
        """Fill in what the shown branch lacks: probabilities, comparison, curve, the chosen measure."""
        if self._readonly or (getattr(self.model, "asleep", False) and not wake):
            return
        with self._lock:
            node, shown, newest = self._tree.current, self._shown, self._newest
            whole = "thought" in node.trace.roles and node.trace.status == "verbatim"
            needed = whole and not self._work.has_all(node, shown, asked)
        if needed and after in (None, newest):
            fill = lambda: self._work.fill(node.id, shown, asked, lambda: self._newest is newest)  # noqa: E731
            self._jobs.start("measuring", fill, slot="measure")

    def _draw(self) -> None:
        self._set(**self._traits(self._tree.current, self._shown))

    def _traits(self, node: Node, shown: ShadingSettings) -> dict[str, Any]:
        """All that a branch shows, shaded in one way."""
        trace, measuring = node.trace, self._measuring
        result = measuring.known(trace, shown)
        family = [each.trace for each in self._tree.family(node.id)]
        return {
            **document(trace),
            **payload.strip(trace, measuring.curve(trace), shown.target),
            **payload.shading(trace, shown, result, measuring.complete(trace, shown), measuring.alike(shown, family)),
            "latents": self._moving.strip(trace, measuring.read_latents(trace), measuring.why_not(trace, LENS)),
            "parts": parts(trace, self._tree.root(node.id).trace),
            "branches": self._tree.payload(node.id),
            "comparison": node.comparison,
            "resampled": self._work.resampled(node, self._drawing(node)),
            "measures": measuring.menu(trace, shown),
            "selection": payload.selection(trace, shown),
            "readers": self._readers.offered(trace.reader),
            "code": code_of(self._measuring, self._tree, node.id, self._readers.code(), shown),
        }

    def summary(self, *, markdown: bool = False) -> str:
        """What a person would see, in words: the branches, the shown text, and what it is shaded by."""
        with self._lock:
            lens = self._measuring.read_latents(self.trace)
            return tell(self.view.head, self._tree, self.result, lens, markdown)

    def to_html(self, path: PathLike, title: str = "") -> Path:
        """Write the editor as one HTML file that needs no kernel and no network.

        A reader walks the branches, chooses among the measures that were run, and looks into every token; what would
        need the model is off, and says so. Work that goes on is written as far as it is.

        Args:
            title: of the page.

        Raises:
            InputError: the file can't be written there.
        """
        with self._lock:
            known = lambda trace: [self._chosen_on(trace), *self._measuring.measured(trace)]  # noqa: E731
            views = every(self._tree.nodes.values(), known, self._traits)
            at, focuses = (self._tree.current_id, self._shown), self._focuses.seen()
            traces, results = [node.trace for node in self._tree.nodes.values()], self._measuring.results()
        head = {**self.view.head, "off": NO_KERNEL, "measured": True}
        return self.view.to_html(
            path,
            title,
            recording=recording(views, at, traces, head, focuses),
            facts=[*map(provenance, results), ("code", self.code)],
        )
