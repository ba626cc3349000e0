"""What is tried on a model when it is loaded: does it obey masks, and does packed scoring equal separate passes?

Nothing is believed about an architecture by name. The outcome is one sentence, `model.score_path`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import CotLensError
from cotlens.models.contract import Branch
from cotlens.models.local.engine import Engine
from cotlens.models.local.scoring import packed, plain

# largest difference of log-probabilities that rounding explains; a wrong mask moves them by tenths in float32 trials
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.float16: 5e-2, torch.bfloat16: 0.3}
_SHORT = 24
_LONGEST_WINDOW = 1024  # larger windows are not outgrown by the trial, to keep loading fast


@dataclass(frozen=True)
class Verdict:
    """How a model is to be scored.

    Args:
        pack: whether packed scoring may be used.
        sentence: which way is taken and why.
    """

    pack: bool
    sentence: str


def check(engine: Engine) -> Verdict:
    """Try masks and packed scoring on a few branches. Sets `engine.obeys_masks`; costs the meter nothing."""
    before = engine.meter.snapshot()
    try:
        with control.using(Control()):
            return _check(engine)
    finally:
        engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards


def _check(engine: Engine) -> Verdict:
    if engine.layout.no_mask:
        return Verdict(False, f"plain scoring, because {engine.layout.no_mask}")
    try:
        off = _isolation_error(engine)
    except (CotLensError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        engine.obeys_masks = False
        return Verdict(False, f"plain scoring, because a custom attention mask failed on this model ({_short(error)})")
    if not off <= _tolerance(engine):
        engine.obeys_masks = False
        return Verdict(
            False, f"plain scoring, because this model does not obey a custom attention mask (off by {off:.2g})"
        )
    try:
        off = _packing_error(engine)
    except (CotLensError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        return Verdict(False, f"plain scoring, because packed scoring failed on this model ({_short(error)})")
    if not off <= _tolerance(engine):
        return Verdict(False, f"plain scoring, because packed and separate passes differ by {off:.2g} on this model")
    return Verdict(True, f"packed scoring: equal to separate passes within {off:.0e} on this model")


def _isolation_error(engine: Engine) -> float:
    """A token that sees only itself must come out as if it were alone: are masks obeyed in every layer?"""
    ids, at = _ids(engine, 6), np.arange(6)
    visible = torch.ones(6, 6, dtype=torch.bool, device=engine.device).tril()
    visible[5, :5] = False
    masked, _, _ = engine.forward(engine.tensor(ids), at, masks=engine.masks(visible, at, at), keep=1)
    alone = engine.causal(at[5:], 0)
    single, _, _ = engine.forward(engine.tensor(ids[5:]), at[5:], masks=alone, keep=1)
    apart = torch.log_softmax(masked.float(), -1) - torch.log_softmax(single.float(), -1)
    return float(apart.abs().max())


def _packing_error(engine: Engine) -> float:
    """Largest difference between packed and plain scores of branches with and without hidden positions."""
    window = engine.layout.window or 0
    n = window + _SHORT if 0 < window <= _LONGEST_WINDOW else _SHORT
    n = min(n, engine.layout.context - 4)
    trunk, tail = _ids(engine, n), _ids(engine, 4)
    branches = [
        Branch(n, tuple(tail)),
        Branch(n, (*tail[:2], tail[0])),
        Branch(n - 1, tuple(tail), (n - 2, max(0, n - 5))),
        Branch(n // 2, tuple(tail[:3])),
        Branch(n // 2, tuple(tail[:3]), (1,)),
    ]
    fast, _ = packed.score(engine, trunk, branches)
    slow, _ = plain.score(engine, trunk, branches)
    return float(np.abs(fast.logprobs - slow.logprobs).max())


def _ids(engine: Engine, n: int) -> list[int]:
    """Arbitrary but fixed ids, spread over the vocabulary."""
    return [(7919 * (i + 3)) % engine.layout.vocabulary for i in range(n)]


def _tolerance(engine: Engine) -> float:
    if getattr(engine.hf, "is_loaded_in_8bit", False):  # which columns are kept exact depends on all tokens of a pass
        return TOLERANCE[torch.bfloat16]
    return TOLERANCE.get(engine.dtype, TOLERANCE[torch.bfloat16])


def _short(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:160]
