"""Models in GGUF files: dequantised to the numbers that plain transformers makes of them, damage said in a sentence."""

import json
import struct
import sys
import warnings
from contextlib import suppress

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

import cotlens as cl
from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import BackendError, CapabilityError, CotLensError, InputError
from cotlens._core.progress import stage
from cotlens.models import gguf
from cotlens.models.contract import Branch
from cotlens.models.local.loading import steps
from cotlens.models.model_files import ModelFiles
from tests import pretrained
from tests.model import tiny_gguf

TEXT = [(37 * i) % 300 for i in range(40)]
BRANCHES = [Branch(p, (1, 2, 3)) for p in range(5, 40, 5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a whole model in Q8_0."""
    path = tmp_path_factory.mktemp("gguf")
    tiny_gguf.write(path / "tiny.gguf", kept="Q8_0")
    return path


@pytest.fixture(scope="module")
def whole(folder):
    """The bytes of that model."""
    return (folder / "tiny.gguf").read_bytes()


def scored(model):
    return np.concatenate([score.logprobs for score in model.score(TEXT, BRANCHES)])


def plain(hf):
    """The same by plain forward passes."""
    found = []
    for branch in BRANCHES:
        ids = [*TEXT[: branch.prefix], *branch.token_ids]
        with torch.no_grad():
            rows = torch.log_softmax(hf(torch.tensor([ids])).logits[0].double(), -1)
        found += [float(rows[branch.prefix - 1 + i, token]) for i, token in enumerate(branch.token_ids)]
    return np.array(found)


def test_a_file_and_its_folder_are_the_model_that_transformers_makes_of_them(folder):
    hf = AutoModelForCausalLM.from_pretrained(folder, gguf_file="tiny.gguf", dtype=torch.float32).eval()
    for name in (folder / "tiny.gguf", str(folder)):
        model = cl.load(name, store=False)
        np.testing.assert_allclose(scored(model), plain(hf), atol=1e-4)
        assert model.dtype == "float32, from a Q8_0+F32 GGUF" and model.score_path.startswith("packed")
        trace = model.reason("Mia has 12 pears", max_new_tokens=3, temperature=0)
        assert trace.meta["dtype"] == model.dtype


def test_unquantised_weights_are_bit_for_bit_those_they_were_written_from(tmp_path):
    hf = tiny_gguf.write(tmp_path / "tiny.gguf")
    model = cl.load(tmp_path / "tiny.gguf", store=False)
    assert model.dtype == "float32, from a F32 GGUF"
    theirs = model.engine.hf.state_dict()
    assert all(torch.equal(weight, theirs[name]) for name, weight in hf.state_dict().items())
    assert model.format.stop_ids and model.context_length == hf.config.max_position_embeddings


def test_a_plan_reads_no_weights(folder):
    plan = cl.load(folder / "tiny.gguf", dry_run=True)
    assert plan.architecture == "LlamaForCausalLM" and plan.weights == 4 * plan.parameters


def test_the_pretrained_model():
    """Every weight and token of SmolLM2 are those of plain transformers, which the other tests take from its copy."""
    model = cl.load(pretrained.weights(), format=pretrained.MARKERS, store=False)
    hf, tokenizer = pretrained.pair()
    ours, theirs = model.engine.hf.state_dict(), hf.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    ours, theirs = (json.loads(one.backend_tokenizer.to_str()) for one in (model.codec.tokenizer, tokenizer))
    cuts = ours.pop("pre_tokenizer"), theirs.pop("pre_tokenizer")
    assert ours == theirs and cuts[0]["pretokenizers"] == [{"type": "Digits", "individual_digits": True}, cuts[1]]
    assert model.codec.tokenizer.chat_template == tokenizer.chat_template
    assert model.codec.tokenizer.special_tokens_map == tokenizer.special_tokens_map
    assert model.dtype == "float32, from a Q4_1+Q8_0 GGUF"
    assert "equal to separate passes" in model.score_path


@pytest.mark.parametrize("splits", ["smollm", "refact", "gpt-2", "llama-bpe", "deepseek-v3", None])
def test_texts_are_cut_as_the_file_says_or_that_is_warned_of(splits, tmp_path):
    """transformers takes every name that it doesn't know for GPT-2's: line breaks before numbers come apart."""
    tiny_gguf.write(tmp_path / "tiny.gguf", splits=splits)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cut = ModelFiles.of(tmp_path / "tiny.gguf").tokenizer().backend_tokenizer.pre_tokenizer
    pieces = [piece for piece, _ in cut.pre_tokenize_str("So:\n\n12")]
    if splits in ("smollm", "refact"):
        assert pieces == ["So", ":", "ĊĊ", "1", "2"]
    elif splits != "llama-bpe":
        assert pieces == ["So", ":", "Ċ", "Ċ", "12"]
    said = splits or "doesn't say"
    assert [said in str(one.message) for one in told] == [True] * (splits in ("deepseek-v3", None))


def test_cut_anywhere_it_is_one_sentence(whole, tmp_path):
    """Every length is refused before any library reads the file, and no length is believed."""
    path = tmp_path / "cut.gguf"
    for length in [
        *range(64),
        *range(64, len(whole), len(whole) // 50),
        len(whole) - 32,
    ]:  # up to 31 bytes fill up the end
        path.write_bytes(whole[:length])
        with pytest.raises(BackendError, match=r"^'cut.gguf' is (cut short|no GGUF).*\.$"):
            gguf.read(path)
    path.write_bytes(whole[:-32])
    with pytest.raises(BackendError, match=r"cut short: its weights take [\d,]+ bytes and the file has [\d,]+; down"):
        cl.load(path)


def test_damaged_anywhere_it_is_read_or_one_sentence(whole, tmp_path):
    """No byte of the header that is flipped makes more of it than a CotLensError."""
    path, said = tmp_path / "damaged.gguf", []
    for at in [*range(4, 200), *np.random.default_rng(0).integers(200, len(whole) // 2, 300)]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(CotLensError):
            gguf.read(path)
            continue
        said.append(at)
    assert len(said) > 100


def test_huge_counts_are_not_believed(tmp_path):
    path = tmp_path / "huge.gguf"
    for counts in ((1, 2**63), (0, 2**40)):
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, *counts) + bytes(100))
        with pytest.raises(BackendError, match="cut short or damaged"):
            gguf.read(path)
    name = struct.pack("<Q", 1) + b"a"
    array = struct.pack("<IIQ", 9, 0, 2**62)  # of bytes that are not there
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + name + array + bytes(100))
    with pytest.raises(BackendError, match="header names 4,611,686,018,427,387,904 bytes more"):
        gguf.read(path)
    nested = struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 9, 1) * 3
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + name + nested + bytes(100))
    with pytest.raises(BackendError, match="kind of value that there isn't"):
        gguf.read(path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"architecture": "unheard"}, "of the architecture 'unheard', which transformers .* can't read"),
        ({"architecture": "clip"}, "of the architecture 'clip'"),
        ({"split__count": 3}, "one part of a model"),
        ({"general__type": "adapter"}, "holds no model"),
        ({"without": ("blk.1.ffn_up.weight",)}, "leave out 1 of its weights .model.layers.1.mlp.up_proj.weight"),
        ({"general__alignment": 0}, "aligns its weights to 0 bytes"),
    ],
)
def test_what_is_no_whole_model_is_one_sentence(how, message, tmp_path):
    path = tmp_path / "odd.gguf"
    tiny_gguf.write(path, **how)
    with pytest.raises(BackendError, match=message) as caught:
        cl.load(path)
    assert "\n" not in str(caught.value)


def test_names_that_stand_for_no_one_file(folder, whole, tmp_path):
    (tmp_path / "a.gguf").write_bytes(whole), (tmp_path / "b.gguf").write_bytes(whole)
    with pytest.raises(InputError, match=r"several GGUF files \(a.gguf, b.gguf\)"):
        cl.load(tmp_path)
    with pytest.raises(InputError, match="There is no file"):
        cl.load(str(tmp_path / "c.gguf"))
    with pytest.raises(InputError, match=r"There is no file 'c\.gguf'"):
        cl.load("c.gguf")
    (tmp_path / "text.gguf").write_text("hello, I am text")
    with pytest.raises(BackendError, match="is no GGUF file"):
        cl.load(tmp_path / "text.gguf")
    with pytest.raises(InputError, match="leave out quantization="):
        cl.load(folder / "tiny.gguf", quantization="8bit")


def test_other_weights_go_before_a_gguf(folder, whole, tmp_path):
    """A folder that is a model without it stays that model; the file can be named."""
    assert gguf.find(folder) == folder / "tiny.gguf"
    (tmp_path / "model.safetensors").write_bytes(b""), (tmp_path / "tiny.gguf").write_bytes(whole)
    assert gguf.find(tmp_path) is None and gguf.find(tmp_path / "tiny.gguf") == tmp_path / "tiny.gguf"


def test_without_the_package_it_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(CapabilityError, match=r"needs gguf, which is not installed; run pip install 'cotlens\[gguf\]'"):
        cl.load(folder / "tiny.gguf")


def test_loading_says_what_it_is_doing(folder):
    """As steps of one count, which a bar shows under one name."""
    heard = []
    with control.using(Control(lambda done, total, label: heard.append((done, total, label)))):
        cl.load(folder / "tiny.gguf", store=False)
    loading = [one for one in heard if one[2].startswith("loading tiny.gguf")]
    assert [(done, total) for done, total, _ in loading] == [(i, 5) for i in range(6)]
    assert [label.partition(", ")[2] for *_, label in loading] == [*steps.STEPS, ""]
    assert len({stage(label) for *_, label in loading}) == 1
