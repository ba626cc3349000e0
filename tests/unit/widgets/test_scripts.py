"""Script and style of a view, which are most of its size, are held once however many views there are."""

import json

import pytest

from cotlens.widgets import EditorView, SteeringView
from cotlens.widgets.shared import bundles


def size(widget) -> int:
    """Bytes of a widget's state, as a notebook saves it."""
    return sum(
        len(value) if isinstance(value, bytes) else len(json.dumps(value)) for value in widget.get_state().values()
    )


def test_a_second_view_adds_little_to_what_is_saved():
    first, second, other = EditorView(), EditorView(), SteeringView()
    assert first._script == second._script != other._script
    holder = bundles.script("editor")
    assert first._script == f"IPY_MODEL_{holder.model_id}", "so that saved state has it, too"
    assert holder.text == (bundles.STATIC / "editor.js").read_text(encoding="utf-8")
    assert holder.style == (bundles.STATIC / "editor.css").read_text(encoding="utf-8")
    assert size(second) < 8_000 and size(holder) > 300_000, "neither script nor style is in a view's own state"
    assert "_css" not in second.get_state()


def test_a_holder_that_was_closed_is_made_again():
    closed = bundles.script("steering_panel")
    closed.close()
    view = SteeringView()
    again = bundles.script("steering_panel")
    assert again is not closed and view._script == f"IPY_MODEL_{again.model_id}" and again.text == closed.text


@pytest.mark.parametrize("content", [{"kind": "script"}, {"kind": "other"}, None, "script"])
def test_a_host_without_a_way_between_models_asks_python(content, monkeypatch):
    view, sent = EditorView(), []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append(content))
    view._handle_custom_msg(content, [])
    asked = isinstance(content, dict) and content["kind"] == "script"
    assert [each["kind"] for each in sent] == (["script"] if asked else [])
    holder = bundles.script("editor")
    assert not asked or (sent[0]["text"], sent[0]["style"]) == (holder.text, holder.style)
