"""Where a quote stands: word for word, else but for spaces, capitals and signs, else something like it, else nowhere.

A judge may misquote, shorten or invent. What is found word for word or normalised counts as found; something alike is
kept as a suggestion only; what is nowhere counts against the judge. A quote of fewer than 24 characters says little
about where it is from, so it needs the number of its sentence, and so does one that stands in several places.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from cotlens.trace import Span, Trace
from cotlens.trace.align import tokens_covering

LEAST = 24
"""Characters from which a quote is enough without the number of its sentence."""
ALIKE = 0.85
"""Similarity from which something is suggested for a quote that stands nowhere."""
_MOST = 2000  # characters of a quote that is looked for
_SIGNS = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "×": "*", "·": "*"}
)
_WORD = re.compile(r"\S+")
_LEAST_SHARED = 0.5  # of a quote's words that a suggestion must hold
_MOST_LIKELY = 32  # places that are compared letter by letter
_AROUND = " \t\n\"'`.…"
NOWHERE = "the text doesn't say this"
TWICE = "the text says this more than once, and the sentence's number doesn't tell which"
SHORT = f"a quote of under {LEAST} characters needs the number of its sentence"
ELSEWHERE = "the sentence of this number doesn't say this"


@dataclass(frozen=True)
class Anchor:
    """Where a quote was found: see `Finding`."""

    span: Span | None
    anchor: str
    similarity: float
    note: str = ""


@dataclass(frozen=True)
class ShownText:
    """What a judge was shown of a trace, as its quotes are looked for in it.

    Args:
        trace: whose text it is.
        regions: half-open stretches of its characters that were shown.
        sentences: of these, in the order in which they were numbered from 1.
    """

    trace: Trace
    regions: tuple[tuple[int, int], ...]
    sentences: tuple[Span, ...]
    _known: dict[str, list[tuple[int, int]]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def folded(self) -> list[tuple[str, list[int]]]:
        """Each region normalised, with the place in the trace's text of every character, and that of its end."""
        found = []
        for start, end in self.regions:
            text, places = _folded(self.trace.text[start:end])
            found.append((text, [start + place for place in places]))
        return found

    def anchor(self, quote: str, sentence: int | None = None) -> Anchor:
        """Where `quote` stands.

        Args:
            sentence: the number that the judge gives for it, from 1; None for none.
        """
        wanted = quote.strip()[:_MOST]
        bare = wanted.strip(_AROUND) or wanted
        missed: Anchor | None = None
        for way, places in (
            ("exact", self._exact(wanted)),
            ("exact", self._exact(bare)),
            ("normalised", self._alike(bare)),
        ):
            found = self._chosen(way, places, bare, sentence) if places else None
            if found is not None and found.span is not None:
                return found
            # Word for word it may stand elsewhere only, and in its sentence with other spaces or signs.
            missed = missed or found
        return missed or self._suggested(bare, sentence)

    def _chosen(self, way: str, places: Sequence[tuple[int, int]], quote: str, sentence: int | None) -> Anchor:
        """The place that is meant: the only one, or the one in the sentence that was named."""
        named = self._sentence(sentence)
        inside = [one for one in places if named is not None and one[0] < named.char_end and one[1] > named.char_start]
        if len(inside) == 1 or (len(inside) > 1 and len(quote) >= LEAST):
            return Anchor(self._span(*inside[0]), way, 1.0)
        if inside:  # a short word that its sentence says twice: the first of them is as good as the other
            return Anchor(self._span(*inside[0]), way, 1.0, "its sentence says this more than once")
        if len(places) == 1 and len(quote) >= LEAST:
            return Anchor(self._span(*places[0]), way, 1.0)
        note = TWICE if len(places) > 1 else ELSEWHERE if named is not None else SHORT
        return Anchor(None, "unlocated", 0.0, note)

    def _suggested(self, quote: str, sentence: int | None) -> Anchor:
        wanted, _ = _folded(quote)
        named = self._sentence(sentence)
        best = Anchor(None, "unlocated", 0.0, NOWHERE)
        if not wanted or (len(wanted) < LEAST and named is None):
            return best
        # The second sequence is what a matcher caches: the quote stays, the places change. `autojunk` would ignore
        # letters that are frequent in long texts.
        matcher = SequenceMatcher(None, autojunk=False)
        matcher.set_seq2(wanted)
        for text, places in self.folded:
            for start in _likely(text, wanted, *_within(places, named)):
                matcher.set_seq1(text[start : start + len(wanted) + len(wanted) // 8])
                ratio = matcher.ratio()
                if ratio >= ALIKE and ratio > best.similarity:
                    blocks = [block for block in matcher.get_matching_blocks() if block.size]
                    first, last = start + blocks[0].a, start + blocks[-1].a + blocks[-1].size - 1
                    best = Anchor(self._span(places[first], places[last] + 1), "fuzzy", ratio, NOWHERE)
        return best

    def _exact(self, quote: str) -> list[tuple[int, int]]:
        return [one for start, end in self.regions for one in _all(self.trace.text, quote, start, end)]

    def _alike(self, quote: str) -> list[tuple[int, int]]:
        wanted, _ = _folded(quote)
        found = []
        for text, places in self.folded:
            found += [(places[start], places[end - 1] + 1) for start, end in _all(text, wanted, 0, len(text))]
        return found

    def _sentence(self, number: int | None) -> Span | None:
        return self.sentences[number - 1] if number is not None and 1 <= number <= len(self.sentences) else None

    def _span(self, start: int, end: int) -> Span:
        return Span(*tokens_covering(self.trace.offsets, start, end), start, end, "quote")


def _folded(text: str) -> tuple[str, list[int]]:
    """A text with one space for any, small letters and plain signs; where each character was, and the end."""
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        # Character by character, since a normal form may have more characters than it came from, and each keeps its
        # place.
        plain = unicodedata.normalize("NFKC", character.translate(_SIGNS)).casefold()
        for one in plain:
            if one.isspace() and (not kept or kept[-1] == " "):
                continue
            kept.append(" " if one.isspace() else one)
            places.append(place)
    while kept and kept[-1] == " ":
        kept.pop(), places.pop()
    return "".join(kept), [*places, places[-1] + 1 if places else 0]


def _all(text: str, wanted: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = text.find(wanted, start, end) if wanted else -1
    while at >= 0:
        found.append((at, at + len(wanted)))
        at = text.find(wanted, at + 1, end)
    return found


def _within(places: Sequence[int], named: Span | None) -> tuple[int, int]:
    """Which characters of a normalised region a sentence has; all of them where none was named."""
    if named is None:
        return 0, len(places) - 1
    return bisect.bisect_left(places, named.char_start), bisect.bisect_left(places, named.char_end, hi=len(places) - 1)


def _likely(text: str, wanted: str, first: int, last: int) -> list[int]:
    """Where in text[first:last] something like `wanted` may begin: the places whose next words share most with it."""
    known, starts = set(wanted.split()), [found.start() for found in _WORD.finditer(text, first, last)]
    shared = [found.group() in known for found in _WORD.finditer(text, first, last)]
    size = len(wanted.split())
    counts = [0, *itertools.accumulate(shared)]
    scored = [(counts[min(at + size, len(starts))] - counts[at], -at) for at in range(len(starts))]
    best = heapq.nlargest(_MOST_LIKELY, (one for one in scored if one[0] >= size * _LEAST_SHARED))
    return [starts[-at] for _, at in best]
