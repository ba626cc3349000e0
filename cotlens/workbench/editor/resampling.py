"""A branch written again many times, with its edit and without: how often each answer comes, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cotlens.measure.stats.proportions import wilson
from cotlens.models.contract import Model
from cotlens.models.contract.start import Start
from cotlens.models.generation.traces import begin_of
from cotlens.trace import Trace
from cotlens.widgets.protocol.editor import Arm, Share

ROWS = 5  # answers with a row of their own; the others share one
MOST = 1000  # rollouts of one arm


@dataclass
class Tally:
    """What the rollouts of one arm answered. One that was cut off gave no answer, whatever stands in it."""

    answers: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    cut: int = 0

    def add(self, rollout: Trace) -> None:
        """One more rollout."""
        answer = rollout.read_answer() if rollout.finished else None  # what was cut off might have gone on
        self.cut += not rollout.finished
        if answer is None:
            self.unread += 1
        else:
            self.answers[answer.text] += 1

    @property
    def read(self) -> int:
        """How many answers could be read."""
        return self.answers.total()

    def share(self, count: int) -> Share:
        """A count as a share of the answers that could be read, with its 95 % Wilson interval; None without any."""
        if not self.read:
            return {"count": count, "p": None, "low": None, "high": None}
        low, high = wilson(count, self.read)
        return {"count": count, "p": count / self.read, "low": float(low), "high": float(high)}

    def payload(self) -> Arm:
        """The arm's counts, as the view has them."""
        return {"done": self.read + self.unread, "unread": self.unread, "cut": self.cut}


def arms(trace: Trace, before: Trace | None, n: int) -> dict[str, Start]:
    """Where the rollouts of a branch begin: "after" with its edit, "before" without it where it has one.

    They begin just after the new text, and just after the old text that stood in its place. Of a thought that was cut
    and closed they begin with the answer; without the cut the thought goes on there.
    """
    edit, indices = trace.edit, range(n)
    if edit is None:
        at = trace.rewritten_from if trace.rewritten_from is not None else begin_of(trace)
        return {"after": Start(trace, at, indices)}
    if edit.kind != "truncate":
        after = Start(trace, edit.end_token, indices)
    elif "answer" in trace.roles and trace.roles["thought"].end == edit.end_token:
        after = Start(trace, trace.roles["answer"].start, indices)
    else:
        return {"after": Start(trace, edit.end_token, indices)}
    if before is None:
        return {"after": after}
    old = 0 if edit.kind == "truncate" else edit.old_tokens
    return {"before": Start(before, edit.start_token + old, indices), "after": after}


def resample(
    model: Model, starts: dict[str, Start], options: dict[str, Any], show: Callable[[dict[str, Any]], None]
) -> None:
    """Write the rollouts and show the answers as they come; `options` are those of `model.rollouts`."""
    tallies = {name: Tally() for name in starts}
    n = len(next(iter(starts.values())).indices)
    names = list(starts)

    def heard(place: int, rollout: Trace) -> None:
        reader = starts[names[place]].trace.reader or rollout.reader
        tallies[names[place]].add(replace(rollout, reader=reader))
        show(payload(tallies, n))

    model.rollouts(list(starts.values()), **options, on_rollout=heard)


def payload(tallies: dict[str, Tally], n: int) -> dict[str, Any]:
    """The view's `resampled`: the likeliest answers first."""
    common = sum((tally.answers for tally in tallies.values()), Counter[str]()).most_common()
    named = [answer for answer, _ in common[:ROWS]]
    rows: list[dict[str, Any]] = [
        {"answer": each, **{name: tally.share(tally.answers[each]) for name, tally in tallies.items()}}
        for each in named
    ]
    if len(common) > ROWS:
        rest = {name: tally.read - sum(tally.answers[each] for each in named) for name, tally in tallies.items()}
        rows.append({"answer": "other", **{name: tally.share(rest[name]) for name, tally in tallies.items()}})
    return {"n": n, "arms": {name: tally.payload() for name, tally in tallies.items()}, "rows": rows}
