"""The Python half of the editor works without a browser."""

import re
from pathlib import Path

import numpy as np
import pytest

from cotlens.widgets import EditorView, WidgetsNotBuilt
from cotlens.widgets.shared import bundles, encoding

ROOT = Path(__file__).resolve().parents[3]


def test_a_reply_has_its_envelope(monkeypatch: pytest.MonkeyPatch):
    view = EditorView()
    sent = []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append((content, buffers)))
    view.reply(7, tokens=3)
    view.reply(8, "error", error={"message": "No.", "remedy": None})
    assert sent == [
        ({"request_id": 7, "kind": "reply", "status": "ok", "tokens": 3}, None),
        ({"request_id": 8, "kind": "reply", "status": "error", "error": {"message": "No.", "remedy": None}}, None),
    ]


def test_hosts_without_widgets_get_a_line_of_text():
    view = EditorView(head={"model": "abacus"}, document={"n_tokens": 93}, branches=[{"answer": "7", "current": True}])
    bundle = view._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == '<CoTLens editor: a trace of 93 tokens, answer "7"; model abacus>'
    assert "application/vnd.jupyter.widget-view+json" in data


def test_state_that_crosses_is_small_and_binary():
    values = encoding.floats(np.array([[1.0, np.nan], [3.0, 4.0]]))
    assert np.frombuffer(values, "<f4").tolist()[::2] == [1.0, 3.0]
    assert np.isnan(np.frombuffer(values, "<f4")[1])
    assert np.frombuffer(encoding.indices(range(3)), "<u4").tolist() == [0, 1, 2]
    view = EditorView(shading_values=values)
    assert view.get_state("shading_values")["shading_values"] == values


def test_an_installation_without_bundles_imports_and_says_how_to_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(bundles, "STATIC", tmp_path)
    with pytest.raises(WidgetsNotBuilt, match=r"editor.js and editor.css missing .*run `make widgets`"):
        EditorView()


@pytest.mark.parametrize("name", ["editor.js", "editor.css"])
def test_bundles_need_no_network(name: str):
    text = (bundles.STATIC / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses


def test_model_text_is_never_parsed_as_markup():
    parsers = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment")
    for path in (ROOT / "widgets").rglob("*.ts"):
        if "node_modules" not in path.parts:
            assert not parsers.search(path.read_text(encoding="utf-8")), path


def test_the_lockfile_names_no_host():
    lock = (ROOT / "widgets" / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "http" not in lock
