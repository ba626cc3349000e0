"""What tables and groups ask of a trace: its texts and what is said of it, without its tokens.

A trace of a file is made again token by token when it is looked at; these few things are read from its columns in a
fraction of that time, and held to the same fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens.trace import storage
from cotlens.trace.answers import AnswerReader, FinalAnswer
from cotlens.trace.check import ROLES, role_spans
from cotlens.trace.latents import told
from cotlens.trace.record import EDITED, TraceRecord, digest


@dataclass(frozen=True)
class TraceSummary:
    """A trace without its tokens.

    Args:
        id: of the trace.
        tokens: how many it has.
        texts: role -> text, of the roles that it has.
        meta: of the trace.
        reader: of its answer; None where it has none.
        status: how the thought in focus came; "none" where none is.
        thoughts: how many it has.
        latents: how many latent steps, which no text tells of.
    """

    id: str
    tokens: int
    texts: Mapping[str, str]
    meta: Mapping[str, Any]
    reader: AnswerReader | None
    status: str
    thoughts: int
    latents: int = 0

    @classmethod
    def of(cls, trace: TraceRecord) -> TraceSummary:
        """That of a trace in memory."""
        texts = {role: trace.role_text(role) for role in trace.roles}
        status = trace.status if "thought" in trace.roles else "none"
        counts = len(trace.thoughts), len(trace.latents)
        return cls(trace.id, len(trace.token_ids), texts, trace.meta, trace.reader, status, *counts)

    @classmethod
    def read(
        cls,
        about: Mapping[str, Any],
        parent: str | None,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int32],
        text: bytes,
    ) -> TraceSummary:
        """That of a trace in a file.

        Args:
            about: what `storage.described` said of it.
            parent: id of the trace that it was made from.
            ids: n token ids.
            lengths: n numbers of characters.
            text: UTF-8.

        Raises:
            ValueError, KeyError, TypeError, IndexError or AttributeError: they don't fit together.
        """
        edit = about["edit"] and tuple(about["edit"][name] for name in EDITED)
        found = storage.latents_from_data(about)
        latents = told(found["latent_tokens"], found["latents"]) if found else b""
        if digest(ids.tobytes(), text, about["roles"], edit, parent, latents) != about["id"]:
            raise ValueError(storage.CHANGED)
        said, offsets = text.decode(), np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        if int(offsets[-1]) != len(said):
            raise ValueError("its tokens are not as long as its text")
        spans = role_spans(about["roles"], offsets)
        texts = {role: said[span.char_start : span.char_end] for role, span in spans.items()}
        meta, reader = storage.told(about, len(ids))
        parts, focus = about.get("parts") or [], about.get("focus")
        status = ("verbatim" if focus is None else parts[focus]["status"]) if "thought" in texts else "none"
        thoughts = sum(part["kind"] == "thought" for part in parts) if parts else int("thought" in texts)
        return cls(about["id"], len(ids), texts, meta, reader, status, thoughts, len(found["latents"]) if found else 0)

    @property
    def model(self) -> str:
        """Who wrote it; "" where that isn't known."""
        return str(self.meta.get("recorded_model") or self.meta.get("model") or "")

    @property
    def answer(self) -> str | None:
        """The answer by value, None where it can't be read; with the default reader where the trace has none."""
        if "answer" not in self.texts:
            return None
        found = self._reads.read(self.texts["answer"], finished=self.finish in ("stop", "given"))
        return None if found is None else found.text

    @property
    def _reads(self) -> AnswerReader:
        return self.reader if self.reader is not None else FinalAnswer()

    def says(self, name: str, value: Any) -> bool:
        """Whether a column, or what `meta` says by that name, is `value`; an answer is, however it is written."""
        if name == "answer" and isinstance(value, str):
            return self.answer == self._reads.normal(value)
        return bool(says(self, name) == value)

    @property
    def finish(self) -> str:
        """How it ended."""
        return str(self.meta.get("finish", "given"))


SAID = ("seed", "sample", "id", "target", "chunk", "epoch")
"""What a trace's `meta` may say that has a column of its own."""

COLUMNS: Mapping[str, Callable[[TraceSummary], Any]] = {
    "trace": lambda seen: seen.id,
    "model": lambda seen: seen.model,
    "finish": lambda seen: seen.meta.get("finish", "given"),
    "status": lambda seen: seen.status,
    "thoughts": lambda seen: seen.thoughts,
    "tokens": lambda seen: seen.tokens,
    "latents": lambda seen: seen.latents,
    "answer": lambda seen: seen.answer,
    "prompt": lambda seen: seen.texts.get("prompt", ""),
    "thought": lambda seen: seen.texts.get("thought", ""),
    "text": lambda seen: seen.texts.get("answer", ""),
}


def says(seen: TraceSummary, name: str) -> Any:
    """What a column holds of a trace; else what its `meta` says by that name."""
    return COLUMNS[name](seen) if name in COLUMNS else seen.meta.get(name)


def row(seen: TraceSummary) -> dict[str, Any]:
    """A row of a table."""
    found = {name: read(seen) for name, read in COLUMNS.items()}
    return {**found, **{name: seen.meta.get(name) for name in SAID}}


def messages(seen: TraceSummary) -> dict[str, Any]:
    """A trace as messages: what it was asked, and its thought and answer as an assistant's."""
    texts = {role: seen.texts.get(role, "") for role in ROLES}
    asked = seen.meta.get("messages") or [{"role": "user", "content": texts["prompt"]}]
    said = {"role": "assistant", "reasoning_content": texts["thought"], "content": texts["answer"]}
    about = {"id": seen.id, "model": seen.model, "finish_reason": seen.meta.get("finish", "given")}
    if seen.latents:
        about["latents"] = seen.latents
    return {**about, "messages": [*asked, said]}
