"""The Python half of the steering panel: its traits are those of the front end, and it works without a browser."""

import re
from pathlib import Path

import ipywidgets
import pytest

from cotlens.widgets import SteeringView, WidgetsNotBuilt, bundles

SOURCE = (Path(__file__).resolve().parents[3] / "widgets" / "steering_panel" / "state.ts").read_text("utf-8")


def interface(name):
    """Property names of an interface in state.ts."""
    body = re.search(rf"export interface {name} \{{(.*?)\n\}}", SOURCE, re.DOTALL)
    assert body, f"state.ts has no interface {name}"
    return set(re.findall(r"^  (\w+): ", body[1], re.MULTILINE))


def test_the_front_end_declares_the_same_traits():
    inherited = set(ipywidgets.DOMWidget.class_traits(sync=True))
    names = {
        name for name in SteeringView.class_traits(sync=True) if name not in inherited and not name.startswith("_")
    }
    assert names == interface("State") == interface("Payload")


def test_messages_of_the_front_end_are_documented():
    messages = {
        kind: re.findall(r"(\w+):", fields)
        for kind, fields in re.findall(
            r'\| \{ kind: "(\w+)";?(.*?) \}',
            SOURCE.partition("export type Request")[2].partition("export interface")[0],
        )
    }
    documented = re.findall(r"(\w+) \{([\w, ]*)\}[;.]", SteeringView.__doc__ or "")
    assert {kind: fields.split(", ") for kind, fields in documented} == messages and len(messages) == 11


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
