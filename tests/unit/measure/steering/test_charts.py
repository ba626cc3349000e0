import json

import pytest

from cotlens._core.errors import InputError
from cotlens.results import Provenance, Result

NAN = float("nan")


def swept(arms=("vector", "random"), without=()):
    rows = [(arm, layer, c) for layer in (1, 2) for arm in arms for c in (-1.0, 0.0, 1.0) if arm == "vector" or c != 0]
    n = len(rows)
    columns = {
        "start": [0] * n, "end": [9] * n, "text": [f"{arm} {c}" for arm, _, c in rows],
        "estimate": [0.3 + 0.1 * c for *_, c in rows], "low": [0.1] * n, "high": [0.6] * n, "n": [8] * n,
        "status": ["ok"] * n, "arm": [arm for arm, *_ in rows], "layer": [layer for _, layer, _ in rows],
        "coefficient": [c for *_, c in rows], "raw": [c for *_, c in rows],
        "damaged": [float(c == 1) for *_, c in rows], "unlikely": [float(c == -1) for *_, c in rows],
    }  # fmt: skip
    for name in ("changed", "probability", "perplexity"):
        columns |= {name: [0.5] * n, f"{name}_low": [0.4] * n, f"{name}_high": [0.6] * n}
    for name in without:
        del columns[name]
    return Result(
        kind="steering", method="Sweep", metric="share of checks", unit="coefficient", columns=columns, sign="",
        zero="", scale_unit="share", provenance=Provenance("Sweep"), extras={"vector": "check the work"},
    )  # fmt: skip


def data(chart):
    """Rows of each layer of a chart."""
    spec = json.loads(chart.to_json())
    return [spec["datasets"][(part.get("data") or spec["data"])["name"]] for part in spec["layer"]]


@pytest.mark.parametrize("view", ["metric", "changed", "probability", "perplexity"])
def test_every_view_draws_a_line_per_layer_and_the_band_of_the_control(view):
    band, rules, lines, rings = data(swept().chart(view=view))
    assert {row["layer"] for row in lines} == {"layer 1", "layer 2"}
    assert len(rules) == len(lines) == 6
    assert sorted(row["coefficient"] for row in band) == [-1, -1, 0, 0, 1, 1]
    assert [row["coefficient"] for row in rings] == [1, 1]


def test_rings_follow_the_rule_of_the_verdict_and_results_without_it_still_draw():
    assert [row["coefficient"] for row in data(swept(without=["damaged"]).chart())[3]] == [-1, -1]


def test_the_title_says_how_many_rollouts_a_point_has():
    title = json.loads(swept().chart().to_json())["layer"][1]["title"]
    assert " ".join(title).startswith("check the work, 8 rollouts a point; grey: random")


def test_without_a_control_no_band_is_drawn_and_none_is_named():
    chart = swept(("vector",)).chart()
    assert data(chart)[0] == []
    assert "random" not in chart.to_json()


def test_an_unknown_view_is_refused_with_near_names():
    with pytest.raises(InputError, match="'perplexity'"):
        swept().chart(view="perplexiti")


def test_layers_are_drawn_beside_random_directions():
    columns = {
        "start": [0, 0], "end": [0, 0], "text": ["a", "b"], "estimate": [0.6, 0.9], "low": [0.5, 0.8],
        "high": [0.7, 1.0], "n": [9, 9], "status": ["ok", "ok"], "layer": [0, 1], "control": [0.5, 0.6],
        "control_low": [0.3, 0.4], "control_high": [0.7, 0.8],
    }  # fmt: skip
    result = Result(
        kind="layer_sweep", method="layer_sweep", metric="AUROC", unit="layer", columns=columns, sign="", zero="",
        scale_unit="AUROC", provenance=Provenance("layer_sweep"),
    )  # fmt: skip
    spec = json.loads(result.chart().to_json())
    assert len(spec["layer"]) == 4 and "random directions" in result.chart().to_json()
