"""What an edit changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["truncate", "replace", "delete", "insert"]


@dataclass(frozen=True, slots=True)
class Edit:
    """How a trace differs from its parent.

    An edit that the model finds improbable can move the answer for reasons that have nothing to do with its meaning, so
    every edit carries how surprising the new text is to the model, beside what stood there. Both are NaN until a
    model fills them in.

    Args:
        kind: "truncate", "replace", "delete" or "insert".
        start, end: characters of the parent's text that were taken out (start == end for an insertion).
        old: those characters. For a truncation: the rest of the thought.
        new: the text that stands in their place, "" for none.
        start_token, end_token: tokens of the edited trace that were tokenised anew, half-open: the new text, and what
            was left of a token that the edit cut through.
        surprise: mean nats per token of those tokens, given what stands before them.
        surprise_was: the same for the parent's tokens in that place.
        old_tokens: how many tokens of the parent they replace: `parent.token_ids[start_token:start_token +
            old_tokens]`.
    """

    kind: Kind
    start: int
    end: int
    old: str
    new: str
    start_token: int
    end_token: int
    surprise: float = math.nan
    surprise_was: float = math.nan
    old_tokens: int = 0
