"""The text of a result as a figure for a paper: every unit on its effect, with a scale, as SVG, PDF or PNG.

Letters stand on a grid, so that the colours lie under them in whatever font a reader has: the SVG says how wide each
line is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cotlens._core import check, files
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.optional import need
from cotlens.plots.drawing import drawable
from cotlens.plots.palette import INK, NEGATIVE, POSITIVE
from cotlens.results.certainty import LEAST, may_be_nothing, why_hollow

if TYPE_CHECKING:
    from cotlens.results import Result

FORMATS = ("svg", "pdf", "png")
_ADVANCE, _SIZE, _LINE, _MARGIN = 7.2, 12, 20, 12  # pixels: width of a letter, its size, a line, the margin
_FONT = "font-family='DejaVu Sans Mono, Menlo, Consolas, monospace'"
_SCALE = 120  # pixels, the width of the colour scale


@dataclass(frozen=True)
class Figure:
    """A picture; Jupyter shows it.

    Args:
        svg: its source.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: files.PathLike, scale: float = 2) -> Path:
        """Write it as its suffix says: .svg, .pdf or .png.

        Args:
            scale: pixels of a PNG per pixel of the figure.

        Raises:
            InputError: the suffix is another one, or the file can't be written.
        """
        target, kind = Path(path), Path(path).suffix.removeprefix(".").lower()
        if kind not in FORMATS:
            raise InputError(f"A figure can't be written as {target.name!r}. {did_you_mean(kind, FORMATS)}")
        return files.write_bytes(target, self._as(kind, check.number("scale", scale, above=0, of="A figure")))

    def _as(self, kind: str, scale: float) -> bytes:
        if kind == "svg":
            return self.svg.encode("utf-8")
        vl_convert = need("vl_convert", f"A .{kind} file", "plots")
        return vl_convert.svg_to_pdf(self.svg) if kind == "pdf" else vl_convert.svg_to_png(self.svg, scale=scale)


@dataclass(frozen=True)
class _Piece:
    """A stretch of one line that belongs to one unit."""

    text: str
    line: int
    column: int
    width: int
    unit: int


def figure(result: Result, columns: int = 88) -> Figure:
    """The units of an importance result as running text, filled by their effect.

    A unit is filled only where its effect is clear of zero, underlined in grey where it may be none, and struck by a
    dotted line where it was not measured.

    Args:
        columns: letters in a line.

    Raises:
        InputError: there is no unit, or a line would be shorter than 20 letters.
    """
    columns = check.whole("columns", columns, 20, of="A figure")
    if not len(result):
        raise InputError(f"This {result.method} result has no rows, so there is no text to draw.")
    pieces = list(_laid_out(result, columns))
    estimates, hollow = result.columns["estimate"], may_be_nothing(result)
    sizes = np.abs(estimates[np.isfinite(estimates)])
    full = max(LEAST.get(result.scale_unit, 1e-6), float(sizes.max(initial=0.0)))
    lines = max(piece.line for piece in pieces) + 1
    width, text_height = columns * _ADVANCE + 2 * _MARGIN, lines * _LINE + 2 * _MARGIN
    drawn = [part for piece in pieces for part in _drawn(piece, estimates[piece.unit], full, bool(hollow[piece.unit]))]
    legend, height = _legend(result, full, text_height, columns)
    return Figure(
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}' {_FONT} font-size='{_SIZE}'>"
        f"<rect width='100%' height='100%' fill='#ffffff'/>{''.join(drawn)}{''.join(legend)}</svg>"
    )


def _laid_out(result: Result, columns: int) -> Iterator[_Piece]:
    """The units as pieces of lines; a word that doesn't fit begins the next line."""
    line = column = 0
    for unit, text in enumerate(result.columns["text"]):
        apart = "" if result.unit == "token" or unit == 0 else " "
        for word in _words(apart + drawable(str(text))):
            width = sum(map(_cells, word))
            if word == "\n" or (column and column + width > columns):
                line, column = line + 1, 0
                word, width = word.lstrip(), sum(map(_cells, word.lstrip()))
            while width:
                part = _fitting(word, columns - column)
                yield _Piece(part, line, column, sum(map(_cells, part)), unit)
                column, word = column + sum(map(_cells, part)), word[len(part) :]
                width = sum(map(_cells, word))
                if width:
                    line, column = line + 1, 0


def _words(text: str) -> Iterator[str]:
    """Words with the space before them, and line ends."""
    for number, row in enumerate(text.split("\n")):
        if number:
            yield "\n"
        word = ""
        for letter in row:
            if letter == " " and word.strip():
                yield word
                word = ""
            word += letter
        if word:
            yield word


def _fitting(word: str, room: int) -> str:
    """The first letters of a word that fit, at least one."""
    width = 0
    for at, letter in enumerate(word):
        width += _cells(letter)
        if width > room and at:
            return word[:at]
    return word


def _cells(letter: str) -> int:
    """How many places of the grid a letter takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _drawn(piece: _Piece, estimate: float, full: float, hollow: bool) -> Iterator[str]:
    x, y = _MARGIN + piece.column * _ADVANCE, _MARGIN + piece.line * _LINE
    width = piece.width * _ADVANCE
    if np.isnan(estimate):
        yield _rule(x, y + 17, width, "stroke-dasharray='1 2'")
    elif hollow and abs(estimate) >= 0.05 * full:
        yield _rule(x, y + 17, width, "")
    elif not hollow:
        colour, share = (POSITIVE if estimate >= 0 else NEGATIVE), min(1.0, abs(estimate) / full)
        place = f"x='{x:.1f}' y='{y + 2}' width='{width:.1f}' height='{_LINE - 3}'"
        yield f"<rect {place} fill='{colour}' fill-opacity='{share:.2f}'/>"
    if piece.text.strip():
        ink = "#ffffff" if not hollow and estimate < -0.7 * full else "#1c1c1c"
        yield _text(piece.text, x, y + 14, width, ink)


def _text(text: str, x: float, y: float, width: float | None, ink: str) -> str:
    length = "" if width is None else f" textLength='{width:.1f}' lengthAdjust='spacingAndGlyphs'"
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='{ink}' xml:space='preserve'{length}>{escape(text)}</text>"


def _rule(x: float, y: float, width: float, dash: str) -> str:
    return f"<line x1='{x:.1f}' y1='{y}' x2='{x + width:.1f}' y2='{y}' stroke='{INK}' {dash}/>"


def _legend(result: Result, full: float, top: float, columns: int) -> tuple[list[str], float]:
    """The scale and what the numbers mean, and where the figure ends."""
    parts = [
        f"<linearGradient id='scale'><stop offset='0' stop-color='{NEGATIVE}'/>"
        f"<stop offset='.5' stop-color='#ffffff'/><stop offset='1' stop-color='{POSITIVE}'/></linearGradient>",
        f"<rect x='{_MARGIN}' y='{top}' width='{_SCALE}' height='10' fill='url(#scale)' stroke='{INK}'/>",
        _text(f"-{full:.3g} to +{full:.3g} {result.scale_unit}", _MARGIN + _SCALE + 8, top + 10, None, "#1c1c1c"),
    ]
    words = str(result.extras.get("metric_words", result.metric)).replace("_", " ")
    hollow = why_hollow(result)
    made = result.provenance
    said = [
        f"{result.method} per {result.unit}: {words}; {result.sign}",
        f"{made.model} ({made.backend}), {result.extras.get('edit_type', '')}".rstrip(", "),
        f"underlined: {hollow}" if hollow else "",
    ]
    lines = [line for one in said if one for line in _wrapped(drawable(one), columns)]
    for number, line in enumerate(lines):
        parts.append(_text(line, _MARGIN, top + 28 + 16 * number, None, "#1c1c1c"))
    return parts, top + 28 + 16 * len(lines)


def _wrapped(text: str, columns: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, columns)
