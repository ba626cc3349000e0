"""A branch written again many times: with its edit and without, live, with intervals, and nothing read that was cut."""

import dataclasses

import pytest

from cotlens.measure.stats.proportions import wilson
from cotlens.models.contract.start import Start
from cotlens.workbench.editor.resampling import Tally, arms, forced_answer, payload


def test_both_arms_of_an_edit_are_written_and_counted(front, given, abacus):
    page = front(given)
    page.act("edit", **page.place("44."), text="54.")
    shown = []
    page.view.observe(lambda change: shown.append(change.new), "resampled")
    page.act("resample", n=12)
    found, edited = page.view.resampled, page.editor.trace
    assert found == shown[-1] and len(shown) > 1, "answers are shown as they come"
    assert found["n"] == 12 and {arm: each["done"] for arm, each in found["arms"].items()} == {
        "before": 12,
        "after": 12,
    }
    place = edited.edit.start_token
    starts = {
        "before": Start(given, place + edited.edit.old_tokens, range(12)),
        "after": Start(edited, edited.edit.end_token, range(12)),
    }
    assert given.text[: int(given.offsets[starts["before"].at])].endswith("= 44.")
    limits = page.view.limits
    drawn = dict(
        zip(
            starts, abacus.rollouts(list(starts.values()), seed=0, max_new_tokens=limits["max_new_tokens"]), strict=True
        )
    )
    for arm, rollouts in drawn.items():
        read = [each.read_answer().text for each in rollouts if each.finished and each.read_answer()]
        for row in found["rows"]:
            if row["answer"] != "other":
                low, high = wilson(read.count(row["answer"]), len(read))
                assert row[arm]["count"] == read.count(row["answer"])
                assert (row[arm]["low"], row[arm]["high"]) == pytest.approx((low, high))
        assert found["arms"][arm]["unread"] == 12 - len(read)
    page.act("goto", branch="b0")
    assert page.view.resampled == {}, "it belongs to its branch"
    page.act("goto", branch="b1")
    assert page.view.resampled == found


def test_what_was_cut_off_is_unread_and_counted_as_such(front, given):
    page = front(given)
    page.act("limits", max_new_tokens=3, temperature=1.0)
    page.act("resample", n=4)
    assert page.view.resampled["arms"] == {"after": {"done": 4, "unread": 4, "cut": 4, "forced": 0}}
    assert page.view.resampled["rows"] == []


def test_where_nothing_can_be_read_thoughts_are_closed_and_asked_for_an_answer(front, given, abacus):
    page = front(given)
    page.act("edit", **page.place("44."), text="54.")
    page.act("limits", max_new_tokens=3, temperature=1.0)
    shown = []
    page.view.observe(lambda change: shown.append(change.new), "resampled")
    page.act("resample", n=14)
    told = [each["advice"] for each in shown if each]
    assert page.view.resampled["advice"] == "28 were cut off by the limit of tokens, which can be raised in the head"
    assert not any(told[:11]) and told[-1], "after a dozen of one arm"
    page.act("resample", n=14, force=True)
    found = page.view.resampled
    assert found["advice"] == "" and {arm: each["forced"] for arm, each in found["arms"].items()} == {
        "before": 14, "after": 14,
    }  # fmt: skip
    edited = page.editor.trace
    ((rollout,),) = abacus.rollouts(
        [Start(edited, edited.edit.end_token)], seed=int(given.meta.get("seed") or 0), max_new_tokens=3
    )
    answer = forced_answer(abacus, rollout)
    closed = abacus.resume(rollout, at=rollout.roles["thought"].end, close_thought=True, temperature=0)
    assert answer == closed.read_answer().text
    assert next(row for row in found["rows"] if row["answer"] == answer)["after"]["count"] > 0
    assert page.view.job["state"] == "done"


def test_who_asks_for_nothing_read_by_the_wrong_reader_hears_of_it(front, given):
    page = front(given)
    page.act("reader", reader="boxed")
    page.act("resample", n=4)
    assert page.view.resampled["advice"] == "the reader 'boxed' finds nothing in them"
    page.act("reader", reader="number")
    page.act("resample", n=4)
    assert page.view.resampled["advice"] == ""


def test_an_answer_within_a_text_that_was_cut_off_counts_for_nothing(given):
    tally = Tally()
    tally.add(dataclasses.replace(given, meta={**given.meta, "finish": "length"}))
    tally.add(given)
    assert tally.payload() == {"done": 2, "unread": 1, "cut": 1, "forced": 0} and tally.answers == {"17": 1}
    assert tally.share(1) == {"count": 1, "p": 1.0, "low": pytest.approx(wilson(1, 1)[0]), "high": 1.0}
    assert payload({"after": Tally()}, 5)["rows"] == [] and Tally().share(0)["p"] is None


def test_a_thought_that_was_cut_and_closed_begins_with_the_answer(front, given):
    page = front(given)
    token = given.spans("sentence")[2].start
    page.act("truncate", token=token)
    cut = page.editor.trace
    starts = arms(cut, given, 3)
    assert starts["after"].at == cut.roles["answer"].start and starts["before"].at == token
    page.act("goto", branch="b0")
    page.act("rerun", token=token)
    assert set(arms(page.editor.trace, given, 3)) == {"after"}, "written again there is nothing that it is without"


def test_counts_belong_to_the_reader_and_the_limits_they_were_made_with(front, given):
    page = front(given)
    page.act("resample", n=4)
    assert page.view.resampled["n"] == 4
    page.act("limits", **page.view.limits)
    assert page.view.resampled["n"] == 4, "the limits are the same"
    page.act("reader", reader="boxed")
    assert page.view.resampled == {}
    page.act("resample", n=4)
    page.act("limits", **{**page.view.limits, "temperature": 0.5})
    assert page.view.resampled == {}
    page.act("truncate", token=given.roles["thought"].end)
    page.act("goto", branch="b0")
    assert page.view.resampled == {}, "nor does it come back with its branch"


def test_rollouts_that_still_come_for_another_reader_are_told_nobody(front, given):
    page, told = front(given), []

    def heard(change):
        if change.new and not told:
            told.append(page.ask("reader", reader="boxed"))

    page.view.observe(heard, "resampled")
    page.tell("resample", n=200)
    assert page.editor.wait(120) and told[0]["status"] == "ok"
    assert page.view.resampled == {}


@pytest.mark.parametrize("n", [0, 1001, -5])
def test_how_many_is_checked(front, given, n):
    assert front(given).ask("resample", n=n)["status"] == "error"


def test_what_was_written_before_a_cancel_is_kept(front, given):
    page = front(given)
    page.view.observe(lambda _: page.tell("cancel", job=page.view.job["id"]), "resampled")
    assert page.ask("resample", n=400)["status"] == "ok"
    assert page.editor.wait(120) and page.view.job["state"] == "cancelled"
    assert 0 < page.view.resampled["arms"]["after"]["done"] < 400
