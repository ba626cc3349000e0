"""The Python half of the pair matrix: every pair is at its place, and what is missing is not a zero."""

from pathlib import Path

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.results.certainty import CERTAINTIES
from cotlens.widgets.pair_matrix import PairMatrix, payload
from tests.unit.widgets.results import importance, pairs

ROOT = Path(__file__).resolve().parents[3]
CELLS = {(0, 1): 0.5, (0, 2): -0.25, (1, 2): np.nan}


def test_cells_are_targets_by_sources():
    matrix = payload(pairs(CELLS))
    values = np.frombuffer(matrix["estimate"], "<f4").reshape(3, 3)
    assert values[1, 0] == 0.5
    assert values[2, 0] == -0.25
    assert np.isnan(values[2, 1])
    assert np.isnan(values[0]).all()
    assert matrix["texts"] == ["s0", "s1", "s2"]


def test_missing_and_absent_are_told_apart():
    matrix = payload(pairs(CELLS))
    codes = np.frombuffer(matrix["certainty"], np.uint8).reshape(3, 3)
    assert codes[2, 1] == 1 + CERTAINTIES.index("none")
    assert codes[1, 0] == 1 + CERTAINTIES.index("exact")
    assert codes[0, 2] == 0
    assert matrix["status"] == {"7": "not measured: cancelled"}


def test_a_sentence_without_a_pair_keeps_its_number():
    assert payload(pairs({(0, 3): 1.0}))["texts"] == ["s0", "", "", "s3"]


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (importance([0.1]), "it was given a result of kind 'importance'"),
        (pairs({}), "has no rows"),
        (pairs({(0, 1): 1.0, (0, 2): 1.0}, target=[1, 1]), "a pair of sentences twice"),
        (pairs({(-1, 1): 1.0}), "counted from 0"),
        ("matrix", "it was given a str"),
    ],
)
def test_what_is_no_matrix_is_refused(result, sentence):
    with pytest.raises(InputError, match=sentence):
        PairMatrix(result)


def test_a_missing_column_is_named():
    whole = pairs(CELLS)
    columns = {name: column for name, column in whole.columns.items() if name != "source_text"}
    words = {name: getattr(whole, name) for name in ("method", "metric", "unit", "sign", "zero", "scale_unit")}
    with pytest.raises(InputError, match="source_text is missing"):
        PairMatrix(type(whole)("pairs", columns=columns, provenance=whole.provenance, **words))


def test_hosts_without_widgets_get_a_line_of_text():
    assert repr(PairMatrix(pairs(CELLS))) == "<CoTLens pair matrix: Suppression, 3 sentences>"
