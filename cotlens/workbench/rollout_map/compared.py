"""What the rollouts of one prompt are to each other: answers, columns, shared prefixes, places on a plane."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cotlens.measure.rollouts import Alignment, Plane, Prefix, align, place, prefixes
from cotlens.measure.stats import wilson
from cotlens.trace import Trace
from cotlens.widgets.protocol import rollout_map as shapes

MOST_NODES = 400


@dataclass(frozen=True)
class Rollout:
    """A trace with its number among all, its sentences, its answer by value and its place where one is given."""

    row: int
    trace: Trace
    said: Sequence[str]
    answer: str | None
    embedding: NDArray[np.float64] | None


@dataclass(frozen=True)
class Compared:
    """The rollouts of one prompt: what the view is told, and of each its group and its sentences' columns."""

    told: shapes.Prompt
    groups: list[int]
    aligned: Alignment


def compare(rollouts: Sequence[Rollout], seed: int) -> Compared:
    """Compare rollouts of one prompt, one at least."""
    said, answers = [one.said for one in rollouts], [one.answer for one in rollouts]
    aligned, names = align(said), _names(answers)
    tree = prefixes(_tokens([one.trace for one in rollouts]), answers, seed=seed)
    told: shapes.Prompt = {
        "text": rollouts[0].trace.prompt,
        "width": aligned.width,
        "groups": [_group(name, answers.count(name), len(answers)) for name in names],
        "tree": _nodes(rollouts, tree),
        "prefixes": len(tree),
        "plane": plane(rollouts),
    }
    return Compared(told, [names.index(answer) for answer in answers], aligned)


def plane(rollouts: Sequence[Rollout]) -> shapes.Plane:
    """Rollouts on a plane, by their embeddings where they have some.

    Raises:
        InputError: the embeddings are not finite.
    """
    given = [one.embedding for one in rollouts if one.embedding is not None]
    found: Plane = place([one.said for one in rollouts], np.array(given) if given else None)
    of = "the embeddings given" if given else "each rollout's words, numbers and pairs of words"
    return {"places": found.places.astype("<f4").tobytes(), "explained": list(found.explained), "of": of}


def _tokens(traces: Sequence[Trace]) -> list[list[int]]:
    """Tokens of several traces as numbers, the same for the same token.

    By id and text: without a tokenizer, each trace numbers its own words from 0.
    """
    numbers: dict[tuple[int, str], int] = {}
    return [[numbers.setdefault(token, len(numbers)) for token in _pieces(trace)] for trace in traces]


def _pieces(trace: Trace) -> Iterator[tuple[int, str]]:
    texts = (trace.text[start:end] for start, end in itertools.pairwise(trace.offsets.tolist()))
    return zip(trace.token_ids, texts, strict=True)


def _names(answers: Sequence[str | None]) -> list[str | None]:
    """Answers from the most frequent; those that could not be read are the last, never dropped."""
    return sorted(dict.fromkeys(answers), key=lambda name: (name is None, -answers.count(name)))


def _group(answer: str | None, k: int, n: int) -> shapes.Group:
    low, high = wilson(k, n)
    return {"answer": answer, "n": k, "share": k / n, "low": float(low), "high": float(high)}


def _nodes(rollouts: Sequence[Rollout], tree: Sequence[Prefix]) -> list[shapes.Node]:
    kept = {at: number for number, at in enumerate(sorted(_kept(tree)))}
    return [_node(tree[at], kept.get(tree[at].parent, -1), rollouts) for at in kept]


def _kept(tree: Sequence[Prefix]) -> set[int]:
    """About `MOST_NODES` prefixes with all that they begin with: those where answers shift, then those most share."""
    kept: set[int] = set()
    for at in sorted(range(len(tree)), key=lambda at: (not tree[at].shifts, -len(tree[at].rows), at)):
        if len(kept) >= MOST_NODES and not tree[at].shifts:
            break
        while at >= 0 and at not in kept:
            kept.add(at)
            at = tree[at].parent
    return kept


def _node(one: Prefix, parent: int, rollouts: Sequence[Rollout]) -> shapes.Node:
    trace = rollouts[one.rows[0]].trace
    text = trace.text[int(trace.offsets[one.start]) : int(trace.offsets[one.end])]
    shift, q = (None if math.isnan(value) else value for value in (one.shift, one.q))
    return {
        "rows": [rollouts[at].row for at in one.rows], "parent": parent, "start": one.start, "end": one.end,
        "text": text, "shift": shift, "q": q, "shifts": one.shifts,
    }  # fmt: skip
