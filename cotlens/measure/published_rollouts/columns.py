"""Published columns with what was not measured taken out: a 0 that means "not measured" is NaN with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.published_rollouts.files import ProblemFiles

STEPWISE = (
    "resampling_importance_accuracy",
    "resampling_importance_kl",
    "counterfactual_importance_accuracy",
    "counterfactual_importance_kl",
    "forced_importance_accuracy",
    "forced_importance_kl",
)
"""Columns that compare a sentence with the next one."""
NUMBERS = ("accuracy", *STEPWISE, "different_trajectories_fraction", "overdeterminedness")

SHARES = ("accuracy", "different_trajectories_fraction", "overdeterminedness", "counterfactual_importance_accuracy")
"""Columns that tell how many rollouts there were."""

OK = "ok"
NO_COLUMN = "not measured: the file has no such column"
EMPTY = "not measured: empty in the file"
NO_NEXT = "not measured: there is no next sentence"
GAP = "not measured: the next sentence is missing from the file"
NONE_DISSIMILAR = "not measured: no dissimilar sentence was sampled"
UNKNOWN_ZERO = "not measured: 0 in the file, and how many dissimilar sentences were sampled is not known"

Floats = NDArray[np.float64]


def table(problem: ProblemFiles) -> dict[str, Any]:
    """All columns for a frame: labels, numbers, and a status for every number that isn't measured everywhere."""
    found: dict[str, Any] = {
        "function_tag": problem.words("function_tags"),
        "depends_on": [_indices(row.get("depends_on")) for row in problem.rows],
        "summary": problem.words("summary"),
    }
    for name in NUMBERS:
        found[name], status = measured(problem, name)
        if set(status) != {OK}:
            found[f"{name}_status"] = status
    return found


def measured(problem: ProblemFiles, name: str) -> tuple[Floats, list[str]]:
    """A column with NaN for what was not measured, and the status of every row."""
    values = problem.numbers(name)
    reasons = [EMPTY if problem.has(name) else NO_COLUMN] * len(values)
    status = np.where(np.isnan(values), reasons, OK).astype(object)
    for rows, reason in _unmeasured(problem, name, values):
        status[rows & (status == OK)] = reason
    return np.where(status == OK, values, np.nan), [str(each) for each in status]


def _unmeasured(problem: ProblemFiles, name: str, values: Floats) -> list[tuple[NDArray[np.bool_], str]]:
    """Rows whose number is no measurement, and why."""
    last = np.arange(len(values)) == len(values) - 1
    found = []
    if name != "accuracy":
        found.append((last & (values == 0), NO_NEXT))
    if name in STEPWISE:
        found.append((np.append(np.diff(problem.index) > 1, False), GAP))
    if name.startswith("counterfactual"):
        dissimilar = problem.numbers("different_trajectories_fraction")
        found.append((dissimilar == 0, NONE_DISSIMILAR))
        found.append((np.isnan(dissimilar) & (values == 0), UNKNOWN_ZERO))
    return found


def _indices(value: Any) -> list[int]:
    """The indices a row depends on; published as text."""
    given = value if isinstance(value, list) else []
    return [int(each) for each in given if str(each).strip().isdigit()]
