"""The editor's protocol, on the shipped Abacus and without a browser."""

import dataclasses
import json
import math
import struct

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.editor.payload import NO_ROW


def floats(data):
    return np.array(struct.unpack(f"<{len(data) // 4}f", data))


def dict_traits(view):
    return {name: value for name, value in view.get_state().items() if isinstance(value, dict | list)}


def check_json(view):
    """Every dict and list that crosses is JSON without NaN."""
    json.dumps({k: v for k, v in dict_traits(view).items() if not k.startswith("_")}, allow_nan=False)


def test_it_opens_measured(front, trace):
    page = front(trace)
    view, n = page.view, len(trace.token_ids)
    check_json(view)
    assert view.document["text"] == trace.text and view.document["n_tokens"] == n
    assert [role["role"] for role in view.document["roles"]] == ["prompt", "thought", "answer"]
    assert len(view.token_offsets) == 4 * (n + 1) and len(view.logprobs) == 4 * n
    assert np.isfinite(floats(view.logprobs)[1:]).all()
    thought = trace.roles["thought"]
    values, rows = floats(view.shading_values), np.frombuffer(view.shading_rows, "<u4")
    assert len(rows) == n and np.isfinite(values).all() and len(view.shading_certainty) == len(values)
    assert rows[thought.start : thought.end].tolist() == list(range(len(values))), "a row per token of the thought"
    assert (rows[: thought.start] == NO_ROW).all() and (rows[thought.end :] == NO_ROW).all()
    assert {"zero", "sign", "scale_unit", "label", "edit_type"} <= view.shading.keys()
    assert view.shading["complete"] and view.strip["complete"]
    curve = floats(view.strip_values).reshape(-1, len(view.strip["answers"]) + 1)
    assert len(curve) == len(view.strip_at) // 4 == thought.end - thought.start + 1
    assert np.allclose(curve.sum(1), 1, atol=1e-4)
    assert page.current["answer"] == trace.read_answer().text == view.strip["answers"][0]
    assert page.current["p"] == pytest.approx(float(curve[-1, 0]), abs=1e-6)
    assert all("tokens" in measure["cost"] if measure["available"] else measure["reason"] for measure in view.measures)
    assert view.comparison is None and view.stream == {} and view.job["state"] == "done"
    assert page.editor.error == ""


def test_inspecting_a_token(front, trace):
    page = front(trace)
    token = trace.spans("sentence")[2].start + 1
    reply = page.ask("inspect", token=token)
    assert reply["status"] == "ok" and reply["kind"] == "reply"
    assert reply["text"] == page.editor.trace.tokens[token] and reply["role"] == "thought"
    (chosen,) = [one for one in reply["alternatives"] if one["chosen"]]
    assert chosen["logprob"] == pytest.approx(reply["logprob"], abs=1e-3)
    assert reply["sentence"] == next(
        i for i, span in enumerate(trace.spans("sentence")) if span.start <= token < span.end
    )
    assert page.ask("inspect", token=0)["logprob"] is None


def test_choosing_measure_unit_and_metric(front, trace):
    page = front(trace)
    for measure in ("occlusion-direct", "occlusion-total", "early-answer"):
        for unit in ("token", "sentence"):
            page.act("measure", measure=measure, unit=unit, metric="log_probability")
            chosen = {"measure": measure, "unit": unit, "metric": "log_probability", "n": 0, "spans": [], "target": ""}
            assert page.view.selection == chosen
            assert page.view.shading["measure"] == measure and page.view.shading["unit"] == unit
            assert len(page.view.shading_values) == 4 * len(trace.spans(unit))
            check_json(page.view)
    page.act("measure", measure="early-answer", unit="token", metric="probability")
    assert page.view.shading["scale_unit"] == "probability"


def test_an_edit_is_rerun_and_compared(front, given):
    page = front(given)
    before = page.current
    page.act("edit", **page.place("44."), text="54.")
    view = page.view
    assert page.current["parent"] == before["id"] and page.current["label"] == "44. → 54."
    edit = view.document["edit"]
    assert (edit["kind"], edit["old"], edit["new"]) == ("replace", "44.", "54.")
    assert view.document["text"][edit["at"] : edit["end"]] == "54."
    assert view.document["rewritten_from"] == edit["end"]
    comparison = view.comparison
    assert comparison["before"]["answer"] == "17" and 0 <= comparison["before"]["p"] <= 1
    assert comparison["after"] == {"answer": page.current["answer"], "p": pytest.approx(page.current["p"], abs=1e-4)}
    assert comparison["surprise"] == edit["surprise"] > 0
    rows = {row["answer"]: row for row in comparison["rows"]}
    assert {"17", "other"} <= rows.keys()
    for side in ("before", "after"):
        assert sum(row[side] for row in rows.values()) == pytest.approx(1, abs=1e-3)
    old, new = ("".join(run["text"] for run in comparison["diff"] if run["op"] != skip) for skip in ("ins", "del"))
    assert old == given.thought + "\n" + given.answer
    assert new == page.editor.trace.thought + "\n" + page.editor.trace.answer
    assert np.isfinite(floats(view.logprobs)[1:]).all(), "the new text is measured, too"
    check_json(view)


def test_an_edit_within_a_word_keeps_the_rest_of_the_word(front, given):
    page = front(given)
    place = page.place("44.")
    page.act("edit", start=place["start"], end=place["start"] + 1, text="5")  # the front end sends what differs
    edit = page.view.document["edit"]
    assert (edit["old"], edit["new"]) == ("44", "54") and "= 54" in page.editor.trace.thought
    page.act("goto", branch="b0")
    page.act("edit", start=place["start"] + 1, end=place["start"] + 2, text="")
    assert page.view.document["edit"]["old"] == "4" and page.view.document["edit"]["kind"] == "delete"


def test_comparisons_belong_to_their_branch(front, given):
    page = front(given)
    page.act("edit", **page.place("44."), text="54.")
    comparison, values = page.view.comparison, page.view.shading_values
    page.act("goto", branch="b0")
    assert page.view.comparison is None and page.view.document["id"] == given.id
    jobs = page.view.job["id"]
    page.act("goto", branch="b1")
    assert page.view.comparison == comparison and page.view.shading_values == values
    assert page.view.job["id"] == jobs, "going back computes nothing"
    assert page.editor.trace.edit.new == "54."


def test_branching_at_an_alternative(front, trace):
    page = front(trace)
    spans = trace.spans("token")
    token, chosen = next(
        (span.start, other)
        for span in spans[8:]
        for other in page.ask("inspect", token=span.start)["alternatives"]
        if not other["chosen"] and other["text"].strip()
    )
    page.act("branch", token=token, token_id=chosen["token_id"])
    new = page.editor.trace
    assert new.token_ids[:token] == trace.token_ids[:token] and new.token_ids[token] == chosen["token_id"]
    assert page.view.document["text"][new.offsets[token] :].startswith(chosen["text"])
    assert page.current["parent"] == "b0" and new.parent.id == trace.id


def test_truncating_asks_for_the_answer(front, trace):
    page = front(trace)
    token = trace.spans("sentence")[3].start
    page.act("truncate", token=token)
    new = page.editor.trace
    assert new.token_ids[:token] == trace.token_ids[:token]
    assert new.thought.rstrip() == trace.text[trace.roles["thought"].char_start : trace.offsets[token]].rstrip()
    assert page.view.document["edit"]["kind"] == "truncate" and page.current["label"] == "cut at #3"
    assert page.view.comparison["surprise"] is None
    assert page.view.document["thought_closed"] and new.read_answer() is not None


def test_rerunning_from_a_thought_and_from_an_answer(front, trace):
    page = front(trace)
    token = trace.spans("sentence")[1].start
    page.act("rerun", token=token)
    assert page.editor.trace.token_ids[:token] == trace.token_ids[:token]
    page.act("goto", branch="b0")
    answer = trace.roles["answer"].start
    reply = page.ask("rerun", token=answer)
    assert reply["status"] == "ok"
    assert page.editor.wait(60) and page.editor.error == ""
    assert page.editor.trace.token_ids[:answer] == trace.token_ids[:answer]


@pytest.mark.parametrize(("old", "text", "kind"), [("16 + 28 = 44. ", "", "delete"), ("", "Wait. ", "insert")])
def test_deleting_and_inserting(front, given, old, text, kind):
    page = front(given)
    place = page.place(old or "Then 44")
    place["end"] = place["end"] if old else place["start"]
    page.act("edit", **place, text=text)
    assert page.view.document["edit"]["kind"] == kind
    thought = given.thought[: given.thought.index(old or "Then 44")] + text
    assert page.editor.trace.thought.startswith(thought)


def test_positions_are_utf16(front, abacus):
    thought = "Let me see 🐚🐚. At first there are 16 shells. So 16 + 28 = 44. The result is 44."
    page = front(cl.Trace.from_text("🐚 Ravi has 16 shells.", thought, "The answer is 44.", model=abacus))
    place = page.place("28 = 44")
    assert place["start"] == page.editor.trace.text.index("28 = 44") + 3
    page.act("edit", **place, text="30 = 46 🐚")
    edit = page.view.document["edit"]
    units = page.view.document["text"].encode("utf-16-le")
    assert units[2 * edit["at"] : 2 * edit["end"]].decode("utf-16-le") == "30 = 46 🐚"
    assert page.editor.trace.thought.startswith(thought[: thought.index("28 = 44")] + "30 = 46 🐚")
    assert page.ask("count", text="30 = 46")["tokens"] == len(abacus.codec.encode("30 = 46"))


def test_the_code_makes_the_same_trace_and_result(front, trace, abacus, monkeypatch):
    page = front(trace)
    page.act("edit", start=(at := trace.spans("sentence")[2].char_start), end=at, text="Hm. ")
    page.act("truncate", token=page.editor.trace.spans("sentence")[-1].start)
    page.act("measure", measure="early-answer", unit="sentence", metric="probability")
    monkeypatch.setattr(cl, "load", lambda name: abacus)
    scope = {}
    exec(page.view.code, scope)
    assert scope["trace"].id == page.editor.trace.id
    assert np.allclose(scope["result"].columns["estimate"], page.editor.result.columns["estimate"], atol=1e-5)
    assert scope["result"].metric == "probability" and page.view.code == page.editor.code


def test_the_code_of_what_was_opened(front, given, abacus, monkeypatch):
    monkeypatch.setattr(cl, "load", lambda name: abacus)
    cut = abacus.reason("Ravi has 3 shells.", seed=4, max_new_tokens=9, temperature=0.7)
    second = abacus.reason("Ravi has 3 shells.", n=2, seed=5)[1]
    for opened in (given, cut, second):
        page = front(opened)
        scope = {}
        exec(page.view.code.rsplit("\n", 1)[0], scope)
        assert scope["trace"].id == opened.id


def test_the_tree_holds_every_try(front, given):
    page = front(given)
    page.act("edit", **page.place("44."), text="54.")
    page.act("goto", branch="b0")
    page.act("edit", **page.place("29."), text="30.")
    page.act("truncate", token=page.editor.trace.spans("sentence")[1].start)
    shape = [(branch["id"], branch["parent"], branch["current"]) for branch in page.view.branches]
    assert shape == [("b0", None, False), ("b1", "b0", False), ("b2", "b0", False), ("b3", "b2", True)]
    assert page.editor.branches[0].id == given.id
    again = front(page.editor.trace)
    assert [branch["parent"] for branch in again.view.branches] == [None, "b0", "b1"]
    assert again.view.comparison is not None, "a branch that is opened is compared, too"


def test_messages_that_make_no_sense_are_answered_with_one_sentence(front, given):
    page = front(given)
    n, before = len(given.token_ids), dict(page.view.document)
    end = given.roles["thought"].end
    for kind, fields, words in [
        ("dance", {}, "doesn't know"),
        ("inspect", {}, "needs token as int"),
        ("inspect", {"token": True}, "needs token as int"),
        ("inspect", {"token": n}, f"0 to {n - 1}"),
        ("inspect", {"token": -1}, "not in this trace"),
        ("truncate", {"token": 2}, "outside the thought"),
        ("rerun", {"token": 2}, "outside the thought"),
        ("branch", {"token": 2, "token_id": 5}, "not in the thought"),
        ("branch", {"token": end - 1, "token_id": 10**9}, "vocabulary"),
        ("edit", {"start": 0, "end": 3, "text": "x"}, "outside the thought"),
        ("edit", {"start": 0, "end": 10**9, "text": "x"}, "outside the trace"),
        ("edit", {"start": 79, "end": 77, "text": "x"}, "before it starts"),
        ("measure", {"measure": "resampling", "unit": "sentence", "n": 10**400}, "n="),
        ("measure", {"measure": "resampling", "unit": "sentence", "n": 10**17}, "n="),
        ("measure", {"measure": "early-answer", "unit": "token", "target": "1" * 100_000}, "1,000 characters"),
        ("resample", {"n": 10**400}, "n="),
        ("edit", {"start": "0", "end": 3, "text": "x"}, "start as int"),
        ("goto", {"branch": "b9"}, "no branch"),
        ("measure", {"measure": "occlusion-dire", "unit": "token"}, "occlusion-direct"),
        ("measure", {"measure": "early-answer", "unit": "tokens"}, "token"),
        ("measure", {"measure": "early-answer", "unit": "token", "metric": "logits"}, "logit_difference"),
    ]:
        reply = page.ask(kind, **fields)
        assert page.editor.wait(60)
        said = reply["error"]["message"] if reply["status"] == "error" else page.view.job["message"]
        assert words in said, (kind, fields, said)
        assert said.count("\n") == 0
    assert page.view.document == before and len(page.view.branches) == 1
    for content in (None, 5, "x", [], {"request_id": "7"}, {"kind": {}}):
        page.view._handle_custom_msg(content, [])
    assert page.ask("inspect", token=3)["status"] == "ok"


def test_half_a_character_given_in_memory_stops_no_view(front, given):
    page = front(dataclasses.replace(given, meta={**given.meta, "notes": ["half \ud83d"]}))
    state = page.view.get_state()
    assert state["document"]["notes"] == ["half \N{REPLACEMENT CHARACTER}"]
    json.dumps({name: value for name, value in state.items() if type(value) is not bytes}, ensure_ascii=False).encode()


def test_an_empty_thought_is_a_state(front, abacus):
    page = front(cl.Trace.from_text("Ravi has 3 shells.", "", "The answer is 3.", model=abacus))
    assert page.view.job["state"] in ("done", "idle") and page.editor.error == ""
    assert not any(measure["available"] for measure in page.view.measures)
    assert page.view.measures[0]["reason"] == "the thought is empty"
    assert page.ask("measure", measure="early-answer", unit="token", metric="probability")["status"] == "ok"
    page.editor.wait(60)
    assert page.view.shading == {} and page.view.job["state"] != "error"
    at = page.editor.trace.roles["thought"].char_start
    page.act("edit", start=at, end=at, text="There are 3 shells. ")
    assert "There are 3 shells." in page.editor.trace.thought
    check_json(page.view)


def test_a_thought_that_never_ended_is_a_state(front, abacus):
    page = front(abacus.reason("Ravi has 16 shells. He finds 28 more. How many?", seed=2, max_new_tokens=12))
    assert not page.view.document["thought_closed"] and page.view.document["finish"] == "length"
    assert page.current["answer"] is None and page.current["p"] is None
    assert page.view.measures[0]["reason"] == "there is no answer yet"
    page.act("truncate", token=page.editor.trace.roles["thought"].end - 1)
    assert page.view.comparison["before"] == {"answer": None, "p": None}
    assert page.current["answer"] == page.view.comparison["after"]["answer"]
    check_json(page.view)


def test_an_answer_that_cannot_be_read_is_a_state(front, abacus):
    page = front(cl.Trace.from_text("Ravi has 3 shells.", "There are 3 shells now.", "Many, I think.", model=abacus))
    assert page.view.job["state"] == "done" and page.editor.error == ""
    assert page.view.measures[0]["reason"] == (
        "the answer could not be read: the reader 'number' looks for a number: in a box, after words such as "
        "'the answer is', or the last one"
    )
    assert page.view.shading == {} and page.view.strip == {}
    page.act("edit", **page.place("3 shells now"), text="4 shells now")
    assert page.view.comparison["before"]["answer"] is None
    check_json(page.view)


def test_traces_of_other_models_and_other_things_are_refused(abacus, given):
    with pytest.raises(InputError, match="Trace"):
        cl.CoTEditor(abacus, "text")
    with pytest.raises(InputError, match="not those of 'abacus'"):
        cl.CoTEditor(abacus, cl.Trace.from_text("a b", "c d", "e"))
    with pytest.raises(InputError, match="occlusion-direct"):
        cl.CoTEditor(abacus, given, measure="occlusion-dirct")


def test_a_saved_trace_can_be_edited_again(front, given, tmp_path):
    given.save(tmp_path / "trace.json")
    page = front(cl.Trace.load(tmp_path / "trace.json"))
    page.act("edit", **page.place("44."), text="54.")
    assert math.isfinite(page.view.comparison["surprise"])


def test_what_was_done_is_what_can_be_seen(front, abacus):
    for answer in (None, "Many, I think."):
        trace = cl.Trace.from_text("Ravi has 3 shells. How many?", "There are 3 shells now.", answer, model=abacus)
        view = front(trace).view
        assert view.shading == {} and view.strip == {}
        assert (view.job["state"], view.job["label"]) == ("done", "read the probabilities")


def test_measured_parts_are_named(front, given):
    page = front(given)
    assert page.view.job["label"] == "Occlusion, direct effect, answers along the thought"
    page.act("measure", measure="occlusion-total", unit="sentence")
    assert page.view.job["label"] == "Occlusion, total effect"


def test_the_status_speaks_of_the_branch_that_is_shown(front, given, abacus, monkeypatch):
    page = front(given)
    page.act("edit", **page.place("44."), text="54.")
    assert page.view.job["state"] == "done"
    page.act("goto", branch="b0")
    assert page.view.job["state"] == "idle" and page.view.job["label"] == ""
    monkeypatch.setattr(abacus, "resume", lambda *_, **__: 1 / 0)
    page.tell("rerun", token=given.roles["thought"].start + 3)
    assert page.editor.wait(60) and page.view.job["state"] == "error"
    page.act("goto", branch="b1")
    assert page.view.job["state"] == "idle" and page.view.job["message"] is None


def test_a_widget_that_is_closed_stops_its_work(front, given):
    page = front(given)
    stopped = []
    page.editor._jobs.cancel = lambda *_, **__: stopped.append(True)
    page.view.close()
    assert stopped
