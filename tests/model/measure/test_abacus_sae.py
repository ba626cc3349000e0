"""The SAE that ships with Abacus: the concepts of its recipe, and that it is as good as its card says."""

import json

import numpy as np
import pytest

from cotlens.measure.features import features, load_sae, measure_quality
from cotlens.measure.features.autoencoder.store import SHIPPED
from cotlens.organisms import problems
from cotlens.organisms.sae import recipe


@pytest.fixture(scope="module")
def abacus():
    from cotlens.models.load import load

    return load("abacus")


def test_concepts_of_the_task_say_what_numbers_are(abacus):
    problem = problems(1, seed=9, steps=2, fork=False)[0]
    before, after = problem.totals()[:2]
    sum_ = f"{before} {'+' if problem.steps[0].sign > 0 else '-'} {problem.steps[0].amounts[0]} = {after}"
    trace = abacus.compose(problem.prompt, f"So {sum_}. The total is {after}.", f"The answer is {after}.")
    found = recipe.describe(trace)

    def text(name):
        return "".join(token for token, holds in zip(trace.tokens, found[name], strict=True) if holds).strip()

    assert text("carry of a sum") == str(before)
    assert text("amount of a sum") == str(problem.steps[0].amounts[0])
    assert "".join(text("result of a sum").split()) == f"{after}{after}"
    assert text("sentence of the kind active_computation") == f"So {sum_}."
    assert text("sentence of the move restate") == f"The total is {after}."


def test_the_shipped_sae_is_as_good_as_its_card_says(abacus):
    sae, claimed = load_sae("abacus"), json.loads((SHIPPED["abacus"] / "measured.json").read_text())["quality"]
    held = recipe.composed(abacus, 12, "test", seed=77)
    found = measure_quality(abacus, sae, held)
    assert claimed["explained_variance"] >= 0.9
    assert claimed["loss_recovered"] >= 0.95
    assert claimed["l0"] <= 24
    assert found.explained_variance == pytest.approx(claimed["explained_variance"], abs=0.03)
    assert found.loss_recovered >= 0.95
    assert found.l0 <= 24
    assert (SHIPPED["abacus"] / "sae_weights.safetensors").stat().st_size <= 3_000_000
    assert (SHIPPED["abacus"] / "dashboard.json").stat().st_size <= recipe.LIMIT


def test_the_table_of_the_shipped_sae_names_its_latents(abacus):
    trace = recipe.composed(abacus, 1, "test", seed=78)[0]
    found = features(trace, abacus, load_sae("abacus"), estimate=True)
    assert found.extras["note"] == ""
    assert (found.columns["label"] != "").any()
    assert np.isfinite(found.columns["corpus_density"]).mean() > 0.9
    assert np.isfinite(found.columns["effect_estimate"]).all()
