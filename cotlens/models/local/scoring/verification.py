"""What is tried on a model when it is loaded: does it obey masks, and does packed or else forked scoring equal plain?

Nothing is believed about an architecture by name. The outcome is one sentence, `model.score_path`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import CotLensError
from cotlens.models.architecture.layout import INDEXED
from cotlens.models.architecture.masks import Masks
from cotlens.models.contract import Branch
from cotlens.models.local import states
from cotlens.models.local.engine import Engine, Forking
from cotlens.models.local.scoring import forked, packed, plain
from cotlens.models.local.scoring.forked_trunk import Grid

if TYPE_CHECKING:
    from torch import Tensor

# largest difference of log-probabilities that rounding explains; a wrong mask moves them by tenths in float32 trials
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.float16: 5e-2, torch.bfloat16: 0.3}
_SHORT = 24
_FEW = 12  # tokens of a short branch
_LONGEST_WINDOW = 1024  # larger windows are not outgrown by the trial, to keep loading fast


_FORKINGS = [
    Forking(*kind, by_one=by_one) for by_one in (False, True) for kind in ((True, False), (True, True), (False, False))
]
_FAILED = (CotLensError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError)


@dataclass(frozen=True)
class ScoringChoice:
    """How a model is to be scored.

    Args:
        way: "packed", "forked" or "plain", see `dispatch.WAYS`.
        sentence: which way is taken and why.
    """

    way: str
    sentence: str


def check(engine: Engine) -> ScoringChoice:
    """Try masks, packed and forked scoring on a few branches; costs the meter nothing.

    Sets `engine.obeys_masks`, `engine.forking`, `engine.attending` and `engine.no_skip`.
    """
    before = engine.meter.snapshot()
    try:
        with control.using(Control()):
            why = _unpacked(engine)
            if not why[0]:
                return ScoringChoice("packed", why[1])
            way, sentence = _forked(engine, why[0])
            _find_hiding(engine, way)
            return ScoringChoice(way, sentence + _hiding_told(engine))
    finally:
        engine.forks = None
        engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards


def _unpacked(engine: Engine) -> tuple[str, str]:
    """Why branches can't be packed, "" if they can; then a sentence about that."""
    if engine.layout.no_mask:
        return engine.layout.no_mask, ""
    try:
        off = _isolation_error(engine)
    except _FAILED as error:
        engine.obeys_masks = False
        return f"a custom attention mask failed on this model ({_short(error)})", ""
    if not off <= _tolerance(engine):
        engine.obeys_masks = False
        return f"this model does not obey a custom attention mask (off by {off:.2g})", ""
    try:
        off = _packing_error(engine)
    except _FAILED as error:
        return f"packed scoring failed on this model ({_short(error)})", ""
    if not off <= _tolerance(engine):
        return f"packed and separate passes differ by {off:.2g} on this model", ""
    return "", f"packed scoring: equal to separate passes within {off:.0e} on this model"


def _forked(engine: Engine, why: str) -> tuple[str, str]:
    """The way and the sentence about it, for a model that can't be packed."""
    trunk, branches = _trial(engine)
    engine.short_chunks = _takes_short_chunks(engine)
    try:
        slow, _ = plain.score(engine, trunk, branches)
    except _FAILED:  # nothing to compare with, such as logits that are NaN; scoring says so when it is asked
        return "plain", f"plain scoring, because {why}"

    def error(forking: Forking) -> float:
        engine.forking, engine.forks = forking, None
        try:
            fast, _ = forked.score(engine, trunk, branches, grid=Grid(8, 3))
        except _FAILED:
            return float("inf")
        return float(np.abs(fast.logprobs - slow.logprobs).max())

    tried = ((forking, error(forking)) for forking in (_FORKINGS if _copies_go_on(engine) else ()))
    found = next(((forking, off) for forking, off in tried if off <= _tolerance(engine)), None)
    if found is None:
        engine.forking = None
        return "plain", f"plain scoring, because {why}"
    engine.forking, off = found
    told = "" if engine.forking.side_by_side else ", those of one prefix at a time"
    told += ", a token per pass" if engine.forking.by_one else ""
    return "forked", (
        f"forked scoring, because {why}: branches go on from copies of its state{told}; equal to separate passes "
        f"within {off:.0e} on this model"
    )


def _find_hiding(engine: Engine, way: str) -> None:
    """In which layers tokens can be hidden, and whether positions can be left out, where a model keeps a state.

    Two ways that have nothing in common must agree: masks of a pass over all of the text, and what pads a text, as all
    that is told to a pass that goes on from a state.
    """
    if engine.obeys_masks:
        return
    engine.attending, engine.no_skip = (), engine.layout.no_mask
    if way != "forked":
        return
    trunk, tail = _ids(engine, _SHORT), tuple(_ids(engine, 4))
    n, window = len(trunk), engine.layout.window
    try:
        _, _, cache = engine.forward(engine.tensor(trunk), np.arange(n), cache=True, keep=1)
    except _FAILED:
        return
    engine.attending, engine.no_skip = states.attending(cache), ""
    if engine.attending:
        seen = _agreed(engine, trunk, [Branch(n, tail, (n - 2, n - 5), 1), Branch(n, tail, (), 1)])
        if not np.abs(seen[0] - seen[1]).max() > 0:  # NaN where the two ways differ, 0 where nothing was hidden
            engine.attending = ()
        gap = Branch(n - 4, tail, left_out=(n - 4, n - 2))
        if INDEXED in engine.layout.kinds:
            engine.no_skip = "its attention picks tokens in blocks, which would move where some are left out"
        elif not engine.attending if window else np.isnan(_agreed(engine, trunk, [gap])).any():
            engine.no_skip = "separate passes and those that go on from a state differ there"
        elif engine.attending and not _keeps_places(engine, trunk):
            engine.no_skip = "its attention counts the tokens between two others, and would count one less"


def _keeps_places(engine: Engine, trunk: list[int]) -> bool:
    """Whether a token that is left out is one whose keys are masked and whose states are put back as they were."""
    n, (skipped, last) = len(trunk), trunk[-2:]
    try:
        without, _ = plain.score(engine, trunk, [Branch(n - 2, (last, skipped), left_out=(n - 2,), given=1)])
        _, _, cache = engine.forward(engine.tensor(trunk[:-2]), np.arange(n - 2), cache=True, keep=1)
        before = states.copied(cache)
        _, _, after = engine.forward(engine.tensor([skipped]), np.arange(n - 2, n - 1), cache=cache, keep=1)
        seen = torch.ones(1, n, dtype=torch.int64, device=engine.device)
        seen[0, -2] = 0
        back = states.taken_back(before, after)
        logits, _, _ = engine.forward(
            engine.tensor([last]), np.arange(n - 1, n), masks=Masks(seen, {}), cache=back, keep=1
        )
    except _FAILED:
        return False
    masked = torch.log_softmax(logits[0, -1].float(), -1)[skipped]
    return abs(float(masked) - float(without.logprobs[-1])) <= _tolerance(engine)


def _agreed(engine: Engine, trunk: list[int], branches: list[Branch]) -> np.ndarray:
    """Scores of the tokens of branches from the second on, [branches, tokens]; NaN where forked and plain differ."""
    try:
        fast, slow = (
            way.score(engine, trunk, branches)[0].logprobs.reshape(len(branches), -1)[:, 1:] for way in (forked, plain)
        )
    except _FAILED:
        return np.full((len(branches), 1), np.nan)
    return slow if np.abs(fast - slow).max() <= _tolerance(engine) else np.full_like(slow, np.nan)


def _hiding_told(engine: Engine) -> str:
    layers = engine.layout.n_layers
    return f"; tokens are hidden in {len(engine.attending)} of its {layers} layers" if engine.attending else ""


def _copies_go_on(engine: Engine) -> bool:
    """Whether copies of a state, side by side and a token at a time, go on as the texts would: rollouts are that."""
    ids, tails = _ids(engine, 6), [_ids(engine, 8)[6:], _ids(engine, 10)[8:]]
    try:
        _, _, cache = engine.forward(engine.tensor(ids), np.arange(6), cache=True, keep=1)
        cache = states.picked(cache, [0, 0])
        for i, tokens in enumerate(zip(*tails, strict=True)):
            fed = torch.tensor(tokens, device=engine.device)[:, None]
            logits, _, cache = engine.forward(fed, np.arange(6 + i, 7 + i), cache=cache, keep=1)
    except _FAILED:
        return False
    whole = torch.cat([engine.forward(engine.tensor([*ids, *tail]), np.arange(8), keep=1)[0] for tail in tails])
    apart = torch.log_softmax(logits[:, -1:].float(), -1) - torch.log_softmax(whole.float(), -1)
    return logits.shape == whole.shape and float(apart.abs().max()) <= _tolerance(engine)


def _takes_short_chunks(engine: Engine) -> bool:
    """Whether a pass over a few tokens can be told to work on fewer than 64, and finds the same with fewer products."""
    found = []
    for engine.short_chunks in (False, True):
        try:
            found.append(_short_pass(engine, _FEW))
        except _FAILED:
            return False
    (all_products, whole), (products, short) = found
    return products < all_products and float((whole - short).abs().max()) <= _tolerance(engine)


def _short_pass(engine: Engine, count: int) -> tuple[int, Tensor]:
    """How many products a pass over a few tokens takes that goes on from a state, and log-probabilities after it."""
    _, _, cache = engine.forward(engine.tensor(_ids(engine, 3)), np.arange(3), cache=True, keep=1)
    with FlopCounterMode(display=False) as counter:
        fed, at = engine.tensor(_ids(engine, count)), np.arange(3, 3 + count)
        logits, _, _ = engine.forward(fed, at, cache=cache, keep=1)
    return counter.get_total_flops(), torch.log_softmax(logits.float(), -1)


def _trial(engine: Engine) -> tuple[list[int], list[Branch]]:
    """Branches that begin in many places, some of them together, are of many lengths and ask for their first token.

    Two begin at once: beside long texts, theirs are padded within a window, where the others fill it.
    """
    config = engine.hf.config.get_text_config(decoder=True)
    window = int(getattr(config, "sliding_window", None) or 0)
    n = window + _SHORT if 0 < window <= _LONGEST_WINDOW else _SHORT
    n = min(n, engine.layout.context - 4)
    trunk, tail = _ids(engine, n), _ids(engine, 4)
    places = sorted({1, 2, *(max(1, n - back) for back in (0, 1, 2, 3, 5, 6, 13, 18))})
    return trunk, [Branch(place, tuple(tail[: 1 + (i + 2) % 4])) for i, place in enumerate(places)] + [
        Branch(n, (*tail[:2], tail[0])), Branch(n - 5, tuple(tail)),
    ]  # fmt: skip


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
    told = error.__cause__ or error  # what the model's own code said, without the sentence around it
    text = str(told).strip().splitlines()
    return (text[0] if text else type(told).__name__)[:160]
