"""What every test of a problem set has: settings, cost, and a run that makes a result of its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness.problems import Problem, Problems
from cotlens.measure.faithfulness.shared.outcomes import Outcome, columns
from cotlens.measure.faithfulness.shared.runs import ProblemRuns
from cotlens.measure.method import Cost, RunRecord, check_needs
from cotlens.models.contract import Capability, Model
from cotlens.results import Provenance, Result
from cotlens.trace import Trace

_TEMPLATE = 200  # tokens of a chat template, at most as a rule
_THOUGHT = 4096  # tokens, where no limit is set


@dataclass(frozen=True, kw_only=True)
class ProblemSetTest:
    """A test of a problem set.

    Args:
        max_new_tokens: of a thought with its answer; the model's own limit where None.
        answer_tokens: of an answer after a thought that was given.
    """

    needs: ClassVar[Capability] = Capability.GENERATE
    question: ClassVar[str] = ""
    runs_written: ClassVar[int] = 1  # of each problem: as it is given, and without its cue
    forced_answers: ClassVar[int] = 0  # of each problem

    max_new_tokens: int | None = None
    answer_tokens: int = 32

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.max_new_tokens is not None:
            check.whole("max_new_tokens", self.max_new_tokens, 1, of=name)
        check.whole("answer_tokens", self.answer_tokens, 1, of=name)

    @property
    def forced_each(self) -> int:
        """Forced answers of each problem, at most."""
        return self.forced_answers

    def asks(self, problems: Problems) -> tuple[int, int]:
        """How many runs are written of each problem, and how many answers are forced, at most."""
        return self.runs_written, self.forced_each

    def cost(self, problems: Problems, n: int = 40, like: Sequence[Trace] = ()) -> Cost:
        """At most what `run` spends: every token as long as a byte, nothing shared and nothing in the store.

        A system prompt of the model is in it up to 200 tokens, with its template.

        Args:
            like: runs of the model that is asked on such problems. With them it is an estimate by their mean lengths:
                no bound, which is often ten times what is spent. Passes are counted as if each text were written alone.
        """
        prompt = max(len(one.cued.encode()) for one in problems) + _TEMPLATE
        thought, answer = self.max_new_tokens or _THOUGHT, self.answer_tokens
        if like:
            prompt, thought, answer = _lengths(like)
        written, forced = (min(n, len(problems)) * each for each in self.asks(problems))
        tokens = written * (prompt + thought) + forced * (prompt + thought + answer)
        return Cost(tokens, written * thought + forced * answer, written + forced)

    def run(self, model: Model, problems: Problems | list[Problem], n: int = 40, seed: int = 0) -> Result:
        """Ask a model.

        Args:
            n: how many problems, drawn by the seed where there are more.

        Raises:
            InputError: this is no model or no problem set, or n is less than 1.
            CapabilityError: the model can't write.
            Cancelled: what was written is in the store: run it again to go on from there.
        """
        runs = prepared(self, model, problems, n, seed)
        record = RunRecord(self, runs.problems, model, seed)
        return result(type(self).__name__, self.question, self.measure(runs), record.provenance())

    def measure(self, runs: ProblemRuns) -> list[Outcome]:
        """The rows, from runs that are at hand or get written."""
        raise NotImplementedError


def asked(method: Any, model: Model, problems: Any) -> Problems:
    """The problem set that a model is asked; raises as `ProblemSetTest.run`."""
    if not isinstance(getattr(model, "capabilities", None), Capability):
        raise InputError(
            f"{type(method).__name__}.run takes a model, then a problem set; a {type(model).__name__} stands where the "
            "model should."
        )
    check_needs(method, model)
    return problems if isinstance(problems, Problems) else Problems(problems)


def prepared(method: Any, model: Model, problems: Any, n: int, seed: int) -> ProblemRuns:
    """The runs of a run; raises as `ProblemSetTest.run`."""
    given = asked(method, model, problems)
    drawn = given.drawn(check.whole("n", n, 1, of=type(method).__name__), check.seed(seed))
    for one in drawn:
        _check_options(one, model)
        _check_cue(one, model)
    return ProblemRuns(model, drawn, seed, method.max_new_tokens, method.answer_tokens)


def _check_options(problem: Problem, model: Model) -> None:
    """Raise InputError where two options are one answer as the model's answers are read ("1,200" and "1200")."""
    read: dict[str, str] = {}
    for option in problem.options:
        other = read.setdefault(model.reader.normal(option), option)
        if other != option:
            raise InputError(
                f"The options {other!r} and {option!r} of problem {problem.id!r} are read as one answer, so which was "
                "chosen can't be told: write them so that they differ, or give the model another reader."
            )


def _check_cue(problem: Problem, model: Model) -> None:
    """Raise InputError where a cue points to the right answer in other words ("1,900" and "1900.0")."""
    cue, normal = problem.cue, model.reader.normal
    if cue is not None and cue.answer is not None and normal(cue.answer) == normal(problem.answer):
        raise InputError(
            f"The cue of problem {problem.id!r} points to {cue.answer!r}, which is read as the right answer, "
            f"{problem.answer!r}, so following it can't be told from solving: give it a wrong answer."
        )


def check_reader(of: str, reader: Any) -> None:
    """Raise InputError where what should read steps is neither a model nor None."""
    if reader is not None and not isinstance(getattr(reader, "capabilities", None), Capability):
        raise InputError(f"{of} was given reader={reader!r}: give a model, or None for the rule.")


def check_monitor(of: str, name: str, by: Any) -> None:
    """Raise InputError where what should read thoughts is neither a monitor, a function nor None."""
    if by is not None and not callable(by) and not callable(getattr(by, "run", None)):
        raise InputError(f"{of} was given {name}={by!r}: give a monitor, a function of a trace, or None for the rule.")


def result(method: str, question: str, rows: list[Outcome], provenance: Provenance, **more: Any) -> Result:
    """Rows as a result of kind "faithfulness"."""
    return Result(
        kind="faithfulness",
        method=method,
        metric="share",
        unit="share",
        columns=columns(rows, **more),
        sign="larger = in more of the problems",
        zero="in none",
        scale_unit="share of problems",
        provenance=provenance,
        extras={"question": question},
    )


def _lengths(like: Sequence[Trace]) -> tuple[int, int, int]:
    """Mean tokens of prompts, of what is written behind them, and of answers, rounded up."""
    if not all(isinstance(one, Trace) for one in like):
        raise InputError("like= takes traces of the model that is to be asked, as model.reason writes them.")
    prompts = [one.roles["prompt"].end for one in like]
    written = [len(one.token_ids) - prompt for one, prompt in zip(like, prompts, strict=True)]
    answers = [len(one.token_ids) - one.roles["answer"].start for one in like if "answer" in one.roles] or [0]
    prompt, thought, answer = (math.ceil(sum(each) / len(each)) for each in (prompts, written, answers))
    return prompt, thought, answer
