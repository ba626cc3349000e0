"""What a person has picked, as data: read and set in Python, and shared by widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.frozen import FrozenDict
from cotlens.trace import Span

if TYPE_CHECKING:
    import pandas as pd


class Selected(FrozenDict[str, Any]):
    """What is picked. A part that nobody picked is missing; {} is nothing at all.

        editor.selected                                # {"trace": "5e2c…", "span": (31, 44), "unit": "sentence"}
        frame.loc[editor.selected.rows(frame)]         # the rows of a table that are about it
        trace.tokens[editor.selected.tokens]

    Parts:
        trace: id of the trace.
        span: (first, last) tokens of it, half-open.
        unit: "token", "sentence", "paragraph", "span", ...
        latent: number of a latent of an autoencoder.
        layer: number of a layer.
        findings: categories of what monitors found there.
    """

    @property
    def tokens(self) -> slice:
        """The tokens that are picked, none where no span is."""
        return slice(*self.get("span", (0, 0)))

    def rows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows of a table are about what is picked, bool [rows]: those that agree in every part that both have.

        A span is held against the columns start and end (tokens): a row belongs where they overlap. `latent` and
        `layer` are held against columns of that name, `trace` against trace_id. No row is about what nobody picked.

        Raises:
            InputError: the table has none of these columns.
        """
        spans = {"start", "end"} <= set(frame.columns)
        columns = {part: name for part, name in _COLUMNS.items() if name in frame.columns}
        if not spans and not columns:
            raise InputError(
                "This table has no rows to be picked by: it needs the columns start and end (tokens), or one of "
                f"{', '.join(_COLUMNS.values())}."
            )
        told = [(frame[name] == self[part]).to_numpy(dtype=bool) for part, name in columns.items() if part in self]
        if spans and "span" in self:
            first, last = self["span"]
            told.append(((frame["start"] < last) & (frame["end"] > first)).to_numpy(dtype=bool))
        return np.logical_and.reduce(told) if told else np.zeros(len(frame), dtype=bool)


_COLUMNS = {"latent": "latent", "layer": "layer", "trace": "trace_id"}


def selected(given: Any) -> Selected:
    """What was given as what is picked; what is None in it is left out.

    Raises:
        InputError: it is no mapping, has a part that there is none of, or a part can't be what it is.
    """
    if isinstance(given, Selected):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"What is selected is told by its parts, such as {{'span': (12, 20)}}; a {type(given).__name__} was given."
        )
    for name in given:
        if name not in _PARTS:
            raise InputError(f"A selection has no part {name!r}. {did_you_mean(str(name), _PARTS)}")
    return Selected({name: _PARTS[name](name, value) for name, value in given.items() if value is not None})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"The {name} of a selection is text; a {type(value).__name__} was given.")
    return value


def _number(name: str, value: Any) -> int:
    return check.whole(name, value, 0, 2**31 - 1, of="A selection")


def _span(_: str, value: Any) -> tuple[int, int]:
    first, last = (value.start, value.end) if isinstance(value, Span) else _pair(value)
    first, last = _number("span", first), _number("span", last)
    if first >= last:
        raise InputError(f"The span ({first}, {last}) holds no token: give the first token and the one after the last.")
    return first, last


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InputError("The span of a selection is two tokens, the first and the one after the last: (12, 20).")
    return value[0], value[1]


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, tuple | list):
        raise InputError(f"The {name} of a selection are several texts; a {type(value).__name__} was given.")
    return tuple(_text(name, each) for each in value)


_PARTS = {"trace": _text, "span": _span, "unit": _text, "latent": _number, "layer": _number, "findings": _texts}


class SelectedTrait(t.Dict):
    """A trait that holds what is picked: anything that `selected` takes."""

    def validate(self, obj: Any, value: Any) -> Any:
        """The value as `Selected`."""
        return selected(value)

    def make_dynamic_default(self) -> Any:
        """Nothing."""
        return Selected()


class Selection(t.HasTraits):
    """One selection for several widgets: what is picked in one of them is picked in all, also in cells far apart.

        picked = cl.Selection(editor, importance_map, table)
        picked.selected = {"span": (12, 20)}         # every widget goes there
        picked.observe(lambda change: print(change.new), "selected")

    It goes through the kernel, and what is set in one widget's code reaches all. Two widgets can also be linked in the
    browser alone, which works while the kernel is busy: `ipywidgets.jslink((a, "selected"), (b, "selected"))`.

    Args:
        widgets: anything with `selected`: every widget of CoTLens. What the first has picked is picked in all.
    """

    selected = SelectedTrait()

    def __init__(self, *widgets: Any) -> None:
        super().__init__()
        self.widgets: list[Any] = []
        self.add(*widgets)

    def add(self, *widgets: Any) -> None:
        """Let more widgets share it.

        Raises:
            InputError: one of them has nothing that could be picked.
        """
        for widget in widgets:
            if not isinstance(getattr(widget, "selected", None), Selected):
                raise InputError(f"A selection is shared by widgets of CoTLens; a {type(widget).__name__} was given.")
        for widget in widgets:
            self.widgets.append(widget)
            if self.selected:
                widget.selected = self.selected
            else:
                self.selected = widget.selected
            widget.observe(self._heard, "selected")

    def _heard(self, change: Any) -> None:
        self.selected = change.new

    @t.observe("selected")
    def _tell(self, change: Any) -> None:
        for widget in self.widgets:
            if widget.selected != change.new:
                widget.selected = cast(Selected, change.new)
