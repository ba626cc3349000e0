"""Normal forms of answers, so that answers that mean the same are the same string."""

from __future__ import annotations

import re
from decimal import Decimal

NUMBER = re.compile(
    r"(?:(?<![A-Za-z0-9_)\]}])[-\u2212])?"  # a minus sign, but not the one of "10-5"
    r"(?<![A-Za-z0-9_])(?<![0-9]\.)"  # neither inside a word nor the tail of "1.2.3"
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<!\.)\.[0-9]+)"
    r"(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?"
)
"""A decimal number: sign, thousands separators, fraction and exponent are optional."""

_TEX_SPACE = re.compile(r"\\(?:[,;:! ]|quad|qquad|left|right|displaystyle)(?![a-zA-Z])|~|\$")
_TEX_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}")


def number_value(text: str) -> str:
    """Normal form of a number that `NUMBER` matched: ASCII minus, no separators, no needless zeros, no exponent."""
    value = Decimal(text.replace(",", "").replace("\u2212", "-"))
    written = format(value, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    written = written.lstrip("+")
    return "0" if written in ("-0", "") else written


def tex_value(text: str) -> str:
    r"""Normal form of a boxed answer: no spacing or sizing commands, `\dfrac` as `\frac`, numbers as `number_value`."""
    value = _TEX_TEXT.sub(r"\1", text)
    value = _TEX_SPACE.sub("", value).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    value = " ".join(value.replace("{,}", ",").split()).rstrip(".")
    return number_value(value) if NUMBER.fullmatch(value) else value
