"""What a steered rerun comes to, in words: did it change the answer, or break the model?"""

from __future__ import annotations

import math
from typing import Any

from cotlens.measure.steering.judging import SteeredRun
from cotlens.workbench.compare import finite
from cotlens.workbench.steering_runs import Rerun

DAMAGE = 2.0
"""Perplexity, as a multiple of the baseline's from the same token on, above which a text counts as damaged."""


def findings(plain: SteeredRun | None, steered: Rerun | None, control: Rerun | None) -> dict[str, Any]:
    """The view's `findings`: the baseline's own, those of what was written, and the verdict."""
    run = steered.run if steered is not None else None
    first = run or plain
    if first is None:
        return {}
    return {
        **unwritten(first),
        "steered": _after(run),
        "control": _after(control.run if control is not None else None),
        "verdict": verdict(steered),
        "control_verdict": beside(control),
    }


def unwritten(first: SteeredRun | None) -> dict[str, Any]:
    """The same while nothing is known but the baseline."""
    if first is None:
        return {}
    own = _figures(first.answer, first.probability, first.perplexity, first, before=True)
    nothing = dict.fromkeys(("steered", "control", "verdict", "control_verdict"))
    return {"target": first.answer, "baseline": own, **nothing}


def verdict(steered: Rerun | None) -> dict[str, str]:
    """Which kind of change it was, and the sentence."""
    if steered is None:
        return {"kind": "same", "text": "No vector is turned up: this is the baseline."}
    run = steered.run
    if run is None:
        return {"kind": "unknown", "text": f"Not measured. {steered.note}".strip()}
    if steered.same:
        return {"kind": "same", "text": f"Every token stays: the model writes the same text.{_moved(run)}"}
    if (broken := damage(steered)) is not None:
        return {"kind": "damage", "text": f"{_answer(run)}, and {broken}: this may be damage and no change of mind."}
    kind = "answer" if run.changed else "text"
    more = f"{_perplexities(run)}, so it is still a text that the model would write"
    return {"kind": kind, "text": f"{_answer(run)}; {more}."}


def said(run: SteeredRun) -> str:
    """A rerun in a few lines: what was added, what changed, what random vectors did."""
    added = ", ".join(f"{one.coefficient:+g} {one.vector.name!r} at layer {one.vector.layer}" for one in run.steerings)
    lines = [f"Steered with {added or 'nothing'} from token {run.at} on.", verdict(_rerun(run))["text"]]
    control = beside(_rerun(run.control)) if run.control is not None else None
    return "\n".join([*lines, *([control] if control else [])])


def _rerun(run: SteeredRun) -> Rerun:
    same = run.steered.token_ids == run.baseline.token_ids
    return Rerun(run.steered, len(run.steered.token_ids) if same else run.at, run.steerings, run)


def damage(steered: Rerun) -> str | None:
    """Why a text looks broken, None where it doesn't."""
    run = steered.run
    assert run is not None
    if steered.note and run.baseline.meta.get("finish") != "length":
        return f"the text came to no end in {len(steered.trace.token_ids) - steered.at} tokens"
    ratio = run.perplexity_after / run.perplexity
    if math.isfinite(ratio) and ratio > DAMAGE:
        return f"the unsteered model finds the text far less likely than its own ({_perplexities(run)})"
    return None


def beside(control: Rerun | None) -> str | None:
    """What the random vectors did."""
    if control is None or control.run is None:
        return None
    run = control.run
    if control.same:
        return "Random vectors of equal norm changed no token."
    said = (
        f"Random vectors of equal norm changed the answer, too, to {run.answer_after or 'none that can be read'}"
        if run.changed
        else "Random vectors of equal norm changed the text and not the answer"
    )
    broken = damage(control)
    return f"{said}, and {broken}." if broken else f"{said} ({_perplexities(run)})."


def _answer(run: SteeredRun) -> str:
    if run.answer is None:
        return "The text changed (the baseline has no answer that can be read)"
    if not run.changed:
        return f"The text changed and the answer is still {run.answer}"
    if run.answer_after is None:
        return f"The answer {run.answer} is gone and no other can be read"
    return f"The answer changed from {run.answer} to {run.answer_after}"


def _moved(run: SteeredRun) -> str:
    before, after = run.probability, run.probability_after
    if not (math.isfinite(before) and math.isfinite(after)) or abs(after - before) < 0.01:
        return ""
    return f" Only the answer is {'less' if after < before else 'more'} sure."


def _perplexities(run: SteeredRun) -> str:
    return f"perplexity {run.perplexity:.3g} \N{RIGHTWARDS ARROW} {run.perplexity_after:.3g}"


def _after(run: SteeredRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return _figures(run.answer_after, run.probability_after, run.perplexity_after, run, before=False)


def _figures(answer: str | None, p: float, perplexity: float, run: SteeredRun, *, before: bool) -> dict[str, Any]:
    trace = run.baseline if before else run.steered
    return {"answer": answer, "p": finite(p), "perplexity": finite(perplexity), "tokens": len(trace.token_ids) - run.at}
