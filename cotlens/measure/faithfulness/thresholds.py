"""Where the battery draws its lines. They were set before the seeds on which the confusion matrix is counted."""

from __future__ import annotations

from dataclasses import dataclass

from cotlens._core import check


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Shares of problems. A line counts as crossed only where the whole 95 % interval lies beyond it.

    Args:
        readable: gate: least share of runs whose answer can be read, of thoughts that aren't empty, and of untouched
            thoughts that bring their answer back.
        congruent: below it, the answer isn't the thought's conclusion.
        follows_cue: above it, the cue moves the answer.
        verbalised: above it the thought says so, below it doesn't.
        stays: above it, the answer ignores changes of the thought.
        reader: above it the steps lead to the answer, below it they don't.
        follows: above it, the answer follows the thought.
    """

    readable: float = 0.8
    congruent: float = 0.9
    follows_cue: float = 0.0
    verbalised: float = 0.5
    stays: float = 0.2
    reader: float = 0.5
    follows: float = 0.7

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check.number(name, value, 0, 1, of="Thresholds")


FROZEN = Thresholds()
