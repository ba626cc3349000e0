"""The measure: one thought as two sides expect it, unit by unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from cotlens.measure.diff.by_text import by_text
from cotlens.measure.diff.expected import KINDS, changes, compare, expected
from cotlens.measure.diff.sides import Side, check_model, check_scores, is_model, side_of
from cotlens.measure.diff.table import peaks, table
from cotlens.measure.importance.shared.units import thought_and_answer
from cotlens.measure.method import Cost, Identified, RunRecord, check_setting, check_words
from cotlens.models.contract import Capability, Model
from cotlens.results import Provenance, Result
from cotlens.trace import Trace

UNITS = ("sentence", "token", "paragraph", "step")


@dataclass(frozen=True, kw_only=True)
class Diff:
    """At which words would another model, or the same model asked otherwise, go on differently?

    Both read the same thought and answer, token by token, nothing is sampled: a pass of each. What the two expect at a
    token is compared over the whole vocabulary, in nats: `js` is the Jensen-Shannon divergence, `kl` is KL(first ||
    other), `kl_back` KL(other || first), and `log_ratio` log p - log q of the words that stand there: above 0 where the
    first would sooner have written them. A unit has the sums over its tokens, and its estimate is the one of these
    that `metric` names. `gained` and `lost` are the tokens that the first expects more, or less, than the other where
    they part most.

    By default that is KL(other || first), whose mean is over what the other would say: it is large where the first all
    but rules that out. KL(first || other) is large already where the first may say what the other hardly would, however
    likely both are to go on alike, and its size there is how improbable the other held one word; JS, at most log 2 per
    token, adds up differences of wording. How often each finds what was planted is in docs/faithfulness.md. Whose
    thought it is matters: the words that stand there are of one of the two (`cl.diff` of prompts takes thoughts of
    both).

    A model that shows only its best tokens, behind a server, gives lower bounds, and the status says so. Of a model
    with another tokenizer the text alone is the same: the estimate is then log p - log q of each unit's words, where
    both part tokens at its ends (metric "log_ratio").

    Args:
        other: a model; or a prompt, or a function from the trace's prompt to one, for the same model asked that
            instead.
        unit: "sentence", "paragraph", "step" (the answer is one unit more) or "token".
        metric: "kl_back", "kl" or "js".
        floor: who or what should make no difference, each as `other`: the first model in another dtype, paraphrases of
            the prompt; one, or several in a list. What the largest of them moves is a unit's `null_floor`.
    """

    needs: ClassVar[Capability] = Capability.SCORE
    edit_type: ClassVar[str] = "teacher-forced"
    label: ClassVar[str] = "Difference"
    question: ClassVar[str] = "At which words would the other go on differently?"

    other: Any
    unit: str = "sentence"
    metric: str = "kl_back"
    floor: Any = ()

    def __post_init__(self) -> None:
        check_setting("Diff", "unit", self.unit, UNITS)
        check_setting("Diff", "metric", self.metric, KINDS)
        several = isinstance(self.floor, list | tuple)
        object.__setattr__(self, "floor", tuple(self.floor) if several else (self.floor,))

    def cost(self, trace: Trace) -> Cost:
        """The text once for each side and floor, prompts of the same length."""
        sides = 2 + len(self.floor)
        return Cost(tokens=sides * len(trace.token_ids), forwards=sides * (1 + len(trace.token_ids) // 512))

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Compare `model` with the other on a trace.

        Raises:
            InputError: the other is no model or prompt, the thought is empty, or the tokens of two tokenizers never
                part at the ends of its units.
            CapabilityError: a model gives no log-probabilities of a text.
        """
        check_model(model, "diff")
        check_words(trace, "A diff")
        thought_and_answer(trace, self.unit)  # before anything is run
        return self.on(trace, self.sides(model, trace), seed)

    def on(self, trace: Trace, sides: list[Side], seed: int = 0) -> Result:
        """The same where the sides are known."""
        units = thought_and_answer(trace, self.unit)
        made = record_of(self, trace, sides[0].model, seed)
        if any(side.own_tokens for side in sides):
            return by_text(self, trace, units, sides, made)
        first, *others = expected(sides, [at for span in units for at in range(span.start, span.end)])
        found = [compare(first, other) for other in others]
        rows = peaks(units, found[0].divergences[self.metric])
        return table(self, trace, units, sides, found, changes(first, others[0], rows), made())

    def sides(self, model: Model, trace: Trace) -> list[Side]:
        """The first side, the other, and those of the floor."""
        found = [Side(model, trace), *(side_of(model, one, trace) for one in (self.other, *self.floor))]
        check_scores(*(side.model for side in found))
        return found


def record_of(method: Diff, trace: Identified, model: Model, seed: int) -> Callable[[], Provenance]:
    """What makes the provenance, with what all the models of a difference have spent since now."""
    record = RunRecord(method, trace, model, seed)
    given = {id(one): one for one in (method.other, *method.floor) if is_model(one) and one is not model}
    before = [(one, one.meter.snapshot()) for one in given.values()]

    def made() -> Provenance:
        own, spent = record.provenance(), [one.meter.since(was) for one, was in before]
        tokens = own.cost.tokens + sum(one.tokens for one in spent)
        forwards = own.cost.forwards + sum(one.forwards for one in spent)
        return dataclasses.replace(own, cost=dataclasses.replace(own.cost, tokens=tokens, forwards=forwards))

    return made
