"""What a trace is made of, and what can be read off it. Functions on traces take records; `Trace` adds its verbs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens._core.frozen import FrozenDict, frozen_array
from cotlens._core.text import without_halves
from cotlens.trace.align import char_offsets, is_utf8
from cotlens.trace.answers import Answer, AnswerReader
from cotlens.trace.check import check_measured, check_offsets, check_role, check_roles, edges_of, role_spans
from cotlens.trace.codec import Codec
from cotlens.trace.edit import Edit
from cotlens.trace.latents import check_latents, told, unit_spans
from cotlens.trace.parts.part import Part, check_parts, of_roles, thoughts
from cotlens.trace.spans import Span, text_spans, token_spans
from cotlens.trace.splitting.splitters import check_unit, split

NOT_UTF8 = "Some bytes of the tokens are not UTF-8; they are shown as \N{REPLACEMENT CHARACTER}."


EDITED = ("kind", "start", "end", "old", "new")
"""What of an edit counts for the id of a trace."""


def digest(
    ids: bytes,
    text: bytes,
    roles: Mapping[str, Sequence[int]],
    edit: tuple[Any, ...] | None,
    parent: str | None,
    latents: bytes = b"",
) -> str:
    """The id of a trace, of its token ids (int64, little-endian), its text (UTF-8) and what its roles and edit are.

    Args:
        latents: what `latents.told` makes of them.
    """
    found = hashlib.sha256(ids)
    found.update(text)
    found.update(latents)
    ranges = sorted((role, *edges) for role, edges in roles.items())
    found.update(repr((ranges, edit, parent)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]


@dataclass(frozen=True, eq=False, repr=False)
class TraceRecord:
    """The parts of a trace, each in the form that everything else relies on; they are described at `Trace`.

    Raises:
        InputError: the parts don't fit together.
    """

    token_ids: tuple[int, ...]
    text: str
    offsets: NDArray[np.int64]
    roles: dict[str, Span]
    logprobs: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    top_ids: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))
    top_logprobs: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    top_pieces: tuple[tuple[str, ...], ...] = ()
    parent: Self | None = None
    edit: Edit | None = None
    rewritten_from: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    reader: AnswerReader | None = None
    codec: Codec | None = None
    given_parts: tuple[Part, ...] = ()
    focus_order: int | None = None
    origin: Any = None
    latents: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    latent_tokens: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        def keep(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        keep("token_ids", tuple(map(int, self.token_ids)))
        keep("text", without_halves(self.text))
        keep("offsets", frozen_array(self.offsets, np.int64))
        keep("roles", FrozenDict(self.roles))
        keep("meta", FrozenDict(self.meta))
        count = len(self.token_ids)
        keep("logprobs", frozen_array(self.logprobs if len(self.logprobs) else np.full(count, np.nan), np.float32))
        keep("top_ids", frozen_array(self.top_ids if len(self.top_ids) else np.empty((count, 0)), np.int32))
        top_logprobs = self.top_logprobs if len(self.top_logprobs) else np.empty((count, 0))
        keep("top_logprobs", frozen_array(top_logprobs, np.float32))
        keep("top_pieces", tuple(map(tuple, self.top_pieces)) if self.top_pieces else ((),) * count)
        check_offsets(self.offsets, count, len(self.text))
        check_roles(self.roles, self.offsets)
        check_measured(count, self.logprobs, self.top_ids, self.top_logprobs, self.top_pieces)
        if self.rewritten_from is not None and not 0 <= self.rewritten_from <= count:
            raise InputError(f"A trace of {count} tokens can't be rewritten from token {self.rewritten_from}.")
        keep("latents", frozen_array(self.latents, np.float32))
        keep("latent_tokens", frozen_array(self.latent_tokens, np.int64))
        check_latents(self.token_ids, self.offsets, self.latent_tokens, self.latents)
        keep("given_parts", tuple(self.given_parts))
        check_parts(self.given_parts, count, len(self.text))

    @classmethod
    def build(
        cls,
        token_ids: Sequence[int],
        pieces: Sequence[bytes],
        role_tokens: Mapping[str, Sequence[int] | Span],
        **parts: Any,
    ) -> Self:
        """A trace from tokens and the bytes they stand for.

        Bytes that are not UTF-8 become U+FFFD, and `meta["notes"]` says so.

        Args:
            token_ids: n ids.
            pieces: n byte strings, as `Codec.pieces` gives them.
            role_tokens: half-open token range of each role that the trace has, or its Span where its characters begin
                or end within a token.
            parts: any other field of a trace.

        Raises:
            InputError: the parts don't fit together.
        """
        if len(pieces) != len(token_ids):
            raise InputError(f"{len(token_ids)} tokens need {len(token_ids)} pieces; {len(pieces)} were given.")
        text, offsets = char_offsets(pieces)
        meta = dict(parts.pop("meta", {}))
        notes = [note for note in meta.get("notes", ()) if note != NOT_UTF8]
        if not is_utf8(pieces):
            notes.append(NOT_UTF8)
        if notes or "notes" in meta:
            meta["notes"] = notes
        return cls(tuple(token_ids), text, offsets, role_spans(role_tokens, offsets), meta=meta, **parts)

    @property
    def prompt(self) -> str:
        """Text of the prompt, "" if the trace has none."""
        return self.role_text("prompt")

    @property
    def thought(self) -> str:
        """Text of the thought without its markers, "" if the trace has none."""
        return self.role_text("thought")

    @property
    def answer(self) -> str:
        """Text after the thought, "" if the trace has none."""
        return self.role_text("answer")

    def role_text(self, role: str) -> str:
        """Text of one role, "" if the trace hasn't got it."""
        check_role(role)
        span = self.roles.get(role)
        return "" if span is None else self.text[span.char_start : span.char_end]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What the trace is of, in order: turns of system, user and tools, thoughts and answers."""
        return self.given_parts or of_roles(self.roles, self.text)

    @property
    def thoughts(self) -> list[Part]:
        """The parts that are thoughts; `focus(k)` makes the k-th of them the one that is looked at."""
        return thoughts(self.parts)

    @property
    def status(self) -> str:
        """How the thought in focus came: "verbatim", or why nothing can be measured on it (see `Part`)."""
        return "verbatim" if self.focus_order is None else self.given_parts[self.focus_order].status

    @property
    def tokens(self) -> list[str]:
        """Text of each token; a token that holds only a part of a character is "" (see `offsets`)."""
        edges = self.offsets.tolist()
        return [self.text[start:end] for start, end in pairwise(edges)]

    @cached_property
    def id(self) -> str:
        """16 hex digits for the tokens, text, roles, edit and parents of this trace; measurements don't count."""
        for ancestor in self.path()[:-1]:
            _ = ancestor.id  # oldest first, so that long chains don't recurse deeply
        ids, text = np.asarray(self.token_ids, "<i8").tobytes(), self.text.encode("utf-8", "surrogatepass")
        edit = None if self.edit is None else tuple(getattr(self.edit, name) for name in EDITED)
        roles = {role: edges_of(span, self.offsets) for role, span in self.roles.items()}
        latents = told(self.latent_tokens, self.latents)
        return digest(ids, text, roles, edit, None if self.parent is None else self.parent.id, latents)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, TraceRecord) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self  # nothing in it can change, and its codec may be large

    @property
    def resume_at(self) -> int:
        """Index of the token from which a model goes on.

        That is just after the new text of an edit that no model has gone on from yet, otherwise the end.
        """
        if self.edit is not None and self.awaits_rerun:
            return self.edit.end_token
        return len(self.token_ids)

    @property
    def awaits_rerun(self) -> bool:
        """Whether the thought was edited and no model has gone on from the edit.

        Whatever follows the edit, the answer included, is then that of the text before it.
        """
        return self.edit is not None and self.rewritten_from is None

    def path(self) -> list[Self]:
        """The traces from the root of the tree to this one."""
        steps: list[Self] = []
        step: Self | None = self
        while step is not None:
            steps.append(step)
            step = step.parent
        return steps[::-1]

    def read_answer(self) -> Answer | None:
        """The answer that the trace's reader finds, placed in `trace.answer`; None without a reader or an answer.

        Of an edit that was not rerun (`awaits_rerun`) it is the answer of the text before the edit. Where the text was
        cut off (`meta["finish"]`), a value that reaches its end is none: it might have gone on.
        """
        if self.reader is None or "answer" not in self.roles:
            return None
        return self.reader.read(self.answer, finished=self.finished)

    @property
    def finished(self) -> bool:
        """Whether the text ended by itself or was given so, rather than cut off by a limit, a cancel or an error."""
        return self.meta.get("finish", "given") in ("stop", "given")

    def spans(self, unit: str, role: str = "thought") -> list[Span]:
        """The role cut into units: "token", "sentence", "paragraph" or "step" (a line).

        No token is in two spans of a unit. A span's characters leave out the whitespace around it; its tokens are
        those whose first character that isn't whitespace lies in it, and tokens of whitespace after it. Whitespace
        before the first span is in none. Sentences are those of Thought Anchors (see `trace.splitting`). A latent is a
        span of its own, of the unit "latent", between sentences, paragraphs or steps.

        Raises:
            InputError: there is no such unit or role.
        """
        check_unit(unit)
        check_role(role)
        whole = self.roles.get(role)
        if whole is None:
            return []
        if unit == "token":
            return token_spans(self.offsets, whole.start, whole.end)
        if len(self.latent_tokens):
            return unit_spans(self, whole, unit)
        shift = whole.char_start
        pieces = [(start + shift, end + shift) for start, end in split(self.role_text(role), unit)]
        return text_spans(self.offsets, whole.start, whole.end, pieces, unit)
