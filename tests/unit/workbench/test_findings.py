"""What monitors found, underlined in the editor."""

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from tests.unit.widgets.shapes import check_view

WRONG = "She has 12 pears \U0001f350. 12 + 7 = 18 pears. 18 - 4 = 14."
RULES = cl.monitors.Rules(equations=True)


def test_findings_stand_where_their_words_are_and_can_be_taken_away(front, abacus):
    trace = cl.Trace.from_text("Mia has 12 pears and buys 7. How many?", WRONG, "14", model=abacus)
    page = front(trace, model=None)
    assert page.view.findings == []
    page.editor.show_findings(RULES.run([trace]))
    (found,) = page.view.findings
    text = page.view.document["text"].encode("utf-16-le")
    assert text[2 * found["start"] : 2 * found["end"]].decode("utf-16-le") == "12 + 7 = 18"
    assert found["document"] == page.view.document["id"] and found["category"] and found["severity"] > 0
    assert not found["guess"] and found["monitor"]
    check_view(page.view)
    page.editor.show_findings()
    assert page.view.findings == []


def test_findings_of_another_trace_wait_for_it(front, abacus):
    trace = cl.Trace.from_text("Mia has 12 pears and buys 7. How many?", WRONG, "14", model=abacus)
    edited = trace.replace("14", "15")
    page = front(edited, model=None)
    page.editor.show_findings(RULES.run([trace, edited]))
    assert [one["document"] for one in page.view.findings] == [trace.id, edited.id, edited.id]


def test_what_is_no_reading_is_refused(front, given):
    page = front(given, model=None)
    with pytest.raises(InputError, match=r"takes readings, such as .* a Trace was given"):
        page.editor.show_findings(given)
