"""The steering panel on the shipped Abacus, spoken to as the front end does."""

import json
import math
import threading
from dataclasses import replace

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.models.contract import AddVector
from cotlens.trace.align import tokens_covering
from cotlens.workbench.steering_panel.runs import RerunStart
from tests.unit.workbench.front_end import FrontEnd

PROMPT = "Mia has 12 pears and buys 7 more. How many pears does she have?"
THOUGHT = "Mia has 12 pears. 12 + 7 = 19."


@pytest.fixture(scope="module")
def short(abacus):
    return cl.Trace.from_text(PROMPT, THOUGHT, "The answer is 19.", model=abacus)


@pytest.fixture(scope="module")
def vector(abacus, short):
    values = np.random.default_rng(3).standard_normal(128)
    return cl.steering.given(values, 1, name="push", model=abacus, traces=[short])


class Front(FrontEnd):
    """Of a panel; `streamed` holds what was shown as it came."""

    ended = ("done", "idle")

    def __init__(self, panel):
        super().__init__(panel)
        self.streamed = []
        panel.view.observe(lambda change: self.streamed.append(change["new"]), "stream")

    def dials(self, *coefficients, **more):
        known = self.view.current["dials"]
        return [{**dial, "coefficient": one, **more} for dial, one in zip(known, coefficients, strict=True)]

    def turn(self, *coefficients, **more):
        self.act("steer", dials=self.dials(*coefficients, **more))


@pytest.fixture
def front(abacus, short):
    opened = []

    def open_panel(*vectors, trace=short, max_new_tokens=12, **options):
        panel = cl.SteeringPanel(abacus, trace, list(vectors), max_new_tokens=max_new_tokens, **options)
        opened.append(panel)
        assert panel.wait(60)
        return Front(panel)

    yield open_panel
    for panel in opened:
        panel.cancel()
        assert panel.wait(60)


def test_it_opens_on_the_baseline_with_its_own_figures(front, short, vector):
    shown = front(vector)
    assert shown.view.baseline["id"] == short.id and shown.view.steered == {}
    assert shown.view.vectors[0]["units"][1] == pytest.approx(vector.unit)
    own = shown.view.findings["baseline"]
    assert own["answer"] == "19" and own["p"] > 0.5 and own["perplexity"] >= 1
    assert shown.widget.steered is None and shown.widget.run is None
    assert "push" in repr(shown.widget) and "push" in repr(shown.view)


def test_a_turned_dial_writes_from_the_first_token_that_changes(front, abacus, short, vector):
    shown = front(vector)
    shown.turn(1.5)
    made = shown.widget.steered
    assert made is not None and made.parent == short
    at = made.rewritten_from
    assert made.token_ids[:at] == short.token_ids[:at] and made.token_ids[at] != short.token_ids[at]

    # what the model itself would choose there, without and with the vector
    thought = short.roles["thought"]
    push = AddVector(1, vector.values, range(thought.start, 10**6), vector.raw(1.5))
    for changes, kept in (((), True), ((push,), False)):
        again = abacus.resume(short, at=at, temperature=0.0, max_new_tokens=1, interventions=changes)
        if not kept:
            assert again.token_ids[at] == made.token_ids[at]

    # it was streamed, first token first, and ended
    texts = [each["text"] for each in shown.streamed if each]
    assert texts and made.text[int(made.offsets[at]) :].startswith(texts[0])
    assert shown.view.stream == {}
    figures = shown.view.findings
    assert figures["steered"]["perplexity"] == pytest.approx(shown.widget.run.perplexity_after)
    assert figures["verdict"]["kind"] in ("text", "answer", "damage")
    assert [each["current"] for each in shown.view.tries] == [False, True]


@pytest.mark.parametrize("kind", ["replace", "truncate"])
def test_an_edit_that_was_not_rerun_lends_its_old_answer_to_nobody(front, short, vector, kind):
    place = short.text.index("7", short.roles["thought"].char_start)
    unrun = short.replace((place, place + 1), "8") if kind == "replace" else short.truncate(short.spans("sentence")[1])
    page = front(vector, trace=unrun)
    told = page.view.findings
    assert page.view.baseline["rerun_at"] == unrun.resume_at
    assert told["target"] is None and told["baseline"]["answer"] is None and told["baseline"]["p"] is None
    for coefficient in (1e-9, 8.0):
        page.turn(coefficient)
        words = page.view.findings["verdict"]["text"]
        assert "not rerun" in words and "from 19" not in words and "still 19" not in words, words
        assert "the model writes the same text" not in words
        assert page.widget.run.answer is None and math.isnan(page.widget.run.probability)
    assert page.view.findings["steered"]["beside"] is not None, "it is read against what the model writes unsteered"


def test_the_unsteered_rewrite_from_the_same_token_stands_beside(front, abacus, short, vector):
    """What the model writes there by itself, and every perplexity of its own region; the pasted text is neither."""
    shown = front(vector)
    shown.act("control", on=True, seed=0)
    shown.turn(1.5)
    run = shown.widget.run
    for each in (run, run.control):
        plain = cl.steering.rewrite(abacus, short, [], at=each.at, temperature=0.0, max_new_tokens=12)
        assert each.unsteered.steered.token_ids == plain.token_ids and each.unsteered.at == each.at
        region = cl.steering.judge(abacus, short, each.steered, each.steerings, each.at, unsteered=plain)
        assert region.perplexity_unsteered == pytest.approx(each.perplexity_unsteered)
        assert region.perplexity == pytest.approx(each.perplexity)
    figures = shown.view.findings
    assert figures["unsteered"]["perplexity"] == pytest.approx(run.perplexity_unsteered)
    assert (figures["steered"]["start"], figures["control"]["start"]) == (run.at, run.control.at)
    assert figures["control"]["beside"] == pytest.approx(run.control.perplexity_unsteered)
    assert shown.view.unsteered["document"]["text"] == run.unsteered.steered.text
    token = run.unsteered.steered.roles["thought"].start + 1
    shown.act("rerun", document=run.unsteered.steered.id, token=token)  # it is a text like any other
    shown.act("goto", to="t0")
    assert shown.view.unsteered == {}


def test_an_unsteered_text_is_written_once(front, abacus, short, vector, monkeypatch):
    """Most moves of a slider change the same stretch of the same text."""
    shown = front(vector, max_new_tokens=400)
    writer, asked, start = shown.widget._writer, [], short.roles["thought"].start
    resume = abacus.resume
    monkeypatch.setattr(abacus, "resume", lambda *a, **k: asked.append(k.get("interventions")) or resume(*a, **k))
    texts = [writer.unsteered(RerunStart(short), start) for _ in range(2)]
    assert texts[0].meta["finish"] == "stop" and texts[1] is texts[0] and asked == [()]


def test_a_dial_too_weak_to_change_a_token_says_so(front, short, vector):
    shown = front(vector)
    shown.turn(1e-6)
    assert shown.view.steered["same"] and shown.widget.steered == short
    assert shown.view.findings["verdict"]["text"].startswith("Every token stays")
    shown.turn(0)
    assert shown.view.steered == {} and shown.view.tries[0]["current"]


def test_the_code_makes_the_same_text(front, vector, short):
    shown = front(vector)
    shown.turn(1.5)
    code = shown.widget.code.replace(" = cl.load('abacus')", " = abacus").replace(
        "cl.steering.given(values, 1, name='push')", "given"
    )
    names = {"abacus": shown.widget.model, "given": vector}
    exec(code, names)
    assert names["trace"].token_ids == shown.widget.steered.token_ids


def test_several_vectors_places_and_layers(front, vector):
    shown = front(vector, vector.random(5))
    n = len(shown.widget.trace.token_ids)
    answer = shown.widget.trace.roles["answer"]
    shown.turn(2.5, 0, place="answer")
    assert shown.view.steered["same"] or shown.widget.steered.rewritten_from >= answer.start - 4
    middle = shown.widget.trace.roles["thought"].start + 6
    shown.turn(2.5, -1, place="here", start=middle, end=0, layer=2)
    assert shown.view.steered["same"] or shown.widget.steered.rewritten_from > middle
    shown.turn(2.5, -1, place="span", start=middle, end=middle + 2)
    assert "cl.Span" in shown.widget.code or shown.view.steered["same"]
    shown.turn(2.5, 0, place="all", start=0, end=0)
    added = [steering.where for steering in shown.widget.run.steerings]
    assert added == ["all"]
    for bad in (
        {"place": "span", "start": 5, "end": 5},
        {"place": "here", "start": n},
        {"place": "moon"},
        {"layer": 9},
    ):
        assert shown.ask("steer", dials=shown.dials(1, 0, **bad))["status"] == "error"


def test_here_steers_the_kept_tokens_from_there_on(front, vector):
    shown = front(vector)
    start = shown.widget.trace.roles["thought"].start + 2
    settings = shown.widget._settings
    (dial,) = settings.parse([{"coefficient": 1.0, "layer": 1, "place": "here", "start": start, "end": 0}])
    kept, rest = settings.steerings([dial], shown.widget.trace, start + 5)
    assert (kept.where.start, kept.where.end, rest.where) == (start, start + 5, "from here on")


def test_rerun_from_a_token_of_either_text(front, vector, short):
    shown = front(vector)
    token = short.roles["thought"].end - 3
    shown.turn(1.5)
    shown.act("rerun", document=short.id, token=token)
    assert shown.view.steered["same"] or shown.widget.steered.rewritten_from >= token
    assert f"from token {token}" in shown.view.tries[-1]["label"]
    shown.act("goto", to="t1")
    made = shown.widget.steered
    shown.act("rerun", document=made.id, token=made.rewritten_from + 2)
    again = shown.widget.steered
    assert (
        again.parent == made and again.token_ids[: made.rewritten_from + 2] == made.token_ids[: made.rewritten_from + 2]
    )
    assert shown.widget.code.count("cl.steering.steer(") == 2
    assert shown.ask("rerun", document="gone", token=3)["status"] == "error"
    assert shown.ask("rerun", document=short.id, token=10**6)["status"] == "error"


def test_a_random_control_is_one_click_away(front, vector):
    shown = front(vector)
    shown.turn(1.5)
    assert shown.view.control == {} and shown.widget.run.control is None
    shown.act("control", on=True, seed=0)
    beside = shown.widget.run.control
    (other,) = beside.steerings
    assert other.vector.norm == pytest.approx(vector.norm, rel=1e-5) and other.coefficient == 1.5
    assert shown.view.findings["control"] and "Random vectors" in shown.view.findings["control_verdict"]
    assert "control=0" in shown.widget.code
    shown.act("control", on=True, seed=1)
    assert shown.widget.run.control.steerings[0].vector != other.vector
    shown.turn(1.0)
    assert shown.widget.run.control.steerings[0].coefficient == 1.0  # it follows the dial
    shown.act("control", on=False, seed=1)
    assert shown.view.control == {}


def test_moving_on_cancels_what_it_made_obsolete(front, vector):
    shown = front(vector)
    begin = threading.Event()
    held = shown.widget.model.owner.submit(begin.wait)
    for strength in (0.5, 1.0, 1.5, 2.0):
        assert shown.ask("steer", dials=shown.dials(strength))["status"] == "ok"
    begin.set()
    assert held.result(60) and shown.widget.wait(60)
    assert shown.view.current["dials"][0]["coefficient"] == 2.0
    assert shown.view.tries[-1]["label"].startswith("+2 ") and len(shown.view.tries) == 2
    assert shown.widget.run.steerings[0].coefficient == 2.0


def test_what_is_stopped_by_hand_is_kept(front, vector):
    shown = front(vector)

    def stop(change):
        if change["new"] and shown.widget._jobs and not stopped:
            stopped.append(shown.ask("cancel", job=shown.view.job["id"]))

    stopped = []
    shown.view.observe(stop, "stream")
    shown.ask("steer", dials=shown.dials(1.5))
    assert shown.widget.wait(300) and shown.view.job["state"] == "cancelled"
    assert shown.view.steered["note"].startswith("Stopped after")
    assert shown.widget.steered.token_ids and shown.widget.run is None
    assert shown.view.findings["verdict"]["text"].startswith("Not measured")


@pytest.mark.parametrize("given", [None, "x", True, [1], 10**400])
def test_a_strength_that_is_no_number_keeps_the_baseline(front, vector, given):
    shown = front(vector)
    reply = shown.ask("steer", dials=shown.dials(given))
    assert reply["status"] == "error" and "is no number" in reply["error"]["message"]
    assert shown.view.steered == {} and len(shown.view.tries) == 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("strength", [1e38, -1e60])
def test_a_strength_that_breaks_the_numbers_stops_and_says_so(front, vector, strength):
    shown = front(vector)
    assert shown.ask("steer", dials=shown.dials(strength))["status"] == "ok"
    assert shown.widget.wait(300)
    assert shown.view.job["state"] == "error" and "NaN or infinite" in shown.view.job["message"]
    assert shown.view.steered == {} and shown.widget.steered is None and shown.widget.error
    assert shown.view.findings["baseline"]["answer"] == "19"
    shown.turn(0)
    assert shown.view.tries[0]["current"]


def test_bad_input_is_refused(abacus, short, vector):
    for wrong in ([], ["push"], [vector.on(9, vector.unit)]):
        with pytest.raises(InputError):
            cl.SteeringPanel(abacus, short, wrong)
    with pytest.raises(InputError, match="wide"):
        cl.SteeringPanel(abacus, short, cl.steering.given(np.ones(7), 1))
    with pytest.raises(InputError, match="Trace"):
        cl.SteeringPanel(abacus, "text", vector)
    with pytest.raises(InputError, match="tokens"):
        cl.SteeringPanel(abacus, cl.Trace.from_text("a", "b", "c"), vector)


def picked(trace, text):
    """First and last token of a text in the thought."""
    start = trace.text.index(text, trace.roles["thought"].char_start)
    return {"token": (both := tokens_covering(trace.offsets, start, start + len(text)))[0], "last": both[1]}


def test_a_vector_is_added_from_a_token_a_stretch_and_a_latent(front, abacus, short, vector):
    sae = cl.features.load_sae("abacus")
    shown = front(vector, sae=sae)
    shown.turn(1.5)
    before = shown.widget.steered
    place = picked(short, "12 + 7")
    assert shown.view.head["latents"] == sae.config.d_sae
    shown.act("token", document=short.id, token=place["token"])
    shown.act("stretch", document=short.id, **place)
    shown.act("latent", latent=5)
    token, stretch, latent = shown.widget.vectors[1:]
    expected = cl.steering.from_token(abacus, short.token_ids[place["token"]], abacus.n_layers - 1)
    np.testing.assert_array_equal(token.values, expected.values)
    np.testing.assert_array_equal(latent.values, sae.directions([5])[0])
    assert stretch.layer == abacus.n_layers // 2 and "12 + 7" in stretch.name
    assert [each["name"] for each in shown.view.vectors] == [one.name for one in shown.widget.vectors]

    # what was turned stays turned, in every try, and the new ones are at 0 until a hand turns them
    assert shown.widget.steered is before
    assert [dial["coefficient"] for dial in shown.view.current["dials"]] == [1.5, 0, 0, 0]
    shown.turn(0, 0, 0, 2.0)
    assert shown.widget.run.steerings[0].vector.name == latent.name
    assert "from_latent(sae, 5, layer=1)" in shown.widget.code
    shown.act("goto", to="t0")
    assert len(shown.view.current["dials"]) == 4


def test_the_code_of_a_stretch_makes_its_vector(front, abacus, short, vector):
    shown = front(vector)
    shown.act("stretch", document=short.id, **picked(short, "12 + 7"))
    made = shown.widget.vectors[1]
    scope = {"cl": cl, "model": abacus, "trace": short}
    np.testing.assert_array_equal(eval(made.code(), scope).values, made.values)


def test_a_vector_that_can_t_be_made_is_refused(front, short, vector):
    shown = front(vector)
    thought = short.roles["thought"]
    for kind, fields, words in (
        ("latent", {"latent": 3}, "sae"),
        ("stretch", {"document": short.id, "token": thought.start, "last": thought.end}, "beside"),
    ):
        assert shown.ask(kind, **fields)["status"] == "ok"
        assert shown.widget.wait(300)
        assert shown.view.job["state"] == "error" and words in shown.view.job["message"]
    assert shown.ask("token", document=short.id, token=9999)["status"] == "error"
    assert shown.ask("sweep", vector=1, strength=1, rollouts=8)["status"] == "error"
    for strength, often in ((0, 8), (-1, 8), (float("nan"), 8), (1, 0), (1, 101)):
        assert shown.ask("sweep", vector=0, strength=strength, rollouts=often)["status"] == "error"
    assert len(shown.view.vectors) == 1


def test_a_sweep_goes_up_to_the_dial_beside_random_vectors_and_is_part_of_the_verdict(front, vector):
    shown = front(vector, max_new_tokens=48)
    shown.turn(0.4)
    alone = shown.view.findings["verdict"]["text"]
    shown.act("sweep", vector=0, strength=0.4, rollouts=4)
    frame = shown.widget.swept.frame()
    assert sorted(set(frame["coefficient"])) == [-0.4, -0.2, 0, 0.2, 0.4]
    rows = shown.view.sweep["rows"]
    assert [row["value"] for row in rows] == [None if math.isnan(each) else each for each in frame["estimate"]]
    assert sum(row["value"] is not None for row in rows) > len(rows) / 2
    assert {row["arm"] for row in rows} == {"vector", "random"}
    said = shown.view.findings["verdict"]["text"].removeprefix(alone)
    (row,) = [row for row in rows if row["arm"] == "vector" and row["coefficient"] == 0.4]
    assert (
        said == f" Of 4 sampled rollouts at this strength {round(4 * row['damaged'])} may be damage by the same rule."
    )
    shown.turn(0.3)
    assert "sampled rollouts" not in shown.view.findings["verdict"]["text"]


def test_a_sweep_whose_rollouts_are_cut_off_measures_nothing_and_says_why(front, vector):
    """At 12 tokens no rollout reaches its answer: that was shown as an answer that always changes."""
    shown = front(vector)
    shown.act("sweep", vector=0, strength=0.4, rollouts=8)
    assert {row["value"] for row in shown.view.sweep["rows"]} == {None}
    assert "0 of 9 points were measured; " in shown.view.sweep["note"]
    assert "8 of 8 rollouts gave no value, as where they are cut off" in shown.view.sweep["note"]
    assert set(shown.widget.swept.columns["high_worst"]) == {1}


def test_a_sweep_that_is_stopped_keeps_the_points_it_has(front, vector):
    shown = front(vector, max_new_tokens=48)
    stopped = []

    def stop(change):
        if change["new"].get("done", 0) >= 3 and not stopped:
            stopped.append(change["new"]["id"])
            shown.widget.cancel()

    shown.view.observe(stop, "job")
    assert shown.ask("sweep", vector=0, strength=1, rollouts=8)["status"] == "ok"
    assert shown.widget.wait(300)
    shown.view.unobserve(stop, "job")
    assert stopped and shown.view.job["state"] == "cancelled"
    rows = shown.view.sweep["rows"]
    assert 0 < sum(row["n"] > 0 for row in rows) < len(rows), "some points have their rollouts"
    assert "points were measured" in shown.view.sweep["note"]


def test_steering_from_python_is_the_same(front, vector):
    shown = front(vector)
    shown.widget.steer(1.5)
    assert shown.widget.wait(300)
    by_hand = shown.widget.steered
    shown.turn(0)
    shown.turn(1.5)
    assert shown.widget.steered.token_ids == by_hand.token_ids
    with pytest.raises(InputError):
        shown.widget.steer(1.0, 2.0)
    with pytest.raises(InputError):
        shown.widget.steer(float("nan"))


def test_a_name_with_half_a_character_is_sent(front, vector):
    shown = front(replace(vector, name="v\ud83d"))
    state = shown.view.get_state()
    assert state["vectors"][0]["name"] == "v\N{REPLACEMENT CHARACTER}"
    for part in ("vectors", "tries", "code"):
        json.dumps(state[part], ensure_ascii=False).encode()


def test_a_vector_without_a_unit_gets_one_from_the_trace(front, vector):
    shown = front(cl.steering.given(vector.values, 1))
    assert shown.view.vectors[0]["units"][1] > 0
    shown.turn(1.0)
    assert ".on(1, unit=" in shown.widget.code


def test_an_unknown_message_is_answered_with_an_error(front, vector):
    shown = front(vector)
    assert shown.ask("dance")["status"] == "error"
    assert shown.ask("goto", to="t99")["status"] == "error"
    assert shown.ask("control", on="yes", seed=0)["status"] == "error"
    for kind, fields in [
        ("control", {"on": True, "seed": 2**70}),
        ("control", {"on": True, "seed": -1}),
        ("sweep", {"vector": 0, "strength": 10**400, "rollouts": 4}),
        ("steer", {"dials": shown.dials(1.0, place="span", start=True, end=9)}),
        ("steer", {"dials": shown.dials(1.0, place="here", start=True)}),
    ]:
        reply = shown.ask(kind, **fields)
        assert reply["status"] == "error" and reply["error"]["remedy"] is None, (kind, fields, reply)
    assert shown.view.current["seed"] == 0
    assert shown.view.head["limit"] == 12 and shown.view.head["most"] == 12


def test_the_limit_is_changed_in_the_head_and_each_try_keeps_its_own(front, vector):
    shown = front(vector)
    shown.turn(3.0)
    first, code = shown.widget.steered, shown.widget.code
    assert "max_new_tokens=12" in code
    shown.act("limits", max_new_tokens=5)
    assert shown.view.head["limit"] == 5 and shown.view.head["most"] == 5
    assert shown.widget.steered is first and shown.widget.code == code, "what was written stays as it is"
    shown.turn(3.5)
    second = shown.widget.steered
    assert len(second.token_ids) - second.rewritten_from <= 5 and "max_new_tokens=5" in shown.widget.code
    shown.act("goto", to="t1")
    assert shown.widget.code == code
    shown.act("limits", max_new_tokens=0)
    assert shown.view.head["limit"] == 0 and shown.view.head["most"] > 12
    for bad in (-1, 2.5, True):
        assert shown.ask("limits", max_new_tokens=bad)["status"] == "error"
