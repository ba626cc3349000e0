"""What white-box questions about a model give back: gradients, divergences under blocked attention, decoded vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ANSWER_METRICS = ("logit_difference", "log_probability", "probability")
LOWEST_TEMPERATURE = 1e-3  # the lowest temperature at which distributions are compared: below it, differences overflow


@dataclass(frozen=True, slots=True)
class Gradients:
    """How a metric of a forced answer changes with activations, to first order.

    With a_1 .. a_m the tokens of the value and E that it ends there (see `chat_formats.endings`): "log_probability" is
    log p(a_1..a_m, E), "probability" its exponential, "logit_difference" the least of log p(a_i..a_m, E | a_<i) -
    max_{v != a_i} log p(v | a_<i) over i, and of log p(E | a_1..a_m) - max log p(v | a_1..a_m) over what goes on.

    Args:
        value: the metric, nats or a probability.
        activations: site -> float32 [n, d_model] for the n tokens of text and answer, after interventions.
        gradients: site -> float32 [n, d_model], of the metric with respect to those.
    """

    value: float
    activations: dict[str, NDArray[np.float32]]
    gradients: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What vectors in the residual stream say when they go through the model's end; natural logs, whole vocabulary.

    Args:
        top_ids: int32 [n, k], the most probable tokens, best first.
        top_logprobs: float32 [n, k], of those.
        entropy: float32 [n], nats.
        logprobs: float32 [n, m], of the targets of each vector.
        ranks: int32 [n, m], how many tokens are more probable than each target; 0 for the best.
    """

    top_ids: NDArray[np.int32]
    top_logprobs: NDArray[np.float32]
    entropy: NDArray[np.float32]
    logprobs: NDArray[np.float32]
    ranks: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Divergence:
    """How far predictions move when attention is blocked, per block and stretch of tokens; float64 [blocks, spans].

    Both average over the tokens of a stretch, at each of them over what is expected next. NaN for stretches that begin
    before the first query that is blocked.

    Args:
        kl: mean of KL(ordinary || blocked) over the whole vocabulary, nats.
        log_kl: mean of log(KL + 1e-9).
        kl_back: mean of KL(blocked || ordinary).
    """

    kl: NDArray[np.float64]
    log_kl: NDArray[np.float64]
    kl_back: NDArray[np.float64]
