"""What is picked in a widget is data: read, set, observed, linked, and used to pick rows of a table."""

import threading
import time

import ipywidgets
import pandas as pd
import pytest
import traitlets

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.widgets.shared.selection import Selected, selected
from tests.unit.widgets.results import importance, pairs


def test_what_is_picked_picks_rows_of_a_table(front, given):
    editor = front(given, measure="early-answer", unit="sentence").editor
    frame, sentence = editor.result.frame(), given.spans("sentence")[1]
    editor.view.set_state({"selected": {"trace": given.id, "span": [sentence.start, sentence.end], "unit": "sentence"}})
    rows = frame.loc[editor.selected.rows(frame)]
    assert rows["text"].str.strip().tolist() == ["16 + 28 = 44."]
    assert "".join(given.tokens[editor.selected.tokens]).strip() == "16 + 28 = 44."
    assert editor.selected["unit"] == "sentence"
    with pytest.raises(TypeError, match="can't be changed"):
        editor.selected["span"] = (0, 1)


@pytest.mark.parametrize(
    ("picked", "rows"),
    [
        ({}, []),
        ({"span": (4, 6)}, [0, 1]),
        ({"span": (4, 6), "latent": 7}, [1]),
        ({"latent": 7}, [1, 2]),
        ({"trace": "a", "latent": 7}, [1]),
        ({"layer": 3}, []),
    ],
)
def test_rows_agree_in_every_part_that_both_have(picked, rows):
    frame = pd.DataFrame({"start": [0, 5, 9], "end": [5, 9, 12], "latent": [1, 7, 7], "trace_id": ["a", "a", "b"]})
    assert frame.index[selected(picked).rows(frame)].tolist() == rows


def test_rows_of_a_table_without_places_are_refused():
    with pytest.raises(InputError, match="no rows to be picked by: it needs the columns start and end"):
        selected({"span": (0, 1)}).rows(pd.DataFrame({"estimate": [0.5]}))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([1, 2], "told by its parts"),
        ({"token": 3}, "has no part 'token'"),
        ({"span": 3}, "two tokens"),
        ({"span": (5, 5)}, "holds no token"),
        ({"span": (-1, 5)}, "whole number"),
        ({"span": (0.5, 5)}, "whole number"),
        ({"latent": True}, "whole number"),
        ({"trace": 7}, "is text"),
        ({"findings": "all"}, "several texts"),
    ],
)
def test_what_cannot_be_picked_is_refused_and_nothing_is_lost(given, why):
    view = cl.ImportanceMap(importance([0.1]))
    view.selected = {"span": (0, 5)}
    with pytest.raises(InputError, match=why):
        view.selected = given
    assert view.selected == {"span": (0, 5)}


def test_parts_that_are_none_are_left_out_and_spans_are_taken(given):
    span = given.spans("sentence")[0]
    assert selected({"span": span, "latent": None}) == Selected(span=(span.start, span.end))


def test_one_selection_moves_every_widget(front, given):
    editor = front(given, measure="early-answer").editor
    scores, matrix = cl.ImportanceMap(importance([0.1, 0.2])), cl.PairMatrix(pairs({(0, 1): 0.5}))
    map_ = cl.RolloutMap([given])
    matrix.selected = {"latent": 3}
    shared, seen = cl.Selection(matrix, scores, map_), []
    shared.add(editor)
    shared.observe(lambda change: seen.append(change.new), "selected")
    assert editor.selected == scores.selected == {"latent": 3}
    map_.view.set_state({"selected": {"trace": given.id, "span": [60, 64]}})
    assert [each.selected["span"] for each in (editor, scores, matrix, map_, shared)] == [(60, 64)] * 5
    editor.selected = {}
    assert scores.selected == {} and len(seen) == 2
    with pytest.raises(InputError, match=r"shared by widgets of CoTLens; a Label was given"):
        shared.add(ipywidgets.Label())


def test_a_trace_that_is_picked_is_shown_where_it_is_a_branch(front, given):
    page = front(given, measure="early-answer")
    page.act("edit", **page.place("44"), text="54")
    branch = page.editor.trace
    page.editor.selected = {"trace": given.id, "span": (60, 61)}
    assert page.editor.trace.id == given.id and page.editor.wait(60)
    # A view may still tell of the branch that it showed before: that leads nowhere.
    page.view.set_state({"selected": {"trace": branch.id, "span": [60, 61]}})
    assert page.editor.trace.id == given.id
    page.editor.selected = {"trace": "elsewhere"}
    assert page.editor.trace.id == given.id


def test_it_is_linked_as_any_trait(front, given):
    editor, scores = front(given, measure="early-answer").editor, cl.ImportanceMap(importance([0.1]))
    assert ipywidgets.jslink((editor, "selected"), (scores, "selected")).get_state()
    traitlets.link((editor, "selected"), (scores, "selected"))
    scores.selected = {"span": (1, 2)}
    assert editor.selected == {"span": (1, 2)}


def test_tokens_of_a_table_of_latents_are_one_selection(abacus, given):
    table = cl.FeatureTable(abacus, given, cl.features.load_sae("abacus"), exact=0)
    table.selected = {"span": (60, 64), "unit": "sentence", "latent": 9}
    assert table.selection == (60, 64) and table.view.selection == {"first": 60, "last": 64}
    assert table.selected["unit"] == "sentence" and table.selected["latent"] == 9
    table.select((61, 63))
    assert table.selected == {"span": (61, 63), "unit": "span", "latent": 9, "trace": given.id}
    table.selected = {"trace": "elsewhere", "span": (1, 2)}
    assert table.selection == (61, 63)
    table.select(None)
    assert "span" not in table.selected
    table.close()


def test_two_threads_that_pick_in_two_linked_widgets_wait_for_no_one_forever(given):
    """Each held the lock of its own widget while it told the other one."""
    one, other = cl.CoTEditor(None, given), cl.CoTEditor(None, given)
    cl.Selection(one, other)

    def pick(editor, first):
        with editor.lock:
            time.sleep(0.2)
            editor.selected = {"trace": given.id, "span": (first, first + 1)}

    threads = [threading.Thread(target=pick, args=each, daemon=True) for each in ((one, 50), (other, 60))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert one.selected == other.selected and one.selected["span"] in ((50, 51), (60, 61))
