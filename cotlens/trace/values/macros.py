"""TeX's commands that say how a value looks or what stands beside it, not what it is."""

from __future__ import annotations

import re

_BRACED = r"\s*\{([^{}]*)\}"
_MACROS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kept)
    for pattern, kept in (
        (r"(?<!\\)\\\\(?=(?:frac|text|sqrt|boxed|mathrm|cdot|times|pi)(?![a-z]))", r"\\"),  # as JSON has them
        (r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|scriptstyle|limits)(?![A-Za-z])", ""),
        (r"\\(?:tiny|small|normalsize|[lL]arge|LARGE|[hH]uge|bf|it|rm|boldmath|centering)(?![A-Za-z])", ""),
        (rf"\\(?:textcolor|colorbox){_BRACED}{_BRACED}", r"\2"),
        (rf"\\(?:color|tag\*?|label|hspace|vspace|phantom|hphantom){_BRACED}", ""),
        (rf"\\(?:SI|qty){_BRACED}{_BRACED}", r"\1"),
        (rf"\\(?:num|underline|underbrace|ensuremath|ce|mathit|bm|boldsymbol){_BRACED}", r"\1"),
        (r"\\(?:[dtc]|s|nice|flat)frac(?![A-Za-z])", r"\\frac"),
        (r"±|\+/-|\+-(?=\s?[0-9])", r"\\pm "),
    )
)


def plainer(text: str) -> str:
    """`text` without commands of looks, and with one command for each of those that mean the same."""
    for pattern, kept in _MACROS if "\\" in text or "±" in text or "+" in text else ():
        text = pattern.sub(kept, text)
    return text
