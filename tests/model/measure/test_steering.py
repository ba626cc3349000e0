"""Steering on tiny random models of two architectures, and on Abacus."""

from types import SimpleNamespace

import numpy as np
import pytest

from cotlens._core import control
from cotlens._core.errors import BackendError, Cancelled, InputError
from cotlens.measure import steering
from cotlens.measure.steering.examples import read_examples
from cotlens.measure.steering.where import ends_of, interventions
from cotlens.models.contract import Branch
from cotlens.models.load import load
from cotlens.organisms.sae.recipe import composed as composed_thoughts
from cotlens.organisms.task.problems import problems
from cotlens.results import load_result
from cotlens.trace import Trace
from cotlens.workbench.steering_panel.words import said
from tests import pretrained
from tests.model import check_the_work as work
from tests.model import tiny

FAMILIES = ("llama", "gemma3")
SETTINGS = {"max_new_tokens": 12, "temperature": 1.0}


def composed(model):
    trace = model.compose("Mia has 12 pears.", "First I add 12 and 7, which gives 19. So it is 19.", "\\boxed{19}")
    assert trace.read_answer().text == "19"
    return trace


@pytest.fixture(params=FAMILIES)
def model(request):
    return tiny.model(request.param)


def vector(model, layer=1, name="v"):
    values = np.random.default_rng(3).normal(size=32)
    return steering.given(values, layer, name=name, model=model, traces=[composed(model)])


def test_the_unit_is_the_mean_norm_over_thought_and_answer(model):
    trace = composed(model)
    start, end = trace.roles["thought"].start, trace.roles["answer"].end
    found = model.read(trace, "resid_post.1", positions=range(start, end))["resid_post.1"]
    assert steering.residual_norm(model, 1, trace) == pytest.approx(np.linalg.norm(found, axis=1).mean(), rel=1e-5)
    assert vector(model).unit == steering.residual_norm(model, 1, [trace])


def test_the_norm_is_measured_once(model):
    trace = composed(model)
    steering.residual_norm(model, 0, trace)
    before = model.meter.snapshot()
    steering.residual_norm(model, 2, trace)
    assert model.meter.since(before).forwards == 0


def test_a_coefficient_adds_that_many_mean_norms(model):
    trace, one = composed(model), vector(model)
    at = trace.roles["thought"].start
    plain = model.read(trace, "resid_post.1")["resid_post.1"]
    steered = model.read(trace, "resid_post.1", interventions=one.at(0.5, range(at, 999)))["resid_post.1"]
    added = np.linalg.norm(steered - plain, axis=1)
    np.testing.assert_allclose(added[:at], 0, atol=1e-4)
    np.testing.assert_allclose(added[at:], 0.5 * one.unit, rtol=1e-3)


def test_a_token_s_direction_raises_its_logit_most(model):
    token = model.codec.encode("check")[0]
    found = steering.from_token(model, token, 1, traces=[composed(model)])
    rows = model.unembed(np.eye(32, dtype=np.float32))  # [d, vocabulary]
    np.testing.assert_allclose(found.values, rows[:, token], rtol=1e-5)
    assert found.unit > 0
    with pytest.raises(InputError, match="not one"):
        steering.from_token(model, "two whole words", 1)
    with pytest.raises(InputError, match="no token"):
        steering.from_token(model, 10**6, 1)


def test_a_latent_is_added_where_its_autoencoder_reads():
    rows = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
    sae = SimpleNamespace(
        config=SimpleNamespace(site="resid_post.2", model_name="m"), directions=lambda chosen: rows[chosen]
    )
    found = steering.from_latent(sae, 1)
    assert found.layer == 2 and found.code() == "cl.steering.from_latent(sae, 1, layer=2)"
    np.testing.assert_array_equal(found.values, rows[1])
    assert steering.from_latent(sae, 1, layer=0).layer == 0


def test_examples_are_read_at_their_last_token_their_mean_or_before(model):
    trace = composed(model)
    first, second = trace.spans("sentence")
    marker = max(i for i in range(first.start) if trace.tokens[i].strip())  # line breaks are chosen with what follows
    table = model.read(trace, "resid_post.1")["resid_post.1"].astype(np.float64)
    expected = {
        "last": table[second.end - 1] - table[first.end - 1],
        "mean": table[second.start : second.end].mean(0) - table[first.start : first.end].mean(0),
        "before": table[second.start - 1] - table[marker],
    }
    for read, values in expected.items():
        found = steering.fit(model, [(trace, second)], [(trace, first)], layer=1, read=read)
        np.testing.assert_allclose(found.values, values, atol=1e-4)


def test_where_decides_which_tokens_are_steered(model):
    """The text before the steered tokens can't notice; what is written is what a plain resume writes."""
    trace, one = composed(model), vector(model)
    at = trace.roles["thought"].start + 3
    run = steering.rewrite(model, trace, [(one, 0.7, "from here on")], at=at, **SETTINGS)
    plain = model.resume(trace, at=at, interventions=one.at(0.7, range(at, 10**6)), **SETTINGS)
    assert run.token_ids == plain.token_ids
    assert run.token_ids[:at] == trace.token_ids[:at]
    assert run.parent is trace and run.rewritten_from == at
    assert run.meta["steering"] == [
        {"vector": "v", "layer": 1, "coefficient": 0.7, "unit": "norm", "where": "from here on"}
    ]


def test_no_steering_at_all_is_the_baseline(model):
    trace = composed(model)
    at = trace.roles["thought"].start
    plain = model.resume(trace, at=at, **SETTINGS)
    assert steering.rewrite(model, trace, [], at=at, **SETTINGS).token_ids == plain.token_ids
    assert steering.rewrite(model, trace, [(vector(model), 0.0)], at=at, **SETTINGS).token_ids == plain.token_ids


def test_a_random_control_is_judged_alike(model):
    trace = composed(model)
    run = steering.steer(model, trace, (vector(model), 1.5, "all"), seed=2, control=5, **SETTINGS)
    assert run.answer == "19" and run.control is not None and run.control.control is None
    assert run.control.steerings[0].vector.name == "random, same norm (5)"
    assert run.perplexity == run.control.perplexity
    assert 0 < run.probability < 1
    ids, at = run.steered.token_ids, run.at
    logprobs = model.score(ids[:at], [Branch(at, ids[at:])])[0].logprobs
    assert run.perplexity_after == pytest.approx(float(np.exp(-logprobs.astype(float).mean())), rel=1e-5)


@pytest.mark.parametrize("where", ["from here on", "thought", "answer"])
def test_what_the_model_writes_unsteered_from_the_same_token_stands_beside(model, where):
    """With the same random numbers: at coefficient 0 the steered text is the unsteered one, wherever it is added."""
    trace, one = composed(model), vector(model)
    run = steering.steer(model, trace, (one, 1.5, where), seed=2, temperature=1.0, max_new_tokens=12)
    beside = run.unsteered
    assert beside is not None and beside.at == run.at and run.control is not None
    assert run.control.unsteered is beside
    none = steering.steer(model, trace, (one, 0.0, where), seed=2, control=None, temperature=1.0, max_new_tokens=12)
    assert none.steered.token_ids == beside.steered.token_ids and not none.changed and not none.damaged
    ids, at = beside.steered.token_ids, run.at
    logprobs = model.score(ids[:at], [Branch(at, ids[at:])])[0].logprobs
    assert run.perplexity_unsteered == pytest.approx(float(np.exp(-logprobs.astype(float).mean())), rel=1e-5)
    assert run.answer_unsteered == beside.answer_after
    assert run.changed is (None if run.answer_unsteered is None else run.answer_after != run.answer_unsteered)


def test_real_weights_are_not_called_broken_for_what_they_do_by_themselves():
    """A pasted thought ends; SmolLM2, from its first token on, doesn't in so few tokens, with the vector or without."""
    model = pretrained.model()
    trace = Trace.from_text("What is 5 plus 7?", "5 plus 7 is 12.", "The answer is 12.", model=model)
    wait = steering.from_token(model, model.codec.encode(" wait")[0], 20)
    wait = wait.on(20, steering.residual_norm(model, 20, trace))
    run = steering.steer(model, trace, (wait, 0.35, "thought"), temperature=0.0, max_new_tokens=3, control=None)
    assert run.answer == "12" and run.answer_after is None and run.answer_unsteered is None
    assert not run.damaged and not run.endless and run.changed is None
    assert "may be damage" not in said(run)
    assert run.perplexity_unsteered < 2 * run.perplexity  # greedy text, of the same tokens


def test_a_coefficient_that_breaks_the_model_is_told_and_keeps_the_baseline(model):
    trace = composed(model)
    with pytest.raises(BackendError, match=r"Adding .* made the model's numbers NaN or infinite.*baseline is kept"):
        steering.steer(model, trace, (vector(model), 1e38, "all"), **SETTINGS)


def test_a_sweep_says_which_cells_broke(model):
    result = steering.sweep(
        model, composed(model), vector(model), coefficients=(0.5, 1e38), seeds=2, controls=1,
        metric="perplexity", **SETTINGS,
    )  # fmt: skip
    frame = result.frame()
    broken = frame[frame["coefficient"] > 1]
    assert len(broken) == 2 and broken["status"].str.contains("NaN or infinite").all()
    assert broken["estimate"].isna().all() and (frame[frame["coefficient"] <= 1]["status"] == "ok").all()


def test_a_sweep_is_deterministic_and_a_round_trip(tmp_path):
    model = load(tiny.pair("llama"), store=False)
    trace = composed(model)
    settings = {"coefficients": (0.5,), "layers": (0, 1), "seeds": 2, "controls": 2, "metric": "perplexity", **SETTINGS}
    found = [steering.sweep(model, trace, vector(model), **settings) for _ in range(2)]
    first, second = (one.frame() for one in found)
    assert first["layer"].tolist() == [0, 0, 0, 1, 1, 1]
    assert first["arm"].tolist() == 2 * ["vector", "vector", "random"]
    np.testing.assert_array_equal(first["estimate"], second["estimate"])
    assert (first["low"] <= first["estimate"]).all() and (first["estimate"] <= first["high"]).all()
    found[0].save(tmp_path / "r.json")
    assert load_result(tmp_path / "r.json").frame().equals(first)
    bound = steering.Sweep(vector=vector(model), **settings).cost(trace)
    assert 0 < found[0].provenance.cost.tokens <= bound.tokens
    assert 0 < found[0].provenance.cost.forwards <= bound.forwards


def test_rollouts_that_all_stop_at_the_limit_changed_no_answer():
    """A random model never ends a thought: 12 tokens of it were called an answer that changed each time."""
    model = tiny.model("llama")
    found = steering.sweep(model, composed(model), vector(model), coefficients=(0.5,), seeds=4, controls=1, **SETTINGS)
    frame = found.frame()
    assert frame["estimate"].isna().all() and frame["n_unread"].tolist() == [4, 4, 4]
    assert (
        frame["status"].str.startswith("not measured: 4 of 4 rollouts gave no value, as where they are cut off").all()
    )
    assert (frame["low_worst"] == 0).all() and (frame["high_worst"] == 1).all()
    assert np.isfinite(frame["perplexity"]).all()
    assert frame["damaged"].tolist()[0] == 0  # coefficient 0 is what the others are read against


def test_a_cancelled_sweep_keeps_what_was_measured():
    model = tiny.model("llama")
    asked = control.Control(lambda done, total, label: asked.cancel() if label == "steering sweep" and done else None)
    settings = {"coefficients": (0.5,), "seeds": 2, "controls": 1, "metric": "perplexity", **SETTINGS}
    with control.using(asked), pytest.raises(Cancelled) as caught:
        steering.sweep(model, composed(model), vector(model), **settings)
    statuses = caught.value.partial.frame()["status"].tolist()
    assert statuses == ["ok", "not measured: cancelled", "not measured: cancelled"]


def test_a_rerun_can_be_cancelled_between_tokens():
    model = tiny.model("llama")
    asked, said = control.Control(), []

    def hear(index, piece):
        said.append(index)
        if len(said) == 2:
            asked.cancel()

    with control.using(asked), pytest.raises(Cancelled) as caught:
        steering.rewrite(model, composed(model), (vector(model), 0.5), on_token=hear, **SETTINGS)
    assert caught.value.partial.meta["steering"]
    assert len(said) < SETTINGS["max_new_tokens"]


def test_vectors_of_other_models_are_refused():
    trace = composed(tiny.model("llama"))
    model = tiny.model("llama")
    for bad, words in (
        (steering.given(np.ones(5), 1, unit=1.0), "5 wide"),
        (steering.given(np.ones(32), 3, unit=1.0), "layers 0 to 2"),
    ):
        with pytest.raises(InputError, match=words):
            steering.steer(model, trace, (bad, 1.0))
    with pytest.raises(InputError, match="no layer 3"):
        steering.fit(model, ["a b"], ["c d"], layer=3)
    with pytest.raises(InputError, match="needs pairs"):
        steering.fit(model, ["a b"], ["c d", "e f"], layer=1, method="pca")


@pytest.fixture(scope="module")
def abacus():
    return load("abacus", store=False)


def asked(abacus):
    """A trace that it wrote."""
    return abacus.reason(problems(1, seed=3, split="test")[0].prompt, seed=0)


@pytest.fixture(scope="module")
def fitted(abacus):
    """A vector per layer."""
    return steering.fit_layers(abacus, *steering.sentences(composed_thoughts(abacus, 12, "train", 1), work.checks))


def test_a_line_break_is_chosen_with_what_follows_it(abacus):
    trace = abacus.compose(
        "Mia has 12 pears.", "Mia has 12 pears.\nShe buys 7 more, so 12 + 7 = 19.", "The answer is 19."
    )
    second = trace.spans("sentence")[1]
    assert trace.tokens[second.start - 1] == "\n" and trace.tokens[second.start - 2] == "."
    found = read_examples(abacus, [(trace, second)], [1], "before")
    expected = abacus.read(trace, "resid_post.1", positions=[second.start - 2])["resid_post.1"]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_the_layer_sweep_separates_checking_sentences(abacus):
    positive, negative = steering.sentences(composed_thoughts(abacus, 24, "train", 2), work.checks)
    result = steering.layer_sweep(abacus, positive, negative)
    frame = result.frame()
    assert frame["layer"].tolist() == list(range(abacus.n_layers))
    best = frame.loc[frame["estimate"].idxmax()]
    assert best["low"] > 0.8 and best["estimate"] > best["control_high"]
    assert len(result.chart().to_dict()["layer"]) == 4


def test_steering_the_thought_leaves_the_answer_to_the_model(abacus, fitted):
    """The close and the answer are what the model writes by itself after that thought."""
    trace = asked(abacus)
    heard: list[int] = []
    settings = {"temperature": 0.0, "max_new_tokens": 200, "on_token": lambda index, _: heard.append(index)}
    run = steering.rewrite(abacus, trace, (fitted[1], 0.4, "thought"), **settings)
    assert heard == sorted(set(heard)) and heard[0] == run.rewritten_from
    assert run.roles["thought"].start == trace.roles["thought"].start and "answer" in run.roles
    ends = ends_of(abacus, run)
    chosen = steering.Steering(fitted[1], 0.4, "thought")
    changes = interventions([chosen], trace, run.rewritten_from, ends)
    assert changes[0].positions == range(trace.roles["thought"].start, run.roles["thought"].end)
    again = abacus.resume(run, at=ends.answer, temperature=0.0, interventions=changes)
    assert again.token_ids == run.token_ids


def test_steering_the_answer_leaves_the_thought_as_it_was(abacus, fitted):
    trace = asked(abacus)
    run = steering.steer(abacus, trace, (fitted[1], 0.4, "answer"), control=None, temperature=0.0)
    assert run.steered.thought == trace.thought and run.at >= trace.roles["thought"].end
    assert isinstance(run.steered, Trace) and run.probability > 0.5


def test_a_sweep_of_the_thought_writes_each_answer_without_steering(abacus, fitted):
    trace = asked(abacus)
    settings = {"coefficients": (0.2,), "seeds": 2, "controls": 0, "where": "thought", "max_new_tokens": 120}
    result = steering.sweep(abacus, trace, fitted[2], metric=work.checking_share, **settings)
    assert result.columns["status"].tolist() == ["ok", "ok"]
    assert result.columns["n"].tolist() == [2, 2] and result.metric == "checking_share"
    assert ((result.columns["probability"] > 0) & (result.columns["probability"] <= 1)).all()
