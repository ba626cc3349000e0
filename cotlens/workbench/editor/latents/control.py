"""The same move in a model of the same shape that hands nothing on: what moves there was never used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cotlens._core.errors import CotLensError
from cotlens.measure.lenses.reading import token_texts
from cotlens.models.contract import Model
from cotlens.models.load import load
from cotlens.organisms.store import latent_control
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import LatentControl
from cotlens.workbench.editor.latents.answers import answers
from cotlens.workbench.editor.latents.move import Move
from cotlens.workbench.editor.latents.thoughts import Thoughts


class Control:
    """The shipped sibling without feedback, loaded when it is first asked.

    Args:
        name: of the model that it is the control of.
    """

    def __init__(self, name: str) -> None:
        self._of = name
        self._model: Model | None = None
        self._thoughts: dict[tuple[str, int], Trace] = {}

    @cached_property
    def name(self) -> str:
        """Of the control; "" where there is none."""
        return latent_control(self._of)

    def told(self, trace: Trace, move: Move, donor: Trace | None, others: Sequence[Trace]) -> LatentControl:
        """What becomes of its answer to the same prompt with the same latents moved as far, by its own thoughts."""
        told: LatentControl = {"name": self.name, "reads": "", "answer": "", "was": None, "now": None, "why": ""}
        try:
            model = self._model = self._model or load(self.name)
            own = self._thought(model, trace)
            mean = Thoughts(tuple(self._thought(model, one) for one in others)).mean(own)
            given = None if donor is None else self._thought(model, donor).latents
            replaced = dict(zip(move.steps, move.vectors(own.latents, mean, given), strict=True))
            found = answers(model, own, replaced, move.effect)
            reads = _reads(model, own.latents[move.steps.start : move.steps.stop])
        except CotLensError as error:
            return {**told, "why": str(error)}
        return {**told, "reads": reads, "answer": found.answer, "was": found.was, "now": found.now}

    def _thought(self, model: Model, trace: Trace) -> Trace:
        """Its own thought about the prompt of a trace."""
        key = (trace.prompt, len(trace.latents))
        if key not in self._thoughts:
            prompt: Any = trace.meta.get("messages", trace.prompt)
            self._thoughts[key] = model.reason(prompt, latents=len(trace.latents), temperature=0)
        return self._thoughts[key]


def _reads(model: Model, latents: Any) -> str:
    told = model.decode_latents(latents, [], k=1)
    texts = token_texts(model, told.top_ids[:, 0].tolist())
    return ", ".join(f"{text!r} {p:.2f}" for text, p in zip(texts, np.exp(told.top_logprobs[:, 0]), strict=True))
