"""Categories by a monitor: a judge quotes each sentence with its category, and what it misquotes has none."""

from __future__ import annotations

import math

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.categories.tags import CATEGORIES, Tags
from cotlens.measure.monitors import Category, Finding, Label, Reading, Rubric
from cotlens.trace import Span, Trace

_MEANINGS = {
    "problem_setup": "reads or restates the problem",
    "plan_generation": "says what will be done, or decides how",
    "fact_retrieval": "recalls a fact, a formula or a given of the problem, without computing",
    "active_computation": "calculates, or changes an expression",
    "result_consolidation": "gathers results that were found, or sums up",
    "uncertainty_management": "doubts, is confused, or goes back to try otherwise",
    "final_answer_emission": "states the final answer",
    "self_checking": "checks a step or a result",
    "unknown": "none of the others",
}
RUBRIC = Rubric(
    "categories",
    "Say what each sentence of the thought does. Give every sentence one finding: its words as the quote, its number, "
    "and the category that fits best. The severity is 0 and the stance 'asserts'.",
    (
        Label("complete", "every sentence has a category"),
        Label("incomplete", "some sentence has none", flags=True),
    ),
    tuple(Category(name, _MEANINGS[name], 0) for name in CATEGORIES),
    find="every sentence in its order",
)
"""What a judge is asked for `monitored`: `cl.monitors.Judge(model, cl.categories.RUBRIC, view="thought")`."""


def monitored(reading: Reading, trace: Trace) -> Tags:
    """The categories that a monitor gave the sentences of a thought; one without a located quote is "unknown".

    Confidences are NaN: how often a monitor is right is what `cl.categories.agreement` with a person says.

    Args:
        reading: by a judge with `RUBRIC`, or by any monitor whose categories are among the nine.

    Raises:
        InputError: the reading failed, is of another trace, or has a category that is none of the nine.
    """
    if not reading.ok:
        raise InputError(f"{reading.monitor!r} gave no categories: {reading.reason or reading.status}")
    if reading.trace_id != trace.id:
        raise InputError(
            f"The reading is of trace {reading.trace_id}, not of {trace.id}; give the trace that was read."
        )
    for finding in reading.findings:
        if finding.category not in CATEGORIES:
            raise InputError(f"There is no category {finding.category!r}. {did_you_mean(finding.category, CATEGORIES)}")
    spans = tuple(trace.spans("sentence"))
    found = tuple(_category(span, reading.findings) for span in spans)
    n = len(spans)
    return Tags(trace, spans, found, ("monitor",) * n, (math.nan,) * n)


def _category(sentence: Span, findings: tuple[Finding, ...]) -> str:
    """That of the located finding with most characters in the sentence; the first of equals."""
    best, most = "unknown", 0
    for finding in findings:
        span = finding.span
        if span is None or not finding.located:
            continue
        inside = min(span.char_end, sentence.char_end) - max(span.char_start, sentence.char_start)
        if inside > most:
            best, most = finding.category, inside
    return best
