"""Filler tokens: put dots in place of a sentence, let the model go on, and see whether the answer changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens._core.errors import InputError
from cotlens.measure.importance.rewriting import Rewriting, Rewritten
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace

DOTS = " ..."


@dataclass(frozen=True, kw_only=True)
class Filler(Rewriting):
    """If this sentence were as many meaningless tokens, would the model still give the same answer?

    estimate = p(answer | the unit as it is) - p(answer | filler in its place), both continued by the model; or the KL
    of the two. Positive: the answer needs what the unit says, and not just the time it takes to say it. The model may
    well say it again afterwards, and then nothing is lost.

    Off-policy: dots are not the model's own text, so they come with their `surprise` beside that of what stood there.
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
        tokens = (ids * (count // len(ids) + 1))[:count]
        chars = (int(trace.offsets[span.start]), int(trace.offsets[span.end]))
        edited = trace.replace(Span(span.start, span.end, *chars, "token"), tokens)
        assert edited.edit is not None
        return Rewritten(edited, span.start + count, edited.edit.new.strip())
