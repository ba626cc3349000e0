"""Work that is interrupted keeps what it measured, and counts out of a total that stays the same."""

import traceback

import numpy as np
import pytest

import cotlens as cl
from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.progress import stage
from cotlens.results import Result

PROMPT = "Ravi has 16 shells. He finds 28 more shells on the beach. How many shells does Ravi have?"


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(abacus):
    return abacus.reason(PROMPT, seed=3)


def interrupted_after(n):
    """A control that is interrupted, as a person would, when it has heard so many reports of some progress."""
    heard = []

    def report(done, total, label):
        heard.append(done)
        if sum(1 for each in heard if each) == n:
            raise KeyboardInterrupt

    return Control(report)


@pytest.mark.parametrize(
    ("method", "reports"),
    [(cl.importance.Resampling(n=6), 15), (cl.importance.Resilience(n=4, rounds=3), 12)],
    ids=["Resampling", "Resilience"],
)
def test_an_interrupted_call_keeps_what_was_measured(abacus, trace, monkeypatch, method, reports):
    monkeypatch.setattr(abacus, "store", None)
    with control.using(interrupted_after(reports)), pytest.raises(KeyboardInterrupt) as caught:
        method.run(trace, abacus, seed=11)
    partial = caught.value.partial
    assert isinstance(partial, Result) and len(partial) == len(trace.spans("sentence"))
    assert partial.extras["rollouts_sampled"] > 0
    assert any("not measured" in status or "partly" in status for status in partial.columns["status"])
    assert "sys.last_value.partial" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "method",
    [
        cl.importance.Resilience(n=6, rounds=4),
        cl.importance.Resilience(n=4, rounds=3, metric="probability"),
        cl.importance.Resampling(n=5, confirm=2),
        cl.importance.Counterfactual(n=8),
    ],
    ids=["rounds", "probability", "confirmed", "in parts"],
)
def test_the_total_of_a_stage_stays_the_same(abacus, trace, monkeypatch, method):
    monkeypatch.setattr(abacus, "store", None)
    told = {}
    with control.using(Control(lambda done, total, label: told.setdefault(stage(label), []).append((done, total)))):
        method.run(trace, abacus, seed=5)
    counted = {label: counts for label, counts in told.items() if label.startswith("rollouts")}
    assert counted
    for label, counts in counted.items():
        dones, totals = zip(*counts, strict=True)
        assert len(set(totals)) == 1 and totals[0], f"{label}: {set(totals)}"
        assert list(dones) == sorted(dones) and dones[-1] <= totals[0], label
        assert np.diff(dones).max(initial=1) >= 1


def test_progress_is_heard_within_a_block(abacus, trace):
    heard = []
    with control.using(Control(lambda done, total, label: heard.append((done, total, label)))):
        cl.importance.EarlyAnswer(unit="token").run(trace, abacus)
    counts = [done for done, _, label in heard if label == "early answers"]
    total = next(total for _, total, label in heard if label == "early answers")
    assert len(set(counts)) > 2 and counts == sorted(counts) and counts[-1] == total
