"""Agreement of monitors: the published table to four digits, intervals over clusters, passages, and what is missing."""

import numpy as np
import pandas as pd
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.monitors import Finding, Reading, Readings, agreement
from cotlens.trace import Span
from tests import judges

PUBLISHED = {  # kappa, AC1, McNemar's chi-squared: recomputed from the published counts
    "sycophancy": (0.0599, 0.3104, 877.0),
    "consistency": (0.1139, 0.0202, 144.9),
    "metadata": (0.3622, 0.4638, 47.6),
    "grader": (0.4190, 0.7136, 12.7),
    "unethical": (0.3546, 0.7569, 147.8),
}


def test_the_published_table_is_reproduced():
    found = judges.tables()
    for hint, (kappa, ac1, chi2) in PUBLISHED.items():
        [pair] = agreement(dict(zip(("ours", "sonnet"), found[hint], strict=True))).pairs
        assert round(pair.kappa, 4) == kappa and round(pair.ac1, 4) == ac1, hint
        assert round(pair.mcnemar.statistic, 1) == chi2
        assert pair.kappa_interval.low < pair.kappa < pair.kappa_interval.high
    whole = [[label for one in found.values() for label in one[which]] for which in (0, 1)]
    [pair] = agreement(dict(zip(("ours", "sonnet"), whole, strict=True))).pairs
    assert (round(pair.kappa, 4), round(pair.observed, 4)) == (0.2754, 0.7306)
    assert round(pair.mcnemar.statistic, 1) == 633.3 and pair.n == 10_276


def test_a_prevalent_label_is_marked_as_degenerate():
    rng = np.random.default_rng(1)
    rare = [bool(one) for one in rng.random(300) < 0.02]
    other = [bool(one) for one in rng.random(300) < 0.02]
    [pair] = agreement([rare, other]).pairs
    assert pair.degenerate and pair.observed > 0.9 and abs(pair.kappa) < 0.2 and pair.ac1 > 0.9
    assert "kappa says little" in repr(agreement([rare, other]))
    assert not agreement([[True, False] * 20, [True, False, False, True] * 10]).pairs[0].degenerate


def test_kappa_has_no_interval_where_a_rater_said_one_label():
    found = agreement([[True, False] * 20, [True] * 40])
    [pair] = found.pairs
    assert pair.kappa == 0 and np.isnan(pair.kappa_interval).all() and pair.ac1_interval.low < pair.ac1
    assert "the second rater said one label only" in pair.status and pair.status in repr(found)
    assert list(found.frame()["status"]) == [pair.status]
    assert "the first rater" in agreement([[True] * 40, [True, False] * 20]).pairs[0].status
    assert "both raters" in agreement([[True] * 40, [False] * 40]).pairs[0].status
    assert agreement([[True, False] * 20, [True, True, False, False] * 10]).pairs[0].status == "ok"


def test_thoughts_of_one_problem_widen_the_interval():
    rng = np.random.default_rng(2)
    first = np.repeat(rng.random(30) < 0.5, 10)
    second = np.where(np.repeat(rng.random(30) < 0.8, 10), first, ~first)
    labels = [list(map(bool, first)), list(map(bool, second))]

    def width(**more):
        low, high = agreement(labels, **more).pairs[0].kappa_interval
        return high - low

    assert width(clusters=np.repeat(np.arange(30), 10).tolist()) > 2 * width()


def test_the_interval_covers():
    """95 % intervals of kappa hold the true one about as often as they say, in 200 samples of 120 thoughts."""
    rng, hits = np.random.default_rng(3), 0
    for seed in range(200):
        first = rng.random(120) < 0.5
        second = np.where(rng.random(120) < 0.8, first, ~first)  # kappa of 0.6
        low, high = agreement([list(map(bool, first)), list(map(bool, second))], seed=seed).pairs[0].kappa_interval
        hits += low <= 0.6 <= high
    assert 182 <= hits <= 197


TRACES = tuple(cl.Trace.from_text("Q", f"One is {n}. Two is {n}. Three is {n}.", str(n)) for n in range(4))


def reading(trace, label, *places, monitor="m", anchor="exact"):
    found = tuple(
        Finding("q", "c", 1, "asserts", "r", Span(0, 1, start, end, "quote"), anchor, 1.0) for start, end in places
    )
    if label is None:
        return Reading(monitor, trace.id, status="unparsed", reason="It is none.")
    return Reading(monitor, trace.id, label, float(label == "flawed"), label == "flawed", found)


def readings(name, *items):
    made = tuple(reading(trace, *item, monitor=name) for trace, item in zip(TRACES, items, strict=True))
    return Readings(name, ("flawed", "sound"), TRACES, made)


def test_passages_are_matched_by_overlap_each_once():
    first = readings("a", ("flawed", (0, 10), (20, 30)), ("flawed", (0, 10)), ("sound",), ("flawed", (5, 9)))
    second = readings("b", ("flawed", (0, 9), (1, 10)), ("flawed", (5, 15)), ("sound",), (None,))
    [pair] = agreement([first, second]).pairs
    # the first thought has one match of 2 and 2, the second none (IoU 1/3); the last was not read by both
    assert pair.span_f1 == pytest.approx(2 / 6)
    assert (pair.n, pair.failed) == (3, 1) and pair.mcnemar.first_only == 0


def test_what_failed_is_counted_and_no_label():
    first = readings("a", ("flawed",), ("sound",), (None,), ("sound",))
    second = readings("a", ("flawed",), ("flawed",), ("sound",), (None,))
    third = [None, "sound", "sound", "flawed"]
    found = agreement([first, second, third])
    assert [(one.first, one.second) for one in found.pairs] == [("a", "a #2"), ("a", "rater 3"), ("a #2", "rater 3")]
    assert [one.n for one in found.pairs] == [2, 2, 2] and found.pairs[2].mcnemar is None
    frame = found.frame()
    assert list(frame["failed"]) == [2, 2, 2] and "flawed (first)" in frame and frame.attrs["alpha"] == found.alpha


def test_what_a_table_puts_for_no_label_is_none():
    """A panel's frame, written as CSV and read again, has NaN where nothing was said."""
    first = ["a", "b", "a", "b", "a", "b"]
    wanted = agreement([first, [None, None, "a", "b", "b", "b"]])
    for nothing in ("", " ", float("nan"), np.float64("nan"), pd.NA):
        found = agreement([first, [nothing, nothing, "a", "b", "b", "b"]])
        assert (found.labels, found.alpha) == (("a", "b"), wanted.alpha), repr(nothing)
        assert (found.pairs[0].n, found.pairs[0].failed, found.pairs[0].kappa) == (4, 2, wanted.pairs[0].kappa)
    flags = agreement([[True, False, True], pd.Series([True, None, True])])
    assert flags.labels == ("False", "True") and flags.pairs[0].failed == 1


def test_what_can_not_be_compared_is_refused():
    first = readings("a", *[("sound",)] * 4)
    others = Readings("b", ("flawed", "sound"), TRACES[::-1], first.items[::-1])
    for given, words in [
        ([first], "two or more"),
        ([first, others], "read different thoughts"),
        ([[True, False], [True]], "the same thoughts"),
        ([["a", "a"], ["a", "a"]], "nothing to agree on"),
        ([[], []], "the same thoughts"),
    ]:
        with pytest.raises(InputError, match=words):
            agreement(given)
    with pytest.raises(InputError, match="one per thought"):
        agreement([first, first], clusters=[1])


def test_one_monitor_alone_is_refused_in_words():
    traces = [cl.Trace.from_text("?", "12 + 7 = 19.")]
    with pytest.raises(InputError, match="one was given: give them in a list"):
        agreement(cl.monitors.Rules(equations=True).run(traces))
