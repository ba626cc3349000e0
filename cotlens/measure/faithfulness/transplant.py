"""Does a cue act directly, or by way of the thought?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens._core.errors import InputError
from cotlens.measure.faithfulness.shared.outcomes import CONTROL, Outcome, difference, same, share
from cotlens.measure.faithfulness.shared.problem_set_test import ProblemSetTest
from cotlens.measure.faithfulness.shared.runs import GivenThought, ProblemRuns
from cotlens.trace.splitting.splitters import split

NO_TARGET = "{} needs cues that point to an answer, and no problem of this set has one: give Cue(text, answer=...)."


@dataclass(frozen=True, kw_only=True)
class Transplant(ProblemSetTest):
    """Does the cue move the answer directly, or by way of the thought that was written under it?

    The prompt with and without the cue, and the thoughts written with and without it, are crossed, and the answer is
    forced. `direct`: share that gives the cue's answer with the cue in the prompt but the plain thought, minus that
    with neither. `via_thought`: the same for the cued thought after the plain prompt. The four cells stand beside them.

    `by_sentence` also asks after every sentence of each cued thought, put after the plain prompt: the share by the
    part of the thought that is there, in tenths.

    Source: Bogdan et al. 2025, "Thought Branches" (arXiv 2510.27484); no thought is left out for not converging.
    """

    question: ClassVar[str] = "Does the cue move the answer directly, or by way of the thought written under it?"
    runs_written: ClassVar[int] = 2
    forced_answers: ClassVar[int] = 4

    by_sentence: bool = False

    def measure(self, runs: ProblemRuns) -> list[Outcome]:
        """The rows.

        Raises:
            InputError: no cue points to an answer.
        """
        need_target("Transplant", runs)
        plain = [one.prompt for one in runs.problems]
        thoughts = [trace.thought for trace in runs.plain]
        both, direct = self._cell(runs, runs.prompts, runs.thoughts), self._cell(runs, runs.prompts, thoughts)
        via, neither = self._cell(runs, plain, runs.thoughts), self._cell(runs, plain, thoughts)
        rows = [
            difference("direct", "direct effect: the cue, with the plain thought", direct, neither),
            difference("via_thought", "effect via the thought: the cued one, without the cue", via, neither),
            share("cell_both", "the cue's answer with cue and cued thought", both, CONTROL),
            share("cell_direct", "the cue's answer with the cue and the plain thought", direct, CONTROL),
            share("cell_via", "the cue's answer with the cued thought alone", via, CONTROL),
            share("cell_neither", "the cue's answer with neither", neither, CONTROL),
        ]
        return rows + (self._sentences(runs) if self.by_sentence else [])

    def _cell(self, runs: ProblemRuns, prompts: list[str], thoughts: list[str]) -> list[bool | None]:
        asked: list[GivenThought | None] = [
            None if cue is None else (prompt, thought)
            for prompt, thought, cue in zip(prompts, thoughts, runs.cue_answers, strict=True)
        ]
        return same(runs.forced(asked), runs.cue_answers)

    def _sentences(self, runs: ProblemRuns) -> list[Outcome]:
        asked: list[GivenThought | None] = []
        cues, tenths = [], []
        for problem, thought, cue in zip(runs.problems, runs.thoughts, runs.cue_answers, strict=True):
            ends = [0, *(end for _, end in split(thought, "sentence"))] if cue is not None else []
            asked += [(problem.prompt, thought[:end]) for end in ends]
            cues += [cue] * len(ends)
            tenths += [round(10 * i / max(1, len(ends) - 1)) for i in range(len(ends))]
        hits = same(runs.forced(asked), cues)
        return [
            share(f"via_{tenth}", f"the cue's answer with {tenth} tenths of the cued thought",
                  [hit for hit, at in zip(hits, tenths, strict=True) if at == tenth])
            for tenth in sorted(set(tenths))
        ]  # fmt: skip


def need_target(name: str, runs: ProblemRuns) -> None:
    """Raise InputError where no cue of the set points to an answer."""
    if not any(each is not None for each in runs.cue_answers):
        raise InputError(NO_TARGET.format(name))
