"""What is being written crosses once: pieces that add up to the text, and all of it for a view that came late."""

import json

import pytest

import cotlens as cl
from cotlens.widgets.protocol.editor import REQUESTS as EDITOR
from cotlens.widgets.protocol.steering_panel import REQUESTS as PANEL
from cotlens.workbench.shared import stream as streams
from cotlens.workbench.steering_panel.sources import of_token


def follow(pieces):
    """The text that the pieces of one stream add up to, as a view puts it together."""
    text = ""
    for piece in pieces:
        before = text.encode("utf-16-le")[: 2 * piece["at"]]
        assert len(before) == 2 * piece["at"], "no piece is missing"
        text = before.decode("utf-16-le") + piece["text"]
    return text


def sent(trace, tokens):
    shown = []
    stream = streams.Stream(shown.append)
    stream.begin(trace, 0, limit=tokens)
    for at in range(tokens):
        stream.add(at, " twelve" if at % 9 else " 👩‍👧")
    return shown, stream


def test_what_is_sent_grows_as_what_is_written(given, monkeypatch):
    monkeypatch.setattr(streams, "FLUSH_S", 0)  # every token is a piece, whatever the machine's speed
    few, many = (sum(len(json.dumps(piece)) for piece in sent(given, n)[0]) for n in (400, 800))
    assert 1.9 < many / few < 2.1
    pieces, stream = sent(given, 300)
    assert follow(pieces) == stream.whole()["text"] and stream.whole()["at"] == 0
    assert pieces[-1]["tokens"] == 300 and pieces[-1]["limit"] == 300


def test_pieces_that_wait_come_together(given, monkeypatch):
    monkeypatch.setattr(streams, "FLUSH_S", 3600)
    pieces, stream = sent(given, 20)
    assert len(pieces) == 2, "the beginning and the first token"
    assert stream.whole()["text"] == follow(pieces) == " 👩‍👧"


def test_what_is_expected_is_shown_until_it_comes(given):
    shown = []
    stream = streams.Stream(shown.append)
    stream.begin(given, 3, limit=9, expected=" So")
    assert follow(shown) == " So" and stream.whole()["text"] == ""
    stream.add(0, " Then")
    assert follow(shown) == " Then" and shown[-1]["from"] == 3


def test_the_editor_sends_each_token_once(front, trace, monkeypatch):
    monkeypatch.setattr(streams, "FLUSH_S", 0)
    page, pieces, wholes = front(trace), [], []

    def heard(change):
        if change.new:
            pieces.append(change.new)
            wholes.append(page.ask("stream", of=change.new["id"])["stream"]["text"])

    page.view.observe(heard, "stream")
    token = trace.spans("sentence")[1].start
    page.act("rerun", token=token)
    new = page.editor.trace
    written = follow(pieces)
    assert len(pieces) > 20 and new.text[int(new.offsets[token]) :].startswith(written)
    assert wholes == [follow(pieces[: i + 1]) for i in range(len(pieces))], "whoever comes late is told all of it"
    assert sum(len(piece["text"]) for piece in pieces) == len(written)


def test_the_panel_sends_each_token_once(abacus, trace, monkeypatch):
    monkeypatch.setattr(streams, "FLUSH_S", 0)
    panel = cl.SteeringPanel(abacus, trace, of_token(abacus, trace, trace.token_ids[40]))
    assert panel.wait(60)
    pieces = []
    panel.view.observe(lambda change: change.new and pieces.append(change.new), "stream")
    panel.steer(-2.0)
    assert panel.wait(60) and panel.error == ""
    steered = panel.steered
    assert len(pieces) > 10 and steered.text[int(steered.offsets[steered.rewritten_from]) :].startswith(follow(pieces))
    expected = "".join(piece["text"] for piece in pieces if piece["tokens"] == 0)
    assert sum(len(piece["text"]) for piece in pieces) == len(follow(pieces)) + len(expected)


@pytest.mark.parametrize("kinds", [EDITOR, PANEL])
def test_every_view_that_streams_can_ask_for_the_whole(kinds):
    assert kinds["stream"] == {"of": int}
