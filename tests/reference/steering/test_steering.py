"""Vectors held to repeng and steering-vectors on one model, and GGUF to its own package.

Neither library can be installed beside CoTLens, so `steering/record.py` has recorded what they make of a tiny model:
directions, logits under steering, and a GGUF file that repeng wrote.
"""

import dataclasses

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from cotlens.measure import steering
from cotlens.models.contract import EVER, Branch
from cotlens.models.load import load
from tests.model import tiny
from tests.reference.steering import record

RECORDED = load_file(record.FOLDER / "recorded.safetensors")


@pytest.fixture(scope="module")
def model():
    """The model whose weights were recorded."""
    tokenizer = tiny.tokenizer()
    hf = AutoModelForCausalLM.from_config(tiny.hf_model("llama", len(tokenizer)).config).eval()
    weights = {name.removeprefix("weights."): value for name, value in RECORDED.items() if name.startswith("weights.")}
    hf.load_state_dict(weights)
    return load((hf, tokenizer))


def recorded(kind, layer):
    return RECORDED[f"{kind}.{layer}"].float().numpy()


@pytest.mark.parametrize("kind", ["mean", "pca"])
def test_directions_are_those_of_steering_vectors(model, kind):
    method = "difference" if kind == "mean" else "pca"
    found = steering.fit_layers(model, record.POSITIVE, record.NEGATIVE, method=method)
    assert [one.layer for one in found] == [0, 1, 2]
    for one in found:
        expected = recorded(f"steering_vectors.{kind}", one.layer)
        np.testing.assert_allclose(one.values, expected, atol=2e-5 * np.abs(expected).max())


def test_directions_are_those_of_repeng_below_the_final_norm(model):
    found = steering.fit(model, record.POSITIVE, record.NEGATIVE, layer=1, method="pca")
    np.testing.assert_allclose(found.values, recorded("repeng.pca_center", 1), atol=2e-5)
    last = steering.fit(model, record.POSITIVE, record.NEGATIVE, layer=2, method="pca")
    assert np.abs(last.values - recorded("repeng.pca_center", 2)).max() > 1e-3  # repeng reads it behind the norm


def test_a_raw_coefficient_steers_like_the_multiplier_of_steering_vectors(model):
    vector = steering.given(recorded("steering_vectors.mean", record.LAYER), record.LAYER)
    ids = tuple(model.codec.encode(record.STEERED))
    change = vector.at(record.MULTIPLIER, range(record.FROM, EVER), unit="raw")
    score = model.score(ids[:1], [Branch(1, ids[1:])], interventions=change)[0]
    logits = RECORDED["steering_vectors.logits"].double()
    expected = torch.log_softmax(logits, -1)[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].numpy()
    np.testing.assert_allclose(score.logprobs, expected, atol=1e-4)
    plain = model.score(ids[:1], [Branch(1, ids[1:])])[0].logprobs
    assert np.abs(plain - expected).max() > 0.05


def test_activations_are_read_where_transformers_has_them(model):
    tokenizer = tiny.tokenizer()
    hf = AutoModelForCausalLM.from_config(tiny.hf_model("llama", len(tokenizer)).config).eval()
    hf.load_state_dict({k.removeprefix("weights."): v for k, v in RECORDED.items() if k.startswith("weights.")})
    ids = tokenizer(record.STEERED, return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        hidden = hf(ids, output_hidden_states=True).hidden_states
    norms = [steering.residual_norm(model, layer, [record.STEERED]) for layer in (0, 1)]
    expected = [hidden[layer + 1][0, 1:].norm(dim=-1).mean().item() for layer in (0, 1)]
    np.testing.assert_allclose(norms, expected, rtol=1e-5)


def test_the_file_that_repeng_wrote_is_read():
    found = steering.read_gguf(record.FOLDER / "repeng.gguf")
    assert [one.layer for one in found] == [1, 2]
    for one in found:
        np.testing.assert_array_equal(one.values, recorded("repeng.pca_center", one.layer))
        assert one.provenance.settings["model_hint"] == "llama"


def test_gguf_that_is_written_is_what_its_own_package_reads(tmp_path):
    vectors = [steering.given(recorded("steering_vectors.mean", layer), layer) for layer in (2, 0)]
    path = steering.write_gguf(vectors, tmp_path / "v.gguf", model_hint="llama")
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert fields == {
        "general.architecture": "controlvector",
        "controlvector.model_hint": "llama",
        "controlvector.layer_count": 2,
    }
    assert [tensor.name for tensor in reader.tensors] == ["direction.0", "direction.2"]
    for tensor, vector in zip(reader.tensors, reversed(vectors), strict=True):
        np.testing.assert_array_equal(tensor.data, vector.values)


@pytest.mark.parametrize(("dtype", "exact"), [(np.float32, True), (np.float16, False)])
def test_gguf_of_its_own_package_is_read_with_fields_of_every_kind(tmp_path, dtype, exact):
    values, path = recorded("steering_vectors.mean", 1), tmp_path / "v.gguf"
    writer = gguf.GGUFWriter(path, "controlvector")
    writer.add_string("controlvector.model_hint", "llama")
    writer.add_uint32("controlvector.layer_count", 1)
    writer.add_array("other.words", ["a", "b"])
    writer.add_float32("other.number", 0.5)
    writer.add_bool("other.flag", True)
    writer.add_custom_alignment(64)
    writer.add_tensor("direction.1", values.astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (found,) = steering.read_gguf(path)
    np.testing.assert_array_equal(found.values, values.astype(dtype).astype(np.float32))
    assert bool((found.values == values).all()) == exact


def test_tensors_of_steering_vectors_are_read_and_written(tmp_path):
    layers = {layer: RECORDED[f"steering_vectors.mean.{layer}"] for layer in (0, 1, 2)}
    torch.save(layers, tmp_path / "theirs.pt")  # what is kept of `SteeringVector.layer_activations`
    found = steering.read_tensors(tmp_path / "theirs.pt")
    for one in found:
        np.testing.assert_array_equal(one.values, layers[one.layer].numpy())
    path = steering.write_tensors(found, tmp_path / "ours.pt")
    back = torch.load(path, weights_only=True)  # noqa: TID251 -- as a user of that library would
    assert back.keys() == layers.keys() and all(torch.equal(back[layer], layers[layer]) for layer in layers)


def test_whole_objects_of_steering_vectors_are_refused(tmp_path):
    @dataclasses.dataclass
    class SteeringVector:
        layer_activations: dict

    global _kept
    _kept = SteeringVector
    SteeringVector.__qualname__ = "_kept"
    torch.save(SteeringVector({0: torch.ones(3)}), tmp_path / "whole.pt")
    with pytest.raises(ValueError, match="layer_activations"):
        steering.read_tensors(tmp_path / "whole.pt")
