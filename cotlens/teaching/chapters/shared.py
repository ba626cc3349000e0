"""The model and the thoughts that checks ask about: held-out problems, each thought written once per process."""

from __future__ import annotations

from functools import lru_cache

from cotlens.models.contract import Model, Start
from cotlens.models.load import load
from cotlens.organisms import Problem, problems
from cotlens.organisms.task.problem import NO_EXTRAS, Extras
from cotlens.trace import Trace

GREEDY = 0.0  # temperature: the likeliest token each time, so that everybody gets the same


@lru_cache
def model(name: str = "abacus") -> Model:
    """A shipped model, loaded once."""
    return load(name)


@lru_cache
def stories(n: int, seed: int, steps: int, extras: Extras = NO_EXTRAS) -> tuple[Problem, ...]:
    """Held-out problems without a fork."""
    return tuple(problems(n, seed=seed, steps=steps, fork=False, extras=extras))


@lru_cache
def thoughts(n: int, seed: int, steps: int) -> tuple[Trace, ...]:
    """What abacus thinks about `stories`, greedily."""
    return tuple(reasoned(model(), [problem.prompt for problem in stories(n, seed, steps)]))


def reasoned(model: Model, prompts: list[str], temperature: float = GREEDY, seed: int = 0) -> list[Trace]:
    """Thoughts and answers of many prompts as `model.reason` writes them, decoded side by side."""
    # An empty thought opens with "\n\n", a token that no thought of its own begins behind: compose a word, and cut it.
    opened = [model.compose(prompt, "So", None) for prompt in prompts]
    asked = [Start(trace, trace.roles["thought"].start) for trace in opened]
    return [written[0] for written in model.rollouts(asked, temperature=temperature, seed=seed)]


def answer(trace: Trace) -> int | None:
    """The answer as a number; None where there is none to read."""
    found = trace.read_answer()
    return int(found.text) if found is not None and found.text.isdigit() else None


def sentences(trace: Trace) -> list[str]:
    """The thought's sentences."""
    return [trace.text[span.char_start : span.char_end] for span in trace.spans("sentence")]
