"""What the view of rollouts is told: the texts and sentences of each, and what they are to each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cotlens._core.errors import InputError
from cotlens.measure.categories.rules import tag
from cotlens.measure.categories.tags import CATEGORIES, Tags
from cotlens.measure.rollouts.placing import checked
from cotlens.trace import Span, Trace
from cotlens.trace.collection.traces import Traces
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.widgets.shared.encoding import to_utf16
from cotlens.widgets.shared.names import shown_name
from cotlens.workbench.rollout_map.compared import Compared, Rollout, compare, plane

MOST_CHARACTERS = 60_000_000  # all texts travel to the page, and into a saved notebook


def traits(traces: Traces, tags: Sequence[Tags], embeddings: ArrayLike | None, seed: int) -> dict[str, Any]:
    """All traits of the view.

    What compares rollouts (columns, answers, prefixes, places) is of one prompt each; `plane` is of all of several.

    Args:
        tags: of each trace, from `tags_of`.

    Raises:
        InputError: the traces are of several models, or the embeddings are not theirs.
    """
    rollouts = _gathered(traces, tags, embeddings)
    alone: dict[Hashable, list[Rollout]] = {}
    for one in rollouts:
        alone.setdefault(_asked(one.trace), []).append(one)
    compared = [compare(own, seed) for own in alone.values()]
    return {
        "rollouts": {
            **_rollouts([one.trace for one in rollouts], tags),
            **_places(list(alone.values()), compared),
            "model": ", ".join(shown_name(name) for name in traces.models if name) or "unknown model",
        },
        "prompts": [one.told for one in compared],
        "plane": plane(rollouts) if len(compared) > 1 else {},
    }


def _gathered(traces: Traces, tags: Sequence[Tags], embeddings: ArrayLike | None) -> list[Rollout]:
    answers = traces.answers()
    given = [None] * len(tags) if embeddings is None else list(checked(embeddings, len(tags)))
    return [
        Rollout(row, one.trace, [_text_of(one.trace, span) for span in one.spans], answer, embedding)
        for row, (one, answer, embedding) in enumerate(zip(tags, answers, given, strict=True))
    ]


def _asked(trace: Trace) -> Hashable:
    """What the model was asked: the prompt with all that stands before it, and what a tool said after it."""
    prompt = trace.roles.get("prompt")
    return trace.text[: prompt.char_end] if prompt else "", repr(trace.meta.get("messages"))


def _text_of(trace: Trace, span: Span) -> str:
    return trace.text[span.char_start : span.char_end].strip()


def _places(prompts: Sequence[Sequence[Rollout]], compared: Sequence[Compared]) -> dict[str, bytes]:
    """Of each rollout its prompt and its group there, of each sentence its column and whether others say the like."""
    found = [
        (one.row, number, group, columns, alike)
        for number, (own, made) in enumerate(zip(prompts, compared, strict=True))
        for one, group, columns, alike in zip(own, made.groups, made.aligned.columns, made.aligned.alike, strict=True)
    ]
    found.sort(key=itemgetter(0))
    _, prompt, group, columns, alike = zip(*found, strict=True)
    return {
        "prompt": _whole(np.array(prompt)),
        "group": _whole(np.array(group)),
        "column": _whole(np.concatenate(columns)),
        "alike": np.concatenate(alike).astype(np.uint8).tobytes(),
    }


def tags_of(traces: Traces, given: Sequence[Tags] | None) -> list[Tags]:
    """The categories that were given, or those by rules; of a trace without a thought, those of its answer's sentences.

    Raises:
        InputError: there are no traces, or more text than a page holds, or what was given is of other traces.
    """
    if not len(traces):
        raise InputError("There are no traces to lay out as a map; give one at least.")
    size = sum(len(trace.text) for trace in traces)
    if size > MOST_CHARACTERS:
        raise InputError(
            f"{len(traces)} traces of {size:,} characters are more than a page can hold "
            f"({MOST_CHARACTERS:,}); draw some of them: traces.sample({len(traces) * MOST_CHARACTERS // size or 1})."
        )
    if given is None:
        return [tag(trace, spans=_sentences(trace)) for trace in traces]
    if [one.trace for one in given] != list(traces):
        raise InputError("The categories are not those of these traces, in their order: give one Tags for each trace.")
    return list(given)


def _sentences(trace: Trace) -> list[Span]:
    return trace.spans("sentence") or trace.spans("sentence", role="answer")


def _rollouts(traces: Sequence[Trace], tags: Sequence[Tags]) -> dict[str, Any]:
    """What is known of each rollout by itself."""
    texts, starts, ends = zip(*(_text(trace, one) for trace, one in zip(traces, tags, strict=True)), strict=True)
    categories = [CATEGORIES.index(name) for one in tags for name in one.categories]
    return {
        "names": [trace.id for trace in traces],
        "notes": [_note(trace) for trace in traces],
        "texts": list(texts),
        "first": _whole(np.cumsum([0, *map(len, tags)])),
        "start": _whole(np.concatenate(starts)),
        "end": _whole(np.concatenate(ends)),
        "token": _whole(np.array([span.start for one in tags for span in one.spans], dtype=np.int64)),
        "last": _whole(np.array([span.end for one in tags for span in one.spans], dtype=np.int64)),
        "category": np.array(categories, dtype=np.uint8).tobytes(),
        "categories": list(CATEGORIES),
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
    if not trace.thought.strip():
        return "there is no thought in this trace: its sentences are the answer's"
    try:
        check_verbatim(trace)
    except InputError as error:
        return str(error)
    return "" if trace.finished else "cut off before it ended"


def _whole(values: NDArray[np.int64]) -> bytes:
    return values.astype("<u4").tobytes()
