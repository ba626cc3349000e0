"""Models that are spread over devices, offloaded, quantised, or only planned: all numbers are those of a plain one."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import cpu_offload
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from torch.nn.utils import parametrize
from transformers import DynamicCache

from cotlens._core.errors import InputError
from cotlens.models import tracing
from cotlens.models.contract import EVER, Ablate, AddVector, AnswerBranch, BlockAttention, Branch, Patch, Start
from cotlens.models.load import load
from cotlens.models.local import budget, placement
from cotlens.models.local.loading.planning import Plan
from tests.model import tiny
from tests.model.loading.test_loading import Scarce

IDS = [(37 * i) % 300 for i in range(40)]
BRANCHES = [Branch(p, tuple(IDS[3:8]), (1,) if p % 2 else ()) for p in range(5, 40, 5)]
VECTOR = np.random.default_rng(0).normal(size=32).astype(np.float32)
FAMILIES = ("gemma3", "gpt_oss")
DISK = {
    "model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk",
    "model.layers.2": "disk", "model.norm": "cpu", "lm_head": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A function from a family to a folder that holds it."""

    def made(family):
        path = tmp_path_factory.getbasetemp() / f"placed-{family}"
        if not path.exists():
            hf, tokenizer = tiny.pair(family)
            hf.save_pretrained(path)
            tokenizer.save_pretrained(path)
        return path

    return made


def scored(model):
    return np.concatenate([score.logprobs for score in model.score(IDS, BRANCHES)])


QUESTIONS = {
    "score": scored,
    "read": lambda m: m.read(IDS, ["embed", "mlp_out.1"])["mlp_out.1"],
    "add": lambda m: m.score(IDS, BRANCHES, interventions=AddVector(1, VECTOR, range(3, EVER)))[3].logprobs,
    "ablate": lambda m: m.score(IDS, BRANCHES, interventions=Ablate(2, (4, 9), site="attn_out"))[3].logprobs,
    "patch": lambda m: m.read(IDS, "resid_post.2", interventions=Patch(1, (4,), VECTOR[None]))["resid_post.2"],
    "block": lambda m: m.score(IDS, BRANCHES, interventions=BlockAttention(None, (3,), (1,), (0,)))[4].logprobs,
    "write": lambda m: m.reason("Mia", max_new_tokens=5, interventions=AddVector(1, VECTOR)).token_ids,
    "samples": lambda m: sum((trace.token_ids for trace in m.reason("Mia", n=3, max_new_tokens=4)), ()),
    "rollouts": lambda m: m.rollouts([Start(m.compose("Mia", "a b", "c"), 20)], max_new_tokens=3)[0][0].token_ids,
    "attention": lambda m: m.attention(IDS)[1, 1],
    "unembed": lambda m: m.unembed(VECTOR[None]),
    "gradient": lambda m: m.gradient(IDS, AnswerBranch((3, 4, 5), 1, 2), "resid_post.0").gradients["resid_post.0"],
    "divergence": lambda m: m.divergence(IDS, [BlockAttention(range(20, EVER), (3,))], [(25, 30)]).kl,
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_all_can_be_asked_of_a_model_whose_weights_are_elsewhere(family):
    plain = tiny.model(family)
    hf = tiny.hf_model(family, plain.engine.layout.vocabulary)
    cpu_offload(hf, execution_device=torch.device("cpu"))
    model = load((hf, plain.codec.tokenizer))
    assert model.where == "local \u00b7 CPU + offloading"
    assert model.engine.device == torch.device("cpu")
    assert (model.revision, model.score_path[:6]) == (plain.revision, "packed")
    for name, ask in QUESTIONS.items():
        np.testing.assert_allclose(ask(model), ask(plain), atol=1e-6, rtol=0, err_msg=name)
    assert placement.offloaded(hf)


@pytest.mark.parametrize("device_map", ["auto", {"": "cpu"}, DISK], ids=["auto", "cpu", "disk"])
def test_a_device_map(folder, tmp_path, device_map):
    options = {"offload_folder": tmp_path} if device_map is DISK else {}
    model, plain = load(folder("gemma3"), device_map=device_map, **options), tiny.model("gemma3")
    assert model.where == "local \u00b7 CPU" + (" + offloading" if device_map is DISK else "")
    assert model.dtype == "float32"
    assert model.revision == plain.revision
    for name in ("score", "add", "write", "unembed"):
        np.testing.assert_allclose(QUESTIONS[name](model), QUESTIONS[name](plain), atol=1e-6, rtol=0, err_msg=name)


@pytest.mark.parametrize("packs", [False, True], ids=["any processor", "one with avx512_bf16"])
@pytest.mark.parametrize(("quantization", "apart"), [("8bit", 0.5), ("4bit", 30.0)])
def test_quantised_weights(folder, quantization, apart, packs, monkeypatch):
    """On a processor with avx512_bf16 bitsandbytes packs 4-bit weights, which these shapes don't allow."""
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: packs)
    model, plain = load(folder("qwen3"), quantization=quantization), tiny.model("qwen3")
    assert model.dtype == f"float32, {quantization}"  # part of what identifies a stored rollout
    assert model.score_path.startswith("packed")
    off = np.abs(scored(model) - scored(plain)).max()
    assert 1e-3 < off < apart
    steered = model.reason("Mia", max_new_tokens=4, interventions=AddVector(1, VECTOR))
    assert len(steered.token_ids) > steered.meta["begin"]
    assert model.read(IDS, "resid_post.1")["resid_post.1"].shape == (40, 32)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A folder with a model whose 4-bit weights bitsandbytes could pack."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    folder, tokenizer = tmp_path_factory.mktemp("wide"), tiny.tokenizer()
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, initializer_range=0.25, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_quantised_numbers_are_the_same_on_every_processor(wide, monkeypatch):
    """Packed, they would be computed in bfloat16, without gradients, and the weights would change in the first pass."""
    found = []
    for packs in (False, True):
        monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda packs=packs: packs)
        model = load(wide, quantization="4bit")
        state, scores = model.state, scored(model)
        slope = model.gradient(IDS, AnswerBranch((3, 4, 5), 1, 2), "embed").gradients["embed"]
        assert model.state == state and np.abs(slope).max() > 0
        found.append((state, scores, slope))
    assert found[0][0] == found[1][0]
    for one, other in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("quantization", ["8bit", "4bit"])
def test_quantised_weights_are_known_by_all_that_makes_them(wide, quantization):
    model = load(wide, quantization=quantization)
    before = model.weights
    assert load(wide, quantization=quantization).weights == before != load(wide).weights
    scored(model)
    assert model.weights == before
    weight = model.engine.hf.model.layers[0].mlp.up_proj.weight
    scales = (
        weight.quant_state.absmax if quantization == "4bit" else model.engine.hf.model.layers[0].mlp.up_proj.state.SCB
    )
    scales.mul_(2)
    assert model.weights != before


def test_a_wrapped_model_stays_where_it_is():
    """transformers' pipelines, one of which nnsight makes, move models to the first GPU, or without one to the CPU."""
    hf = tiny.hf_model("qwen3", 400).to("meta")
    assert tracing.wrap(hf, tiny.tokenizer())._module is hf
    assert {parameter.device.type for parameter in hf.parameters()} == {"meta"}
    assert not hasattr(hf, "hf_device_map")


# ---------------------------------------------------------------- memory


def test_devices_are_those_that_run_a_part():
    hf = tiny.hf_model("qwen3", 400)
    add_hook_to_module(hf.model.layers[2], AlignDevicesHook(execution_device="meta"))
    assert placement.devices(hf) == (torch.device("cpu"), torch.device("meta"))
    assert placement.devices(tiny.model("qwen3").engine.hf) == (torch.device("cpu"),)


def test_a_container_may_allow_less_than_the_machine_has(monkeypatch, tmp_path):
    monkeypatch.setattr(budget, "_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("300000\n")
    (tmp_path / "memory.current").write_text("100000\n")
    budget._limit.cache_clear()
    try:
        assert budget.free(torch.device("cpu")) == 200_000
        assert budget.available(tiny.model("qwen3").engine) == 100_000
    finally:
        budget._limit.cache_clear()


def test_the_tightest_device_sets_the_budget(monkeypatch):
    engine, rooms = tiny.model("qwen3").engine, {"cpu": 10**10, "cuda": 10**8}
    monkeypatch.setattr(engine, "devices", (torch.device("cpu"), torch.device("cuda:0")))
    monkeypatch.setattr(budget, "free", lambda device, enough=None: rooms[device.type])
    assert budget.available(engine) == 10**8 // 2
    rooms["cuda"] = 10**12
    assert budget.available(engine) == 2**30


def test_memory_is_read_from_the_device(monkeypatch):
    engine = tiny.model("qwen3").engine
    assert 2**20 < budget.free(torch.device("cpu")) < 2**50
    assert budget.available(engine) <= 2**30
    monkeypatch.setattr(budget, "free", lambda device, enough=None: 10**6)
    assert budget.available(engine) == 500_000
    monkeypatch.setattr(budget, "free", lambda device, enough=None: None)
    assert budget.available(engine) == 2**30


SHORT_OF_MEMORY = {
    "read": lambda m: m.read(IDS, "resid_post.1", positions=[35, 3, 3])["resid_post.1"],
    "read, steered": lambda m: m.read(IDS, "resid_post.1", interventions=AddVector(0, VECTOR))["resid_post.1"],
    "annotate": lambda m: m.annotate(m.compose("Mia has 12 pears.", "First I add 12 and 7.", "19")).logprobs[1:],
    "attention": lambda m: m.attention(IDS)[1, 1],
    "attention of spans": lambda m: m.attention(IDS, spans=[(0, 9), (9, 30), (33, 40)])[1, 1],
    "write": lambda m: m.reason("Mia has 12 pears. " * 3, max_new_tokens=5, prefill="First").logprobs[-8:],
    "score": scored,
}


@pytest.mark.parametrize("question", SHORT_OF_MEMORY)
@pytest.mark.parametrize("family", FAMILIES)
def test_passes_are_halved_where_memory_runs_out(family, question):
    model, ask = tiny.model(family), SHORT_OF_MEMORY[question]
    whole = ask(model)
    with Scarce(model.engine.hf, 14) as memory:
        parts = ask(model)
    assert memory.refused
    np.testing.assert_allclose(parts, whole, atol=1e-4, rtol=0)


# ---------------------------------------------------------------- plans


def kept(model, n=40):
    """Bytes of keys and values after n tokens; none are dropped behind a window, as branches may look back."""
    cache = DynamicCache()
    with torch.no_grad():
        model.engine.hf(torch.tensor([IDS[:n]]), past_key_values=cache)
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


def test_a_model_that_also_takes_images_is_opened_for_its_texts(folder):
    model = load(folder("mistral3"))
    assert type(model.engine.hf).__name__ == "Mistral3ForConditionalGeneration"
    np.testing.assert_array_equal(scored(model), scored(load(tiny.pair("mistral3"))))


@pytest.mark.parametrize("family", ["qwen3", "qwen3_moe", "gpt2", "mistral3"])
def test_a_plan_says_what_loading_takes_and_reads_no_weights(folder, family):
    path, model = folder(family), tiny.model(family)
    (path / "model.safetensors").rename(path / "moved")
    try:
        plan = load(path, dry_run=True)
    finally:
        (path / "moved").rename(path / "model.safetensors")
    assert isinstance(plan, Plan)
    assert plan.architecture == type(model.engine.hf).__name__
    assert plan.parameters == sum(parameter.numel() for parameter in model.engine.hf.parameters())
    assert (plan.weights, plan.dtype) == (4 * plan.parameters, "float32")
    assert plan.cache == 1000 * kept(model) // 40
    assert (plan.context, plan.format) == (model.context_length, model.format.name)
    assert plan.devices == {"cpu": plan.weights}
    assert plan.fits
    assert "it fits" in str(plan) and f"{plan.parameters:,} parameters" in str(plan)


def test_a_plan_of_half_precision_and_of_quantised_weights(folder):
    path = folder("qwen3")
    full, half = load(path, dry_run=True), load(path, dtype="bfloat16", dry_run=True)
    assert (half.weights, half.cache) == (full.weights / 2, full.cache / 2)
    for quantization in ("8bit", "4bit"):
        plan = load(path, quantization=quantization, dry_run=True)
        hf = load(path, quantization=quantization).engine.hf
        held = sum(parameter.nbytes for parameter in hf.parameters())
        scales = sum(4 * m.out_features if quantization == "8bit" else m.in_features * m.out_features // 16
                     for m in hf.model.layers.modules() if isinstance(m, torch.nn.Linear))  # fmt: skip
        assert plan.weights == held + scales
        assert f"{quantization} weights, computed in float32" in str(plan)


def test_a_plan_of_a_model_that_is_spread(folder):
    plan = load(folder("gemma3"), device_map=DISK, dry_run=True)
    hf = tiny.model("gemma3").engine.hf
    on_disk = 4 * sum(p.numel() for layer in hf.model.layers[1:] for p in layer.parameters())
    assert plan.devices == {"cpu": plan.weights - on_disk, "disk": on_disk}
    assert "disk" in str(plan)
    assert set(load(folder("gemma3"), device_map="auto", dry_run=True).devices) == {"cpu"}


def test_a_plan_says_what_does_not_fit(folder, monkeypatch):
    monkeypatch.setattr(budget, "free", lambda device, enough=None: 1000)
    plan = load(folder("qwen3"), dry_run=True)
    assert plan.fits is False
    assert "it does not fit" in str(plan)
    monkeypatch.setattr(budget, "free", lambda device, enough=None: None)
    assert load(folder("qwen3"), dry_run=True).fits is None


def test_plans_of_what_is_here_already():
    plan = load("abacus", dry_run=True)
    assert (plan.name, plan.format, plan.context) == ("abacus", "think", 4096)
    pair = load(tiny.pair("qwen3"), dry_run=True)
    assert pair.parameters == sum(parameter.numel() for parameter in tiny.pair("qwen3")[0].parameters())
    linear = load((tiny.hf_model("qwen3_next", 400), tiny.tokenizer()), dry_run=True)
    assert linear.scoring == "forked, if a trial at loading agrees, because it has linear attention layers"
    none = load((tiny.hf_model("mamba", 400), tiny.tokenizer()), dry_run=True)
    assert none.cache is None
    assert "unknown per 1,000 tokens, context of any length" in str(none)


def test_a_checkpoint_that_is_quantised_counts_its_files(folder, tmp_path):
    path = shutil.copytree(folder("qwen3"), tmp_path / "fp8")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "fp8"}}))
    plan = load(path, dry_run=True)
    size = (path / "model.safetensors").stat().st_size
    assert plan.quantization == "fp8"
    assert abs(plan.weights - size) < 100


def test_a_model_without_weights_is_refused_in_a_sentence():
    hf, tokenizer = tiny.pair("qwen3")
    with torch.device("meta"):
        empty = type(hf)(hf.config)
    with pytest.raises(InputError, match="holds no weights"):
        load((empty, tokenizer))


def test_a_compiled_model_is_the_model_that_was_compiled():
    """Its wrapper takes any argument, so that what the model takes would not be seen, and nothing fast be tried."""
    hf, tokenizer = tiny.pair("qwen3")
    model = load((torch.compile(hf, backend="eager"), tokenizer))
    assert model.score_path.startswith("packed") and model.state == tiny.model("qwen3").state


class Adapted(torch.nn.Module):
    """A model with an adapter in a layer, wrapped as PEFT wraps one: what it takes can't be seen."""

    def __init__(self, hf, kind, **learned):
        super().__init__()
        self.base_model = hf
        self.active_peft_config = SimpleNamespace(peft_type=kind, is_prompt_learning=kind != "LORA", **learned)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("base_model"), name)

    def get_base_model(self):
        return self.base_model

    def forward(self, input_ids=None, **rest):
        return self.base_model(input_ids=input_ids, **rest)


def adapted(kind, **learned):
    hf, tokenizer = tiny.hf_model("qwen3", 400), tiny.tokenizer()
    torch.manual_seed(1)
    for layer in hf.model.layers:
        parametrize.register_parametrization(layer.self_attn.q_proj, "weight", LowRank(32))
    return Adapted(hf, kind, **learned), tokenizer


class LowRank(torch.nn.Module):
    """What LoRA adds to a weight."""

    def __init__(self, width):
        super().__init__()
        self.a, self.b = (torch.nn.Parameter(torch.randn(shape)) for shape in ((width, 2), (2, width)))

    def forward(self, weight):
        return weight + self.a @ self.b / 4


def test_adapters_in_the_layers_are_measured_like_the_layers():
    wrapped, tokenizer = adapted("LORA")
    model = load((wrapped, tokenizer))
    assert model.engine.hf is wrapped.base_model and model.score_path.startswith("packed")
    assert model.attention_layers == 3
    with torch.no_grad():
        expected = torch.log_softmax(wrapped(torch.tensor([IDS])).logits[0].double(), -1)
    (score,) = model.score(IDS[:20], [Branch(20, tuple(IDS[20:24]))])
    np.testing.assert_allclose(score.logprobs, [expected[19 + i, IDS[20 + i]] for i in range(4)], atol=1e-4)


@pytest.mark.parametrize(("kind", "learned"), [("PREFIX_TUNING", {}), ("LORA", {"alora_invocation_tokens": [4, 5]})])
def test_a_wrapper_that_takes_part_in_what_is_computed_stays(kind, learned):
    wrapped, tokenizer = adapted(kind, **learned)
    model = load((wrapped, tokenizer))
    assert model.engine.hf is wrapped
    assert (
        model.score_path == "plain scoring, because its forward takes no attention mask and no positions and no cache"
    )


def test_learned_tokens_before_the_text_are_refused():
    with pytest.raises(InputError, match="PROMPT_TUNING"):
        load(adapted("PROMPT_TUNING"))


def test_flex_attention_on_a_cpu_is_refused_before_it_ends_the_process(monkeypatch):
    engine = tiny.model("qwen3").engine
    monkeypatch.setattr(engine.hf.config, "_attn_implementation", "flex_attention")
    with pytest.raises(InputError, match=r"flex_attention.*set_attn_implementation\('sdpa'\)"):
        load((engine.hf, engine.tokenizer))
