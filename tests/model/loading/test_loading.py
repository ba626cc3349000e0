"""Loading: names, folders, pairs, options, the check, memory that runs out."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from cotlens._core.errors import BackendError, CapabilityError, InputError, OutOfMemory
from cotlens.models import shipped
from cotlens.models.contract import Ablate, AddVector, BlockAttention, Branch, ClampFeature, Meter, Patch
from cotlens.models.load import load
from cotlens.models.local.scoring import packed, plain
from cotlens.models.local.scoring import verification as checking
from cotlens.trace import FinalAnswer, Number
from tests.model import tiny

TRUNK = [(37 * i) % 300 for i in range(60)]


def test_the_check_packs_every_supported_family(each_model):
    verdict = each_model.owner.run(lambda: checking.check(each_model.engine))
    assert verdict.way == "packed"
    assert verdict.sentence == each_model.score_path
    assert "equal to separate passes within" in verdict.sentence


def test_the_check_costs_the_meter_nothing(qwen):
    before = qwen.meter.snapshot()
    qwen.owner.run(lambda: checking.check(qwen.engine))
    assert qwen.meter == before
    qwen.score([5, *TRUNK], [Branch(61, (1, 2, 3))])
    assert qwen.meter.since(before) == Meter(tokens=63, forwards=2)


@pytest.mark.parametrize(
    ("family", "why"),
    [("mamba", "linear attention"), ("bloom", "because its forward takes no positions: ")],
)
def test_models_that_can_not_hide_say_why(family, why):
    model = tiny.model(family)
    assert model.score_path.startswith("forked scoring, because")
    assert why in model.score_path
    assert len(model.score(TRUNK, [Branch(5, (1, 2))])[0].logprobs) == 2
    for ask in (
        lambda: model.score(TRUNK, [Branch(5, (1,), (2,))]),
        lambda: model.score(TRUNK, [Branch(5, (1,))], interventions=BlockAttention((4,), (1,))),
    ):
        with pytest.raises(CapabilityError, match="can't be hidden"):
            ask()


def test_a_model_that_ignores_masks_is_found_out():
    """Its config looks like plain attention; only the trial tells."""
    hf = tiny.hf_model("llama", 400)
    forward = hf.model.forward
    hf.model.forward = lambda *args, attention_mask=None, **kwargs: forward(*args, **kwargs)
    model = load((hf, tiny.tokenizer()))
    assert "does not obey" in model.score_path
    with pytest.raises(CapabilityError, match="pays no heed"):
        model.score(TRUNK, [Branch(5, (1,), (2,))])


def test_a_window_in_the_wrong_space_is_found_out(monkeypatch):
    """A model whose layers forget their window differs from itself when packed."""
    hf = tiny.hf_model("mistral", 400)
    model = load((hf, tiny.tokenizer()))
    assert model.score_path.startswith("packed")
    monkeypatch.setattr(model.engine, "layout", _without_window(model.engine.layout))
    verdict = model.owner.run(lambda: checking.check(model.engine))
    assert "packed and separate passes differ by" in verdict.sentence
    assert verdict.way != "packed"


def _without_window(layout):
    import dataclasses

    return dataclasses.replace(layout, kinds=("full_attention",) * 3)


def test_score_can_be_forced(qwen):
    model = load(tiny.pair("qwen3"), score="plain")
    assert model.score_path.startswith("plain scoring, because it was asked for")
    before = model.meter.forwards
    found = model.score(TRUNK, [Branch(p, (1, 2, 3)) for p in (5, 9, 30)])
    assert model.meter.forwards - before == 3
    for a, b in zip(found, qwen.score(TRUNK, [Branch(p, (1, 2, 3)) for p in (5, 9, 30)]), strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


def test_names_and_revisions(qwen):
    named = load(tiny.pair("qwen3"), reader=Number(), revision="abc")
    assert (named.revision, named.reader) == ("abc", Number())
    assert isinstance(qwen.reader, FinalAnswer)
    assert qwen.revision.startswith("weights:")
    assert qwen.revision == load(tiny.pair("qwen3")).revision
    assert tiny.model("llama").revision != qwen.revision
    assert (qwen.where, qwen.dtype, qwen.backend, qwen.context_length) == ("local · CPU", "float32", "local", 512)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("abacsu", "Did you mean 'abacus'"),
        ("./nowhere", "There is no folder"),
        ("", "is empty"),
        ("someone/unheard-of", "could not be had from Hugging Face"),
        ((1, 2, 3), "pair is"),
    ],
)
def test_unknown_names(name, message, monkeypatch):
    monkeypatch.setattr(shipped, "names", lambda: ["abacus"])
    with pytest.raises(InputError, match=message):
        load(name)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(BackendError, match="holds no causal LM"):
        load(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "one/base"}')
    with pytest.raises(BackendError, match="holds adapters without the model"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "lokal"}, "Did you mean 'local'"),
        ({"score": "fast"}, "choose 'auto', 'packed' or 'plain'"),
        ({"format": "thinky"}, "no format called"),
        ({"scores": 1}, "Did you mean 'score'"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(InputError, match=message):
        load(tiny.pair("qwen3"), **options)


@pytest.mark.parametrize(("option", "value"), [("device", "gpuu"), ("dtype", "float31"), ("dtype", "int8")])
def test_unknown_devices_and_dtypes(option, value, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=option):
        load(tmp_path, **{option: value})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_packs_too(dtype):
    hf = tiny.hf_model("qwen3", 400).to(dtype)
    model = load((hf, tiny.tokenizer()))
    assert model.score_path.startswith("packed"), model.score_path
    assert np.isfinite(model.score(TRUNK, [Branch(60, (1, 2, 3), (4,))])[0].logprobs).all()


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        (Branch(0, (1,)), "prefix 0"),
        (Branch(61, (1,)), "prefix 61"),
        (Branch(5, (100_000,)), "not in the model's vocabulary"),
        (Branch(5, (-1,)), "not in the model's vocabulary"),
        (Branch(5, (1,), (60,)), "hides position 60"),
        (Branch(5, (1,), (-1,)), "hides position -1"),
        (Branch(3, (1,), (0, 1, 2)), "hides all of its prefix"),
        (Branch(60, (1,) * 500), "beyond the model's context"),
    ],
)
def test_branches_that_can_not_be(qwen, branch, message):
    with pytest.raises(InputError, match=message):
        qwen.score(TRUNK, [Branch(4, (1,)), branch])


def test_nothing_to_score(qwen):
    assert qwen.score(TRUNK, []) == []
    assert qwen.score(TRUNK, [Branch(3, ())])[0].logprobs.shape == (0,)


def test_positions_and_sites_that_do_not_exist(qwen):
    for call in (
        lambda: qwen.read(TRUNK, "resid_post.3"),
        lambda: qwen.read(TRUNK, "resid.1"),
        lambda: qwen.read(TRUNK, "embed", positions=[60]),
        lambda: qwen.read([], "embed"),
        lambda: qwen.read([10**6], "embed"),
        lambda: qwen.score(TRUNK, [Branch(5, (1,))], interventions=AddVector(7, np.zeros(32))),
        lambda: qwen.score(TRUNK, [Branch(5, (1,))], interventions=AddVector(1, np.zeros(31))),
        lambda: qwen.score(TRUNK, [Branch(5, (1,))], interventions=BlockAttention((1,), (0,), (9,))),
        lambda: qwen.score(TRUNK, [Branch(5, (1,))], interventions=BlockAttention((1,), (0,), None, (9,))),
        lambda: qwen.score(TRUNK, [Branch(5, (1,))], interventions=["no"]),
        lambda: AddVector(-1, np.zeros(32)),
        lambda: AddVector(1, np.zeros((2, 32))),
        lambda: AddVector(1, np.zeros(32), site="nowhere"),
        lambda: AddVector(1, np.zeros(32), positions=(-3,)),
        lambda: Ablate(1, mode="mean"),
        lambda: Ablate(1, mode="median"),
        lambda: Patch(1, (1, 2), np.zeros((1, 32))),
    ):
        with pytest.raises(InputError):
            call()
    narrow = ClampFeature(1, (3,), (1.0,), np.zeros((8, 1)), np.zeros(1), np.zeros(1), np.zeros((1, 8)))
    with pytest.raises(InputError, match="8; this model's are 32 wide"):
        qwen.score(TRUNK, [Branch(5, (1,))], interventions=narrow)


def test_interventions_are_values():
    a, b = AddVector(1, np.ones(4), [1, 2]), AddVector(1, np.ones(4, np.float64), (1, 2))
    assert a == b
    assert hash(a) == hash(b)
    assert a != AddVector(1, np.zeros(4), (1, 2))
    assert Ablate(1) != BlockAttention(None, None)
    with pytest.raises(ValueError, match="read-only"):
        a.vector[0] = 3


class Scarce:
    """Memory that is enough for passes of up to `rows` tokens: a real forward that refuses longer ones."""

    def __init__(self, hf, rows):
        self.refused = 0
        self.rows = rows
        self.handle = hf.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, module, args, kwargs):
        if kwargs["input_ids"].numel() > self.rows:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.handle.remove()


BRANCHES = [Branch(p, tuple(TRUNK[3:10]), (1,) if p % 3 == 0 else ()) for p in range(4, 60)]


def test_passes_are_halved_until_they_fit(qwen):
    whole = qwen.score(TRUNK, BRANCHES)
    with Scarce(qwen.engine.hf, 20) as memory:
        parts = qwen.score(TRUNK, BRANCHES)
    assert memory.refused > 3
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


def test_a_branch_that_does_not_fit_alone(qwen):
    with Scarce(qwen.engine.hf, 9), pytest.raises(OutOfMemory, match="did not fit into memory on its own"):
        qwen.score(TRUNK[:8], [Branch(8, tuple(range(30)))])
    with Scarce(qwen.engine.hf, 2), pytest.raises(OutOfMemory, match="did not fit"):
        qwen.score(TRUNK, BRANCHES)
    assert len(qwen.score(TRUNK, BRANCHES)) == len(BRANCHES)


def test_blocked_passes_are_halved_until_they_fit(qwen):
    blocks = [BlockAttention(range(start + 4, 60), range(start, start + 4)) for start in (4, 20, 30)]
    spans = [(10, 20), (24, 30), (40, 60)]
    whole = qwen.divergence(TRUNK, blocks, spans)
    with Scarce(qwen.engine.hf, 12) as memory:
        parts = qwen.divergence(TRUNK, blocks, spans)
    assert memory.refused > 3
    np.testing.assert_allclose(parts.kl, whole.kl, atol=1e-5)


def test_samples_are_written_in_smaller_groups(qwen):
    whole = qwen.reason("Mia has 12 pears", n=5, max_new_tokens=6, seed=1)
    heard = []
    before = qwen.reason("Mia has 12 pears", max_new_tokens=1).meta["begin"]
    with Scarce(qwen.engine.hf, before) as memory:
        memory.rows = before
        parts = qwen.reason("Mia has 12 pears", n=5, max_new_tokens=6, seed=1, on_token=lambda *t: heard.append(t))
    assert [t.token_ids for t in parts] == [t.token_ids for t in whole]
    with Scarce(qwen.engine.hf, 2), pytest.raises(OutOfMemory):
        qwen.reason("Mia has 12 pears", max_new_tokens=6)
    assert len(heard) == 6


def test_autograd_is_off_everywhere(qwen):
    seen = []
    handle = qwen.engine.hf.register_forward_hook(lambda m, a, out: seen.append(out.logits.requires_grad))
    try:
        qwen.score(TRUNK, BRANCHES[:2])
        qwen.read(TRUNK, "resid_post.1")
        qwen.reason("Mia", max_new_tokens=2, interventions=AddVector(1, np.ones(32)))
        qwen.annotate(qwen.compose("Mia", "a", "b"))
    finally:
        handle.remove()
    assert seen
    assert not any(seen)


def test_the_trunk_cache_is_never_changed(qwen):
    """Scoring twice, and in another order, gives the same numbers bit for bit."""
    first = qwen.score(TRUNK, BRANCHES)
    again = qwen.score(TRUNK, BRANCHES[::-1])[::-1]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.logprobs, b.logprobs)


def test_a_trunk_asked_again_is_run_only_where_it_is_needed(qwen):
    """And the numbers are bit for bit those of a fresh run."""
    trunk = [(11 * i) % 300 for i in range(400)]
    asks = [
        [Branch(400, (1, 2, 3)), Branch(400, (1, 2, 3), (7, 8))],
        [Branch(400, (1, 2, 3), (9,))],
        [Branch(p, (4, 5)) for p in range(100, 180, 10)],
        [Branch(300, (4, 5), (2,))],
    ]
    fresh, spent = [], []
    for ask in asks:
        qwen.engine.trunk = None
        fresh.append(qwen.score(trunk, ask))
    qwen.engine.trunk = None
    for ask, expected in zip(asks, fresh, strict=True):
        before = qwen.meter.snapshot()
        found = qwen.score(trunk, ask)
        spent.append(qwen.meter.since(before).tokens)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a.logprobs, b.logprobs)
            np.testing.assert_array_equal(a.rival_logprobs, b.rival_logprobs)
    nodes = [2 + 3, 3, 8, 2]
    assert spent == [400 + nodes[0], nodes[1], 256 + nodes[2], 384 - 256 + nodes[3]]  # in pieces of 128
    other = [*trunk[:200], 5, *trunk[201:]]
    changed = qwen.score(other, asks[0])
    qwen.engine.trunk = None
    np.testing.assert_array_equal(changed[1].logprobs, qwen.score(other, asks[0])[1].logprobs)


def test_packed_is_one_pass_and_plain_is_many(qwen):
    engine = qwen.engine
    before, engine.trunk = qwen.meter.snapshot(), None
    qwen.owner.run(lambda: packed.score(engine, TRUNK, BRANCHES))
    assert qwen.meter.since(before).forwards == 2
    before = qwen.meter.snapshot()
    qwen.owner.run(lambda: plain.score(engine, TRUNK, BRANCHES))
    assert qwen.meter.since(before).forwards == len(BRANCHES)


def test_the_contract_needs_no_torch():
    code = (
        "import sys, cotlens.models.contract, cotlens.models.load; assert not {'torch', 'nnsight'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
