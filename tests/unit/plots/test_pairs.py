"""The chart of pairs: the measured cells as heat, the others as crosses, nothing made up."""

import numpy as np
import pytest

from cotlens._core.errors import InputError
from tests.unit.widgets.results import pairs

CELLS = {(0, 1): 0.5, (0, 2): -0.25, (1, 2): np.nan}


def rows(spec, layer: int):
    return spec["datasets"][spec["layer"][layer]["data"]["name"]]


def test_cells_are_drawn_and_missing_ones_crossed():
    spec = pairs(CELLS).chart().to_dict()
    assert [(row["source"], row["target"], row["estimate"]) for row in rows(spec, 0)] == [(0, 1, 0.5), (0, 2, -0.25)]
    assert [(row["source"], row["target"]) for row in rows(spec, 1)] == [(1, 2)]
    assert "1 pairs not measured" in str(spec["layer"][0]["title"] if "title" in spec["layer"][0] else spec["title"])


def test_neighbours_can_be_left_out():
    spec = pairs(CELLS).chart(apart=2).to_dict()
    assert [row["target"] for row in rows(spec, 0)] == [2]
    with pytest.raises(InputError, match="chart of 0 pairs"):
        pairs(CELLS).chart(apart=9)


def test_too_many_pairs_are_sent_to_the_matrix():
    many = pairs({(i, j): 0.1 for j in range(300) for i in range(j)})
    with pytest.raises(InputError, match=r"cl\.PairMatrix\(result\)"):
        many.chart()


def test_it_is_drawn_without_a_network():
    drawn = pairs(CELLS).chart()._repr_mimebundle_()
    assert list(drawn[0] if isinstance(drawn, tuple) else drawn) == ["image/svg+xml"]


def test_a_pair_that_may_be_nothing_is_hollow():
    spec = (
        pairs({(0, 1): 0.4, (0, 2): 0.4}, low=np.array([0.1, -0.1]), high=np.array([0.7, 0.9]), status=["ok", "ok"])
        .chart()
        .to_dict()
    )
    assert spec["layer"][0]["encoding"]["fillOpacity"] == {"field": "filled", "type": "quantitative", "scale": None}
    (rows,) = [rows for rows in spec["datasets"].values() if rows and "filled" in rows[0]]
    assert [row["filled"] for row in rows] == [1.0, 0.0]
