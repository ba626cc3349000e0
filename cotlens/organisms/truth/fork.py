"""What a fork comes to: the exact importance of the sentence that settles it; `forks` says how that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fork:
    """The truth about a fork.

    Args:
        sentence: index of the deciding sentence.
        probability: of the bag that was taken, given that one of the two is (p).
        covered: how much of the model's probability lies on the sentences that take one of the two bags. Well below 1
            the model may say something else, and the values below are not exact.
    """

    sentence: int
    probability: float
    covered: float

    @property
    def resampling(self) -> float:
        """p(the trace's answer | sentence kept) - p(... | resampled)."""
        return 1 - self.probability

    @property
    def counterfactual(self) -> float:
        """p(the trace's answer | sentence kept) - p(... | the other bag taken)."""
        return 1.0

    @property
    def kl(self) -> float:
        """KL of the answers with the sentence kept from those with it resampled, nats."""
        return float(-np.log(self.probability))
