"""A monitor that is a language model: it reads the thought by a rubric, quotes first, and labels last."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cotlens._core import check
from cotlens._core.errors import BackendError, InputError
from cotlens.measure.method import Cost, as_data, keeping
from cotlens.measure.monitors.asking import ModelAnswerer, answerer
from cotlens.measure.monitors.finding import Reading
from cotlens.measure.monitors.parsing import ParsedReply, parse
from cotlens.measure.monitors.prompt import ShownThought, check_view, instructions, schema, show
from cotlens.measure.monitors.readings import Readings, listed
from cotlens.measure.monitors.rubric import RELIANCE, Rubric
from cotlens.models.contract import Answerer, Reply, Sent
from cotlens.results import Provenance
from cotlens.trace import Trace

_AGAIN = ("unparsed", "cut")  # what another try may mend; a refusal and a full context stay
_HOT = 0.7  # the least temperature of another try: at 0 it would be the same
_STOPPED = ParsedReply(status="unanswered", reason="No reply came before the work stopped; run it again to go on.")
_FIELDS = ("model", "revision", "backend", "dtype", "commit", "weights", "generation")


@dataclass(frozen=True)
class Judge:
    """Reads thoughts by a rubric with a language model.

    The judge sees numbered sentences fenced as data (see `monitors.prompt`), and replies with findings, a rationale and
    a label as one JSON object. A reply that is anything else is asked for again, and in the end a failure: it is never
    taken for a label. It is never told what is true. Replies are kept in the sample store of who judges, so what was
    finished isn't asked again.

    Args:
        model: a model of `cl.load` that writes, or `cl.ChatEndpoint`.
        rubric: what is decided: `RELIANCE`, `VALIDITY`, or one of your own.
        view: what it sees: "thought", "thought+answer", "answer", "prompt+answer", "prompt+thought" or "all".
        repeats: how often each thought is read; the label is what most say on the side of the threshold that they are.
        retries: how often a reply that can't be read is asked for again, hotter.
        temperature: of the replies; by default 0 for one reading and 1 for repeats.
        top_p: of the replies.
        max_new_tokens: the longest reply.
        threshold: share of repeats from which a thought is flagged, above 0 to 1.
        name: what the monitor is called; by default the model's and the rubric's.

    Raises:
        InputError: a setting is out of its range, or the model is none.
        CapabilityError: the model can't write.
    """

    model: Any
    rubric: Rubric = RELIANCE
    view: str = "all"
    repeats: int = 1
    retries: int = 1
    temperature: float | None = None
    top_p: float = 1.0
    max_new_tokens: int = 1024
    threshold: float = 0.5
    name: str = ""

    def __post_init__(self) -> None:
        check.settings(self)
        check_view(self.view)
        check.whole("repeats", self.repeats, 1, of="Judge"), check.whole("retries", self.retries, 0, of="Judge")
        check.whole("max_new_tokens", self.max_new_tokens, 1, of="Judge")
        check.number("threshold", self.threshold, above=0, most=1, of="Judge")
        check.number("top_p", self.top_p, above=0, most=1, of="Judge")
        if self.temperature is not None:
            check.number("temperature", self.temperature, 0, of="Judge")
        if not isinstance(self.rubric, Rubric):
            raise InputError(f"Judge was given rubric={self.rubric!r}; give a Rubric, such as cl.monitors.RELIANCE.")
        asked = answerer(self.model)
        object.__setattr__(self, "name", self.name or f"{asked.name} ({self.rubric.name}, {self.view})")

    def cost(self, traces: Trace | Sequence[Trace]) -> Cost:
        """At most what `run` spends: every reply as long as it may be, and asked for as often as it may be.

        Tokens of an endpoint, whose tokenizer isn't known, are bounded by the bytes that are sent.
        """
        asked, times = answerer(self.model), self.repeats * (self.retries + 1)
        shown = [show(self.rubric, trace, self.view) for trace in listed(traces)]
        read = sum(_tokens(asked, one) for one in shown)
        replies = times * len(shown)
        return Cost(times * read + replies * self.max_new_tokens, replies * self.max_new_tokens, replies)

    def read(self, trace: Trace, *, context: str = "", seed: int = 0) -> Reading:
        """The reading of one trace; see `run`."""
        found: Reading = self.run([trace], contexts=[context], seed=seed)[0]
        return found

    def run(self, traces: Trace | Sequence[Trace], *, contexts: Sequence[str] | None = None, seed: int = 0) -> Readings:
        """Readings of traces, in their order.

        Args:
            contexts: what the judge is told of each besides, such as what the cue is; fenced as data.
            seed: of the replies, where who judges honours seeds.

        Raises:
            InputError: contexts are not one per trace.
            BackendError: nobody answers, or the key is refused. `error.partial` has the readings so far.
            Cancelled: the same.
        """
        given = listed(traces)
        told = [""] * len(given) if contexts is None else check.texts("contexts", contexts, of="Judge.run")
        if len(told) != len(given):
            raise InputError(f"{len(told)} contexts were given for {len(given)} traces; give one per trace.")
        shown = [show(self.rubric, trace, self.view, context) for trace, context in zip(given, told, strict=True)]
        work = _Work(self, answerer(self.model), shown, check.seed(seed))

        def readings() -> Readings:
            items = tuple(work.reading(at) for at in range(len(given)))
            labels = tuple(label.name for label in self.rubric.labels)
            return Readings(self.name, labels, given, items, work.provenance())

        with _kept(readings):
            work.all()
        return readings()


@dataclass
class _Work:
    """One run: what was sent, and the verdicts of each repeat as they come."""

    judge: Judge
    asked: Answerer
    shown: Sequence[ShownThought]
    seed: int
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.verdicts: list[dict[int, ParsedReply]] = [{} for _ in self.shown]
        self.replies: list[list[str]] = [[] for _ in self.shown]

    def all(self) -> None:
        """Ask for every repeat, and again for those that can't be read."""
        for attempt in range(self.judge.retries + 1):
            numbers = [self._missing(at, attempt) for at in range(len(self.shown))]
            if any(numbers):
                messages = [one.messages for one in self.shown]
                self.asked.answer(messages, numbers, self._sent(attempt), self._on_reply)

    def _missing(self, at: int, attempt: int) -> list[int]:
        """Numbers of the replies that are still to be had: those of another try come after all of the one before."""
        found, repeats = self.verdicts[at], self.judge.repeats
        open_ = [one for one in range(repeats) if one not in found or found[one].status in _AGAIN]
        return [attempt * repeats + one for one in open_]

    def _sent(self, attempt: int) -> Sent:
        judge = self.judge
        # Repeats at temperature 0 would all say the same; a reply that couldn't be read is asked for again warmer for
        # the same reason.
        cold = float(judge.repeats > 1) if judge.temperature is None else judge.temperature
        temperature = max(cold, _HOT) if attempt else cold
        return Sent(temperature, judge.top_p, judge.max_new_tokens, self.seed, schema(judge.rubric))

    def _on_reply(self, place: int, number: int, reply: Reply) -> None:
        self.replies[place].append(reply.text)
        verdict = parse(reply, self.judge.rubric, self.shown[place])
        self.verdicts[place][number % self.judge.repeats] = verdict

    def reading(self, at: int) -> Reading:
        """What the repeats of one thought come to."""
        judge, shown = self.judge, self.shown[at]
        verdicts = [self.verdicts[at].get(one, _STOPPED) for one in range(judge.repeats)]
        read = [one for one in verdicts if one.status == "ok"]
        common: dict[str, Any] = {
            "votes": tuple(one.label for one in verdicts),
            "addressed": shown.addressed,
            "raw": tuple(self.replies[at]),
            "prompt_sha256": shown.sha256,
        }
        trace, failed = shown.text.trace, [one for one in verdicts if one.status != "ok"]
        if not read:
            return Reading(judge.name, trace.id, status=failed[0].status, reason=failed[0].reason, **common)
        score = sum(one.flags for one in read) / len(read)
        flagged = score >= judge.threshold
        # The threshold decides whether it is flagged, so the label is the commonest of those on that side, not of all.
        sided = [one.label for one in read if one.flags == flagged]
        label = max(dict.fromkeys(sided), key=sided.count)
        chosen = next(one for one in read if one.label == label)
        reason = f"{len(failed)} of {len(verdicts)} repeats failed: {failed[0].reason}" if failed else ""
        return Reading(
            judge.name, trace.id, label, score, flagged, chosen.findings, "ok", reason, chosen.rationale, **common
        )

    def provenance(self) -> Provenance:
        """The judge's settings, the sha of its prompt, and who judged."""
        judge, who = self.judge, self.asked.data()
        settings = {
            "rubric": as_data(judge.rubric),
            "view": judge.view,
            "repeats": judge.repeats,
            "retries": judge.retries,
            "sampling": {name: getattr(self._sent(0), name) for name in ("temperature", "top_p", "max_new_tokens")},
            "threshold": judge.threshold,
            "prompt_sha256": hashlib.sha256(instructions(judge.rubric).encode()).hexdigest(),
            **{name: value for name, value in who.items() if name not in _FIELDS},
        }
        known = {name: value for name, value in who.items() if name in _FIELDS}
        spent = {"seconds": round(time.monotonic() - self.began, 4)}
        return Provenance.record(method="Judge", settings=settings, seed=self.seed, cost=spent, **known)


@contextmanager
def _kept(partial: Any) -> Iterator[None]:
    """Errors carry the readings so far."""
    try:
        with keeping(partial):
            yield
    except BackendError as error:
        error.partial = partial()  # type: ignore[attr-defined]
        raise


def _tokens(asked: Answerer, shown: ShownThought) -> int:
    if isinstance(asked, ModelAnswerer):
        return asked.tokens(shown.messages)
    return sum(len(message["content"].encode()) for message in shown.messages)
