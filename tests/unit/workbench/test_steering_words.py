"""What a steered rerun comes to, in words; no model."""

from dataclasses import replace

import numpy as np
import pytest

from cotlens.measure.steering.judging import SteeredRun
from cotlens.trace import Trace
from cotlens.workbench.steering_runs import Rerun
from cotlens.workbench.steering_words import DAMAGE, findings, unwritten, verdict

BASELINE = Trace.from_text("How many?", "1 + 1 = 2.", "The answer is 2.")
OTHER = Trace.from_text("How many?", "1 + 1 = 3.", "The answer is 3.")


def rerun(*, answer="2", perplexity=1.2, note="", p=0.9, trace=OTHER, at=3):
    run = SteeredRun(BASELINE, trace, at, (), "2", answer, 0.9, p, 1.1, perplexity)
    return Rerun(trace, at, (), run, note)


def test_nothing_is_claimed_before_anything_is_measured():
    assert findings(None, None, None) == {}
    assert unwritten(None) == {}
    stopped = Rerun(OTHER, 3, (), None, "Stopped after 3 tokens.")
    assert verdict(stopped) == {"kind": "unknown", "text": "Not measured. Stopped after 3 tokens."}


@pytest.mark.parametrize(
    ("made", "kind", "words"),
    [
        (rerun(), "text", "the answer is still 2; perplexity 1.1 → 1.2"),
        (rerun(answer="3"), "answer", "The answer changed from 2 to 3; perplexity 1.1 → 1.2"),
        (rerun(perplexity=1.1 * DAMAGE + 0.1), "damage", "far less likely than its own"),
        (rerun(answer=None, note="Cut after 9 tokens."), "damage", "The answer 2 is gone"),
        (rerun(trace=BASELINE, at=len(BASELINE.token_ids)), "same", "Every token stays"),
        (rerun(trace=BASELINE, at=len(BASELINE.token_ids), p=0.4), "same", "Only the answer is less sure."),
        (None, "same", "this is the baseline"),
    ],
)
def test_changing_the_answer_and_breaking_the_model_are_told_apart(made, kind, words):
    said = verdict(made)
    assert said["kind"] == kind and words in said["text"]


def test_the_control_says_what_any_push_does():
    plain = rerun().run
    said = lambda control: findings(plain, rerun(answer="3"), control)["control_verdict"]  # noqa: E731
    assert said(None) is None
    assert "changed the text and not the answer" in said(rerun())
    assert "changed the answer, too, to 4" in said(rerun(answer="4"))
    assert said(rerun(trace=BASELINE, at=len(BASELINE.token_ids))) == "Random vectors of equal norm changed no token."


def test_what_was_not_measured_is_null_and_never_zero():
    made = rerun(p=np.nan, perplexity=np.nan)
    shown = findings(None, made, replace(made, run=None))
    assert shown["steered"]["p"] is None and shown["steered"]["perplexity"] is None
    assert shown["control"] is None and shown["baseline"]["p"] == 0.9
