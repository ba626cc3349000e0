"""What holds for every widget: it is told in words, it is written as a page, and a model's text is never read as code.

`MADE` has one of each, on a text that tries to be HTML, a script and Markdown. A widget without a line here fails.
"""

import base64
import gzip
import inspect
import json
import re

import ipywidgets
import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.monitors import Pattern, Rules
from cotlens.results.summary import MOST
from cotlens.widgets.shared.bundles import View
from cotlens.workbench.shared.controller import Controller
from tests.unit.widgets.results import importance, pairs

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)> [a](javascript:b) **d** | `c`"
TITLE = "<b>a</b> finding"
MOST_BYTES = 2_000_000
NOT_SHOWN = {"Selection", "Session"}  # no widgets; a session has pages all the same


@pytest.fixture(scope="module")
def model(abacus):
    return abacus


@pytest.fixture(scope="module")
def hostile(model):
    """A thought that Abacus can read, with what no page may run in it."""
    return cl.Trace.from_text("How many? " + HOSTILE, f"He has 12 pears. {HOSTILE} 12 + 7 = 19.", "19", model=model)


@pytest.fixture(scope="module")
def measured(hostile, model):
    return cl.importance.EarlyAnswer(unit="sentence").run(hostile, model)


def editor(model, trace, _):
    return cl.CoTEditor(model, trace, measure="early-answer", unit="sentence")


def workbench(model, trace, measured):
    made = cl.Workbench(model, editor(model, trace, measured))
    assert made.wait(60)
    for name in ("importance", "branches", "details"):
        made.open(name)
    return made


def branches(model, trace, measured):
    return cl.BranchTree([trace, trace.replace("12 + 7 = 19.", HOSTILE)])


def grid(model, trace, measured):
    other = trace.replace("12 + 7 = 19.", "15 + 7 = 22.")
    result = cl.patching.PatchGrid().run(trace, other, model, answers=("19", "22"))
    return cl.PatchGrid(result, model=model, base=trace, source=other)


def steering(model, trace, measured):
    width = cl.features.load_sae("abacus").config.d_in
    return cl.SteeringPanel(model, trace, cl.steering.given(np.ones(width), 1, name=HOSTILE))


def panel(model, trace, measured):
    patterns = [Pattern("sums", r"\d+ \+ \d+"), Pattern("tags", r"<img[^>]*>")]
    return cl.MonitorPanel(Rules(patterns).run([trace]))


def matrix(model, trace, measured):
    texts = [HOSTILE, "a sum", "the end"]
    at = {"source_text": [texts[0], texts[0], texts[1]], "target_text": [texts[1], texts[2], texts[2]]}
    return cl.PairMatrix(pairs({(0, 1): 0.5, (0, 2): 0.1, (1, 2): np.nan}, **at))


MADE = {
    "BranchTree": branches,
    "CoTEditor": editor,
    "FeatureTable": lambda model, trace, _: cl.FeatureTable(model, trace, cl.features.load_sae("abacus")),
    "ImportanceMap": lambda model, trace, measured: cl.ImportanceMap(measured, trace=trace),
    "LensGrid": lambda model, trace, _: cl.LensGrid(cl.lenses.AnswerLens().run(trace, model)),
    "MonitorPanel": panel,
    "PairMatrix": matrix,
    "PatchGrid": grid,
    "RolloutMap": lambda model, trace, _: cl.RolloutMap([trace, trace, trace.replace("19.", "20.")], model),
    "SteeringPanel": steering,
    "Workbench": workbench,
}


def shown(public):
    """Whether a public name is something that a cell draws."""
    return inspect.isclass(public) and issubclass(public, View | Controller | ipywidgets.Widget)


@pytest.fixture(scope="module")
def made(model, hostile, measured):
    """One of each, made when it is first asked for."""
    kept = {}

    def of(name):
        if name not in kept:
            kept[name] = MADE[name](model, hostile, measured)
            if hasattr(kept[name], "wait"):
                assert kept[name].wait(60)
        return kept[name]

    yield of
    for widget in kept.values():
        widget.close()


@pytest.fixture(params=MADE)
def widget(request, made):
    return made(request.param)


def test_every_widget_is_tried_here():
    assert {name for name in cl.__all__ if shown(getattr(cl, name))} - NOT_SHOWN == set(MADE)


def test_it_is_told_in_words(widget):
    """At most 2,000 characters, and a last line that names what has the rest, in Python."""
    data = widget._repr_mimebundle_()[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    shows = getattr(type(getattr(widget, "view", widget)), "_ipython_display_", None)
    assert not callable(shows), "IPython prefers what ipywidgets 7 has of it, and that says no words"
    assert data["text/plain"] == widget.summary()
    assert data["text/markdown"] == widget.summary(markdown=True)
    for text in (data["text/plain"], data["text/markdown"]):
        assert 100 < len(text) <= MOST
        named = [name for name in re.findall(r"[\w\]]\.(\w+)", text[-300:]) if hasattr(widget, name)]
        assert named or "result.frame()" in text[-300:], text[-300:]
    assert "|---|" in data["text/markdown"], "a table, for a viewer that shows no widget"


def test_a_models_text_is_neither_html_nor_markdown(widget):
    text = widget.summary(markdown=True)
    assert "<img" not in text and "<script" not in text and "[a](" not in text and "**d**" not in text


def test_it_is_one_page_without_a_network(widget, tmp_path):
    page = widget.to_html(tmp_path / "page.html", TITLE).read_text("utf-8")
    check_page(page)
    assert len(page.encode()) < MOST_BYTES


def check_page(page):
    """Nothing is fetched, and no text of a model stands in the page but packed."""
    assert "default-src 'none'" in page
    assert "&lt;b&gt;a&lt;/b&gt; finding" in page and "<b>a</b>" not in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(\s*["']?https?:""", page)
    assert "<img src=x" not in page and "document.title='taken'" not in page


def packed(page):
    """What a page holds of its view."""
    return json.loads(gzip.decompress(base64.b64decode(re.search(r'id="data" type="text/plain">([^<]*)<', page)[1])))


def test_the_text_is_in_the_page_as_data(made, tmp_path):
    page = made("CoTEditor").to_html(tmp_path / "page.html").read_text("utf-8")
    assert HOSTILE in json.dumps(packed(page))


def test_a_session_is_one_page_of_all_it_keeps(made, measured, hostile, tmp_path):
    session = cl.Session(tmp_path / "study.cotlens")
    session.keep(made("CoTEditor"))
    session.keep(made("ImportanceMap"))
    session.keep(cl.Trace.from_text("q", HOSTILE, "a"))
    session.keep(measured)
    session.note(f"I saw {HOSTILE}")
    page = session.to_html(tmp_path / "page.html", TITLE).read_text("utf-8")
    check_page(page)
    titles = re.findall(r'<iframe[^>]* title="([^"]*)"', page)
    assert titles == ["notes", "editor", "map", "trace", "result", "script"]
    session.close()


def test_the_pages_of_a_long_thought_stay_small(model, tmp_path):
    """2,000 tokens and three measures, in a workbench and in a session: at most 2 MB each."""
    thought = "She has 1 pear. He buys 2 more, and 1 + 2 = 3. " * 130
    trace = model.annotate(cl.Trace.from_text("How many?", thought, "The answer is 3.", model=model))
    assert len(trace.token_ids) > 2000
    editor = cl.CoTEditor(model, trace, measure="gradient")
    assert editor.wait(120)
    bench = cl.Workbench(model, editor)
    bench.open("importance")
    bench.open("details")
    session = cl.Session(tmp_path / "long.cotlens", model)
    session.keep(editor)
    assert bench.to_html(tmp_path / "bench.html").stat().st_size < MOST_BYTES
    assert session.to_html(tmp_path / "session.html").stat().st_size < MOST_BYTES
    session.close()
    bench.close()


def test_many_results_say_which_stand_there_and_where_the_others_are():
    view = cl.ImportanceMap(*[importance([0.5, -0.2], texts=["One. ", "Two. "], metric=f"m{n}") for n in range(7)])
    said = view.summary()
    assert len(said) <= MOST
    assert said.endswith("7 results, of which 2 stand here; all of them: map.results, each with frame()")
