"""Latents of traces, their effects, and how well an autoencoder stands in, on a tiny random model."""

import numpy as np
import pytest
import torch

from cotlens._core import control
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.answers.forced import ForcedQuery, score_queries
from cotlens.measure.features import Recipe, features, make_dashboard, measure_quality, save_sae, top_logits, train_sae
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.quality import Quality
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import load_sae
from cotlens.measure.features.effects import forced_target
from cotlens.models.contract import Capability, Patch
from cotlens.results import load_result
from cotlens.trace import Number
from tests.model import tiny

WIDTH, LATENTS, SITE = 32, 64, "resid_post.1"
TEXTS = ["Mia has 12 pears and buys 7 more.", "First I add 12 and 7, which gives 19.", "The answer is 19. That is all."]


@pytest.fixture(scope="module")
def model():
    from cotlens.models.load import load

    return load(tiny.pair("qwen3"), reader=Number())


@pytest.fixture(scope="module")
def trace(model):
    return model.compose(
        "Mia has 12 pears and buys 7 more.", "First I add 12 and 7. It is 19 now.", "The answer is 19."
    )


@pytest.fixture(scope="module")
def traces(model):
    return [
        model.compose(TEXTS[i % 3], f"I add {i} and {2 * i}. It is {3 * i}.", f"The answer is {3 * i}.")
        for i in range(8)
    ]


def random_sae(site=SITE, scale=1.0, **settings):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(LATENTS, WIDTH, generator=generator)
    rows = rows / rows.norm(dim=1, keepdim=True)
    weights = {
        "W_enc": rows.T.clone(),
        "b_enc": torch.zeros(LATENTS),
        "W_dec": rows * scale,
        "b_dec": torch.zeros(WIDTH),
    }
    return SAE(
        Config(**{"architecture": "topk", "d_in": WIDTH, "d_sae": LATENTS, "site": site, "k": 6, **settings}), weights
    )


def perfect_sae(site=SITE):
    """Latents are the coordinates, up and down: nothing is lost."""
    eye = torch.eye(WIDTH)
    rows = torch.cat([eye, -eye])
    weights = {"W_enc": rows.T.clone(), "b_enc": torch.zeros(LATENTS), "W_dec": rows, "b_dec": torch.zeros(WIDTH)}
    return SAE(Config("standard", WIDTH, LATENTS, site), weights)


def test_the_table_is_that_of_the_dense_latents(model, trace):
    sae = random_sae()
    dense = sae.encode(model.read(trace, SITE)[SITE]).dense()
    dense[0] = 0
    found = features(trace, model, sae, selection=(10, 20))
    c = found.columns
    assert set(c["latent"]) == set(np.flatnonzero(dense.any(0)))
    np.testing.assert_allclose(c["estimate"], dense[10:20].max(0)[c["latent"]])
    assert (np.diff(c["estimate"]) <= 0).all()
    np.testing.assert_allclose(c["maximum"], dense.max(0)[c["latent"]])
    np.testing.assert_allclose(c["mean"], dense[1:].mean(0)[c["latent"]], rtol=1e-5)
    np.testing.assert_array_equal(c["n"], (dense > 0).sum(0)[c["latent"]])
    np.testing.assert_allclose(c["density"], (dense[1:] > 0).mean(0)[c["latent"]])
    for row, latent in enumerate(c["latent"]):
        mine = slice(found.extras["bounds"][row], found.extras["bounds"][row + 1])
        np.testing.assert_array_equal(found.extras["tokens"][mine], np.flatnonzero(dense[:, latent]))
        assert dense[c["start"][row], latent] == pytest.approx(c["estimate"][row] or c["maximum"][row])
    assert np.isnan(c["effect"]).all()
    assert set(c["effect_status"]) == {"not asked"}


def test_the_error_says_where_the_sae_fails(model, trace):
    sae = random_sae()
    x = model.read(trace, SITE)[SITE][1:]
    rebuilt = sae.decode(sae.encode(x))
    spread = np.square(x - x.mean(0)).sum(1)
    found = features(trace, model, sae)
    np.testing.assert_allclose(found.extras["error"][1:], np.square(x - rebuilt).sum(1) / spread, rtol=1e-3)
    assert np.isnan(found.extras["error"][0])
    poor = found.extras["error"][found.columns["start"]] > 0.5
    np.testing.assert_array_equal(found.columns["poor"], poor)
    assert poor.any()
    assert "don't tell the story" in found.extras["note"]
    whole = features(trace, model, perfect_sae())
    assert whole.extras["explained_variance"] == pytest.approx(1, abs=1e-6)
    assert not whole.columns["poor"].any()
    assert whole.extras["note"] == ""


@pytest.mark.parametrize("site", ["resid_post.1", "mlp_out.0", "attn_out.2"])
@pytest.mark.parametrize("normalize", ["none", "layer_norm"])
def test_the_effect_is_that_of_taking_the_latent_out(model, trace, site, normalize):
    sae = random_sae(site, normalize_activations=normalize)
    asked = features(trace, model, sae).columns["latent"][:2].tolist()
    found = features(trace, model, sae, effect_of=asked, metric="log_probability")
    q = forced_target(model, trace, None, "log_probability")
    x = model.read(q.ids, site)[site]
    for latent in asked:
        without = sae.encode(x[1:])
        kept = without.dense()
        kept[:, latent] = 0
        rows, index = np.nonzero(kept)
        bounds = np.append(0, np.bincount(rows, minlength=len(kept)).cumsum())
        cut = type(without)(bounds, index, kept[rows, index], LATENTS, without.shift, without.scale)
        changed = x.copy()
        changed[1:] += sae.decode(cut) - sae.decode(without)
        kind, layer = site.split(".")
        patch = Patch(int(layer), tuple(range(len(x))), changed, kind)
        own, other = (score_queries(model, trace, [ForcedQuery(q.answer, q.end)], i)[0] for i in ((), (patch,)))
        row = found.columns["latent"].tolist().index(latent)
        assert found.columns["effect"][row] == pytest.approx(own.log_probability - other.log_probability, abs=2e-3)
        assert found.columns["effect_status"][row] == "exact"
    assert np.isnan(found.columns["effect"]).sum() == len(found) - len(asked)


def test_a_sae_of_another_model_or_version_says_so(model, trace):
    for metadata in ({"model_name": "other"}, {"model_name": model.name, "model_revision": "another"}):
        assert "was trained on" in features(trace, model, random_sae(metadata=metadata)).extras["note"]
    same = random_sae(metadata={"model_name": model.name, "model_revision": model.revision})
    assert "was trained on" not in features(trace, model, same).extras["note"]


def test_an_idle_latent_has_no_effect(model, trace):
    sae = random_sae()
    idle = sorted(set(range(LATENTS)) - set(features(trace, model, sae).columns["latent"].tolist()))[:1]
    assert idle
    found = features(trace, model, sae, effect_of=idle)
    row = found.columns["latent"].tolist().index(idle[0])
    assert (found.columns["estimate"][row], found.columns["n"][row]) == (0.0, 0)


def test_the_estimate_is_the_effect_where_latents_are_small(model, trace):
    """With decoder rows a thousandth as long, taking a latent out is a small step, and to first order is enough."""
    sae = random_sae(scale=1e-3)
    table = features(trace, model, sae, estimate=True, metric="log_probability")
    asked = table.columns["latent"][:4].tolist()
    found = features(trace, model, sae, estimate=True, effect_of=asked, metric="log_probability")
    effect, estimate = found.columns["effect"][:4], found.columns["effect_estimate"][:4]
    np.testing.assert_allclose(estimate, effect, atol=0.1 * np.abs(estimate).max() + 2e-5)
    assert np.abs(estimate).max() > 1e-4
    assert found.extras["effect_agreement"] == pytest.approx(np.corrcoef(effect, estimate)[0, 1])
    assert np.isnan(table.extras["effect_agreement"])


def test_estimates_that_the_exact_effects_contradict_are_called_rough(model, trace):
    sae = random_sae()
    table = features(trace, model, sae, estimate=True)
    found = features(trace, model, sae, estimate=True, effect_of=table.columns["latent"][:6].tolist())
    poor = found.extras["effect_agreement"] < 0.5
    assert ("follow the exact ones only at r =" in found.extras["note"]) == poor
    assert "follow" not in table.extras["note"], "nothing exact is known there"


def test_nothing_to_recover_is_no_share():
    nothing = Quality(0.5, 1.0, 0.0, 10, loss=2.0, loss_reconstructed=2.1, loss_zero=2.0, loss_mean=2.0, scored=10)
    assert np.isnan(nothing.loss_recovered) and np.isnan(nothing.loss_recovered_from_mean)


def test_cancelled_effects_keep_the_table(model, trace):
    sae = random_sae()
    asked = features(trace, model, sae).columns["latent"][:3].tolist()

    def stop(done, total, label):
        if label == "ablating latents" and done == 1:
            work.cancel()

    work = control.Control(stop)
    with control.using(work), pytest.raises(Cancelled) as caught:
        features(trace, model, sae, effect_of=asked)
    found = caught.value.partial
    status = dict(zip(found.columns["latent"].tolist(), found.columns["effect_status"], strict=True))
    assert [status[latent].split(":")[0] for latent in asked] == ["exact", "not measured", "not measured"]


def test_a_table_is_kept_in_its_file(model, trace, tmp_path):
    found = features(trace, model, random_sae(), estimate=True)
    found.save(tmp_path / "features.json")
    again = load_result(tmp_path / "features.json")
    np.testing.assert_array_equal(again.extras["values"], found.extras["values"])
    assert again.extras["raises"] == found.extras["raises"]
    assert again.provenance.settings["site"] == SITE


@pytest.mark.parametrize(
    ("sae", "options", "error", "says"),
    [
        (lambda: random_sae("resid_post.9"), {}, InputError, "Layer 9 doesn't exist"),
        (random_sae, {"selection": (5, 5)}, InputError, "empty or not in this trace"),
        (random_sae, {"effect_of": [LATENTS]}, InputError, "0 to 63"),
        (random_sae, {"metric": "loss"}, InputError, "metric='loss'"),
        (lambda: random_sae("embed"), {"effect_of": [3]}, InputError, "not changed"),
    ],
)
def test_bad_input(model, trace, sae, options, error, says):
    with pytest.raises(error, match=says):
        features(trace, model, sae(), **options)


def test_a_sae_of_another_width(model, trace):
    narrow = SAE(Config("standard", 4, 6, SITE), {"W_enc": torch.ones(4, 6), "b_enc": torch.zeros(6),
                                                  "W_dec": torch.ones(6, 4), "b_dec": torch.zeros(4)})  # fmt: skip
    with pytest.raises(InputError, match=r"\[tokens, 4\]"):
        features(trace, model, narrow)
    with pytest.raises(InputError, match=r"\[n, 32\]"):
        top_logits(model, narrow, [0])


class ReadsNothing:
    """A model whose backend can't read activations."""

    def __init__(self, model):
        self._model, self.capabilities = model, Capability.SCORE

    def __getattr__(self, name):
        return getattr(self._model, name)


def test_a_backend_that_can_not_read(model, trace):
    with pytest.raises(CapabilityError, match="READ"):
        features(trace, ReadsNothing(model), random_sae())
    with pytest.raises(CapabilityError, match="can't be read"):
        train_sae(ReadsNothing(model), TEXTS, SITE)


def test_a_perfect_autoencoder_is_judged_perfect(model, traces):
    found = measure_quality(model, perfect_sae(), traces)
    assert found.explained_variance == pytest.approx(1, abs=1e-6)
    assert found.loss_reconstructed == pytest.approx(found.loss, abs=1e-5)
    assert found.loss_recovered == pytest.approx(1, abs=1e-4)
    assert found.loss_recovered_from_mean == pytest.approx(1, abs=1e-4)
    assert found.tokens == sum(len(trace.token_ids) - 1 for trace in traces)
    assert found.loss_zero != pytest.approx(found.loss, abs=1e-3)


def test_an_autoencoder_that_knows_only_zero_recovers_nothing(model, traces):
    silent = perfect_sae()
    weights = {**silent.weights, "b_enc": torch.full((LATENTS,), -1e6)}
    found = measure_quality(model, SAE(silent.config, weights), traces)
    assert (found.l0, found.dead) == (0.0, 1.0)
    assert found.loss_recovered == pytest.approx(0, abs=1e-4)


def test_training_and_looking_from_end_to_end(model, traces, tmp_path):
    short = Recipe(latents=64, k=8, steps=150, batch=128, silent_after=2000, learning_rate=5e-3)
    sae = train_sae(model, [*traces, *TEXTS], "blocks.1.hook_resid_post", short)
    assert sae.config.site == SITE
    assert sae.config.metadata["recipe"]["steps"] == 150
    found = measure_quality(model, sae, traces)
    assert found.explained_variance > measure_quality(model, random_sae(), traces).explained_variance
    assert 0 < found.l0 <= 8
    board = make_dashboard(
        model, sae, traces, describe=lambda trace: {"every token": np.ones(len(trace.token_ids), bool)}
    )
    board.save(save_sae(sae, tmp_path, "float16"), limit=200_000)
    table = features(traces[0], model, load_sae(tmp_path))
    row = table.frame().iloc[0]
    assert row["corpus_density"] == pytest.approx(board[row["latent"]]["density"], abs=0.05)
    assert table.extras["raises"][0] == board[row["latent"]]["raises"]
    first = board[int(board.latents[0])]["contexts"][0]
    assert first[0] + first[1] + first[2] in "".join(trace.text for trace in traces)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_unembedding_is_the_last_step_of_the_model(family):
    """The last residual, divided by the scale of its norm, gives the model's own logits (less their mean)."""
    model = tiny.model(family)
    ids = [(37 * i) % 300 for i in range(12)]
    last = model.engine.layout.n_layers - 1
    x = model.read(ids, f"resid_post.{last}")[f"resid_post.{last}"]
    centred = x - x.mean(1, keepdims=True) if family == "gpt2" else x
    scaled = x / np.sqrt(np.square(centred).mean(1, keepdims=True) + 1e-6)
    with torch.no_grad():
        logits = model.engine.hf(torch.tensor([ids])).logits[0].numpy()
    norm = model.engine.hf.get_submodule(model.engine.layout.decoder)
    bias = (
        norm.ln_f.bias.detach().numpy() @ model.engine.hf.lm_head.weight.detach().numpy().T if family == "gpt2" else 0
    )
    np.testing.assert_allclose(model.unembed(scaled) + bias, logits, atol=2e-3, rtol=1e-3)


def test_top_logits_are_the_extremes(model):
    sae = random_sae()
    logits = model.unembed(sae.directions([5]))[0]
    found = top_logits(model, sae, [5], k=3)[0]
    assert [value for _, value in found.raises] == pytest.approx(sorted(logits.tolist())[::-1][:3], abs=1e-3)
    assert [value for _, value in found.lowers] == pytest.approx(sorted(logits.tolist())[:3], abs=1e-3)
