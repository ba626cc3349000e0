"""A controller is used as any widget is: observed, linked, styled, closed."""

import ipywidgets
import pytest
import traitlets

import cotlens as cl
from tests.unit.widgets.results import importance, pairs


def test_it_is_observed_and_styled_as_its_view(front, given):
    editor, seen = front(given).editor, []
    editor.observe(lambda change: seen.append(change.new), "scale_lock")
    editor.scale_lock = {"unit": "nats", "scale": 2.0}
    assert seen == [{"unit": "nats", "scale": 2.0}] and editor.view.scale_lock == seen[0]
    assert editor.add_class("mine") is editor.view and editor.view._dom_classes == ("mine",)
    editor.remove_class("mine")
    editor.unobserve_all("scale_lock")
    editor.scale_lock = {}
    assert len(seen) == 1 and editor.view._dom_classes == ()
    editor.layout.width = "50%"
    editor.layout.visibility = "hidden"
    assert editor.view.layout.visibility == "hidden"
    assert editor.trace is not None and editor.model.name == "abacus", "what is its own stays its own"


def test_it_is_linked_with_others(front, given):
    editor = front(given).editor
    scores, matrix = cl.ImportanceMap(importance([0.1])), cl.PairMatrix(pairs({(0, 1): 0.5}))
    for other in (scores, matrix):
        assert ipywidgets.jslink((editor, "scale_lock"), (other, "scale_lock")).get_state()
        traitlets.link((editor, "scale_lock"), (other, "scale_lock"))
    matrix.scale_lock = {"unit": "nats", "scale": 1.5}
    assert editor.view.scale_lock == scores.scale_lock == matrix.scale_lock
    ipywidgets.dlink((editor, "job"), (ipywidgets.Label(), "description"), transform=str)


def test_closing_it_stops_its_work(front, given):
    page = front(given)
    page.tell("resample", n=500)
    page.editor.close()
    assert page.editor.wait(60) and page.editor.view.comm is None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        page.editor.nothing_of_the_kind  # noqa: B018


@pytest.mark.parametrize("name", ["__deepcopy__", "_ipython_display_", "_repr_html_"])
def test_what_hosts_ask_for_is_not_invented(front, given, name):
    assert not hasattr(front(given).editor, name)
