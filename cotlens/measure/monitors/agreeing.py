"""How far monitors agree on the same thoughts: on labels beyond chance, and on which passages they point at."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.monitors.finding import Reading
from cotlens.measure.monitors.readings import Readings, untold
from cotlens.measure.stats import Interval, McNemar, raters

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 2000
DEGENERATE = 0.7
"""Share of one label from which kappa says little: two who agree on 98 % may have a kappa of .2."""
IOU = 0.5
"""Overlap (characters in both, of those in either) from which two findings are of the same passage."""

Labels = Sequence[Any]


@dataclass(frozen=True)
class Pair:
    """Two monitors on the thoughts that both of them read.

    Args:
        first, second: their names.
        n: thoughts that both labelled; `failed`: those that one or both did not.
        observed, kappa, ac1: agreement, raw and beyond chance, with 95 % of a bootstrap over clusters; kappa's is NaN
            where one of them said one label only.
        prevalence: share of the first and of the second of each label, in the order of `Agreement.labels`.
        degenerate: whether one label has more than 70 % of what both said, so that kappa says little.
        mcnemar: whether they flag equally often, each thought taken for itself; None where labels don't say what flags.
        span_f1: 2 x passages that both point at, of those of either; NaN where neither points anywhere.
        status: "ok", or why kappa has no interval.
    """

    first: str
    second: str
    n: int
    failed: int
    observed: float
    observed_interval: Interval
    kappa: float
    kappa_interval: Interval
    ac1: float
    ac1_interval: Interval
    prevalence: tuple[tuple[float, ...], tuple[float, ...]]
    degenerate: bool
    mcnemar: McNemar | None
    span_f1: float
    span_f1_interval: Interval
    status: str = "ok"


@dataclass(frozen=True, repr=False)
class Agreement:
    """How far monitors agree.

    Args:
        labels: what could be said.
        pairs: every two of them.
        alpha: Krippendorff's, over all of them, with 95 % of a bootstrap over clusters; of two as well.
        n: thoughts.
        clusters: independent groups of thoughts, which the bootstrap draws.
    """

    labels: tuple[str, ...]
    pairs: tuple[Pair, ...]
    alpha: float
    alpha_interval: Interval
    n: int
    clusters: int

    def frame(self) -> pd.DataFrame:
        """A row per pair, with the ends of every interval; `attrs` has alpha."""
        import pandas as pd

        frame = pd.DataFrame([self._row(pair) for pair in self.pairs])
        frame.attrs.update(alpha=self.alpha, alpha_low=self.alpha_interval.low, alpha_high=self.alpha_interval.high)
        return frame

    def _row(self, pair: Pair) -> dict[str, Any]:
        row: dict[str, Any] = {"first": pair.first, "second": pair.second, "n": pair.n, "failed": pair.failed}
        for name in ("observed", "kappa", "ac1", "span_f1"):
            low, high = getattr(pair, f"{name}_interval")
            row.update({name: getattr(pair, name), f"{name}_low": low, f"{name}_high": high})
        for whose, shares in zip(("first", "second"), pair.prevalence, strict=True):
            row.update({f"{label} ({whose})": share for label, share in zip(self.labels, shares, strict=True)})
        test = pair.mcnemar
        nan = float("nan")
        tested = {"mcnemar": nan, "p": nan} if test is None else {"mcnemar": test.statistic, "p": test.p}
        return {**row, "degenerate": pair.degenerate, **tested, "status": pair.status}

    def __repr__(self) -> str:
        told = [
            f"  {pair.first} and {pair.second}: kappa {pair.kappa:.2f} [{pair.kappa_interval.low:.2f}, "
            f"{pair.kappa_interval.high:.2f}], AC1 {pair.ac1:.2f}, {pair.observed:.0%} of {pair.n} alike"
            + (", one label has most: kappa says little" if pair.degenerate else "")
            + ("" if pair.status == "ok" else f", kappa's interval {pair.status}")
            for pair in self.pairs
        ]
        return f"<Agreement on {self.n} thoughts, alpha {self.alpha:.2f}:\n" + "\n".join(told) + ">"


def agreement(
    readings: Sequence[Readings | Labels] | Mapping[str, Readings | Labels],
    *,
    clusters: Sequence[Any] | None = None,
    seed: int = 0,
) -> Agreement:
    """How far monitors (or persons) agree.

    Args:
        readings: of each monitor, or its labels by themselves: any values that can be compared, None, "" or NaN for no
            label. All are of the same thoughts in the same order. Give a mapping to name those that are labels alone.
        clusters: which thoughts aren't independent, such as the id of the problem of each; by default each is by
            itself, but for thoughts that are there more than once.
        seed: of the bootstrap.

    Raises:
        InputError: there are fewer than two, or they aren't of the same thoughts, or there is but one label.
    """
    named = _named(readings)
    items = {name: list(one) for name, one in named}
    lengths = {name: len(one) for name, one in items.items()}
    if len(set(lengths.values())) > 1 or not min(lengths.values()):
        raise InputError(f"Agreement needs monitors that read the same thoughts; these read {lengths} of them.")
    ids = _ids(named)
    labels = _labels(named)
    if len(labels) < 2:
        raise InputError("All of these said one label and could say no other, so there is nothing to agree on.")
    known = {label: code for code, label in enumerate(labels)}
    codes = {name: _coded(one, known) for name, one in items.items()}
    groups = _clusters(clusters, ids)
    draw = _Draws(groups, check.seed(seed))
    pairs = tuple(
        _pair((one, items[one], codes[one]), (other, items[other], codes[other]), len(labels), draw)
        for one, other in itertools.combinations(items, 2)
    )
    among = raters.coincidences(np.stack(list(codes.values())), len(labels))
    alpha = draw.interval(raters.alpha, among)
    said = tuple(map(str, labels))
    return Agreement(said, pairs, *alpha, n=len(groups), clusters=len(np.unique(groups)))


@dataclass(frozen=True)
class _Draws:
    """The bootstrap over clusters, the same for all statistics."""

    groups: NDArray[np.int64]
    seed: int

    def interval(self, statistic: Any, per_thing: NDArray[np.float64]) -> tuple[float, Interval]:
        """A statistic of the sum of what each thing adds, and 95 % of it over clusters drawn again."""
        value = float(statistic(per_thing.sum(axis=0)))
        found = statistic(raters.drawn(per_thing, self.groups, DRAWS, self.seed))
        known = found[~np.isnan(found)]
        if np.isnan(value) or not len(known):
            return value, Interval(float("nan"), float("nan"))
        low, high = np.quantile(known, (0.025, 0.975))
        return value, Interval(float(low), float(high))


def _pair(first: tuple[str, list[Any], Any], second: tuple[str, list[Any], Any], k: int, draw: _Draws) -> Pair:
    (one, items, codes), (other, others, other_codes) = first, second
    tables = raters.contingency(codes, other_codes, k)
    total = tables.sum(axis=0)
    n = int(total.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        rows, columns = total.sum(axis=1) / n if n else total[0] * np.nan, total.sum(axis=0) / max(n, 1)
    observed, kappa, ac1 = (
        draw.interval(what, tables) for what in (raters.observed_agreement, raters.kappa, raters.ac1)
    )
    why = raters.of_one_label(total)
    if why:
        kappa = kappa[0], Interval(float("nan"), float("nan"))
    spans = draw.interval(_f1, np.array([_passages(a, b) for a, b in zip(items, others, strict=True)], dtype=float))
    prevalence = tuple(map(float, rows)), tuple(map(float, columns))
    degenerate = bool(n) and float(((rows + columns) / 2).max()) > DEGENERATE
    test = _mcnemar(items, others)
    status = why or "ok"
    return Pair(one, other, n, len(codes) - n, *observed, *kappa, *ac1, prevalence, degenerate, test, *spans, status)


def _mcnemar(items: Sequence[Any], others: Sequence[Any]) -> McNemar | None:
    flags = [(_flag(a), _flag(b)) for a, b in zip(items, others, strict=True)]
    known = [(a, b) for a, b in flags if a is not None and b is not None]
    if not known:
        return None
    return raters.mcnemar(sum(a and not b for a, b in known), sum(b and not a for a, b in known))


def _flag(item: Any) -> bool | None:
    if isinstance(item, Reading):
        return item.flagged
    return bool(item) if isinstance(item, (bool, np.bool_)) else None


def _passages(one: Any, other: Any) -> tuple[int, int]:
    """(passages that both point at, those of one and of the other)."""
    from scipy.optimize import linear_sum_assignment

    if not isinstance(one, Reading) or not isinstance(other, Reading) or not (one.ok and other.ok):
        return 0, 0
    first, second = _places(one), _places(other)
    if not first or not second:
        return 0, len(first) + len(second)
    same = np.array([[_overlap(a, b) >= IOU for b in second] for a in first])
    rows, columns = linear_sum_assignment(same, maximize=True)
    return int(same[rows, columns].sum()), len(first) + len(second)


def _places(reading: Reading) -> list[tuple[int, int]]:
    """Each located passage once."""
    found = [one.span for one in reading.findings if one.located and one.span is not None]
    return sorted({(span.char_start, span.char_end) for span in found})


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    both = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    either = (one[1] - one[0]) + (other[1] - other[0]) - both
    return both / either if either else 0.0


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * counts[..., 0] / counts[..., 1])


def _named(readings: Any) -> list[tuple[str, Any]]:
    if isinstance(readings, Readings):
        raise InputError("Agreement is between two or more monitors; one was given: give them in a list.")
    given = list(readings.items()) if isinstance(readings, Mapping) else [("", one) for one in readings]
    if len(given) < 2:
        raise InputError(f"Agreement is between two or more monitors; {len(given)} was given.")
    named: list[tuple[str, Any]] = []
    for at, (name, one) in enumerate(given, start=1):
        wanted = str(name) or (one.monitor if isinstance(one, Readings) else f"rater {at}")
        taken = {known for known, _ in named}
        named.append((wanted if wanted not in taken else f"{wanted} #{at}", one))
    return named


def _ids(named: Sequence[tuple[str, Any]]) -> list[Any]:
    """What each thing is called, the same for all."""
    known = {name: [item.trace_id for item in one] for name, one in named if isinstance(one, Readings)}
    first = next(iter(known.values()), None)
    for name, ids in known.items():
        if ids != first:
            raise InputError(f"{name!r} and {next(iter(known))!r} read different thoughts; give readings of the same.")
    return first if first is not None else list(range(len(named[0][1])))


def _labels(named: Sequence[tuple[str, Any]]) -> list[Any]:
    """All that could be said: what monitors declare, then what else was said."""
    found: dict[Any, None] = {}
    for _, one in named:
        said = one.labels if isinstance(one, Readings) else [label for label in one if not untold(label)]
        found.update(dict.fromkeys(_plain(label) for label in said))
    if set(found) <= {True, False} and found:
        return [False, True]
    return list(found)


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _coded(items: Sequence[Any], known: Mapping[Any, int]) -> NDArray[np.int64]:
    said = [item.label if isinstance(item, Reading) else _plain(item) for item in items]
    return np.array([-1 if untold(label) else known[label] for label in said], dtype=np.int64)


def _clusters(given: Sequence[Any] | None, ids: Sequence[Any]) -> NDArray[np.int64]:
    names = ids if given is None else list(given)
    if len(names) != len(ids):
        raise InputError(f"{len(names)} clusters were given for {len(ids)} thoughts; give one per thought.")
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)
