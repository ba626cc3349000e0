"""Charts draw whatever a model wrote: no character ends the process, and none reorders the text around it."""

import itertools
import re
import subprocess
import sys

import altair as alt
import numpy as np
import pandas
import pytest

from cotlens._core.errors import InputError
from cotlens.plots.drawing import drawable, finished, label, lines
from tests.unit.plots.test_plots import result

NASTY = "\x1b[31m \x00 \x01 \ufffe \uffff \ud800 \u202e91 </svg> & \x7f"
NASTY += " \u2028 \u2029 \x85 \r\n \ufdd0 \U0001fffe ' \" \\ `${1}`"
# In a process of its own: what is held here is that the renderer doesn't end it.
DRAWN = f"""
import dataclasses, io
import numpy as np
from tests.unit.plots.test_plots import result
nasty = {NASTY!a}
curve = {{"curve": np.array([[0.4, 0.6]]), "curve_at": np.array([1]), "answers": [nasty]}}
for given in (result([1.0, -1.0], metric_words=nasty), result([0.5], **curve)):
    columns = {{**given.columns, "text": [nasty] * len(given)}}
    named = dataclasses.replace(given, columns=columns, sign=nasty, unit=nasty)
    for view in ("units", *(["curve"] if "curve" in given.extras else [])):
        chart = named.chart(view=view)
        for target in ("svg", "png"):
            chart.save(io.BytesIO() if target == "png" else io.StringIO(), format=target)
        assert chart._repr_mimebundle_()
from tests.unit.results.test_certainty import latents
from tests.unit.widgets.results import pairs
matrix = pairs({{(0, 1): 0.5, (1, 2): -0.4}}, source_text=[nasty] * 2, target_text=[nasty] * 2)
known = latents([0.5, np.nan, 0.01], [0.4, -0.03, -0.3], nasty)
known = dataclasses.replace(known, columns={{**known.columns, "label": [nasty, nasty[::-1], nasty[:9]]}})
for given in (matrix, known):
    named = dict.fromkeys(("method", "metric", "sign", "zero", "scale_unit", "unit"), nasty)
    chart = dataclasses.replace(given, **named).chart()
    assert chart._repr_mimebundle_()
    chart.save(io.StringIO(), format="svg")
print("drawn")
"""


def test_no_text_ends_the_process():
    ran = subprocess.run([sys.executable, "-c", DRAWN], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "drawn", ran.stderr


def test_what_can_not_be_drawn_is_seen_and_all_else_kept():
    assert drawable("a\x1bb\x00c\ufffed\ud800e\u202ef") == "a␛b␀c�d�e[U+202E]f"
    assert drawable("a\u2028b\x85c\u200bd\U000e0041e\ufeff") == "a[U+2028]b[U+0085]c[U+200B]d[U+E0041]e[U+FEFF]"
    kept = "tabs\tand\nlines, 10 − 4 ≠ 5, 答え, שלום, 🧮"
    assert drawable(kept) == kept


def test_titles_and_labels_fit():
    assert all(len(line) <= 47 for line in lines("one two three four " * 20, 300))
    assert len(label("word " * 5000)) == 60
    assert sum(map(len, lines("y" * 100_000, 300))) == 1000 and lines("y" * 100_000, 300)[-1].endswith("…")
    assert label(" \n ") == "␣"


def test_a_renderer_that_the_user_chose_is_kept():
    before = alt.renderers.active
    try:
        alt.renderers.enable("png")
        finished(alt.Chart(pandas.DataFrame({"x": [1]})).mark_bar())
        assert alt.renderers.active == "png"
    finally:
        alt.renderers.enable(before)


def test_what_may_be_nothing_is_hollow():
    sampled = result([0.3, 0.05])  # intervals of 0.1 to both sides
    rows = next(iter(sampled.chart().to_dict()["datasets"].values()))
    assert [row["filled"] for row in rows] == [1.0, 0.0]
    nothing = str(result([0.05, -0.02]).chart().to_dict())
    assert "nothing here is clear of zero" in nothing


@pytest.mark.parametrize("given", [[1.0, -1.0], [np.nan]])
def test_charts_are_legible_on_any_page(given):
    shown = result(given).chart()._repr_mimebundle_()
    svg = (shown[0] if isinstance(shown, tuple) else shown)["image/svg+xml"]
    assert 'fill="white"' not in svg
    assert "#767676" in svg


def test_names_of_rows_have_room_in_a_font_that_is_wider_than_the_one_they_are_measured_in():
    table = pandas.DataFrame({"row": ["what is counted here, in the words of a whole sentence"], "x": [1]})
    shown = finished(alt.Chart(table, width=100).mark_bar().encode(x="x:Q", y="row:N"))._repr_mimebundle_()
    svg = (shown[0] if isinstance(shown, tuple) else shown)["image/svg+xml"]
    left, width = map(float, re.search(r'viewBox="(-?[0-9.]+) 0 ([0-9.]+) ', svg).groups())
    measured = float(re.search(r"translate\(([0-9.]+),", svg)[1])
    assert measured > 200 and -left >= 0.19 * measured
    assert f'width="{width:g}"' in svg and width > 100 + measured - left


def curve(count, width):
    """A curve of `count` answers over 101 tokens, and its picture."""
    chances = np.full((101, count + 1), 1 / (count + 1))
    answers = [str(one) for one in range(count)]
    shown = result([0.5], curve=chances, curve_at=np.arange(69, 170), answers=answers).chart(view="curve", width=width)
    drawn = shown._repr_mimebundle_()
    return shown, (drawn[0] if isinstance(drawn, tuple) else drawn)["image/svg+xml"]


@pytest.mark.parametrize("width", [300, 420, 640])
def test_no_numeral_of_an_axis_covers_the_next(width):
    _, svg = curve(2, width)
    numeral = r'<text text-anchor="(\w+)" transform="translate\(([\d.]+),[\d.]+\)"[^>]*>(\d{2,3})</text>'
    places = re.findall(numeral, svg)
    shown = [(float(x), text) for _, x, text in places]
    assert len(shown) > 3 and {anchor for anchor, *_ in places} == {"middle"}
    assert all(b - a > 7 * len(text) for (a, _), (b, text) in itertools.pairwise(shown))


def test_what_stands_for_all_other_answers_has_a_colour_of_its_own():
    shown, _ = curve(8, 640)
    colours = shown.to_dict()["encoding"]["color"]["scale"]["range"]
    assert len(set(colours)) == 9


@pytest.mark.parametrize(
    "options",
    [{"width": "x"}, {"width": 0}, {"width": 10**9}, {"width": True}, {"wdith": 300}, {"width": 3.5}],
)
def test_an_option_that_is_none_is_refused_in_a_sentence(options):
    with pytest.raises(InputError, match=r"width"):
        result([0.5]).chart(**options)
