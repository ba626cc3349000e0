"""What the view shows of a thought's latents, as plain data and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import LatentChip, LatentDonor, LatentStrip
from cotlens.workbench.shared.compare import finite


def strip(
    trace: Trace, lens: Result | None, note: str, off: str, mean: str, donors: Sequence[LatentDonor]
) -> LatentStrip | dict[str, Any]:
    """The view's `latents`; {} of a thought in words.

    Args:
        lens: a `LatentLens` of the trace, None while there is none.
        note: why there is none.
        off: why no latent can be moved.
        mean: what the means are of.
    """
    if not len(trace.latents):
        return {}
    return {
        "chips": [_chip(trace, number, lens) for number in range(len(trace.latents))],
        "parts": parts_of(trace, lens), "mean": mean, "donors": list(donors),
        "put": _put(trace), "anew": _anew(trace), "note": note, "off": off,
    }  # fmt: skip


def parts_of(trace: Trace, lens: Result | None) -> list[str]:
    """What the latents of one change are to say; none where that isn't known, or these don't come out even."""
    parts = [] if lens is None else list(lens.extras.get("parts", ()))
    return parts if parts and len(trace.latents) % len(parts) == 0 else []


def in_words(trace: Trace, lens: Result | None) -> str:
    """The strip as a line of text: how many latents, and what they read as, a change after the other."""
    count = len(trace.latents)
    if not count or lens is None:
        return f"{count} latents" if count else ""
    texts, size = [str(text).strip() or "␣" for text in lens.columns["leading"]], len(parts_of(trace, lens)) or 1
    least = float(np.exp(np.nanmin(lens.columns["leading_logprob"])))
    said = " | ".join(" ".join(texts[at : at + size]) for at in range(0, count, size)) if size > 1 else " ".join(texts)
    return f"{count} latents, which read as: {said} (p {least:.2g} or more)"


def _chip(trace: Trace, number: int, lens: Result | None) -> LatentChip:
    chip: LatentChip = {
        "token": int(trace.latent_tokens[number]), "text": None, "p": None, "entropy": None,
        "norm": float(np.linalg.norm(trace.latents[number])),
    }  # fmt: skip
    if lens is None:
        return chip
    told = lens.columns
    return {
        **chip, "text": str(told["leading"][number]), "p": finite(np.exp(told["leading_logprob"][number])),
        "entropy": finite(told["entropy"][number]), "norm": finite(told["norm"][number]),
    }  # fmt: skip


def _put(trace: Trace) -> tuple[int, int] | None:
    edit = trace.edit
    if edit is None or edit.kind not in ("replace", "insert"):
        return None
    inside = (trace.latent_tokens >= edit.start_token) & (trace.latent_tokens < edit.end_token)
    return (edit.start_token, edit.end_token) if inside.any() else None


def _anew(trace: Trace) -> int | None:
    """From which latent the model thought again; None where it wrote again from words on."""
    at = trace.rewritten_from
    return at if at is not None and at in trace.latent_tokens else None
