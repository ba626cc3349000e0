"""What every test of CoTLens shares: no network, one thread per process, and groups for two workers."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# nnsight turns its debug mode on when the process was started with -v; pytest has read its own arguments by now.
sys.argv[1:] = [argument for argument in sys.argv[1:] if argument not in ("-v", "--verbose")]

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"

# Two busy cores make any deadline a matter of luck.
settings.register_profile("cotlens", deadline=None, print_blob=True)
settings.load_profile("cotlens")

# Folders whose tests share something costly and so stay on one worker (`pytest -n 2 --dist loadgroup`).
GROUPS = ("browser", "packaging")
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in GROUPS:
            item.add_marker(pytest.mark.xdist_group(folder))
