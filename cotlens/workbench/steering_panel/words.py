"""What a steered rerun comes to, in words: did it change the answer, or break the model?"""

from __future__ import annotations

import math

from cotlens.measure.steering.judging import UNRUN, SteeredRun
from cotlens.widgets.protocol.shared import Empty
from cotlens.widgets.protocol.steering_panel import Finding, Findings, Verdict
from cotlens.workbench.shared.compare import finite
from cotlens.workbench.steering_panel.runs import Rerun


def findings(
    plain: SteeredRun | None, steered: Rerun | None, control: Rerun | None, swept: str = ""
) -> Findings | Empty:
    """The view's `findings`: the baseline's own, those of what was written, and the verdict.

    Args:
        swept: what a sweep says of the same strength.
    """
    run = steered.run if steered is not None else None
    first, said = run or plain, verdict(steered)
    if first is None:
        return {}
    return {
        "target": first.answer,
        "baseline": _before(first),
        "unsteered": _after(run.unsteered if run is not None else None),
        "steered": _after(run),
        "control": _after(control.run if control is not None else None),
        "verdict": {"kind": said["kind"], "text": " ".join(filter(None, [said["text"], _unrun(first), swept]))},
        "control_verdict": beside(control),
    }


def unwritten(first: SteeredRun | None) -> Findings | Empty:
    """The same while nothing is known but the baseline."""
    if first is None:
        return {}
    return {
        "target": first.answer,
        "baseline": _before(first),
        "unsteered": None,
        "steered": None,
        "control": None,
        "verdict": None,
        "control_verdict": None,
    }


def verdict(steered: Rerun | None) -> Verdict:
    """Which kind of change it was, and the sentence."""
    if steered is None:
        return {"kind": "same", "text": "No vector is turned up: this is the baseline."}
    run = steered.run
    if run is None:
        return {"kind": "unknown", "text": f"Not measured. {steered.note}".strip()}
    if steered.same and run.baseline.awaits_rerun:
        return {"kind": "same", "text": "Every token that stands there stays, and the model has not gone on from them."}
    if steered.same:
        return {"kind": "same", "text": f"Every token stays: the model writes the same text.{_moved(run)}"}
    if run.unsteered is not None and run.steered.token_ids == run.unsteered.steered.token_ids:
        text = f"The same text as without vectors: what differs from the baseline is the rewriting.{_without(run)}"
        return {"kind": "same", "text": text}
    if (broken := damage(run)) is not None:
        text = f"{_answer(run)}, and {broken}: this may be damage and no change of mind.{_without(run)}"
        return {"kind": "damage", "text": text}
    kind = "answer" if run.changed else "text"
    more = f"{_perplexities(run)}, so it is still a text that the model would write"
    return {"kind": kind, "text": f"{_answer(run)}; {more}.{_without(run)}"}


def said(run: SteeredRun) -> str:
    """A rerun in a few lines: what was added, what changed, what random vectors did."""
    added = ", ".join(f"{one.coefficient:+g} {one.vector.name!r} at layer {one.vector.layer}" for one in run.steerings)
    judged = " ".join(filter(None, [verdict(_rerun(run))["text"], _unrun(run)]))
    lines = [f"Steered with {added or 'nothing'} from token {run.at} on.", judged]
    control = beside(_rerun(run.control)) if run.control is not None else None
    return "\n".join([*lines, *([control] if control else [])])


def _rerun(run: SteeredRun) -> Rerun:
    same = run.steered.token_ids == run.baseline.token_ids
    return Rerun(run.steered, len(run.steered.token_ids) if same else run.at, run.steerings, run)


def damage(run: SteeredRun) -> str | None:
    """Why a text looks broken, None where it doesn't."""
    if run.endless:
        beside = "the baseline" if run.unsteered is None else "the unsteered rewrite"
        return f"the text came to no end in {len(run.steered.token_ids) - run.at} tokens, where {beside} did"
    if run.damaged:
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
        f"Random vectors of equal norm changed the answer to {run.answer_after or 'none that can be read'}"
        if run.changed
        else "Random vectors of equal norm changed the text and not the answer"
    )
    broken = damage(run)
    return f"{said}, and {broken}." if broken else f"{said} ({_perplexities(run)})."


def _answer(run: SteeredRun) -> str:
    own, after = run.answer_unsteered, run.answer_after
    if own is None and after is None:
        return "The text changed, and no answer can be read in it nor without steering"
    if own is None:
        return f"The text changed and answers {after}, where none can be read without steering"
    if after is None:
        return f"The answer {own} is gone and no other can be read"
    return (
        f"The answer changed from {own} to {after}"
        if run.changed
        else f"The text changed and the answer is still {own}"
    )


def _without(run: SteeredRun) -> str:
    """What rewriting alone did, without any vector."""
    if run.unsteered is None:
        return ""
    made, said = run.unsteered.steered, ""
    if run.answer is not None and run.answer_unsteered != run.answer:
        own = run.answer_unsteered or "nothing that can be read"
        said = (
            f" Rewritten from the same token without vectors, the text answers {own}, not the baseline's {run.answer}."
        )
    if not made.finished:
        said += f" The unsteered rewrite came to no end in {len(made.token_ids) - run.at} tokens."
    return said


def _unrun(run: SteeredRun) -> str:
    """Whose answer the baseline shows, where it isn't its own."""
    return f"{UNRUN[0].upper()}{UNRUN[1:]}." if run.baseline.awaits_rerun else ""


def _moved(run: SteeredRun) -> str:
    before, after = run.probability, run.probability_after
    if not (math.isfinite(before) and math.isfinite(after)) or abs(after - before) < 0.01:
        return ""
    return f" Only the answer is {'less' if after < before else 'more'} sure."


def _perplexities(run: SteeredRun) -> str:
    beside = "of the baseline" if run.unsteered is None else "unsteered"
    arrow = "\N{RIGHTWARDS ARROW}"
    return (
        f"perplexity from token {run.at} on {run.perplexity_unsteered:.3g} {beside} {arrow} {run.perplexity_after:.3g}"
    )


def _before(run: SteeredRun) -> Finding:
    return _figures(run.answer, run.probability, run.perplexity, run, before=True)


def _after(run: SteeredRun | None) -> Finding | None:
    if run is None:
        return None
    return _figures(run.answer_after, run.probability_after, run.perplexity_after, run, before=False)


def _figures(answer: str | None, p: float, perplexity: float, run: SteeredRun, *, before: bool) -> Finding:
    """One column; `beside` and `baseline` are perplexities of the other texts from the same token `start` on."""
    trace = run.baseline if before else run.steered
    return {
        "answer": answer,
        "p": finite(p),
        "perplexity": finite(perplexity),
        "beside": finite(run.perplexity_unsteered) if run.unsteered is not None and not before else None,
        "baseline": finite(run.perplexity) if not before else None,
        "start": run.at,
        "tokens": len(trace.token_ids) - run.at,
    }
