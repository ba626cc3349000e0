"""A text of one model is never made by another in a script, and what no text holds is read from where it lies."""

import warnings

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError

PROMPTS = [
    "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?",
    "Mia has 18 pears. She buys 20 more and gives 3 to Tom. How many pears does Mia have now?",
]


@pytest.fixture(scope="module")
def latent():
    return cl.load("abacus-latent")


@pytest.fixture(scope="module")
def thoughts(latent):
    return [latent.reason(prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def words(abacus):
    return abacus.reason(PROMPTS[0])


def run(code):
    made = {}
    exec(code, made)
    return made


def refused(session, *things):
    for thing in things:
        with pytest.raises(InputError, match=r"This session is of '.*', and this (trace|result) of '.*': keep it in"):
            session.keep(thing, "of another model")
    assert "of another model" not in session.kept


def test_a_session_refuses_what_is_of_another_model(latent, abacus, thoughts, words, tmp_path):
    session = cl.Session(tmp_path / "latent.cotlens", latent)
    result = cl.importance.EarlyAnswer(unit="sentence").run(words, abacus)
    refused(session, words, words.replace("= 19", "= 21"), result)
    plain = session.keep(cl.Trace.from_text(*PROMPTS, "a"), "in words")
    foreign = cl.Trace.from_messages(
        [{"role": "user", "content": "q"}, {"role": "assistant", "reasoning_content": "so", "content": "4"}],
        written_by="somebody-else",
    )
    session.keep(foreign, "read")
    session.keep(thoughts[0], "own")
    session.close()
    again = cl.Session.load(tmp_path / "latent.cotlens")
    refused(again, words, result)
    made = run(again.script())
    assert made["different"] == [] and made["traces"]["in words"].id == plain.id
    assert made["traces"]["read"].id == foreign.id, "who wrote it is no model of here"
    again.close()


def test_texts_of_several_models_are_each_made_by_their_own(latent, thoughts, words, tmp_path):
    first = cl.Session(tmp_path / "none.cotlens")
    first.keep(words, "words")
    first.keep(thoughts[0], "latents")
    other = cl.Session(tmp_path / "one.cotlens", latent)
    other.keep(cl.CoTEditor(None, words), "looked at")
    other.keep(thoughts[0], "own")
    for session in (first, other):
        made = run(session.script())
        assert made["different"] == []
        assert {trace.meta["model"] for trace in made["traces"].values()} == {"abacus", "abacus-latent"}
        session.close()


def test_what_another_model_wrote_is_written_by_it_again_where_it_is_looked_at(latent, words):
    code = cl.CoTEditor(latent, words).code
    assert "model = cl.load('abacus-latent')" in code and "trace = cl.load('abacus').reason(" in code


def test_views_of_texts_of_several_models_load_each(latent, words):
    other = latent.compose("q", "So 2 + 3 = 5.", "The answer is 5.")
    for traces in ([words, other], [other, words, other]):
        texts = run(cl.MonitorPanel(cl.monitors.Rules(equations=True).run(traces)).code)["traces"]
        assert [trace.id for trace in texts] == [trace.id for trace in traces]
        assert [trace.meta["model"] for trace in texts] == [trace.meta["model"] for trace in traces]
    branches = run(cl.BranchTree([words, other]).code.rpartition("\n\ncl.BranchTree")[0])["traces"]
    assert {trace.meta["model"] for trace in branches.values()} == {"abacus", "abacus-latent"}


def test_the_script_of_edited_latents_runs(latent, thoughts, tmp_path, monkeypatch):
    steps = thoughts[0].spans("sentence")
    session = cl.Session(tmp_path / "study.cotlens", latent)
    edited = latent.resume(thoughts[0].replace(steps[2], thoughts[1].latents[2:3]))
    session.keep(cl.latent.Interchange().run(thoughts[0], thoughts[1], latent), "exchanged")
    session.keep(cl.latent.Interchange().run(edited, thoughts[1], latent, foretold=["3"] + [None] * 9), "told")
    session.keep(cl.latent.LatentAblation(mode="donor").run(thoughts[0], latent, others=[thoughts[1]]), "swapped")
    assert session.script().count("keep the other thoughts that it was measured with") == 0  # none is made yet
    for name, trace in {"edited": edited, "deleted": thoughts[0].delete(steps[1]), "mine": thoughts[0]}.items():
        session.keep(trace, name)
    assert session.script().count("keep the other thoughts that it was measured with") == 3
    session.keep(thoughts[1], "donor")
    code = session.script()
    monkeypatch.chdir("/")
    made = run(code)
    assert made["different"] == [] and made["traces"]["edited"].id == edited.id
    for name in ("exchanged", "told", "swapped"):
        measured, known = made["results"][name].columns, session[name].columns
        for column in {"estimate", "follows", "kept"} & set(known):
            np.testing.assert_allclose(measured[column], known[column], atol=1e-3)
    session.close()
    again = cl.Session.load(tmp_path / "study.cotlens")
    with warnings.catch_warnings(action="error"):
        assert again.script() == code
    again.close()
