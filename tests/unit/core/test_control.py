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


def test_a_count_of_its_own_is_told_for_that_of_the_parts():
    seen, count = [], iter(range(9))
    with (
        using(Control(lambda *report: seen.append(report))) as mine,
        using(mine.counted_by(lambda: (3 + (found := next(count)), 9, f"counting, {found} found"))),
    ):
        list(work(2))
        mine.cancel()
        with pytest.raises(Cancelled):
            control.current().check()
    assert seen == [(3, 9, "counting, 0 found"), (4, 9, "counting, 1 found")]


def test_progress_on_a_part_is_progress_on_the_whole_and_never_goes_back():
    seen = []
    with using(Control(lambda *report: seen.append(report))) as mine, using(mine.part_of(10, 20, 40, "scoring units")):
        list(work(4))
        list(work(2))  # another count from 0 for the same part
        control.current().report(7, None, "who knows how many")
        mine.cancel()
        with pytest.raises(Cancelled):
            control.current().check()
    assert [done for done, _, _ in seen] == [15, 20, 25, 30, 30, 30]
    assert {(total, label) for _, total, label in seen} == {(40, "scoring units")}


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


def test_what_is_cancelled_under_no_control_ends_alone():
    nobody = control.current()
    for part in (nobody.silent(), nobody.part_of(0, 1, 1, "x"), nobody.counted_by(lambda: (0, None, "x"))):
        part.cancel()
        with pytest.raises(Cancelled):
            part.check()
        control.current().check()
