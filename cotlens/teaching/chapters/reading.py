"""Chapter 1: read a chain of thought, and break it."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import Any

from cotlens.models.contract import Model
from cotlens.teaching.cases import Case, agree, called, shown
from cotlens.teaching.chapters.shared import GREEDY, answer, model, stories, thoughts
from cotlens.teaching.exercise import Exercise, Wrong
from cotlens.trace import Trace

SUM = re.compile(r"= (\d+)")
OPENINGS = ("Let me go step by step.", "I will keep a running total.", "I will follow the story in order.")
STRANGE = ("Bananas dream of yellow trains.", "7 7 7 7 7 7.", "The answer is 12.")


def totals(trace: Trace) -> list[int]:
    """The running totals that a thought states behind an equals sign."""
    return [int(found[1]) for found in SUM.finditer(trace.thought)]


def stopped(model: Model, trace: Trace, k: int) -> int | None:
    """The answer if the thought had ended after `k` sentences."""
    spans = trace.spans("sentence")
    cut = trace.truncate(spans[k]) if k < len(spans) else trace
    return answer(model.resume(cut, close_thought=True, temperature=GREEDY)) if k < len(spans) else answer(trace)


def followed(model: Model, trace: Trace) -> int | None:
    """The answer after the first stated total was made one larger and the model went on."""
    return answer(model.resume(_bumped(trace), temperature=GREEDY))


def likeliest(model: Model, trace: Trace, old: str, candidates: list[str]) -> str:
    """The candidate that surprises the model least in place of `old`."""
    return min(candidates, key=lambda text: _surprise(model, trace, old, text))


def judge_totals(made: Any) -> str:
    """Exercise 1.1."""
    cases = [Case((trace,), totals(trace), f"the thought {trace.thought[-48:]!r}") for trace in thoughts(4, 101, 3)]
    slip = "these are all numbers of the thought, terms of the sums too. A running total is what stands behind the '='."
    agree(made, cases, slips={slip: lambda trace: [int(n) for n in re.findall(r"\d+", trace.thought)]})
    return "the thought carries its own state: each total is read from the one before it. That can be tested, as below."


@lru_cache
def _stopped_cases() -> tuple[Case, ...]:
    asked, traces = model(), thoughts(2, 102, 3)
    return tuple(
        Case((asked, trace, k), stopped(asked, trace, k), f"a thought stopped after {k} sentences")
        for trace in traces
        for k in range(len(trace.spans("sentence")))
    )


def judge_stopped(made: Any) -> str:
    """Exercise 1.2."""
    slips = {
        "that is the final answer whatever k is: the model went on thinking. Its thought has to be closed "
        "before it answers (`close_thought=True`).": lambda _, trace, k: answer(trace),
        "that is the answer after k + 1 sentences. `truncate` keeps what stands before the place it is "
        "given.": lambda m, trace, k: stopped(m, trace, k + 1),
    }
    agree(made, _stopped_cases(), slips=slips)
    return "cut off, it answers with the last total it wrote. So the answer is read off the thought, not known before."


@lru_cache
def _followed_cases() -> tuple[Case, ...]:
    asked = model()
    return tuple(
        Case((asked, trace), followed(asked, trace), f"the first total made one larger, in {trace.prompt[:40]!r}...")
        for trace in thoughts(4, 103, 3)
    )


def judge_followed(made: Any) -> str:
    """Exercise 1.3."""
    slip = "that is the old answer. An edit changes the text alone: what comes after it is old until the model resumes."
    agree(made, _followed_cases(), slips={slip: lambda m, trace: answer(trace)})
    return "one larger there, one larger in the answer: the model took over your mistake and did the rest right."


def judge_persuaded(made: Any) -> str:
    """Exercise 1.4."""
    asked, told = model(), stories(4, 104, 2)
    wanted = [random.Random(f"persuade-{i}").choice([n for n in range(10, 90) if n != int(p.answers[0])])
              for i, p in enumerate(told)]  # fmt: skip
    if not callable(made):
        raise Wrong(f"a function is asked for, and this is {shown(made)}. Leave the `def` line as it was.")
    got = []
    for problem, number in zip(told, wanted, strict=True):
        words = called(made, Case((asked, problem.prompt, number), "", f"a thought that ends in {number}"))
        if not isinstance(words, str):
            raise Wrong(f"the beginning of a thought is a text, and yours returns {shown(words)}.")
        got.append(answer(asked.reason(problem.prompt, prefill=words, temperature=GREEDY)))
    missed = [(number, said) for number, said in zip(wanted, got, strict=True) if number != said]
    if missed:
        raise Wrong(f"{len(missed)} of {len(wanted)} problems came out otherwise: {missed[0][0]} was wanted, and the "
                    f"model answered {missed[0][1]}. Read what it wrote after your words: where did it find a total to "
                    "go on from?")  # fmt: skip
    return (
        "it answers what the last step says, though the step is wrong. A prefill is a way in, for you and for others."
    )


def judge_likeliest(made: Any) -> str:
    """Exercise 1.5."""
    asked, cases = model(), []
    for i, trace in enumerate(thoughts(6, 105, 2)):
        span = trace.spans("sentence")[1]
        old = trace.text[span.char_start : span.char_end]
        candidates = [OPENINGS[i % len(OPENINGS)], *STRANGE]
        random.Random(f"openings-{i}").shuffle(candidates)
        right = likeliest(asked, trace, old, candidates)
        cases.append(Case((asked, trace, old, candidates), right, f"one of {candidates} in place of {old!r}"))
    slip = "these are the texts that surprise the model most. A small surprise is a text it might have written itself."
    most = {slip: lambda m, trace, old, texts: max(texts, key=lambda text: _surprise(m, trace, old, text))}
    agree(made, cases, slips=most)
    return "an edit it would never write tells how it copes with a strange text, not what the sentence did for it."


def _surprise(model: Model, trace: Trace, old: str, text: str) -> float:
    found = model.surprise(trace.replace(old, text)).surprise
    return float("inf") if found is None else found


def _bumped(trace: Trace) -> Trace:
    found = SUM.search(trace.text, trace.roles["thought"].char_start)
    if found is None:
        raise Wrong(f"the thought {trace.thought!r} states no total.")
    return trace.replace(found.span(1), str(int(found[1]) + 1))


def judge_branch(made: Any) -> str:
    """Exercise 1.6."""
    if not isinstance(made, Trace):
        raise Wrong(f"`editor.trace` is the trace that is shown; this is {shown(made)}.")
    if made.parent is None:
        raise Wrong("the trace shown is still the first one. Double-click its thought, change it, press Ctrl+Enter.")
    if made.awaits_rerun or answer(made) is None:
        raise Wrong("the edit is there, but the model has not gone on from it: rerun it, and wait for the answer.")
    first = made.path()[0]
    if answer(made) == answer(first):
        raise Wrong(f"the branch still answers {answer(first)}. Which word does the answer hang on?")
    return f"{answer(first)} became {answer(made)}. Each try is a branch: go back with [ and ], and compare."


EXERCISES = (
    Exercise("1.1", "Read the running totals", 3, 1, judge_totals, (
        "`trace.thought` is a string. What stands before every total?",
        r"`re.findall(r'= (\d+)', trace.thought)` finds the texts; they are to be numbers.",
    )),
    Exercise("1.2", "Stop the thought", 5, 2, judge_stopped, (
        "Two calls: one of the trace, which cuts, and one of the model, which goes on.",
        "`trace.truncate(span)` keeps what stands before a span: after k sentences, that is the span with index k.",
        "`model.resume(cut, close_thought=True, temperature=0)` ends the thought there and answers.",
    )),
    Exercise("1.3", "Make a mistake for it", 5, 2, judge_followed, (
        "Find the place of the first total, replace it, and let the model go on.",
        "`re.search(r'= (\\d+)', trace.text)` has the place in `.span(1)`: characters of the text, as `replace` wants "
        "them.",
        "`model.resume(trace.replace(place, str(total + 1)), temperature=0)`, and read the answer of that.",
    )),
    Exercise("1.4", "Put words into its mouth", 8, 3, judge_persuaded, (
        "Try a few beginnings with `model.reason(prompt, prefill=..., temperature=0)`. Which does it think on after?",
        "It thinks until the story is told. So the words have to tell all of it.",
        "Let it think first. Then change the last total of its thought, and give it that as its beginning.",
    )),
    Exercise("1.5", "What it might have said itself", 4, 2, judge_likeliest, (
        "`model.surprise(edited)` gives an edit with its `surprise`: mean nats per token of the new text.",
        "`min(candidates, key=lambda text: ...)` takes the one of the smallest.",
    )),
    Exercise("1.6", "In the editor", 5, 1, judge_branch, (
        "Double-click a number behind an equals sign, type another, Ctrl+Enter.",
        "The check looks at `editor.trace`, the branch that is shown: stay on it.",
    )),
)  # fmt: skip
