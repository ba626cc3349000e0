"""The Python half of the monitor panel: what is apart stands first, places hold their words, labels come back."""

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.monitors import Reading, Readings
from tests.unit.widgets.shapes import check_view

TEXTS = ("🍐 It is 1 + 1 = 3.", "It is 2.", "It is 1 + 2 = 4.")
TRACES = tuple(cl.Trace.from_text("Q", text, "So 5 + 5 = 11.") for text in TEXTS)
RULES = cl.monitors.Rules(equations=True, view="thought+answer")


def others(*labels):
    items = tuple(
        Reading("judge", trace.id, label, float(label == "flagged"), label == "flagged")
        if label
        else Reading("judge", trace.id, status="unparsed", reason="It is none.")
        for trace, label in zip(TRACES, labels, strict=True)
    )
    return Readings("judge", ("flagged", "clean"), TRACES, items)


def test_what_is_apart_stands_first_then_what_was_not_read():
    panel = cl.MonitorPanel(RULES.run(TRACES), others("flagged", "", "clean"))
    assert [one["id"] for one in panel.panel["thoughts"]] == [TRACES[2].id, TRACES[1].id, TRACES[0].id]
    assert panel.panel["thoughts"][1]["readings"][1]["reason"] == "It is none."
    check_view(panel)


def test_findings_hold_their_words_in_utf16_in_thought_and_answer():
    shown = cl.MonitorPanel(RULES.run(TRACES)).panel["thoughts"][0]
    wide = shown["text"].encode("utf-16-le")
    said = [wide[2 * one["start"] : 2 * one["end"]].decode("utf-16-le") for one in shown["findings"]]
    assert said == ["1 + 1 = 3", "5 + 5 = 11"]
    assert wide[2 * shown["answer"] :].decode("utf-16-le") == "So 5 + 5 = 11."


def test_a_persons_labels_are_kept_and_compared():
    readings = RULES.run(TRACES)
    panel = cl.MonitorPanel(readings, labels={TRACES[0].id: "flagged"})
    panel.labels = {**panel.labels, TRACES[1].id: "clean", TRACES[2].id: "flagged"}
    assert panel.own == ["flagged", "clean", "flagged"]
    assert list(panel.frame()["own"]) == panel.own and list(panel.frame()["rules"]) == ["flagged"] * 3
    assert cl.monitors.agreement([readings, panel.own]).pairs[0].observed == pytest.approx(2 / 3)


def test_of_thoughts_that_are_alike_each_has_a_label_of_its_own():
    twice = (TRACES[0], TRACES[1], cl.Trace.from_text("Q", TEXTS[0], "So 5 + 5 = 11."), TRACES[0])
    readings = RULES.run(twice)
    panel = cl.MonitorPanel(readings)
    first, _, second, third = (one["key"] for one in panel.panel["thoughts"])
    assert first == TRACES[0].id and len({first, second, third}) == 3
    panel.labels = {second: "flagged"}  # as the page sets it
    assert panel.own == [None, None, "flagged", None]
    assert cl.MonitorPanel(readings, labels=panel.labels).own == panel.own
    assert list(panel.frame()["own"].fillna("")) == ["", "", "flagged", ""]


def test_labels_that_are_set_later_are_checked_as_those_given_at_first():
    panel = cl.MonitorPanel(RULES.run(TRACES), labels={TRACES[0].id: "flagged"})
    for wrong, words in [
        ({"nobody": "flagged"}, "No thought of this panel is 'nobody'"),
        ({TRACES[1].id: 3}, "label 3"),
    ]:
        with pytest.raises(InputError, match=words):
            panel.labels = wrong
    assert panel.own == ["flagged", None, None]


def test_what_does_not_fit_is_refused():
    readings = RULES.run(TRACES)
    for wrong, words in [
        (lambda: cl.MonitorPanel([1]), "given a list"),
        (lambda: cl.MonitorPanel(RULES.run([])), "1 to 2000"),
        (lambda: cl.MonitorPanel(readings, RULES.run(TRACES[::-1])), "different thoughts"),
        (lambda: cl.MonitorPanel(readings, labels={TRACES[0].id: "flaged"}), "Did you mean 'flagged'"),
        (lambda: cl.MonitorPanel(readings, labels={TRACES[0].id: None}), "There is no label None"),
        (lambda: cl.MonitorPanel(readings, labels={"nobody": "flagged"}), "No thought of this panel is 'nobody'"),
    ]:
        with pytest.raises(InputError, match=words):
            wrong()
