"""What is tried on a model when it is first scored: does packed scoring equal an ordinary pass?"""

from __future__ import annotations

import numpy as np

from cotlens._core.errors import Cancelled, CotLensError
from cotlens.models.contract import Branch
from cotlens.models.local.scoring.verification import TOLERANCE
from cotlens.models.ndif import scoring
from cotlens.models.ndif.passes import RemoteRunner

_SHORT = 24
_LONGEST_WINDOW = 1024


class Checked:
    """How a model on a server is scored; two short jobs find out at the first question.

    Args:
        asked: "auto", "packed" or "plain".

    Attributes:
        sentence: which way is taken and why.
    """

    def __init__(self, remote: RemoteRunner, asked: str) -> None:
        self._remote = remote
        self._pack: bool | None = None if asked == "auto" else asked == "packed"
        self.sentence = f"{asked} scoring, because it was asked for and not checked"
        if remote.layout.no_mask:
            self._pack, self.sentence = False, f"plain scoring, because {remote.layout.no_mask}"
        elif self._pack is None:
            self.sentence = "packed scoring, once the first question has shown that it is right on this model"

    def pack(self) -> bool:
        """Whether branches go packed; on the owner thread."""
        if self._pack is None:
            self._pack, self.sentence = self._tried()
        return self._pack

    def _tried(self) -> tuple[bool, str]:
        before = self._remote.meter.snapshot()
        try:
            off = self._error()
        except Cancelled:
            raise
        except CotLensError as error:
            reason = str(error).rstrip(".")
            return False, f"plain scoring, because packed scoring failed on this model ({reason[:160]})"
        finally:
            # What was tried is no part of what a question costs.
            self._remote.meter.tokens, self._remote.meter.forwards = before.tokens, before.forwards
        if off <= TOLERANCE[self._remote.kind]:
            return True, f"packed scoring: equal to separate passes within {off:.0e} on this model"
        return False, f"plain scoring, because packed and separate passes differ by {off:.2g} on this model"

    def _error(self) -> float:
        """Largest difference between a branch among others, which would spoil it if it saw them, and on its own."""
        layout = self._remote.layout
        window = layout.window or 0
        # Longer than a sliding window, so that masks that disregard it are found out.
        n = window + _SHORT if 0 < window <= _LONGEST_WINDOW else _SHORT
        n = min(n, layout.context - 4)
        # Any ids do, as long as they differ: what is compared are two ways to run them.
        trunk = [(7919 * (i + 3)) % layout.vocabulary for i in range(n)]
        tail, middle = tuple(trunk[:4]), n - _SHORT // 2
        others = [Branch(n, tail), Branch(n, (*tail[:2], tail[0])), Branch(middle, tail[::-1], (1,))]
        fast = scoring.score(self._remote, trunk, [Branch(middle, tail), *others])[0]
        slow = scoring.score(self._remote, [*trunk[:middle], *tail], _one_by_one(middle, tail))
        return float(np.abs(fast.logprobs - np.concatenate([one.logprobs for one in slow])).max())


def _one_by_one(prefix: int, tail: tuple[int, ...]) -> list[Branch]:
    """A continuation as branches of one token each, which are read off the trunk."""
    return [Branch(prefix + i, (token,)) for i, token in enumerate(tail)]
