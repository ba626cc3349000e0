"""What a view sends is checked, and what is wrong with it is said in one sentence, however large it is."""

import ipywidgets
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.shared.controller import LONGEST
from cotlens.workbench.shared.messages import fields_of

HUGE = "x" * 1_000_000


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("given", [HUGE, [HUGE] * 3, {"a": HUGE}, deep(900), 10**400])
def test_an_error_quotes_the_beginning_of_what_was_given(given):
    wanted = str if isinstance(given, int) else int
    with pytest.raises(InputError, match="needs token as") as error:
        fields_of({"kind": "rerun", "token": given}, {"rerun": {"token": wanted}}, "editor")
    assert len(str(error.value)) < 300
    with pytest.raises(InputError, match="doesn't know") as error:
        fields_of({"kind": given}, {}, "editor")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "goto", "branch": HUGE},
        {"kind": "edit", "document": HUGE, "start": 0, "end": 1, "text": "x"},
        {"kind": "measure", "measure": HUGE, "unit": "token"},
        {"kind": "measure", "measure": "occlusion-direct", "unit": HUGE},
        {"kind": "measure", "measure": "occlusion-direct", "unit": "span", "spans": [[HUGE, 1]]},
        {"kind": HUGE},
    ],
)
def test_a_view_is_told_in_a_few_hundred_characters(front, given, message):
    reply = front(given).ask(**message)
    assert reply["status"] == "error" and 20 < len(reply["error"]["message"]) <= LONGEST + 5


def test_a_text_longer_than_the_context_is_refused_while_it_is_still_in_the_editor(front, given):
    page = front(given)
    place = page.place("At first")
    branches, job = len(page.view.branches), page.view.job["id"]
    reply = page.ask("edit", **place, text="At last there are 16 shells. " * 2000)
    assert reply["status"] == "error" and "the model's context holds" in reply["error"]["message"]
    assert len(page.view.branches) == branches and page.view.job["id"] == job, "nothing was begun"
    page.act("edit", **place, text="Now")


def test_controllers_stand_where_widgets_may(front, given):
    editor = front(given).editor
    box = ipywidgets.HBox([editor, editor.view])
    assert [each.model_id for each in box.children] == [editor.view.model_id] * 2
    assert box.get_state("children")["children"] == [f"IPY_MODEL_{editor.view.model_id}"] * 2
    assert isinstance(editor, cl.CoTEditor) and isinstance(editor, ipywidgets.DOMWidget)
    grid = ipywidgets.TwoByTwoLayout(top_left=editor, bottom_right=ipywidgets.Label("beside"))
    assert editor.layout.grid_area == "top-left" and editor.view.layout is editor.layout and editor in grid.children
    editor.layout = ipywidgets.Layout(width="50%")
    assert editor.view.layout.width == "50%"
