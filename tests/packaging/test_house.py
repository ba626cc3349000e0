"""The rules of the house are kept, and a breach is found."""

import pytest

from tools import check_house


def test_the_house_is_in_order():
    rules = (check_house.circles, check_house.crowded, check_house.unnamed, check_house.unfound, check_house.unmapped)
    assert [breach for rule in rules for breach in rule()] == []


def test_a_file_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    guide = tmp_path / "CONTRIBUTING.md"
    guide.write_text(
        "Walk from `trace/trace.py` by `trace/gone.py` and `kit/nowhere.ts` to `kit/heat/heat.ts`.", "utf-8"
    )
    monkeypatch.setattr(check_house, "GUIDE", guide)
    gone = ("kit/nowhere.ts", "trace/gone.py")
    assert list(check_house.unfound()) == [f"CONTRIBUTING.md names {name}, which is nowhere" for name in gone]


def test_a_folder_that_the_map_leaves_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    guide = tmp_path / "CONTRIBUTING.md"
    guide.write_text("`hall/` is said above.\n\n## The map\n\n    cotlens/\n      trace/\n\n### Walks\n", "utf-8")
    for name in ("trace", "hall", "hall/deep/deeper"):
        folder = tmp_path / "cotlens" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("", "utf-8")
    monkeypatch.setattr(check_house, "ROOT", tmp_path / "cotlens")
    monkeypatch.setattr(check_house, "GUIDE", guide)
    assert list(check_house.unmapped()) == ["CONTRIBUTING.md has no hall/ on its map"]


def test_folders_that_are_crowded_or_say_nothing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    folder = tmp_path / "cotlens" / "hall"
    folder.mkdir(parents=True)
    for i in range(check_house.MOST + 1):
        (folder / f"door_{i}.py").write_text("", "utf-8")
    (folder / "__init__.py").write_text('"""A hall."""', "utf-8")
    monkeypatch.setattr(check_house, "ROOT", tmp_path / "cotlens")
    assert list(check_house.crowded()) == ["cotlens/hall holds 16 modules side by side; at most 15"]
    assert list(check_house.unnamed()) == ["cotlens/hall doesn't say which module to open first (Open `...`)"]
