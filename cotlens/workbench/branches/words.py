"""The difference of two texts, by words."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import Literal

from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import Change

FEWEST_SAME = 3  # words: fewer between two changes are part of the change
MOST_PAIRS = 4_000_000  # words times words beyond which a difference is not worked out
Run = tuple[Literal["same", "del", "ins"], list[str]]
_WORDS = re.compile(r"\s+|(?:\w+|[^\w\s])\s*")


def written(trace: Trace) -> str:
    """Thought and answer of a trace, as they are compared."""
    return trace.thought + "\n" + trace.answer


def differing(one: Trace, other: Trace) -> tuple[int, int]:
    """How many words only the one trace has, and how many only the other, in thought and answer."""
    return _counted(written(one), written(other))


@lru_cache(maxsize=1024)
def _counted(old: str, new: str) -> tuple[int, int]:
    runs = difference(old, new)
    counts = {op: sum(len(run["text"].split()) for run in runs if run["op"] == op) for op in ("del", "ins")}
    return counts["del"], counts["ins"]


def difference(old: str, new: str) -> list[Change]:
    """Old and new text as runs of "same", "del" and "ins", by words; adjoining runs of one kind are one run."""
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    middle = _changes(a[head : len(a) - tail], b[head : len(b) - tail])
    runs: list[Run] = [("same", a[:head]), *middle, ("same", a[len(a) - tail :])]
    return [{"op": op, "text": "".join(words)} for op, words in runs if words]


def _common(a: list[str], b: list[str]) -> int:
    """How many words both begin with."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _changes(a: list[str], b: list[str]) -> list[Run]:
    """Runs of two texts that begin and end differently; where they are long, everything counts as changed."""
    if len(a) * len(b) > MOST_PAIRS:
        return [("del", a), ("ins", b)]
    runs: list[Run] = []
    gone, come = list[str](), list[str]()
    for op, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal" and j - i >= FEWEST_SAME:
            runs += [("del", gone), ("ins", come), ("same", a[i:j])]
            gone, come = [], []
        else:
            gone, come = gone + a[i:j], come + b[k:m]
    return [*runs, ("del", gone), ("ins", come)]
