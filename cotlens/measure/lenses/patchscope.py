"""Patchscopes: a vector of one text put into another, which the model then says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.answers.forced import target_answer
from cotlens.measure.answers.forms import Form, check_form, described, form_of
from cotlens.measure.importance.shared.units import units
from cotlens.measure.lenses import reading
from cotlens.measure.lenses.reading import Vectors
from cotlens.measure.method import (
    Cost,
    RunRecord,
    check_needs,
    check_one_model,
    check_setting,
    check_trace,
    chosen_layers,
    in_blocks,
)
from cotlens.models.contract import Branch, BranchScore, Capability, Model, Patch
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.latents import name_of

UNITS = ("token", "sentence", "paragraph", "step")
DRAWS = 3  # random vectors per place
KINDS = ("own", "donor", *(f"random {i}" for i in range(DRAWS)))


@dataclass(frozen=True, kw_only=True)
class Patchscope:
    """What does the model say of a vector when it finds it in another text?

    A row per layer and place (the last token before the thought, and of every unit): the stream there stands in for the
    last token of a target text, at `into`, and estimate = p(the answer's first token) after it, less the best of three
    controls there. By default the target is the question with no thought and the words that lead to the answer.
    Columns: `layer`, 0 the embedding, l after l layers; `probability`; the controls: `zero`, a vector of zeros,
    `random`, the best of three of that length, and `donor`, the vector there of a trace that answers otherwise;
    `control`, the best of them; `floor`, how far the random draws lie apart; `leading`, the token that the model then
    says. Extra `untouched`: the probability with nothing put there.

    Args:
        donor: a trace of this model that answers otherwise.
        unit: "token", "sentence", "paragraph" or "step".
        layers: numbers of the places in depth to read; all by default.
        into: the number of the place in depth to write to; by default where the vector was read.
        target: a text to put the vector into, in place of its last token: "12 -> 12; pear -> pear; ?".
        answer: what to read out; by default what the trace answers.
        form: in which words the answer is given, without `target`; see `EarlyAnswer`.

    Source: Ghandeharioun et al. 2024 (arXiv 2401.06102).
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.SCORE | Capability.WRITE
    edit_type: ClassVar[str] = "activation patch into another text"

    donor: Trace
    unit: str = "sentence"
    layers: tuple[int, ...] | None = None
    into: int | None = None
    target: str | None = None
    answer: str | None = None
    form: Form = None

    def __post_init__(self) -> None:
        check_setting("Patchscope", "unit", self.unit, UNITS)
        check_form("Patchscope", self.form)
        if not isinstance(self.donor, Trace):
            raise InputError(
                f"A Patchscope needs donor=, a trace that answers otherwise; {self.donor!r:.60} was given."
            )
        if self.answer is not None and not check.text("answer", self.answer, of="Patchscope").strip():
            raise InputError("Patchscope was given an empty answer; give the text that it reads out.")
        object.__setattr__(self, "layers", chosen_layers(self.layers, "Patchscope"))

    def cost(self, trace: Trace) -> Cost:
        """A pass over both traces, one over the target, and its last token for every vector, layer by layer."""
        n = len(trace.token_ids) + 2 * len(self.donor.token_ids)
        return Cost(8 * n + 64 * (len(KINDS) + 1) * (len(trace.spans(self.unit)) + 1), 64)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read both traces, and put every vector into the target.

        Raises:
            InputError: there is no thought or no answer, the donor is of another model or answers the same, there is no
                such layer, or target and answer share a token.
            CapabilityError: the model can't be read, scored or changed.
            Cancelled: between two batches of vectors.
        """
        check_needs(self, model)
        check_trace(trace, "A Patchscope")
        check_one_model([trace, self.donor])
        record, form = RunRecord(self, trace, model, seed), form_of(trace, model, self.form)
        answer = self.answer or target_answer(trace, None, model.reader).surface
        self._check_donor(trace, model, answer)
        layers = list(range(model.n_layers + 1)) if self.layers is None else list(self.layers)
        for one in (layers, [] if self.into is None else [check.whole("into", self.into, of="Patchscope")]):
            reading.check_layers(model, one, "A Patchscope")
        ids, token = self._target(trace, model, answer, form)
        places, others = self._places(trace), self._places(self.donor)
        at = [end - 1 for _, end, _ in places]
        there = [others[min(i, len(others) - 1)][1] - 1 for i in range(len(at))]
        rng = np.random.default_rng(check.seed(seed))
        theirs = reading.residuals(model, self.donor, there, layers)
        parts = []
        for (layer, own), (_, beside) in zip(reading.residuals(model, trace, at, layers), theirs, strict=True):
            depth = layer if self.into is None else self.into
            vectors = [np.zeros_like(own[:1]), own, beside, *(_random(own, rng) for _ in range(DRAWS))]
            found = _said(model, ids, token, depth, np.concatenate(vectors))
            parts.append(_rows(model, places, layer, found))
        untouched = _said(model, ids, token, 0, np.empty((0, 0), np.float32), bare=True)[0]
        extras = {
            "cells": reading.DIFFERENCE, "layers": model.n_layers + 1, "answer": answer, "form": described(form),
            "untouched": float(np.exp(untouched.logprobs[-1])), "target": self.target or "the question, no thought",
        }  # fmt: skip
        return reading.table(
            self, reading.joined(parts), record.provenance(), f"p({answer!r}) less that of the best control",
            f"+ = the vector says {answer!r} where no control does", "no more than a control", extras, "probability",
        )  # fmt: skip

    def _check_donor(self, trace: Trace, model: Model, answer: str) -> None:
        reader = trace.reader if trace.reader is not None else model.reader
        theirs = self.donor.read_answer()
        if theirs is not None and reader.normal(theirs.surface) == reader.normal(answer):
            raise InputError(
                f"The donor answers {answer!r} as the trace does, so it is no control: give one that answers otherwise."
            )

    def _places(self, trace: Trace) -> list[tuple[int, int, str]]:
        """(start, end, text) of what ends at the tokens that are read."""
        begin = trace.roles["thought"].start if "thought" in trace.roles else 0
        found = [(one.start, one.end, name_of(trace, one)) for one in units(trace, self.unit, None)]
        return [(begin - 1, begin, ""), *found]

    def _target(self, trace: Trace, model: Model, answer: str, form: Any) -> tuple[tuple[int, ...], int]:
        """The target's ids, the last one to be replaced, and the token that is read out after it."""
        if self.target is None:
            begin = trace.roles["thought"].start
            made = model.answer_branch(trace, begin, answer, form)
            return (*trace.token_ids[:begin], *made.token_ids[: made.value_start]), made.token_ids[made.value_start]
        text = check.text("target", self.target, of="Patchscope")
        before = (*getattr(model.codec, "bos", ()), *model.codec.encode(text))
        whole = (*getattr(model.codec, "bos", ()), *model.codec.encode(text + answer))
        if len(before) < 2 or whole[: len(before)] != before or len(whole) == len(before):
            raise InputError(
                f"The target {text!r:.60} and the answer {answer!r} share a token, or it is too short to put a vector "
                "into: end it with another word or sign."
            )
        return before, whole[len(before)]


def _random(own: Vectors, rng: np.random.Generator) -> Vectors:
    """Vectors of random directions, as long as those given."""
    drawn = rng.standard_normal(own.shape)
    drawn *= np.linalg.norm(own, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn.astype(np.float32)


def _said(
    model: Model, ids: Sequence[int], token: int, depth: int, vectors: Vectors, *, bare: bool = False
) -> list[BranchScore]:
    """How the token is taken behind the target, with each of the vectors in place of its last token."""
    last, site, layer = len(ids) - 1, "resid_post" if depth else "embed", max(0, depth - 1)
    changes: list[Any] = [()] if bare else [(Patch(layer, (last,), one[None], site),) for one in vectors]  # type: ignore[arg-type]
    branches = [Branch(last, (ids[last], token), given=1, interventions=one) for one in changes]
    return list(in_blocks(branches, lambda some: model.score(ids, some), "patching"))


def _rows(
    model: Model, places: Sequence[tuple[int, int, str]], layer: int, found: Sequence[BranchScore]
) -> dict[str, Any]:
    n = len(places)
    said = np.exp([float(one.logprobs[-1]) for one in found])
    zero, own, donor, drawn = said[0], said[1 : 1 + n], said[1 + n : 1 + 2 * n], said[1 + 2 * n :].reshape(DRAWS, n)
    best = np.maximum(np.maximum(donor, drawn.max(0)), zero)
    return {
        "start": [max(0, one[0]) for one in places], "end": [one[1] for one in places],
        "text": [one[2] for one in places], "estimate": own - best, "status": ["exact"] * n,
        "layer": np.full(n, layer), "probability": own, "zero": np.full(n, zero), "random": drawn.max(0),
        "donor": donor, "control": best, "floor": drawn.max(0) - drawn.min(0),
        "leading": reading.token_texts(model, [int(one.greedy_ids[-1]) for one in found[1 : 1 + n]]),
    }  # fmt: skip
