"""Workbench: text, scores, steering, latents, branches, findings and details of one trace, side by side and linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import ipywidgets
import traitlets as t

from cotlens._core.errors import CotLensError, InputError, did_you_mean
from cotlens._core.files import PathLike
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.monitors import Readings
from cotlens.measure.steering.vector import Vector
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.results.summary import MOST
from cotlens.trace import Trace
from cotlens.widgets.page import several
from cotlens.widgets.protocol.workbench_bar import REQUESTS, Width
from cotlens.widgets.shared.bundles import Told
from cotlens.widgets.shared.names import shown_name
from cotlens.widgets.shared.selection import SelectedTrait, Selection
from cotlens.widgets.workbench_bar import WorkbenchBar
from cotlens.workbench.editor.editor import CoTEditor
from cotlens.workbench.shared.controller import brief
from cotlens.workbench.shared.messages import fields_of
from cotlens.workbench.shared.tree_controller import is_tree
from cotlens.workbench.workbench.panels import PANELS, built

# Two panels of half the width stand side by side from about 900 px on, and never three.
_FLEX: dict[Width, str] = {"half": "1 1 max(420px, 34%)", "full": "1 1 100%"}


class Workbench(Told, ipywidgets.Box):
    """One place for an investigation: panels that are opened and closed, and share what is picked.

        workbench = cl.Workbench(model, trace)
        workbench.open("features")                      # the FeatureTable; workbench["features"] is the same one
        workbench.panels                                # {"text": "full", "features": "half"}

    The panels: text (the CoTEditor), importance (the ImportanceMap of what the text is shaded by), steering
    (SteeringPanel), features (FeatureTable), branches (BranchTree), findings (MonitorPanel), lens (LensGrid), patches
    (PatchGrid), rollouts (RolloutMap), probes (their charts) and details (provenance, settings, code). Each is the
    widget of that name, made when it is first opened. Importance, features, branches and details keep to what the
    editor shows; the others stay with the text they were opened on. What is steered or written without a latent is a
    branch of the editor. A panel that is closed is hidden and goes on.

    Args:
        model: what writes and scores; with None the trace can be read.
        trace: the trace, or an editor, whose branches and results are then those of the workbench.
        sae: what features are read by; by default the one that is shipped for this model.
        vectors: of steering; by default one that raises the answer.
        readings: of a monitor, to be shown as findings; by default equations are checked.
        results: of lenses, patches and probes, for the panels of these names; by default the answer's lens is run.
        other: another run, to patch from.
        rollouts: of the prompt, to be compared; by default the branches of the editor are.

    Attributes:
        editor: the panel "text".
        panels: those that are open, "half" or "full" by name; observe it, or set it.
        made: the widgets that were made so far, by panel.
        selected: what is picked in all panels.
        session: what keeps it, None where nothing does.

    Raises:
        InputError: the trace isn't one of this model, or there are no such panels.
        WidgetsNotBuilt: the front end was not built.
    """

    panels = t.Dict()
    selected = SelectedTrait()

    def __init__(
        self,
        model: Model | None,
        trace: Trace | CoTEditor,
        *,
        sae: SAE | None = None,
        vectors: Sequence[Vector] = (),
        readings: Readings | None = None,
        results: Sequence[Result] = (),
        other: Trace | None = None,
        rollouts: Sequence[Trace] = (),
    ) -> None:
        self.editor = _editor(model, trace)
        self.model = self.editor.model if self.editor.model.capabilities else None
        self.sae, self.vectors, self.readings = sae, list(vectors), readings
        self.results, self.other, self.rollouts = _all_results(results), other, list(rollouts)
        self.session: Any = None  # which knows workbenches, and not they it
        self.made: dict[str, Any] = {}
        self._widths: dict[str, Width] = {name: panel.width for name, panel in PANELS.items()}
        self._bar = WorkbenchBar(names=list(PANELS))
        super().__init__(children=[self._bar])
        self.layout = ipywidgets.Layout(display="flex", flex_flow="row wrap", grid_gap="8px", overflow="visible")
        self._bar.layout.flex = "1 1 100%"
        self._selection = Selection()
        t.link((self._selection, "selected"), (self, "selected"))
        self._bar.on_msg(self._on_message)
        self.editor.view.observe(self._follow, ["job", "document", "code"])
        self.panels = {"text": ""}

    @property
    def trace(self) -> Trace:
        """The trace that is shown in the editor."""
        return self.editor.trace

    # ipywidgets calls `open` and `close` without a name for the widget itself.

    def open(self, panel: str = "", width: str = "") -> Any:
        """Show a panel, and return its widget.

        Args:
            width: "half" or "full"; by default as it was.

        Raises:
            CotLensError: there is no such panel or width, or the panel can't be had: for want of an autoencoder, ...
        """
        if not panel:
            return super().open()
        self.panels = {**self.panels, panel: width}
        return self.made[panel]

    def close(self, panel: str = "") -> None:
        """Hide a panel, which goes on and keeps its place; without a name, close the workbench and all its panels.

        Raises:
            InputError: there is no such panel.
        """
        if panel:
            self.panels = {name: width for name, width in self.panels.items() if name != _known(panel)}
            return
        if self.comm is not None:  # else it is closed, or was never made
            for each in [*self.made.values(), self._bar]:
                each.close()
        super().close()

    def __getitem__(self, panel: str) -> Any:
        """The widget of a panel that was opened."""
        if _known(panel) not in self.made:
            raise InputError(f"The panel {panel!r} was not opened yet: workbench.open({panel!r}).")
        return self.made[panel]

    def reopen(self, panels: Mapping[str, str]) -> None:
        """Open what was open before, as far as that can be, and say what isn't: a session keeps no model to ask."""
        left: list[str] = []
        self.panels = {}
        for name, width in panels.items():
            try:
                if PANELS[name].asks and name not in self.made:
                    left.append(name)
                else:
                    self.open(name, width)
            except CotLensError:
                left.append(name)
        if left:
            self._bar.notice = f"Not kept, and begun anew when opened: {', '.join(left)}."

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all work of all panels has ended; False where `timeout` seconds were not enough for one."""
        return all(each.wait(timeout) for each in list(self.made.values()) if hasattr(each, "wait"))

    def __repr__(self) -> str:
        return repr(self._bar)

    def summary(self, *, markdown: bool = False) -> str:
        """What a person would see, in words: at most 2,000 characters, and how to get the rest.

        Args:
            markdown: whether signs of Markdown and HTML in texts are made harmless.
        """
        closed = ", ".join(name for name in PANELS if name not in self.panels) or "nothing"
        head = f"**Workbench**; open: {', '.join(self._open()) or 'nothing'}; workbench.open(name) for {closed}"
        room = (MOST - len(head)) // max(1, len(self.panels))
        said = [_cut(name, self.made[name].summary(markdown=markdown), room) for name in self._open()]
        return "\n\n".join([head, *said])[:MOST]

    def to_html(self, path: PathLike, title: str = "") -> Path:
        """Write the open panels as one HTML file that needs no kernel and no network, each as its own `to_html` has it.

        Args:
            title: of the page.

        Raises:
            InputError: the file can't be written there.
        """
        shown = {name: self.made[name] for name in self._open()}
        return several.of_widgets(path, title or f"Workbench: {shown_name(self.editor.model.name)}", shown)

    # what goes on

    def _open(self) -> list[str]:
        return [name for name in PANELS if name in self.panels]

    @t.validate("panels")
    def _possible(self, proposal: Any) -> dict[str, Width]:
        """The panels as wanted, each made and as wide as it was; where one can't be, nothing changes."""
        wanted = {_known(name): width or self._widths[name] for name, width in proposal.value.items()}
        for name, width in wanted.items():
            if width not in get_args(Width):
                raise InputError(f"A panel is 'half' or 'full' as wide as the workbench; {width!r} was given.")
            self._make(name)
        return wanted

    def _make(self, name: str) -> None:
        if name not in self.made:
            self.put(name, built(self, name))

    def put(self, name: str, made: Any) -> None:
        """Let a widget be a panel that was not opened yet: out of a session, say.

        Raises:
            InputError: there is no such panel, or it has a widget.
        """
        if _known(name) in self.made:
            raise InputError(f"The panel {name!r} has a widget already: workbench[{name!r}].")
        if hasattr(made, "selected"):
            self._selection.add(made)
        made.layout.order, made.layout.min_width = str(list(PANELS).index(name)), "0"
        self.made[name] = made
        # At the end, so that no panel that is shown is drawn anew; `order` places it.
        shown = made if issubclass(type(made), ipywidgets.Widget) else made.view  # a box has views of its own, too
        self.children: list[Any] = [*self.children, shown]

    @t.observe("panels")
    def _arrange(self, _: Any) -> None:
        self._widths.update(self.panels)
        for name, widget in self.made.items():
            # Hidden rather than taken away: what is in no cell stops what it does.
            widget.layout.display = None if name in self.panels else "none"
            if is_tree(widget) and widget.source is not None:
                widget.follow(name in self.panels)  # what nobody looks at isn't measured
            widget.layout.flex = _FLEX[self._widths[name]]
        self._bar.notice, self._bar.panels = "", self.panels

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        """A person opened, closed or widened a panel."""
        number = content.get("request_id") if isinstance(content, dict) else None
        if not isinstance(number, int):
            return
        try:
            fields = fields_of(content, REQUESTS, "workbench")
            self._do(fields["kind"], _known(fields["panel"]))
        except CotLensError as error:
            self._bar.notice = brief(str(error))
            self._bar.reply(number, "error", error={"message": self._bar.notice, "remedy": None})
        else:
            self._bar.reply(number)

    def _do(self, kind: str, panel: str) -> None:
        if kind == "open":
            self.open(panel)
        elif kind == "close":
            self.close(panel)
        elif panel in self.panels:
            self.open(panel, "full" if self.panels[panel] == "half" else "half")

    def _follow(self, _: Any = None) -> None:
        """The editor shows another branch, or has measured something."""
        if self.editor.view.job.get("state") == "running":
            return
        with self.editor.lock:  # trace and result are of one branch
            for name, widget in list(self.made.items()):
                follow = PANELS[name].follow
                if follow is not None:
                    follow(self, widget)


def _editor(model: Model | None, given: Trace | CoTEditor) -> CoTEditor:
    if not issubclass(type(given), CoTEditor):
        return CoTEditor(model, cast(Trace, given))
    editor = cast(CoTEditor, given)
    if model is not None and editor.model is not model:
        raise InputError("This editor is of another model: give the workbench the editor's own, or its trace.")
    return editor


def _all_results(given: Sequence[Result]) -> list[Result]:
    for one in given:
        if not isinstance(one, Result) or one.kind not in ("lens", "patch", "probe", "contrast", "onset"):
            said = one.kind if isinstance(one, Result) else type(one).__name__
            raise InputError(f"A workbench shows results of lenses, patches and probes; a {said} was given.")
    return list(given)


def _known(panel: Any) -> str:
    if panel not in PANELS:
        raise InputError(f"A workbench has no panel {panel!r}. {did_you_mean(panel, PANELS)}")
    return str(panel)


def _cut(name: str, said: str, most: int) -> str:
    rest = f" ... print(workbench[{name!r}].summary())"
    whole = f"{name}: {said}"
    return whole if len(whole) + 2 <= most else whole[: max(0, most - len(rest) - 2)] + rest
