"""What the view of rollouts is told: texts, sentences in columns, groups of answers, the tree of prefixes, places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.categories.rules import tag
from cotlens.measure.categories.tags import CATEGORIES, Tags
from cotlens.measure.rollouts import Plane, Prefix, align, place, prefixes
from cotlens.measure.stats import wilson
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.widgets.protocol import rollout_map as shapes
from cotlens.widgets.utf16 import to_utf16

MOST_CHARACTERS = 60_000_000  # all texts travel to the page, and into a saved notebook
MOST_NODES = 400


def traits(traces: Traces, tags: Sequence[Tags] | None, embeddings: ArrayLike | None, seed: int) -> dict[str, Any]:
    """All traits of the view.

    Raises:
        InputError: no traces, more text than a page holds, several models, or tags or embeddings of other traces.
    """
    _check(traces, tags)
    assigned = [_tags(trace) for trace in traces] if tags is None else list(tags)
    answers = traces.answers()
    said = [[one.trace.text[span.char_start : span.char_end].strip() for span in one.spans] for one in assigned]
    tree = prefixes([trace.token_ids for trace in traces], answers, seed=seed)
    names = _names(answers)
    return {
        "rollouts": _rollouts(traces, assigned, said, [names.index(answer) for answer in answers]),
        "groups": [_group(name, answers.count(name), len(answers)) for name in names],
        "tree": _nodes(tree, traces),
        "plane": _plane(place(said, embeddings), embeddings is not None),
    }


def _check(traces: Traces, tags: Sequence[Tags] | None) -> None:
    if not len(traces):
        raise InputError("There are no traces to lay out as a map; give one at least.")
    size = sum(len(trace.text) for trace in traces)
    if size > MOST_CHARACTERS:
        raise InputError(
            f"{len(traces)} traces of {size:,} characters are more than a page can hold "
            f"({MOST_CHARACTERS:,}); draw some of them: traces.sample({len(traces) * MOST_CHARACTERS // size or 1})."
        )
    if tags is not None and [one.trace for one in tags] != list(traces):
        raise InputError("The categories are not those of these traces, in their order: give one Tags for each trace.")


def _tags(trace: Trace) -> Tags:
    """Categories by rules; of a trace without a thought, none."""
    return tag(trace) if "thought" in trace.roles else Tags(trace, (), (), (), ())


def _names(answers: Sequence[str | None]) -> list[str | None]:
    """Answers from the most frequent; those that could not be read are the last, never dropped."""
    return sorted(dict.fromkeys(answers), key=lambda name: (name is None, -answers.count(name)))


def _group(answer: str | None, k: int, n: int) -> shapes.Group:
    low, high = wilson(k, n)
    return {"answer": answer, "n": k, "share": k / n, "low": float(low), "high": float(high)}


def _rollouts(
    traces: Traces, tags: Sequence[Tags], said: Sequence[Sequence[str]], group: Sequence[int]
) -> shapes.Rollouts:
    aligned = align(said)
    texts, starts, ends = zip(*(_text(trace, one) for trace, one in zip(traces, tags, strict=True)), strict=True)
    prompts = list(dict.fromkeys(trace.prompt for trace in traces))
    note = "" if len(prompts) == 1 else f"{len(prompts)} different prompts, with their answers in one list"
    return {
        "names": [trace.id for trace in traces],
        "notes": [_note(trace) for trace in traces],
        "texts": list(texts),
        "prompts": prompts,
        "first": _whole(np.cumsum([0, *map(len, tags)])),
        "start": _whole(np.concatenate(starts)),
        "end": _whole(np.concatenate(ends)),
        "column": _whole(np.concatenate(aligned.columns)),
        "category": np.array(
            [CATEGORIES.index(name) for one in tags for name in one.categories], dtype=np.uint8
        ).tobytes(),
        "alike": np.concatenate(aligned.alike).astype(np.uint8).tobytes(),
        "group": _whole(np.array(group)),
        "width": aligned.width,
        "categories": list(CATEGORIES),
        "model": ", ".join(name for name in traces.models if name) or "unknown model",
        "note": note,
    }


def _text(trace: Trace, tags: Tags) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
    """Thought and what follows, and where its sentences start and end in it."""
    role = trace.roles.get("thought") or trace.roles.get("answer")
    begin = role.char_start if role else 0
    last = trace.roles.get("answer") or role
    text = trace.text[begin : last.char_end if last else len(trace.text)]
    starts, ends = (
        to_utf16(text, [getattr(span, name) - begin for span in tags.spans]).reshape(-1)
        for name in ("char_start", "char_end")
    )
    return text, starts, ends


def _note(trace: Trace) -> str:
    if "thought" not in trace.roles:
        return "there is no thought in this trace"
    try:
        check_verbatim(trace)
    except InputError as error:
        return str(error)
    return "" if trace.finished else "cut off before it ended"


def _nodes(tree: Sequence[Prefix], traces: Traces) -> list[shapes.Node]:
    """The prefixes that most rollouts share, at most `MOST_NODES`; a kept one's parent has as many, and is kept."""
    most = sorted(range(len(tree)), key=lambda at: (-len(tree[at].rows), at))[:MOST_NODES]
    kept = {at: number for number, at in enumerate(sorted(most))}
    return [_node(tree[at], kept.get(tree[at].parent, -1), traces) for at in kept]


def _node(one: Prefix, parent: int, traces: Traces) -> shapes.Node:
    trace = traces[one.rows[0]]
    text = trace.text[int(trace.offsets[one.start]) : int(trace.offsets[one.end])]
    shift, q = (None if math.isnan(value) else value for value in (one.shift, one.q))
    return {
        "rows": list(one.rows), "parent": parent, "start": one.start, "end": one.end, "text": text,
        "shift": shift, "q": q, "shifts": one.shifts,
    }  # fmt: skip


def _plane(plane: Plane, given: bool) -> shapes.Plane:
    places = plane.places.astype("<f4").tobytes()
    of = "the embeddings given" if given else "each rollout's words, numbers and pairs of words"
    return {"places": places, "explained": list(plane.explained), "of": of}


def _whole(values: NDArray[np.int64]) -> bytes:
    return values.astype("<u4").tobytes()
