"""The bar of work that nobody controls: not for quick work, closed at the end."""

import pytest

from cotlens._core import control, progress


@pytest.fixture
def bar(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    return progress.Bar()


def test_a_long_work_draws_a_bar_that_ends(bar, capsys):
    for done in range(11):
        bar.report(done, 10, "occlusion")
    said = capsys.readouterr().err
    assert "occlusion" in said
    assert bar._drawn is None


def test_quick_work_draws_nothing(capsys):
    bar = progress.Bar()
    for done in range(11):
        bar.report(done, 10, "occlusion")
    assert capsys.readouterr().err == ""


def test_what_changes_on_the_way_stays_in_one_bar(bar, capsys):
    drawn = set()
    for done in range(11):
        bar.report(done, 10, f"rollouts, {done // 2} of {done} answers read")
        drawn |= {(id(bar._drawn), bar._drawn.desc)} if bar._drawn is not None else set()
    assert len({bar for bar, _ in drawn}) == 1
    assert "rollouts, 4 of 9 answers read: " in {words for _, words in drawn}


def test_work_without_a_known_end_draws_nothing(bar, capsys):
    bar.report(0, None, "writing")
    bar.report(5, None, "writing")
    assert capsys.readouterr().err == ""


def test_uncontrolled_work_is_never_cancelled():
    current = control.current()
    current.cancel()
    current.check()
