"""Every view has both halves: a folder of TypeScript and a module of Python, with a budget for what is built."""

import re
from pathlib import Path

import pytest

from cotlens.widgets.shared import bundles

ROOT = Path(__file__).resolve().parents[3]
FRONT = {path.parent.name for path in (ROOT / "widgets").glob("*/index.ts")}
VIEW = re.compile(r"^class \w+\(\w*View\)", re.MULTILINE)
BACK = {path.stem for path in (ROOT / "cotlens" / "widgets").glob("*.py") if VIEW.search(path.read_text("utf-8"))}


def test_no_half_is_missing():
    assert FRONT == BACK
    assert len(FRONT) >= 3


@pytest.mark.parametrize("name", sorted(FRONT | BACK))
def test_each_view_is_built_within_its_budget(name: str):
    budgets = dict(re.findall(r"(\w+): (\d[\d_]*)", (ROOT / "widgets" / "build.mjs").read_text("utf-8")))
    script = bundles.STATIC / f"{name}.js"
    assert 0 < script.stat().st_size <= int(budgets[name].replace("_", ""))
    assert (bundles.STATIC / f"{name}.css").stat().st_size > 0


@pytest.mark.parametrize("name", sorted(FRONT))
@pytest.mark.parametrize("end", ["js", "css"])
def test_bundles_need_no_network(name: str, end: str):
    text = (bundles.STATIC / f"{name}.{end}").read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses
