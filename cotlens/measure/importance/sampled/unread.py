"""Rollouts whose answer could not be read: how many, why, and what they might have changed.

A rollout that was cut off by the token limit is not missing at random: what takes long to say ends otherwise than what
is quickly said. So an estimate from the answers that were read stands beside the worst case, in which all unread
rollouts of one arm gave the target and all of the other did not, or the other way about; and a test counts only what
it says whatever the unread would have answered.

Source: Manski 1989 (the bounds of a mean with missing values).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cotlens.measure import stats
from cotlens.measure.stats import Interval

OK = "ok"
FEW = 0.05
"""The share of either arm that may be unread where the conclusion is the same in the worst case."""
MOST = 0.5
"""The share of an arm beyond which its answers say nothing."""
FIRST_LOOK = 12
"""Rollouts of one place after which advice is given where none could be read."""
NOWHERE = "(unread {})"
"""An answer that no rollout gave."""


class ParsedRollout(Protocol):
    """What is known of a rollout: its answer, None where none could be read, and whether it was cut off."""

    @property
    def answer(self) -> str | None:
        """None where none could be read."""
        ...

    @property
    def cut(self) -> bool:
        """Whether the text was cut off."""
        ...


class ArmAnswers(NamedTuple):
    """The answers of one arm, and how many rollouts gave none, and were cut off.

    Args:
        cut: of the unread.
    """

    answers: list[str]
    unread: int
    cut: int

    @property
    def size(self) -> int:
        """All rollouts."""
        return len(self.answers) + self.unread

    @property
    def share(self) -> float:
        """The share that is unread; 0 of none."""
        return self.unread / self.size if self.size else 0.0


def tallied(drawn: Sequence[ParsedRollout]) -> ArmAnswers:
    """The answers of rollouts, and what is missing."""
    unread = [one for one in drawn if one.answer is None]
    return ArmAnswers(
        [one.answer for one in drawn if one.answer is not None], len(unread), sum(one.cut for one in unread)
    )


def without_answers(drawn: Sequence[ParsedRollout]) -> bool:
    """Whether the first dozen rollouts gave no answer."""
    first = drawn[:FIRST_LOOK]
    return len(first) == FIRST_LOOK and all(one.answer is None for one in first)


def advice(drawn: Sequence[ParsedRollout], at: int | None, places: int, limit: int, reader: str) -> str:
    """What to change where no rollout from token `at` can be read, nor from the other `places - 1`; None: from any."""
    cut = sum(one.cut for one in drawn)
    where = (
        "any place"
        if at is None
        else f"token {at}" + (f" and {places - 1} other place{'s' * (places > 2)}" if places > 1 else "")
    )
    if 2 * cut >= len(drawn):
        why = f"{cut} were cut off at {limit} tokens: give a larger max_new_tokens="
    else:
        why = f"the reader {reader!r} finds nothing in them: give another reader=, or a thought that the model closes"
    return f"0 of {len(drawn)} answers could be read from {where}; {why}"


def worst_difference(kept: ArmAnswers, without: ArmAnswers, again: ArmAnswers, target: str) -> tuple[Interval, float]:
    """The interval of p(target | kept) - p(target | without) over all that the unread might have answered.

    Args:
        again: rollouts that stand among `kept` too, as in `stats.proportion_difference`.

    Returns:
        The lowest low and the highest high of its intervals, and the largest p-value; NaN where an arm has no rollout.
    """
    hits = [arm.answers.count(target) for arm in (kept, without)]
    sizes, repeats = (kept.size, without.size), again.size
    # Manski's bounds: all unread of one arm answered the target and none of the other, and the other way about.
    least = hits[0], sizes[0], hits[1] + without.unread, sizes[1]
    most = hits[0] + kept.unread, sizes[0], hits[1], sizes[1]
    low, high = (stats.proportion_difference(*ends, again=repeats) for ends in (least, most))
    nearest = low if low.estimate > 0 else high if high.estimate < 0 else None  # else some answers make them alike
    p_value = 1.0 if nearest is None and np.isfinite(low.estimate) else (nearest or low).p_value
    return Interval(low.interval.low, high.interval.high), float(p_value)


def worst_kl(
    kept: ArmAnswers, without: ArmAnswers, vocabulary: Sequence[str], alpha: float, seed: int
) -> tuple[Interval, float]:
    """The same of KL(without || kept): once the unread make the arms as alike as they can, once as different."""
    if not (kept.answers or without.answers):
        return Interval(float("nan"), float("nan")), float("nan")
    nearest = nearer(without, kept)
    first, second = (stats.tally(arm, vocabulary) for arm in nearest)
    low = stats.kl_interval(*nearest, vocabulary, seed).low
    _, p_value = stats.kl_floor(first, second, alpha, seed)
    # Farthest apart are the arms if the unread of each gave an answer that nobody else gave.
    other = [NOWHERE.format(1)] * without.unread, [NOWHERE.format(2)] * kept.unread
    apart = [*without.answers, *other[0]], [*kept.answers, *other[1]]
    high = stats.kl_interval(*apart, [*vocabulary, *(NOWHERE.format(i) for i in (1, 2))], seed).high
    return Interval(low, high), p_value


def nearer(first: ArmAnswers, second: ArmAnswers) -> tuple[list[str], list[str]]:
    """The answers of two arms, the unread filled in so that their shares come near: first those of `first`.

    At least one answer was read. Each unread one becomes the answer that its arm lacks most beside the other arm.
    """
    filled = [*first.answers], [*second.answers]
    words = sorted({*first.answers, *second.answers})
    for mine, theirs, arm in ((0, 1, first), (1, 0, second)):
        shares = [_share(filled[theirs], word) for word in words]
        for _ in range(arm.unread):
            lacking = [share * arm.size - filled[mine].count(word) for share, word in zip(shares, words, strict=True)]
            filled[mine].append(words[int(np.argmax(lacking))])
    return filled


def status(kept: ArmAnswers, without: ArmAnswers, found: Interval, worst: Interval, said: str = OK) -> str:
    """The status of a row, `said` where nothing or next to nothing is unread and it changes no conclusion.

    Args:
        found: the interval from the answers that were read.
    """
    if kept.unread + without.unread == 0:
        return said
    arms = (("with it", kept), ("without it", without))
    told = " and ".join(f"{arm.unread} of {arm.size} rollouts {name}" for name, arm in arms if arm.unread)
    unread = kept.unread + without.unread
    cut = kept.cut + without.cut
    parts = [(cut, "cut off by the token limit"), (unread - cut, "in which none was found")]
    why = ", ".join(f"{count} {words}" for count, words in parts if count)
    share = max(kept.share, without.share)
    if share > MOST or not (kept.answers and without.answers):
        return f"not measured: {told} gave no answer that could be read ({why})"
    if share <= FEW and _side(found) == _side(worst):
        return said
    told = f"partly read: {told} gave no answer that could be read ({why}); beside it, the worst case"
    return told if said == OK else f"{said}; {told}"


def _side(interval: Interval) -> int:
    """On which side of 0 an interval lies; 0 where it holds it."""
    return int(interval.low > 0) - int(interval.high < 0)


def _share(answers: Sequence[str], word: str) -> float:
    return answers.count(word) / len(answers) if answers else 0.0
