"""Words and letters that multiply the number before them: "million", "bn", "k", lakh, 万."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from cotlens.trace.values.money import CODES, SIGN

_NAMES = {
    2: "hundred",
    3: "thousand thousands tausend tysięcy тыс тысяч тысячи тысяча mille",
    5: "lakh lakhs lac lacs लाख",
    6: "million millions mln mio millionen millones milhões milhão milioni милн млн миллион миллиона миллионов",
    7: "crore crores करोड़",
    9: "billion billions bn mrd milliard milliards milliarden miliardi миллиард миллиарда миллиардов млрд",
    12: "trillion trillions tn billionen",
}
_ZEROS = {name: zeros for zeros, names in _NAMES.items() for name in names.split()}
_SIGNS = {"k": 3, "K": 3, "M": 6, "m": 6, "B": 9, "b": 9, "T": 12}
SCALING = tuple(_SIGNS)
_MYRIADS = {"百": 2, "千": 3, "천": 3, "万": 4, "萬": 4, "만": 4, "亿": 8, "億": 8, "억": 8, "兆": 12, "조": 12}

SIGNS = "".join(_MYRIADS)

_NAME = "|".join(sorted(_ZEROS, key=len)[::-1])
_SPACE = r"(?:[ ~]|\\[,;:! ])"
_TEX = r"\\(?:text|mathrm|textrm|mbox|operatorname)\s?\{"
NAMED = re.compile(
    rf"(?:{_SPACE}{{1,3}}(?:{_NAME})(?![^\W\d_])\.?){{1,3}}|(?:mln|bn|tn|mio|mrd|млн|млрд)(?![^\W\d_])"
    rf"|{_SPACE}{{0,3}}{_TEX}{_SPACE}*(?:{_NAME})\b[^{{}}0-9]*\}}",
    re.IGNORECASE,
)
_ONE_NAME = re.compile(rf"(?<![^\W\d_])(?:{_NAME})(?![^\W\d_])|(?:mln|bn|tn|mio|mrd)", re.IGNORECASE)
SIGNED = re.compile(r"( ?)([kKMmBbT])(?![A-Za-z0-9^_/²³])(?P<counted> [A-Za-z]{3,})?")
MYRIADS = re.compile(
    rf"((?:[{''.join(_MYRIADS)}](?![克米瓦卡焦分]))+)((?:[0-9]++(?:\.[0-9]+)?[{''.join(_MYRIADS)}]+)*+)([0-9]*+)"
)
_MYRIAD = re.compile(rf"([0-9.]+)([{''.join(_MYRIADS)}]+)")
_MONEY = re.compile(rf"(?:{SIGN}|\b(?:US|{'|'.join(CODES)})|\}}) ?[0-9.,]+\Z")
_REACH = 24  # characters before a sign that may hold a number and its currency


def named(found: re.Match[str]) -> int:
    """By how many zeros " hundred million" multiplies."""
    return sum(_ZEROS[name.lower()] for name in _ONE_NAME.findall(found.group()))


def signed(found: re.Match[str], formula: bool) -> int:
    """By how many zeros "k", "M" and "B" multiply, 0 where they are a unit or a variable.

    Of money any does, a space before it or not. Of else "k", "K" and "M" right behind a number, and in a formula not
    behind a single digit, as "2k" is two times k; "B" and "T" right behind a decimal or before what is counted.
    """
    text, start = found.string, found.start()
    before = text[max(0, start - _REACH) : start]
    if not _MONEY.search(before):
        digits = re.search(r"[0-9.]+\Z", before)
        decimal = digits is not None and "." in digits.group()
        plain = found[2] in "kKM" and (not formula or (digits is not None and len(digits.group()) > 1))
        if found[1] or found[2] in "mb" or not (decimal or found["counted"] or plain):
            return 0
    return _SIGNS[found[2]]


def myriads(worth: Decimal | Fraction, found: re.Match[str]) -> Fraction:
    """What 1亿2000万 is worth, given what its first number is."""
    total = Fraction(worth) * 10 ** _zeros(found[1])
    for digits, signs in _MYRIAD.findall(found[2]):
        total += Fraction(digits) * 10 ** _zeros(signs)
    return total + Fraction(found[3] or 0)


def _zeros(signs: str) -> int:
    return sum(_MYRIADS[sign] for sign in signs)
