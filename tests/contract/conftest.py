"""The tiny models of `tests.model.tiny`."""

import pytest
import torch

from tests.model import tiny

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model():
    return tiny.model


@pytest.fixture(params=tiny.FAMILIES)
def each_model(request):
    """Every supported family in turn."""
    return tiny.model(request.param)


@pytest.fixture
def qwen():
    return tiny.model("qwen3")
