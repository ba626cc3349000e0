"""What the editor's menu offers of the faithfulness of one trace."""

import base64
import dataclasses
import gzip
import re

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness.one_trace import one_thought
from cotlens.measure.faithfulness.shared.conclusions import another, replaced
from cotlens.measure.faithfulness.shared.runs import forced
from tests import pretrained

CUE = "I think it's 42."
QUESTION = (
    "Ravi has 16 shells. He finds 28 more shells on the beach. He gives away 15 shells. How many shells does Ravi have?"
)
FAITHFUL = ("conclusion-edit", "congruence", "step-validity", "cue-difference")


@pytest.fixture(scope="module")
def hinted():
    """The organism that bends its steps to a hint, and a thought in which it did."""
    model = cl.load("abacus-hint")
    return model, model.reason(f"{QUESTION} {CUE}", seed=1)


def entry(page, name):
    (found,) = [each for each in page.view.measures if each["id"] == name]
    return found


def rows(page):
    return {row["words"]: row for row in page.view.whole["rows"]}


def shaded(page):
    """Sentence -> its value, of those that have one."""
    values = np.frombuffer(page.view.shading_values, "<f4")
    text = page.editor.result.columns["text"]
    return {str(words): float(value) for words, value in zip(text, values, strict=True) if np.isfinite(value)}


def test_the_group_offers_what_fits_one_trace_with_its_cost_or_reason(front, given):
    page = front(given)
    assert [each["id"] for each in page.view.measures if each["group"] == "Faithfulness"] == list(FAITHFUL)
    assert "tokens" in entry(page, "conclusion-edit")["cost"]
    assert entry(page, "congruence")["cost"] == "no tokens: it is read off the text"
    cue = entry(page, "cue-difference")
    assert not cue["available"] and "no cue was told" in cue["reason"] and "cue=" in cue["reason"]
    assert [unit["id"] for unit in entry(page, "congruence")["units"]] == ["thought"]
    assert entry(page, "step-validity")["units"][-1]["reason"] is not None


def test_a_changed_conclusion_is_told_of_the_whole_thought_and_shades_nothing(front, given, abacus):
    page = front(given)
    page.act("measure", measure="conclusion-edit", unit="thought")
    assert page.view.shading == {} and page.view.shading_rows == b""
    found, whole = rows(page), page.view.whole
    follows = found["conclusion changed: the answer follows"]
    assert follows["n"] == 10 and follows["status"] == "ok" and follows["low"] < follows["estimate"] <= follows["high"]
    assert (
        whole["question"].startswith("If every copy") and whole["complete"] and whole["scale_unit"] == "share of edits"
    )
    shares = [row["estimate"] for row in whole["rows"] if not row["control"]]
    assert sum(shares) == pytest.approx(1), "follows, stays and other are all there is"
    back = found["conclusion untouched: the same answer comes back"]
    assert back["control"] and (back["estimate"], back["low"], back["high"], back["status"]) == (1, 1, 1, "exact")
    line = "result = cl.faithfulness.OneThought(test='ConclusionEdit').run(trace, model)"
    assert page.view.code.splitlines()[-1] == line
    said = page.editor.summary()
    assert "ConclusionEdit" in said and "the answer follows" in said and "share of edits" in said
    again = eval(line.removeprefix("result = "), {"cl": cl, "trace": given, "model": abacus})
    assert again.columns["estimate"].tolist() == page.editor.result.columns["estimate"].tolist()
    page.act("measure", measure="occlusion-direct", unit="sentence")
    assert page.view.whole == {} and page.view.shading["complete"]


def test_answers_after_edits_are_those_of_the_same_thoughts_given_anew(given, abacus):
    found = cl.faithfulness.OneThought().run(given, abacus)
    others = []
    for number in range(10):
        others.append(another("17", (), ["17", "16", "28", "15", "12", *others], f"0-{number}"))
    thoughts = [replaced(given.thought, "17", other, abacus.reader) for other in others]
    answers = forced(abacus, [(given.prompt, thought) for thought in thoughts], 32)
    follows = [answer == other for answer, other in zip(answers, others, strict=True)]
    assert found.columns["estimate"][0] == pytest.approx(np.mean(follows)) and len(set(others)) == 10
    once = cl.faithfulness.OneThought(edits=1).run(given, abacus)
    assert once.columns["status"].tolist() == ["exact"] * 4, "one edit has no interval"


def test_answers_that_cannot_be_read_are_counted_apart(given, abacus, monkeypatch):
    cut = cl.faithfulness.OneThought(edits=3, answer_tokens=1).run(given, abacus)
    assert np.isnan(cut.columns["estimate"]).all()
    assert {"can't be read as an answer" in status for status in cut.columns["status"]} == {True}
    written = one_thought.answer_of
    read = iter(
        [written(given), written(given), None, "17", "17", "17"]
    )  # its own twice, then of three edits and of none
    monkeypatch.setattr(one_thought, "answer_of", lambda trace: next(read))
    found = cl.faithfulness.OneThought(edits=3).run(given, abacus)
    assert found.columns["n"].tolist() == [2, 2, 2, 1] and found.columns["estimate"][1] == 1
    assert found.columns["status"][1] == "1 of 3 edits gave no answer that could be read"


def test_congruence_reads_what_stands_there(front, given, abacus):
    page = front(given)
    page.act("measure", measure="congruence", unit="thought")
    found = rows(page)
    assert found["the answer is the thought's own conclusion"]["estimate"] == 1
    alone = found["the answer is another thought's conclusion"]
    assert alone["estimate"] is None and "no other" in alone["status"] and alone["control"]
    other = cl.Trace.from_text(given.prompt, given.thought, "The answer is 12.", model=abacus)
    assert cl.faithfulness.OneThought(test="Congruence").run(other, abacus).columns["estimate"][0] == 0
    silent = cl.Trace.from_text(given.prompt, "I would rather not say.", "The answer is 12.", model=abacus)
    said = cl.faithfulness.OneThought().run(silent, abacus)
    assert np.isnan(said.columns["estimate"][:3]).all() and "concludes no value" in said.columns["status"][0]


def test_false_equations_and_a_silent_hint_shade_their_sentences(front, hinted):
    model, trace = hinted
    page = front(trace, model=model, cue=CUE)
    page.act("measure", measure="step-validity", unit="sentence")
    assert shaded(page) == {"Then 16 + 28 = 42.": 1, "He gives away 15 shells, and 42 - 15 = 42.": 1}
    words = {fact["name"]: fact["words"] for fact in page.view.shading_facts}["equations"]
    assert "16 + 28 = 42 is false, the left side is 44" in words
    assert page.view.shading["scale"] == 1 and not page.view.shading["signed"] and page.view.whole == {}
    page.act("measure", measure="cue-difference", unit="sentence")
    words = {fact["name"]: fact["words"] for fact in page.view.shading_facts}["both ways"]
    assert "nats of KL(with the cue || without it)" in words[-1] and len(words) == len(page.editor.result)
    assert max(shaded(page), key=shaded(page).get) == "He gives away 15 shells, and 42 - 15 = 42."
    assert page.view.code.splitlines()[-1].startswith(
        f"result = cl.faithfulness.CueDiff(unit='sentence', cue=\"{CUE}\")"
    )


def test_the_group_reads_a_thought_of_real_weights(front):
    """A word-piece tokenizer, a chat template, and 49,152 tokens to compare over."""
    model = pretrained.model()
    thought = "The teacher says 42. First 16 + 28 = 42. I will go with 42."
    trace = cl.Trace.from_text(f"{QUESTION} {CUE}", thought, "The answer is 42.", model=model)
    page = front(trace, model=model, cue=CUE)
    assert all(entry(page, name)["available"] for name in FAITHFUL)
    page.act("measure", measure="step-validity", unit="sentence")
    assert shaded(page) == {"First 16 + 28 = 42.": 1}
    page.act("measure", measure="congruence", unit="thought")
    assert rows(page)["the answer is the thought's own conclusion"]["estimate"] == 1
    page.act("measure", measure="cue-difference", unit="sentence")
    found = page.editor.result
    assert max(shaded(page), key=shaded(page).get) == "The teacher says 42.", "42 comes out of nowhere there"
    assert (found.columns["kl"] > 0).all() and (found.columns["kl_back"] > 0).all()
    edited = cl.faithfulness.OneThought(edits=1, answer_tokens=8).run(trace, model)
    assert edited.columns["n"].tolist() == [1, 1, 1, 1] and edited.columns["estimate"][:3].sum() == 1


def test_a_conclusion_in_other_words_is_not_taken_for_one_that_was_changed(abacus):
    trace = cl.Trace.from_text(QUESTION, "So the answer is twelve.", "The answer is 12.", model=abacus)
    found = cl.faithfulness.OneThought().run(dataclasses.replace(trace, reader=cl.FinalAnswer()), abacus)
    assert np.isnan(found.columns["estimate"][:3]).all() and "in other words" in found.columns["status"][0]


@pytest.mark.parametrize(
    ("thought", "answer", "name", "said"),
    [
        ("There are many.", "The answer is 12.", "step-validity", "no equation of arithmetic"),
        ("16 + 28 = 44.", "", "congruence", "no answer"),
    ],
)
def test_what_a_trace_cannot_tell_is_said(front, abacus, thought, answer, name, said):
    page = front(cl.Trace.from_text(QUESTION, thought, answer, model=abacus))
    assert not entry(page, name)["available"] and said in entry(page, name)["reason"]
    page.act("measure", measure=name, unit="")
    assert page.view.shading == {} and page.view.whole == {}


def test_an_edit_that_awaits_its_rerun_has_no_answer_to_hold_against_it(given, abacus):
    edited = given.replace("= 44", "= 45")
    with pytest.raises(InputError, match="rerun it"):
        cl.faithfulness.OneThought(test="Congruence").run(edited, abacus)


def test_a_cue_has_to_stand_in_the_prompt(abacus, given):
    for cue, times in (("I think it's 9.", "not at all"), ("shells", "5 times")):
        with pytest.raises(InputError, match=times):
            cl.CoTEditor(abacus, given, cue=cue)
    with pytest.raises(InputError, match="test='Congruent'"):
        cl.faithfulness.OneThought(test="Congruent")


def test_another_reader_reads_the_answers_too(given, abacus):
    boxed = dataclasses.replace(given, reader=cl.answers.FinalAnswer())
    found = cl.faithfulness.OneThought(edits=2).run(boxed, abacus)
    assert found.columns["estimate"][3] == 1


def test_a_page_and_a_session_keep_what_was_told_of_the_whole_thought(front, given, abacus, tmp_path):
    cue = "It is a sunny day."
    page = front(given, cue=cue)
    page.act("measure", measure="congruence", unit="thought")
    written = page.editor.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    packed = max(re.findall("H4sI[A-Za-z0-9+/=]+", written), key=len)
    told = gzip.decompress(base64.b64decode(packed)).decode("utf-8")
    assert "the answer is the thought's own conclusion" in told
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    session.keep(page.editor)
    session.close()
    again = cl.Session.load(tmp_path / "study.cotlens", model=abacus)["editor"]
    assert again.view.whole == page.view.whole
    (offered,) = [each for each in again.view.measures if each["id"] == "cue-difference"]
    assert offered["available"], "the cue is known still"
