"""Interchange: another thought's latent in place of this one, and the answer that should follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import FORCED_TOKENS, target_answer
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.calling import with_keywords
from cotlens.measure.importance.shared import table
from cotlens.measure.latent import steps
from cotlens.measure.latent.asking import Asked, answers, ask
from cotlens.measure.latent.steps import Groups
from cotlens.measure.method import Cost, RunRecord, check_needs, check_setting, check_trace
from cotlens.models.contract import EFFECTS, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

UNFORETOLD = "not measured: no answer is foretold for these latents"


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """Does a latent hold what it is believed to hold, and is that what the answer is made of?

    The donor's latents are put in this thought's place, a group at a time. Who believes to know what they hold can tell
    beforehand what should then be answered, and is right or wrong about it: no other test of latents can fail as
    clearly.

    estimate = log p(foretold answer | donor's latents) - log p(foretold answer | the thought as it is), nats. Columns:
    `foretold`, the answer; `follows`, 1 where the model gives it; `stays`, 1 where it goes on giving its own. Neither
    is a third answer. Rows of which nothing is foretold, or the thought's own answer, are NaN with the reason.

    Args:
        effect: "total", later latents are thought anew from those put in; "direct", they are held at what they were.
        groups: latents that go together, a row each: how many in a row, or a list of lists of their numbers from 0.
        target: the thought's own answer; the trace's by default.
        form: in which words answers are given; see `EarlyAnswer`.

    Source: interchange interventions, Geiger et al. 2021 (arXiv 2106.02997).
    """

    needs: ClassVar[Capability] = Capability.LATENT
    unit: ClassVar[str] = "latent"
    metric: ClassVar[str] = "log_probability"
    label: ClassVar[str] = "Interchange"

    effect: str = "total"
    groups: Groups = 1
    target: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("Interchange", "effect", self.effect, EFFECTS)
        object.__setattr__(self, "groups", steps.as_groups("Interchange", self.groups))
        check_form("Interchange", self.form)
        if self.target is not None:
            check.text("target", self.target, of="Interchange")

    @property
    def edit_type(self) -> str:
        """The row in the table of edit types."""
        return f"activation-level: a donor's latent, {self.effect}"

    def cost(self, trace: Trace) -> Cost:
        """A pass over one position for every latent, for all rows together, and two forced answers for each."""
        count, rows = len(trace.latents), len(steps.members(trace, self.groups, "Interchange can exchange"))
        return Cost(len(trace.token_ids) + rows * (count + 2 * FORCED_TOKENS), 2 + count + rows // 16)

    def run(
        self, trace: Trace, donor: Trace, model: Model, seed: int = 0, *, foretold: Sequence[str | None] | None = None
    ) -> Result:
        """Put the donor's latents in, group by group, in lockstep.

        Args:
            donor: a thought of the same model with as many latents.
            foretold: the answer that should follow, for each group; None where none can be. By default the donor's own
                answer for each.

        Raises:
            InputError: a trace has no latents or no answer, they don't fit one another, or as many answers aren't
                foretold as there are groups.
            CapabilityError: the model can't think in latents.
            Cancelled: between two steps.
        """
        check_needs(self, model)
        for one in (trace, donor):
            check_trace(one, "Interchange")
        rows = steps.members(trace, self.groups, "Interchange can exchange")
        steps.check_alike(trace, donor, "donor")
        record, form = RunRecord(self, trace, model, seed), form_of(trace, model, self.form)
        own = target_answer(trace, self.target, model.reader)
        told = self._foretold(rows, donor, model, foretold)
        apart = [value is not None and value != own.surface for value in told]
        wanted = [value if value is not None else own.surface for value in told]
        put_in = [{step: donor.latents[step] for step in row} for row in rows]
        asked = [Asked([value, own.surface], fill, self.effect) for value, fill in zip(wanted, put_in, strict=True)]
        [before, *after] = ask(model, trace, [Asked(wanted), *asked], form)
        estimates = np.array(
            [one.log_probability - was.log_probability for (one, _), was in zip(after, before, strict=True)]
        )
        columns = {
            "foretold": [value if ok else "" for value, ok in zip(wanted, apart, strict=True)],
            "follows": np.where(apart, [float(answers(one)) for one, _ in after], np.nan),
            "stays": np.array([float(answers(one)) for _, one in after]),
        }
        extras: dict[str, Any] = {
            "donor": donor.id, "own": own.surface, "form": described(form), "members": [list(row) for row in rows],
        }  # fmt: skip
        made = record.provenance()
        if foretold is not None:
            made = with_keywords(made, foretold=repr(list(foretold)))
        found = table.result(
            self, trace, [steps.as_group(trace, row) for row in rows], np.where(apart, estimates, np.nan), own.surface,
            made, extras, status=["exact" if ok else UNFORETOLD for ok in apart], columns=columns,
        )  # fmt: skip
        return replace(found, sign="+ = the foretold answer becomes likelier")

    def _foretold(
        self, rows: Sequence[Any], donor: Trace, model: Model, given: Sequence[str | None] | None
    ) -> list[str | None]:
        if given is None:
            return [target_answer(donor, None, model.reader).surface] * len(rows)
        found = [None if one is None else check.text("foretold", one, of="Interchange") for one in given]
        if len(found) != len(rows):
            raise InputError(
                f"foretold= has {len(found)} answers and there are {len(rows)} groups of latents; give one for each, "
                "None where none can be foretold."
            )
        return found
