"""The menu of measures: what is offered, what it costs, and what sampled measures show while they go on."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.importance import METHODS
from cotlens.models.contract import Capability
from cotlens.models.generation.sample_store import open_store
from cotlens.workbench.editor import measure_runner
from cotlens.workbench.editor.measure_menu import MEASURES, UNITS, ShadingSettings
from cotlens.workbench.editor.offers.costs import Price, Rates
from cotlens.workbench.editor.payload import NO_ROW


def values(view):
    return np.frombuffer(view.shading_values, "<f4")


def entry(page, name):
    (found,) = [each for each in page.view.measures if each["id"] == name]
    return found


def facts(page):
    return {fact["name"]: fact["words"] for fact in page.view.shading_facts}


def test_every_method_is_in_the_menu():
    inside = {"LogitLens", "Reading", "LatentAblation", "LatentLens"}
    assert {each.method for each in MEASURES.values()} == {*METHODS, *cl.faithfulness.ONE_TRACE} | inside
    assert len({each.label for each in MEASURES.values()}) == len(MEASURES)
    assert all(each.question.endswith("?") and each.units for each in MEASURES.values())


@pytest.mark.parametrize("name", [name for name, entry in MEASURES.items() if entry.reads != "probe"])
def test_an_entry_is_what_its_line_of_python_says(name):
    measure = MEASURES[name]
    for unit in measure.units:
        for metric in measure.metrics or ("",):
            shown = ShadingSettings(name, unit, metric, spans=((4, 9),), cue="I think")
            line = shown.code().splitlines()[0].removeprefix("result = ").removesuffix(".run(trace, model)")
            method = eval(line, {"cl": cl})
            assert method == shown.method()
            assert method.unit == unit and (not metric or method.metric == metric)
            assert getattr(method, "n", 0) == shown.n


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"measure": "resampling", "unit": "token"}, "rollouts begin where sentences do"),
        ({"measure": "mistake", "unit": "token"}, "can't be rewritten alone"),
        ({"measure": "suppression", "unit": "token"}, "from sentence to sentence"),
        ({"measure": "occlusion-copies", "unit": "sentence"}, "the number is the unit"),
        ({"measure": "gradient", "unit": "word"}, "token"),
        ({"measure": "gradient", "unit": "thought"}, "tests of the whole thought"),
        ({"measure": "congruence", "unit": "sentence"}, "told of the whole thought"),
        ({"measure": "step-validity", "unit": "token"}, "more than a token"),
        ({"measure": "cue-difference", "unit": "span"}, "per sentence or token"),
        ({"measure": "resilience", "metric": "logit_difference"}, "rounds"),
        ({"measure": "resampling", "n": 1}, "2 rollouts or more"),
        ({"measure": "gradient", "n": 20}, "samples nothing"),
        ({"measure": "resample"}, "resampling"),
    ],
)
def test_what_a_measure_cannot_do_is_said(wish, said):
    with pytest.raises(InputError, match=said):
        ShadingSettings(**wish)


def test_the_menu_says_what_each_would_cost_and_why_one_cannot_be_had(front, given):
    page = front(given)
    groups = [each["group"] for each in page.view.measures]
    assert groups == sorted(groups, key=groups.index) and len(set(groups)) == 6
    assert "rollouts of about" in entry(page, "resampling")["cost"]
    assert "tokens" in entry(page, "gradient")["cost"]
    assert entry(page, "resilience")["asks"], "thousands of rollouts wait until they are asked for"
    heads = entry(page, "receiver-heads")
    assert not heads["available"] and "at least 6" in heads["reason"] and "there are 4" in heads["reason"]
    (token, *others) = entry(page, "resampling")["units"]
    assert token["reason"] and [unit["reason"] for unit in others] == [None] * 3
    assert [unit["id"] for unit in entry(page, "occlusion-copies")["units"]] == ["group"]


def test_a_backend_that_cannot_is_named_with_one_that_can(front, given, abacus, monkeypatch):
    monkeypatch.setattr(abacus, "capabilities", Capability.SCORE | Capability.HIDE | Capability.GENERATE)
    page = front(given)
    for name, missing in (("gradient", "GRADIENT"), ("occlusion-mean", "READ and WRITE"), ("receiver-heads", "READ")):
        found = entry(page, name)
        assert not found["available"] and missing in found["reason"] and 'backend="local"' in found["reason"]
    assert entry(page, "occlusion-direct")["available"] and entry(page, "resampling")["available"]
    page.act("measure", measure="gradient", unit="token")
    assert page.view.shading == {}, "it is not tried"


def test_long_work_begins_only_once_its_cost_was_seen(front, given, monkeypatch):
    page = front(given)
    monkeypatch.setattr(measure_runner, "AUTOMATIC_S", 0.0)
    page.act("measure", measure="occlusion-total", unit="sentence", confirmed=False)
    assert page.view.shading == {} and entry(page, "occlusion-total")["asks"]
    page.act("measure", measure="occlusion-total", unit="sentence", confirmed=True)
    assert page.view.shading["complete"]


def test_rates_are_learned_from_work_that_tells_something():
    rates, sampled = Rates(), Price(3_000, rollouts=50, each=60)
    assert rates.words(sampled) == "up to 50 rollouts of about 60 tokens"
    assert not rates.learn("write", 20, 30.0), "the others came from the store"
    assert rates.learn("write", 3_000, 2.0) and rates.seconds(sampled) == pytest.approx(2.0)
    assert rates.words(sampled).endswith("about 2 s")
    rates.learn("write", 3_000, 20.0)
    assert rates.seconds(sampled) == pytest.approx(2.0), "a busy moment is no measure"
    assert rates.words(Price(10)) == "at most 10 tokens", "what was written says nothing of reading"


def test_a_sampled_measure_shows_what_came_and_keeps_it_when_cancelled(front, abacus, monkeypatch, tmp_path):
    monkeypatch.setattr(abacus, "store", open_store(tmp_path / "rollouts.sqlite"))
    trace = abacus.reason("Ravi has 9 shells. He finds 5 more. How many shells does Ravi have?", seed=4)
    page = front(trace)
    view, seen = page.view, []
    monkeypatch.setattr(measure_runner, "PARTIAL_S", 0.0)

    def look(change):
        if view.shading and not view.shading["complete"] and np.isfinite(values(view)).any():
            if not seen:
                page.editor.cancel()
            seen.append(view.job["done"])

    page.view.observe(look, "shading_values")
    page.tell("measure", measure="resampling", unit="sentence", n=6)
    assert page.editor.wait(120) and page.editor.error == ""
    assert seen and 0 < view.job["done"] < view.job["total"], "it ended soon after"
    assert view.job["state"] == "cancelled" and not view.shading["complete"]
    assert np.isfinite(values(view)).any(), "what came is kept"
    assert any("partly measured" in why or "not measured" in why for why in view.shading_status.values())
    assert page.editor.result.columns["n"].max() > 0

    page.act("measure", measure="resampling", unit="sentence", n=6)
    assert view.shading["complete"] and view.shading["kind"] == "sampled"
    assert page.editor.result.extras["rollouts_reused"] > 0, "nothing is sampled twice"
    low, high = (np.frombuffer(data, "<f4") for data in (view.shading_low, view.shading_high))
    measured = np.isfinite(values(view))
    assert measured.any() and (low <= values(view))[measured].all() and (values(view) <= high)[measured].all()
    assert "with it" in facts(page)["rollouts"][0] and len(facts(page)["gave the answer"]) == len(low)
    assert all("significant over all" in facts(page)["corrected"][row] for row in np.flatnonzero(measured))
    assert "6 rollouts from each place" in view.shading["label"] and view.shading["edit_type"] == "on-policy"
    assert "Resampling(unit='sentence', n=6, metric='probability')" in page.editor.code


def test_a_rewritten_sentence_comes_with_its_text_and_surprise(front, given):
    page = front(given)
    page.act("measure", measure="mistake", unit="sentence", n=2)
    said, result = facts(page), page.editor.result
    assert said["put in its place"] == [str(text) for text in result.columns["rewritten"]]
    assert all("nats per token; what stood there" in words for words in said["edit's surprise"])
    assert page.view.shading["edit_type"] == "off-policy"


def test_spans_are_units_of_the_text_they_were_chosen_in(front, abacus):
    thought = "🐚 At first there are 16 shells. 16 + 28 = 44. So 44 it is."
    trace = cl.Trace.from_text("Ravi has 16 🐚. How many?", thought, "The answer is 44.", model=abacus)
    page = front(trace)
    page.act("measure", measure="gradient", unit="span")
    assert page.view.shading == {} and "select a stretch" in entry(page, "gradient")["reason"]
    first, second = page.place("28 = 44"), page.place("there are 16")
    spans = [[place["start"], place["end"]] for place in (first, second)]
    page.act("measure", measure="gradient", unit="span", spans=spans)
    assert page.view.selection["spans"] == sorted(spans) and len(values(page.view)) == 2
    result = page.editor.result
    assert list(result.columns["text"]) == ["there are 16", "28 = 44"] and result.unit == "span"
    rows = np.frombuffer(page.view.shading_rows, "<u4")
    start, end = result.columns["start"][1], result.columns["end"][1]
    assert set(rows[start:end]) == {1} and (rows == NO_ROW).any()
    assert "spans=[(" in page.editor.code
    reply = page.ask("measure", measure="gradient", unit="span", spans=[[0, 3]])
    assert reply["status"] == "error" and "leaves the thought" in reply["error"]["message"]
    assert len(values(page.view)) == 2, "and all stays as it was"
    page.act("truncate", token=trace.spans("sentence")[2].start)
    assert page.view.shading == {} and page.view.selection["spans"] == [], "another text has other spans"
    page.act("goto", branch="b0")
    assert len(values(page.view)) == 2


def test_an_editor_can_be_opened_on_spans(front, given):
    start = given.text.index("16 + 28 = 44")
    page = front(given, measure="occlusion-total", spans=[(start, start + 12)])
    assert page.view.selection["unit"] == "span" and page.editor.result.columns["text"].tolist() == ["16 + 28 = 44"]
    with pytest.raises(InputError, match="leaves the thought"):
        front(given, spans=[(0, 5)])


def test_copies_of_a_number_share_a_row(front, given):
    page = front(given)
    page.act("measure", measure="occlusion-copies", unit="group")
    rows = np.frombuffer(page.view.shading_rows, "<u4")
    result = page.editor.result
    for row, members in enumerate(result.extras["members"]):
        for start, end in members:
            assert set(rows[start:end]) == {row}
    assert max(map(len, result.extras["members"])) > 1
    assert "per number" in page.view.shading["label"]


def test_attention_needs_no_answer_and_says_what_is_moved(front, abacus):
    trace = cl.Trace.from_text(
        "How many?", "There are 16 shells. 16 + 28 = 44. So there are many now.", "Many.", model=abacus
    )
    page = front(trace)
    assert not entry(page, "occlusion-direct")["available"]
    page.act("measure", measure="suppression", unit="sentence")
    view = page.view
    assert view.shading["complete"] and not view.shading["signed"]
    assert view.shading_status == {"2": "not measured: nothing comes later"}
    assert facts(page)["moves most"][0].startswith("#") and facts(page)["moves most"][2] == ""
    assert "Suppression.pairs(result)" in page.editor.code


def test_paragraphs_and_all_units_have_names():
    assert {unit for each in MEASURES.values() for unit in each.units} == set(UNITS)


def test_branches_that_were_measured_alike_share_a_scale(front, given):
    page = front(given)
    first = page.view.shading
    assert first["branches"] == 1 and first["scale_all"] == first["scale"]
    page.act("edit", **page.place("44."), text="54.")
    second = page.view.shading
    assert second["branches"] == 2 and second["scale_all"] == pytest.approx(max(first["scale"], second["scale"]))
    page.act("goto", branch="b0")
    assert page.view.shading["scale"] == first["scale"] and page.view.shading["scale_all"] == second["scale_all"]
    page.act("measure", measure="occlusion-total", unit="token")
    assert page.view.shading["branches"] == 1, "another measure has another scale"


def test_another_answer_can_be_followed(front, given):
    page = front(given)
    own, other = page.view.strip["answers"][:2]
    assert page.view.selection["target"] == "" and own in page.view.shading["metric_words"]
    page.act("measure", measure="occlusion-direct", unit="sentence", target=other)
    assert page.view.selection["target"] == other and page.view.strip["target"] == 1
    assert other in page.view.shading["metric_words"] and f"target={other!r}" in page.editor.code
    page.act("measure", measure="suppression", unit="sentence", target=other)
    assert page.view.selection["target"] == "", "attention has no answer to follow"


def test_another_reader_reads_all_branches(front, abacus):
    thought = "There are 16 shells. 16 + 28 = 44."
    trace = cl.Trace.from_text("Ravi has 16. He finds 28. How many?", thought, "Forty-four, or 44.", model=abacus)
    trace = dataclasses.replace(trace, reader=cl.answers.Regex("Forty-[a-z]+"))
    page = front(trace)
    assert page.current["answer"] == "Forty-four"
    assert [(each["name"], each["current"]) for each in page.view.readers][-1] == ("regex", True)
    page.act("edit", **page.place("28"), text="30")
    page.act("reader", reader="number")
    assert [each["name"] for each in page.view.readers if each["current"]] == ["number"]
    assert page.view.branches[0]["answer"] == "44" and page.editor.trace.reader == cl.answers.Number()
    assert "reader=cl.answers.Number(" in page.editor.code
    page.act("goto", branch="b0")
    assert page.view.strip["answers"][0] == "44", "what was measured of another answer is gone"
    page.act("truncate", token=page.editor.trace.spans("sentence")[1].start)
    assert page.editor.trace.reader == cl.answers.Number(), "and what is written from now on is read alike"
    page.act("reader", reader="regex")
    assert page.view.branches[0]["answer"] == "Forty-four"
    assert "letter" in page.ask("reader", reader="letter")["error"]["message"]


def test_how_many_answers_were_read_is_told(front, given):
    page = front(given)
    assert page.view.shading["unread"] is None, "nothing was drawn"
    page.act("measure", measure="resampling", unit="sentence", n=12)
    told = page.view.shading["unread"]
    result = page.editor.result
    assert told["of"] == result.extras["rollouts_sampled"] + result.extras["rollouts_reused"] >= 12
    assert 0 < told["read"] <= told["of"] and told["advice"] == ""


def test_after_a_dozen_that_nothing_can_be_read_is_told(front, abacus, monkeypatch):
    monkeypatch.setattr(abacus, "store", None)
    trace = cl.Trace.from_text(
        "Ravi has 16 shells. He finds 28. How many?", "16 + 28 = 44. So 44 it is.", "So I say 44.", model=abacus
    )
    page = front(dataclasses.replace(trace, reader=cl.answers.Regex("I say 44")))
    seen = []
    monkeypatch.setattr(measure_runner, "PARTIAL_S", 0.0)
    page.view.observe(lambda _: seen.append(dict(page.view.shading.get("unread") or {})), "shading")
    page.act("measure", measure="resilience", unit="sentence", n=12)
    (first, *_) = [each for each in seen if each.get("advice")]
    assert first["read"] == 0 and 12 <= first["of"] < page.view.shading["unread"]["of"], "while the rest is still drawn"
    assert "of" in first["advice"] and "reader=" in first["advice"]


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (600, "10 min"), (168_180, "47 h"), (9000, "2.5 h")])
def test_long_times_are_told_in_hours(seconds, said):
    rates = Rates()
    rates.learn("write", 1_000_000, 1_000_000)
    assert rates.words(Price(seconds, rollouts=1, each=1)).endswith(f"about {said}")
