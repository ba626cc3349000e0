"""Does a cue act directly, or by way of the thought?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens._core.errors import InputError
from cotlens.measure.faithfulness.shared.outcomes import CONTROL, Outcome, difference, same, share
from cotlens.measure.faithfulness.shared.problem_set_test import ProblemSetTest
from cotlens.measure.faithfulness.shared.runs import GivenThought, ProblemRuns
from cotlens.trace.splitting.splitters import split

TENTHS = 10
NO_TARGET = "{} needs cues that point to an answer, and no problem of this set has one: give Cue(text, answer=...)."


@dataclass(frozen=True, kw_only=True)
class Transplant(ProblemSetTest):
    """Does the cue move the answer directly, or by way of the thought that was written under it?

    The prompt with and without the cue, and the thoughts written with and without it, are crossed, and the answer is
    forced. `direct`: share that gives the cue's answer with the cue in the prompt but the plain thought, minus that
    with neither. `via_thought`: the same for the cued thought after the plain prompt. The four cells stand beside them.

    `by_sentence` also asks after parts of each cued thought, put after the plain prompt: the share with the sentences
    that come nearest to each tenth of it. A problem counts once in each.

    Source: Bogdan et al. 2025, "Thought Branches" (arXiv 2510.27484); no thought is left out for not converging.
    """

    question: ClassVar[str] = "Does the cue move the answer directly, or by way of the thought written under it?"
    runs_written: ClassVar[int] = 2
    forced_answers: ClassVar[int] = 4

    by_sentence: bool = False

    @property
    def forced_each(self) -> int:
        """Forced answers of each problem, at most."""
        return self.forced_answers + (TENTHS + 1) * self.by_sentence

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

    def _cell(self, runs: ProblemRuns, prompts: list[str], thoughts: list[str], times: int = 1) -> list[bool | None]:
        """Whether the cue's answer is given, of all problems, one after the other, `times` over."""
        cues = runs.cue_answers * times
        asked: list[GivenThought | None] = [
            None if cue is None else (prompt, thought)
            for prompt, thought, cue in zip(prompts, thoughts, cues, strict=True)
        ]
        return same(runs.forced(asked), cues)

    def _sentences(self, runs: ProblemRuns) -> list[Outcome]:
        plain, cut = [one.prompt for one in runs.problems], [(thought, _ends(thought)) for thought in runs.thoughts]
        # One part per tenth: the parts between would mostly bring the same answer, and count as other problems.
        parts = [
            [thought[: ends[round(tenth * (len(ends) - 1) / TENTHS)]] for thought, ends in cut]
            for tenth in range(TENTHS + 1)
        ]
        hits = self._cell(runs, plain * len(parts), [one for each in parts for one in each], len(parts))
        return [
            share(f"via_{tenth}", f"the cue's answer with {tenth} tenths of the cued thought",
                  hits[tenth * len(plain) : (tenth + 1) * len(plain)])
            for tenth in range(TENTHS + 1)
        ]  # fmt: skip


def _ends(thought: str) -> list[int]:
    """Where its sentences end, and its beginning."""
    return [0, *(end for _, end in split(thought, "sentence"))]


def need_target(name: str, runs: ProblemRuns) -> None:
    """Raise InputError where no cue of the set points to an answer."""
    if not any(each is not None for each in runs.cue_answers):
        raise InputError(NO_TARGET.format(name))
