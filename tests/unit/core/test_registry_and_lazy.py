import sys
import types

import pytest

from cotlens._core.errors import InputError
from cotlens._core.lazy import lazy_attributes
from cotlens._core.registry import Registry, resolve

TABLE = {"Sqrt": "math:sqrt", "Fraction": "fractions:Fraction", "Broken": "cotlens.there_is_no_such_module:Thing"}


def test_things_are_imported_when_asked_for():
    registry = Registry("function", TABLE)
    assert registry.get("Sqrt")(9) == 3
    assert registry.names() == list(registry) == list(TABLE)
    assert "Sqrt" in registry
    assert "sqrt" not in registry
    assert len(registry) == 3
    assert "function" in repr(registry)


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(InputError, match=r"There is no function called 'Sqr'. Did you mean 'Sqrt'"):
        Registry("function", TABLE).get("Sqr")


def test_a_target_that_is_missing_is_not_hidden():
    with pytest.raises(ModuleNotFoundError):
        Registry("function", TABLE).get("Broken")


def test_resolving_a_module():
    assert resolve("json") is sys.modules["json"]


@pytest.fixture
def package():
    module = types.ModuleType("cotlens_lazy_example")
    sys.modules[module.__name__] = module
    module.__getattr__, module.__dir__ = lazy_attributes(module.__name__, TABLE | {"colours": "colorsys"})
    yield module
    del sys.modules[module.__name__]


def test_lazy_attributes_are_found_listed_and_kept(package):
    assert "Fraction" not in vars(package)
    assert set(TABLE) <= set(dir(package))
    assert package.Fraction(1, 2) == 0.5
    assert "Fraction" in vars(package)
    assert package.colours.__name__ == "colorsys"


def test_unknown_attributes_suggest_near_ones(package):
    with pytest.raises(AttributeError, match=r"has no attribute 'Fractoin'. Did you mean 'Fraction'"):
        package.Fractoin  # noqa: B018
    assert not hasattr(package, "__wrapped__")


def test_nothing_heavy_is_loaded_by_the_lower_layers():
    import subprocess

    code = (
        "import sys, cotlens._core.control, cotlens._core.files, cotlens.trace, cotlens.results;"
        "print([m for m in ('torch', 'transformers', 'nnsight', 'vllm', 'pandas', 'altair') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
