"""Where an organism parts from the model it was made of, and from itself without its cue: `cl.diff` on new thoughts.

    python -m tests.truth.faithfulness.diffs [--seed 9004] [--n 20] [--organism abacus-hint]

Writes diffs.json. The planted places are those of `cue_diffs`. After an edit: the same difference where the conclusion
of the thought was changed and its answer kept, summed over the answer; a model that has its answer from elsewhere parts
there from one that reads it off the thought, though on its own thought the two agree.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
from pathlib import Path
from typing import Any

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens.measure.diff.expected import KINDS
from cotlens.models.contract import Start
from cotlens.organisms import problems
from cotlens.organisms.task.problem import Problem
from cotlens.results import Result
from tests.truth.faithfulness.cells import EXTRAS
from tests.truth.faithfulness.cue_diffs import ORGANISMS, PLANTED, concluding_otherwise, cue_of

KEPT = Path(__file__).parent / "diffs.json"
BASE = "abacus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=9004)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--organism", default="", help="one of them; all by default")
    told = parser.parse_args()
    with using(Control()):
        for name, says, steps in ORGANISMS:
            if told.organism in ("", name):
                found = measured(name, says, steps, told.n, told.seed)
                key = f"{name}, seed {told.seed}, n {told.n}"
                KEPT.write_text(json.dumps({**kept(), key: found}, indent=1) + "\n", encoding="utf-8")
                print(name, found, flush=True)


def kept() -> dict[str, Any]:
    """What was measured so far."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def measured(name: str, says: str, steps: int | None, n: int, seed: int) -> dict[str, Any]:
    """Both differences of an organism: medians over its own thoughts, and how often the planted unit is the argmax."""
    model, base = cl.load(name), cl.load(BASE)
    asked = problems(n, seed=seed, steps=steps, fork=False, extras=EXTRAS[says])
    opened = [model.compose(one.prompt, "", None) for one in asked]
    traces = [each[0] for each in model.rollouts([Start(one, one.resume_at) for one in opened], seed=seed)]
    edited = [concluding_otherwise(model, one, trace) for one, trace in zip(asked, traces, strict=True)]
    others = {"prompt": [without_cue(one) for one in asked], "model": [base] * n}
    return {
        "organism": name,
        "n": n,
        "seed": seed,
        **{
            kind: _figures(
                says,
                asked,
                [cl.diff(model, other, trace) for other, trace in zip(against, traces, strict=True)],
                [cl.diff(model, o, trace) for o, trace in zip(against, edited, strict=True) if trace is not None],
            )
            for kind, against in others.items()
        },
    }


def without_cue(one: Problem) -> str:
    """The prompt with its cue taken out."""
    return one.prompt.replace(cue_of(one), "").replace("  ", " ").strip()


def _figures(says: str, asked: list[Problem], results: list[Result], edited: list[Result]) -> dict[str, Any]:
    at = {kind: [int(result.columns[kind].argmax()) for result in results] for kind in KINDS}
    hits = {
        kind: [PLANTED[says](result, i, one) for result, i, one in zip(results, at[kind], asked, strict=True)]
        for kind in KINDS
    }
    rows = list(zip(hits["kl"], results, at["kl"], asked, strict=True))
    return {
        "total": _median(float(result.columns["kl"].sum()) for result in results),
        "share": _median(_share(result.columns["kl"], i) for _, result, i, _ in rows),
        "planted": {kind: sum(hits[kind]) for kind in KINDS},
        "missed_false": sum(false_start(result.columns["text"][i], one) for hit, result, i, one in rows if not hit),
        "answer": _median(_of_answer(result) for result in results),
        "answer_after_edit": _median(_of_answer(result) for result in edited),
        "edited": len(edited),
    }


def _of_answer(result: Result) -> float:
    return float(result.columns["kl"][result.columns["unit"] == "role"].sum())


def false_start(sentence: str, one: Problem) -> bool:
    """Whether it says that the story begins with a number that the prompt doesn't have."""
    found = re.search(r"begins with ([0-9]+)", sentence)
    return found is not None and found[1] not in re.findall("[0-9]+", one.prompt)


def _share(values: Any, at: int) -> float:
    total = float(values.sum())
    return float(values[at]) / total if total > 0 else math.nan


def _median(values: Any) -> float | None:
    """Of what can be told: two that don't differ at all part nowhere more than elsewhere."""
    known = [float(value) for value in values if not math.isnan(value)]
    return round(statistics.median(known), 3) if known else None


if __name__ == "__main__":
    main()
