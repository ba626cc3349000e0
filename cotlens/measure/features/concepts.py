"""What can be said of a token without looking into the model: the vocabulary of automatic labels.

A concept is a name and, for every token of a text, whether it holds there. Callers may add their own, such as the kind
of sentence in a language whose grammar they know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.trace import Trace
from cotlens.trace.align import tokens_covering

Flags = Mapping[str, NDArray[np.bool_]]
Describe = Callable[[Trace], Flags]
_NUMBER = re.compile(r"\d+")
_ROLES = ("prompt", "thought", "answer")


@dataclass(frozen=True, eq=False)
class Concepts:
    """Concepts of many texts.

    Args:
        names: their names: of the token itself, of where it stands, of its neighbours; commonest first within each.
        flags: bool [tokens of all texts, concepts].
    """

    names: tuple[str, ...]
    flags: NDArray[np.bool_]


def concepts_of(
    traces: Sequence[Trace], describe: Describe | None = None, most: int = 600, least: int = 20
) -> Concepts:
    """The concepts that hold at `least` tokens or more of `traces`, the `most` common ones."""
    found = [{**dict(_own(trace)), **(describe(trace) if describe is not None else {})} for trace in traces]
    counts: Counter[str] = Counter()
    for flags in found:
        counts.update({name: int(holds.sum()) for name, holds in flags.items()})
    common = [name for name, count in counts.most_common(most) if count >= least]
    names = tuple(sorted(common, key=_remoteness))
    return Concepts(names, _table(traces, found, names))


def _remoteness(name: str) -> int:
    """The token itself first, its neighbours last: of two concepts that fit equally well, the nearer one is meant."""
    return 0 if name.startswith("the token ") else 2 if name.startswith(("after ", "before ")) else 1


def _table(traces: Sequence[Trace], found: Sequence[Flags], names: tuple[str, ...]) -> NDArray[np.bool_]:
    table = np.zeros((sum(len(trace.token_ids) for trace in traces), len(names)), bool)
    column, start = {name: i for i, name in enumerate(names)}, 0
    for trace, flags in zip(traces, found, strict=True):
        stop = start + len(trace.token_ids)
        for name, holds in flags.items():
            if name in column:
                table[start:stop, column[name]] = holds
        start = stop
    return table


def _own(trace: Trace) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Concepts of any text: the token and its neighbours, numbers, sentences, roles."""
    n, pieces = len(trace.token_ids), np.array(trace.tokens, dtype=object)
    for piece in set(trace.tokens):
        here = pieces == piece
        yield f"the token {piece!r}", here
        yield f"after {piece!r}", _moved(here, 1)
        yield f"before {piece!r}", _moved(here, -1)
    yield from numbers(trace)
    for role in _ROLES:
        if role in trace.roles:
            span = trace.roles[role]
            yield f"in the {role}", _between(n, span.start, span.end)
            sentences = trace.spans("sentence", role)
            yield f"first token of a sentence of the {role}", _at(n, [one.start for one in sentences])
            yield f"last token of a sentence of the {role}", _at(n, [one.end - 1 for one in sentences])


def numbers(trace: Trace) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Concepts of numbers; what is said of a whole number holds at its last token, where it is known."""
    n = len(trace.token_ids)
    texts = list(_NUMBER.finditer(trace.text))
    ends = [tokens_covering(trace.offsets, *found.span()) for found in texts]
    spans = [(first, end - 1, found[0]) for (first, end), found in zip(ends, texts, strict=True)]
    whole = np.zeros(n, bool)
    for first, last, _ in spans:
        whole[first : last + 1] = True
    yield "in a number", whole
    yield "before a number", _at(n, [first - 1 for first, _, _ in spans if first > 0])
    yield "after a number", _at(n, [last + 1 for _, last, _ in spans if last + 1 < n])
    yield "first digit of a number", _at(n, [first for first, last, _ in spans if first < last])
    yield "last digit of a number", _at(n, [last for first, last, _ in spans if first < last])
    yield "a number of one digit", _at(n, [last for _, last, text in spans if len(text) == 1])
    values = {text for _, _, text in spans}
    for value in values:
        yield f"the number {value}", _at(n, [last for _, last, text in spans if text == value])
    for digit in {text[-1] for text in values}:
        yield f"a number that ends in {digit}", _at(n, [last for _, last, text in spans if text[-1] == digit])
    for digit in {text[0] for text in values if len(text) > 1}:
        at = [i for first, last, text in spans if text[0] == digit and len(text) > 1 for i in range(first, last + 1)]
        yield f"a number that begins with {digit}", _at(n, at)


def _moved(here: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    moved = np.roll(here, by)
    moved[0 if by > 0 else -1] = False
    return moved


def _between(n: int, start: int, end: int) -> NDArray[np.bool_]:
    return _at(n, range(start, end))


def _at(n: int, positions: Sequence[int]) -> NDArray[np.bool_]:
    flags = np.zeros(n, bool)
    flags[np.asarray(positions, np.int64)] = True
    return flags
