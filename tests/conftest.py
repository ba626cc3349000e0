"""What every test of CoTLens shares: no network, one thread per process, groups for the workers, costly fixtures.

What a fixture needs is imported when it is first asked for, so that tests without a model never wait for torch.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# nnsight turns its debug mode on when the process was started with -v; pytest has read its own arguments by now.
sys.argv[1:] = [argument for argument in sys.argv[1:] if argument not in ("-v", "--verbose")]

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["COTLENS_STORE"] = "off"  # tests of the store name a file of their own

# Two busy cores make any deadline a matter of luck.
settings.register_profile("cotlens", deadline=None, print_blob=True)
settings.load_profile("cotlens")

# What begins so is handed to the workers (`pytest -n 3`) in this order: first what is handed out whole or takes
# minutes, last what takes a second, so that no worker is left with much to do when the others have done. Beside two
# that wait for browsers half of their time the third one calculates: with three of them the cores would idle.
FIRST = (
    *("browser/test_journey", "browser/", "tutorials/", "reference/", "gallery/", "notebooks/", "model/", "contract/"),
    *("remote/", "packaging/", "unit/workbench/", "unit/measure/"),
)
# What begins so shares something costly and stays on one worker; of all else each file does. The journeys take as long
# as all that is left of their folder: a second JupyterLab costs seconds, to wait for one after the other minutes.
GROUPS = ("browser/test_journey", "browser/", "gallery/", "notebooks/", "packaging/")
# Folders whose tests wait for other processes, which a busy machine may starve. Each is tried once more, and pytest
# lists it as RERUN: that is a bug to mend, not a pass to be glad of.
WAITING = ("browser/", "gallery/", "notebooks/", "remote/")
TESTS = Path(__file__).parent


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out `GROUPS` whole and all other tests by file, in the order of collection."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return next((group for group in GROUPS if file.removeprefix("tests/").startswith(group)), file)

    config.option.loadscopereorder = False  # by number of tests, which says nothing of how long they take
    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """What was imported stays: nothing of it is looked through again and again for what can be freed."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _file(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((i for i, begin in enumerate(FIRST) if _file(item).startswith(begin)), len(FIRST)))
    for item in items:
        if _file(item).startswith(WAITING):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "each_model" in metafunc.fixturenames:
        from tests.model import tiny

        metafunc.parametrize("each_model", tiny.FAMILIES, indirect=True)


@pytest.fixture(scope="session")
def tiny_model() -> Any:
    """A function from a family to its tiny random model, loaded once per process."""
    from tests.model import tiny

    return tiny.model


@pytest.fixture
def each_model(tiny_model: Any, request: pytest.FixtureRequest) -> Any:
    """Every supported family in turn."""
    return tiny_model(request.param)


@pytest.fixture
def qwen(tiny_model: Any) -> Any:
    """The family that stands for the others."""
    return tiny_model("qwen3")
