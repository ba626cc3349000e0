"""Where a trace's parts lie, in UTF-16 units as browsers count; worked out once per trace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np

from cotlens.trace import Span, Trace
from cotlens.widgets.protocol.shared import Role, RoleSpan, Sentence
from cotlens.widgets.shared.encoding import indices, to_utf16

KEPT = 32


@dataclass(frozen=True)
class TextLayout:
    """What follows from a trace's text and tokens alone.

    Args:
        roles, sentences: as in the view's `document`.
        token_offsets: Uint32 bytes, as the view's trait.
        firsts, lasts: tokens [first, last) of each sentence.
    """

    roles: list[RoleSpan]
    sentences: list[Sentence]
    token_offsets: bytes
    firsts: list[int]
    lasts: list[int]

    def sentence_at(self, token: int) -> int | None:
        """The sentence that a token belongs to."""
        index = bisect_right(self.firsts, token) - 1
        return index if index >= 0 and token < self.lasts[index] else None


@lru_cache(maxsize=KEPT)
def layout(trace: Trace) -> TextLayout:
    """The layout of a trace. Traces of one text and tokens are equal, whatever was measured on them."""
    spans = trace.spans("sentence")
    places = zip(spans, _chars(trace, spans), strict=True)
    return TextLayout(
        roles=[
            _role(trace, role, span, chars)
            for (role, span), chars in zip(trace.roles.items(), _chars(trace, trace.roles.values()), strict=True)
        ],
        sentences=[
            {"start": start, "end": end, "first": span.start, "last": span.end} for span, (start, end) in places
        ],
        token_offsets=indices(to_utf16(trace.text, trace.offsets)),
        firsts=[span.start for span in spans],
        lasts=[span.end for span in spans],
    )


def _role(trace: Trace, role: str, span: Span, chars: tuple[int, int]) -> RoleSpan:
    told: RoleSpan = {"role": cast(Role, role), "start": chars[0], "end": chars[1]}
    return {**told, "tokens": (span.start, span.end)} if len(trace.latents) else told


def _chars(trace: Trace, spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Start and end of each span in UTF-16 units."""
    edges = np.array([(span.char_start, span.char_end) for span in spans], dtype=np.int64).reshape(-1, 2)
    return [(start, end) for start, end in to_utf16(trace.text, edges).tolist()]
