"""What several numbers say together: "3 hours and 20 minutes", "5 feet 11 inches", a date, a time of day.

They are no number, and keep all of themselves in one spelling: "3 h 20 min", "5 ft 11 in", "2024-03-03", "3:00 pm". An
amount of money in two coins is its decimal.
"""

from __future__ import annotations

import re
from decimal import Decimal

_FAMILIES = (  # names of units by their sign, the largest unit first; a name may stand in several families
    {"y": "years year yrs yr y", "mo": "months month mos mo", "wk": "weeks week wks wk", "d": "days day d",
     "h": "hours hour hrs hr h std stunden stunde heures heure horas hora 小时 小時 時間 시간",
     "min": "minutes minute mins min m minuten minutos minuto 分钟 分鐘 分 분",
     "s": "seconds second secs sec s sekunden secondes segundos 秒 초"},
    {"mi": "miles mile mi", "yd": "yards yard yds yd", "ft": "feet foot ft '", "in": "inches inch ins in \" ''"},
    {"km": "kilometers kilometres kilometer kilometre km", "m": "meters metres meter metre m",
     "cm": "centimeters centimetres cm", "mm": "millimeters millimetres mm"},
    {"t": "tons ton tonnes tonne t", "kg": "kilograms kilogram kg", "g": "grams gram g", "mg": "milligrams mg"},
    {"lb": "pounds pound lbs lb", "oz": "ounces ounce oz"},
    {"gal": "gallons gallon gal", "qt": "quarts quart qt", "pt": "pints pint pt", "cup": "cups cup",
     "tbsp": "tablespoons tablespoon tbsp", "tsp": "teaspoons teaspoon tsp"},
    {"l": "liters litres liter litre L l", "ml": "milliliters millilitres mL ml"},
    {"°": "degrees degree deg °", "'": "minutes minute min '", '"': "seconds second sec \" \'\'"},
    {"$": "dollars dollar euros euro pounds pound", "¢": "cents cent pence penny p"},
)  # fmt: skip
_UNITS = [{name: (rank, sign) for rank, (sign, names) in enumerate(family.items()) for name in names.split()}
          for family in _FAMILIES]  # fmt: skip
_MONEY = len(_FAMILIES) - 1

_NAME = "|".join(re.escape(name) for name in sorted({name for family in _UNITS for name in family}, key=len)[::-1])
_GAP = r"(?:[ ~]|\\[,;: ])"
_TEX = r"\\(?:text|mathrm|textrm|mbox)\s?\{"
_UNIT = rf"{_GAP}*+(?:{_TEX}{_GAP}*+)?(\^\s?\{{?\\circ\}}?|{_NAME})(?![A-Za-z])\.?"
_AND = rf"(?:{_GAP}|,|\}}|\b(?:and|und|et|y)\b|{_TEX}|&)*+"
_PIECE = re.compile(rf"([0-9]++(?:[.,][0-9]++)?+){_UNIT}\}}?")
_NEXT = re.compile(rf"{_AND}(?=[0-9])")
_HOURS = re.compile(r"([0-9]{1,2}) ?h ?([0-9]{2})(?![0-9.,])(?: ?min\b)?")

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = "|".join([*_MONTHS, *(rf"{name[:3]}\b\.?" for name in _MONTHS if name != "May"), r"Sept\b\.?"])
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?![0-9])(?:st|nd|rd|th)?"
DATE = rf"""(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,?\ )?(?:{_MONTH})\ {_DAY}(?:,?\ [12][0-9]{{3}}(?![0-9]))?
    | (?:{_MONTH}),?\ [12][0-9]{{3}}(?![0-9])
    | {_DAY}\ (?:of\ )?(?:{_MONTH})(?![a-z])(?:,?\ [12][0-9]{{3}}(?![0-9]))?
    | [0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}(?![0-9-])"""
"""A date, for a verbose expression."""
CLOCK = r"""(?:1[0-2]|0?[0-9])(?:[:.][0-5][0-9]){0,2}+(?:\ |~|\\[ ,;])?(?:\\(?:text|mathrm)\{\ ?)?[AaPp]\.?[Mm]
    (?![A-Za-z0-9])(?:\.?\ ?\})?"""
"""A time of day with am or pm, for a verbose expression."""


def compound(text: str, start: int) -> tuple[str | Decimal, int] | None:
    """The quantity of several units of one family, falling, that begins at `start`: its spelling, and where it ends."""
    hours = _HOURS.match(text, start)
    if hours is not None:
        return f"{int(hours[1])} h {int(hours[2])} min", hours.end()
    found = list[re.Match[str]]()
    piece = _PIECE.match(text, start)
    while piece is not None and _fall([*found, piece]) is not None:
        found.append(piece)
        gap = _NEXT.match(text, piece.end())
        piece = None if gap is None else _PIECE.match(text, gap.end())
    family = _fall(found) if len(found) > 1 else None
    if family is None:
        return None
    signs = [(_plain(one[1]), _UNITS[family][_unit(one)][1]) for one in found]
    end = found[-1].end() - (found[-1].group().endswith("."))
    if family == _MONEY:
        return (Decimal(signs[0][0]) + Decimal(signs[1][0]) / 100).normalize() + 0, end
    return " ".join(f"{digits} {sign}" for digits, sign in signs), end


def _unit(piece: re.Match[str]) -> str:
    return "°" if "circ" in piece[2] else piece[2]


def _fall(pieces: list[re.Match[str]]) -> int | None:
    """The family of units in which those of the pieces fall, None where there is none."""
    for number, family in enumerate(_UNITS):
        ranks = [family.get(_unit(piece), (-1, ""))[0] for piece in pieces]
        if -1 not in ranks and ranks == sorted(set(ranks)):
            return number
    return None


def _plain(digits: str) -> str:
    digits = digits.replace(",", ".")
    return digits.rstrip("0").rstrip(".") if "." in digits else str(int(digits))


def date(text: str) -> str:
    """A date as "2024-03-03", "March 3" or "March 2024"."""
    words = [word for word in re.findall("[A-Za-z]{3,}", text) if not word.endswith("day")]
    numbers = [int(digits) for digits in re.findall("[0-9]+", text)]
    if not words:
        year, month, day = numbers
        return f"{year}-{month:02}-{day:02}"
    month = next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(words[0][:3]))
    days, years = [one for one in numbers if one < 32], [one for one in numbers if one > 31]
    if days and years:
        return f"{years[0]}-{month:02}-{days[0]:02}"
    return f"{_MONTHS[month - 1]} {(days or years)[0]}"


def clock(text: str) -> str:
    """A time of day as "3:00 pm"."""
    hour, *rest = re.findall("[0-9]+", text)
    half = "am" if re.search("[Aa]\\.?[Mm]", text) else "pm"
    return ":".join([str(int(hour)), *(rest or ["00"])]) + f" {half}"
