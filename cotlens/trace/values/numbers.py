r"""Numbers in running text: where they stand, and what they are worth.

Read are signs, thousands separators of all countries, decimals, exponents, powers, fractions and mixed numbers, plain
and in TeX. Units, percent and currency signs are no part of a number; dates, times, ratios and versions are kept as
they are written. Two conventions where the world disagrees:

- A separator before three digits groups thousands (`1,234`, `1 234`, `1'234`), but a point does so only where it is
  unmistakable (`1.234.567`, `1.234,56`): `9.500` is nine and a half.
- A comma before another count of digits is a decimal comma in prose (`3,14`) and separates elements in mathematics
  (`listed=True`), where only one like that of `0,75` is a decimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from cotlens.trace.values.fold import fold, placed, seen
from cotlens.trace.values.money import SIGN, SIGNS
from cotlens.trace.values.quantities import CLOCK, DATE, compound
from cotlens.trace.values.scales import SCALING, SIGNED
from cotlens.trace.values.scales import signed as scaled
from cotlens.trace.values.signs import joined, signed
from cotlens.trace.values.units import measured
from cotlens.trace.values.worth import ONE_VULGAR, TAIL, TAILS, TEX_FRACTION, WORTH, Worth, shifted, written

_COMMA = r"(?:\{,\}|,\\!|,)"
_GAP = r"(?:\\[ ,;!]|[ ~'_])"
_WRITTEN = {  # ways to write a number, those that begin like others first
    "date": DATE,
    "clock": CLOCK,
    "based": r"0(?:[xX][0-9A-Fa-f]++|[oO][0-7]++|[bB][01]++)(?![0-9A-Za-z])",
    "base": r"\(\ ?[-+]?[0-9]++(?:\.[0-9]++)?\ ?\)(?=\ ?(?:\^|\*\*)|[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹])",
    "amid": rf"[0-9]++[{SIGNS}][0-9]{{2}}(?![0-9])",
    "era": r"[0-9]{1,5}\ (?:BCE?|AD|CE)\b",
    "kept": r"""[0-9]++(?:\.[0-9]++)?[eE][+-]?[0-9]{4,}+ | [12][0-9]{2}0s\b | [0-9]++\ ?/\ ?0(?!\.?[0-9])
        | [0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})(?![0-9/])
        | [0-9]++(?:(?:\ :\ |:)[0-9]++)++(?:\ ?(?i:[ap]\.?m)\b)?
        | [0-9]++(?:\ ?(?:\^|\*\*)\ ?\{?[0-9]++\}?){2,}+""",
    "commas": rf"""[1-9][0-9]?(?:,[0-9]{{2}}(?![0-9]))++,[0-9]{{3}}(?![0-9])(?:\.[0-9]++)?
        | [1-9][0-9]{{0,2}}(?:{_COMMA}[0-9]{{3}}(?![0-9]))++(?:\.[0-9]++)?""",
    "gaps": rf"""[1-9][0-9]{{0,2}}(?P<gap>{_GAP})[0-9]{{3}}(?![0-9])(?:(?P=gap)[0-9]{{3}}(?![0-9]))*+
        (?:(?:[.,]|\{{,\}})[0-9]++)?""",
    "points": r"[1-9][0-9]{0,2}(?:\.[0-9]{3}(?![0-9]))++(?:(?:,|\{,\})[0-9]++|(?<=\.[0-9]{3}\.[0-9]{3}))(?!\.[0-9])",
    "dotted": r"[0-9]++(?:\.[0-9]++){2,}+",
    "recurring": r"[0-9]*+\.[0-9]*+\\(?:overline|bar|dot)\{[0-9]++\}",
    "tex_comma": r"[0-9]++\{,\}[0-9]++",
    "comma": r"[0-9]++,[0-9]++(?!,?[0-9])",
    "plain": r"[0-9]++(?:\.[0-9]++)?+ | (?<!\.)\.[0-9]++",
}
_NUMBER = re.compile(
    rf"""(?<!c\{{)(?<!\}}\{{) (?P<fraction>{TEX_FRACTION})
    | (?<![A-Za-z0-9_])(?<![0-9]\.)  # neither inside a word nor the tail of "1.2.3"
      (?<!\^)(?<!\^[{{(-])(?<!\^\{{-)(?<!\^\ )(?<!_\{{)  # no exponent, no index
      (?<!frac\{{)(?<!\}}\{{)(?<!sqrt[{{[])  # and no part of a fraction or root that is no number
      (?: {" | ".join(f"(?P<{name}>{pattern})" for name, pattern in _WRITTEN.items())} | (?P<vulgar>{ONE_VULGAR}) )
    """,
    re.VERBOSE,
)
_LIST_BEFORE = re.compile(r"(?:[({\[,;]|\b(?:of|are|were|either|both|among|between|values|solutions|roots))\s?\Z", re.I)
_REACH = 24  # characters beside a number that are looked at

_AFTER = re.compile(  # an ordinal, the coefficient of a variable or constant, a base with an unreadable exponent
    r"\^?\{?(?:\\text\{)?(?:st|nd|rd|th)\b|[abcdefijnopqrtuvwxyzXYZ](?![A-Za-z])|\s?(?:\\pi|\\sqrt|\\theta|π|√)|\s?\^"
)
_SIMPLE = ("commas", "comma", "plain")
_LABEL = re.compile(
    r"\b(?:steps?|case|part|fig(?:ure)?|table|eq(?:uation)?|section|question|problem|method|approach)\.?\s*[(#]?\Z|https?://\S*\Z",
    re.I,
)
_POWER = re.compile(
    r"(?:\s?\^|\*\*(?=[0-9A-Za-z({\\-]))(?!\s?\{?\s?(?:\\(?:circ|text|mathrm|prime)|st\b|nd\b|rd\b|th\b|\*))"
)
_VARIABLE = r"(?:(?<![A-Za-z<\/\\])[A-Za-z](?:_\{?\w\}?)?|[|)}]"
_ABOVE = re.compile(
    rf"{_VARIABLE}|[0-9])\s(?:[<>]=?|!=)\s$|{_VARIABLE})(?:[<>]=?|!=)$|(?:[≤≥≠]|\\(?:[lgn]eq?|[lg]t|[lg]eqslant)(?![a-z]))\s*$"
)
_BELOW = re.compile(r"\s?(?:[<>]=?\s|[<>](?=[a-z](?![a-z>]))|[≤≥≠]|\\(?:[lgn]eq?|[lg]t|[lg]eqslant)(?![a-z]))")
_REJECTED = re.compile(
    r"(?:\bnot|n't|\binstead of|\brather than|\bas opposed to|\bout of)[\s*_:]+"
    rf"(?:(?:the|a|an|just|only|of|expected|required|original|usual)\s)*[*_]*{SIGN}?\s?\Z"
    r"|(?<![0-9A-Za-z.,/])[0-9]++ of (?:the )?\Z"  # "15 of 20" is 15
)
_COIN = re.compile(rf"{SIGN} ?\Z")
_ITEM = re.compile(r"\n[ *#>_-]*\Z")


class Numeral(NamedTuple):
    """A number in a text.

    Args:
        start, end: its characters, with its sign and what stands between the two ("-$5").
        text: its normal form.
        beside: it labels or counts something rather than being a result: the "2." of a list, "Step 2", "2nd", "2x".
        bound: it is one side of an inequality: "x > 5".
    """

    start: int
    end: int
    text: str
    beside: bool = False
    bound: bool = False


def numerals(text: str, *, listed: bool = False) -> Iterator[Numeral]:
    """The numbers in `text`, in order.

    Args:
        listed: commas separate elements, as in mathematics, rather than decimals.
    """
    visible, kept = seen(text)
    folded, at = fold(visible), 0
    while (match := _NUMBER.search(folded, at)) is not None:
        worth, at = _read(match, listed)
        start, negative = signed(folded, match.start())
        coin = _COIN.search(folded[max(0, start - 4) : start]) if folded[at - 1] in SCALING else None
        start -= len(coin.group()) if coin is not None else 0  # "$5m" is five million by its dollar
        if not _POWER.match(folded, at):  # the base of a power that can't be read
            yield Numeral(
                *placed(start, at, kept),
                written(worth, negative),
                (match.lastgroup == "date" and not match.group()[:4].isdigit()) or _beside(folded, match.start(), at),
                _bound(folded, start, at),
            )


def last_numeral(text: str) -> Numeral | None:
    """The last number of a text that is no label, count or bound and isn't rejected; else the last label or count."""
    beside = None
    for start, end in _lines_backwards(text):
        for one in reversed(list(numerals(text[start:end]))):
            moved = one._replace(start=one.start + start, end=one.end + start)
            if not (one.beside or one.bound or rejected(text, moved.start)):
                return moved
            beside = beside or (None if one.bound else moved)
    return beside


def rejected(text: str, start: int) -> bool:
    """Whether the number at `start` is named as one that isn't meant: "and not 40", "instead of the 40", "15 of 40"."""
    return _REJECTED.search(text[max(0, start - 2 * _REACH) : start]) is not None


def _lines_backwards(text: str) -> Iterator[tuple[int, int]]:
    """Where lines begin and end, the last first; no number goes over the end of a line."""
    end = len(text)
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        yield start, end
        end = start - 1


def number(text: str, *, listed: bool = False) -> str | None:
    """Normal form of a text that is one number and nothing else; None for any other."""
    text = joined(fold(text.strip()))
    found = next(numerals(text, listed=listed), None)
    return found.text if found is not None and (found.start, found.end) == (0, len(text)) else None


def _read(match: re.Match[str], listed: bool) -> tuple[Worth, int]:
    """What a number is worth with all that follows and belongs to it, and where it ends."""
    text, kind, end = match.string, match.lastgroup or "", match.end()
    whole = compound(text, match.start()) if kind in _SIMPLE else None
    if whole is not None:
        return whole
    if kind == "comma" and _separates(match, listed):
        end = text.index(",", match.start())
        worth: Worth = Decimal(text[match.start() : end])
    else:
        worth = WORTH[kind](match.group())
    for pattern, apply in TAILS if TAIL.match(text, end) else ():
        found = None if isinstance(worth, str) else pattern.match(text, end)
        made = None if found is None or isinstance(worth, str) else apply(worth, found)
        if found is not None and made is not None:
            worth, end = made, found.end()
    letter = None if isinstance(worth, str) else SIGNED.match(text, end)
    if letter is not None and not isinstance(worth, str) and (zeros := scaled(letter, listed)):
        worth, end = shifted(worth, zeros) or worth, letter.end(2)
    return worth, end


def _separates(match: re.Match[str], listed: bool) -> bool:
    """Whether the comma between two runs of digits stands between two numbers."""
    whole, _ = match.group().split(",")
    if listed:
        return whole != "0" and not measured(match.string, match.start(), match.end())
    before = match.string[max(0, match.start() - _REACH) : match.start()]
    return bool(_LIST_BEFORE.search(before)) or match.string[match.end() : match.end() + 1] in tuple(")]}")


def _bound(text: str, start: int, end: int) -> bool:
    return bool(_ABOVE.search(text[max(0, start - _REACH) : start]) or _BELOW.match(text, end))


def _beside(text: str, start: int, end: int) -> bool:
    if _AFTER.match(text, end):
        return True
    before, after = text[max(0, start - _REACH) : start], text[end : end + 4]
    if before.endswith("[") and after.startswith("]"):
        return True  # a reference
    item = _ITEM.search(before if start > _REACH else f"\n{before}") and re.match(r"[.)]\**[ ]+\S", after)
    return bool(item or _LABEL.search(before))
