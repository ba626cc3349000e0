"""The build hook bundles again when a source has changed, and only then."""

import os

import pytest

import hatch_build


@pytest.fixture
def checkout(tmp_path):
    """A tree with one widget, bundled from its sources as they are."""
    for name in ("editor/index.ts", "editor/view.ts", "kit/dom.ts", "gallery/gallery.ts", "package-lock.json"):
        path = tmp_path / "widgets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {name}\n")
    static = hatch_build.static(tmp_path)
    static.mkdir(parents=True)
    for name in ("editor.js", "editor.css"):
        (static / name).write_text("built")
    (static / hatch_build.STAMP).write_text(hatch_build.fingerprint(tmp_path))
    return tmp_path


def test_a_bundle_of_these_sources_is_fresh(checkout):
    assert hatch_build.fresh(checkout)
    os.utime(checkout / "widgets/editor/view.ts", (1, 1))
    (checkout / "widgets/editor/view.ts").write_bytes(b"// editor/view.ts\r\n")
    assert hatch_build.fresh(checkout), "neither dates nor line ends are changes"
    (checkout / "widgets/gallery/gallery.ts").write_text("// the gallery is in no bundle")
    assert hatch_build.fresh(checkout)


@pytest.mark.parametrize("name", ["editor/view.ts", "kit/dom.ts", "package-lock.json", "kit/new.ts"])
def test_a_changed_or_new_source_is_stale(checkout, name):
    (checkout / "widgets" / name).write_text("// changed\n")
    assert not hatch_build.fresh(checkout)


@pytest.mark.parametrize("name", ["editor.js", "editor.css", hatch_build.STAMP])
def test_a_missing_or_empty_bundle_is_stale(checkout, name):
    path = hatch_build.static(checkout) / name
    path.write_text("")
    assert not hatch_build.fresh(checkout)
    path.unlink()
    assert not hatch_build.fresh(checkout)


def test_a_new_widget_needs_its_own_bundle(checkout):
    (checkout / "widgets" / "map").mkdir()
    (checkout / "widgets" / "map" / "index.ts").write_text("")
    assert hatch_build.expected(checkout) - hatch_build.built(checkout) == {"map.js", "map.css"}
