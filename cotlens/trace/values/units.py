r"""What may stand beside a number without changing it: currency, percent, degrees and units, in plain text and TeX."""

from __future__ import annotations

import re

from cotlens.trace.values.money import ANY, CODES, SIGN, SIGNS

_APART = r"(?:\s|\\[,;:! ]|~|\\quad)"
_POWER = r"(?:\s?\^\s?\{?-?[0-9]\}?|[²³])?"
_OTHER = (
    r"(?!(?:and|or|to|if|when|where|for|with|but|not|out|is|are|was|times|plus|minus|"
    r"pi|sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|mod)\b)"
)
_SYMBOLS = (
    "mm cm dm km nm m mg kg ml mL cl dl ft in yd mi lb lbs oz hr hrs ms mph kph Hz kHz MHz GHz kW MW kWh kJ MJ Pa kPa "
    "MPa mol rad deg min sec GB MB KB TB kB"
)
_SYMBOL = "|".join(sorted([*_SYMBOLS.split(), *CODES], key=len)[::-1])
_UNIT = re.compile(
    rf"""{_APART}*+(?: \\?% | (?<=[0-9])\^?\{{?(?:\\text\{{)?(?:st|nd|rd|th)(?![A-Za-z])\}}*
      | per\s?cent\b | \^\s?\{{?\\circ\}}?\s?[CFK]? | °\s?[CFK]? | \\degree | {SIGN}
      | \\(?:mu\s?\\)?(?:text|mathrm|textrm|mbox|operatorname)\s*\{{{_APART}*+{_OTHER}[^{{}}0-9]*\}}{_POWER}
      | \\mu\s?[mgsLAFVW](?![A-Za-z]) | \\Omega
      | (?:{_SYMBOL})(?![A-Za-z]){_POWER} | {_OTHER}[^\W\d_]{{4,}}{_POWER}
      | (?![不或和与及到至])[\u4e00-\u9fff\uac00-\ud7a3]{{1,4}}
      | (?<=[\s~,;:!]){_OTHER}(?:[^\W\d_]{{3,}}|[^\W\d_A-Za-z]{{1,2}}|[mgshlLNJWVKA](?![A-Za-z])){_POWER}
      | (?<=[A-Za-z0-9²³}}])\s?[/·]\s?(?=[A-Za-z\\]) (?:[a-z](?![A-Za-z]){_POWER})?
      | [.]\Z )""",
    re.VERBOSE,
)
_BEFORE = re.compile(
    rf"(?:(?:~|≈|\\approx|\\sim|approximately|about|around|exactly|only)\s*)?"
    rf"(?:(?:\\(?:text|mathrm)\s?\{{\s*)?{ANY}\s*\}}?)?\s*"
)
_MONEY = re.compile(rf"(?:[{SIGNS}]|\\\$|(?<!\A)\$)\s?\Z")


def measured(text: str, start: int, end: int) -> bool:
    """Whether the number at `start` to `end` has a currency or unit, so that its comma is a decimal one."""
    unit = _UNIT.match(text, end)
    return bool(_MONEY.search(text[:start])) or (unit is not None and unit.group().strip() not in ("$", "."))


def beside(text: str, start: int, end: int) -> bool:
    """Whether `text` holds nothing but currency and units beside the number at `start` to `end`."""
    if not _BEFORE.fullmatch(text, 0, start):
        return False
    while end < len(text):
        unit = _UNIT.match(text, end)
        if unit is None:
            return False
        end = unit.end()
    return True
