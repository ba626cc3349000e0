"""What a steered rerun comes to, in words; no model."""

from dataclasses import replace

import numpy as np
import pytest

from cotlens.measure.steering.judging import DAMAGE, SteeredRun
from cotlens.trace import Trace
from cotlens.workbench.steering_panel.runs import Rerun
from cotlens.workbench.steering_panel.words import findings, said, unwritten, verdict


def numbered(trace):
    """With token ids, which a trace without a model lacks."""
    return replace(trace, token_ids=[sum(trace.text[:end].encode()) for end in trace.offsets[1:]])


BASELINE = numbered(Trace.from_text("How many?", "1 + 1 = 2.", "The answer is 2."))
OTHER = numbered(Trace.from_text("How many?", "1 + 1 = 3.", "The answer is 3."))
LIKE = numbered(Trace.from_text("How many?", "1 + 1 is 3.", "The answer is 3."))
CUT, CUT_TOO = (replace(one, meta={"finish": "length"}) for one in (OTHER, LIKE))


def run_of(trace=OTHER, answer="2", perplexity=1.2, p=0.9, at=3, before=1.1):
    return SteeredRun(BASELINE, trace, at, (), "2", answer, 0.9, p, before, perplexity)


def rerun(*, note="", trace=OTHER, own=None, at=3, **figures):
    """A rerun beside an unsteered rewrite of perplexity 1.15, or `own`."""
    same = trace is BASELINE
    run = replace(run_of(trace, at=at, **figures), unsteered=None if same else own or run_of(BASELINE, perplexity=1.15))
    return Rerun(trace, at, (), run, note)


def test_nothing_is_claimed_before_anything_is_measured():
    assert findings(None, None, None) == {}
    assert unwritten(None) == {}
    stopped = Rerun(OTHER, 3, (), None, "Stopped after 3 tokens.")
    assert verdict(stopped) == {"kind": "unknown", "text": "Not measured. Stopped after 3 tokens."}


@pytest.mark.parametrize(
    ("made", "kind", "words"),
    [
        (rerun(), "text", "the answer is still 2; perplexity from token 3 on 1.15 unsteered → 1.2"),
        (
            rerun(answer="3"),
            "answer",
            "The answer changed from 2 to 3; perplexity from token 3 on 1.15 unsteered → 1.2",
        ),
        (rerun(perplexity=1.15 * DAMAGE + 0.1), "damage", "far less likely than its own"),
        (rerun(answer=None, trace=CUT), "damage", "The answer 2 is gone"),
        (rerun(trace=BASELINE, at=len(BASELINE.token_ids)), "same", "Every token stays"),
        (rerun(trace=BASELINE, at=len(BASELINE.token_ids), p=0.4), "same", "Only the answer is less sure."),
        (None, "same", "this is the baseline"),
    ],
)
def test_changing_the_answer_and_breaking_the_model_are_told_apart(made, kind, words):
    said = verdict(made)
    assert said["kind"] == kind and words in said["text"]


def test_what_rewriting_alone_does_is_not_laid_to_the_vector():
    """A pasted baseline closes its thought; the model itself, from the same token on, never does: that was damage."""
    endless = run_of(CUT_TOO, None, 1.19)
    made = verdict(rerun(answer=None, trace=CUT, own=endless, note="Cut after 9 tokens."))
    assert made["kind"] == "text" and "no answer can be read in it nor without steering" in made["text"]
    assert "damage" not in made["text"] and "The unsteered rewrite came to no end" in made["text"]
    other = run_of(LIKE, "3", 1.15)
    made = verdict(rerun(answer="3", own=other))
    assert made["kind"] == "text" and "the answer is still 3" in made["text"]
    assert "the text answers 3, not the baseline's 2" in made["text"]
    assert verdict(rerun(answer="2", own=other))["kind"] == "answer"


def test_each_perplexity_stands_beside_those_of_its_own_region():
    steered = rerun(at=3, own=run_of(LIKE, perplexity=1.15))
    control = rerun(at=7, perplexity=1.07, before=1.05, own=run_of(LIKE, perplexity=1.08, at=7))
    shown = findings(None, steered, control)
    figures = {name: [shown[name][key] for key in ("start", "perplexity", "beside", "baseline")] for name in
               ("baseline", "unsteered", "steered", "control")}  # fmt: skip
    assert figures == {
        "baseline": [3, 1.1, None, None], "unsteered": [3, 1.15, None, 1.1], "steered": [3, 1.2, 1.15, 1.1],
        "control": [7, 1.07, 1.08, 1.05],
    }  # fmt: skip
    assert "perplexity from token 7 on 1.08 unsteered → 1.07" in shown["control_verdict"]


def test_a_run_of_python_is_read_alike():
    steered = rerun(own=run_of(CUT_TOO, None, 1.19), answer=None, trace=CUT).run
    assert "may be damage" not in said(steered) and "nor without steering" in said(steered)
    assert steered.changed is None and not steered.damaged
    assert rerun(answer=None, trace=CUT).run.endless
    alike = rerun(own=run_of(OTHER, "3", 1.2), answer="3").run
    assert "The same text as without vectors" in said(alike) and "answers 3, not the baseline's 2" in said(alike)


def test_the_control_says_what_any_push_does():
    plain = rerun().run
    said = lambda control: findings(plain, rerun(answer="3"), control)["control_verdict"]  # noqa: E731
    assert said(None) is None
    assert "changed the text and not the answer" in said(rerun())
    assert "changed the answer to 4" in said(rerun(answer="4"))
    assert said(rerun(trace=BASELINE, at=len(BASELINE.token_ids))) == "Random vectors of equal norm changed no token."


def test_what_was_not_measured_is_null_and_never_zero():
    made = rerun(p=np.nan, perplexity=np.nan)
    shown = findings(None, made, replace(made, run=None))
    assert shown["steered"]["p"] is None and shown["steered"]["perplexity"] is None
    assert shown["control"] is None and shown["baseline"]["p"] == 0.9
