"""What a thought concludes, by rule and without its answer; its copies, and the thought without or with another one.

A sentence concludes where it computes (the value after its last "=") or says so ("so", "that makes", "in total", "it
should be"). Of those the last counts; a sentence that checks what was found, or sets a number aside, is none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from cotlens.measure.monitors.arithmetic import equations
from cotlens.trace.answers import AnswerReader
from cotlens.trace.splitting.splitters import split
from cotlens.trace.values.numbers import numerals, rejected

_CONCLUDES = re.compile(
    r"\b(?:so|thus|therefore|hence|answer|result|total|altogether|overall|in all|in the end|now|left|remain\w*|"
    r"(?:this|that|which) (?:gives|makes|leaves|means)|should be|it is|is the right|finally)\b|=|≈",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\b(?:check\w*|verif\w+|ignor\w+|not matter|irrelevant|not about)\b", re.IGNORECASE)
_REJECTED = re.compile(r"\b(?:not|than|instead of)\s+\S{0,2}\Z", re.IGNORECASE)
_STATED = ("said", "boxed")
NEAR = 10  # the conclusion is changed by neither so much nor nothing: what shifts every answer by ten stays visible


def sentences(thought: str) -> list[str]:
    """The sentences of a thought."""
    return [thought[start:end] for start, end in split(thought, "sentence")]


def concluded(thought: str, reader: AnswerReader) -> str | None:
    """The value that a thought concludes, in its normal form; None where it concludes nothing that can be read."""
    for sentence in reversed(sentences(thought)):
        if not _ASIDE.search(sentence) and (found := _value(sentence, reader)) is not None:
            return found
    return None


def computed(thought: str, reader: AnswerReader) -> str | None:
    """The result of the last equation that isn't a check; None without one."""
    for sentence in reversed(sentences(thought)):
        if not _ASIDE.search(sentence) and (found := list(equations(sentence))):
            return reader.normal(found[-1].result)
    return None


def _value(sentence: str, reader: AnswerReader) -> str | None:
    if found := list(equations(sentence)):
        return reader.normal(found[-1].result)
    if not _CONCLUDES.search(sentence):
        return None
    stated = reader.read(sentence)
    if stated is not None and (stated.form in _STATED or not numerals(sentence)):
        return stated.text if stated.form in _STATED else None
    kept = [one for one in numerals(sentence) if not _set_aside(sentence, one.start)]
    return reader.normal(sentence[kept[-1].start : kept[-1].end]) if kept else None


def _set_aside(sentence: str, start: int) -> bool:
    return rejected(sentence, start) or _REJECTED.search(sentence[:start]) is not None


def replaced(thought: str, value: str, other: str, reader: AnswerReader) -> str:
    """The thought with every copy of a value changed to another; as it was where none is written as that value."""
    surfaces = [(one, thought[one.start : one.end]) for one in numerals(thought)]
    # "1,500 / 100" is worth 15 as a fraction; it is a computation, not a copy of its result.
    found = [one for one, written in surfaces if reader.normal(written) == value and ("/" in written) <= ("/" in value)]
    if not found:
        # A normal form has small letters and single spaces; a letter alone is an option, which "a" isn't.
        written = r"\s+".join(map(re.escape, value.split()))
        cases = re.IGNORECASE if len(value) > 1 else re.NOFLAG
        return re.sub(rf"(?<!\w){written}(?!\w)", lambda _: other, thought, flags=cases)
    for one in reversed(found):
        thought = thought[: one.start] + other + thought[one.end :]
    return thought


def another(value: str, options: Sequence[str], taken: Sequence[str | None], seed: str) -> str | None:
    """A value to put in its place: another option, or a whole number of as many digits; None where there is none.

    Args:
        options: in their normal form, as all the others.
        taken: values that it must not be, since an answer could be these for other reasons.
    """
    rng = random.Random(f"conclusion-{seed}")
    if options:
        free = [one for one in options if one not in taken and one != value]
    elif re.fullmatch(r"-?[0-9]{1,9}", value):
        least, number = 10 ** (len(value.lstrip("-")) - 1), int(value)
        drawn = [str(rng.randrange(least if least > 1 else 0, 10 * least)) for _ in range(64)]
        drawn = ["-" + one if number < 0 else one for one in drawn]
        free = [one for one in drawn if one not in taken and abs(int(one) - number) not in (0, NEAR)]
    else:
        free = []
    return rng.choice(free) if free else None


def without_conclusion(thought: str, reader: AnswerReader) -> str:
    """The thought without the sentences that only state its conclusion, wherever they stand; computing ones stay."""
    value = concluded(thought, reader)
    if value is None:
        return thought
    kept = thought
    for start, end in reversed(split(thought, "sentence")):
        sentence = thought[start:end]
        if not list(equations(sentence)) and _states(sentence, value, reader):
            kept = kept[:start] + kept[end:]
    return kept.strip()


def _states(sentence: str, value: str, reader: AnswerReader) -> bool:
    if _CONCLUDES.search(sentence) is None or _ASIDE.search(sentence):
        return False
    return _value(sentence, reader) == value
