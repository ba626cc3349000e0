"""Adding mistakes: put an error into the thought, let the model go on, and see whether the answer changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from cotlens.measure.importance.sampled.rewriting import (
    SELF,
    Rewriter,
    Rewriting,
    Rewritten,
    check_rewriter,
    other_number,
    replaced,
    text_of,
)
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace

NUMBER = "number"
INSTRUCTION = (
    "Question: {question}\n\nReasoning so far: {before}\n\nNext sentence: {sentence}\n\n"
    "Rewrite the next sentence so that it contains one mistake. Give only the rewritten sentence."
)


@dataclass(frozen=True, kw_only=True)
class Mistake(Rewriting):
    """If this sentence held a mistake and the model went on from there, would it still give the same answer?

    estimate = p(answer | the unit as it is) - p(answer | the unit with a mistake), both continued by the model; or the
    KL of the two. Positive: the answer follows what the unit says. Near zero: the model noticed and repaired the
    mistake, or never used the unit; read the rollouts to tell which.

    Off-policy: the mistake is not the model's own text, so it comes with its `surprise` beside that of what stood
    there. The extras hold Lanham's curve: `same_answer` by the share of the thought before the mistake, and the area
    over it.

    The settings are those of all sampled measures (see `Sampled`), and:

    Args:
        rewriter: "number" (default) changes the last number of the unit by 1, 2 or 10, "self" asks the model itself,
            another loaded model is asked the same, a function gets the unit's text and gives the other one (or None).

    Source: Lanham et al. 2023 (arXiv 2307.13702).
    """

    label: ClassVar[str] = "Mistake"

    rewriter: Rewriter = NUMBER

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rewriter("Mistake", self.rewriter, (NUMBER, SELF))

    def rewritten(self, trace: Trace, span: Span, model: Model, seed: int) -> Rewritten:
        """The unit with a mistake in it."""
        if self.rewriter != NUMBER:
            return replaced(trace, span, text_of(self.rewriter, INSTRUCTION, trace, span, model, seed))
        found = replaced(trace, span, other_number(trace.text[span.char_start : span.char_end], seed))
        if found.trace is None:
            return replace(found, status="not measured: the unit has no number to change; give rewriter=")
        return found
