"""Where rollouts begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotlens._core import check
from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from cotlens.trace import Trace

OnRollout = Callable[[int, "Trace"], None]


@dataclass(frozen=True, slots=True)
class Start:
    """Rollouts that go on after `trace.token_ids[:at]`.

    Args:
        trace: what stands before them; what it says after `at` doesn't matter to them.
        at: token index, from just after the prompt to the end.
        indices: the numbers of the rollouts, each with random numbers of its own: `range(100)` for the first hundred,
            `range(100, 150)` for fifty more.
    """

    trace: Trace
    at: int
    indices: Sequence[int] = range(1)

    def __post_init__(self) -> None:
        check.whole("at", self.at, of="Start")
        indices = [check.whole("indices", index, of="Start") for index in self.indices]
        if any(index < 0 for index in indices) or len(set(indices)) < len(indices):
            raise InputError(f"The numbers of rollouts are different whole numbers from 0; {indices} were given.")
