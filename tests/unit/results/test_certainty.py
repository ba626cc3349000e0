"""One floor for small effects, whatever their intervals are of."""

import dataclasses

import numpy as np
import pytest

from cotlens.plots.drawing import lines
from cotlens.results import Provenance, Result
from cotlens.results.certainty import CERTAINTIES, certainty, may_be_nothing, why_hollow
from tests.unit.widgets.results import importance


def kinds(result):
    return [CERTAINTIES[code] for code in certainty(result)]


def single(result: Result, **changed) -> Result:
    """The same with one value per row, as what is computed has."""
    ones = np.isfinite(result.columns["estimate"]).astype(int)
    return dataclasses.replace(result, columns={**result.columns, "n": ones}, **changed)


def title(spec) -> str:
    """The title of a chart; layers of one frame have theirs inside."""
    found = spec.get("title") or next(layer["title"] for layer in spec["layer"] if "title" in layer)
    return " ".join(found["text"]).strip()


def test_a_numerical_error_has_the_floor_of_exact_scores():
    result = single(importance([0.5, 0.004, 0.004, -0.004], [0.1, 0.001, 0.1, 0.0001]))
    result = dataclasses.replace(result, extras={"interval_of": "numerical error"})
    assert kinds(result) == ["clear", "small", "zero", "small"]
    assert may_be_nothing(result).tolist() == [False, True, True, True]
    assert why_hollow(result) == "not clear of zero or below 0.01 probability"


def test_so_have_bounds_of_a_server_and_estimates_without_an_interval():
    bounds = importance([0.3, 0.004], [0.01, 0.001], status=["the server tells its likeliest tokens only"] * 2)
    assert kinds(single(bounds)) == ["clear", "small"]
    assert kinds(importance([0.3, 0.004, -0.02], np.nan)) == ["open", "small", "open"]
    assert kinds(single(importance([0.3, 0.004], np.nan))) == ["open", "small"]
    assert kinds(importance([0.004], 0.001)) == ["clear"], "100 rollouts say so"


def test_a_deterministic_score_that_differs_between_forms_is_not_exact():
    forms = single(importance([0.3, 0.3], [0.1, 0.4], status=["exact", "exact"]))
    assert kinds(forms) == ["clear", "zero"]


@pytest.mark.parametrize(("unit", "floor"), [("nats", 0.1), ("probability", 0.01), ("proportion", 0.01)])
def test_the_floor_is_that_of_the_unit(unit, floor):
    result = single(importance([0.9 * floor, 1.1 * floor], floor / 100), scale_unit=unit)
    assert kinds(result) == ["small", "clear"]
    assert why_hollow(result) == f"below {floor:g} {unit}"
    assert kinds(single(importance([1e-9], np.nan), scale_unit="AUROC")) == ["open"]


def test_charts_are_hollow_there_and_say_why():
    result = single(importance([0.5, 0.004], [0.1, 0.001]), extras={"interval_of": "numerical error"})
    spec = result.chart().to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert [row["filled"] for row in rows] == [1, 0]
    assert "hollow: below 0.01 probability" in title(spec)
    nothing = single(importance([0.002, 0.004], 0.001)).chart().to_dict()
    assert "nothing here is clear of zero (all below 0.01 probability)" in title(nothing)


def latents(effect, estimate, unit="nats", activation=(3.0, 2.0, 1.0)) -> Result:
    count = len(activation)
    columns = {
        "start": np.arange(count), "end": np.arange(count) + 1, "text": ["t"] * count,
        "estimate": np.array(activation), "low": np.array(activation), "high": np.array(activation),
        "n": np.ones(count, dtype=int), "status": ["exact"] * count,
        "latent": np.arange(count), "label": ["one"] * count, "density": np.full(count, 0.1),
        "effect": np.array(effect), "effect_estimate": np.array(estimate), "effect_status": ["exact"] * count,
    }  # fmt: skip
    extras = {"effect_words": "margin", "effect_unit": unit}
    return Result("features", "Features", "activation", "latent", columns, sign="+", zero="0", scale_unit="activation",
                  provenance=Provenance("Features"), extras=extras)  # fmt: skip


def drawn(result):
    spec = result.chart().to_dict()
    rows = next(iter(spec["datasets"].values()))
    return {row["latent"]: row["filled"] for row in rows}, title(spec)


def test_the_chart_of_latents_follows_the_same_rule():
    nan = np.nan
    assert drawn(latents([0.5, nan, nan], [0.4, -0.03, -0.3])) == (
        {0: 1, 2: 1, 1: 0}, "dots: measured by ablation, hollow: below 0.1 nats",
    )  # fmt: skip
    filled, said = drawn(latents([nan] * 3, [0.04, -0.03, 0.0]))
    assert set(filled.values()) == {0} and said == "nothing here is large enough to matter: all below 0.1 nats"
    assert drawn(latents([nan] * 3, [nan] * 3)) == ({0: 1, 1: 1, 2: 1}, ""), "activations are no effects"
    assert drawn(latents([0.05, nan, nan], [0.4, 0.2, 0.2], "probability"))[1] == "dots: measured by ablation"


def test_agreement_that_may_be_none_is_not_filled():
    from cotlens.plots.comparison import AGREEMENT, _agreement

    def ends(value):
        return np.array([[1.0, value], [value, 1.0]])

    extras = {"spearman": ends(0.5), "spearman_low": ends(-0.1), "spearman_high": ends(0.8)}
    result = dataclasses.replace(importance([0.5]), extras=extras)
    rows = next(iter(_agreement(result, ["a", "b"], 560).to_dict()["datasets"].values()))
    assert {row["filled"] for row in rows} == {0.0}
    assert "not filled where that includes 0" in " ".join(lines(AGREEMENT, 900))
    assert result.extras["spearman_low"][0, 1] < 0
