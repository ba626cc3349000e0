"""Filler tokens: put dots in place of a sentence, let the model go on, and see whether the answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cotlens._core.errors import InputError
from cotlens.measure.importance.sampled.arms import Arm
from cotlens.measure.importance.sampled.rewriting import Rewriting, Rewritten
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace

DOTS = " ..."


@dataclass(frozen=True, kw_only=True)
class Filler(Rewriting):
    """If this sentence were as many meaningless tokens, would the model still give the same answer?

    estimate = p(answer | the unit as it is) - p(answer | filler in its place), both continued by the model; or the KL
    of the two. Positive: the answer is lost without the unit. The model may well say it again afterwards, and then
    nothing is lost.

    Off-policy: dots are not the model's own text, so they come with their `surprise` beside that of what stood there,
    and they push: a small model that meets dots may lose the answer wherever they stand. So there is a third arm with
    the unit and the same filler behind it (`p_control` is its share of the answer), and a unit is significant only
    where filler in its place differs from both, from the unit alone and from the unit with filler, the same way. Where
    the filler alone loses the answer, nothing can be told of the unit, and nothing is called. Held to the truth
    (docs/truth.md), it is no better than position on ground truth.

    The extras hold the curve of `same_answer` by the share of the thought before the filler, and the area over it.

    The settings are those of all sampled measures (see `Sampled`), and:

    Args:
        filler: repeated until there are as many tokens as the unit had.

    Source: Lanham et al. 2023 (arXiv 2307.13702), who put filler in place of the whole thought: give the thought as
    `spans=` for that.
    """

    label: ClassVar[str] = "Filler"

    filler: str = DOTS

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.filler, str) or not self.filler:
            raise InputError(f"Filler was given filler={self.filler!r}: give the text to repeat.")

    def rewritten(self, trace: Trace, span: Span, model: Model, seed: int) -> Rewritten:
        """As many filler tokens as the unit has."""
        ids = list(model.codec.encode(self.filler))
        count = span.end - span.start
        edited = _put(trace, span, (ids * (count // len(ids) + 1))[:count])
        assert edited.edit is not None
        return Rewritten(edited, span.end, edited.edit.new.strip())

    def control(self, edit: Rewritten, trace: Trace, span: Span) -> Arm:
        """The unit, and the filler that stands in its place behind it."""
        assert edit.trace is not None
        filler = edit.trace.token_ids[span.start : span.end]
        both = _put(trace, span, [*trace.token_ids[span.start : span.end], *filler])
        return Arm(both, span.end + len(filler))

    def places(self, spans: int) -> int:
        """With the unit, with filler, and with both."""
        return 3 * spans


def _put(trace: Trace, span: Span, tokens: Sequence[int]) -> Trace:
    """The trace with these tokens in place of a unit."""
    chars = (int(trace.offsets[span.start]), int(trace.offsets[span.end]))
    return trace.replace(Span(span.start, span.end, *chars, "token"), tokens)
