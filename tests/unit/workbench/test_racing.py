"""The editor when things happen at the same time: cancel, latest wins, messages from other threads, model errors."""

import json
import sys
import threading
import time

import numpy as np
import pytest

from cotlens._core import control
from cotlens._core.errors import BackendError
from cotlens.trace import Trace
from cotlens.trace.answers import Boxed


class Slow(threading.Event):
    """Set when something is being written, which comes to a stop, until it is cancelled, where `stands` says so."""

    def __init__(self):
        super().__init__()
        self.stands = lambda: False

    def token(self):
        self.set()
        time.sleep(0.02)
        while self.stands():
            control.current().check()
            time.sleep(0.005)


@pytest.fixture
def slow(abacus, monkeypatch):
    """Makes Abacus write a token every 20 ms at most, and say when it has begun."""
    slow = Slow()
    resume = abacus.resume

    def slowly(trace, *, on_token=None, **options):
        def told(at, piece):
            on_token(at, piece)
            slow.token()

        return resume(trace, on_token=told, **options)

    monkeypatch.setattr(abacus, "resume", slowly)
    return slow


@pytest.fixture
def busy(abacus):
    """Keeps the model's thread busy, as a cell does that runs the model, until the event is set."""
    release, running = threading.Event(), threading.Event()

    def work():
        running.set()
        while not release.wait(0.01):
            control.current().check()

    future = abacus.owner.submit(work, control.Control())
    assert running.wait(60)
    yield release
    release.set()
    future.result(60)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def sentence(trace, index):
    return trace.spans("sentence")[index].start


def test_text_streams_and_cancel_keeps_what_was_written(front, trace, slow):
    page = front(trace)
    streams = []
    page.view.observe(lambda change: streams.append(change.new), "stream")
    slow.stands = lambda: len(streams) > 2
    page.tell("rerun", token=sentence(trace, 1))
    assert slow.wait(60)
    until(lambda: len(streams) > 2)
    page.tell("cancel", job=page.view.job["id"])
    until(lambda: page.view.job["state"] == "cancelled")
    assert page.editor.wait(60) and page.view.stream == {}
    cut = page.editor.trace
    assert cut.meta["finish"] == "cancelled" and page.current["parent"] == "b0"
    assert len(cut.token_ids) > cut.rewritten_from
    assert cut.text.startswith(streams[0]["text"] and trace.text[: streams[0]["from"]])
    assert "max_new_tokens" in page.view.code
    page.act("goto", branch="b0")
    assert page.editor.trace.id == trace.id and page.view.comparison is None


def test_of_two_edits_the_later_one_is_shown(front, trace, slow):
    page = front(trace)
    slow.stands = lambda: page.view.document["id"] == trace.id
    page.tell("rerun", token=sentence(trace, 1))
    assert slow.wait(60)
    page.tell("truncate", token=sentence(trace, 2))
    slow.stands = lambda: False
    assert page.editor.wait(60) and page.editor.error == ""
    assert page.current["label"] == "cut at #2" and page.view.document["edit"]["kind"] == "truncate"
    first = next(branch for branch in page.view.branches if branch["label"] == "again from #1")
    assert not first["current"], "what the first had written is kept, and not shown"
    assert {branch["parent"] for branch in page.view.branches} == {None, "b0"}


def test_going_elsewhere_does_not_stop_the_writing_nor_get_disturbed_by_it(front, trace, slow):
    page = front(trace)
    page.act("truncate", token=sentence(trace, 2))
    page.act("goto", branch="b0")
    slow.clear()
    page.tell("rerun", token=sentence(trace, 1))
    assert slow.wait(60)
    page.tell("goto", branch="b1")
    shown = page.view.document["id"]
    assert page.view.stream == {}
    assert page.editor.wait(60) and page.editor.error == ""
    assert page.view.document["id"] == shown and page.current["id"] == "b1" and page.view.stream == {}
    assert [branch["label"] for branch in page.view.branches][-1] == "again from #1"
    page.act("goto", branch="b2")
    assert page.view.comparison is not None and page.view.shading["complete"]


def test_another_reader_does_not_stop_the_writing(front, trace, slow):
    page = front(trace)
    slow.stands = lambda: page.current["answer"] is not None
    page.tell("rerun", token=sentence(trace, 1))
    assert slow.wait(60)
    assert page.ask("reader", reader="boxed")["status"] == "ok"
    assert page.editor.wait(60) and page.editor.error == ""
    assert page.current["label"] == "again from #1" and page.editor.trace.meta["finish"] == "stop"
    assert page.editor.trace.reader == Boxed(), "what was being written is read by the new reader"


def test_a_job_that_waits_for_a_running_cell_can_be_cancelled_at_once(front, trace, busy):
    page = front(trace, wait=False)
    assert page.view.job["state"] == "queued"
    assert page.ask("inspect", token=80)["status"] == "ok", "what is known needs no model"
    page.tell("rerun", token=sentence(trace, 1))
    assert page.view.job == {**page.view.job, "state": "queued", "label": "writing"}
    page.tell("cancel", job=page.view.job["id"])
    assert page.view.job["state"] == "cancelled"
    assert len(page.view.branches) == 1
    busy.set()
    assert page.editor.wait(60)
    assert len(page.view.branches) == 1


def test_requests_made_while_a_cell_uses_the_model_are_done_after_it(front, trace, busy):
    page = front(trace, wait=False)
    page.tell("measure", measure="early-answer", unit="sentence", metric="probability")
    page.tell("truncate", token=sentence(trace, 2))
    assert not page.editor.wait(0.2)
    busy.set()
    assert page.editor.wait(60) and page.editor.error == ""
    assert page.current["label"] == "cut at #2"
    assert page.view.shading["measure"] == "early-answer" and page.view.shading["unit"] == "sentence"


def test_a_cancelled_measure_shows_what_it_had(front, trace, abacus, monkeypatch):
    page = front(trace)
    score, calls = abacus.score, []

    def slowly(trunk, branches, **options):
        if any(size >= 256 for size in calls):  # a block of early answers: what comes before is smaller
            page.tell("cancel", job=page.view.job["id"])
        calls.append(len(branches))
        control.current().check()
        return score(trunk, branches, **options)

    monkeypatch.setattr(abacus, "score", slowly)
    page.tell("measure", measure="early-answer", unit="token", metric="probability")
    assert page.editor.wait(60)
    job = page.view.job
    assert job["state"] == "cancelled" and job["label"] == "early answers" and 0 < job["done"] < job["total"]
    values = np.frombuffer(page.view.shading_values, "<f4")
    assert not page.view.shading["complete"]
    assert 0 < np.isfinite(values).sum() < len(trace.spans("token"))
    missing = next(iter(page.view.shading_status.values()))
    assert missing.startswith("not measured")
    monkeypatch.setattr(abacus, "score", score)
    page.act("measure", measure="early-answer", unit="token", metric="probability")
    assert page.view.shading["complete"]


def test_a_cancel_of_an_ended_job_stops_nothing_newer(front, trace, slow):
    page = front(trace)
    old = page.view.job["id"]
    page.tell("truncate", token=sentence(trace, 2))
    page.tell("cancel", job=old)
    assert page.editor.wait(60)
    assert page.current["label"] == "cut at #2" and page.view.job["state"] == "done"


def test_an_error_of_the_model_is_shown_and_nothing_is_lost(front, trace, abacus, monkeypatch):
    page = front(trace)
    values, resume = page.view.shading_values, abacus.resume

    def broken(edited, *, on_token=None, **options):
        error = BackendError("The logits at token 90 are NaN; load the model in float32.")
        error.partial = resume(edited, on_token=on_token, **{**options, "max_new_tokens": 5})
        raise error

    monkeypatch.setattr(abacus, "resume", broken)
    page.tell("rerun", token=sentence(trace, 1))
    assert page.editor.wait(60)
    assert page.view.job["state"] == "error" and "NaN" in page.view.job["message"]
    assert "BackendError" in page.editor.error and page.view.stream == {}
    assert page.current["parent"] == "b0", "five tokens were written"
    monkeypatch.setattr(abacus, "resume", lambda *a, **o: 1 / 0)
    page.act("goto", branch="b0")
    assert page.view.shading_values == values
    page.tell("rerun", token=sentence(trace, 1))
    assert page.editor.wait(60)
    assert page.view.job["message"] == "ZeroDivisionError: division by zero" and page.view.job["remedy"]
    assert page.view.comparison is None and len(page.view.branches) == 2
    monkeypatch.setattr(abacus, "resume", resume)
    page.act("rerun", token=sentence(trace, 1))


def test_a_fault_in_a_handler_is_answered(front, trace, monkeypatch):
    page = front(trace)
    monkeypatch.setattr("cotlens.workbench.editor.payload.inspection", lambda *_: [][0])
    reply = page.ask("inspect", token=3)
    assert reply["status"] == "error" and "IndexError" in reply["error"]["message"] and reply["error"]["remedy"]
    assert "IndexError" in page.editor.error


def test_messages_from_another_thread_while_this_one_writes_to_the_view(front, trace):
    """As on a subshell of ipykernel 7.0 to 7.3: a handler at the same time as a running cell."""
    page = front(trace)
    sent, faults, send_state = [], [], page.view.send_state

    def noting(key=None):
        sent.extend([key] if isinstance(key, str) else sorted(key or ()))
        return send_state(key)

    page.view.send_state = noting
    kinds = [("occlusion-direct", "token"), ("early-answer", "token"), ("early-answer", "sentence")]

    def click(seed):
        try:
            for i in range(12):
                measure, unit = kinds[(i + seed) % 3]
                page.tell("measure", measure=measure, unit=unit, metric="logit_difference")
                page.tell("inspect", token=70 + i)
                page.tell("goto", branch="b0")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=click, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        page.editor._publish()
    for thread in threads:
        thread.join()
    assert page.editor.wait(60) and page.editor.error == "" and not faults
    assert all(reply["status"] == "ok" for reply in page.sent), page.sent
    assert len({reply["request_id"] for reply in page.sent}) == len(page.sent)
    page.act("measure", measure="early-answer", unit="sentence", metric="logit_difference")
    assert len(page.view.shading_values) == 4 * len(trace.spans("sentence")) and page.view.shading["unit"] == "sentence"
    assert page.view.job["state"] == "done" and not page.view._holding_sync
    assert {"shading", "selection"} <= set(sent)


def test_long_traces_are_moved_through_quickly(abacus, front, monkeypatch):
    """Opening is measured by the benchmarks; what happens at every step must not grow with the text."""
    from cotlens.workbench.editor import payload
    from cotlens.workbench.shared.document import document

    thought = "At first there are 16 shells. Then 28 more are found. " * 3000
    long = Trace.from_text("Ravi has 16 shells.", thought, "The answer is 44.", model=abacus)
    assert len(long.token_ids) > 40_000
    document(long)
    assert steps(lambda: payload.inspection(long, 30_000)) < 1000
    assert steps(lambda: document(long)) < 1000
    json.dumps(document(long)["document"])


def steps(do):
    """Lines of Python that `do` runs: a loop over a text runs as many as the text has tokens."""
    lines = []

    def trace(frame, event, _):
        if event == "line":
            lines.append(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(before)
    return len(lines)


def test_work_for_a_branch_that_was_left_ends_without_a_word(front, given, busy, abacus):
    page = front(given, wait=False)
    busy.set()
    assert page.editor.wait(60)
    page.act("truncate", token=given.spans("sentence")[1].start)
    page.tell("measure", measure="resampling", unit="sentence", n=200)
    until(lambda: page.view.job["state"] == "running")
    page.tell("resample", n=3)  # waits behind it, so that something is still to come when the branch is left
    (left,) = [job.id for job in page.editor._jobs._open if job.slot == "measure"]
    told = []
    page.view.observe(lambda change: told.append(change.new), "job")
    page.ask("goto", branch="b0")
    assert page.editor.wait(120)
    assert told and left not in {job.get("id") for job in told}
    assert not any(job.get("state") == "cancelled" for job in told)
