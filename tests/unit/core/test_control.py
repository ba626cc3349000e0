import threading

import pytest

from cotlens._core import control
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled


def work(steps):
    for step in range(steps):
        control.current().check()
        control.current().report(step + 1, steps, "counting")
        yield step


def test_uncontrolled_work_runs_and_can_not_be_cancelled():
    control.current().cancel()
    assert list(work(3)) == [0, 1, 2]


def test_progress_is_reported():
    seen = []
    with using(Control(lambda *report: seen.append(report))) as mine:
        assert control.current() is mine
        list(work(2))
    assert seen == [(1, 2, "counting"), (2, 2, "counting")]
    assert control.current() is not mine


def test_words_that_change_stand_behind_the_label():
    seen, count = [], iter(range(9))
    with (
        using(Control(lambda *report: seen.append(report))) as mine,
        using(mine.worded(lambda: f"{next(count)} found")),
    ):
        list(work(2))
        mine.cancel()
        with pytest.raises(Cancelled):
            control.current().check()
    assert seen == [(1, 2, "counting, 0 found"), (2, 2, "counting, 1 found")]


def test_work_stops_at_its_next_check_after_a_cancel_from_another_thread():
    done = []

    def count(mine):
        for step in work(100):
            done.append(step)
            if step == 4:
                thread = threading.Thread(target=mine.cancel)
                thread.start()
                thread.join()

    with using(Control()) as mine, pytest.raises(Cancelled, match="cancelled"):
        count(mine)
    assert done == [0, 1, 2, 3, 4]


def test_controls_nest_and_are_left_when_work_fails():
    with using(Control()) as outer:
        with pytest.raises(ZeroDivisionError), using(Control()):
            _ = 1 / 0
        assert control.current() is outer


def test_another_thread_has_its_own_control():
    seen = []
    with using(Control()) as mine:
        thread = threading.Thread(target=lambda: seen.append(control.current()))
        thread.start()
        thread.join()
    assert seen != [mine]


def test_a_silent_part_is_cancelled_with_the_whole_and_says_nothing():
    said = []
    whole = Control(lambda *report: said.append(report))
    part = whole.silent()
    part.report(1, 2, "part")
    assert said == []
    whole.cancel()
    with pytest.raises(Cancelled):
        part.check()
