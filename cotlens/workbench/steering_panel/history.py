"""The tries of a steering panel: every rerun that came to its end, to go back to and to read as Python."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.results.code import opening_of
from cotlens.trace import Trace
from cotlens.widgets.protocol.steering_panel import Try
from cotlens.widgets.shared.encoding import indices, to_utf16
from cotlens.workbench.shared import document as documents
from cotlens.workbench.shared.layout import layout
from cotlens.workbench.shared.origin import origin
from cotlens.workbench.steering_panel.runs import Rerun, RerunStart
from cotlens.workbench.steering_panel.vector_settings import VectorSetting, VectorSettings, signed

MOST = 60  # tries kept, the original among them; the oldest go first


@dataclass(eq=False)
class HistoryEntry:
    """One setting of the dials and what came of it.

    Args:
        steered, control: under the vectors, and under random ones; None while not written.
        failed: the model broke, so there is nothing to show.
    """

    start: RerunStart
    dials: tuple[VectorSetting, ...]
    steered: Rerun | None = None
    control: Rerun | None = None
    failed: bool = False
    id: str = ""

    def learn(self, *, steered: Rerun | None = None, control: Rerun | None = None) -> None:
        """Put in what was measured meanwhile."""
        self.steered, self.control = steered or self.steered, control or self.control


class History:
    """All tries of a panel, the original first."""

    def __init__(self, model: Model, settings: VectorSettings, baseline: Trace) -> None:
        self._model, self._settings, self._baseline = model, settings, baseline
        self.current = HistoryEntry(RerunStart(baseline), settings.zero(), id="t0")
        self._all, self._made = [self.current], 0

    def add(self, entry: HistoryEntry) -> None:
        """Keep a try and show it."""
        self._made += 1
        entry.id, entry.dials = f"t{self._made}", self._settings.filled(entry.dials)
        self._all = [self._all[0], *self._all[1:][-(MOST - 2) :], entry]
        self.current = entry

    @property
    def entries(self) -> list[HistoryEntry]:
        """All tries, oldest first."""
        return list(self._all)

    def recall(self, entries: list[HistoryEntry], current: str) -> None:
        """The tries of a file in place of those that are there.

        Raises:
            InputError: there is none of the name that is to be shown.
        """
        self._all, self._made = entries, max(int(each.id.removeprefix("t")) for each in entries)
        self.go(current)

    def widen(self) -> None:
        """There is one more vector; it is at 0 in every try."""
        for each in self._all:
            each.dials = self._settings.filled(each.dials)

    def home(self, dials: tuple[VectorSetting, ...]) -> None:
        """Show the baseline, the dials as they are."""
        self.current = self._all[0]
        self.current.dials = dials

    def go(self, name: Any) -> None:
        """Show a try.

        Raises:
            InputError: there is none of that name.
        """
        found = next((each for each in self._all if each.id == name), None)
        if found is None:
            raise InputError(f"There is no try {name!r} any more; the {MOST} newest are kept.")
        self.current = found

    def holding(self, document: Any) -> Trace:
        """The trace with an id: the baseline, or one that was rewritten.

        Raises:
            InputError: there is none.
        """
        reruns = [rerun for each in self._all for rerun in (each.steered, each.control) if rerun is not None]
        plain = [rerun.run.unsteered.steered for rerun in reruns if rerun.run is not None and rerun.run.unsteered]
        for trace in (self._baseline, *(rerun.trace for rerun in reversed(reruns)), *plain):
            if trace.id == document:
                return trace
        raise InputError(f"There is no text {document!r} any more; pick a token of one that is shown.")

    def forget_controls(self) -> None:
        """Other random vectors are wanted."""
        for each in self._all:
            each.control = None

    def payload(self) -> list[Try]:
        """The view's `tries`."""
        return [
            {"id": each.id, "label": self._label(each), "answer": self._answer(each), "current": each is self.current}
            for each in self._all
        ]

    def code(self, control: int | None) -> str:
        """Python that makes the current try again."""
        lines = [
            "import cotlens as cl",
            "",
            f"model = {opening_of(self._model)}",
            origin(self._model, self._baseline)[1],
        ]
        for each in self._line():
            lines += ["", *self._steered_code(each, control if each is self.current else None)]
        return "\n".join(lines)

    def _line(self) -> list[HistoryEntry]:
        """The tries that the current one was made from, oldest first, and itself."""
        found, each = list[HistoryEntry](), self.current
        while each.steered is not None:
            found.insert(0, each)
            source = each.start.source
            before = self._all[: self._all.index(each)]
            parent = next((one for one in before if one.steered is not None and one.steered.trace is source), None)
            if source is self._baseline or parent is None:
                break
            each = parent
        return found

    def label(self, each: HistoryEntry) -> str:
        """What a try is called."""
        return self._label(each)

    def alone(self, each: HistoryEntry) -> str:
        """Python that makes a try of its source, `trace`, and needs nothing but `cl`, `np` and `model`."""
        return "\n".join(self._steered_code(each, None, whole))

    def _steered_code(
        self, each: HistoryEntry, control: int | None, said: Callable[[Vector], str] = Vector.code
    ) -> list[str]:
        assert each.steered is not None
        source, at = each.start.source, min(each.steered.at, len(each.start.source.token_ids) - 1)
        vectors, steerings = self._settings.code(each.dials, source, at, said)
        settings = f"at={at}, temperature=0.0, max_new_tokens={each.start.limit(at)}, control={control}"
        return [*vectors, f"run = cl.steering.steer(model, trace, {steerings}, {settings})", "trace = run.steered"]

    def _label(self, each: HistoryEntry) -> str:
        if each.start.source is self._baseline and each.steered is None and not each.failed:
            return "original"
        pairs = zip(each.dials, self._settings.vectors, strict=True)
        turned = [f"{signed(dial.coefficient)} {vector.name}" for dial, vector in pairs if dial.coefficient]
        where = "" if each.start.token is None else f" from token {each.start.token}"
        return (", ".join(turned) or "no vector") + where

    def _answer(self, each: HistoryEntry) -> str | None:
        if each.failed:
            return None
        shown = each.steered.trace if each.steered is not None else self._baseline
        found = None if shown.awaits_rerun else shown.read_answer()  # else it is that of the text before the edit
        return None if found is None else found.text


def whole(vector: Vector) -> str:
    """A vector as Python that needs nothing else: of one that was made of texts, its values."""
    code = vector.code()
    asked = {each.id for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Name)}
    if asked <= {"cl", "model"}:
        return code
    values = f"np.frombuffer(bytes.fromhex({vector.values.astype('<f4').tobytes().hex()!r}), '<f4')"
    return f"cl.steering.given({values}, {vector.layer}, name={vector.name!r})  # {' '.join(code.split())}"


def document(name: str, trace: Trace) -> dict[str, Any]:
    """The view's `baseline`, or another text, and its offsets."""
    whole = documents.document(trace)
    kept = ("id", "text", "roles", "n_tokens", "sentences", "rewritten_from", "rerun_at", "finish")
    return {name: {key: whole["document"][key] for key in kept}, f"{name}_offsets": layout(trace).token_offsets}


def rewritten(name: str, rerun: Rerun | None) -> dict[str, Any]:
    """The view's `steered` or `control`, and its offsets."""
    if rerun is None:
        return {name: {}, f"{name}_offsets": indices([0])}
    parts = document(name, rerun.trace)
    body = parts[name]
    if not rerun.same:
        body["rewritten_from"] = int(to_utf16(rerun.trace.text, [int(rerun.trace.offsets[rerun.at])])[0])
    return {**parts, name: {"document": body, "same": rerun.same, "note": rerun.note}}


def unsteered(rerun: Rerun | None) -> dict[str, Any]:
    """The view's `unsteered`: what the model writes from the same token without vectors."""
    beside = None if rerun is None or rerun.run is None else rerun.run.unsteered
    if beside is None:
        return rewritten("unsteered", None)
    made, at = beside.steered, beside.at
    note = "" if made.meta.get("finish") == "stop" else f"Cut after {len(made.token_ids) - at} tokens."
    same = made.token_ids == beside.baseline.token_ids
    return rewritten("unsteered", Rerun(made, len(made.token_ids) if same else at, (), beside, note))
