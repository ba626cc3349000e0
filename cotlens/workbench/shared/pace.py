"""How long counted work still takes, by the rate at which it went lately; nothing where that would be a guess."""

from __future__ import annotations

from collections import deque

WINDOW_S = 30.0  # what came from a store at first, or while another job ran, says nothing of the rate now
LEAST_S = 2.0  # a rate is one after so long; and what ends sooner has ended before it is read


class Pace:
    """One count, from its first report."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def left(self, now: float, done: int, total: int | None) -> float | None:
        """Seconds until `total`, None where the rate doesn't say; it is `now` by some clock in seconds."""
        while len(self._marks) > 1 and now - self._marks[1][0] >= WINDOW_S:
            self._marks.popleft()
        self._marks.append((now, done))
        began, first = self._marks[0]
        spent, came = now - began, done - first
        if total is None or done >= total or came <= 0 or spent < LEAST_S:
            return None
        left = spent * (total - done) / came
        return round(left, 1) if left >= LEAST_S else None
