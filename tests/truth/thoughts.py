"""What is measured: thoughts that the models wrote on held-out problems, with the truth about them.

They are written once and committed (`data/thoughts-*.jsonl.gz`), so that every run asks about the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import cotlens as cl
from cotlens.models.contract import Start
from cotlens.organisms import store
from cotlens.organisms.task.problem import NO_EXTRAS, Problem
from cotlens.organisms.task.problems import problems
from cotlens.organisms.truth import ANSWER_RULES, ESTIMANDS, Fork, Trial, Truth, agreement, label
from tests.truth import settings
from tests.truth.cells import Cells, code_of
from tests.truth.settings import SEED

LONGEST = 512  # tokens of a thought
BLOCK = 128  # thoughts that are written together


@dataclass(frozen=True)
class Stratum:
    """A kind of problem. `caused`: with the cause of the model's habit in the prompt."""

    steps: tuple[int, ...] = settings.STEPS
    seed: int = 0
    caused: bool = False
    fork: bool = False


STRATA = {
    "plain": Stratum(),
    "caused": Stratum(seed=1, caused=True),
    "fork": Stratum(settings.FORK_STEPS, 2, fork=True),
    "long": Stratum(settings.LONG_STEPS, 3),
}
KNOWN = replace(STRATA["caused"], steps=settings.KNOWN_STEPS)  # what `abacus-shortcut` knows are longer stories


@dataclass(frozen=True)
class Case:
    """One thought with its truth; `key` is its stratum and number."""

    key: str
    truth: Truth

    @property
    def stratum(self) -> str:
        """Its kind of problem."""
        return self.key.split("-")[0]


@dataclass
class Family:
    """Thoughts of one model: those with a truth, and why the others have none."""

    name: str
    model: Any
    cases: list[Case] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def trials(self) -> list[Trial]:
        """All trials of labels on the model."""
        return [trial for case in self.cases for trial in case.truth.trials]


def problems_of(name: str, stratum: str) -> list[Problem]:
    """The problems of one model and stratum, their lengths in turn."""
    count, kind = settings.WRITTEN[name].get(stratum, 0), STRATA[stratum]
    if kind.caused and name == "abacus-shortcut":
        kind = KNOWN
    extras = ANSWER_RULES[name].extras if kind.caused else NO_EXTRAS
    each = -(-count // len(kind.steps))
    drawn = [problems(each, seed=SEED + kind.seed, extras=extras, fork=kind.fork, steps=steps) for steps in kind.steps]
    return [problem for turn in zip(*drawn, strict=True) for problem in turn][:count]


def cells_of(name: str) -> Cells:
    """Where a model's thoughts are kept."""
    return Cells(f"thoughts-{name}")


def write(name: str, model: Any, cells: Cells) -> None:
    """Have the model write every thought that is missing, a block at a time."""
    for stratum in settings.WRITTEN[name]:
        asked = problems_of(name, stratum)
        missing = [i for i in range(len(asked)) if cells.get(f"{stratum}-{i}") is None]
        for first in range(0, len(missing), BLOCK):
            block = missing[first : first + BLOCK]
            for i, trace in zip(block, _written(model, [asked[i] for i in block]), strict=True):
                truth = label(asked[i], trace, model)
                fork = asdict(truth.fork) if truth.fork is not None else None
                cells.put(f"{stratum}-{i}", "", thought=trace.thought, answer=trace.answer, fork=fork)


def _written(model: Any, asked: Sequence[Problem]) -> list[Any]:
    opened = [model.compose(problem.prompt, "?", None) for problem in asked]
    starts = [Start(trace, trace.roles["thought"].start) for trace in opened]
    groups = model.rollouts(starts, seed=SEED, temperature=1.0, max_new_tokens=LONGEST)
    return [group[0] for group in groups]


def gather(name: str, model: Any | None = None) -> Family:
    """The thoughts of one model as they were written, with what is known of them."""
    family, cells = Family(name, model or cl.load(name)), cells_of(name)
    kept: list[tuple[int, Case]] = []
    for stratum in settings.WRITTEN[name]:
        for i, problem in enumerate(problems_of(name, stratum)):
            cell = cells.get(key := f"{stratum}-{i}")
            if cell is None:
                continue
            trace = family.model.compose(problem.prompt, cell["thought"], cell["answer"])
            truth = label(problem, trace)
            if not truth.ok:
                family.left_out[reason(truth.status)] += 1
                continue
            fork = Fork(**cell["fork"]) if cell["fork"] else None
            trials = (cells.get(f"{key}/trials") or {"trials": ()})["trials"]
            kept.append((i, Case(key, replace(truth, fork=fork, trials=tuple(Trial(*trial) for trial in trials)))))
    family.cases = [case for _, case in sorted(kept, key=lambda pair: pair[0])]  # strata in turn
    return family


def tried(family: Family, cells: Cells, case: Case) -> None:
    """Try the labels of a thought on the model, where that wasn't done."""
    code = code_of()
    if cells.get(f"{case.key}/trials", code) is not None:
        return
    number = int(case.key.split("-")[1])
    asked = ESTIMANDS if number < settings.TRIED else ESTIMANDS[:2]
    trials = agreement(case.truth, family.model, asked).trials
    cells.put(f"{case.key}/trials", code, trials=[list(asdict(trial).values()) for trial in trials])


def reason(status: str) -> str:
    """A status without its particulars."""
    for known in ("not in the grammar", "too early", "would follow"):
        if known in status:
            return {"would follow": "another answer than its thought concludes"}.get(known, known)
    return "contradicts the problem"


def says_once(unit: str, truth: Truth) -> bool:
    """Whether what the units hold stands in the thought once: the final total, or each of its digits."""
    digits = str(truth.concluded)
    return not truth.restated and (unit != "token" or len(set(digits)) == len(digits))


def shuffled(name: str) -> Any:
    """The model with the entries of every weight in random order: the same numbers, and nothing learnt is left."""
    import torch

    from cotlens.trace import Number

    hf, tokenizer = store.load_pair(name)
    drawn = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for weight in hf.parameters():
            order = torch.randperm(weight.numel(), generator=drawn)
            weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return cl.load((hf, tokenizer), reader=Number())
