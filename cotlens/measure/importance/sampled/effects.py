"""From rollouts to scores: two arms of answers become an estimate with interval, worst case, p-value, and a status."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from cotlens.measure import stats
from cotlens.measure.importance.sampled import unread
from cotlens.measure.importance.sampled.rollout_pool import DrawnRollout, RolloutPool
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.importance.shared.table import CANCELLED

NAN = math.nan
CHANCE = 0.05  # of what an interval of 95 % leaves out

Rollouts = Sequence[DrawnRollout]


@dataclass(frozen=True)
class Effect:
    """One unit's score.

    Args:
        n: rollouts with an answer in the smaller of the two arms.
        low_worst, high_worst: ends of the interval over all that the unread rollouts might have answered.
        null_floor: what the estimate's size stays below in 95 % of re-splits of the two arms; `null_mean` its mean.
        p_value: of no effect, the largest over all that the unread might have answered.
        p_kept, p_without: share of the target among the answers of each arm.
        n_kept, n_without, n_unread: rollouts with an answer in each arm, and those of both without one.
        n_cut: of the unread, those that were cut off.
    """

    estimate: float = NAN
    low: float = NAN
    high: float = NAN
    low_worst: float = NAN
    high_worst: float = NAN
    n: int = 0
    null_floor: float = NAN
    null_mean: float = NAN
    p_value: float = NAN
    p_kept: float = NAN
    p_without: float = NAN
    n_kept: int = 0
    n_without: int = 0
    n_unread: int = 0
    n_cut: int = 0
    status: str = CANCELLED


def compare(
    method: Sampled, kept: Rollouts, without: Rollouts, target: str, seed: int,
    beside: Rollouts = (), again: Rollouts = (), status: str = unread.OK,
) -> Effect:  # fmt: skip
    """The effect of a unit: how answers with it differ from answers without it.

    "probability": p(target | kept) - p(target | without). "kl": KL(without || kept and `beside`), nats, over the
    answers that either arm gave, or those declared.

    Args:
        beside: rollouts that count as kept for "kl", as in the published counterfactual KL.
        again: rollouts without it, beside `without`, that said the unit again and stand among `kept`, for
            "probability".
        status: of a row that can be measured.
    """
    first, second, third = (unread.tallied(arm) for arm in (kept, without, again))
    hits = [arm.answers.count(target) for arm in (first, second)]
    seen: dict[str, Any] = {
        "n": min(len(first.answers), len(second.answers) + len(third.answers)),
        "n_kept": len(first.answers),
        "n_without": len(second.answers) + len(third.answers),
        "n_unread": first.unread + second.unread,
        "n_cut": first.cut + second.cut,
        "p_kept": hits[0] / len(first.answers) if first.answers else NAN,
        "p_without": hits[1] / len(second.answers) if second.answers else NAN,
    }
    if not kept or not (without or again):
        return Effect(**seen)
    if method.metric == "kl":
        found = _divergence(method, unread.tallied([*kept, *beside]), second, seed)
    else:
        found = _difference(first, second, third, target)
        # Of the arm without, with those in it that said the unit again: the share that the estimate implies.
        # So that the two shares differ by the estimate, also where rollouts that said the unit again stand in both
        # arms.
        seen["p_without"] = seen["p_kept"] - found["estimate"]
    reached = unread.ArmAnswers([*second.answers, *third.answers], second.unread + third.unread, second.cut + third.cut)
    interval = stats.Interval(found["low"], found["high"])
    worst = stats.Interval(found["low_worst"], found["high_worst"])
    told = unread.status(first, reached, interval, worst, said=status)
    if method.metric == "kl" and told == unread.OK:
        told = _enough(len(first.answers) + len(beside), len(second.answers))
    if status != unread.OK:  # a test of the rollouts that end first is none of all of them
        found["p_value"] = NAN
    if told.startswith("not measured"):
        found = {name: value for name, value in found.items() if name.endswith("_worst")}
    return Effect(**seen, **found, status=told)


def _enough(kept: int, without: int) -> str:
    """The status of a KL; too few are answers of which not even wholly other ones could be told from like ones."""
    ways = comb(kept + without, kept)  # of all ways to split them, two part them as well
    if 2 / ways < CHANCE:
        return unread.OK
    return f"too few answers for a KL: {kept} with it and {without} without it, and no KL could be told from 0"


def _difference(
    kept: unread.ArmAnswers, without: unread.ArmAnswers, again: unread.ArmAnswers, target: str
) -> dict[str, Any]:
    """The difference of two proportions, by the names of an `Effect`."""
    arms = kept.answers.count(target), len(kept.answers), without.answers.count(target), len(without.answers)
    repeats = len(again.answers)
    found = stats.proportion_difference(*arms, again=repeats)
    worst, p_value = unread.worst_difference(kept, without, again, target)
    # Rollouts that said the unit again stand in both arms and differ by nothing: they dilute chance and effect alike.
    departed = arms[3] / max(1, arms[3] + repeats)
    floor = stats.difference_floor(*arms) if arms[3] else stats.Floor(0.0, 0.0)
    return {
        "estimate": found.estimate,
        "low": found.interval.low,
        "high": found.interval.high,
        "low_worst": worst.low,
        "high_worst": worst.high,
        "null_floor": departed * floor.p95,
        "null_mean": departed * floor.mean,
        "p_value": p_value,
    }


def _divergence(method: Sampled, kept: unread.ArmAnswers, without: unread.ArmAnswers, seed: int) -> dict[str, Any]:
    """The KL of two arms, by the names of an `Effect`."""
    words = method.vocabulary or tuple(dict.fromkeys([*kept.answers, *without.answers])) or (stats.OTHER,)
    q, p = stats.tally(kept.answers, words), stats.tally(without.answers, words)
    published = method.convention != "cotlens"
    interval = stats.kl_interval(without.answers, kept.answers, words, seed)
    floor, p_value = stats.kl_floor(p, q, method.alpha, seed)
    worst = interval
    if kept.unread + without.unread:
        worst, p_value = unread.worst_kl(kept, without, words, method.alpha, seed)
    return {
        "estimate": (stats.kl if published else stats.unbiased_kl)(p, q, method.alpha),
        "low": interval.low,
        "high": interval.high,
        "low_worst": worst.low,
        "high_worst": worst.high,
        "null_floor": floor.p95,
        "null_mean": floor.mean,
        "p_value": p_value,
    }


def wider_than_asked(method: Sampled, effect: Effect) -> str:
    """The status of a row, which says so where rollouts ran out before its interval was as narrow as was asked for."""
    asked, half = method.half_width, (effect.high - effect.low) / 2
    if asked is None or method.metric != "probability" or effect.status != unread.OK or not half > asked:
        return effect.status
    return f"wider than half_width={asked:g}: ±{half:.2g} when its rollouts were spent"


def partly(pool: RolloutPool, arms: Sequence[Any]) -> str:
    """The status of a row whose arms have not all they should: those that end early have come first."""
    missing, there = sum(pool.missing(arm) for arm in arms), sum(pool.size(arm) for arm in arms)
    if not missing:
        return unread.OK
    return f"partly measured: {there} of {there + missing} rollouts had ended, the short ones first"
