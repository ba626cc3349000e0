"""One kernel for all notebooks: to import what they share takes longer than most of them."""

from collections.abc import Iterator

import pytest

from tests.notebooks.running import Kernel


@pytest.fixture(scope="session")
def kernel() -> Iterator[Kernel]:
    """A kernel that runs one notebook after the other."""
    with Kernel() as kernel:
        yield kernel
