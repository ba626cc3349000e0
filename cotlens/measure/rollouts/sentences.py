"""What a sentence says, as a vector: its words, its numbers and signs, and which word follows which, hashed.

The hashing trick (Weinberger et al. 2009, arXiv 0902.2206). It knows no synonyms; of one model's rollouts of one
prompt, which repeat each other's words, it needs none.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDTH = 256
NUMBER, PAIR = 2.0, 0.5
"""What a number weighs, and two words in a row; a word weighs 1. Sums differ by their numbers."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[-+*/=×÷<>^]")


def vectors(texts: Sequence[str]) -> Floats:
    """Vectors of length 1 [n, WIDTH], of length 0 for a text without any word, number or sign."""
    made = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in zip(made, texts, strict=True):
        words = _WORD.findall(text.casefold())
        for word in words:
            _add(row, word, NUMBER if word[0].isdigit() else 1.0)
        for first, second in itertools.pairwise(words):
            _add(row, f"{first} {second}", PAIR)
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)


def _add(row: Floats, word: str, weight: float) -> None:
    # Half of the words count downwards: two that fall on one place cancel as often as they add.
    code = zlib.crc32(word.encode("utf-8", "surrogatepass"))
    row[code % WIDTH] += weight if code & 0x1000 else -weight
