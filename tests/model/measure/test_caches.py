"""What is remembered beside rollouts goes by content: vectors, autoencoders, labels, norms, and what widgets show."""

import copy
import dataclasses
import warnings

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.dashboard import Dashboard, make_dashboard
from cotlens.measure.method import as_data
from cotlens.models.contract import Ablate, AddVector, BlockAttention, Patch
from cotlens.models.load import load
from cotlens.results import Provenance
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.feature_table.labels import labels_of
from tests.model import tiny
from tests.model.measure.test_features import random_sae

PROMPT, THOUGHT = "Mia has 12 pears and buys 7 more.", "First I add 12 and 7. It is 19 now."


def changed(sae, name="W_dec", row=1):
    """The same autoencoder with one number changed, in a row that no sample of 64 rows need hold."""
    weights = {key: tensor.clone() for key, tensor in sae.weights.items()}
    weights[name][row, 0] += 1.0
    return dataclasses.replace(sae, weights=weights)


def composed(model):
    return model.compose(PROMPT, THOUGHT, r"\boxed{19}")


def own():
    """A model whose weights may be changed."""
    hf, tokenizer = tiny.pair("qwen3")
    return load((copy.deepcopy(hf), tokenizer))


@pytest.fixture
def zeroed():
    """A function that takes the MLP of a layer out, behind the model that was loaded."""
    return lambda model, layer=1: model.engine.hf.model.layers[layer].mlp.down_proj.weight.data.zero_()


# ---------------------------------------------------------------- vectors and interventions


def test_interventions_are_counted_by_all_their_content():
    v = np.ones(4, np.float32)
    made = [
        AddVector(1, v), AddVector(1, 2 * v), AddVector(1, v, coefficient=2), AddVector(2, v), AddVector(1, v, (3,)),
        AddVector(1, v, range(3, 9)), AddVector(1, v, site="mlp_out"), Ablate(1), Ablate(1, mode="mean", mean=v),
        BlockAttention(None, (3,)), BlockAttention((3,), None), Patch(1, (3,), v[None]),
    ]  # fmt: skip
    assert len({one.fingerprint for one in made}) == len(set(made)) == len(made)
    assert AddVector(1, v, coefficient=2) == AddVector(np.int64(1), v.astype(np.float64), coefficient=2.0)


def test_a_trace_names_the_vectors_it_was_written_with(qwen):
    start = composed(qwen)
    vectors = [cl.steering.given(np.ones(32) * size, 1, name="same name") for size in (0.5, 1.0)]
    runs = [
        cl.steering.rewrite(qwen, start, [(one.on(1, 1.0), 0.5, "from here on")], max_new_tokens=2) for one in vectors
    ]
    names = [run.meta["vector_fingerprints"] for run in runs]
    assert names[0] != names[1] and names[0] == [vectors[0].fingerprint]
    assert runs[0].meta["intervention_fingerprints"]
    settings = [as_data(cl.steering.Sweep(vector=one))["vector"] for one in vectors]
    assert settings[0]["name"] == settings[1]["name"] and settings[0]["fingerprint"] != settings[1]["fingerprint"]
    assert settings[0]["values"] == {"array": [32], "fingerprint": as_data(vectors[0].values)["fingerprint"]}


def test_a_vector_knows_the_weights_it_was_made_with(zeroed):
    model = own()
    made = cl.steering.fit(model, ["It is so.", "Yes, of course."], ["It is not.", "No, never."], layer=1)
    assert made.provenance.weights == model.weights
    renamed = load((model.engine.hf, model.codec.tokenizer))
    renamed.name = "the same weights under another name"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.check(model)
        made.check(renamed)
    zeroed(model)
    with pytest.warns(UserWarning, match="made with weights:"):
        made.check(model)
    old = dataclasses.replace(made, provenance=Provenance("fit", model=model.name, revision="weights:0123456789ab"))
    with pytest.warns(UserWarning, match="by an older CoTLens"):
        old.check(model)


def test_the_unit_of_a_coefficient_follows_the_weights(zeroed):
    model = own()
    trace = composed(model)
    before = cl.steering.residual_norm(model, 2, trace)
    spent = model.meter.snapshot()
    assert cl.steering.residual_norm(model, 2, trace) == before
    assert model.meter.since(spent).tokens == 0
    zeroed(model)
    assert cl.steering.residual_norm(model, 2, trace) != before


# ---------------------------------------------------------------- autoencoders


def test_autoencoders_are_counted_by_every_weight(qwen):
    sae, trace = random_sae(), composed(qwen)
    assert sae.fingerprint == random_sae().fingerprint == sae.to("cpu").fingerprint
    others = [changed(sae), changed(sae, "W_enc"), random_sae(k=5), random_sae(site="resid_post.0")]
    assert len({one.fingerprint for one in [sae, *others]}) == 5
    found = [cl.features.features(trace, qwen, one) for one in (sae, changed(sae))]
    assert len({one.extras["sae"]["fingerprint"] for one in found}) == 2
    assert found[0].provenance.settings["sae_fingerprint"] == sae.fingerprint


def test_an_autoencoder_that_was_changed_in_place_clamps_as_it_is_now():
    sae = random_sae()
    before = cl.features.clamp(sae, 3).encoder
    sae.weights["W_enc"][:, 5] *= 2
    after = cl.features.clamp(sae, 3).encoder
    np.testing.assert_array_equal(after, sae.weights["W_enc"].numpy())
    assert (after != before).any()


def test_labels_that_were_typed_belong_to_one_autoencoder(tmp_path, monkeypatch):
    monkeypatch.setenv("COTLENS_STORE", str(tmp_path / "rollouts.sqlite"))
    generator, config = torch.Generator().manual_seed(0), dataclasses.replace(random_sae().config, d_sae=256)
    shapes = {"W_enc": (32, 256), "b_enc": (256,), "W_dec": (256, 32), "b_dec": (32,)}
    sae = SAE(config, {name: torch.randn(*shape, generator=generator) for name, shape in shapes.items()})
    other = changed(sae, row=1)  # every fourth row is all that a sample of 64 would see
    labels_of(sae, None).type(3, "what I call it")
    assert labels_of(sae, None).typed == {3: "what I call it"}
    assert labels_of(other, None).typed == {}


def test_a_dashboard_of_other_weights_is_not_used(qwen, tmp_path):
    sae = random_sae()
    traces = [qwen.compose(PROMPT, f"I add {i}. It is {i + 2}.", "19") for i in range(4)]
    board = make_dashboard(qwen, sae, traces)
    for folder, kept, dtype in (("own", sae, "float32"), ("half", sae, "float16"), ("other", changed(sae), "float32")):
        cl.features.save_sae(kept, tmp_path / folder, dtype)
        board.save(tmp_path / folder)
    for folder in ("own", "half"):
        assert len(Dashboard.of(cl.features.load_sae(tmp_path / folder))) == len(board)
    with pytest.warns(UserWarning, match="made of another autoencoder"):
        assert Dashboard.of(cl.features.load_sae(tmp_path / "other")) is None


# ---------------------------------------------------------------- widgets


def test_an_editor_measures_anew_where_weights_were_changed_behind_it(zeroed):
    model = own()
    editor = cl.CoTEditor(model, composed(model), measure="occlusion-direct", unit="sentence")
    assert editor.wait(120)
    before, first = editor.result.columns["estimate"].copy(), editor.trace.logprobs.copy()
    zeroed(model)
    editor._jobs.start("anything", lambda: None)
    assert editor.wait(120) and editor.result is None
    editor._measure()
    assert editor.wait(120)
    assert np.abs(editor.result.columns["estimate"] - before).max() > 1e-3
    assert np.nanmax(np.abs(editor.trace.logprobs - first)) > 1e-3
    assert editor.result.provenance.weights == model.weights


def test_a_feature_table_reads_anew_where_weights_were_changed_behind_it(zeroed):
    model = own()
    table = cl.FeatureTable(model, composed(model), random_sae(), exact=1)
    assert table.wait(120)
    before = table.view.error
    zeroed(model)
    table._read()
    assert table.wait(120) and table.view.error != before


def test_a_steering_panel_forgets_the_choices_of_other_weights(zeroed):
    model = own()
    vector = cl.steering.given(np.ones(32), 1).on(1, 1.0)
    panel = cl.SteeringPanel(model, composed(model), [vector], max_new_tokens=4)
    assert panel.wait(120) and panel._writer._choices
    zeroed(model)
    panel._jobs.start("anything", lambda: None)
    assert panel.wait(120) and not panel._writer._choices


def test_one_text_under_two_changes_is_two_branches(qwen):
    trace = composed(qwen)
    under = [dataclasses.replace(trace, meta={**trace.meta, "intervention_fingerprints": [name]}) for name in "ab"]
    tree = Tree()
    nodes = [tree.add(one, None, "", "") for one in (trace, *under, under[0])]
    assert [node.id for node in nodes] == ["b0", "b1", "b2", "b1"]
    assert tree.holding(trace.id).id == "b1"  # the one that is shown
