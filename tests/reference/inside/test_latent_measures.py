"""What latents say and do, against other ways to the same numbers, and on a model whose latents are known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.answers.forced import StopPoint, score_points
from cotlens.measure.answers.forms import form_of
from cotlens.organisms.truth.latents import latent_cases, total_groups
from tests.model import tiny, tiny_latent

CHANGES = 2
TARGET = "12"


@cache
def abacus():
    return cl.load("abacus-latent", store=False)


@cache
def cases(n=12, changes=CHANGES):
    return latent_cases(n, changes, seed=5)


@cache
def thoughts():
    return abacus().reason([case.prompt for case in cases()[:4]], seed=1, temperature=0)


def log_probability(model, trace, value):
    end = trace.roles["thought"].end
    [forced] = score_points(model, trace, [StopPoint(end, value)], form=form_of(trace, model, None))
    return forced.log_probability


# ---------------------------------------------------------------- other ways to the same numbers


@pytest.mark.parametrize("kind", ["linear", "identity", "rotated"])
@pytest.mark.parametrize("effect", ["total", "direct"])
def test_an_ablation_is_an_edit_that_is_scored(kind, effect):
    """Held, the other latents are as they were; thought anew, as the model thinks them behind the edit."""
    model, trace = tiny_latent.model("qwen3", kind), tiny_latent.trace("qwen3", kind)
    method = cl.latent.LatentAblation(mode="zero", effect=effect, target=TARGET, metric="log_probability")
    found = method.run(trace, model)
    before = log_probability(model, trace, TARGET)
    assert found.extras["untouched"] == pytest.approx(before, abs=1e-4)
    for step in (0, 2, 4):
        span = trace.spans("sentence")[step]
        edited = trace.replace(span, np.zeros((1, tiny_latent.WIDTH), np.float32))
        if effect == "total":  # the words behind the latents stay, so the new latents are put in by hand
            again = model.resume(edited, max_new_tokens=1).latents
            for later in range(step + 1, tiny_latent.STEPS):
                edited = edited.replace(edited.spans("sentence")[later], again[later : later + 1])
        change = before - log_probability(model, edited, TARGET)
        assert found.columns["estimate"][step] == pytest.approx(change, abs=1e-3)


def test_latents_together_are_replaced_together():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    settings = {"mode": "zero", "target": TARGET, "metric": "log_probability"}
    both = cl.latent.LatentAblation(groups=((1, 3),), effect="direct", **settings).run(trace, model)
    edited = trace
    for step in (1, 3):
        edited = edited.replace(edited.spans("sentence")[step], np.zeros((1, tiny_latent.WIDTH), np.float32))
    change = log_probability(model, trace, TARGET) - log_probability(model, edited, TARGET)
    assert both.columns["estimate"][0] == pytest.approx(change, abs=1e-3)
    assert both.columns["text"] == ["latents 1 and 3"] and both.extras["members"] == [[1, 3]]


def test_a_thought_is_its_own_donor():
    """What is exchanged for itself changes nothing: the floor of every interchange."""
    trace = thoughts()[0]
    found = cl.latent.Interchange(groups=5).run(trace, trace, abacus(), foretold=["77", "78"])
    np.testing.assert_allclose(found.columns["estimate"], 0, atol=2e-3)
    assert found.columns["stays"].tolist() == [1, 1] and found.columns["follows"].tolist() == [0, 0]


def test_the_lens_reads_what_the_model_says_before_a_latent():
    """A latent is the last hidden state of the position before it, so its lens is the model's own prediction there."""
    trace, model = thoughts()[0], abacus()
    found = cl.latent.LatentLens().run(trace, model)
    streams = model.read(trace, [f"resid_post.{model.n_layers - 1}"], positions=(trace.latent_tokens - 1).tolist())
    told = model.decode(next(iter(streams.values())), k=1)
    np.testing.assert_allclose(found.columns["leading_logprob"], told.top_logprobs[:, 0], atol=1e-3)
    np.testing.assert_allclose(found.columns["entropy"], told.entropy, atol=1e-3)
    np.testing.assert_allclose(found.columns["norm"], np.linalg.norm(trace.latents, axis=1), rtol=1e-5)


def test_several_replacements_have_an_interval():
    trace, *others = thoughts()
    method = cl.latent.LatentAblation(mode="donor", groups=5)
    found = method.run(trace, abacus(), others=others)
    assert found.columns["n"].tolist() == [3, 3] and set(found.columns["status"]) == {"ok"}
    assert (found.columns["low"] <= found.columns["estimate"]).all()
    single = [method.run(trace, abacus(), others=[one]).columns["estimate"] for one in others]
    np.testing.assert_allclose(found.columns["estimate"], np.mean(single, 0), atol=1e-3)


def test_noise_is_drawn_under_the_seed():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    method = cl.latent.LatentAblation(mode="noise", draws=2, target=TARGET)
    one, again, other = (method.run(trace, model, seed).columns["estimate"] for seed in (1, 1, 2))
    assert one.tolist() == again.tolist() != other.tolist()


# ---------------------------------------------------------------- what is known


def test_latents_say_the_terse_thought():
    for case, trace in zip(cases(), thoughts(), strict=False):
        found = cl.latent.LatentLens().run(trace, abacus(), says=case.says)
        assert (found.columns["rank"] == 0).mean() >= 0.9
        assert (found.columns["estimate"] > found.columns["floor"]).mean() >= 0.9


def test_only_the_last_total_is_read_by_the_answer_itself():
    """All that stands before it counts through the latents behind it: total effects are large, direct ones aren't."""
    trace, *others = thoughts()
    direct, total = (
        np.abs(cl.latent.LatentAblation(effect=effect).run(trace, abacus(), others=others).columns["estimate"])
        for effect in ("direct", "total")
    )
    last = list(total_groups(CHANGES)[-1])
    assert direct[last].min() > 3 * np.delete(direct, last).max()
    assert (total[:5] > direct[:5]).all()


def test_totals_are_used_for_what_they_say():
    found = cl.latent.decodable_and_used(abacus(), cases(), groups=total_groups(CHANGES))
    assert (found.columns["estimate"] >= 0.8).all() and (found.columns["decodable"] >= 0.9).all()
    assert (found.columns["stays"] <= 0.1).all() and (found.columns["low"] <= found.columns["estimate"]).all()
    assert found.extras["cases"] == len(cases()) and found.columns["n"].max() <= len(cases())


# ---------------------------------------------------------------- what can't be asked


def ablate(trace, **settings):
    return cl.latent.LatentAblation(target=TARGET, **settings).run(trace, tiny_latent.model())


def worded():
    return tiny_latent.model().reason(tiny_latent.PROMPT, latents=0, seed=1, max_new_tokens=4)


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: ablate(worded()), "no latents"),
        (lambda: ablate(tiny_latent.trace(), mode="donor"), "needs other thoughts"),
        (lambda: ablate(tiny_latent.trace(), groups=2), "doesn't divide the 5 latents"),
        (lambda: ablate(tiny_latent.trace(), groups=((5,),)), "latents 0 to 4"),
        (lambda: cl.latent.LatentAblation(groups=((1, 1),)), "twice"),
        (lambda: cl.latent.LatentAblation(groups=()), "at least one"),
        (lambda: cl.latent.LatentAblation(groups="all"), "lists"),
        (lambda: cl.latent.LatentAblation(groups=0), "groups"),
        (lambda: cl.latent.LatentAblation(mode="men"), "mean"),
        (lambda: cl.latent.LatentAblation(draws=0), "draws"),
        (lambda: cl.latent.Interchange(effect="indirect"), "direct"),
        (lambda: ablate("text"), "reads a trace"),
        (
            lambda: cl.latent.LatentAblation(target=TARGET).run(
                tiny_latent.trace(), tiny_latent.model(), others=[worded()]
            ),
            "has 0 latents and this thought 5",
        ),
        (
            lambda: cl.latent.Interchange(target=TARGET).run(
                tiny_latent.trace(), tiny_latent.trace(), tiny_latent.model(), foretold=["3"]
            ),
            "has 1 answers and there are 5 groups",
        ),
        (
            lambda: cl.latent.LatentLens().run(tiny_latent.trace(), tiny_latent.model(), says=["1"]),
            "has 1 texts and there are 5 latents",
        ),
        (
            lambda: cl.latent.LatentLens().run(
                tiny_latent.trace(), tiny_latent.model(), says=["1"] * 4 + ["pears are"]
            ),
            "isn't one token",
        ),
        (lambda: cl.latent.decodable_and_used(abacus(), cases()[:1]), "two or more cases"),
        (lambda: cl.latent.decodable_and_used(abacus(), [*cases()[:1], *latent_cases(1, 1)]), "5, 10 latents"),
        (lambda: cl.latent.decodable_and_used(abacus(), ["a", "b"]), "LatentCases"),
        (lambda: cl.latent.LatentCase("p", "1", (), lambda *_: None), "no latents"),
        (lambda: cl.latent.LatentCase("p", "1", ("1",), None), "function"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(attempt, said):
    with pytest.raises(InputError, match=said) as refused:
        attempt()
    assert str(refused.value).count("\n") == 0


def test_an_unsure_model_gives_the_answer_that_it_writes():
    """The control is sure of no number: what it writes greedily is its answer, however likely others are together."""
    model = cl.load("abacus-latent-pause", store=False)
    traces = model.reason([case.prompt for case in cases()[:6]], temperature=0)
    kept = []
    for trace in traces:
        found = cl.latent.LatentAblation(groups=5).run(trace, model)
        kept += found.columns["kept"].tolist()
        assert cl.latent.Interchange(groups=5).run(trace, traces[0], model).columns["stays"].tolist() == [1, 1]
    assert kept == [1.0] * len(kept), "nothing is handed on, so that nothing is lost"


def test_what_is_said_without_an_exchange_is_not_followed():
    """The control keeps its answer whatever is exchanged: foretold as that, it would always be right."""
    model = cl.load("abacus-latent-pause", store=False)
    given = cases()[:4]
    said = [one.read_answer().text for one in model.reason([case.prompt for case in given], temperature=0)]
    foretold = [replace(case, foretells=lambda *_, own=own: own) for case, own in zip(given, said, strict=True)]
    found = cl.latent.decodable_and_used(model, foretold, groups=total_groups(CHANGES))
    assert found.columns["n"].tolist() == [0] * CHANGES
    assert np.isnan(found.columns["estimate"]).all()


def test_a_model_of_words_is_told_so():
    with pytest.raises(CapabilityError, match="latent"):
        cl.latent.LatentAblation(target=TARGET).run(tiny_latent.trace(), tiny.model("qwen3"))
