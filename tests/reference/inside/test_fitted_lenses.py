"""Tuned and Jacobian lenses by their published formulas, Patchscopes by hooks, on shipped and real weights."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import CapabilityError, CotLensError
from cotlens.measure.lenses.fitting import slopes
from cotlens.models.contract import Capability
from cotlens.results import load_result
from tests import pretrained
from tests.thoughts import written


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def traces(abacus):
    asked = organisms.problems(12, seed=5, steps=3, fork=False)
    return written(abacus, [one.prompt for one in asked], temperature=0)


@pytest.fixture(scope="module")
def lens(abacus, traces):
    return cl.lenses.fit(traces[:8], abacus, layers=(1, 3), steps=60)


@pytest.fixture(scope="module")
def result(abacus, traces, lens):
    return lens.run(traces[9], abacus)


def of_layer(result, layer, name="estimate"):
    return result.columns[name][result.columns["layer"] == layer]


def streams(model, ids, layer):
    """What a plain hook sees behind a block, [tokens, d_model]."""
    kept = []
    handle = model.engine.hf.model.layers[layer].register_forward_hook(lambda _, __, out: kept.append(out))
    with torch.no_grad():
        model.engine.hf(torch.tensor([ids]))
    handle.remove()
    return (kept[0][0] if isinstance(kept[0], tuple) else kept[0]).reshape(len(ids), -1)


def ended(model, vectors):
    """Log-probabilities by the model's own norm and output embedding."""
    return torch.log_softmax(model.engine.hf.lm_head(model.engine.hf.model.norm(vectors[None]))[0], -1)


def test_a_tuned_lens_reads_by_the_published_formula(abacus, traces, lens, result):
    """h + translator(h), a linear layer with bias, then the model's end."""
    ids, thought = traces[9].token_ids, traces[9].roles["thought"]
    at = np.arange(thought.start, thought.end)
    for index, layer in enumerate(lens.layers):
        translator = torch.nn.Linear(128, 128)
        with torch.no_grad():
            translator.weight.copy_(torch.tensor(lens.matrices[index] - np.eye(128, dtype=np.float32)))
            translator.bias.copy_(torch.tensor(lens.offsets[index]))
            h = streams(abacus, ids, layer - 1)
            said = ended(abacus, h + translator(h)).numpy()
        np.testing.assert_allclose(of_layer(result, layer), said[at - 1, np.array(ids)[at]], atol=1e-3)


def test_it_is_fitted_by_the_published_loss(abacus, traces):
    """The gradients of KL(model || lens) by translator weight and bias are autograd's, from zero and elsewhere."""
    h, last = (streams(abacus, traces[0].token_ids, layer) for layer in (1, 3))
    rng = np.random.default_rng(0)
    for scale in (0.0, 0.05):
        translator = torch.nn.Linear(128, 128)
        with torch.no_grad():
            for part in (translator.weight, translator.bias):
                part.copy_(torch.tensor(scale * rng.standard_normal(part.shape)))
        loss = torch.nn.functional.kl_div(
            ended(abacus, h + translator(h)), ended(abacus, last), log_target=True, reduction="batchmean"
        )
        loss.backward()
        matrix, offset = (part.detach().numpy().astype(np.float64) for part in (translator.weight, translator.bias))
        ours = slopes(h.numpy(), last.numpy(), abacus, matrix, offset)
        np.testing.assert_allclose(ours[0], translator.weight.grad.numpy(), atol=1e-4)
        np.testing.assert_allclose(ours[1], translator.bias.grad.numpy(), atol=1e-4)


def test_on_prompts_it_was_not_fitted_on_it_comes_nearer_than_logit_lens_and_ridge(lens):
    assert (lens.kl < 0.75 * lens.logit_kl).all() and (lens.kl < lens.ridge_kl).all()
    assert (lens.control_kl > 2 * lens.kl).all()
    assert len(lens.prompts) == 6  # a quarter of eight prompts was only measured on


def test_the_last_layer_is_the_model_and_the_logit_lens_stands_beside(abacus, traces, lens, result):
    thought = traces[9].roles["thought"]
    own = abacus.annotate(traces[9], k=1).logprobs[thought.start : thought.end]
    np.testing.assert_allclose(of_layer(result, abacus.n_layers), own, atol=1e-5)
    bare = cl.lenses.LogitLens().run(traces[9], abacus)
    np.testing.assert_allclose(of_layer(result, 3, "logit_lens"), of_layer(bare, 3), atol=1e-6)
    assert set(result.columns["layer"]) == {1, 3, 4} and result.chart().to_dict()["mark"]["type"] == "rect"
    assert np.isfinite(result.columns["floor"]).all() and lens.cost(traces[9]).tokens > result.provenance.cost.tokens


def test_fidelity_sets_lenses_side_by_side_and_says_what_was_fitted_on(abacus, traces, lens, tmp_path):
    found = cl.lenses.Fidelity(lenses=(cl.lenses.LogitLens(), lens)).run(traces[8:], abacus)
    logit, tuned = (found.columns["lens"] == name for name in ("LogitLens", "TunedLens"))
    for layer in (1, 3):
        row = [np.flatnonzero(one & (found.columns["layer"] == layer))[0] for one in (logit, tuned)]
        assert found.columns["estimate"][row[1]] < found.columns["estimate"][row[0]]
    assert (found.columns["high"] >= found.columns["low"]).all() and set(found.columns["status"]) == {"ok"}
    assert found.columns["estimate"][found.columns["layer"] == 4] == pytest.approx(0, abs=1e-4)
    assert found.chart().to_dict()["layer"]
    found.save(tmp_path / "fidelity.json")
    assert load_result(tmp_path / "fidelity.json").columns["lens"].tolist() == found.columns["lens"].tolist()
    again = cl.lenses.Fidelity(lenses=lens).run(traces[:8], abacus)
    assert set(again.columns["status"]) == {"fitted on 6 of these prompts"}


def test_a_lens_is_kept_and_refused_on_other_weights(abacus, traces, lens, result, tmp_path):
    lens.save(tmp_path / "a.lens")
    again = cl.lenses.load_lens(tmp_path / "a.lens")
    assert again.fingerprint == lens.fingerprint and again.provenance == lens.provenance
    np.testing.assert_array_equal(again.kl, lens.kl)
    np.testing.assert_array_equal(again.run(traces[9], abacus).columns["estimate"], result.columns["estimate"])
    with pytest.raises(CotLensError, match=r"made with 'abacus' with .*fit one on 'abacus-posthoc'"):
        again.run(traces[9], cl.load("abacus-posthoc"))


@pytest.fixture(scope="module")
def jacobian(abacus, traces, tmp_path_factory):
    """A file in the public format: one-hot cotangents at every token, the mean over tokens of the gradients."""
    ids = traces[0].token_ids[:40]
    kept, hooks = {}, []
    for layer in (1, 3):

        def keep(_, __, out, layer=layer):
            value = (out[0] if isinstance(out, tuple) else out).detach().requires_grad_(True) if layer == 1 else out
            kept[layer] = value
            return value

        hooks.append(abacus.engine.hf.model.layers[layer].register_forward_hook(keep))
    with torch.enable_grad():
        abacus.engine.hf(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    last = kept[3][0] if isinstance(kept[3], tuple) else kept[3]
    goals = last.reshape(-1, 128).sum(0)
    slopes_of = [torch.autograd.grad(one, kept[1], retain_graph=True)[0] for one in goals]
    rows = [one.reshape(-1, 128).mean(0) for one in slopes_of]
    path = tmp_path_factory.mktemp("jacobian") / "lens.pt"
    maps = {1: torch.stack(rows).half(), 3: torch.eye(128).half()}
    torch.save({"J": maps, "n_prompts": 1, "source_layers": [1, 3], "d_model": 128}, path)
    return path


def test_a_jacobian_lens_of_a_file_reads_by_the_published_formula(abacus, traces, jacobian):
    lens = cl.lenses.read_jacobian(jacobian, abacus)
    assert lens.layers == (2, 4) and lens.n_prompts == 1
    found = lens.run(traces[9], abacus)
    ids, thought = traces[9].token_ids, traces[9].roles["thought"]
    at = np.arange(thought.start, thought.end)
    matrix = torch.load(jacobian, weights_only=True)["J"][1].float()  # noqa: TID251
    said = ended(abacus, streams(abacus, ids, 1) @ matrix.T).detach().numpy()
    np.testing.assert_allclose(of_layer(found, 2), said[at - 1, np.array(ids)[at]], atol=1e-3)
    own = abacus.annotate(traces[9], k=1).logprobs[thought.start : thought.end]
    np.testing.assert_allclose(of_layer(found, 4), own, atol=1e-3)  # J of the last layer is the identity
    with pytest.raises(CotLensError, match="fit one on"):
        lens.run(traces[9], cl.load("abacus-posthoc"))


def test_a_patchscope_is_what_a_hook_gives_and_its_controls_are_there(abacus, traces):
    donor = next(one for one in traces if one.read_answer().surface[0] != traces[0].read_answer().surface[0])
    scope = cl.lenses.Patchscope(donor=donor, layers=(2, 4), target="12 -> 12; 7 -> 7; x")
    found = scope.run(traces[0], abacus, seed=1)
    answer, ids = found.extras["answer"], abacus.codec.encode("12 -> 12; 7 -> 7; x")
    token = abacus.codec.encode("12 -> 12; 7 -> 7; x" + answer)[len(ids)]
    row = 5
    vector = streams(abacus, traces[0].token_ids, 1)[found.columns["end"][row] - 1]

    def put(_, __, out):
        value = (out[0] if isinstance(out, tuple) else out).clone()
        value[0, -1] = vector
        return (value, *out[1:]) if isinstance(out, tuple) else value

    handle = abacus.engine.hf.model.layers[1].register_forward_hook(put)
    with torch.no_grad():
        said = torch.softmax(abacus.engine.hf(torch.tensor([ids])).logits[0, -1], -1)
    handle.remove()
    assert found.columns["layer"][row] == 2
    assert found.columns["probability"][row] == pytest.approx(float(said[token]), abs=1e-6)
    best = np.maximum(np.maximum(found.columns["zero"], found.columns["random"]), found.columns["donor"])
    np.testing.assert_allclose(found.columns["control"], best)
    np.testing.assert_allclose(found.columns["estimate"], found.columns["probability"] - best)
    # What stands after the last layer says the same wherever it is put.
    last, trace = found.columns["layer"] == 4, traces[0]
    ends = found.columns["end"][last]
    own = abacus.predict(streams(abacus, trace.token_ids, 3)[ends - 1].numpy())[:, token]
    np.testing.assert_allclose(found.columns["probability"][last], np.exp(own), atol=1e-5)
    assert found.chart().to_dict()["mark"] and found.scale_unit == "probability"
    own_words = cl.lenses.Patchscope(donor=donor, layers=(4,)).run(traces[0], abacus)
    assert 0 <= own_words.extras["untouched"] <= 1


def test_real_weights_are_read_by_every_lens(tmp_path):
    model = pretrained.model()
    told = [
        model.compose(
            f"How many {what} does {who} have?", f"{who} has {n} {what} in the bag.", f"{who} has {n} {what}."
        )
        for who, what, n in (("Tom", "apples", "three"), ("Ann", "pens", "seven"))
    ]
    lens = cl.lenses.fit(told, model, layers=(15,), method="ridge")
    size = 576
    torch.save({"J": {14: torch.eye(size)}, "n_prompts": 3, "source_layers": [14], "d_model": size}, tmp_path / "j.pt")
    thought = told[0].roles["thought"]
    own = model.annotate(told[0], k=1).logprobs[thought.start : thought.end]
    for one in (lens, cl.lenses.read_jacobian(tmp_path / "j.pt", model)):
        found = one.run(told[0], model)
        np.testing.assert_allclose(of_layer(found, 30), own, atol=1e-3)
        assert np.isfinite(of_layer(found, 15)).all()
    target = "cat -> cat; 12 -> 12; seven -> seven; x ->"
    scope = cl.lenses.Patchscope(donor=told[1], layers=(2, 30), into=2, answer=" three", target=target)
    found = scope.run(told[0], model)
    assert np.isfinite(found.columns["estimate"]).all()


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


def wrong_file(tmp_path, kind):
    path = tmp_path / "wrong.pt"
    eye = torch.eye(128)
    made = {
        "pickle": Evil(),
        "no J": {"K": {0: eye}},
        "not square": {"J": {0: eye[:3]}},
        "another width": {"J": {0: torch.eye(64)}},
        "too deep": {"J": {9: eye}},
        "nan": {"J": {0: eye * float("nan")}},
        "widths": {"J": {0: eye, 1: torch.eye(3)}},
        "claims": {"J": {0: torch.zeros(1).expand(128, 128)}},
        "text": {"J": {"a": eye}},
    }[kind]
    torch.save(made, path)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("pickle", "holds more than tensors"), ("no J", "has no 'J'"), ("not square", "no square matrix"),
        ("another width", "64 wide"), ("too deep", "can't read place 10"), ("nan", "NaN"),
        ("widths", "different widths"),
        ("claims", "claims 16,384 numbers"), ("text", "give a dict layer -> matrix"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_jacobian_lens_is_refused(abacus, tmp_path, capsys, kind, said):
    with pytest.raises(CotLensError, match=said):
        cl.lenses.read_jacobian(wrong_file(tmp_path, kind), abacus)
    assert "ran" not in capsys.readouterr().out


def test_a_file_that_is_no_saved_lens_is_refused(lens, tmp_path):
    path = tmp_path / "a.lens"
    lens.save(path)
    whole = path.read_bytes()
    for body, said in ((whole[:-50], "safetensors file"), (b"nothing", "safetensors file"), (b"", "safetensors file")):
        path.write_bytes(body)
        with pytest.raises(CotLensError, match=said):
            cl.lenses.load_lens(path)
    with pytest.raises(CotLensError, match="safetensors file"):
        cl.lenses.load_lens(wrong_file(tmp_path, "no J"))
    with pytest.raises(CotLensError, match="No such file"):
        cl.lenses.load_lens(tmp_path / "missing")


WRONG = [
    (lambda m, t: cl.lenses.LogitLens().run(t, m), "reads a trace"),
    (lambda m, t: cl.lenses.LogitLens().run(None, m), "reads a trace"),
    (lambda m, t: cl.lenses.AnswerLens().run("abc", m), "reads a trace"),
    (lambda m, t: cl.lenses.AnswerLens(target=5), "target=5"),
    (lambda m, t: cl.lenses.fit(None, m), "reads a trace"),
    (lambda m, t: cl.lenses.Fidelity().run(None, m), "reads a trace"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1]).run(None, m), "reads a trace"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], answer=5), "answer=5"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], answer=""), "empty answer"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], layers=()), "no layer"),
    (lambda m, t: cl.patching.PatchGrid(layers=()), "no layer"),
    (lambda m, t: cl.patching.Attribution(layers=()), "no layer"),
    (lambda m, t: cl.probes.Probe(layers=()), "no layer"),
    (lambda m, t: cl.patching.PatchGrid().run(t[0], t[1], m, answers="36"), "give two texts"),
    (lambda m, t: cl.patching.PatchGrid().run(t[0], t[1], m, answers=("1", "2", "3")), "give two texts"),
    (lambda m, t: cl.patching.PatchGrid().run(t[0], t[1], m, answers=(1, 2)), "give two texts"),
    (lambda m, t: cl.probes.Probe().run(None, m), "None was given"),
    (lambda m, t: cl.probes.examples(None, lambda trace, at: 1), "reads a trace"),
    (lambda m, t: cl.probes.examples(t, "x"), "label="),
    (lambda m, t: cl.lenses.fit(t[:1], m), "some prompts and measured on others"),
    (lambda m, t: cl.lenses.fit([], m), "some prompts and measured on others"),
    (lambda m, t: cl.lenses.fit(["a"], m), "reads a trace; 'a'"),
    (lambda m, t: cl.lenses.fit(t, m, layers=(4,)), "speaks itself"),
    (lambda m, t: cl.lenses.fit(t, m, layers=(7,)), "can't read place 7"),
    (lambda m, t: cl.lenses.fit(t, m, layers=()), "give other layers"),
    (lambda m, t: cl.lenses.fit(t, m, method="sgd"), "method='sgd'"),
    (lambda m, t: cl.lenses.fit(t, m, steps=0), "steps=0"),
    (lambda m, t: cl.lenses.fit(t, m, rate=float("nan")), "rate=nan"),
    (lambda m, t: cl.lenses.fit(t, m, held_out=1.5), "held_out=1.5"),
    (lambda m, t: cl.lenses.Fidelity(lenses=("logit",)), "'logit' was given"),
    (lambda m, t: cl.lenses.Fidelity(lenses=()), "no lens"),
    (lambda m, t: cl.lenses.Fidelity().run([], m), "no trace"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[0]).run(t[0], m), "so it is no control"),
    (lambda m, t: cl.lenses.Patchscope(donor="x"), "donor="),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], layers=(9,)).run(t[0], m), "can't read place 9"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], into=-1).run(t[0], m), "can't read place -1"),
    (lambda m, t: cl.lenses.Patchscope(donor=t[1], target="").run(t[0], m), "too short"),
    (
        lambda m, t: cl.lenses.Patchscope(donor=cl.load("abacus-flip").compose("a", "b", "3")).run(t[0], m),
        "different models",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_bad_input_is_one_sentence(abacus, traces, call, said):
    with pytest.raises(CotLensError, match=said) as caught:
        call(abacus, traces)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_model_that_shows_nothing_is_refused(traces, lens):
    from tests.contract.test_model import MODELS

    served = MODELS["vllm"]()
    assert Capability.DECODE not in served.capabilities
    for call in (
        lambda: lens.run(traces[0], served),
        lambda: cl.lenses.fit(traces, served),
        lambda: cl.lenses.Fidelity().run(traces, served),
        lambda: cl.lenses.Patchscope(donor=traces[1]).run(traces[0], served),
    ):
        with pytest.raises(CapabilityError, match="backend="):
            call()
