"""The latent lens: what each latent would say if a word stood in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.latent import steps
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, RunRecord, check_needs, check_trace
from cotlens.models.contract import Capability, Model, check_thought_by
from cotlens.results import Result
from cotlens.trace import Trace

FLOOR = 0.975  # quantile of the controls
LOST = "not measured: it is none of the tokens that this soft step kept"


@dataclass(frozen=True, kw_only=True)
class LatentLens:
    """What does each latent say in the model's own words?

    A latent has passed the final norm already, so the output embedding reads it as it is (through the rotation of its
    format, where there is one): a norm on top would read another vector. A row per latent: estimate = log p of the
    token that it should say (`says` of `run`), else of the one that leads. Columns: `leading` and `leading_logprob`,
    `entropy` in nats, `norm`, the length of the vector (of what a soft latent mixes to); with `says` also `rank`, 0 for
    the best, `control`, log p at the same latent of what another one should say (drawn), and `floor`, the 97.5 %
    quantile of the controls. The extra `parts` has what the latents of one step of the problem are to say, where that
    is known.

    A soft latent says the tokens that it is made of; of all others nothing is known, and their rows say so.

    What a latent says need not be what it is used for: see `decodable_and_used`.
    """

    needs: ClassVar[Capability] = Capability.LATENT | Capability.DECODE
    edit_type: ClassVar[str] = "none"
    unit: ClassVar[str] = "latent"

    def cost(self, trace: Trace) -> Cost:
        """No pass through the model: only its output embedding, once for each latent."""
        return Cost(0, 0)

    def run(self, trace: Trace, model: Model, seed: int = 0, *, says: Sequence[str] | None = None) -> Result:
        """Read every latent.

        Args:
            says: what each should say, a text of one token for each latent.

        Raises:
            InputError: the trace has no latents, or `says` isn't a token for each.
            CapabilityError: the model can't be decoded.
        """
        check_needs(self, model)
        check_trace(trace, "LatentLens")
        rows = [row[0] for row in steps.members(trace, 1, "LatentLens can read")]
        check_thought_by(trace, model)
        record, wanted = RunRecord(self, trace, model, seed), None
        if says is not None:
            own = tokens(model, says, len(rows))
            wanted = np.array([own, _others(own, check.seed(seed))]).T
        told = model.decode_latents(trace.latents, [] if wanted is None else wanted, k=1)
        at, lost = trace.latent_tokens, [bool(np.isnan(row[:1]).any()) for row in told.logprobs]
        leading = told.top_logprobs[:, 0].astype(np.float64)
        columns: dict[str, Any] = {
            "start": at, "end": at + 1, "text": [steps.name([row]) for row in rows],
            "estimate": leading if wanted is None else told.logprobs[:, 0].astype(np.float64),
            "status": [LOST if one else "exact" for one in lost],
            "leading": reading.token_texts(model, told.top_ids[:, 0].tolist()), "leading_logprob": leading,
            "entropy": told.entropy, "norm": np.linalg.norm(_vectors(trace, model), axis=1),
        }  # fmt: skip
        if wanted is not None:
            columns |= {
                "rank": told.ranks[:, 0], "control": told.logprobs[:, 1],
                "floor": np.full(len(rows), _floor(told.logprobs[:, 1])),
            }  # fmt: skip
        parts = () if model.latent_format is None else model.latent_format.parts
        extras = {"cells": reading.LOGPROB, "parts": list(parts), "edit_type": self.edit_type}
        what = "the token that leads" if wanted is None else "the token that it should say"
        return reading.table(
            self, columns, record.provenance(), f"log-probability of {what}",
            "the nearer to 0, the surer the latent is of it", "certain of it", extras,
        )  # fmt: skip


def _vectors(trace: Trace, model: Model) -> NDArray[np.float32]:
    """The latents themselves, or what soft ones mix to."""
    form = model.latent_format
    assert form is not None, "it was asked whether it can"
    return trace.latents if form.feedback.continuous else form.inputs(trace.latents)


def _floor(controls: NDArray[np.float32]) -> float:
    """Of the controls that were read, NaN where none was."""
    known = controls[np.isfinite(controls)]
    return float(np.quantile(known, FLOOR)) if len(known) else np.nan


def _others(own: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """For each latent a token that another one should say and it shouldn't; where all say one, that."""
    rng, known = np.random.default_rng(seed), np.unique(own)
    return np.array([rng.choice(known[known != one]) if len(known) > 1 else one for one in own], np.int64)


def tokens(model: Model, says: Sequence[str], count: int) -> NDArray[np.int64]:
    """The ids of texts of one token each, for `count` latents.

    Raises:
        InputError: there aren't as many, or one isn't a single token.
    """
    given = check.texts("says", says, of="LatentLens")
    if len(given) != count:
        raise InputError(f"says= has {len(given)} texts and there are {count} latents; give one for each.")
    found = [model.codec.encode(one) for one in given]
    wrong = next((one for one, ids in zip(given, found, strict=True) if len(ids) != 1), None)
    if wrong is not None:
        raise InputError(
            f"says= has {wrong!r}, which isn't one token of {model.name!r}; give one token for each latent."
        )
    return np.array([ids[0] for ids in found], np.int64)
