r"""Normal forms of values, so that answers that mean the same are the same string.

A number is its worth without unit, percent or currency ("$9{,}500$", "9 500 dollars" and "9500" are one); an equation
with a lone left side is its right side; lists and sets are sorted, pairs and intervals are not; words are lower-case;
formulas are compared by math-verify (`cotlens.trace.values.expressions`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from cotlens.trace.values.arithmetic import computed
from cotlens.trace.values.expressions import formula, squeezed
from cotlens.trace.values.fold import fold, seen
from cotlens.trace.values.macros import plainer
from cotlens.trace.values.numbers import number, numerals
from cotlens.trace.values.relations import NAME, relation, told_side
from cotlens.trace.values.signs import joined
from cotlens.trace.values.units import beside
from cotlens.trace.values.words import WORDS, number_words

_LONGEST = 300  # characters of a value that is looked into; what is longer is compared as it stands
_DEEPEST = 5

_AROUND = re.compile(r"\A(?:\s|\$|\*\*|`|\\[(\[])++|(?:\s|\$|\*\*|`|(?<!\\)\\[)\]]|(?<!\\)[.;:]|(?<!\\),|\\\\)++\Z")
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname|boxed|fbox|emph)\s*\{([^{}]*)\}"
)
_SPACE = re.compile(r"\\(?:[,;:!\s]|quad|qquad|thinspace)|~|\s+")
_REST = re.compile(r"\\?\$|\\(?=[%#&])")
_MATRIX = re.compile(
    r"\\begin\s?\{[pbB]?(?:matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\s?\{[pbB]?(?:matrix|array)\}", re.DOTALL
)
_LEFT_SIDE = re.compile(rf"({NAME})\s*(?:=|\\in(?![a-z])|≈|\\approx)\s*(?=[^=\s])")
_INITIALS = re.compile(r"(?:the )?([A-Z](?:\.\s?[A-Z])+)\.?")
_LETTER = re.compile(r"[(\[]\s*([A-Za-z])\s*[)\]](?:\s+(?!(?:and|or)\b)[\w\\\"'$].*)?|([A-Z])[.)](?:\s+\S.*)?")
_WORDS = re.compile(r"[^\W\d_][^\W\d_'.&-]+(?:[ -][^\W\d_][\w'.&-]*)*|[^\W\d_]+(?: [^\W\d_][\w'.&-]*)+")
_POINTS = re.compile(r"(?<=[A-Za-z])\.(?=\s[^\W\d_])|(?<=\b[A-Z])\.(?=[A-Z]\b)")  # of abbreviations
_ARTICLE = re.compile(r"(?:the|a|an) (?=\w)")
_RANGE = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)(?:\s?\\?%)?\s?(?:[-–]|\bto\b|\\text\s?\{\s?to\s?\})\s?([0-9]+(?:\.[0-9]+)?)"
)
# What a reader of formulas would add or multiply up: "3 4", "5 -- 7", "5 to 7", "1 out of 5".
_NO_FORMULA = re.compile(r"[0-9]\s+[0-9]|[0-9]\s*(?:--+|to|out of|of|vs\.?)\s*[0-9]")
_CONNECTOR = re.compile(r"\s*(?:\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b|;)\s*")
_COMMA = re.compile(r"\s*,\s*")
_PAIRS = {"(": ")]", "[": ")]", "{": "}"}


@lru_cache(maxsize=16_384)
def normal_form(surface: str) -> str:
    """The normal form of a value in plain text or TeX."""
    surface, _ = seen(surface)
    plain = number(surface, listed=True)
    if plain is not None:
        return plain
    return _value(joined(fold(surface.strip())), 0) if len(surface) <= _LONGEST else " ".join(surface.split())


def _value(text: str, depth: int) -> str:
    text = _AROUND.sub("", plainer(_AROUND.sub("", text)))
    if depth > _DEEPEST:
        return squeezed(text)
    found = (
        _measured(text)
        or _range(text)
        or _matrix(text, depth)
        or number_words(text)
        or _counted(text)
        or _letter(text)
        or _initials(text)
        or _listed(text, depth)
        or relation(text, lambda side: _value(side, depth + 1))
    )
    if found is not None:
        return found
    unwrapped = " ".join(_REST.sub("", _SPACE.sub(" ", _TEXT.sub(r" \1 ", text))).split())
    if unwrapped != text:
        return _value(unwrapped, depth + 1)
    left = _LEFT_SIDE.match(text)
    side = told_side(text, 0, len(text))
    if side is not None:
        return _value(text[slice(*side)], depth + 1)
    if left is not None and "," not in text:
        return _value(text[max(left.end(), text.rfind("=") + 1) :], depth + 1)
    if left is not None and text.count("=") <= 1:
        return _value(text[left.end() :], depth + 1)
    return _words(text) or _formula(text)


def _measured(text: str) -> str | None:
    """A number, with currency or unit."""
    first = next(numerals(text, listed=True), None)
    return first.text if first is not None and beside(text, first.start, first.end) else None


def _counted(text: str) -> str | None:
    """A number in words, with its unit."""
    words = WORDS.match(text)
    if words is None or WORDS.search(text, words.end()) or not beside(text, 0, words.end()):
        return None
    return number_words(words.group())


def _range(text: str) -> str | None:
    """What lies between a smaller number and a larger: "10–12"."""
    found = _RANGE.match(text)
    if found is None or float(found[1]) >= float(found[2]) or not beside(text[found.start(2) :], 0, len(found[2])):
        return None
    return f"{found[1]}-{found[2]}"


def _initials(text: str) -> str | None:
    """Letters with points as the word that they are: "U.S.A."."""
    found = _INITIALS.fullmatch(text)
    return None if found is None else re.sub("[^A-Za-z]", "", found[1]).lower()


def _matrix(text: str, depth: int) -> str | None:
    found = _MATRIX.fullmatch(text)
    if found is None:
        return None
    rows = [[_value(cell, depth + 1) for cell in row.split("&")] for row in found[1].strip(" \\").split("\\\\")]
    return "\\begin{matrix}" + " \\\\ ".join(" & ".join(row) for row in rows) + "\\end{matrix}"


def _letter(text: str) -> str | None:
    """The option that "(B)" or "B) 15 apples" chooses."""
    found = _LETTER.fullmatch(text)
    return None if found is None else found[1] or found[2]


def _listed(text: str, depth: int) -> str | None:
    """A list, set, pair or interval, its elements in normal form; one thing in round brackets is that thing."""
    left, inside, right = _brackets(text)
    parts = _parts(inside, bool(left))
    if left == "\\{" or (left == "{" and len(parts) > 1):
        return "\\{" + _sorted(list(dict.fromkeys(_value(part, depth + 1) for part in parts))) + "\\}"
    if len(parts) > 1:
        if left:
            return f"{left}{', '.join(_value(part, depth + 1) for part in parts)}{right}"
        return _sorted(_named(parts, depth) or [_value(part, depth + 1) for part in parts])
    return _value(inside, depth + 1) if (left, right) in (("(", ")"), ("{", "}")) else None


def _sorted(values: list[str]) -> str:
    return ", ".join(sorted(filter(None, values), key=lambda one: (len(one.lstrip("-")), one)))


def _named(parts: list[str], depth: int) -> list[str] | None:
    """What is said of several variables, each with its name: "x=3, y=4"; None for a list of values of one."""
    sides = [_LEFT_SIDE.match(part.strip()) for part in parts]
    names = [side[1] for side in sides if side is not None]
    if len(names) < len(parts) or len(set(names)) < 2:
        return None
    return [f"{side[1]}={_value(side.string[side.end() :], depth + 1)}" for side in sides if side is not None]


def _brackets(text: str) -> tuple[str, str, str]:
    """Opening bracket, content and closing bracket of a text that one pair encloses; no brackets for any other."""
    left = next((one for one in ("\\{", "(", "[", "{") if text.startswith(one)), "")
    right = "\\}" if left == "\\{" else text[-1:]
    if not left or not text.endswith(right) or (left != "\\{" and right not in _PAIRS[left]):
        return "", text, ""
    inside = text[len(left) : len(text) - len(right)]
    return (left, inside, right) if _closed(inside) else ("", text, "")


def _closed(text: str) -> bool:
    """Whether no bracket closes that wasn't opened."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return False
    return depth == 0


def _parts(text: str, bracketed: bool) -> list[str]:
    """A text cut where elements of a list are parted, outside of brackets; commas of "1,234" stay unless bracketed."""
    spaced = not bracketed or ", " in text
    parts, begin, depth, at = list[str](), 0, 0, 0
    while at < len(text):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        cut = _cut(text, at, spaced) if depth == 0 else None
        if cut is not None:
            parts.append(text[begin:at])
            begin = at = cut
        else:
            at += 1
    return [*parts, text[begin:]]


def _cut(text: str, at: int, spaced: bool) -> int | None:
    """Where a separator that begins at `at` ends."""
    if text[at] == ",":
        groups = spaced and re.match(r"[0-9]{3}(?![0-9])", text[at + 1 :]) and text[:at][-1:].isdigit()
        return None if groups or text[:at].endswith(("\\", "{")) else at + 1
    found = _CONNECTOR.match(text, at) if text[at] in "\\ao;" and not text[:at][-1:].isalpha() else None
    return found.end() if found is not None and at > 0 and not (text[at] == ";" and text[:at].endswith("\\")) else None


def _words(text: str) -> str | None:
    """Words in small letters without an article; a letter alone is a symbol."""
    text = _POINTS.sub("", text)
    return _ARTICLE.sub("", text.lower(), 1) if _WORDS.fullmatch(text) and "\\" not in text else None


def _formula(text: str) -> str:
    if _NO_FORMULA.search(text):
        return " ".join(text.lower().split())
    found = computed(text) or formula(text)
    return squeezed(text) if found is None else number(found, listed=True) or found
