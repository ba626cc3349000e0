"""FeatureTable: which latents are active in a trace, what the answer owes to them, and what happens without them.

Every change of a latent is a branch of one tree, compared like an edit of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import METRICS
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.method import check_setting
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from cotlens.widgets.feature_table import FeatureTableView
from cotlens.widgets.shared.selection import Selected, selected
from cotlens.workbench.feature_table import payload
from cotlens.workbench.feature_table.code import script
from cotlens.workbench.feature_table.labels import labels_of
from cotlens.workbench.feature_table.plans import ClampPlan, plan
from cotlens.workbench.feature_table.reading import LatentReadings
from cotlens.workbench.feature_table.requests import FeatureRequest, parse
from cotlens.workbench.feature_table.summary import tell
from cotlens.workbench.feature_table.work import FeatureWork
from cotlens.workbench.shared.controller import check_trace
from cotlens.workbench.shared.limits import Limits
from cotlens.workbench.shared.tree_controller import TreeController, shown


class FeatureTable(TreeController):
    """The active latents of a trace as a table beside its text.

    Args:
        model: what wrote the trace.
        trace: the trace to begin with; or an editor, whose branches are then this table's, too: both show the same one,
            and what is written without a latent is a branch there.
        sae: from `cl.features.load_sae`.
        labels: a Neuronpedia export, a file of `cl.features.save_labels`, or latent -> label.
        exact: of how many latents the exact effect is measured without being asked, those with the largest estimates.
        target, metric: the answer and the metric of effects, as in `cl.importance.Occlusion`.

    Attributes:
        trace: the trace shown now.
        selection: (first, last) tokens, or None for the whole trace.
        labels: latent -> label, of those typed here.
        code: Python that makes the shown trace and table again.
        view: the widget itself.

    Raises:
        InputError: no trace, no SAE, one that doesn't fit the model, or a file of labels that can't be read.
        CapabilityError: the model's activations can't be read.
    """

    word = "table"
    _work: FeatureWork

    def __init__(
        self,
        model: Model,
        trace: Trace | TreeController,
        sae: SAE,
        *,
        labels: str | Path | Mapping[int, str] | None = None,
        exact: int = 8,
        target: str | None = None,
        metric: str = "logit_difference",
    ) -> None:
        check_setting("FeatureTable", "metric", metric, tuple(METRICS))
        _check(model, shown(model, trace, "FeatureTable shows"), sae)
        super().__init__(model, FeatureTableView(), trace)
        self.sae = sae
        self._labels = labels_of(sae, labels)
        self._exact, self._target, self._metric = exact, target, metric
        self._readings = LatentReadings(model, sae, self._labels.own, target, metric)
        self._selection: tuple[int, int] | None = None
        self._work = FeatureWork(model, self._tree, self._lock, self._publish, self._set)
        self._newest: ClampPlan | None = None
        self._wanted: set[int] = set()
        self._open(head=payload.head(model, sae))
        if not getattr(model, "asleep", False):  # of a session: what was read comes with it
            self._read()

    @property
    def selection(self) -> tuple[int, int] | None:
        """The selected tokens, half-open; None for the whole trace."""
        return self._selection

    @property
    def labels(self) -> dict[int, str]:
        """What was typed."""
        return dict(self._labels.typed)

    @property
    def code(self) -> str:
        """Python that makes the shown trace and table again."""
        with self._lock:
            known = self._readings.known(self.trace)
            steps = self._tree.script(self._tree.current_id)
            return script(self.model, self.sae, steps, known, self._selection, self._target, self._metric)

    def select(self, selection: Span | tuple[int, int] | None) -> None:
        """Select tokens of the shown trace, or all of it.

        Raises:
            InputError: they are not in the trace.
        """
        first, last = (0, 0) if selection is None else _ends(selection)
        if not 0 <= first <= last <= len(self.trace.token_ids):
            raise InputError(f"The tokens {first} to {last} are not in this trace of {len(self.trace.token_ids)}.")
        self._select((first, last) if first < last else None)

    def summary(self, *, markdown: bool = False) -> str:
        """The latents of the shown trace in words."""
        with self._lock:
            return tell(self.view.head, self._readings.known(self.trace), self._labels, markdown)

    def __repr__(self) -> str:
        return f"FeatureTable({self.model!r}, {self.trace!r}, {self.sae!r})"

    # requests: validated here, answered at once

    def _request(self, content: Any) -> FeatureRequest:
        return parse(content, self._tree, self.sae.config.d_sae)

    def _do_select(self, request: FeatureRequest) -> None:
        if request.document == self.trace.id:
            self._select((request.first, request.last) if request.first < request.last else None)

    def _do_exact(self, request: FeatureRequest) -> None:
        trace = self._tree.holding(request.document).trace
        known = self._readings.known(trace)
        if known is not None and known.asked is None:
            raise InputError(known.why)
        came = lambda: self._show_effects(request.document)  # noqa: E731
        work = lambda: self._readings.ablate(self._readings.read(trace), request.latents, came)  # noqa: E731
        self._jobs.start("ablating", work, slot="exact")

    def _do_describe(self, request: FeatureRequest) -> None:
        self._set(words={**self.view.words, **_keyed(self._readings.words(request.latents, compute=False))})
        # What an older request still waits for is kept: the newer one cancels its job.
        self._wanted.update(latent for latent in request.latents if str(latent) not in self.view.words)

        def describe() -> None:
            latents = sorted(self._wanted)
            found = _keyed(self._readings.words(latents))
            with self._lock:
                self._wanted.difference_update(latents)
                self._set(words={**self.view.words, **found})

        if self._wanted:
            self._jobs.start("top logits", describe, slot="describe", priority=1)

    def _do_name(self, request: FeatureRequest) -> None:
        try:
            self._labels.type(request.latent, request.label)
        finally:
            self._publish()

    def _fill(self) -> None:
        self._read()

    def _do_stream(self, request: FeatureRequest) -> dict[str, Any]:
        return {"stream": self._work.whole(request.of)}

    def _do_change(self, request: FeatureRequest) -> None:
        node = self._tree.holding(request.document)
        n = len(node.trace.token_ids)
        selection = (request.first, request.last) if request.first < request.last else (0, n)
        options = {
            "seed": int(node.trace.meta.get("seed") or 0),
            **Limits.of(self.model, node.trace).options(self.model),
        }
        mine = self._newest = plan(
            node.trace, self.sae, request.latent, request.mode, request.value, request.where, selection, options
        )
        self._go(node.id)
        self._jobs.start(
            mine.label,
            lambda: self._work.write(node, mine, lambda: self._newest is mine),
            slot="write",
            priority=1,
            then=lambda: self._read(after=mine),
        )

    # work, and what is shown

    def _forget(self) -> None:
        self._readings.forget()
        self._tree.forget()

    def _select(self, selection: tuple[int, int] | None) -> None:
        with self._lock:
            self._selection = selection
            self._set(selection=_selected(selection), code=self.code, selected=self._with_span(selection))

    def _picked(self, wanted: Selected) -> None:
        here = wanted.get("trace", self.trace.id) == self.trace.id
        if here and wanted.tokens.stop <= len(self.trace.token_ids):
            self._select(wanted.get("span"))

    def _with_span(self, span: tuple[int, int] | None) -> Selected:
        """What is picked, with other tokens; what somebody called the same ones stays."""
        now = self.view.selected
        if now.get("span") == span:
            return now
        others = {part: value for part, value in now.items() if part not in ("span", "unit")}
        return selected(others if span is None else {**others, "trace": self.trace.id, "span": span, "unit": "span"})

    def _arrive(self) -> None:
        self._jobs.leave("read")
        self._selection = None
        self._set(stream={})
        self._publish()

    def _read(self, *, after: ClampPlan | None = None) -> None:
        """Fill in what the shown branch lacks: latents, estimates, and the exact effects of the likeliest."""
        with self._lock:
            node, newest = self._tree.current, self._newest
        if after not in (None, newest):
            return

        def read() -> None:
            known = self._readings.read(node.trace)
            self._publish()
            self._work.compare(node.id)
            self._readings.estimate(known)
            self._publish()
            came = lambda: self._show_effects(node.trace.id)  # noqa: E731
            self._readings.ablate(known, self._readings.likely(known, self._exact), came)

        self._jobs.start("reading latents", read, slot="read")

    def _show_effects(self, document: str) -> None:
        with self._lock:
            known = self._readings.known(self.trace)
            if self.trace.id == document and known is not None:
                self._set(**payload.effects(known, self._metric), code=self.code)

    def _draw(self) -> None:
        node = self._tree.current
        known = self._readings.known(node.trace)
        if self._selection is not None and self._selection[1] > len(node.trace.token_ids):
            self._selection = None
        parts = dict(payload.EMPTY)
        if known is not None:
            first = self._readings.words(known.rows.latents[:64].tolist(), compute=False)
            parts |= payload.reading(known, self._labels, known.note) | payload.effects(known, self._metric)
            parts["words"] = {**self.view.words, **_keyed(first)}
        self._set(
            **payload.document(node.trace),
            **parts,
            branches=self._tree.payload(),
            comparison=node.comparison,
            selection=_selected(self._selection),
            code=self.code,
        )


def _keyed(words: Mapping[int, Any]) -> dict[str, Any]:
    return {str(latent): one for latent, one in words.items()}


def _selected(selection: tuple[int, int] | None) -> dict[str, int]:
    return {} if selection is None else {"first": selection[0], "last": selection[1]}


def _ends(selection: Span | tuple[int, int]) -> tuple[int, int]:
    return (selection.start, selection.end) if isinstance(selection, Span) else (int(selection[0]), int(selection[1]))


def _check(model: Model, trace: Trace, sae: SAE) -> None:
    check_trace(model, trace, "FeatureTable shows")
    if not isinstance(sae, SAE):
        raise InputError(f"FeatureTable needs a SAE; {type(sae).__name__} was given: use cl.features.load_sae(...).")
    if getattr(model, "asleep", False):
        return
    # One token is enough to find out whether layer and width fit.
    sae.encode(model.read(trace.token_ids[:1], sae.config.site)[sae.config.site])
