"""What all charts share: they draw any text, without a network, and are legible on light and dark pages.

The renderer that draws charts as SVG ends the process where a text holds a character that XML can't; models write such
characters. So every text of a chart is made drawable before anything can render it, be it shown or saved.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any, TypeVar

from cotlens.plots.palette import INK

Chart = TypeVar("Chart")

RENDERER = "cotlens"
LONGEST_LABEL = 420  # pixels
_PIXELS = 6.5  # per character of a title, on average
_LONGEST_TITLE = 1000  # characters
# What XML 1.0 has no place for; what changes the order of the text around it (Unicode's bidi controls); what ends a
# line in JavaScript, in which charts are described; and what nobody would see.
_UNDRAWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\u2028\u2029\u200b\u2060\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_WIDER = 0.2  # by how much another font may be: DejaVu's letters beside Liberation's
_HEAD = re.compile(
    r'width="(?P<width>[0-9.]+)"(?P<height>[^>]*) viewBox="0 0 (?P=width) (?P<after>.*?)'
    r"translate\((?P<left>[0-9.]+),",
    re.DOTALL,
)
_SPACES = dict.fromkeys(map(ord, "\t\n\r"), " ")
_NEUTRAL: dict[str, dict[str, Any] | str] = {
    "background": "transparent",
    "axis": {"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": INK}
    | {"gridOpacity": 0.25, "labelLimit": LONGEST_LABEL}
    | {"labelFlush": False, "labelSeparation": 4},  # a last numeral that is moved inwards covers the one before it
    "header": {"labelColor": INK, "titleColor": INK},
    "legend": {"labelColor": INK, "titleColor": INK},
    "rule": {"color": INK},
    "text": {"color": INK},
    "title": {"color": INK, "subtitleColor": INK, "anchor": "start", "fontSize": 13},
    "view": {"stroke": None},
}


def drawable(text: str) -> str:
    """`text` with a visible sign in place of each character that can't be drawn, or would reorder the others."""
    return _UNDRAWABLE.sub(_sign, text)


def lines(text: str, width: int) -> list[str]:
    """A title in lines that fit `width` pixels; of a very long one the beginning."""
    text = text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"
    return textwrap.wrap(drawable(text), max(20, int(width / _PIXELS))) or [""]


def label(text: str, longest: int = 60) -> str:
    """A text as one short line, as an axis names its rows."""
    words = " ".join(text[: 4 * longest].split()) or "␣"
    return drawable(words if len(words) <= longest else f"{words[: longest - 1]}…")


def finished(chart: Chart) -> Chart:
    """A chart that can be shown: all its texts are drawable, and a renderer that needs no network is there.

    A renderer that the user chose is kept.
    """
    _enable()
    _clean(chart)
    return chart


def _sign(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of control characters
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    lost = 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF)
    return "\N{REPLACEMENT CHARACTER}" if lost else f"[U+{code:04X}]"


def _clean(part: Any) -> Any:
    """Make the texts in a part of a chart drawable, in place where the part can be changed."""
    import altair as alt
    import pandas

    if isinstance(part, str):
        return _in_line(part)
    if isinstance(part, pandas.DataFrame):
        texts = part.select_dtypes(include=["object", "string"])
        return part.assign(**{str(name): column.map(_clean_cell) for name, column in texts.items()})
    if isinstance(part, list):
        return [_clean(item) for item in part]
    if isinstance(part, dict):
        return {name: _clean(item) for name, item in part.items()}
    if isinstance(part, alt.SchemaBase):
        for name, item in part._kwds.items():
            if item is not alt.Undefined:
                part._kwds[name] = _clean(item)
    return part


def _clean_cell(value: Any) -> Any:
    return _in_line(value) if isinstance(value, str) else value


def _in_line(text: str) -> str:
    """A text of a chart: in its description, which is a program, a line that ends within a text is an error."""
    return drawable(text).translate(_SPACES)


def _enable() -> None:
    import altair as alt

    if RENDERER not in alt.renderers.names():
        alt.renderers.register(RENDERER, _render)
    if alt.renderers.active == "default":
        alt.renderers.enable(RENDERER)


def _render(spec: dict[str, Any], **options: Any) -> Any:
    """SVG whose own colours give way to those of the chart."""
    import altair as alt
    from altair.utils.mimebundle import spec_to_mimebundle

    config = _merged(_NEUTRAL, spec.get("config", {}))
    bundle = spec_to_mimebundle(
        {**spec, "config": config}, format="svg", mode="vega-lite", vegalite_version=alt.VEGALITE_VERSION, **options
    )
    return {kind: _HEAD.sub(_roomier, text, count=1) for kind, text in bundle.items()}


def _roomier(head: re.Match[str]) -> str:
    """A picture with more room at its left: names of rows are measured in one font, and shown in one that is wider."""
    more = round(_WIDER * float(head["left"]))
    width = float(head["width"]) + more
    box = f'width="{width:g}"{head["height"]} viewBox="{-more} 0 {width:g} '
    return f"{box}{head['after']}translate({head['left']},"


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {name: _merged(below.get(name), above[name]) if name in above else below[name] for name in below | above}
