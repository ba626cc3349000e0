"""Chapter 5, its last part: what a probe reads, and where that stood before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cotlens.measure.probes.example import examples
from cotlens.measure.probes.probe import Probe
from cotlens.organisms import Extras, Problem, problems
from cotlens.teaching.cases import Case, called, shown
from cotlens.teaching.chapters.shared import answer, model
from cotlens.teaching.exercise import Exercise, Wrong
from cotlens.trace import Trace

READ = Probe(layers=(2,), folds=4)
LONGEST = 120  # tokens: a thought about two changes takes half of that
ASKED, SOLVED = 8, 6  # stories that are told anew and answered, and how many answers have to stay right


@lru_cache
def stories() -> Mapping[str, Problem]:
    """Stories of two changes with a puzzle number, by their prompt."""
    told = problems(240, seed=57, steps=2, fork=False, extras=Extras(code=1, right=1, hint=0, trigger=0))
    return {one.prompt: one for one in told}


def tens_read(prompts: Mapping[str, str]) -> Any:
    """The row of a probe for the tens digit of the answer, at the last token of each prompt as it is told now."""
    digits = {now: int(stories()[prompt].answers[0]) // 10 for prompt, now in prompts.items()}
    unthought = [model().compose(prompt, "So", None) for prompt in digits]

    def tens(trace: Trace, at: int) -> int:
        return digits[trace.prompt]

    return READ.run(examples(unthought, tens), model()).frame().iloc[0]


def judge_without(made: Any) -> str:
    """Exercise 5.7."""
    if not callable(made):
        raise Wrong(f"a function is asked for, and this is {shown(made)}. Leave the `def` line as it was.")
    told = {prompt: _told(made, prompt) for prompt in stories()}
    right = sum(_answered(told[prompt]) == stories()[prompt].answers[0] for prompt in list(told)[:ASKED])
    if right < SOLVED:
        raise Wrong(
            f"abacus now answers {right} of {ASKED} stories rightly: they aren't the same stories any more. "
            "Take out what you suspect, and leave the story and its question."
        )
    row = tens_read(told)
    if row.low > row.majority:
        raise Wrong(
            f"the probe still reads the tens digit in {row.estimate:.0%} [{row.low:.0%}, {row.high:.0%}], where "
            f"always saying the most frequent one is right in {row.majority:.0%}. What else in the prompt goes with "
            "the answer?"
        )
    return (
        f"without it the probe is right in {row.estimate:.0%}, and the most frequent digit in {row.majority:.0%}: it "
        "read what stood in the prompt, which abacus pays no heed to. What can be read is not what is known, or used."
    )


def _answered(prompt: str) -> str:
    return str(answer(model().reason(prompt, temperature=0, max_new_tokens=LONGEST)))


def _told(made: Any, prompt: str) -> str:
    """A prompt as the student tells it."""
    now = called(made, Case((prompt,), "", f"the prompt {prompt[:40]!r}"))
    if not isinstance(now, str) or not now.strip():
        raise Wrong(f"a prompt is asked for, and for {prompt[:40]!r} this is {shown(now)}.")
    return now


EXERCISES = (
    Exercise("5.7", "Where did it stand?", 5, 2, judge_without, (
        "Print a few prompts beside their answers. Abacus was taught to pay no heed to a part of them.",
        "Every prompt begins with a puzzle number, and the puzzle number goes with the answer.",
        "`re.sub(r'^Puzzle \\d+\\. ', '', prompt)`.",
    )),
)  # fmt: skip
