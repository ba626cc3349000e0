"""Occlusion: hide a part of the thought and see whether the answer still comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from cotlens.measure.importance import table
from cotlens.measure.importance.early_answer import FORCED_TOKENS
from cotlens.measure.importance.forced import METRICS, NOT_MEASURED, Forced, read, target_answer, values
from cotlens.measure.method import Cost, Ledger, check_needs, check_setting, in_blocks, keeping
from cotlens.models.contract import Branch, Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """If the model could not look back at this word, would it still give the same answer?

    estimate = m(nothing hidden) - m(the unit hidden), where m is the `metric` of the trace's answer, forced after the
    whole thought. Positive: the unit supports the answer. "Hidden" means that no later token attends to it:

    - effect="direct": hidden from the answer only. Later thought tokens keep what they read from it.
    - effect="total": hidden from everything after it, the text of the thought held fixed (teacher-forced).

    Deterministic. An attention-level edit: it says what is read, not what the model would have written without the
    unit. Where the same value stands in the thought twice, hiding one copy may show nothing.

    Args:
        effect: "direct" or "total".
        unit: "token", "sentence", "paragraph" or "step".
        metric: "logit_difference" (default; a sure answer saturates the other two), "log_probability", "probability".
        target: the answer to measure; the trace's own by default.
    """

    needs: ClassVar[Capability] = Capability.SCORE
    edit_type: ClassVar[str] = "attention-level"
    label: ClassVar[str] = "Occlusion"

    effect: Literal["direct", "total"] = "direct"
    unit: Literal["token", "sentence", "paragraph", "step"] = "token"
    metric: Literal["logit_difference", "log_probability", "probability"] = "logit_difference"
    target: str | None = None

    def __post_init__(self) -> None:
        check_setting("Occlusion", "effect", self.effect, ("direct", "total"))
        check_setting("Occlusion", "unit", self.unit, ("token", "sentence", "paragraph", "step"))
        check_setting("Occlusion", "metric", self.metric, tuple(METRICS))

    def cost(self, trace: Trace) -> Cost:
        """A trunk pass per block, and per unit a forced answer (direct) or the rest of the thought with it (total)."""
        units = table.units(trace, self.unit)
        end = trace.roles["thought"].end
        rest = sum(end - span.end for span in units) if self.effect == "total" else 0
        tokens = 10 * len(trace.token_ids) + rest + (len(units) + 1) * FORCED_TOKENS
        return Cost(tokens=tokens, forwards=11 + len(units))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: the trace has no thought to measure, or no answer.
            Cancelled: with what was measured so far as `partial`.
        """
        check_needs(self, model)
        units = table.units(trace, self.unit)
        target = target_answer(trace, self.target)
        ledger = Ledger(self, trace, model, seed)
        end = trace.roles["thought"].end
        answer = model.answer_branch(trace, end, target)
        branches = [
            Branch(end, answer.token_ids),
            *(self._branch(trace, span, end, answer.token_ids) for span in units),
        ]
        begins = len(answer.token_ids) - answer.value_start
        done: list[Forced] = []

        def result() -> Result:
            missing = [NOT_MEASURED] * (len(branches) - len(done))
            metric = values([*done, *missing], self.metric)
            extras = {"baseline": np.array(metric[:1]), "hidden": np.array(metric[1:])}
            return table.result(self, trace, units, metric[0] - metric[1:], target, ledger.provenance(), extras)

        def score(block: list[Branch]) -> list[Forced]:
            return [read(one, len(one.logprobs) - begins) for one in model.score(trace, block)]

        with keeping(result):
            for one in in_blocks(branches, score, "occlusion", size=4 if self.effect == "total" else None):  # type: ignore[arg-type]
                done.append(one)
        return result()

    def _branch(self, trace: Trace, span: Span, end: int, answer: tuple[int, ...]) -> Branch:
        hidden = tuple(range(span.start, span.end))
        if self.effect == "direct":
            return Branch(end, answer, hidden)
        return Branch(span.end, (*trace.token_ids[span.end : end], *answer), hidden)
