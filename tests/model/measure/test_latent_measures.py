"""Every measure on a thought of latents: it treats each as a unit, or refuses in a sentence what only words have."""

import json
from functools import cache

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens.models.contract import BlockAttention, Branch
from cotlens.organisms.truth.latents import latent_cases
from tests.contract.test_capabilities import SETTINGS
from tests.model import tiny, tiny_latent
from tests.model.local.test_latents import CLOSE, refused
from tests.model.measure.test_features import random_sae

NAMES = [f"latent {step}" for step in range(tiny_latent.STEPS)]
TARGET = {"target": "19"}


@cache
def trace():
    """Five latents, the thought closed behind them, and a few tokens of answer."""
    model, before = tiny_latent.model(), tiny_latent.trace()
    return model.resume(before, at=int(before.latent_tokens[-1]) + 1, close_thought=True, max_new_tokens=4)


@cache
def other():
    """The same with another latent in place of the second."""
    return trace().replace(trace().spans("sentence")[1], np.full((1, tiny_latent.WIDTH), 0.7, np.float32))


IMPORTANCE = {
    "early answer": cl.importance.EarlyAnswer(unit="sentence", **TARGET),
    "hidden": cl.importance.Occlusion(unit="sentence", **TARGET),
    "left out": cl.importance.Occlusion(unit="sentence", effect="total", **TARGET),
    "mean": cl.importance.Occlusion(unit="sentence", mode="mean", effect="total", **TARGET),
    "gradient": cl.importance.Gradient(unit="sentence", **TARGET),
    "suppression": cl.importance.Suppression(unit="sentence"),
    "receiver heads": cl.importance.ReceiverHeads(unit="sentence", proximity=1),
}
LAST = ("suppression", "receiver heads")  # in which nothing comes after the last


@pytest.mark.parametrize("name", IMPORTANCE)
def test_each_latent_is_a_row_of_an_importance(name):
    result = IMPORTANCE[name].run(trace(), tiny_latent.model())
    assert list(result.columns["text"])[-5:] == NAMES
    estimates = np.asarray(result.columns["estimate"], float)[-5:]
    measured = estimates[:4] if name in LAST else estimates
    assert np.isfinite(measured).all() and np.abs(measured).max() > 1e-3


def test_there_is_no_other_latent_to_swap_for():
    result = cl.importance.Occlusion(unit="sentence", mode="swap", effect="total", **TARGET).run(
        trace(), tiny_latent.model()
    )
    assert np.isnan(np.asarray(result.columns["estimate"], float)[-5:]).all()
    assert all(one.startswith("not measured") for one in list(result.columns["status"])[-5:])


@cache
def soft():
    """(model, trace, the same with another latent in place of the second) of soft thinking."""
    model = cl.load(tiny.pair("qwen3"), latent="soft", store=False)
    begun = model.reason(tiny_latent.PROMPT, latents=tiny_latent.STEPS, seed=3, max_new_tokens=6)
    at = int(begun.latent_tokens[-1]) + 1
    found = model.resume(begun, at=at, close_thought=True, max_new_tokens=4)
    return model, found, found.replace(found.spans("sentence")[1], found.latents[3:4])


@pytest.mark.parametrize("name", IMPORTANCE)
def test_each_soft_latent_is_a_row_of_an_importance(name):
    """Their id is none of the model's: nothing looks it up, whichever way a measure takes."""
    model, base, _ = soft()
    result = IMPORTANCE[name].run(base, model)
    assert list(result.columns["text"])[-5:] == NAMES
    estimates = np.asarray(result.columns["estimate"], float)[-5:]
    assert np.isfinite(estimates[:4] if name in LAST else estimates).all()


def test_soft_latents_are_read_patched_and_probed():
    model, base, source = soft()
    for result in (
        cl.lenses.LogitLens().run(base, model),
        cl.lenses.AnswerLens(target="19", rival="7").run(base, model),
        cl.lenses.Patchscope(donor=source, answer="19").run(base, model),
        cl.patching.PatchGrid(unit="sentence").run(base, source, model, answers=("19", "7")),
        cl.patching.Attribution(unit="sentence").run(base, source, model, answers=("19", "7")),
    ):
        assert set(NAMES) <= set(result.columns["text"])
    assert len(cl.features.features(base, model, random_sae(), effect_of=(0, 1), estimate=True, target="19"))
    given = [cl.probes.Example(one, int(base.latent_tokens[1]), str(i), problem=str(i)) for i, one in
             enumerate((base, source))]  # fmt: skip
    from cotlens.measure.probes.example import read

    seen = read(model, given, ["embed"])["embed"]
    np.testing.assert_allclose(
        seen, model.latent_format.inputs(np.stack([base.latents[1], base.latents[3]])), atol=1e-5
    )
    refused("takes a thought in words", lambda: cl.diff(model, base, source))


def test_a_lens_compares_words_with_words():
    """What stands as a control is another word of the thought; a latent's id says nothing."""
    model, before = tiny_latent.model(), tiny_latent.trace()
    result = cl.lenses.LogitLens(tokens=(int(before.latent_tokens[0]), len(before.token_ids))).run(before, model)
    frame = result.frame()
    top = frame[frame.layer == model.n_layers]
    moved = int(result.extras["control"].split()[3])
    first, end = int(before.latent_tokens[0]), len(before.token_ids)
    for row in top.itertuples():
        elsewhere = first + (row.start - first - moved) % (end - first)
        assert np.isnan(row.control) == (elsewhere in before.latent_tokens)
    assert np.isfinite(top.floor).all()


WORDS = {
    **{name: getattr(cl.importance, name) for name in ("Counterfactual", "Filler", "Mistake", "Paraphrase")},
    **{name: getattr(cl.importance, name) for name in ("Resampling", "Resilience")},
}


@pytest.mark.parametrize("name", WORDS)
def test_what_is_written_anew_takes_words(name):
    method = WORDS[name](**{"embedder": "exact"} if name in ("Counterfactual", "Resilience") else {}, **SETTINGS[name])
    refused("takes a thought in words", lambda: method.run(trace(), tiny_latent.model()))


def test_what_reads_or_steers_words_takes_words():
    model = tiny_latent.model()
    vector = cl.steering.Vector("any", 1, np.ones(32, np.float32), 1.0)
    sweep = cl.steering.Sweep(vector=vector, coefficients=(0.5,), seeds=1, controls=0, max_new_tokens=3)
    for ask in (
        lambda: sweep.run(trace(), model),
        lambda: cl.diff(model, "Why?", trace()),
        lambda: cl.diff_answers(model, "Why?", trace(), target="19"),
        lambda: cl.faithfulness.OneThought(test="Congruence").run(trace(), model),
    ):
        refused("takes a thought in words", ask)
    refused("stands for a latent", lambda: model.compose("Why?", "", None, written=trace().token_ids[-12:]))


def test_what_is_blocked_and_attended_reads_latents():
    """Against a thought whose latents are the very embeddings of its tokens: any other vectors give other numbers."""
    model, one, two = tiny_latent.model(), trace(), other()
    first, last = int(one.latent_tokens[0]), int(one.latent_tokens[-1])
    spans = [(first, last + 1)]
    block = [BlockAttention(range(first + 3, 10**6), range(first, first + 2))]
    mine, theirs = (model.divergence(each, block, [(first + 3, last + 1)]).kl[0, 0] for each in (one, two))
    assert mine > 1e-4 and abs(mine - theirs) > 1e-6
    ids = list(one.token_ids[:first])
    with torch.no_grad():
        _, inputs = tiny_latent.thought(model, ids, 5)
        model.engine.hf.set_attn_implementation("eager")
        told = model.engine.hf(inputs_embeds=inputs, output_attentions=True).attentions[1][0, 2].numpy()
        model.engine.hf.set_attn_implementation("sdpa")
    seen = model.attention(one, heads=[(1, 2)])[1, 2][: last + 1, : last + 1]
    np.testing.assert_allclose(seen, told, **CLOSE)
    means = model.attention(one, heads=[(1, 2)], spans=spans)[1, 2]
    np.testing.assert_allclose(means[0, 0], told[first:, first:].mean(1).mean(), rtol=1e-3)


def test_latents_left_out_apart_keep_their_own_vectors():
    """Two that don't stand side by side are taken away: the others are read where they stood, each its own."""
    model, one = tiny_latent.model(), trace()
    at = one.latent_tokens.tolist()
    end = one.roles["thought"].end
    kept = [place for place in at if place not in (at[1], at[3]) and place > at[1]]
    answer = model.answer_branch(one, end, "19")
    tokens = (*(one.token_ids[place] for place in kept), *answer.token_ids)
    branch = Branch(at[1], tokens, given=len(kept) + answer.value_start, left_out=(at[1], at[3]))
    found = model.score(one, [branch])[0].logprobs[-1]
    hf, form = model.engine.hf, model.latent_format
    ids = [*one.token_ids[: at[0]], 0, 0, 0, *answer.token_ids]
    inputs = hf.get_input_embeddings()(torch.tensor([ids])).detach().clone()
    inputs[0, at[0] : at[0] + 3] = torch.tensor(form.feedback(one.latents[[0, 2, 4]]))
    places = [*range(at[0]), at[0], at[2], at[4], *range(end, end + len(answer.token_ids))]
    with torch.no_grad():
        logits = torch.log_softmax(hf(inputs_embeds=inputs, position_ids=torch.tensor([places])).logits[0], -1)
    n = len(answer.token_ids)
    assert found == pytest.approx(float(logits[-2, answer.token_ids[-1]]), abs=2e-3) and n > 1


def test_lenses_read_latents_and_predict_none():
    model = tiny_latent.model()
    result = cl.lenses.LogitLens().run(trace(), model)
    rows = np.asarray(result.columns["text"])
    assert set(NAMES) <= set(rows)
    latent = np.char.startswith(rows.astype(str), "latent")
    assert np.isnan(np.asarray(result.columns["estimate"], float)[latent]).all()
    assert all("no word" in one for one in np.asarray(result.columns["status"])[latent])
    assert np.isfinite(np.asarray(result.columns["entropy"], float)[latent]).all()
    last = np.asarray(result.columns["layer"])[latent] == model.n_layers
    told = model.decode_latents(trace().latents, k=1)
    np.testing.assert_allclose(np.asarray(result.columns["entropy"])[latent][last], told.entropy, **CLOSE)
    answers = cl.lenses.AnswerLens(target="19", rival="7").run(trace(), model)
    assert list(answers.columns["text"])[1:6] == NAMES
    scope = cl.lenses.Patchscope(donor=other(), answer="19").run(trace(), model)
    assert list(scope.columns["text"])[1:6] == NAMES


def test_patching_tells_latents_apart_that_have_one_token():
    model, base, source = tiny_latent.model(), trace(), other()
    assert base.token_ids[: base.roles["thought"].end] == source.token_ids[: source.roles["thought"].end]
    grid = cl.patching.PatchGrid(unit="sentence").run(base, source, model, answers=("19", "7"))
    rows = grid.frame()
    assert set(NAMES) <= set(rows.text)
    first = rows[(rows.text == "latent 1") & (rows.layer == 0)]
    assert len(first)
    slopes = cl.patching.Attribution(unit="sentence").run(base, source, model, answers=("19", "7"))
    assert "latent 1" in set(slopes.frame().text)


def test_probes_read_at_latents():
    model = tiny_latent.model()
    given = [cl.probes.Example(one, at, str(label), problem=str(label)) for label, one in enumerate((trace(), other()))
             for at in one.latent_tokens[1:3].tolist()]  # fmt: skip
    from cotlens.measure.probes.example import read

    seen = read(model, given, ["resid_post.1", "embed"])
    for index, one in enumerate(given):
        own = model.read(one.trace, "embed", positions=[one.at])["embed"][0]
        np.testing.assert_allclose(seen["embed"][index], own, rtol=1e-5)
    assert np.abs(seen["embed"][0] - seen["embed"][2]).max() > 1e-3, "same tokens, other latents"


def test_features_are_found_and_ablated_at_latents():
    model = tiny_latent.model()
    told = cl.features.features(trace(), model, random_sae(), effect_of=(0, 1), estimate=True, target="19")
    assert len(told) > 0


# ---------------------------------------------------------------- what is made of thoughts


@cache
def siblings():
    return {name: cl.load(name, store=False) for name in ("abacus-latent", "abacus-latent-pause")}


@cache
def asked():
    """Three thoughts of a shipped sibling."""
    prompts = [case.prompt for case in latent_cases(3, 1, seed=5)]
    return siblings()["abacus-latent"].reason(prompts, temperature=0)


def test_latents_of_another_model_are_nothing_to_it():
    """Of one width, and yet no point of the other's space."""
    model, other = siblings()["abacus-latent"], siblings()["abacus-latent-pause"]
    theirs = other.reason(asked()[1].prompt, temperature=0)
    assert theirs.latents.shape == asked()[0].latents.shape
    ablation = cl.latent.LatentAblation(mode="donor")
    refused("thought by another model", lambda: cl.latent.Interchange().run(asked()[0], theirs, model))
    refused("thought by another model", lambda: ablation.run(asked()[0], model, others=[theirs]))
    for ask in (
        lambda: cl.latent.LatentLens().run(asked()[0], other),
        lambda: cl.importance.EarlyAnswer(unit="sentence").run(asked()[0], other),
        lambda: other.resume(asked()[0], max_new_tokens=1),
    ):
        refused("thought by 'abacus-latent'", ask)


def test_a_survey_of_prompts_thinks_the_latents(tmp_path):
    prompts = [one.prompt for one in asked()[:2]]
    plan = cl.survey(prompts, [cl.importance.EarlyAnswer(unit="sentence")], models="abacus-latent")
    rows = plan.run(store=tmp_path / "store").frame()
    assert list(rows.text) == [f"latent {step}" for step in range(5)] * 2
    drawn = siblings()["abacus-latent"].reason(prompts[0], seed=0)
    own = cl.importance.EarlyAnswer(unit="sentence").run(drawn, siblings()["abacus-latent"])
    np.testing.assert_allclose(rows.estimate[:5], own.columns["estimate"], atol=1e-3)
    sampled = cl.survey(list(asked()[:1]), [cl.importance.Resampling(unit="sentence", n=2)], models="abacus-latent")
    assert "takes a thought in words" in sampled.run(store=tmp_path / "store").frame().status[0]
    refused("none of them", lambda: cl.survey(list(asked()), [cl.latent.LatentLens()], models="abacus-latent"))


def test_tables_and_messages_say_how_many_latents_there_are(tmp_path):
    words = siblings()["abacus-latent"].compose("Why?", "So it is.", "The answer is 4.")
    traces = cl.Traces([*asked(), words])
    assert list(traces.frame().latents) == [5, 5, 5, 0]
    traces.save(tmp_path / "kept.parquet")
    again = cl.Traces.load(tmp_path / "kept.parquet", model=siblings()["abacus-latent"])
    assert list(again.frame().latents) == [5, 5, 5, 0]
    for mine, theirs in zip(traces, again, strict=True):
        np.testing.assert_array_equal(mine.latents, theirs.latents)
    traces.to_jsonl(tmp_path / "told.jsonl")
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [one.get("latents") for one in told] == [5, 5, 5, None]
    refused("takes a thought in words", lambda: cl.categories.tag(asked()[0]))
    [reading] = cl.monitors.Rules(equations=True).run(asked()[:1]).frame().itertuples()
    assert reading.status == "unanswered" and "none of the text" in reading.reason


def test_a_session_and_its_script_keep_latents(tmp_path, monkeypatch):
    model, base, source = soft()

    asked_for = []

    def load(name, **how):
        asked_for.append(how["latent"])
        return model

    session = cl.Session(tmp_path / "study.cotlens", model)
    session.keep(cl.CoTEditor(model, base))
    session.keep(base, "base")
    session.keep(source, "source")
    code = session.script()
    session.close()
    assert "latent='soft')" in code
    for one in (base, source):
        assert f"cl.Trace.load(folder / '{one.id}.trace', model=model)" in code
        assert cl.Trace.load(tmp_path / f"{one.id}.trace", model=model) == one
    with monkeypatch.context() as patched:  # opened by its name, it is asked to think softly again
        patched.setattr("cotlens.workbench.session.lazy_model.load", load)
        again = cl.Session.load(tmp_path / "study.cotlens")
        assert again.script() == code and asked_for == []
        assert next(iter(again.widgets.values())).model.latent_format.name == "soft" and asked_for == ["soft"]
        again.close()
    again = cl.Session.load(tmp_path / "study.cotlens", model=model)
    assert again.problems == []
    assert next(iter(again.widgets.values())).trace == base
    again.close()
    begun = model.reason("Why 12?", latents=2, seed=4, max_new_tokens=3)
    from cotlens.results.code import step

    made = {"model": model}
    exec(step(begun), made)  # the line that a script has
    assert made["trace"] == begun and len(begun.latents) == 2
