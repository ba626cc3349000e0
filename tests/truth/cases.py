"""What the table is made from: thoughts that the models write on held-out problems, with the truth about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cotlens as cl
from cotlens.models.abacus import store
from cotlens.models.abacus.problems import NO_EXTRAS, Problem, problems
from cotlens.models.abacus.truth import DECIDERS, ESTIMANDS, Decider, Trial, Truth, agreement, label
from tests.truth.settings import FORK_STEPS, FORKS, QUICK, QUICK_STEPS, REWRITTEN, SEED, SIBLING_TRACES, TRACES

LONGEST = 512  # tokens of a thought


@dataclass
class Cases:
    """Thoughts of one model: those with a truth, and why the others were left out."""

    name: str
    model: Any
    truths: list[Truth] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def trials(self) -> list[Trial]:
        """All trials of labels on the model."""
        return [trial for truth in self.truths for trial in truth.trials]

    def of(self, estimand: str) -> list[Truth]:
        """Thoughts whose labels of one estimand the model was not seen to contradict."""
        return [truth for truth in self.truths if truth.agrees(estimand) is not False]  # type: ignore[arg-type]


def gather(name: str) -> Cases:
    """Thoughts of one model, half of a sibling's with the cause of its habit in the prompt."""
    cases = Cases(name, cl.load(name))
    asked = problems_for(name)
    for number, truth in enumerate(labelled(cases, asked)):
        writes = number % max(1, len(asked) // REWRITTEN) == 0
        tried = ESTIMANDS if writes else ESTIMANDS[:2]
        cases.truths.append(agreement(truth, cases.model, tried))
    return cases


def problems_for(name: str) -> list[Problem]:
    """Held-out problems without a choice left open; of a sibling's, half hold the cause of its habit."""
    total = TRACES.get(name, SIBLING_TRACES)
    extras = DECIDERS.get(name, Decider()).extras
    plain = total if extras == NO_EXTRAS else total // 2
    caused = problems(total - plain, seed=SEED + 1, extras=extras, fork=False)
    return problems(plain, seed=SEED, extras=NO_EXTRAS, fork=False) + caused


def short_problems() -> list[Problem]:
    """Problems for the test that guards the table; more than it needs."""
    return problems(10 * QUICK, seed=SEED + 3, extras=NO_EXTRAS, fork=False, steps=QUICK_STEPS)


def forks(cases: Cases, count: int = FORKS) -> Cases:
    """Thoughts of the same model on `count` short problems with a choice left open."""
    found = Cases(cases.name, cases.model)
    asked = problems(count, seed=SEED + 2, extras=NO_EXTRAS, fork=True, steps=FORK_STEPS)
    found.truths += [truth for truth in labelled(found, asked) if truth.fork is not None]
    return found


def labelled(cases: Cases, asked: Sequence[Problem]) -> Iterator[Truth]:
    """The truth about each problem's thought; those without one are counted."""
    for number, problem in enumerate(asked):
        trace = cases.model.reason(problem.prompt, temperature=1.0, seed=SEED + number, max_new_tokens=LONGEST)
        truth = label(problem, trace, cases.model)
        if truth.ok:
            yield truth
        else:
            cases.left_out[reason(truth.status)] += 1


def reason(status: str) -> str:
    """A status without its particulars."""
    for known in ("not in the grammar", "too early", "would follow"):
        if known in status:
            return {"would follow": "another answer than its thought concludes"}.get(known, known)
    return "contradicts the problem"


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
