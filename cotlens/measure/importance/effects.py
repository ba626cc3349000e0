"""From rollouts to scores: two arms of answers become an estimate with interval, floor, p-value, and a status."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens.measure.importance.forced import target_answer
from cotlens.measure.importance.samples import Samples
from cotlens.measure.importance.sampling import Sampled
from cotlens.measure.importance.table import CANCELLED
from cotlens.measure.stats import (
    Floor,
    benjamini_hochberg,
    difference_floor,
    kl,
    kl_floor,
    kl_interval,
    position_baseline,
    proportion_difference,
    tally,
)
from cotlens.results import Provenance, Result
from cotlens.trace import Span, Trace

NAN = math.nan
OK = "ok"
UNREAD = "not measured: no rollout gave an answer that could be read"
FALSE_DISCOVERIES = 0.05  # the rate that "significant" keeps to, over the units of a trace

Answers = Sequence[str | None]


@dataclass(frozen=True)
class Effect:
    """One unit's score.

    Args:
        n: rollouts with an answer in the smaller of the two arms.
        null_floor: what the estimate's size stays below in 95 % of re-splits of the two arms; `null_mean` its mean.
        p_kept, p_without: share of the target among the answers of each arm.
        n_kept, n_without, n_unread: rollouts with an answer in each arm, and those of both without one.
    """

    estimate: float = NAN
    low: float = NAN
    high: float = NAN
    n: int = 0
    null_floor: float = NAN
    null_mean: float = NAN
    p_value: float = NAN
    p_kept: float = NAN
    p_without: float = NAN
    n_kept: int = 0
    n_without: int = 0
    n_unread: int = 0
    status: str = CANCELLED


def compare(
    method: Sampled, kept: Answers, without: Answers, target: str, vocabulary: Sequence[str], seed: int,
    beside: Answers = (), again: Answers = (), status: str = OK,
) -> Effect:  # fmt: skip
    """The effect of a unit: how answers with it differ from answers without it.

    "probability": p(target | kept) - p(target | without). "kl": KL(without || kept and `beside`), nats.

    Args:
        beside: answers that count as kept for "kl", as in the published counterfactual KL.
        again: those of rollouts without it, beside `without`, that said the unit again and stand among `kept`, for
            "probability".
        status: of a row that can be measured.
    """
    first, second, third = ([answer for answer in arm if answer is not None] for arm in (kept, without, again))
    counts = [arm.count(target) for arm in (first, second)]
    seen: dict[str, Any] = {
        "n": min(len(first), len(second) + len(third)),
        "n_kept": len(first),
        "n_without": len(second) + len(third),
        "n_unread": len(kept) + len(without) - len(first) - len(second),
        "p_kept": counts[0] / len(first) if first else NAN,
        "p_without": counts[1] / len(second) if second else NAN,
    }
    if not kept or not (without or again):
        return Effect(**seen)
    if not first or not (second or third):
        return Effect(**seen, status=UNREAD)
    if method.metric == "kl":
        return Effect(**seen, status=status, **_divergence(method, [*first, *beside], second, vocabulary, seed))
    arms = counts[0], len(first), counts[1], len(second)
    found = proportion_difference(*arms, again=len(third))
    departed = len(second) / (len(second) + len(third))
    floor = difference_floor(*arms) if second else Floor(0.0, 0.0)
    return Effect(
        **{**seen, "p_without": seen["p_kept"] - found.estimate},
        status=status,
        estimate=found.estimate,
        low=found.interval.low,
        high=found.interval.high,
        null_floor=departed * floor.p95,
        null_mean=departed * floor.mean,
        p_value=found.p_value,
    )


def _divergence(
    method: Sampled, kept: Answers, without: Sequence[str], vocabulary: Sequence[str], seed: int
) -> dict[str, Any]:
    q, p = tally(kept, vocabulary), tally(without, vocabulary)
    interval = kl_interval(without, [a for a in kept if a is not None], vocabulary, method.alpha, seed)
    floor, p_value = kl_floor(p, q, method.alpha, seed)
    return {
        "estimate": kl(p, q, method.alpha),
        "low": interval.low,
        "high": interval.high,
        "null_floor": floor.p95,
        "null_mean": floor.mean,
        "p_value": p_value,
    }


def vocabulary_of(method: Sampled, samples: Samples, target: str) -> list[str]:
    """The answers a KL is about: those declared, else all that any rollout gave, and the target."""
    if method.vocabulary is not None:
        return list(method.vocabulary)
    return list(dict.fromkeys([target, *samples.all_answers()]))


def result(
    method: Any,
    trace: Trace,
    spans: Sequence[Span],
    effects: Sequence[Effect],
    target: str,
    provenance: Provenance,
    samples: Samples,
    *,
    columns: Mapping[str, Any] | None = None,
    extras: Mapping[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
) -> Result:
    """A row per unit, with q-values over all units of the trace.

    Args:
        columns: further ones; `surprise` and `surprise_was` are NaN where no text was given.
        words: `sign`, `zero` and `metric_words` where they aren't those of a probability or KL of the target.
    """
    table = {name: [getattr(one, name) for one in effects] for name in Effect.__dataclass_fields__}
    q_values = benjamini_hochberg(table["p_value"])
    given = dict(columns or {})
    position = position_baseline(table["estimate"])
    shown = target_answer(trace, method.target).surface
    said = {**_words(method, shown), **(words or {})}
    floats = ("estimate", "low", "high", "null_floor", "null_mean", "p_value", "p_kept", "p_without")
    rows: dict[str, Any] = {
        "unit": [method.unit] * len(spans),
        "start": np.array([span.start for span in spans], dtype=np.int32),
        "end": np.array([span.end for span in spans], dtype=np.int32),
        "text": [trace.text[span.char_start : span.char_end] for span in spans],
        **{name: np.array(table[name], dtype=np.float64) for name in floats},
        **{name: np.array(table[name], dtype=np.int32) for name in ("n", "n_kept", "n_without", "n_unread")},
        "status": [wider_than_asked(method, one) for one in effects],
        "q_value": q_values,
        "significant": np.nan_to_num(q_values, nan=1.0) <= FALSE_DISCOVERIES,
        "edit_type": [method.edit_type] * len(spans),
        "surprise": given.pop("surprise", np.full(len(spans), NAN)),
        "surprise_was": given.pop("surprise_was", np.full(len(spans), NAN)),
        **given,
    }
    return Result(
        kind="importance",
        method=type(method).__name__,
        metric=method.metric,
        unit=method.unit,
        columns=rows,
        sign=said["sign"],
        zero=said["zero"],
        scale_unit=type(method).metrics()[method.metric],
        provenance=provenance,
        extras={
            "metric_words": said["metric_words"],
            "edit_type": method.edit_type,
            "target": shown,
            "target_group": target,
            "convention": method.convention,
            "vocabulary": vocabulary_of(method, samples, target) if method.metric == "kl" else [],
            "correction": f"Benjamini-Hochberg over {len(spans)} units at {FALSE_DISCOVERIES}",
            "rollouts_sampled": samples.sampled,
            "rollouts_reused": samples.reused,
            "rho_position": position.rho,
            "rho_position_size": position.rho_size,
            "signed": method.metric == "probability",
            **(extras or {}),
        },
    )


def _words(method: Sampled, target: str) -> dict[str, str]:
    if method.metric == "kl":
        return {
            "sign": "larger = the answers differ more; no direction",
            "zero": "the same distribution of answers",
            "metric_words": "KL of the answers without the unit from those with it",
        }
    return {
        "sign": f"+ = supports the answer {target!r}",
        "zero": "no effect",
        "metric_words": f"p({target!r})",
    }


def wider_than_asked(method: Sampled, effect: Effect) -> str:
    """The status of a row, which says so where rollouts ran out before its interval was as narrow as was asked for."""
    asked, half = method.half_width, (effect.high - effect.low) / 2
    if asked is None or method.metric != "probability" or effect.status != OK or not half > asked:
        return effect.status
    return f"wider than half_width={asked:g}: ±{half:.2g} when its rollouts were spent"


def partly(samples: Samples, arms: Sequence[Any]) -> str:
    """The status of a row whose arms have not all they should: those that end early have come first."""
    missing, there = sum(samples.missing(arm) for arm in arms), sum(samples.size(arm) for arm in arms)
    if not missing:
        return OK
    return f"partly measured: {there} of {there + missing} rollouts had ended, the short ones first"
