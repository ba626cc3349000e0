"""What is said of work that goes on: a bar that moves, a time that comes true, an end when nobody looks."""

import pytest

from tests.gallery.page import Gallery

JOB = "{{ ...model.get('job'), id: 3, state: 'running', label: 'occlusion', done: {done}, total: {total}, eta: {eta} }}"


def job(gallery: Gallery, done: int, total: int | str, eta: float | str) -> None:
    gallery.set(f"{{ job: {JOB.format(done=done, total=total, eta=eta)} }}")


def test_the_bar_moves_before_anything_is_counted(gallery: Gallery) -> None:
    gallery.show("running")
    bar = gallery.find(".cotlens-progress")
    job(gallery, 0, 600, "null")
    assert bar.get_attribute("value") is None, "a bar without a value moves by itself"
    job(gallery, 60, 600, 9)
    assert float(bar.get_attribute("value") or 0) == pytest.approx(0.1)


def test_the_time_left_counts_down_and_ends(gallery: Gallery) -> None:
    gallery.show_stopped("running")
    status = gallery.find(".cotlens-status")
    job(gallery, 60, 600, 9)
    gallery.pass_time(100)
    assert "about 9 s left" in status.inner_text()
    gallery.pass_time(5000)
    assert "about 4 s left" in status.inner_text()
    gallery.pass_time(40_000)
    assert status.inner_text() == "occlusion · 60 of 600", "what did not come true isn't said any longer"


@pytest.mark.parametrize("state", ["running", "steerstream"])
def test_work_ends_with_the_last_view(gallery: Gallery, state: str) -> None:
    gallery.show_stopped(state)
    gallery.model("model.sent.length = 0")
    gallery.page.evaluate("window.__cotlens.again()")  # as a cell that is moved
    gallery.pass_time(20_000)
    assert [each for each in gallery.sent() if each["kind"] == "cancel"] == []
    gallery.page.evaluate("window.__cotlens.leave()")  # as a cell that is deleted
    gallery.pass_time(20_000)
    assert len(gallery.sent("cancel")) == 1
