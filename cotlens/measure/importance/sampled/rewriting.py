"""Units rewritten by someone else, with the thought continued from there: what Mistake, Paraphrase and Filler share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeGuard

import numpy as np

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.importance.sampled import effects, table
from cotlens.measure.importance.sampled.arms import Arm, kept
from cotlens.measure.importance.sampled.confirming import Confirmation
from cotlens.measure.importance.sampled.effects import Effect
from cotlens.measure.importance.sampled.rollout_pool import RolloutPool, draw_rollouts
from cotlens.measure.importance.sampled.settings import Sampled
from cotlens.measure.importance.sampled.unread import OK, tallied
from cotlens.measure.importance.shared.controls import area_over
from cotlens.measure.method import Cost, RunRecord, check_needs, keeping
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace

Rewriter = str | Callable[[str], str | None] | Model
SELF = "self"
REWRITE_TOKENS = 400  # bound on what a model is asked to read and write for one unit, beside the trace
_STEPS = (1, -1, 2, -2, 10, -10)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Rewritten:
    """A unit with another text.

    Args:
        trace: the edited trace; None where there is no other text, for the reason in `status`.
        at: where the model goes on in it.
        surprise, surprise_was: mean nats per token of the new and the old text.
    """

    trace: Trace | None
    at: int = 0
    text: str = ""
    surprise: float = np.nan
    surprise_was: float = np.nan
    status: str = OK


@dataclass(frozen=True, kw_only=True)
class Rewriting(Sampled, ABC):
    """Settings and run of the measures that put another text in place of a unit; see there."""

    needs: ClassVar[Capability] = Capability.GENERATE | Capability.SCORE
    edit_type: ClassVar[str] = "off-policy"

    @abstractmethod
    def rewritten(self, trace: Trace, span: Span, model: Model, seed: int) -> Rewritten:
        """The unit with another text, as the measure has it."""

    def control(self, edit: Rewritten, trace: Trace, span: Span) -> Arm | None:
        """Where rollouts begin that have what `edit` adds beside the unit, not in its place; None for no control."""
        return None

    def places(self, spans: int) -> int:
        """From how many places rollouts begin at most."""
        return 2 * spans

    def cost(self, trace: Trace) -> Cost:
        """At most n rollouts of full length per unit and arm, and two scored texts per unit."""
        spans = len(self.units(trace))
        bound = self.bound(trace, self.places(spans), texts=self.places(spans))
        extra = spans * 3 * (len(trace.token_ids) + REWRITE_TOKENS)
        return Cost(bound.tokens + extra, bound.forwards + extra, bound.rollouts)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Measure every unit of the thought.

        Raises:
            InputError: there is no unit or no answer to follow, or more rollouts are needed than were allowed.
            Cancelled: with what was measured so far as `partial`; what was sampled is in the store.
        """
        check_needs(self, model)
        spans = self.units(trace)
        target = target_answer(trace, self.target, model.reader).group
        self.check_allowed(trace, self.places(len(spans)))
        pool, record = RolloutPool(self, trace, model, seed), RunRecord(self, trace, model, seed)
        edits: list[Rewritten] = []
        confirmation = Confirmation(self, len(spans))

        def found() -> list[Effect]:
            return [self._effect(trace, *one, pool, target, seed) for one in zip(spans, edits, strict=False)]

        def afresh(rows: Sequence[int]) -> list[Effect]:
            plain, fresh = self.with_fixed_n(self.places(len(spans))), pool.independent()
            fresh.draw({arm: plain.n for row in rows for arm in self._arms(trace, spans[row], edits[row])})
            return [plain._effect(trace, spans[row], edits[row], fresh, target, seed) for row in rows]

        def result() -> Result:
            return self._result(trace, spans, edits, found(), confirmation, pool, target, record)

        with keeping(result):
            for index, span in enumerate(spans):
                control.current().check()
                with control.using(control.current().silent()):
                    edits.append(self._surprising(self.rewritten(trace, span, model, seed + index), model))
            chains = [self._arms(trace, span, edit) for span, edit in zip(spans, edits, strict=True)]
            if any(chains):
                draw_rollouts(self, pool, [chain for chain in chains if chain], target)
                confirmation.run(found(), afresh)
        return result()

    def _arms(self, trace: Trace, span: Span, edit: Rewritten) -> list[Arm]:
        """Where a unit's rollouts begin: with it, with the other text, and with both where there is a control."""
        if edit.trace is None:
            return []
        control = self.control(edit, trace, span)
        return [kept(trace, span), Arm(edit.trace, edit.at), *([] if control is None else [control])]

    def _effect(self, trace: Trace, span: Span, edit: Rewritten, pool: RolloutPool, target: str, seed: int) -> Effect:
        if edit.trace is None:
            return Effect(status=edit.status)
        arms = self._arms(trace, span, edit)
        drawn = [pool.of_arm(arm) for arm in arms]
        found = effects.compare(self, drawn[0], drawn[1], target, seed, status=effects.partly(pool, arms))
        if len(arms) < 3 or not np.isfinite(found.p_value):
            return found
        beside = effects.compare(self, drawn[2], drawn[1], target, seed)
        same = self.metric == "kl" or found.estimate * beside.estimate > 0
        p_value = float(np.fmax(found.p_value, beside.p_value)) if same else 1.0
        return replace(found, p_value=p_value)

    def _surprising(self, edit: Rewritten, model: Model) -> Rewritten:
        if edit.trace is None:
            return edit
        measured = model.surprise(edit.trace)
        return Rewritten(edit.trace, edit.at, edit.text, measured.surprise, measured.surprise_was)

    def _result(
        self, trace: Trace, spans: Sequence[Span], edits: Sequence[Rewritten], found: Sequence[Effect],
        confirmation: Confirmation, pool: RolloutPool, target: str, record: RunRecord,
    ) -> Result:  # fmt: skip
        missing = len(spans) - len(edits)
        gone = np.full(missing, np.nan)
        columns = {
            "rewritten": [*(edit.text for edit in edits), *[""] * missing],
            "surprise": np.array([*(edit.surprise for edit in edits), *gone]),
            "surprise_was": np.array([*(edit.surprise_was for edit in edits), *gone]),
            **self._control_column(trace, spans, edits, pool, target),
            **confirmation.columns(),
        }
        rows = [*found, *[Effect()] * missing]
        return table.result(
            self, trace, spans, rows, target, record.provenance(), pool,
            columns=columns, extras=_curve(trace, spans, rows),
        )  # fmt: skip

    def _control_column(
        self, trace: Trace, spans: Sequence[Span], edits: Sequence[Rewritten], pool: RolloutPool, target: str
    ) -> dict[str, Any]:
        """`p_control`, the share of the target in the control arm, where there is one."""
        shares = np.full(len(spans), np.nan)
        arms = [self._arms(trace, span, edit) for span, edit in zip(spans, edits, strict=False)]
        for row, each in enumerate(arms):
            answers = tallied(pool.of_arm(each[2])).answers if len(each) > 2 else []
            shares[row] = answers.count(target) / len(answers) if answers else np.nan
        return {"p_control": shares} if any(len(each) > 2 for each in arms) else {}


def _curve(trace: Trace, spans: Sequence[Span], found: Sequence[Effect]) -> dict[str, Any]:
    """Lanham et al.'s curve: how often the answer stays the same, by the share of the thought before the edit."""
    thought = trace.roles["thought"]
    at = [(span.start - thought.start) / max(1, thought.end - thought.start) for span in spans]
    same = [one.p_without for one in found]
    known = [i for i, share in enumerate(same) if np.isfinite(share)]
    return {
        "same_answer": np.array(same),
        "same_answer_at": np.array(at),
        "area_over_curve": area_over([same[i] for i in known], [at[i] for i in known]),
        "area_weighting": "by tokens of the thought before the edit, from the first measured unit to the last",
    }


def replaced(trace: Trace, span: Span, text: str | None) -> Rewritten:
    """The trace with `text` in place of a unit, to be continued where the unit ended."""
    own = trace.text[span.char_start : span.char_end]
    new = (text or "").strip()
    if not new or new == own.strip():
        return Rewritten(None, status="not measured: the rewriter gave no other text for this unit")
    edited = trace.replace((span.char_start, span.char_end), new)
    assert edited.edit is not None
    after = span.end - (edited.edit.start_token + edited.edit.old_tokens)  # whitespace that stands after the unit
    return Rewritten(edited, edited.edit.end_token + max(0, after), new)


def ask(model: Model, instruction: str, trace: Trace, span: Span, seed: int) -> str:
    """What `model` answers when asked to rewrite a unit: its answer, or all it wrote if it wrote no thought."""
    before = trace.text[trace.roles["thought"].char_start : span.char_start].strip()
    own = trace.text[span.char_start : span.char_end]
    prompt = instruction.format(question=trace.prompt, before=before or "(nothing yet)", sentence=own)
    answer = model.reason(prompt, seed=seed, max_new_tokens=REWRITE_TOKENS)
    return str(answer.answer or answer.thought).strip()


def text_of(rewriter: Rewriter, instruction: str, trace: Trace, span: Span, model: Model, seed: int) -> str | None:
    """The other text of a unit, by the model itself, another model or a function."""
    if rewriter == SELF:
        return ask(model, instruction, trace, span, seed)
    if _is_model(rewriter):
        return ask(rewriter, instruction, trace, span, seed)
    assert callable(rewriter)
    given = rewriter(trace.text[span.char_start : span.char_end])
    if given is not None and not isinstance(given, str):
        raise InputError(f"The rewriter gave {given!r} for a unit: it must give the other text, or None for none.")
    return given


def _is_model(thing: Any) -> TypeGuard[Model]:
    """Whether it can be asked to reason; `isinstance(thing, Model)` would look at everything, its weights included."""
    return callable(getattr(thing, "reason", None))


def check_rewriter(method: str, rewriter: Any, names: Sequence[str]) -> None:
    """Raise InputError unless `rewriter` is one of the names, a model or a function."""
    if rewriter in names if isinstance(rewriter, str) else callable(rewriter) or _is_model(rewriter):
        return
    raise InputError(
        f"{method} was given rewriter={rewriter!r}: give {' or '.join(map(repr, names))}, a loaded model, or a "
        "function from the unit's text to another one."
    )


def other_number(text: str, seed: int) -> str | None:
    """The text with its last number changed by 1, 2 or 10, None where it has none."""
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return None
    last = numbers[-1]
    value = int(last.group())
    fitting = [step for step in _STEPS if value + step >= 0]
    step = fitting[int(np.random.default_rng(seed).integers(len(fitting)))]
    return f"{text[: last.start()]}{value + step}{text[last.end() :]}"
