"""From tokens to traces: roles by the format, measurements in tables, what was asked for in `meta`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cotlens.models.codec import HFCodec
from cotlens.models.formats import Format
from cotlens.models.generate import TOP, Notes
from cotlens.models.segment import Segments
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerReader

BEGIN = "begin"  # meta key: index of the first token that is not template


def begin_of(trace: Trace) -> int:
    """Index of the first token of a trace that is not prompt or template."""
    prompt = trace.roles.get("prompt")
    return int(trace.meta.get(BEGIN, prompt.end if prompt is not None else 0))


def prompt_of(trace: Trace) -> tuple[int, int]:
    """Token range of the prompt; empty at 0 if there is none."""
    prompt = trace.roles.get("prompt")
    return (prompt.start, prompt.end) if prompt is not None else (0, 0)


class Measured:
    """Log-probabilities and alternatives of n tokens, unknown unless put in.

    Args:
        k: alternatives per token.
    """

    def __init__(self, n: int, k: int = TOP) -> None:
        self.logprobs = np.full(n, np.nan, np.float32)
        self.top_ids = np.full((n, k), -1, np.int32)
        self.top_logprobs = np.full((n, k), np.nan, np.float32)

    @classmethod
    def of(cls, trace: Trace, upto: int, n: int) -> Measured:
        """What `trace` knows about its first `upto` tokens, in a table for n tokens."""
        k = max(TOP, trace.top_ids.shape[1])
        table = cls(n, k)
        table.logprobs[:upto] = trace.logprobs[:upto]
        old = trace.top_ids.shape[1]
        table.top_ids[:upto, :old] = trace.top_ids[:upto]
        table.top_logprobs[:upto, :old] = trace.top_logprobs[:upto]
        return table

    def put(self, notes: Notes) -> None:
        """Enter what was noted."""
        if notes.at:
            k = len(notes.top_ids[0])
            self.logprobs[notes.at] = notes.logprobs
            self.top_ids[notes.at, :k] = np.stack(notes.top_ids)
            self.top_logprobs[notes.at, :k] = np.stack(notes.top_logprobs)

    def fields(self, codec: HFCodec) -> dict[str, Any]:
        """As fields of a Trace."""
        texts = {
            int(i): codec.pieces([int(i)])[0].decode("utf-8", "replace") for i in np.unique(self.top_ids) if i >= 0
        }
        texts[-1] = ""
        known = [bool(row.any()) for row in self.top_ids >= 0]
        pieces = [
            tuple(texts[i] for i in row) if has else () for row, has in zip(self.top_ids.tolist(), known, strict=True)
        ]
        return {
            "logprobs": self.logprobs,
            "top_ids": self.top_ids,
            "top_logprobs": self.top_logprobs,
            "top_pieces": tuple(pieces),
        }


def build(
    form: Format,
    reader: AnswerReader,
    ids: Sequence[int],
    prompt: tuple[int, int],
    begin: int,
    meta: Mapping[str, Any],
    found: Segments | None = None,
    **parts: Any,
) -> Trace:
    """A trace of `ids`, with thought and answer found by the format.

    Args:
        prompt: token range of the user's text.
        begin: first token that is not template.
        found: thought and answer where they are known already.
        parts: further fields of the trace.
    """
    found = found or form.segment(ids, prompt[1], begin, reader.suffix.strip())
    roles = {"prompt": prompt, "thought": found.thought, "answer": found.answer}
    described = {**meta, BEGIN: begin, "format": form.name, "thought_closed": found.closed}
    notes = [*meta.get("notes", ()), *_remarks(described, found.thought is not None)]
    if notes:
        described["notes"] = notes
    return Trace.build(
        ids,
        form.codec.pieces(ids),
        {role: span for role, span in roles.items() if span is not None and span != (0, 0)},
        meta=described,
        reader=reader,
        codec=form.codec,
        **parts,
    )


def _remarks(meta: Mapping[str, Any], thinks: bool) -> list[str]:
    if meta["thought_closed"] or meta["format"] == "plain" or meta.get("finish") not in ("stop", "length"):
        return []
    if not thinks:
        return ["The model answered without a thought."]
    if meta["finish"] == "stop":
        return ["The model ended its turn without closing its thought, so there is no answer."]
    return [
        "The thought was not closed within the tokens allowed; raise max_new_tokens, or resume with close_thought=True."
    ]
