"""Models that think in depth, read from what their families have on disk, held to a loop of plain tensors."""

import dataclasses
import json
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.contract import Branch, Patch
from cotlens.models.local.scoring import from_layer, packed
from tests.model import looped, tiny

FAMILIES = ("huginn", "ouro")
IDS = [3, 9, 4, 11, 5, 7, 20, 2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: looped.write(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(scope="module")
def models(folders):
    return {family: cl.load(folder) for family, folder in folders.items()}


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@cache
def reference(family, ids, steps, state=None):
    return looped.run(family, looped.trained(family)[0], list(ids), steps, state)


def state_of(model, n):
    drawn = model.engine.hf.model.drawn
    return None if drawn is None else drawn(torch.arange(n)[None])[0]


def logprobs(model, ids):
    """By CoTLens' scoring, of each token but the first."""
    [score] = model.score(ids[:1], [Branch(1, tuple(ids[1:]))])
    return score.logprobs


def expected(family, model, ids, steps):
    logits, held = reference(family, tuple(ids), steps, state_of(model, len(ids)))
    known = torch.log_softmax(logits, -1)
    return known[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].numpy(), held.numpy()


def test_the_small_models_have_learnt_something(family):
    _, losses = looped.trained(family)
    assert np.mean(losses[-4:]) < 0.6 * np.mean(losses[:4])


def test_every_depth_is_the_loop_of_that_many_steps(models, family):
    model = models[family]
    for steps in range(1, looped.STEPS[family] + 1):
        deep = model.at_depth(steps)
        wanted, held = expected(family, model, IDS, steps)
        np.testing.assert_allclose(logprobs(deep, IDS), wanted, atol=2e-4)
        np.testing.assert_allclose(cl.latent.depth_states(IDS, deep), held, atol=2e-4)


def test_the_loaded_model_takes_the_steps_of_its_files(models, family):
    model = models[family]
    assert model.depth.steps == looped.STEPS[family]
    assert model.depth.trained == {"huginn": 12, "ouro": 4}[family]
    assert model.score_path.startswith("packed")
    wanted, _ = expected(family, model, IDS, model.depth.steps)
    np.testing.assert_allclose(logprobs(model, IDS), wanted, atol=2e-4)
    assert len(model.depth.sites) == model.depth.steps
    assert model.n_layers == model.depth.before + model.depth.steps * model.depth.layers + model.depth.after


def test_steps_share_one_set_of_weights(models, family):
    model = models[family]
    whole = sum(part.numel() for part in looped.trained(family)[0].values())
    gate = looped.WIDTH + 1 if family == "ouro" else 0  # kept beside the stack
    assert sum(part.numel() for part in model.engine.hf.parameters()) == whole - gate
    deep = model.at_depth(2)
    assert deep.engine.hf.lm_head.weight is model.engine.hf.lm_head.weight
    assert deep.engine.hf.model.layers[1].mlp is not model.engine.hf.model.layers[1].mlp


def test_a_text_beside_others_is_as_it_is_alone(models, family):
    """Left padding, explicit positions and a mask: public code of Huginn pays no heed to the mask."""
    hf = models[family].engine.hf
    texts = [IDS, IDS[:3]]
    ids, mask = torch.zeros(2, len(IDS), dtype=torch.long), torch.zeros(2, len(IDS), dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, len(IDS) - len(text) :] = torch.tensor(text)
        mask[row, len(IDS) - len(text) :] = 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        together = hf(input_ids=ids, attention_mask=mask, position_ids=positions).logits[:, -1]
        alone = torch.stack([hf(input_ids=torch.tensor([text])).logits[0, -1] for text in texts])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=0)


def test_the_first_state_hangs_on_seed_and_position_alone(models):
    model = models["huginn"]
    one, two = (cl.latent.depth_states(IDS, model) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(cl.latent.depth_states(IDS[:4], model), one[:4], atol=1e-5)
    other = model.at_depth(3, seed=1)
    assert np.abs(cl.latent.depth_states(IDS, other) - one).max() > 0.1
    np.testing.assert_array_equal(cl.latent.depth_states(IDS, other.at_depth(3, seed=0)), one)
    drawn = state_of(model, 300)
    assert 0.4 < float(drawn.std()) < 0.7  # 0.3 cut at three deviations, times the embedding's 2
    assert float(drawn.abs().max()) <= 3 * 0.3 * 2
    assert not torch.equal(drawn[0], drawn[256])


def test_what_it_writes_is_the_loop_that_reads_its_own_words(models, family):
    model = models[family]
    trace = model.reason("Say pears", max_new_tokens=5, temperature=0)
    ids, n = list(trace.token_ids), len(trace.token_ids)
    logits, _ = reference(family, tuple(ids), model.depth.steps, state_of(model, n))
    assert [int(logits[at - 1].argmax()) for at in range(n - 5, n)] == ids[n - 5 :]


def test_the_gate_says_where_a_token_would_stop(models):
    found = cl.latent.exit_probabilities(IDS, models["ouro"])
    tensors, _ = looped.trained("ouro")
    _, held = reference("ouro", tuple(IDS), 4)
    stops = torch.sigmoid(
        looped.normed(held, tensors["model.norm.weight"]) @ tensors["model.early_exit_gate.weight"][0]
        + tensors["model.early_exit_gate.bias"]
    ).numpy()
    for token in range(len(IDS)):
        left = 1.0
        for step in range(3):
            assert found[token, step] == pytest.approx(left * stops[token, step], abs=1e-4)
            left *= 1 - stops[token, step]
        assert found[token, 3] == pytest.approx(left, abs=1e-4)
    with pytest.raises(CapabilityError, match="no gate"):
        cl.latent.exit_probabilities(IDS, models["huginn"])


def test_weights_on_disk_are_those_that_run_in_any_precision(folders, family):
    model = cl.load(folders[family], dtype="bfloat16")
    wanted, _ = expected(family, model, IDS, model.depth.steps)
    np.testing.assert_allclose(logprobs(model, IDS), wanted, atol=0.3)


def test_a_plan_says_what_it_takes(folders, family):
    plan = cl.load(folders[family], dry_run=True)
    hf = cl.load(folders[family]).engine.hf
    assert plan.parameters == sum(part.numel() for part in hf.parameters())


@pytest.mark.parametrize("steps", [0, 13, 2.5, "all"])
def test_depths_it_was_not_trained_for(models, steps):
    with pytest.raises(InputError, match="steps"):
        models["huginn"].at_depth(steps)


def test_one_sentence_each(models, folders, tmp_path):
    with pytest.raises(InputError, match="give 1 to 4"):
        models["ouro"].at_depth(5)
    with pytest.raises(InputError, match="draws no state"):
        models["ouro"].at_depth(2, seed=1)
    with pytest.raises(CapabilityError, match="once"):
        tiny.model("qwen3").at_depth(2)
    with pytest.raises(CapabilityError, match=r"threshold of 0\.5"):
        cl.load(looped.write(tmp_path / "early", "ouro", early_exit_threshold=0.5))
    with pytest.raises(CapabilityError, match="sliding window"):
        cl.load(looped.write(tmp_path / "window", "ouro", layer_types=["full_attention", "sliding_attention"]))
    with pytest.raises(CapabilityError, match="noise"):
        cl.load(looped.write(tmp_path / "noise", "huginn", test_time_noise=0.1))


def _spoilt(folder, family, change):
    looped.write(folder, family)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_files_that_are_not_whole(tmp_path, family):
    name = {"huginn": "transformer.core_block.1.mlp.fc.weight", "ouro": "model.layers.1.mlp.up_proj.weight"}[family]

    def renamed(tensors):
        tensors["other"] = tensors.pop(name)

    def narrower(tensors):
        tensors[name] = tensors[name][:, :16].contiguous()

    with pytest.raises(BackendError, match="leave out 1 of its weights"):
        cl.load(_spoilt(tmp_path / "renamed", family, renamed))
    with pytest.raises(BackendError):
        cl.load(_spoilt(tmp_path / "narrower", family, narrower))
    cut = looped.write(tmp_path / "cut", family)
    (cut / "model.safetensors").write_bytes((cut / "model.safetensors").read_bytes()[:500])
    with pytest.raises(BackendError):
        cl.load(cut)
    said = json.loads((cut / "config.json").read_text())
    (cut / "config.json").write_text(json.dumps({**said, "model_type": "other_loop"}))
    with pytest.raises(BackendError):
        cl.load(cut)


def test_a_depth_is_known_by_its_name_and_leaves_the_model_as_it_was(models, family):
    model = models[family]
    before = logprobs(model, IDS)
    deep = model.at_depth(2)
    assert deep.name.endswith("@2 steps")
    assert deep.at_depth(1).name.endswith("@1 steps")
    assert deep.state != model.state
    assert dataclasses.is_dataclass(deep.depth)
    assert deep.depth.steps == 2
    np.testing.assert_array_equal(logprobs(model, IDS), before)


@pytest.mark.parametrize(
    ("family", "changed", "said"),
    [
        ("ouro", {"total_ut_steps": 0}, "total_ut_steps=0"),
        ("ouro", {"total_ut_steps": None}, "total_ut_steps=None"),
        ("ouro", {"hidden_size": 33}, "can load"),
        ("ouro", {"num_hidden_layers": 7}, "leave out"),
        ("huginn", {"mean_recurrence": -1}, "mean_recurrence=-1"),
        ("huginn", {"mean_recurrence": None}, "mean_recurrence=None"),
        ("huginn", {"init_values": "x"}, "init_values"),
        ("huginn", {"n_embd": 33}, "hidden size"),
        ("huginn", {"n_layers_in_prelude": 7}, "leave out"),
    ],
)
def test_a_config_that_makes_no_sense(tmp_path, family, changed, said):
    with pytest.raises((InputError, BackendError), match=said) as found:
        cl.load(looped.write(tmp_path / "odd", family, **changed))
    assert "\n" not in str(found.value)


def test_weights_that_are_no_floats_and_spreading(tmp_path, folders, family):
    name = {"huginn": "transformer.core_block.1.mlp.fc.weight", "ouro": "model.layers.1.mlp.up_proj.weight"}[family]
    for kind in (torch.int8, torch.complex64):
        with pytest.raises(InputError, match="no floating-point numbers"):
            cl.load(_spoilt(tmp_path / str(kind), family, lambda held, to=kind: held.update({name: held[name].to(to)})))
    for how in ({"quantization": "8bit"}, {"device_map": "auto"}):
        with pytest.raises(InputError, match="loaded whole"):
            cl.load(folders[family], **how)


def test_a_model_in_depth_thinks_softly_too(folders, family):
    model = cl.load(folders[family], latent="soft", store=False)
    trace = model.reason("Say pears", latents=3, max_new_tokens=3)
    assert trace.latents.shape == (3, 16)


def test_changes_inside_the_loop_are_those_of_whole_passes(models, family):
    """A pass that begins at a later layer would miss what the loop began with, which each step reads again."""
    rng = np.random.default_rng(0)
    for steps in (1, 2, 3):
        model = models[family].at_depth(steps)
        assert from_layer.can_start(model.engine, packed.score) == (family == "ouro")
        changes = [
            Patch(layer, (5,), rng.standard_normal((1, looped.WIDTH)).astype(np.float32))
            for layer in range(model.n_layers)
        ]
        branches = [Branch(4, tuple(IDS[4:]), interventions=(one,)) for one in changes for _ in range(4)]
        together = model.score(IDS, branches)
        for index, one in enumerate(changes):
            [alone] = model.score(IDS[:4], [Branch(4, tuple(IDS[4:]))], interventions=one)
            np.testing.assert_allclose(together[4 * index].logprobs, alone.logprobs, atol=1e-4)
