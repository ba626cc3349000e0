"""What matters in a thought that a model wrote, one label per estimand.

What matters depends on the question:

- `fixed`: the rest of the text held fixed. The answer is read from the total stated last, so only the copies of the
  final total matter. With one copy it matters by itself; with several the label belongs to the set (`copies` > 1).
- `truncated`: the thought stopped there. A cut thought is answered with the total stated last, so a number matters
  where it changes whether that total is the answer.
- `regenerated`: the number changed and the rest written anew. Every number on the path matters: results, amounts and
  the totals carried on; slips, checks, asides and filler don't. Where a doubt, a slip or a check says an amount or a
  total once more, that number has no label: the rest may be made of it or of the one before.

On forks the truth is a number, not a label: see `forks`. Of a model that decides from the prompt nothing matters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cotlens._core.errors import InputError
from cotlens.organisms.task.problem import Problem
from cotlens.organisms.truth.answer_rules import answer_rule
from cotlens.organisms.truth.facts import ESTIMANDS, Number, Sentence
from cotlens.organisms.truth.forks import fork_of
from cotlens.organisms.truth.reading import Line, NumberMention, Reading, read
from cotlens.organisms.truth.truth import Truth
from cotlens.trace import Span, Trace

if TYPE_CHECKING:
    from cotlens.models.contract import Model

# moves whose numbers what follows is made of
_PATH = ("start", "recall", "compute", "fix", "correction", "restate", "final")
# said in passing, and known from elsewhere: what follows may be made of either
_SAID_ONCE_MORE = {("slip", "carry"), ("slip", "amount"), ("doubt", "amount"), ("check", "result")}


def label(problem: Problem, trace: Trace, model: Model | None = None) -> Truth:
    """The truth about a thought that a model of the family wrote on `problem`.

    Args:
        problem: what the trace answers.
        trace: with its answer.
        model: the one that wrote it. Without it, the model's name is the trace's, and forks are not computed.

    Raises:
        InputError: the trace answers another problem.
    """
    if trace.prompt.strip() != problem.prompt:
        raise InputError(
            f"This trace answers another problem ({trace.prompt.strip()[:50]!r}): label(problem, trace) needs the "
            "problem that was asked."
        )
    spans = trace.spans("sentence")
    name = model.name if model is not None else str(trace.meta.get("model", "abacus"))
    known = answer_rule(name).known(problem)
    concludes = known if answer_rule(name).concludes_known else None
    reading = read(problem, [trace.text[span.char_start : span.char_end] for span in spans], concludes)
    if reading.unknown:
        return Truth(problem, trace, f"unknown: {reading.unknown}", name)
    concluded = problem.totals(reading.choice)[-1] if concludes is None else concludes
    truth = Truth(problem, trace, "ok", name, concluded, reading.choice, reading.missing)
    answer = trace.read_answer()
    if answer is None or answer.text != str(truth.answer):
        given = "no answer" if answer is None else f"the answer {answer.text}"
        return Truth(problem, trace, f"unknown: it gives {given} where {truth.answer} would follow", name)
    truth = _labelled(truth, spans, reading)
    return replace(truth, fork=fork_of(truth, model)) if model is not None else truth


def _labelled(truth: Truth, spans: list[Span], reading: Reading) -> Truth:
    problem, stated = truth.problem, truth.problem.start
    numbers: list[Number] = []
    copies = sum(_is_copy(said, problem) for line in reading.lines for said in line.numbers)
    for index, (span, line) in enumerate(zip(spans, reading.lines, strict=True)):
        for said in line.numbers:
            now = said.number if said.role in ("carry", "result") else stated
            changes = (truth.says(now) == truth.answer) != (truth.says(stated) == truth.answer)
            matters: dict[str, bool | None] = {
                "fixed": _is_copy(said, problem),
                "truncated": changes,
                "regenerated": _on_path(line, said),
            }
            if truth.from_prompt:
                matters = dict.fromkeys(ESTIMANDS, False)
            numbers.append(_number(span, index, said, problem, matters, copies))
            stated = now
    sentences = [
        _sentence(span, line, [one for one in numbers if one.sentence == index], truth.from_prompt)
        for index, (span, line) in enumerate(zip(spans, reading.lines, strict=True))
    ]
    return replace(truth, sentences=tuple(sentences), numbers=tuple(numbers))


def _number(
    span: Span, sentence: int, said: NumberMention, problem: Problem, matters: dict[str, bool | None], copies: int
) -> Number:
    rate = 1 if said.total is not None else problem.steps[said.step].sign if said.step is not None else 0
    slope = {"fixed": int(matters["fixed"] is True), "regenerated": rate if matters["regenerated"] else 0}
    start, end = span.char_start + said.start, span.char_start + said.end
    group = copies if _is_copy(said, problem) else 0
    return Number(start, end, sentence, said.number, said.role, said.total, said.step, matters, group, slope)


def _sentence(span: Span, line: Line, numbers: list[Number], from_prompt: bool) -> Sentence:
    """A sentence matters where one of its numbers does; where nothing is known of any, nothing is known of it."""
    decides = line.move.name == "choice"
    matters: dict[str, bool | None] = {}
    for estimand in ESTIMANDS:
        flags = [number.matters[estimand] for number in numbers if number.role != "time"]
        unknown = bool(flags) and all(flag is None for flag in flags)
        matters[estimand] = None if unknown else any(flags)
    if decides and not from_prompt:
        matters["regenerated"] = True
    return Sentence(span, line.move.name, line.move.kind, line.move.filler, decides, matters)


def _is_copy(said: NumberMention, problem: Problem) -> bool:
    return said.role in ("carry", "result") and said.total == len(problem.steps)


def _on_path(line: Line, said: NumberMention) -> bool | None:
    """Whether what is written after it follows it; None where the symbols don't say."""
    if (line.move.name, said.role) in _SAID_ONCE_MORE:
        return None
    if said.role in ("slip", "previous") or (said.role == "result" and said.total is None):
        return False
    if said.role == "time":
        return None  # which change comes next, not how large it is
    return line.move.name in _PATH
