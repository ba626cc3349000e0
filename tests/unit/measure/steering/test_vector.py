import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.steering import Vector, given, norms
from cotlens.results import Provenance

VALUES = np.array([3.0, 0.0, 4.0], np.float32)


class Fake:
    """The parts of a model that a vector is checked against."""

    name, revision, n_layers = "tiny", "r1", 2
    codec = SimpleNamespace(encode=lambda text: [1, 2])

    def read(self, ids, site):
        return {site: np.zeros((len(ids), 3), np.float32)}


def made(**parts):
    return Vector("calm", 1, VALUES, 10.0, **parts)


def test_a_coefficient_of_one_adds_a_vector_as_long_as_the_residual_stream():
    change = made().at(1.0)
    assert np.linalg.norm(change.coefficient * change.vector) == pytest.approx(10.0)
    assert made().raw(1.0) == pytest.approx(2.0)
    assert made().at(1.0) == made().at(2.0, unit="raw")


def test_a_raw_coefficient_is_the_factor_on_the_values():
    change = made().at(-0.5, range(3, 5), unit="raw")
    assert change.coefficient == -0.5 and change.positions == range(3, 5) and change.layer == 1
    np.testing.assert_array_equal(change.vector, VALUES)


def test_without_a_unit_only_raw_coefficients_can_be_added():
    vector = Vector("calm", 1, VALUES)
    assert math.isnan(vector.unit) and vector.status.startswith("not measured")
    assert vector.at(2.0, unit="raw").coefficient == 2.0
    with pytest.raises(InputError, match="residual norm"):
        vector.at(1.0)
    assert vector.on(0, 5.0).at(1.0).coefficient == pytest.approx(1.0)


@pytest.mark.parametrize("coefficient", [math.nan, math.inf, -math.inf])
def test_coefficients_that_are_no_numbers_are_refused(coefficient):
    for unit in ("norm", "raw"):
        with pytest.raises(InputError, match="no number that can be added"):
            made().at(coefficient, unit=unit)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(3), "0 everywhere"),
        ([1.0, np.nan], "NaN or infinite"),
        (np.ones((2, 2)), "shape"),
        ([], "shape"),
        (["a"], "numbers"),
    ],
)
def test_values_that_are_no_direction_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        given(values, 0)


@pytest.mark.parametrize("layer", [-1, 1.5, True, "2"])
def test_layers_are_counted_from_0(layer):
    with pytest.raises(InputError, match="counted from 0"):
        given(VALUES, layer)


def test_a_vector_stays_as_it_is():
    with pytest.raises(ValueError, match="read-only"):
        made().values[0] = 1


def test_the_random_control_has_the_same_length_and_place():
    vector = made()
    control = vector.random(3)
    assert control.norm == pytest.approx(vector.norm, rel=1e-6)
    assert (control.layer, control.unit) == (vector.layer, vector.unit)
    np.testing.assert_array_equal(control.values, vector.random(3).values)
    assert not np.array_equal(control.values, vector.random(4).values)
    assert control.code().endswith(".random(3)")


def test_random_directions_point_everywhere():
    vector = Vector("long", 0, np.ones(64, np.float32))
    cosines = [np.dot(vector.random(i).values, vector.values) / 64 for i in range(200)]
    assert abs(np.mean(cosines)) < 0.05 and 0.08 < np.std(cosines) < 0.18  # 1/sqrt(64) = 0.125


def test_a_vector_is_held_to_the_model_it_meets():
    made(provenance=Provenance("difference", model="tiny", revision="r1")).check(Fake())
    with pytest.raises(InputError, match="layers 0 to 1"):
        Vector("calm", 2, VALUES).check(Fake())
    with pytest.raises(InputError, match="4 wide"):
        Vector("calm", 1, np.ones(4)).check(Fake())
    with pytest.raises(InputError, match="made with 'other'"):
        made(provenance=Provenance("difference", model="other")).check(Fake())
    with pytest.warns(UserWarning, match="revision r0"):
        made(provenance=Provenance("difference", model="tiny", revision="r0")).check(Fake())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given(VALUES, 1).check(Fake())


def test_widths_are_asked_for_once():
    model = Fake()
    assert norms.width(model) == 3
    model.read = None
    assert norms.width(model) == 3
