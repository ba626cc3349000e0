"""What a model answers with some latents moved: one call, in which the thought as it is runs beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens.measure.answers.forced import Forced, target_answer
from cotlens.measure.answers.forms import form_of
from cotlens.measure.answers.rivals import greedy
from cotlens.measure.latent.asking import Asked, ask
from cotlens.models.contract import LatentRow, Model
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import BeforeAfter

NAMED = 0.5  # what all other answers have together, above which the likeliest of them gets a name
MOST = 5  # answers with a bar of their own


@dataclass(frozen=True)
class Answers:
    """Answers before and after.

    Args:
        answer: the one that is followed, as it is written.
        was, now: its log-odds against its best rival, nats.
        floor: by how much `was` is another with each latent replaced by itself.
        rows: probabilities of some answers, the followed one first, and of all others together.
    """

    answer: str
    was: float
    now: float
    floor: float
    rows: list[BeforeAfter]

    @property
    def named(self) -> list[str]:
        """The answers that have a bar."""
        return [row["answer"] for row in self.rows[:-1]]


def answers(model: Model, trace: Trace, replaced: Mapping[int, Any], effect: str, known: Sequence[str] = ()) -> Answers:
    """The answers of a thought as it is, and with other vectors in place of some latents.

    Args:
        known: answers to ask about, beside the trace's own.

    Raises:
        InputError: the trace has no answer that can be read.
    """
    own = target_answer(trace, None, model.reader).surface
    wanted = list(dict.fromkeys([own, *known]))[:MOST]
    found = _asked(model, trace, replaced, effect, wanted)
    if found.rows[-1]["after"] <= NAMED:  # type: ignore[operator]
        return found
    said = _likeliest(model, trace, replaced, effect)
    if said is None or said in wanted:
        return found
    return _asked(model, trace, replaced, effect, [*wanted[: MOST - 1], said])


def _asked(model: Model, trace: Trace, replaced: Mapping[int, Any], effect: str, wanted: Sequence[str]) -> Answers:
    itself = {step: trace.latents[step] for step in replaced}
    asked = [Asked(wanted), Asked(wanted[:1], itself, effect), Asked(wanted, replaced, effect)]
    before, [same], after = ask(model, trace, asked, form_of(trace, model))
    was = before[0].logit_difference
    return Answers(
        wanted[0], was, after[0].logit_difference, abs(was - same.logit_difference), _rows(wanted, before, after)
    )


def _rows(wanted: Sequence[str], before: Sequence[Forced], after: Sequence[Forced]) -> list[BeforeAfter]:
    rows: list[BeforeAfter] = [
        {"answer": answer, "before": was.probability, "after": now.probability}
        for answer, was, now in zip(wanted, before, after, strict=True)
    ]
    rest = [max(0.0, 1 - sum(one.probability for one in each)) for each in (before, after)]
    return [*rows, {"answer": "other", "before": rest[0], "after": rest[1]}]


def _likeliest(model: Model, trace: Trace, replaced: Mapping[int, Any], effect: str) -> str | None:
    """What the model would answer."""
    (run,) = model.think(trace, [LatentRow(replaced, effect)])
    thought = dataclasses.replace(trace, latents=np.asarray(run.latents, np.float32))
    reader = trace.reader or model.reader
    (said,) = greedy(model, thought, [trace.roles["thought"].end], form_of(trace, model), reader)
    return said
