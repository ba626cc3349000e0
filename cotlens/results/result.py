"""The result of a measurement: a table with one row per unit, what its numbers mean, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, files
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.frozen import FrozenDict, frozen_array
from cotlens._core.optional import need
from cotlens._core.registry import resolve
from cotlens.results.provenance import Provenance
from cotlens.results.table import checked_columns

if TYPE_CHECKING:
    import pandas

FORMAT = "cotlens-result/1"

_CHARTS = "cotlens.plots:CHARTS"  # named, not imported: results stand below plots
_FIGURES = "cotlens.plots:FIGURES"
_TABLES = "cotlens.results.table_files:write"
_SUMMARY = "cotlens.results.summary:summary"  # it stands on certainties, which stand on results
_WORDS = ("kind", "method", "metric", "unit", "sign", "zero", "scale_unit")
_SHOWN = 10
_MOST_PIXELS = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What was measured on a trace, one row per unit. What could not be measured is NaN with a status, never 0.

    Args:
        kind: what family of result it is ("importance"); it decides the chart.
        method: name of the method ("EarlyAnswer").
        metric: what the effect was measured on ("logit difference").
        unit: what a row is: "token", "sentence", ...
        columns: name -> values, one per row. Always unit, start, end (token indices of the trace, half-open), text,
            estimate, low, high (ends of the interval; NaN where there is none), n (samples), status ("ok", "exact",
            or why the row was not measured); methods add their own. `unit` may be left out where all rows have the
            result's.
        sign: in words, what a positive estimate means ("positive: the token supports the answer").
        zero: in words, what zero means.
        scale_unit: unit of the estimates ("nats", "probability").
        provenance: how the result came to be.
        extras: what doesn't fit the rows: arrays of any shape, lists and plain data, by name; a `summary` in one line
            is told by `repr`.

    Raises:
        InputError: a column is missing or of the wrong length, or a row counts as measured without an estimate.
    """

    kind: str
    method: str
    metric: str
    unit: str
    columns: dict[str, Any]
    sign: str
    zero: str
    scale_unit: str
    provenance: Provenance
    extras: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", FrozenDict(checked_columns(self.columns, self.unit)))
        object.__setattr__(self, "extras", FrozenDict({name: _extra(value) for name, value in self.extras.items()}))

    def __len__(self) -> int:
        return len(self.columns["estimate"])

    def __bool__(self) -> bool:
        return True

    def frame(self) -> pandas.DataFrame:
        """The table as a pandas frame; `frame.attrs` keeps the words that say what it means and single extras."""
        import pandas

        frame = pandas.DataFrame({name: column.copy() for name, column in self.columns.items()})
        single = {name: value for name, value in self.extras.items() if isinstance(value, str | int | float)}
        frame.attrs.update({**single, **{name: getattr(self, name) for name in _WORDS}})
        return frame

    def chart(self, **options: Any) -> Any:
        """The chart for this kind of result (Altair); options are those of the chart.

        Raises:
            InputError: there is no chart for this kind, or it has no such option.
            MissingPackage: what draws charts isn't installed.
        """
        draw = resolve(_CHARTS).get(self.kind)
        need("altair", "A chart", "plots")
        need("vl_convert", "A chart", "plots")
        _check_options(draw, options)
        return draw(self, **options)

    def figure(self, **options: Any) -> Any:
        """The text with its effects as a figure for a paper: `figure.save` writes SVG, PDF or PNG.

        Raises:
            InputError: this kind of result has no text to draw, or the figure has no such option.
        """
        draw = resolve(_FIGURES).get(self.kind)
        _check_options(draw, options)
        return draw(self, **options)

    def save_table(self, path: files.PathLike) -> None:
        """Write the table as the suffix says: .csv, .parquet or .tex (a LaTeX tabular). `save` keeps everything.

        Raises:
            InputError: the suffix is another one, the file can't be written, or a package for it is missing.
        """
        resolve(_TABLES)(self, path)

    def data(self) -> dict[str, Any]:
        """All of it as JSON data, as a file has it; `from_data` gives it back.

        Raises:
            InputError: the settings or extras hold something that JSON can't.
        """
        columns = {name: _column_data(column) for name, column in self.columns.items()}
        words = {name: getattr(self, name) for name in _WORDS}
        provenance = files.plain(self.provenance.data(), "result.provenance")
        extras = files.plain(self.extras, "result.extras")
        return {**words, "columns": columns, "provenance": provenance, "extras": extras}

    def save(self, path: files.PathLike) -> None:
        """Write the result to one JSON file.

        Raises:
            InputError: the file can't be written, or the settings or extras hold something that JSON can't.
        """
        files.write(path, FORMAT, self.data())

    def __repr__(self) -> str:
        said = f"; {self.extras['summary']}" if "summary" in self.extras else ""
        rows = f"{len(self)} rows, {self._measured()} measured"
        return f"<Result {self.method} ({self.metric}) per {self.unit}: {rows}{said}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a cell's last line says where there is no browser: all that a person would see, in words."""
        printer.text(repr(self) if cycle else resolve(_SUMMARY)(self))

    def _repr_markdown_(self) -> str:
        return str(resolve(_SUMMARY)(self, markdown=True))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = "".join(f"<tr>{self._row_html(row)}</tr>" for row in range(min(len(self), _SHOWN)))
        more = f"<div>{len(self) - _SHOWN} more rows; all in .frame()</div>" if len(self) > _SHOWN else ""
        meaning = f"{self.method}, {self.metric} in {self.scale_unit} per {self.unit}. {self.sign}. Zero: {self.zero}."
        meaning += f" {self.extras['summary']}." if "summary" in self.extras else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<div><div>{escape(meaning)}</div>{table}{more}</div>"

    def _row_html(self, row: int) -> str:
        return "".join(f"<td>{escape(_shown(column[row]))}</td>" for column in self.columns.values())

    def _measured(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.columns["estimate"])))


def load_result(path: files.PathLike) -> Result:
    """A result that `Result.save` wrote.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    return from_data(files.read(path, FORMAT, "result"), str(path))


def from_data(payload: Mapping[str, Any], where: str) -> Result:
    """The result whose `data` these are.

    Raises:
        InputError: they are damaged; `where` says what held them.
    """
    try:
        return Result(
            **{name: _word(payload, name) for name in _WORDS},
            columns={name: files.revive(values) for name, values in payload["columns"].items()},
            provenance=Provenance(**files.revive(payload["provenance"])),
            extras=files.revive(payload["extras"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} is a damaged result file ({error}); save the result again.") from error


def _word(payload: Mapping[str, Any], name: str) -> str:
    if not isinstance(payload[name], str):
        raise ValueError(f"its {name} is not text")
    return payload[name]


def _extra(value: Any) -> Any:
    return frozen_array(value, value.dtype) if isinstance(value, np.ndarray) else value


def _column_data(column: NDArray[Any]) -> Any:
    return column.tolist() if column.dtype == object else {"array": files.pack_array(column)}


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _check_options(draw: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse what a chart doesn't know, and sizes that are none."""
    parameters = signature(draw).parameters
    known = {name: one.default for name, one in parameters.items() if one.default is not one.empty}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    for name, value in options.items():
        if name not in known and not takes_any:
            raise InputError(f"This chart has no option {name!r}. {did_you_mean(name, known)}")
        if isinstance(known.get(name), int):
            check.whole(name, value, min(1, known[name]), _MOST_PIXELS, of="A chart")
