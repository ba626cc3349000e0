"""A thought's latents in the editor: what is read, what is answered with some moved, and branches of that."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import ForcedQuery
from cotlens.models.contract import LatentRow
from cotlens.trace import Span
from cotlens.trace.answers import AnswerForm
from cotlens.workbench.editor.latents.move import Move
from cotlens.workbench.editor.measure_runner import has_probabilities
from tests.unit.workbench.conftest import Front

FIRST = 50
MEAN = "this step in 2 other thoughts (1 has another number of latents)"


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus-latent")


@pytest.fixture(scope="module")
def thoughts(model):
    """Three thoughts of fifteen latents, and one of ten."""
    cases = [*organisms.latent_cases(3, changes=3, seed=1), *organisms.latent_cases(1, changes=2, seed=1)]
    return model.reason([case.prompt for case in cases], temperature=0)


@pytest.fixture
def alone(monkeypatch):
    """Without the control, which a test of its own asks."""
    monkeypatch.setattr("cotlens.workbench.editor.latents.control.latent_control", lambda name: "")


@pytest.fixture
def open_on(front, model, thoughts, alone):
    """A function that opens an editor on the first thought."""
    return lambda **options: front(thoughts[0], model=model, **{"others": thoughts[1:3], **options})


@pytest.fixture(scope="module")
def shared(model, thoughts):
    """An editor in which no branch is made."""
    editor = cl.CoTEditor(model, thoughts[0], others=thoughts[1:])
    assert editor.wait(60)
    return Front(editor)


def refused(page, kind, **fields):
    """Why a message is refused."""
    reply = page.ask(kind, **fields)
    assert reply["status"] == "error", reply
    return reply["error"]["message"]


def move(page, token, places, effect="total", donor=""):
    page.act("move", document=page.editor.trace.id, token=token, places=places, effect=effect, donor=donor)
    return page.view.moved


def test_chips_say_what_the_lens_reads(shared, alone, model, thoughts):
    page = shared
    strip, told = page.view.latents, cl.latent.LatentLens().run(thoughts[0], model).columns
    assert [chip["text"] for chip in strip["chips"]] == list(told["leading"])
    assert [chip["token"] for chip in strip["chips"]] == thoughts[0].latent_tokens.tolist()
    for name, column in (("p", np.exp(told["leading_logprob"])), ("entropy", told["entropy"]), ("norm", told["norm"])):
        assert [chip[name] for chip in strip["chips"]] == pytest.approx(column.tolist())
    assert strip["parts"] == list(model.latent_format.parts) and len(strip["parts"]) == 5
    assert strip["off"] == strip["note"] == "" and strip["mean"] == MEAN
    assert [one["reason"] is None for one in strip["donors"]] == [True, True, False]
    assert "10 latents" in strip["donors"][2]["reason"] and strip["donors"][2]["label"].endswith(", 10 latents")
    assert all("latents" not in one["label"] for one in strip["donors"][:2])
    assert page.view.document["roles"][1]["tokens"] == (50, 65)
    said = page.editor.summary()
    assert "15 latents, which read as: - 1 3 0 1 | + 2 4 2 5 | - 1 2 1 3" in said
    assert "15 latents" in page.editor._repr_mimebundle_()[0]["text/markdown"]


def test_a_latent_lacks_no_probability_and_measures_of_words_are_refused(open_on, model, thoughts):
    assert not has_probabilities(thoughts[0]), "of its prompt nothing is known yet"
    page = open_on()
    assert has_probabilities(page.editor.trace) and page.view.strip["complete"]
    menu = {one["id"]: one for one in page.view.measures}
    assert "takes a thought in words" in menu["resampling"]["reason"]
    assert menu["latent-ablation"]["available"] and menu["latent-lens"]["available"]
    page.act("measure", measure="latent-ablation-direct", unit="latent")
    direct = cl.latent.LatentAblation(effect="direct").run(thoughts[0], model)
    values = np.frombuffer(page.view.shading_values, np.float32)
    assert values == pytest.approx(direct.columns["estimate"], abs=1e-4)


def test_the_mean_is_that_of_latent_ablation(shared, alone, model, thoughts):
    page = shared
    for effect in ("total", "direct"):
        moved = move(page, FIRST + 13, [-1.0], effect)
        ablation = cl.latent.LatentAblation(groups=[[13]], effect=effect)
        known = ablation.run(thoughts[0], model, others=thoughts[1:3])
        assert moved["was"] - moved["now"] == pytest.approx(known.columns["estimate"][0], abs=1e-4)
        assert moved["was"] == pytest.approx(known.extras["untouched"], abs=1e-4)
        assert moved["floor"] < 1e-4 and moved["control"] is None and "passes" in moved["cost"]


def test_without_others_the_mean_is_that_of_its_own_latents(open_on, model, thoughts):
    page = open_on(others=())
    moved = move(page, FIRST + 3, [-1.0, -1.0])
    known = cl.latent.LatentAblation(groups=[[3, 4]]).run(thoughts[0], model)
    assert moved["was"] - moved["now"] == pytest.approx(known.columns["estimate"][0], abs=1e-4)
    assert page.view.latents["mean"] == "this thought's own latents"
    assert "no other thought was given" in refused(page, "move", token=FIRST, places=[1.0], effect="total", donor="")


def test_the_donor_is_that_of_an_interchange(shared, alone, model, thoughts):
    page, (trace, donor) = shared, thoughts[:2]
    moved = move(page, FIRST + 13, [1.0, 1.0], donor=donor.id)
    known = cl.latent.Interchange(groups=[[13, 14]]).run(trace, donor, model).columns
    row = next(row for row in moved["rows"] if row["answer"] == donor.read_answer().text)
    assert np.log(row["after"] / row["before"]) == pytest.approx(known["estimate"][0], abs=1e-3)
    assert moved["norms"] == pytest.approx(np.linalg.norm(donor.latents[13:15], axis=1).tolist())


def test_between_two_ends_lies_a_line(shared, alone, model, thoughts):
    page, (trace, donor) = shared, thoughts[:2]
    moved = move(page, FIRST + 13, [0.4, 0.0], donor=donor.id)
    vectors = [0.6 * trace.latents[13] + 0.4 * donor.latents[13], trace.latents[14]]
    assert moved["norms"] == pytest.approx(np.linalg.norm(vectors, axis=1).tolist(), rel=1e-5)
    form = cl.latent.Interchange(groups=[[13]]).run(trace, donor, model).extras["form"]
    query = ForcedQuery(model.answer_branch(trace, 65, "13", AnswerForm(**form)), 65)
    rows = [LatentRow({13: vectors[0], 14: vectors[1]}, "total", query.branches())]
    (run,) = model.think(trace, rows)
    assert moved["now"] == pytest.approx(query.read(run.scores).logit_difference, abs=1e-4)
    own = Move(13, (0.0, 1.0), "total", donor.id).vectors(trace.latents, trace.latents, donor.latents)
    assert (own[0] == trace.latents[13]).all() and (own[1] == donor.latents[14]).all()


def test_the_answer_that_none_foresaw_gets_its_name(shared, alone, model, thoughts):
    page, (trace, donor) = shared, thoughts[:2]
    moved = move(page, FIRST + 3, [1.0, 1.0], donor=donor.id)
    span = Span(FIRST + 3, FIRST + 5, 201, 201, "latent")
    said = model.resume(trace.replace(span, donor.latents[3:5]), temperature=0).read_answer().text
    assert said not in (trace.read_answer().text, donor.read_answer().text)
    best = max(moved["rows"], key=lambda row: row["after"])
    assert best["answer"] == said and best["after"] > 0.9


@pytest.mark.parametrize("effect", ["total", "direct"])
def test_a_branch_is_what_the_code_makes(open_on, model, thoughts, effect):
    page, (trace, donor) = open_on(), thoughts[:2]
    page.act("put", document=trace.id, token=FIRST + 3, places=[1.0, -0.5], effect=effect, donor=donor.id)
    made, seen = page.editor.trace, {}
    assert page.current["label"].startswith("latents 3 to 4") and len(made.latents) == 15
    mean = np.mean([one.latents for one in thoughts[1:3]], 0)
    assert made.latents[3] == pytest.approx(donor.latents[3])
    assert made.latents[4] == pytest.approx(0.5 * trace.latents[4] + 0.5 * mean[4], abs=1e-5)
    assert (made.latents[5:] == trace.latents[5:]).all() == (effect == "direct")
    assert page.view.latents["put"] == (53, 55) and page.view.latents["anew"] == (55 if effect == "total" else None)
    lines = page.editor.code.rsplit("\n", 1)[0]  # without the measure
    exec(lines, seen)
    assert seen["trace"].text == made.text and seen["trace"].latents == pytest.approx(made.latents, abs=1e-4)
    page.act("goto", branch="b0")
    donors = {one["id"]: one for one in page.view.latents["donors"]}
    assert donors[made.id]["reason"] is None  # a branch is a donor, too


def test_the_control_is_moved_alike_and_stays(front, model, thoughts):
    page = front(thoughts[0], model=model, others=thoughts[1:3])
    moved = move(page, FIRST + 14, [1.0], donor=thoughts[1].id)
    control = moved["control"]
    assert control["name"] == "abacus-latent-pause" and control["why"] == "" and control["reads"]
    assert control["now"] == pytest.approx(control["was"], abs=1e-4)
    assert moved["was"] - moved["now"] > 1


BAD = [
    ("move", {"token": 20, "places": [1.0]}, "Token 20 is no latent"),
    ("move", {"token": 64, "places": [-1.0, -1.0]}, "one for each of up to 1 from latent 14"),
    ("move", {"token": 50, "places": []}, "Latents are moved to places"),
    ("move", {"token": 50, "places": [2.0]}, "Latents are moved to places"),
    ("move", {"token": 50, "places": [float("nan")]}, "Latents are moved to places"),
    ("move", {"token": 50, "places": ["x"]}, "Latents are moved to places"),
    ("move", {"token": 50, "places": [-1.0], "effect": "half"}, "effect='half'"),
    ("move", {"token": 50, "places": [1.0], "donor": "nobody"}, "There is no donor"),
    ("put", {"token": 50, "places": [1.0], "donor": "ten"}, "10 latents and this thought 15"),
    ("edit", {"start": 201, "end": 201, "text": ""}, "Nothing was changed"),
    ("branch", {"token": 53, "token_id": 20}, "Latent 3 is no word"),
    ("take_out", {"token": 53, "last": 55}, "latents=13 is none of the numbers"),
    ("take_out", {"token": 53, "last": 53}, "Latents 3 to 2 are none"),
    ("take_out", {"token": 53, "last": 70}, "Token 69 is no latent"),
]


@pytest.mark.parametrize(("kind", "fields", "why"), BAD)
def test_what_cannot_be_is_one_sentence(shared, thoughts, kind, fields, why):
    sliders = {"effect": "total", "donor": ""} if kind in ("move", "put") else {}
    fields = {**sliders, **fields}
    if fields.get("donor") == "ten":
        fields["donor"] = thoughts[3].id
    assert why in refused(shared, kind, document=thoughts[0].id, **fields)
    assert len(shared.view.branches) == 1


def test_thoughts_of_other_models_are_no_donors(model, thoughts):
    rotated = cl.load("abacus-latent-rotated").reason(thoughts[0].prompt, temperature=0)
    words = cl.Trace.from_text("How many?", "3 + 4 = 7.", "7", model=model)
    narrow = dataclasses.replace(thoughts[1], latents=thoughts[1].latents[:, :64])
    for other, why in ((rotated, "another model"), (words, "has none"), (narrow, "64 wide"), ("x", "reads a trace")):
        with pytest.raises(InputError, match=why):
            cl.CoTEditor(model, thoughts[0], others=[other])
    with pytest.raises(InputError, match="another model"):
        cl.latent.Interchange().run(thoughts[0], rotated, model)


def test_keys_at_latents_stop_rerun_and_take_out(open_on, thoughts):
    page = open_on()
    page.act("truncate", document=thoughts[0].id, token=FIRST + 5)
    assert len(page.editor.trace.latents) == 5 and page.editor.trace.read_answer() is not None
    assert not page.editor.trace.thought.strip() and "notes" not in page.editor.trace.meta  # it ends there
    page.act("goto", branch="b0")
    page.act("rerun", document=thoughts[0].id, token=FIRST + 5)
    assert page.editor.trace.latents == pytest.approx(thoughts[0].latents, abs=1e-3)
    page.act("goto", branch="b0")
    page.act("take_out", document=thoughts[0].id, token=FIRST + 5, last=FIRST + 10)
    assert len(page.editor.trace.latents) == 10
    page.act("undo")
    assert page.editor.trace.id == thoughts[0].id


def test_text_leaves_latents_alone(front, model, thoughts):
    cut = model.resume(thoughts[0].truncate(FIRST + 10), temperature=0)  # goes on in words: "-1213"
    mixed = cut.insert(FIRST, model.codec.encode("So"))
    at = int(mixed.offsets[mixed.latent_tokens[0]])
    page = front(mixed, model=model)
    for text in ("", "It is"):  # deleted by key, pasted over
        assert "Latents 0 to 9 stand within" in refused(page, "edit", start=at - 2, end=at + 2, text=text)
    assert len(page.view.branches) == 3 and page.editor.trace.id == mixed.id
    page.act("edit", start=at, end=at + 1, text="+")
    assert len(page.editor.trace.latents) == 10 and page.editor.trace.thought.startswith("So+")


def test_without_a_model_it_is_read_and_not_moved(thoughts, tmp_path, open_on):
    editor = cl.CoTEditor(None, thoughts[0], others=thoughts[1:2])
    strip = editor.view.latents
    assert strip["off"] and strip["chips"][0]["text"] is None and strip["chips"][0]["norm"] > 1
    page = open_on()
    assert page.editor.to_html(tmp_path / "page.html").stat().st_size > 1000


def test_a_session_keeps_readings_and_other_thoughts(open_on, model, thoughts, tmp_path):
    page = open_on()
    session = cl.Session(tmp_path / "s.cotlens", model)
    session.keep(page.editor, "editor")
    session.save()
    session.close()
    again = cl.Session.load(tmp_path / "s.cotlens")["editor"]
    assert again.view.latents == page.view.latents and len(again.others) == 2
    assert again.model.asleep
