"""A branch written again many times, with its edit and without: how often each answer comes, with intervals.

Where no rollout says an answer that can be read, those can be asked for one: their thought is closed where it stopped,
and what the model is likeliest to say then counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cotlens._core import control
from cotlens.measure.answers.rivals import greedy
from cotlens.measure.importance.sampled.unread import FIRST_LOOK
from cotlens.measure.stats.proportions import wilson
from cotlens.models.contract import Model
from cotlens.models.contract.start import Start
from cotlens.models.generation.traces import begin_of
from cotlens.trace import Trace
from cotlens.widgets.protocol.editor import ArmCounts, Share

ROWS = 5  # answers with a row of their own; the others share one
MOST = 1000  # rollouts of one arm


@dataclass
class Tally:
    """What the rollouts of one arm answered. One that was cut off gave no answer, whatever stands in it.

    Attributes:
        silent: the rollouts without an answer that can be read; `cut` counts those that were cut off.
        forced: how many answered once their thought was closed for them.
    """

    answers: Counter[str] = field(default_factory=Counter)
    silent: list[Trace] = field(default_factory=list)
    cut: int = 0
    forced: int = 0

    def add(self, rollout: Trace) -> None:
        """One more rollout."""
        answer = rollout.read_answer() if rollout.finished else None  # what was cut off might have gone on
        self.cut += not rollout.finished
        if answer is None:
            self.silent.append(rollout)
        else:
            self.answers[answer.text] += 1

    def force(self, rollout: Trace, answer: str) -> None:
        """What one of the silent answered when it was asked."""
        self.silent.remove(rollout)
        self.cut -= not rollout.finished
        self.forced += 1
        self.answers[answer] += 1

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

    def payload(self) -> ArmCounts:
        """The arm's counts, as the view has them."""
        unread = len(self.silent)
        return {"done": self.read + unread, "unread": unread, "cut": self.cut, "forced": self.forced}


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
    model: Model,
    starts: dict[str, Start],
    options: dict[str, Any],
    show: Callable[[dict[str, Any]], None],
    force: bool = False,
) -> None:
    """Write the rollouts and show the answers as they come; `options` are those of `model.rollouts`.

    Args:
        force: ask those for an answer that gave none.
    """
    tallies = {name: Tally() for name in starts}
    n = len(next(iter(starts.values())).indices)
    names = list(starts)

    def on_rollout(place: int, rollout: Trace) -> None:
        reader = starts[names[place]].trace.reader or rollout.reader
        tallies[names[place]].add(replace(rollout, reader=reader))
        show(payload(tallies, n, force))

    model.rollouts(list(starts.values()), **options, on_rollout=on_rollout)
    if force:
        _ask(model, tallies, lambda: show(payload(tallies, n, force)))


def resampled(
    model: Model, trace: Trace, before: Trace | None, n: int, *, force: bool = False, **options: Any
) -> dict[str, Any]:
    """What `n` rollouts of a branch answer, with its edit and without; as the editor shows it.

    Args:
        before: what the branch was made from, None of a root.
        options: of `model.rollouts`.
    """
    found: dict[str, Any] = {}
    resample(model, arms(trace, before, n), options, found.update, force)
    return found


def asked(n: int, options: dict[str, Any], force: bool) -> str:
    """The same in Python, of a branch `trace` and what it was made from, `before`."""
    settings = "".join(f", {name}={value!r}" for name, value in {"force": force, **options}.items())
    return f"found = resampled(model, trace, before, {n}{settings})"


def likeliest(found: dict[str, Any]) -> dict[str, Any]:
    """The answer that most rollouts of a branch gave, with its share as its probability."""
    rows = [row for row in found["rows"] if row["answer"] != "other" and row["after"]["p"] is not None]
    best = max(rows, key=lambda row: row["after"]["count"], default=None)
    if best is None or not best["after"]["count"]:
        return {"answer": None, "probability": None}
    return {"answer": best["answer"], "probability": best["after"]["p"]}


def _ask(model: Model, tallies: dict[str, Tally], came: Callable[[], None]) -> None:
    """Close the thoughts of the silent rollouts, and count what the model is likeliest to say then."""
    silent = [(tally, rollout) for tally in tallies.values() for rollout in tally.silent]
    for done, (tally, rollout) in enumerate(silent):
        control.current().report(done, len(silent), "forced answers")
        answer = forced_answer(model, rollout)
        if answer is not None:
            tally.force(rollout, answer)
        came()


def forced_answer(model: Model, rollout: Trace) -> str | None:
    """What the model answers if the thought of a rollout is closed where it stopped; None where that can't be read."""
    reader, thought = rollout.reader, rollout.roles.get("thought")
    if reader is None or thought is None or thought.start == thought.end:
        return None
    (said,) = greedy(model, rollout, [thought.end], reader.forms[0], reader)
    return None if said is None else reader.normal(said)


def payload(tallies: dict[str, Tally], n: int, force: bool = False) -> dict[str, Any]:
    """The view's `resampled`: the likeliest answers first, and what to do where none can be read."""
    common = sum((tally.answers for tally in tallies.values()), Counter[str]()).most_common()
    named = [answer for answer, _ in common[:ROWS]]
    rows: list[dict[str, Any]] = [
        {"answer": each, **{name: tally.share(tally.answers[each]) for name, tally in tallies.items()}}
        for each in named
    ]
    if len(common) > ROWS:
        rest = {name: tally.read - sum(tally.answers[each] for each in named) for name, tally in tallies.items()}
        rows.append({"answer": "other", **{name: tally.share(rest[name]) for name, tally in tallies.items()}})
    counts = {name: tally.payload() for name, tally in tallies.items()}
    return {"n": n, "arms": counts, "rows": rows, "advice": "" if force else advice(tallies, n)}


def advice(tallies: dict[str, Tally], n: int) -> str:
    """Why nothing can be read where an arm's first dozen, or all of fewer, gave no answer; "" where one did."""
    lost = [tally for tally in tallies.values() if not tally.read and len(tally.silent) >= min(n, FIRST_LOOK)]
    if not lost:
        return ""
    silent, cut = sum(len(tally.silent) for tally in lost), sum(tally.cut for tally in lost)
    reader = lost[0].silent[0].reader
    if 2 * cut >= silent:
        return f"{cut} were cut off by the limit of tokens, which can be raised in the head"
    return f"the reader {getattr(reader, 'name', 'none')!r} finds nothing in them"
