"""What the inspector says of a row beside its estimate and interval, in words a student understands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cotlens.results import Result
from cotlens.widgets.protocol.editor import Fact

MOST = 3  # later units that a suppressed one is said to move
Words = Callable[[Result, int], str]


def facts(result: Result) -> list[Fact]:
    """The view's `shading_facts`."""
    found: list[Fact] = []
    for name, needed, words in _FACTS:
        if needed in result.columns or needed in result.extras:
            rows = [words(result, row) for row in range(len(result))]
            if any(rows):
                found.append({"name": name, "words": rows})
    return found


def _rollouts(result: Result, row: int) -> str:
    kept, without, unread = (int(result.columns[name][row]) for name in ("n_kept", "n_without", "n_unread"))
    read = f"{kept} with it, {without} without" if kept + without else ""
    return f"{read}; {unread} gave no answer" if read and unread else read


def _answered(result: Result, row: int) -> str:
    kept, without = result.columns["p_kept"][row], result.columns["p_without"][row]
    return "" if np.isnan(kept) or np.isnan(without) else f"{_share(kept)} with it, {_share(without)} without"


def _floor(result: Result, row: int) -> str:
    return _number(result.columns["null_floor"][row], "{:.2g} or less is chance alone")


def _corrected(result: Result, row: int) -> str:
    q = result.columns["q_value"][row]
    if np.isnan(q):
        return ""
    verdict = "significant" if result.columns["significant"][row] else "not significant"
    return f"{verdict} over all {len(result)} (q {'< .001' if q < 0.001 else '= ' + _share(q, 3)})"


def _worst(result: Result, row: int) -> str:
    """The interval over all that unread rollouts might have answered, where it is another."""
    ends = [(result.columns[f"{end}_worst"][row], result.columns[end][row]) for end in ("low", "high")]
    if any(np.isnan(worst) for worst, _ in ends) or all(worst == found for worst, found in ends):
        return ""
    return f"{ends[0][0]:+.2f} to {ends[1][0]:+.2f}, whatever the unread answered"


def _confirmed(result: Result, row: int) -> str:
    value, low, high, n = (result.columns[f"confirmed{end}"][row] for end in ("", "_low", "_high", "_n"))
    return "" if np.isnan(value) else f"{value:+.2f} ({low:+.2f} to {high:+.2f}) in {n} fresh rollouts"


def _surprise(result: Result, row: int) -> str:
    now, was = result.columns["surprise"][row], result.columns["surprise_was"][row]
    if np.isnan(now):
        return ""
    return f"{now:.2g} nats per token" + ("" if np.isnan(was) else f"; what stood there: {was:.2g}")


def _column(name: str, form: str) -> Words:
    def words(result: Result, row: int) -> str:
        value = result.columns[name][row]
        return str(value).strip() if isinstance(value, str) else _number(value, form)

    return words


def _moved(result: Result, row: int) -> str:
    """The later units that a suppressed one moves most."""
    moved = np.nan_to_num(np.asarray(result.extras["kl"])[:, row], nan=-1.0)
    most = [i for i in np.argsort(-moved)[:MOST] if moved[i] > 0]
    return ", ".join(f"#{i} ({moved[i]:.2g})" for i in most)


def _both(result: Result, row: int) -> str:
    """A cue difference, whichever of its two directions is shown."""
    there, back = result.columns["kl"][row], result.columns["kl_back"][row]
    return f"{there:.2g} nats of KL(with the cue || without it), {back:.2g} of KL(without || with)"


def _number(value: float, form: str) -> str:
    return "" if np.isnan(value) else form.format(value)


def _share(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".removeprefix("0") if 0 < value < 1 else f"{value:.0f}"


_FACTS: tuple[tuple[str, str, Words], ...] = (
    ("rollouts", "n_kept", _rollouts),
    ("gave the answer", "p_kept", _answered),
    ("worst case", "low_worst", _worst),
    ("drawn again", "confirmed", _confirmed),
    ("null floor", "null_floor", _floor),
    ("corrected", "q_value", _corrected),
    ("said otherwise", "different", _column("different", "{:.0%} of rollouts")),
    ("with filler beside it", "p_control", _column("p_control", "{:.2f} of answers")),
    ("never gone", "still_there", _column("still_there", "{:.0%} of rollouts")),
    ("put in its place", "rewritten", _column("rewritten", "")),
    ("put in its place", "alternative", _column("alternative", "")),
    ("equations", "equations", _column("equations", "")),
    ("edit's surprise", "surprise", _surprise),
    ("moves most", "log_kl", _moved),
    ("both ways", "kl_back", _both),
    ("at this distance", "position_baseline", _column("position_baseline", "{:.2g} on average")),
    ("all other heads", "other_heads", _column("other_heads", "{:.2g}")),
)
"""Name, the column or extra that is needed, and how it is put into words."""
