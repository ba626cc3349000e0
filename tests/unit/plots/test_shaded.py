"""The text of a result as a figure: what is coloured, that the colours lie under their letters, and its files."""

from xml.etree import ElementTree

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.plots.palette import NEGATIVE, POSITIVE
from cotlens.plots.shaded import figure
from cotlens.results import Provenance, Result

SVG = "{http://www.w3.org/2000/svg}"


def result(texts, estimates, low=None, high=None, status=None):
    columns = {
        "start": range(len(texts)), "end": range(1, len(texts) + 1), "text": texts, "estimate": estimates,
        "low": estimates if low is None else low, "high": estimates if high is None else high, "n": [1] * len(texts),
        "status": status or ["exact"] * len(texts),
    }  # fmt: skip
    words = {"method": "M", "metric": "log_probability", "sign": "+ = supports", "zero": "none", "scale_unit": "nats"}
    return Result(kind="importance", unit="token", columns=columns, provenance=Provenance("M", {}, "abacus"), **words)


def parts(made, kind):
    return list(ElementTree.fromstring(made.svg).iter(SVG + kind))


def filled(made):
    """(x, width, colour, opacity) of what is filled."""
    rects = [one.attrib for one in parts(made, "rect") if "fill-opacity" in one.attrib]
    return [(float(one["x"]), float(one["width"]), one["fill"], float(one["fill-opacity"])) for one in rects]


def texts(made):
    return [
        (float(one.attrib["x"]), float(one.attrib["textLength"]), one.text)
        for one in parts(made, "text")
        if "textLength" in one.attrib
    ]


def test_colours_lie_under_their_letters():
    made = figure(result(["He", " buys", " 4"], [2.0, -1.0, 0.5]))
    assert [(colour, share) for *_, colour, share in filled(made)] == [
        (POSITIVE, 1.0),
        (NEGATIVE, 0.5),
        (POSITIVE, 0.25),
    ]
    assert [place[:2] for place in filled(made)] == [place[:2] for place in texts(made)]
    assert "".join(text for *_, text in texts(made)) == "He buys 4"


def test_what_may_be_nothing_is_not_filled_and_what_was_not_measured_is_dotted():
    made = figure(
        result(["a", "b", "c"], [1.0, 0.5, np.nan], [0.9, -0.1, np.nan], [1.1, 1.1, np.nan], ["ok", "ok", "too long"])
    )
    assert len(filled(made)) == 1
    rules = [one.attrib.get("stroke-dasharray") for one in parts(made, "line")]
    assert rules == [None, "1 2"]
    assert "underlined" in made.svg


def test_lines_hold_their_letters_wide_ones_too():
    made = figure(result(["先算三加四得到七再乘二得十四" * 3, " a" * 50, " " + "x" * 70], [1.0, 2.0, 3.0]), columns=40)
    lines = {}
    for one in parts(made, "text"):
        if "textLength" in one.attrib:
            lines.setdefault(one.attrib["y"], []).append(float(one.attrib["x"]) + float(one.attrib["textLength"]))
    assert max(max(ends) for ends in lines.values()) <= 12 + 40 * 7.2 + 0.1
    assert len(lines) > 6


def test_texts_are_text():
    made = figure(result(["<script>x</script>", "&amp;", "'\""], [1.0, 1.0, 1.0]))
    assert parts(made, "script") == []
    assert [text for *_, text in texts(made)] == ["<script>x</script>", "&amp;", "'\""]


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")])
def test_files(tmp_path, name, begins):
    path = result(["a"], [1.0]).figure().save(tmp_path / name)
    assert path.read_bytes().startswith(begins)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"can't be written as 'a\.gif'"):
        result(["a"], [1.0]).figure().save(tmp_path / "a.gif")
    with pytest.raises(InputError, match="no option 'colums'"):
        result(["a"], [1.0]).figure(colums=3)
    with pytest.raises(InputError, match="no rows"):
        result([], []).figure()
