"""The steps of a problem as sentences, with what does not count between them, and the question."""

from __future__ import annotations

import random
import re

from cotlens.organisms.task import words
from cotlens.organisms.task.problem import Aside, Step

_NOT_COUNTED = re.compile(
    r"(?:On day|At stop|In week) \d+,|has \d+ [\w ]+\.|is \d+ years old|takes \d+ minutes|sees \d+ [\w ]+ in a shop"
)
"""Numbers of a prompt that change nothing: when something happens, and those of `words.ASIDES`."""


def changes_in(prompt: str) -> int:
    """How many changes of the total a prompt tells of, by its numbers: all that count, but the one it starts with."""
    start = re.search(r"\d+", prompt)
    rest = "" if start is None else _NOT_COUNTED.sub("", prompt[start.end() :])
    return len(re.findall(r"\d+", rest))


def written(
    rng: random.Random,
    wording: words.Wording,
    who: dict[str, str],
    start: int,
    steps: list[Step],
    asides: tuple[Aside, ...],
    times: tuple[str, ...],
) -> tuple[str, tuple[str, ...]]:
    """The prompt, and what it says of each step. `who` names the fields of the story: see `everyday.draw`."""
    pronoun = who["p"]
    fields = {
        **who,
        "P": pronoun.capitalize(),
        "o": words.OBJECT[pronoun],
        "s": words.POSSESSIVE[pronoun],
    }
    lines, stated = [sentence(rng.choice(wording.openings), k=start, **{**fields, "n": who["introduced"]})], []
    for i, step in enumerate(steps):
        lines += [_aside_text(rng, aside, fields) for aside in asides if aside.before == i]
        text = _step_text(rng, wording, step, fields)
        stated.append(at_time(times[i], text) if times else text)
        lines.append(stated[-1])
    lines += [_aside_text(rng, aside, fields) for aside in asides if aside.before == len(steps)]
    if not times:
        lines = _joined(rng, lines, fields["P"] + " ")
    lines.append(rng.choice(wording.questions).format(**fields))
    return " ".join(lines), tuple(stated)


def times_of(rng: random.Random, count: int) -> tuple[str, ...]:
    """Times for `count` changes, counted from 1."""
    time = rng.choice(words.TIMES)
    return tuple(time.format(i=i + 1) for i in range(count))


def at_time(time: str, text: str) -> str:
    """The sentence with when it happens before it: "He finds 3 more." as "On Monday he finds 3 more."."""
    for link in words.LINKS:
        text = text.removeprefix(link)
    first, rest = text.split(" ", 1)
    lowered = first.lower() if first in ("He", "She", "There", "It", "Either", "The") else first
    return f"{time} {lowered} {rest}"


def sentence(template: str, **fields: object) -> str:
    """The template filled in, with a capital at its start."""
    text = template.format(**fields)
    return text[:1].upper() + text[1:]


def _joined(rng: random.Random, lines: list[str], pronoun: str) -> list[str]:
    """Some sentences about the same person made one: "Mia has 12 pears and buys 7 more pears."."""
    joined = lines[:1]
    for line in lines[1:]:
        before = joined[-1]
        subject = len(joined) == 1 or before.startswith(pronoun)
        if line.startswith(pronoun) and subject and " and " not in before and before[0] != "T" and rng.random() < 0.2:
            joined[-1] = f"{before[:-1]} and {line.removeprefix(pronoun)}"
        else:
            joined.append(line)
    return joined


def _step_text(rng: random.Random, wording: words.Wording, step: Step, fields: dict[str, str]) -> str:
    if step.is_fork:
        (k, other), (c, d) = step.amounts, step.colours
        return rng.choice(words.FORKS).format(k=k, l=other, c=c, d=d, **fields)
    return sentence(rng.choice(wording.gains if step.sign > 0 else wording.losses), k=step.amounts[0], **fields)


def _aside_text(rng: random.Random, aside: Aside, fields: dict[str, str]) -> str:
    if aside.number is None:
        return rng.choice(words.WEATHER)
    other = rng.choice([t for t in words.THINGS if t != fields["t"]])
    return sentence(rng.choice(words.ASIDES), k=aside.number, u=other, **fields)
