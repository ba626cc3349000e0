"""The Python half of the steering panel works without a browser."""

import pytest

from cotlens.widgets import SteeringView, WidgetsNotBuilt
from cotlens.widgets.shared import bundles


def test_a_reply_has_its_envelope(monkeypatch):
    view, sent = SteeringView(), []
    monkeypatch.setattr(view, "send", sent.append)
    view.reply(7)
    view.reply(8, "error", error={"message": "No.", "remedy": None})
    assert sent[0] == {"request_id": 7, "kind": "reply", "status": "ok"}
    assert sent[1]["error"]["message"] == "No."


def test_without_a_built_front_end_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(bundles, "STATIC", tmp_path)
    with pytest.raises(WidgetsNotBuilt, match="make widgets"):
        SteeringView()
