"""The feature table's protocol, on the shipped Abacus, a tiny Llama and a tiny Gemma 3, and without a browser."""

import itertools
import json

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.widgets.protocol.feature_table import REQUESTS
from cotlens.workbench.shared.compare import CUT, KEPT
from tests.model import tiny
from tests.unit.workbench.front_end import FrontEnd


class Front(FrontEnd):
    """Of a table."""

    requests = REQUESTS

    def column(self, name, dtype="<f4"):
        return np.frombuffer(getattr(self.view, name), dtype)


@pytest.fixture(scope="module")
def sae():
    return cl.features.load_sae("abacus")


@pytest.fixture
def labels_home(tmp_path, monkeypatch):
    """Typed labels are kept beside the store of samples."""
    monkeypatch.setenv("COTLENS_STORE", str(tmp_path / "rollouts.sqlite"))
    return tmp_path / "labels"


@pytest.fixture
def page(abacus, trace, sae, labels_home):
    table = cl.FeatureTable(abacus, trace, sae, exact=3)
    assert table.wait(120) and table.view.job["state"] == "done", table.error
    yield Front(table)
    table.cancel()
    assert table.wait(60)


def random_sae(width, site="resid_post.1", latents=48):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(latents, width, generator=generator)
    rows = rows / rows.norm(dim=1, keepdim=True)
    weights = {"W_enc": rows.T.clone(), "b_enc": torch.zeros(latents), "W_dec": rows, "b_dec": torch.zeros(width)}
    return SAE(Config(architecture="topk", d_in=width, d_sae=latents, site=site, k=6), weights)


def test_it_opens_measured(page, abacus, trace, sae):
    view = page.view
    state = {k: v for k, v in view.get_state().items() if isinstance(v, dict | list) and not k.startswith("_")}
    json.dumps(state, allow_nan=False)
    found = cl.features.features(trace, abacus, sae, estimate=True)
    latents = page.column("latents", "<u4")
    assert set(latents.tolist()) == set(found.columns["latent"].tolist())
    order = [list(found.columns["latent"]).index(latent) for latent in latents]
    np.testing.assert_allclose(page.column("estimate"), found.columns["effect_estimate"][order], atol=1e-4)
    bounds, values = page.column("bounds", "<u4"), page.column("values")
    peaks = [values[a:b].max() for a, b in itertools.pairwise(bounds)]
    np.testing.assert_allclose(peaks, found.columns["maximum"][order], rtol=1e-5)
    assert list(view.labels) == [found.columns["label"][row] for row in order]
    assert np.isfinite(page.column("exact")).sum() == 3
    assert view.effect["target"] == trace.read_answer().text and view.effect["why"] == ""
    assert view.facts["explained"] == pytest.approx(found.extras["explained_variance"], abs=1e-5)
    assert np.isnan(page.column("error")[0]) and view.head["link"] == ""
    assert view.job["state"] == "done" and page.widget.error == ""


def test_exact_effects_are_those_of_the_library(page, abacus, trace, sae):
    latents = page.column("latents", "<u4")[5:8].tolist()
    page.act("exact", latents=latents)
    found = cl.features.features(trace, abacus, sae, effect_of=latents)
    known = dict(zip(found.columns["latent"].tolist(), found.columns["effect"], strict=True))
    exact = dict(zip(page.column("latents", "<u4").tolist(), page.column("exact"), strict=True))
    for latent in latents:
        assert exact[latent] == pytest.approx(known[latent], abs=1e-4)
    assert page.view.effect["compared"] >= 3
    assert f"effect_of={sorted(page.widget._readings.known(trace).exact)}" in page.widget.code


def test_hosts_without_widgets_read_what_was_found(page):
    """The line said for good that nothing had been read."""
    exact, latents = page.column("exact"), page.column("latents", "<u4")
    row = int(np.nanargmax(np.abs(exact)))
    said = repr(page.view)
    assert f"{len(latents):,} active latents of" in said and "it fills" not in said
    assert f"largest measured effect on the answer: {exact[row]:+.3g} of latent {latents[row]}" in said


def test_selecting_is_kept_and_is_code(page, trace):
    span = trace.spans("sentence")[2]
    page.act("select", first=span.start, last=span.end)
    assert page.widget.selection == (span.start, span.end)
    assert f"selection=({span.start}, {span.end})" in page.view.code
    page.widget.select(None)
    assert page.view.selection == {} and "selection=" not in page.view.code
    with pytest.raises(InputError, match="not in this trace"):
        page.widget.select((3, 10_000))


@pytest.mark.parametrize(("mode", "value"), [("ablate", 0.0), ("clamp", 12.0), ("scale", 3.0)])
def test_a_change_is_a_branch_whose_code_makes_it_again(page, trace, sae, abacus, mode, value):
    latent = int(page.column("latents", "<u4")[np.nanargmax(page.column("estimate"))])
    span = trace.spans("sentence")[1]
    page.act("change", latent=latent, mode=mode, value=value, where="onwards", first=span.start, last=span.end)
    made = page.widget.trace
    assert len(page.widget.branches) == 2 and made.id != trace.id
    assert made.token_ids[: span.start + 1] == trace.token_ids[: span.start + 1]
    assert page.view.branches[1]["current"] and str(latent) in page.view.branches[1]["label"]
    rows = page.view.comparison["rows"]
    assert rows and all(0 <= row["before"] <= 1 and 0 <= row["after"] <= 1 for row in rows)
    line = next(each for each in page.widget.code.splitlines() if each.startswith("trace = model.resume"))
    scope = {"cl": cl, "trace": trace, "model": abacus, "sae": sae}
    exec(line, scope)
    assert scope["trace"].token_ids == made.token_ids
    page.act("goto", branch="b0")
    assert page.widget.trace.id == trace.id and page.view.comparison is None


def test_an_edit_that_was_not_rerun_is_said_to_be_one(abacus, trace, sae, labels_home):
    place = trace.spans("sentence")[1]
    for unrun, words in ((trace.delete(place), KEPT), (trace.truncate(place), CUT)):
        table = cl.FeatureTable(abacus, unrun, sae)
        assert table.wait(60) and table.view.comparison["note"] == words
        assert table.view.document["rerun_at"] == unrun.resume_at


def test_a_label_is_typed_kept_and_taken_back(page, abacus, trace, sae, labels_home):
    latent = int(page.column("latents", "<u4")[0])
    page.act("name", latent=latent, label="  my own\nname ")
    assert page.view.labels[0] == "my own name" and page.column("origins", "u1")[0] == 3
    assert list(labels_home.glob("*.json"))
    again = cl.FeatureTable(abacus, trace, sae, exact=0)
    assert again.wait(60) and again.labels == {latent: "my own name"}
    page.act("name", latent=latent, label="")
    assert page.column("origins", "u1")[0] != 3


def test_labels_of_a_neuronpedia_export_come_before_the_saes_own(abacus, trace, sae, tmp_path, labels_home):
    first = int(cl.features.features(trace, abacus, sae).columns["latent"][0])
    path = tmp_path / "export.jsonl"
    path.write_text(json.dumps({"modelId": "abacus", "layer": "1-res", "index": str(first), "description": "sums"}))
    table = cl.FeatureTable(abacus, trace, sae, labels=path, exact=0)
    assert table.wait(60)
    assert table.view.labels[0] == "sums" and np.frombuffer(table.view.origins, "u1")[0] == 2


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_it_works_on_a_random_model(family, labels_home):
    model = tiny.model(family)
    trace = model.reason("Mia has 12 pears and buys 7 more.", seed=0, max_new_tokens=24)
    table = cl.FeatureTable(model, trace, random_sae(32), exact=2, target="19")
    assert table.wait(60)
    page = Front(table)
    assert page.view.job["state"] == "done", table.error
    page.act("describe", latents=page.column("latents", "<u4")[:4].tolist())
    assert all(len(words["raises"]) == 5 for words in page.view.words.values())
    if "thought" in trace.roles:
        page.act("change", latent=3, mode="clamp", value=20.0, where="everywhere", first=0, last=0)
        assert len(table.branches) == 2


BAD = [
    ("dance", {}, "a message it doesn't know"),
    ("exact", {"latents": [99_999]}, "no latent 99999"),
    ("exact", {"latents": ["1"]}, "no latent '1'"),
    ("describe", {"latents": "1"}, "needs latents"),
    ("select", {"first": 5, "last": 99_999}, "not in this trace"),
    ("name", {"latent": True, "label": "x"}, "needs latent"),
    ("change", {"latent": 1, "mode": "eat", "value": 1, "where": "everywhere", "first": 0, "last": 0}, "'eat'"),
    (
        "change",
        {"latent": 1, "mode": "clamp", "value": 10**400, "where": "everywhere", "first": 0, "last": 0},
        "value=",
    ),
    ("goto", {"branch": "b9"}, "no branch 'b9'"),
]


def test_bad_messages_are_refused_and_change_nothing(page):
    before = page.view.get_state()
    for kind, fields, sentence in BAD:
        reply = page.ask(kind, **fields)
        assert reply["status"] == "error" and sentence in reply["error"]["message"], kind
        assert page.view.get_state() == before, kind


def test_a_trace_without_an_answer_has_latents_and_says_why_it_has_no_effects(abacus, sae, labels_home):
    trace = cl.Trace.from_text("A question.", "No number here.", None, model=abacus)
    table = cl.FeatureTable(abacus, trace, sae)
    assert table.wait(60)
    assert table.view.latents and table.view.effect["why"] and table.view.job["state"] == "done"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: random_sae(32), "shape \\[tokens, 32\\]"),
        (lambda: random_sae(128, "resid_post.40"), "Layer 40 doesn't exist"),
        (lambda: "abacus", "needs a SAE; str was given"),
    ],
)
def test_a_sae_that_does_not_fit_is_refused_before_anything_is_shown(abacus, trace, make, sentence):
    with pytest.raises(InputError, match=sentence):
        cl.FeatureTable(abacus, trace, make())


def test_a_sae_of_another_model_is_shown_with_a_warning(abacus, trace, labels_home):
    table = cl.FeatureTable(abacus, trace, random_sae(128), exact=0)
    assert table.wait(60)
    assert "may belong to another model" in table.view.facts["note"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.json", None, "no file of labels"),
        ("labels.pkl", b"\x80\x04N.", "pickled"),
        ("labels.json", b"\x80\x04N.", "can't be read as text"),
        ("labels.json", b"{", "neither JSON nor lines"),
        ("labels.json", b"[]", "holds no labels"),
        ("labels.json", b'[{"index": "x", "description": "y"}]', "no number"),
    ],
)
def test_bad_files_of_labels_are_refused(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        cl.features.read_labels(tmp_path / name)


def test_labels_survive_a_round_trip(tmp_path):
    path = cl.features.save_labels({7: "seven", 3: "drei"}, tmp_path / "mine.json")
    assert cl.features.read_labels(path) == {3: "drei", 7: "seven"}
