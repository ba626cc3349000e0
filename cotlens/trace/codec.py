"""The one thing a trace needs from a tokenizer: text to ids, and ids to the bytes they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Codec(Protocol):
    """Tokenising, reduced to two calls; models supply it."""

    def encode(self, text: str) -> list[int]:
        """Ids of `text` as it stands: no special tokens are added, and none are read out of the text."""
        ...

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes each id stands for, one entry per id; special tokens as their literal text."""
        ...
