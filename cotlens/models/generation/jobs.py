"""What is to be written: after which tokens, and what the trace of it will hold beside its new text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.chat_formats.format import Format
from cotlens.models.chat_formats.markers import KnownSegments
from cotlens.models.contract.feedback import Floats
from cotlens.models.generation.traces import begin_of, known_at, prompt_of, text_before
from cotlens.trace import Span, Trace
from cotlens.trace.latents import among


@dataclass(frozen=True)
class WritingJob:
    """What is to be written on.

    Args:
        ids: the prefix.
        prompt, begin, known: as in `traces.build`.
        meta: added to the trace's.
        parts: parent, edit and rewritten_from of the new trace.
        source: the trace whose measurements of the first `kept` tokens hold.
        latent_tokens, latents: places [k] and vectors [k, d_model] of the latents among `ids`.
        ahead: how many more latents are thought before words are written.
        stopped: how many latents the thought had that is left open among them; 0 where it isn't.
    """

    ids: list[int]
    prompt: Span
    begin: int
    known: KnownSegments | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    source: Trace | None = None
    kept: int = 0
    latent_tokens: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    latents: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    ahead: int = 0
    stopped: int = 0


def resuming(form: Format, trace: Trace, at: int | None, close_thought: bool, latents: int | None = None) -> WritingJob:
    """The job of going on from token `at` of a trace.

    Args:
        latents: how many are thought there; by default as many as the trace has from there on.

    Raises:
        InputError: `at` is in the prompt or beyond the trace, the trace is at its end already, the thought that should
            be closed isn't open there, or latents would stand outside the thought.
    """
    start = trace.resume_at if at is None else check.whole("at", at)
    prompt, known = prompt_of(trace), known_at(trace, start)
    begin, n = begin_of(trace), len(trace.token_ids)
    if not max(1, begin) <= start <= n:
        raise InputError(
            f"The model can't go on from token {start}: choose {max(1, begin)} (after the prompt) to {n} (the end)."
        )
    ids = list(trace.token_ids[:start])
    if ids[-1] in form.stop_ids:
        raise InputError("The model ended its turn there; give at=<an earlier token>, or edit the thought first.")
    if close_thought:
        found = form.segment(ids, prompt.end, begin, known=known)
        if not form.plain and (found.thought is None or found.closed):
            raise InputError(
                f"No thought is open before token {start}, so none can be closed; choose a token of the thought."
            )
        ids += form.closing(text_before(trace, start))
    # Behind its new text an edit goes on as the same edit; from anywhere else it is a trace like others, and a parent.
    edited = trace.edit is not None and trace.rewritten_from is None and start >= trace.edit.end_token
    parts = {
        "parent": trace.parent if edited else trace,
        "edit": trace.edit if edited else None,
        "rewritten_from": start,
    }
    kept = int(np.searchsorted(trace.latent_tokens, start))
    ahead = 0 if close_thought else len(trace.latents) - kept if latents is None else check.whole("latents", latents, 0)
    thought = trace.roles.get("thought")
    if ahead and not (thought is not None and thought.start <= start <= thought.end):
        raise InputError(f"Token {start} is outside the thought, so no latents can be thought there.")
    # Behind its latents, or with none at all, nothing but the model says whether more is thought.
    left_open = not close_thought and thought is not None and (start == thought.start or among(trace, start - 1, start))
    own = trace.latent_tokens[:kept], trace.latents[:kept], ahead, _thought_before(trace) if left_open else 0
    return WritingJob(ids, prompt, begin, known, _inherited(trace), parts, trace, start, *own)


def _thought_before(trace: Trace) -> int:
    """The most latents that a trace has, or what it was edited from."""
    one: Any = trace
    most = len(one.latents)
    while one.edit is not None and one.rewritten_from is None and one.parent is not None:
        one = one.parent
        most = max(most, len(one.latents))
    return most


def _inherited(trace: Trace) -> dict[str, Any]:
    return {key: trace.meta[key] for key in ("prefill", "messages") if key in trace.meta}
