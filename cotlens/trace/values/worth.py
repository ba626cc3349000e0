"""What written numbers are worth, exactly, and how a worth is written: one way for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from cotlens.trace.values.quantities import clock, date
from cotlens.trace.values.scales import MYRIADS, NAMED, SIGNS, myriads, named

Worth = Decimal | Fraction | str
"""Exact; text where a number is kept as it is written."""

_LONG = 200  # digits of what arithmetic is done on; longer numbers are only written without their separators

HIGH_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
ONE_VULGAR = f"[{''.join(VULGAR)}]"
_ARGUMENT = r"[ ]*+(?:\{[ ]*+(-?[0-9]++(?:(?:,|\{,\}|\.)[0-9]++)*+)[ ]*+\}|([0-9]))"
TEX_FRACTION = rf"\\[dtc]?frac{_ARGUMENT}{_ARGUMENT}"

_HIGH = rf"[⁺⁻]?[{HIGH_DIGITS}]++"
_LOWERED = str.maketrans(HIGH_DIGITS + "⁺⁻", "0123456789+-")
_EXPONENT = r"(?:\{ ?(-?[0-9]{1,3}+) ?\}|\(?(-?[0-9]{1,3}+)\)?)(?![0-9])"
_SHARES = {"half": 2, "third": 3, "quarter": 4}
_BASES = {"x": 16, "o": 8, "b": 2}


def written(worth: Worth, negative: bool = False) -> str:
    """Normal form: ASCII minus, no separators, no needless zeros; a fraction that no decimal can tell as "1/3"."""
    if isinstance(worth, Fraction):
        worth = -worth if negative else worth
        return _as_decimal(worth) or str(worth)
    text = format(worth, "f") if isinstance(worth, Decimal) else worth
    if isinstance(worth, Decimal) and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if not negative or text == "0" else f"-{text}"


def _as_decimal(worth: Fraction) -> str:
    """A fraction as a decimal, "" where it has no end."""
    rest, places = worth.denominator, 0
    while factor := next((factor for factor in (10, 5, 2) if rest % factor == 0), 0):
        rest, places = rest // factor, places + 1
    if rest != 1:
        return ""
    digits = (worth * 10**places).numerator
    return written(Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -places)))


def _plain(text: str) -> Decimal:
    """A number whose commas group and whose point parts."""
    return Decimal(re.sub(r"[^0-9.]", "", text))


def _gapped(text: str) -> Decimal:
    """A number grouped by spaces or apostrophes, whose comma or point parts."""
    parted = re.fullmatch(r"(.*?)(?:(?:[.,]|\{,\})([0-9]+))?", text.replace("\\,", " "), re.DOTALL)
    whole, part = parted.groups() if parted is not None else (text, None)
    return Decimal(re.sub(r"[^0-9]", "", whole) + (f".{part}" if part else ""))


def _pointed(text: str) -> Decimal:
    """A number whose points group and whose comma parts."""
    return _plain(text.replace(".", "").replace("{,}", ".").replace(",", "."))


def _fraction(over: Decimal | None, under: Decimal | None) -> Fraction | None:
    """One number over another, None where that can't be or is too long."""
    if over is None or under is None or not under or _long(over) or _long(under):
        return None
    return Fraction(over) / Fraction(under)


def _long(worth: Decimal) -> bool:
    _, digits, exponent = worth.as_tuple()
    return len(digits) + abs(int(exponent)) > _LONG


def _tex_fraction(text: str) -> Worth:
    found = re.fullmatch(TEX_FRACTION, text)
    worth = None if found is None else _of_arguments(*found.groups())
    return text if worth is None else worth


def _of_arguments(*parts: str | None) -> Fraction | None:
    """The fraction of the four groups of `TEX_FRACTION`."""
    over, over_digit, under, under_digit = parts
    sign = [(part or "").startswith("-") for part in (over, under)]
    made = _fraction(_plain(over or over_digit or ""), _plain(under or under_digit or ""))
    return None if made is None else -made if sign[0] != sign[1] else made


def _recurring(text: str) -> Worth:
    r"""`0.1\overline{6}`."""
    head, tail = text.split("\\", 1)
    whole, part = head.split(".")
    again = re.sub(r"[^0-9]", "", tail)
    if len(text) > _LONG:
        return text
    shown = Fraction(Decimal(f"{whole or 0}.{part or 0}"))
    return shown + Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(part))


def _kept(text: str) -> Worth:
    """A time, ratio, version, tower of powers or what no arithmetic can reach, as it is written."""
    return " ".join(re.sub(r"\s*([:^]|/(?=\s*0\Z))\s*", r"\1", text).replace(".m", "m").lower().split())


def _based(text: str) -> Worth:
    """A number of a program in base 16, 8 or 2."""
    return Decimal(int(text[2:], _BASES[text[1].lower()])) if len(text) <= _LONG else text.lower()


def _bracketed(text: str) -> Worth:
    """The base of a power, in brackets with its sign."""
    return Decimal(re.sub(r"[() ]", "", text))


WORTH: dict[str, Callable[[str], Worth]] = {
    "fraction": _tex_fraction, "date": date, "clock": clock, "based": _based, "base": _bracketed,
    "amid": lambda text: Decimal(re.sub("[^0-9]", ".", text)), "era": str, "kept": _kept, "commas": _plain,
    "gaps": _gapped, "points": _pointed, "dotted": str,
    "recurring": _recurring, "tex_comma": _pointed, "comma": _pointed, "plain": _plain,
    "vulgar": lambda text: Fraction(VULGAR[text]),
}  # fmt: skip
"""What a number is worth, by the way in which it is written."""


def shifted(worth: Decimal | Fraction, places: int) -> Worth | None:
    """A number with so many zeros more."""
    if isinstance(worth, Fraction):
        return worth * Fraction(10) ** places
    sign, digits, exponent = worth.as_tuple()
    return Decimal((sign, digits, int(exponent) + places))


def _raised(worth: Decimal | Fraction, power: int) -> Worth | None:
    if isinstance(worth, Decimal) and (_long(worth) or len(worth.as_tuple().digits) * abs(power) > _LONG):
        return None
    return Fraction(worth) ** power if worth or power > 0 else None


def _mixed(worth: Decimal | Fraction, found: re.Match[str]) -> Worth | None:
    """A whole number with a proper fraction after it."""
    vulgar, over, under, *tex = found.groups()
    part = Fraction(VULGAR[vulgar]) if vulgar else _of_arguments(*tex) if over is None else None
    if over is not None:
        part = _fraction(Decimal(over), Decimal(under))
    whole = isinstance(worth, Decimal) and worth == worth.to_integral_value() and not _long(worth)
    return Fraction(worth) + part if whole and part is not None and 0 < part < 1 else None


def _divided(worth: Decimal | Fraction, found: re.Match[str]) -> Worth | None:
    return _fraction(worth, _plain(found[1])) if isinstance(worth, Decimal) else None


def _power(found: re.Match[str]) -> int:
    return int(next(group for group in found.groups() if group).translate(_LOWERED))


TAILS: tuple[tuple[re.Pattern[str], Callable[[Decimal | Fraction, re.Match[str]], Worth | None]], ...] = (
    (re.compile(r"[eE]([+-]?[0-9]{1,3}+)(?![A-Za-z0-9])"), lambda worth, found: shifted(worth, int(found[1]))),
    (
        re.compile(r"\\(?:text|mathrm)\{ ?[eE](?:([+-])\}|\}([+-]?))([0-9]{1,3}+)(?![0-9])"),
        lambda worth, found: shifted(worth, int(f"{found[1] or found[2] or ''}{found[3]}")),
    ),
    (
        re.compile(rf"[ ]{{0,2}}(?:×|[xX*·⋅]|\\times|\\cdot)[ ]{{0,2}}10(?:[ ]?(?:\^|\*\*)[ ]?{_EXPONENT}|({_HIGH}))"),
        lambda worth, found: shifted(worth, _power(found)),
    ),
    (
        re.compile(rf"[ ]?\^[ ]?{_EXPONENT}|\*\*([0-9]{{1,3}}+)(?![0-9])|({_HIGH})"),
        lambda worth, found: _raised(worth, _power(found)),
    ),
    (
        re.compile(
            rf"(?:[ ~]|\\[,; ])?({ONE_VULGAR})|(?:[ ~]|\\[,; ]| and )([0-9]{{1,4}}+)/([0-9]{{1,4}}+)(?![0-9/])"
            rf"|[ ]?(?:\\[,; ])?{TEX_FRACTION}"
        ),
        _mixed,
    ),
    (re.compile(r"[ ]?/[ ]?([0-9]++(?:,[0-9]{3})*+(?:\.[0-9]++)?+)(?![0-9/^])"), _divided),
    (
        re.compile(r" and (?:a|one) (half|quarter|third)(?![A-Za-z])", re.IGNORECASE),
        lambda worth, found: Fraction(worth) + Fraction(1, _SHARES[found[1].lower()]),
    ),
    (NAMED, lambda worth, found: shifted(worth, named(found))),
    (MYRIADS, myriads),
)
"""What may follow a number on its line and changes its worth, in this order; None where a function leaves it out."""

TAIL = re.compile(
    rf"[A-Za-zа-я\\/^{HIGH_DIGITS}⁺⁻{''.join(VULGAR)}{SIGNS}]|[ ~]?[ ]?[×*·⋅\\^/0-9A-Za-zа-яलक{''.join(VULGAR)}]"
)
"""How any of `TAILS` begins, so that most numbers are done without them."""
