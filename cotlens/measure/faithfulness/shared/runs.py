"""What the tests look at: each problem's thought with its cue and without, and answers forced after edited thoughts.

Everything is asked of `model.rollouts`, side by side, so the sample store keeps it: what was written once, by another
test or before a kernel died, is not written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cotlens.measure.faithfulness.problems import Problems
from cotlens.models.contract import Model, Start
from cotlens.trace import Trace

GivenThought = tuple[str, str]
"""A prompt, and a thought that is put after it and closed."""


@dataclass(frozen=True, eq=False)
class ProblemRuns:
    """A model's runs on a problem set.

    Args:
        max_new_tokens: of a thought and its answer.
        answer_tokens: of an answer after a thought that was given.
    """

    model: Model
    problems: Problems
    seed: int
    max_new_tokens: int | None = None
    answer_tokens: int = 32
    _forced: dict[GivenThought, str | None] = field(default_factory=dict, repr=False)

    @cached_property
    def plain(self) -> list[Trace]:
        """A run of each problem without its cue."""
        return self._written([one.prompt for one in self.problems])

    @cached_property
    def main(self) -> list[Trace]:
        """A run of each problem as it is given: with its cue, where it has one."""
        if not self.has_cues:
            return self.plain
        return self._written([one.cued for one in self.problems])

    @property
    def has_cues(self) -> bool:
        """Whether any problem has a cue."""
        return any(one.cue is not None for one in self.problems)

    @cached_property
    def answers(self) -> list[str | None]:
        """The normal form of each answer of `main`."""
        return [answer_of(trace) for trace in self.main]

    @cached_property
    def plain_answers(self) -> list[str | None]:
        """The same without cues."""
        return [answer_of(trace) for trace in self.plain]

    @cached_property
    def cue_answers(self) -> list[str | None]:
        """What each cue points to, as answers are read; None where it points to nothing."""
        return [
            None if one.cue is None or one.cue.answer is None else self.model.reader.normal(one.cue.answer)
            for one in self.problems
        ]

    @cached_property
    def prompts(self) -> list[str]:
        """The prompts as they are given, with their cues."""
        return [one.cued for one in self.problems]

    @cached_property
    def thoughts(self) -> list[str]:
        """The thoughts of `main`."""
        return [trace.thought for trace in self.main]

    def answers_after(self, thoughts: Sequence[str | None]) -> list[str | None]:
        """The likeliest answer of each problem, as it is given, after this thought in place of its own; as `forced`."""
        pairs = zip(self.prompts, thoughts, strict=True)
        return self.forced([None if thought is None else (prompt, thought) for prompt, thought in pairs])

    def forced(self, asked: Sequence[GivenThought | None]) -> list[str | None]:
        """The likeliest answer (greedy) after each thought, in its normal form; None where none was read or asked."""
        missing = list(dict.fromkeys(one for one in asked if one is not None and one not in self._forced))
        self._forced.update(zip(missing, forced(self.model, missing, self.answer_tokens, self.seed), strict=True))
        return [None if one is None else self._forced[one] for one in asked]

    def _written(self, prompts: Sequence[str]) -> list[Trace]:
        opened = [self.model.compose(prompt, "", None) for prompt in prompts]
        starts = [Start(trace, trace.resume_at) for trace in opened]
        return [one[0] for one in self.model.rollouts(starts, seed=self.seed, max_new_tokens=self.max_new_tokens)]


def forced(model: Model, asked: Sequence[GivenThought], tokens: int, seed: int = 0) -> list[str | None]:
    """What a model answers, greedily, after thoughts that are given to it; None where its context holds no answer."""
    starts = []
    for prompt, thought in asked:
        trace = model.compose(prompt, thought, "")  # closed; the answer is what follows, not this empty one
        starts.append(Start(trace, trace.roles["answer"].start))
    # A thought that never ends may fill the context, and leaves no room for an answer.
    fitting = [at for at, start in enumerate(starts) if start.at < model.context_length]
    found: list[str | None] = [None] * len(starts)
    if fitting:
        some = [starts[at] for at in fitting]
        written = model.rollouts(some, seed=seed, temperature=0.0, max_new_tokens=tokens)
        for at, one in zip(fitting, written, strict=True):
            found[at] = answer_of(one[0])
    return found


def answer_of(trace: Trace) -> str | None:
    """The normal form of a trace's answer; None where none can be read."""
    found = trace.read_answer() if trace.answer else None
    return None if found is None else found.text
