"""Where widgets were tried: the README's table has the versions that the tests ran with, and tests that are there."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tools import host_table

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_has_the_table():
    shown = host_table.in_readme((ROOT / "README.md").read_text("utf-8"))
    assert shown == host_table.table(), "run python tools/host_table.py --write"


@pytest.mark.parametrize("host", host_table.HOSTS, ids=lambda host: host.name)
def test_what_tried_it_is_there(host):
    assert host.tests
    for named in host.tests:
        path, _, test = named.partition("::")
        assert (ROOT / path).exists()
        assert not test or f"def {test}(" in (ROOT / path).read_text("utf-8")


def test_versions_are_those_that_are_installed_with_the_package():
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    used = {name for host in host_table.HOSTS for name in host.packages}
    assert {name: pinned[name] for name in used} == {name: version(name) for name in used}
