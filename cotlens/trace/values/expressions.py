"""Formulas that mean the same as the same string, by math-verify; what it can't or shouldn't be asked stays text.

Text of a model may be hostile (`9^{9^9}`, a thousand brackets), and a timeout needs the main thread, so what is passed
on is bounded beforehand: by length, nesting, powers, and a list of commands that are cheap to evaluate.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import comb, prod
from threading import Lock
from typing import Any

_LONGEST = 120  # characters of a formula that is looked into
_DEEPEST = 6
_ROOTS = 3  # more of them aren't cleared from denominators: that takes seconds
_TERMS = 40  # as many a product of sums may have to be multiplied out

_COMMANDS = frozenset(
    "frac sqrt pi cdot times div sin cos tan cot sec csc arcsin arccos arctan ln log exp theta alpha beta gamma delta "
    "epsilon lambda mu rho sigma tau phi omega infty".split()
)
_TOKEN = re.compile(r"\\([A-Za-z]+)|[a-z]{1,3}(?![A-Za-z])|[0-9.+\-*/^_(){}\[\] ]")
_POWER = re.compile(r"\^\s*(?:\{([^{}^]{1,12})\}|([0-9A-Za-z]))")
_TOWER = re.compile(r"\^\s*(?:\{[^{}]*\}|[^{}\s])\s*\^")
_POWERS = 4
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SPELLED = (
    (re.compile(r"√\s*([0-9A-Za-z]|\([^()]*\))"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\A-Za-z])sqrt\s*\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\A-Za-z])(pi|sin|cos|tan|ln|log|theta)(?![A-Za-z])"), r"\\\1 "),
    (re.compile("π"), r"\\pi "),
    (re.compile(r"\*\*"), "^"),
    (re.compile("[·⋅×]"), r"\\cdot "),
)
_SYMBOL = re.compile(r"[+-]? ?(?:\\[A-Za-z]+|[A-Za-z])")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")
_SPACE = re.compile(r"(\\[A-Za-z]+)?\s+(?=(.))")
_lock = Lock()  # the parser keeps state


def squeezed(text: str) -> str:
    """A formula without the spaces that mean nothing; words stay apart."""
    if _WORD.search(text):
        return " ".join(text.split())
    return _SPACE.sub(lambda found: (found[1] or "") + (" " if found[1] and found[2].isalpha() else ""), text.strip())


def formula(text: str) -> str | None:
    """Normal form of a formula in TeX, None where it isn't one that can be looked into."""
    for pattern, tex in _SPELLED:
        text = pattern.sub(tex, text)
    text = " ".join(text.split())
    if _SYMBOL.fullmatch(text):
        return text.replace(" ", "")
    return _canonical(text) if _cheap(text) else None


def _cheap(text: str) -> bool:
    """Whether a text is made of known commands, short and flat, and none of its powers is large.

    Capitals aren't passed on, since math-verify takes them for small letters.
    """
    if (
        len(text) > _LONGEST
        or re.search(r"\A\{|[0-9]_|(?<![A-Za-z\\])[A-Za-z][0-9]", text)
        or not re.search(r"[A-Za-z0-9}][^A-Za-z0-9]*[A-Za-z0-9\\]", text)
    ):
        return False
    tokens = list(_TOKEN.finditer(text))
    if sum(len(token.group()) for token in tokens) != len(text) or any(
        token[1] and token[1] not in _COMMANDS for token in tokens
    ):
        return False
    depth = deepest = 0
    for character in text:
        depth += (character in "({[") - (character in ")}]")
        deepest = max(deepest, depth)
        if depth < 0:
            return False
    powers = _POWER.findall(text)
    small = all(len(number) <= 2 for power in powers for number in re.findall("[0-9]+", "".join(power)))
    flat = len(powers) == text.count("^") <= _POWERS and _TOWER.search(text) is None
    return depth == 0 and deepest <= _DEEPEST and small and flat and _short(text)


def _short(text: str) -> bool:
    most = 6 if "^" in text else 15
    return all(len(number.group()) <= most for number in _NUMBER.finditer(text))


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    """The formula as it is printed after it was read, where that reads as itself."""
    try:
        once = _printed(text)
        return once if once is not None and _printed(once) == once else None
    except Exception:  # the parser's and sympy's own errors are of many kinds, and all mean that it can't be read
        return None


def _printed(text: str) -> str | None:
    value = _parsed(text)
    return None if value is None else _print(value)


def _parsed(text: str) -> Any:
    """The expression, with decimals as the fractions that they are; None where the text means anything else."""
    import math_verify
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import parser
    from sympy import Expr

    exact = _NUMBER.sub(lambda found: _exact(found.group()), text)
    config = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none", equations=False
    )
    with _lock:
        parser.TIMEOUT_WARNING_SHOWN = True  # no timeout is wanted: it would need the main thread
        found = math_verify.parse(
            f"${exact}$",
            [math_verify.LatexExtractionConfig(boxed_match_priority=-1, normalization_config=config)],
            fallback_mode="no_fallback",
            parsing_timeout=None,
        )
    return found[0] if len(found) == 1 and isinstance(found[0], Expr) else None


def _exact(number: str) -> str:
    whole, point, part = number.partition(".")
    return rf"\frac{{{whole}{part}}}{{1{'0' * len(part)}}}" if point else number


def _print(value: Any) -> str:
    import sympy

    value = value.doit()
    if not value.free_symbols and str(value).count("sqrt") <= _ROOTS:
        value = sympy.radsimp(value)
    if _terms(value) <= _TERMS:
        value = sympy.expand(value)
    return squeezed(str(sympy.latex(value)))


def _terms(value: Any) -> int:
    """How many terms an expression has, at most, when its products are multiplied out."""
    if value.is_Pow and value.exp.is_Integer:
        base, power = _terms(value.base), abs(int(value.exp))
        return comb(base + power - 1, power) if base > 1 else 1
    counts = [_terms(part) for part in value.args]
    return sum(counts) if value.is_Add else prod(counts) if value.is_Mul else 1
