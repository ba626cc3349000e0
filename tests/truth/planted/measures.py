"""Every measure of a forced answer on planted thoughts, in three formats of the answer.

python -m tests.truth.planted.measures --minutes 20     # goes on where it stopped
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cotlens._core.control import Control, using
from cotlens.measure.importance import METHODS
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm
from tests.truth.cells import Cells, code_of
from tests.truth.measuring import kept
from tests.truth.planted import rollouts
from tests.truth.planted.problems import Planted
from tests.truth.questions import size, value

NAME = "planted-measures"
NO_FORM = "no answer"  # of measures that force none

FORMS: dict[str, AnswerForm | None] = {
    "its own words": None,  # the form in which the trace answered
    "the answer is": AnswerForm("said", "The answer is ", "."),
    "boxed": AnswerForm("boxed", "The final answer is \\boxed{", "}"),
}


@dataclass(frozen=True)
class Measure:
    """A measure of a sentence. `forced`: whether it is about a forced answer; `other`: whether it needs other keys."""

    method: str
    settings: Mapping[str, Any]
    score: Callable[[Any], Any] = value
    forced: bool = True
    other: bool = False


MEASURES = {
    "Occlusion (direct)": Measure("Occlusion", {"effect": "direct"}),
    "Occlusion (total)": Measure("Occlusion", {"effect": "total"}),
    "Occlusion (mean)": Measure("Occlusion", {"mode": "mean"}),
    "Gradient (gradient_x_input)": Measure("Gradient", {"method": "gradient_x_input"}, size),
    "Gradient (attribution patching)": Measure("Gradient", {"method": "attribution_patching"}, size, other=True),
    "EarlyAnswer": Measure("EarlyAnswer", {"rivals": 0, "mask_lines": False}, size),
    "Suppression": Measure("Suppression", {}, forced=False),
    "Gradient (integrated_gradients)": Measure("Gradient", {"method": "integrated_gradients"}, size),
}


def formats(measure: Measure) -> tuple[str, ...]:
    """The formats in which a measure is asked."""
    return tuple(FORMS) if measure.forced else (NO_FORM,)


def key(problem: Planted, name: str, form: str) -> str:
    """The name of a cell."""
    return f"{problem.number}/{form}/{name}"


def code(measure: Measure) -> str:
    """A hash of the code that a measure depends on."""
    return code_of(METHODS.get(measure.method).__module__)


def traced(model: Any, problem: Planted) -> Trace:
    """The thought and its right answer."""
    trace = model.compose(problem.prompt, problem.thought, f"{problem.asked} {problem.key}.")
    return replace(trace, reader=problem.reader)


def other_keys(trace: Trace, problem: Planted) -> Trace:
    """The same thought with every key changed, digit for digit."""
    for shown in reversed(problem.keys):
        at = trace.text.index(f"{shown}.", trace.roles["thought"].char_start)
        trace = trace.replace((at, at + len(shown)), "".join(str((int(digit) + 3) % 10 or 5) for digit in shown))
    return trace


def measured(model: Any, problem: Planted, name: str, form: str) -> dict[str, Any]:
    """The cell of one measure in one format: a score per sentence, and the answer's probability where that is known."""
    measure, trace, began = MEASURES[name], traced(model, problem), time.monotonic()
    asked = {"form": FORMS[form]} if measure.forced else {}
    other = {"counterfactual": other_keys(trace, problem)} if measure.other else {}
    result = METHODS.get(measure.method)(unit="sentence", **measure.settings, **asked, **other).run(trace, model, 0)
    cell: dict[str, Any] = {"scores": kept(measure.score(result)), "seconds": round(time.monotonic() - began, 2)}
    if "probability" in result.columns:
        cell["probability"] = kept(np.asarray(result.columns["probability"])[-1:])[0]
    return cell


def run(model: Any, cells: Cells, problems: list[Planted], until: float) -> None:
    """Measure what is missing, one measure after the other, until the clock says stop."""
    for name, measure in MEASURES.items():
        began, done = time.monotonic(), 0
        for problem in problems:
            for form in formats(measure):
                if time.monotonic() > until:
                    return
                if cells.get(key(problem, name, form), code(measure)) is None:
                    cells.put(key(problem, name, form), code(measure), **measured(model, problem, name, form))
                    done += 1
        if done:
            print(f"{name}: {done} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def main() -> None:
    from tests import pretrained

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=600.0)
    until = time.monotonic() + 60 * asked.parse_args().minutes
    problems, _, _ = rollouts.known(Cells(rollouts.NAME))
    with using(Control()):  # no progress bars
        run(pretrained.model(), Cells(NAME), problems, until)


if __name__ == "__main__":
    main()
