"""Whatever lets the model write has a limit, from the trace, shown and changeable."""

import dataclasses

import pytest

import cotlens as cl
from cotlens.workbench.editor.measure_menu import MEASURES, ShadingSettings
from cotlens.workbench.shared.limits import LEAST, Limits
from tests import pretrained


def test_the_limit_is_the_traces_own(front, abacus):
    trace = abacus.reason("Ravi has 16 shells. He finds 28 more. How many?", seed=1, max_new_tokens=30, temperature=0.5)
    page = front(trace)
    assert page.view.limits == {"max_new_tokens": 30, "temperature": 0.5}
    page.act("rerun", token=trace.roles["thought"].start + 3)
    new = page.editor.trace
    assert new.meta["max_new_tokens"] == 30 and new.meta["temperature"] == 0.5
    assert len(new.token_ids) - new.rewritten_from <= 30
    assert "max_new_tokens=30, temperature=0.5" in page.view.code


def test_a_text_without_settings_has_a_limit_in_proportion(abacus, given):
    limits = Limits.of(abacus, given)
    assert limits.max_new_tokens == max(LEAST, 2 * (len(given.token_ids) - given.roles["prompt"].end))
    assert limits.temperature == abacus.defaults.temperature
    long = cl.Trace.from_text("Q", "So 1 + 1 = 2. " * 60, "2", model=abacus)
    assert Limits.of(abacus, long).max_new_tokens > LEAST


@pytest.mark.parametrize("meta", [{"max_new_tokens": "many"}, {"max_new_tokens": -3}, {"temperature": float("nan")}])
def test_a_file_may_say_anything(abacus, given, meta):
    odd = dataclasses.replace(given, meta={**given.meta, **meta})
    assert Limits.of(abacus, odd) == Limits.of(abacus, given)


@pytest.mark.parametrize("kind", ["truncate", "rerun", "edit", "branch"])
def test_every_writing_action_keeps_to_what_the_head_says(front, given, kind):
    page = front(given)
    page.act("limits", max_new_tokens=5, temperature=0)
    assert page.view.limits == {"max_new_tokens": 5, "temperature": 0}
    shown = []
    page.view.observe(lambda change: change.new and shown.append(change.new), "stream")
    token = given.roles["thought"].start + 6
    fields = {
        "truncate": {"token": token},
        "rerun": {"token": token},
        "edit": {**page.place("44."), "text": "54."},
        "branch": {"token": token, "token_id": given.token_ids[token - 1]},
    }[kind]
    page.act(kind, **fields)
    new = page.editor.trace
    assert new.meta["max_new_tokens"] == 5 and new.meta["temperature"] == 0
    assert {one["limit"] for one in shown} == {5} and shown[-1]["tokens"] <= 5
    assert "max_new_tokens=5, temperature=0.0" in page.view.code


def test_limits_out_of_range_are_refused_and_change_nothing(front, given):
    page = front(given)
    before = page.view.limits
    for fields in (
        {"max_new_tokens": 0, "temperature": 1},
        {"max_new_tokens": -(10**300), "temperature": 1},
        {"max_new_tokens": 9, "temperature": -1},
        {"max_new_tokens": 9, "temperature": 10**400},
        {"max_new_tokens": 10**400, "temperature": 1},
    ):
        reply = page.ask("limits", **fields)
        assert reply["status"] == "error" and page.view.limits == before
        assert "give a" in reply["error"]["message"] and reply["error"]["remedy"] is None


def test_a_limit_is_no_more_than_the_context_holds(front, given, abacus):
    page = front(given)
    page.act("limits", max_new_tokens=10**9, temperature=1)
    assert page.view.limits["max_new_tokens"] == abacus.context_length


def test_only_what_the_model_reads_has_to_fit_its_context(front, abacus):
    long = cl.Trace.from_text("Ravi has 16 shells.", "There are 16 shells. " * 700, "The answer is 16.", model=abacus)
    place = long.text.index("16", long.roles["thought"].char_start)
    unrun = long.replace((place, place + 2), "54")
    assert len(unrun.token_ids) > abacus.context_length > unrun.resume_at
    page = front(unrun)
    page.act("limits", max_new_tokens=20, temperature=0)
    page.act("rerun", token=page.view.document["rerun_at"])
    assert page.editor.trace.rewritten_from == unrun.resume_at and not page.current["awaits_rerun"]
    assert page.view.comparison["before"]["p"] is None, "what doesn't fit was not measured"
    page.tell("goto", branch="b0")  # too long to be measured, and long enough to be edited
    page.act("edit", **page.place("16"), text="17")
    assert page.editor.trace.edit.new == "17" and page.view.job["state"] == "done"
    page.tell("goto", branch="b0")
    reply = page.ask("rerun", token=len(long.token_ids) - 30)
    assert reply["status"] == "error" and "context holds 4,096" in reply["error"]["message"]


def test_a_real_model_stops_at_the_traces_limit():
    model = pretrained.model()
    trace = cl.Trace.from_text("How much is 3 + 4?", "First I add 3 and 4. That makes 7.", "7", model=model)
    editor = cl.CoTEditor(model, trace, measure="early-answer")
    try:
        assert editor.view.limits["max_new_tokens"] == LEAST
        editor.cancel()
        assert editor.wait(120)
        notes = []
        editor.view.observe(lambda change: change.new and notes.append(change.new), "stream")
        message = {"request_id": 1, "kind": "limits", "max_new_tokens": 8, "temperature": 0.0}
        editor._on_message(None, message)
        token = trace.roles["thought"].end
        editor._on_message(None, {"request_id": 2, "kind": "truncate", "document": trace.id, "token": token})
        assert editor.wait(300) and editor.error == ""
        new = editor.trace
        assert new.text.startswith(trace.text[: int(trace.offsets[token])]), "the whole thought is kept"
        assert new.meta["max_new_tokens"] == 8 and notes[-1]["limit"] == 8 and notes[-1]["tokens"] <= 8
    finally:
        editor.cancel()
        editor.wait(60)


@pytest.mark.parametrize("name", [name for name, entry in MEASURES.items() if entry.draws])
def test_what_a_person_sets_holds_for_the_rollouts_of_every_measure(name):
    made = ShadingSettings(name, limits=(("max_new_tokens", 5), ("temperature", 0.5))).method()
    assert (made.max_new_tokens, made.temperature) == (5, 0.5)


def test_a_measure_writes_no_more_than_the_head_allows_once_it_was_set_there(front, given):
    page = front(given)
    wish = {"measure": "resampling", "unit": "sentence", "metric": "probability", "n": 4, "confirmed": True}
    page.act("limits", max_new_tokens=3, temperature=page.view.limits["temperature"])
    page.act("measure", document=page.view.document["id"], **wish)
    assert page.editor.wait(60)
    assert "max_new_tokens=3" in page.editor.code and "temperature" not in page.editor.code.partition("result")[2]
    assert set(page.editor.result.columns["n_cut"]) == {2 * 4}  # all, with the unit and without
