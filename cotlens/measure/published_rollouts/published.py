"""What was published of one problem: base trace, sentences, table, and how many rollouts stand behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.published_rollouts import columns, counts
from cotlens.measure.published_rollouts.files import ProblemFiles
from cotlens.trace import Span, Trace

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class Published:
    """The published rollouts of one problem as they stand in its files; described at `Rollouts`."""

    name: str
    trace: Trace
    spans: tuple[Span, ...]
    target: str
    rollouts: int
    problem: ProblemFiles

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def answer(self) -> str:
        """The answer that the base trace gives; "" where none was published."""
        return str(self.problem.base.get("answer") or "")

    @property
    def n(self) -> NDArray[np.int64]:
        """How many rollouts without each sentence gave an answer, int64 [n]; where several fit the file, the fewest."""
        return self.sizes.n

    @cached_property
    def sizes(self) -> counts.Sizes:
        """`n`, and beside it the largest number that fits what the folder says: shares, and rollouts where it has some.

        Raises:
            InputError: a list of rollouts in the folder is damaged.
        """
        accuracy, dissimilar, repeated, other = (self.problem.numbers(name) for name in columns.SHARES)
        last = self.problem.index == self.problem.index[-1]  # there, a 0 means nothing
        dissimilar, repeated = (np.where(last & (each == 0), np.nan, each) for each in (dissimilar, repeated))
        status = columns.measured(self.problem, columns.SHARES[-1])[1]
        known = np.array(status) == columns.OK
        inner = np.where(known, other + np.append(accuracy[1:], np.nan), np.nan)
        shares = counts.Shares(accuracy, dissimilar, repeated, inner)
        return counts.answered(shares, self.rollouts, self.problem.counted(), self.problem.listed())

    def frame(self) -> pandas.DataFrame:
        """The published table, a row per sentence, with `start` and `end` (tokens of the trace), `n` and `n_most`.

        Signs are the published ones. A 0 that stands for "not measured" is NaN, and the column's `..._status` says why:
        the last sentence has no next one, and where no dissimilar rollout was sampled there is nothing to compare.
        """
        import pandas

        table = columns.table(self.problem)
        places: dict[str, Any] = {
            "start": [span.start for span in self.spans],
            "end": [span.end for span in self.spans],
        }
        places |= {"n": self.n, "n_most": self.sizes.most}
        return pandas.DataFrame({"chunk_idx": self.problem.index, "chunk": self.problem.chunks, **places, **table})
