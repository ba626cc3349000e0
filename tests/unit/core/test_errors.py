import pytest

from cotlens._core import errors
from cotlens._core.errors import CotLensError, did_you_mean


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        ("InputError", ValueError),
        ("CapabilityError", CotLensError),
        ("BackendError", RuntimeError),
        ("OutOfMemory", errors.BackendError),
        ("Cancelled", CotLensError),
    ],
)
def test_every_error_is_caught_by_the_base_and_by_plain_python(kind, base):
    assert issubclass(getattr(errors, kind), CotLensError)
    assert issubclass(getattr(errors, kind), base)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("sentense", ["token", "sentence"], "Did you mean 'sentence'?"),
        ("ABACUS", ["abacus"], "Did you mean 'abacus'?"),
        ("xyz", ["token", "sentence"], "Choose one of 'token', 'sentence'."),
        ("xyz", [], "There is none to choose from."),
        (7, ["token"], "Choose one of 'token'."),
    ],
)
def test_did_you_mean(name, options, sentence):
    assert did_you_mean(name, options) == sentence


def test_several_near_names():
    assert did_you_mean("occlusio", ["Occlusion", "Occlusions"]) == "Did you mean 'Occlusion' or 'Occlusions'?"
