"""What ends a sentence in scripts other than Latin: Unicode's property Sentence_Terminal without its ASCII members."""

from __future__ import annotations

import re
import unicodedata

_RANGES = (
    "589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D5 1803 "
    "1809 1944-1945 1AA8-1AAB 1B4E-1B4F 1B5A-1B5B 1B5E-1B5F 1B7D-1B7F 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2CF9-2CFB 2E2E 2E3C 2E53-2E54 2E60-2E61 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 "
    "AA5D-AA5F AAF0-AAF1 ABEB FE12 FE15-FE16 FE56-FE57 FF01 FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 "
    "11047-11048 110BE-110C1 11141-11143 111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 113D4-113D5 "
    "1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 "
    "11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16D6E-16D6F 16E98 1BC9F 1DA88"
)
STOPS = "\u2024\ufe52\uff0e"
"""Full stops that are decimal points as well."""


def _class(ranges: str) -> str:
    """Ranges of code points in hexadecimal as what stands in the brackets of a regular expression."""
    edges = (one.partition("-") for one in ranges.split())
    return "".join(f"{chr(int(first, 16))}-{chr(int(last or first, 16))}" for first, _, last in edges)


TERMINATORS = _class(_RANGES)
"""All others, as what stands in the brackets of a regular expression."""

_TIBETAN = _class("F0D-F12")  # shads, to which Unicode gives no such property, as they end phrases as well
_GREEK = _class("370-3FF 1F00-1FFF")  # where a semicolon asks
_IDEOGRAPHS = _class("2E80-2FFF 3005-3007 3021-3029 3031-312F 3131-9FFF AC00-D7FF F900-FAFF FF66-FFDC 20000-3FFFF")
_CASELESS = _class("590-FFF 1780-18AF")  # scripts with spaces between words and without capitals
_CLOSERS = ")\\]}" + "".join(
    re.escape(chr(code)) for code in range(0x80, 0xFFFF) if unicodedata.category(chr(code)) in ("Pe", "Pf")
)
_ENDS = re.compile(
    f"(?:[{TERMINATORS}{_TIBETAN}]|(?<=[{_GREEK}])[;\u037e](?=\\s|\\Z)|(?<![0-9\uff10-\uff19])[{STOPS}]|[{STOPS}](?![0-9\uff10-\uff19])"
    f"|(?<=[{_IDEOGRAPHS}])(?:[\u2026\u22ef]+|[.?!](?=[{_IDEOGRAPHS}]))|(?<=[{_CASELESS}])[\u2026\u22ef]+(?=\\s))"
    f"(?:[{TERMINATORS}{STOPS}.?!\u2026\u22ef])*[{_CLOSERS}]*"
)


def cuts(text: str) -> list[int]:
    """Where sentences end that are ended by other than ASCII: behind the terminators and what they close.

    No space is needed behind them. An ellipsis ends a sentence after ideographs, and after letters without capitals
    before a space; so does an ASCII terminator between ideographs. A straight quote belongs to the sentence if an odd
    number of them stands in it.
    """
    if text.isascii():
        return []
    found: list[int] = []
    for match in _ENDS.finditer(text):
        end = match.end()
        for quote in "\"'":
            if text[end : end + 1] == quote and text.count(quote, found[-1] if found else 0, end) % 2:
                end += 1
        found.append(end)
    return found


def width(text: str) -> int:
    """Length of a text in which an ideograph counts as two letters."""
    return len(text) + sum(
        unicodedata.east_asian_width(char) in "WF" and unicodedata.category(char)[0] != "S" for char in text
    )
