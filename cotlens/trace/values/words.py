"""Numbers in words: "twenty-one", "two thirds", "three and a half"."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from cotlens.trace.values.worth import written

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = dict(zip(_ONES.split(), range(20), strict=True)) | {ten: 10 * (2 + i) for i, ten in enumerate(_TENS.split())}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
          "ninth": 9, "tenth": 10, "twelfth": 12, "twentieth": 20, "hundredth": 100}  # fmt: skip
_PART = {name: parts for part, parts in _PARTS.items() for name in (part, part + "s")} | {"halves": 2}
_ORDINALS = {name: i for i, name in enumerate((
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth").split())}  # fmt: skip
_KNOWN = "|".join(
    sorted([*_NUMBERS, *_SCALES, *_PART, "hundred", "dozen", "point", "and", "an", "a", "minus", "negative"], key=len)[
        ::-1
    ]
)
WORDS = re.compile(rf"\b(?:{_KNOWN})\b(?:[ -](?:{_KNOWN})\b){{0,15}}+", re.IGNORECASE)
"""A run of words that may be a number."""


def number_words(text: str) -> str | None:
    """Normal form of a number in words and nothing else; None for any other text."""
    words = text.lower().replace("-", " ").split()
    if words[:1] == ["the"] and words[-1] in _ORDINALS:
        words = words[1:]
    if not words or len(words) > 16:
        return None
    if words[-1] in _ORDINALS and (len(words) == 1 or (len(words) == 2 and words[0] in _TENS.split())):
        return str(sum(_NUMBERS[word] for word in words[:-1]) + _ORDINALS[words[-1]])
    if words[-1] == "dozen" and words[:-1] in ([], ["a"], ["one"]):
        return "12"
    if "point" in words:
        return _pointed(words)
    negative = words[0] in ("minus", "negative")
    worth = _worth(words[negative:])
    if worth is None:
        return None
    exact = Decimal(worth.numerator) if worth.denominator == 1 else worth
    return written(exact, negative)


def _pointed(words: list[str]) -> str | None:
    """ "three point one four"."""
    at = words.index("point")
    whole, digits = _whole(words[:at]) if at else 0, [_NUMBERS.get(word, 10) for word in words[at + 1 :]]
    if whole is None or not digits or max(digits) > 9:
        return None
    return written(Decimal(f"{whole}.{''.join(map(str, digits))}"))


def _worth(words: list[str]) -> Fraction | None:
    if not words or words[-1] in ("and", "a", "an"):
        return None
    if words[-1] in _SCALES and not _PART.keys().isdisjoint(words):  # "half a million"
        times = _worth(words[: -2 if words[-2] == "a" else -1])
        return None if times is None else times * _SCALES[words[-1]]
    if words[-1] not in _PART:
        whole = _whole(words)
        return None if whole is None else Fraction(whole)
    cut = max((i for i, word in enumerate(words) if word == "and"), default=-1)
    before, over = words[: max(cut, 0)], words[cut + 1 : -1]
    first = _whole(before) if before else 0
    count = 1 if over in ([], ["a"], ["an"]) else _whole(over)
    return None if first is None or not count else first + Fraction(count, _PART[words[-1]])


def _whole(words: list[str]) -> int | None:
    """A whole number; None for words that are none, such as "one two"."""
    total = group = 0
    last = 10**12
    for i, word in enumerate(words):
        value = 1 if word in ("a", "an") and i == 0 and len(words) > 1 else _NUMBERS.get(word)
        if word == "and" and 0 < i < len(words) - 1 and words[i - 1] in ("hundred", *_SCALES):
            continue
        if value is not None and (last >= 100 or (last in range(20, 100) and last % 10 == 0 and 0 < value < 10)):
            group, last = group + value, value if value or len(words) == 1 else 1
        elif word == "hundred" and 0 < group < 100:
            group, last = group * 100, 100
        elif word in _SCALES and 0 < group < 1000:
            total, group, last = total + group * _SCALES[word], 0, _SCALES[word]
        else:
            return None
    return total + group
