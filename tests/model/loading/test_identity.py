"""Which model it is: no change of weights, and none of what is done with them, goes unseen by the store or a cache."""

import copy
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.modules.module import register_module_forward_hook as on_every_module

import cotlens as cl
from cotlens.models.contract import AddVector, Branch, Start
from cotlens.models.identity import Identity, checksum, of_files
from cotlens.organisms.store import load_pair
from tests.model import tiny

PROMPT, THOUGHT = "Mia has 12 pears and buys 7 more.", "First I add 12 and 7, which gives 19."
FAMILIES = ("qwen3", "gpt2", "gpt_oss", "gemma3")
SHORT = {"max_new_tokens": 6, "seed": 3}


def copied(family):
    """A pair of its own, whose weights may be changed."""
    hf, tokenizer = tiny.pair(family)
    return copy.deepcopy(hf), tokenizer


def start(model):
    trace = model.compose(PROMPT, THOUGHT, "The answer is 19.")
    return [Start(trace, trace.roles["thought"].start + 3, range(2))]


def taken(model, **options):
    """Rollouts, and whether they came from the store."""
    found = model.rollouts(start(model), **{**SHORT, **options})[0]
    return [one.token_ids for one in found], {one.meta["stored"] for one in found}


# ---------------------------------------------------------------- any change of any weight


@pytest.fixture(scope="module")
def watched():
    """Family -> (its identity, every tensor of it as bytes that can be written)."""
    found = {}
    for family in FAMILIES:
        hf, _ = copied(family)
        tensors = [*hf.parameters(), *hf.buffers()]
        assert all(one.is_contiguous() for one in tensors)
        found[family] = Identity(hf), [one.detach().reshape(-1).view(torch.uint8).numpy() for one in tensors]
    return found


@settings(max_examples=60)
@given(family=st.sampled_from(FAMILIES), data=st.data())
def test_one_bit_of_one_weight_makes_another_model(watched, family, data):
    """Written through NumPy, which torch takes no notice of; and back: the same bytes are the same model."""
    identity, tensors = watched[family]
    tensor = tensors[data.draw(st.integers(0, len(tensors) - 1))]
    byte, bit = data.draw(st.integers(0, len(tensor) - 1)), 1 << data.draw(st.integers(0, 7))
    before = identity.state()
    tensor[byte] ^= bit
    try:
        changed = identity.state()
    finally:
        tensor[byte] ^= bit
    assert changed.split()[0] != before.split()[0] and identity.state() == before


CHANGES = {
    "data": lambda hf: hf.model.layers[1].mlp.down_proj.weight.data[:, 1:].zero_(),
    "no_grad": lambda hf: hf.model.layers[1].mlp.down_proj.weight.mul_(1.5),
    "numpy": lambda hf: hf.lm_head.weight.detach().numpy()[3].fill(0),
    "load_state_dict": lambda hf: hf.load_state_dict(tiny.hf_model("qwen3", hf.config.vocab_size, seed=1).state_dict()),
    "rows in another order": lambda hf: hf.model.layers[0].mlp.up_proj.weight.data.copy_(
        hf.model.layers[0].mlp.up_proj.weight.data.flip(0)
    ),
    "signs of two numbers": lambda hf: hf.model.layers[0].mlp.up_proj.weight.data[:, :2].neg_(),
    "another parameter": lambda hf: setattr(hf.lm_head, "weight", torch.nn.Parameter(hf.lm_head.weight.data * 2)),
    "another module": lambda hf: setattr(hf.model.layers[2], "mlp", copy.deepcopy(hf.model.layers[1].mlp)),
    "a rotary frequency": lambda hf: hf.model.rotary_emb.inv_freq.mul_(0.5),
    "half precision": lambda hf: hf.half().float(),
    "a scale": lambda hf: setattr(hf.model.layers[0].self_attn, "scaling", 0.1),
    "an epsilon": lambda hf: setattr(hf.model.norm, "variance_epsilon", 0.1),
    "a setting": lambda hf: setattr(hf.config, "sliding_window", 4),
    "another attention": lambda hf: hf.set_attn_implementation("eager"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_behind_a_loaded_model_is_seen_by_store_and_cache(change, tmp_path):
    hf, tokenizer = copied("qwen3")
    model = cl.load((hf, tokenizer), store=tmp_path / "rollouts.sqlite")
    assert taken(model)[1] == {False} and taken(model)[1] == {True}
    before, state = scored(model), model.state
    with torch.no_grad():
        CHANGES[change](hf)
    assert model.state != state
    assert taken(model)[1] == {False}
    fresh = cl.load((hf, tokenizer), store=model.store.path)
    assert taken(fresh) == (taken(model)[0], {True})  # what is known is known of the changed model
    np.testing.assert_array_equal(scored(model), scored(cl.load((hf, tokenizer), store=False)))
    assert np.abs(scored(model) - before).max() > 0 or change in ("a setting", "another attention")


def scored(model):
    """Scores that a kept trunk takes part in."""
    ids = list(range(40, 80))
    return np.concatenate([one.logprobs for one in model.score(ids, [Branch(p, (5, 6, 7)) for p in (20, 39)])])


def test_modules_that_were_exchanged_are_read_and_steered(tmp_path):
    hf, tokenizer = copied("qwen3")
    model, ids = cl.load((hf, tokenizer)), list(range(40, 60))
    before = model.read(ids, "resid_post.2")["resid_post.2"]
    hf.model.layers[2] = copy.deepcopy(hf.model.layers[0])
    hf.model.layers[2].self_attn.layer_idx = 2
    again = cl.load((copy.deepcopy(hf), tokenizer))
    for changes in ((), (AddVector(2, np.ones(32, np.float32)),)):
        found = model.read(ids, "resid_post.2", interventions=changes)["resid_post.2"]
        np.testing.assert_array_equal(found, again.read(ids, "resid_post.2", interventions=changes)["resid_post.2"])
        assert np.abs(found - before).max() > 0.1


class Adapter(torch.nn.Module):
    """A linear layer with a low-rank part that can be switched off, as adapters have it."""

    def __init__(self, base):
        super().__init__()
        self.base, self._disabled, self.scaling = base, False, {"default": 0.5}
        self.down, self.up = torch.nn.Linear(32, 2, bias=False), torch.nn.Linear(2, 32, bias=False)

    def forward(self, x):
        added = 0 if self._disabled else self.up(self.down(x)) * self.scaling["default"]
        return self.base(x) + added


def test_an_adapter_is_part_of_the_model():
    hf, tokenizer = copied("qwen3")
    model = cl.load((hf, tokenizer))
    states = [model.state]
    hf.model.layers[0].self_attn.o_proj = layer = Adapter(hf.model.layers[0].self_attn.o_proj)
    for change in (lambda: None, lambda: setattr(layer, "_disabled", True), lambda: layer.scaling.update(default=1.0)):
        change()
        states.append(model.state)
    assert "" not in states and len(set(states)) == 4


def test_looking_inside_with_transformers_changes_nothing():
    """It notes in the module that it has put its own hooks there."""
    hf, tokenizer = copied("qwen3")
    model = cl.load((hf, tokenizer))
    before = model.state
    hf(torch.tensor([[1, 2, 3]]), output_hidden_states=True)
    assert model.state == before != ""


def test_what_cannot_be_known_is_neither_kept_nor_taken(tmp_path):
    """A hook may do anything: its rollouts stay out of the store, and the trace says why."""
    hf, tokenizer = copied("qwen3")
    model = cl.load((hf, tokenizer), store=tmp_path / "rollouts.sqlite")
    texts, _ = taken(model)
    before = scored(model)
    layer = hf.model.layers[1].mlp
    silent = lambda module, given, out: out * 0  # noqa: E731
    for change, undo in (
        (lambda: layer.register_forward_hook(silent), lambda made: made.remove()),
        (lambda: setattr(layer, "forward", lambda x: x * 0), lambda _: delattr(layer, "forward")),
        (lambda: on_every_module(lambda at, _, out: out * 0 if at is layer else None), lambda made: made.remove()),
    ):
        made = change()
        assert model.state == ""
        other, stored = taken(model)
        assert (stored, other != texts, len(model.store)) == ({False}, True, 2)
        assert said_of_hooks(model)
        assert np.abs(scored(model) - before).max() > 0.1
        undo(made)
        assert taken(model) == (texts, {True}) and not said_of_hooks(model)


def test_a_model_that_is_being_trained_is_asked_as_if_it_were_not(tmp_path):
    """No dropout, the same numbers and the same model; and the training goes on in the mode that it left."""
    hf, tokenizer = copied("qwen3")
    for layer in hf.model.layers:
        layer.self_attn.attention_dropout = 0.5
    model = cl.load((hf, tokenizer), store=tmp_path / "rollouts.sqlite")
    before, texts, state = scored(model), taken(model)[0], model.state
    hf.train()
    hf.model.layers[1].eval()
    modes = [module.training for module in hf.modules()]
    assert model.state == state and taken(model) == (texts, {True})
    model.engine.trunk = None
    np.testing.assert_array_equal(scored(model), before)
    assert [module.training for module in hf.modules()] == modes


def said_of_hooks(model):
    """Whether a rollout says that hooks took part in it."""
    notes = model.rollouts(start(model), **SHORT)[0][0].meta.get("notes", ())
    return any("hook" in note for note in notes)


def test_a_class_whose_forward_was_exchanged_is_not_known(monkeypatch):
    hf, tokenizer = copied("qwen3")
    model = cl.load((hf, tokenizer))
    assert model.state
    kind = type(hf.model.layers[0].mlp)
    monkeypatch.setattr(kind, "forward", lambda self, x: x)
    assert model.state == ""


def test_a_function_of_torch_that_was_exchanged_is_not_known(monkeypatch):
    model = cl.load(copied("qwen3"))
    assert model.state
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear", lambda x, weight, bias=None: 2 * linear(x, weight, bias))
    assert model.state == ""


@pytest.mark.parametrize("kind", ["longrope", "dynamic"])
def test_a_long_text_leaves_the_model_what_it_was(kind):
    """Some rotary embeddings keep the frequencies of the last text: they follow the text, not the weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    short, long = {"short_factor": [1.0] * 4, "long_factor": [2.0] * 4}, {"original_max_position_embeddings": 32}
    factors = {**short, **long} if kind == "longrope" else {"factor": 2.0}
    hf = LlamaForCausalLM(LlamaConfig(
        vocab_size=400, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
        max_position_embeddings=32, rope_parameters={"rope_type": kind, "rope_theta": 10000.0, **factors},
    )).eval()  # fmt: skip
    before, frequencies = Identity(hf).state(), hf.model.rotary_emb.inv_freq.clone()
    with torch.no_grad():
        hf(torch.ones(1, 60, dtype=torch.long))
    assert (hf.model.rotary_emb.inv_freq != frequencies).any()
    assert Identity(hf).state() == before != ""


def test_the_state_stays_while_the_model_is_asked(each_model):
    before = each_model.state
    trace = each_model.reason(PROMPT, max_new_tokens=4)
    each_model.read(trace, "resid_post.1", interventions=AddVector(0, np.ones(32, np.float32)))
    scored(each_model)
    assert each_model.state == before != ""


def test_every_process_knows_the_same_model():
    code = f"from tests.model import tiny; print(*(tiny.model(name).state for name in {FAMILIES}), sep='\\n')"
    root = Path(tiny.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "7"}
    run = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert run.stdout.split("\n")[: len(FAMILIES)] == [tiny.model(name).state for name in FAMILIES]


def test_tied_weights_count_once_however_they_are_stored():
    hf, _ = copied("gpt2")
    assert hf.lm_head.weight is hf.transformer.wte.weight
    before = Identity(hf).weights()
    hf.lm_head.weight = torch.nn.Parameter(hf.lm_head.weight.detach().clone())
    assert Identity(hf).weights() == before
    with torch.no_grad():
        hf.lm_head.weight[5, 5] += 1  # no longer tied, whatever the model says
    assert Identity(hf).weights() != before


# ---------------------------------------------------------------- names and commits


def test_one_commit_hash_is_not_one_model(tmp_path):
    (hf, tokenizer), (other, _) = copied("qwen3"), copied("qwen3")
    with torch.no_grad():
        other.model.layers[0].mlp.down_proj.weight[:, 1] = 0
    for one in (hf, other):
        one.config._commit_hash = "0123456789abcdef0123456789abcdef01234567"
    first, second = (cl.load((one, tokenizer), store=tmp_path / "kept") for one in (hf, other))
    assert first.commit == second.commit == "0123456789abcdef0123456789abcdef01234567"
    assert taken(first)[1] == {False} and taken(second)[1] == {False}
    assert first.revision != second.revision
    assert first.reason(PROMPT, max_new_tokens=1).meta["commit"] == first.commit


def test_other_names_for_the_same_weights_share_what_was_written(tmp_path):
    hf, tokenizer = copied("qwen3")
    hf.save_pretrained(tmp_path / "folder")
    tokenizer.save_pretrained(tmp_path / "folder")
    first = cl.load((hf, tokenizer), revision="mine", store=tmp_path / "kept")
    texts, _ = taken(first)
    assert taken(cl.load(tmp_path / "folder", store=tmp_path / "kept")) == (texts, {True})


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub with one model in it; its commit."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--tiny--qwen3"
    hf, tokenizer = tiny.pair("qwen3")
    hf.save_pretrained(home / "snapshots" / commit)
    tokenizer.save_pretrained(home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return commit


def test_results_name_the_commit_of_the_hub(hub, tmp_path):
    from transformers import AutoModelForCausalLM

    model = cl.load("tiny/qwen3")
    assert (model.revision, model.commit, model.weights) == (hub, hub, tiny.model("qwen3").weights)
    trace = model.compose(PROMPT, THOUGHT, r"\boxed{19}")
    result = cl.importance.Occlusion(unit="sentence").run(trace, model)
    result.save(tmp_path / "result.json")
    made = cl.load_result(tmp_path / "result.json").provenance
    assert (made.commit, made.weights, made.revision) == (hub, model.weights, hub)
    assert made.generation == {"temperature": 1.0, "top_p": 1.0, "top_k": 0}
    pair = cl.load((AutoModelForCausalLM.from_pretrained("tiny/qwen3"), model.codec.tokenizer))
    assert (pair.commit, pair.revision) == (hub, pair.weights)  # a pair may have been changed since
    assert cl.load(tmp_path / "models--tiny--qwen3" / "snapshots" / hub).commit == hub


# ---------------------------------------------------------------- other places


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 5000), data=st.data())
def test_a_checksum_on_a_device_sees_every_change(seed, size, data):
    values = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    before, at = checksum(values), data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4, unique=True))
    changed = values.clone()
    changed[at] = -changed[at]
    assert checksum(changed) != before
    turned = values.roll(1)
    assert checksum(turned) != before or torch.equal(turned, values)
    assert checksum(values) == before


def test_weights_on_a_device_are_fetched_again_only_where_they_changed(monkeypatch):
    """As if these lay on a GPU: their checksums decide."""
    hf, _ = copied("qwen3")
    identity, fetched = Identity(hf), []
    hashed = "cotlens.models.identity._hash"
    plain = identity.weights()
    monkeypatch.setattr("cotlens.models.identity.HOME", "elsewhere")
    from cotlens.models import identity as module

    whole = module._hash
    monkeypatch.setattr(hashed, lambda tensor: fetched.append(1) or whole(tensor))
    assert identity.weights() == plain and len(fetched) > 10
    fetched.clear()
    assert identity.weights() == plain and not fetched
    with torch.no_grad():
        hf.model.norm.weight[0] += 1
    assert identity.weights() != plain and len(fetched) == 1


def test_files_are_known_by_all_their_bytes(tmp_path):
    assert of_files(tmp_path) == ""
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)) * 1000)
    before = of_files(tmp_path)
    whole = bytearray((tmp_path / "model.safetensors").read_bytes())
    whole[123_456] ^= 1
    (tmp_path / "model.safetensors").write_bytes(whole)
    assert before.startswith("files:") and of_files(tmp_path) != before


# ---------------------------------------------------------------- trained weights

ABLATIONS = {
    "attention heads": lambda hf: [layer.self_attn.o_proj.weight.data[:, 64:] for layer in hf.model.layers],
    "all neurons but one": lambda hf: [layer.mlp.down_proj.weight.data[:, 1:] for layer in hf.model.layers],
    "a range of embeddings": lambda hf: [hf.model.embed_tokens.weight.data[200:400]],
}


@contextmanager
def zeroed(parts):
    """With parts of weights at 0, and back."""
    kept = [part.clone() for part in parts]
    try:
        for part in parts:
            part.zero_()
        yield
    finally:
        for part, was in zip(parts, kept, strict=True):
            part.copy_(was)


def test_an_ablated_model_is_another_model(tmp_path):
    """The store must not give an ablated model the texts of the intact one: an effect would seem to be none."""
    hf, tokenizer = load_pair("abacus")
    options = {"score": "plain", "store": tmp_path / "rollouts.sqlite"}
    model = cl.load((hf, tokenizer), **options)
    texts, _ = taken(model, max_new_tokens=4)
    revisions = {model.revision}
    for name, parts in ABLATIONS.items():
        with zeroed(parts(hf)):
            again = cl.load((hf, tokenizer), **options)
            assert taken(again, max_new_tokens=4)[1] == {False}, name
            other, stored = taken(model, max_new_tokens=4)
            assert stored == {True} and other != texts, name  # what `again` has just written
            revisions.add(model.revision)
    assert len(revisions) == 4 and taken(model, max_new_tokens=4) == (texts, {True})
