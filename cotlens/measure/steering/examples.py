"""Examples that vectors are fitted on: texts, traces, and sentences of traces by label.

An example is a text, a trace, or a (trace, span) pair. Its activation at a layer is read

- "last": at its last token (what repeng and steering-vectors do),
- "mean": as the mean over its tokens,
- "before": at the last token before it that is more than white space, where the model decides to write it (spans only).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens.measure.method import check_setting
from cotlens.measure.steering.norms import SINK, ids_of
from cotlens.models.contract import Model
from cotlens.trace import Span, Trace
from cotlens.trace.prompts import Prompt

Example = str | Trace | tuple[Trace, Span]
Examples = Sequence[Example]
READS = ("last", "mean", "before")
Holds = Callable[[Trace, Span], "bool | None"]


def sentences(
    traces: Sequence[Trace], holds: Holds, unit: str = "sentence"
) -> tuple[list[tuple[Trace, Span]], list[tuple[Trace, Span]]]:
    """The sentences of thoughts for which `holds(trace, span)`, and the rest; those for which it gives None are in
    neither.

    Raises:
        InputError: there is no such unit, or one of the two is empty.
    """
    found: dict[bool, list[tuple[Trace, Span]]] = {True: [], False: []}
    for trace in traces:
        for span in trace.spans(unit):
            label = holds(trace, span)
            if label is not None:
                found[bool(label)].append((trace, span))
    if not found[True] or not found[False]:
        missing = "holds for none" if not found[True] else "holds for all"
        raise InputError(
            f"The label {missing} of the {len(found[True]) + len(found[False])} {unit}s, so there is nothing to set "
            "against the others; give more traces or another label."
        )
    return found[True], found[False]


def thoughts(model: Model, texts: Sequence[str], prompt: Prompt) -> list[tuple[Trace, Span]]:
    """Texts as thoughts of the model: behind its chat template, the question, and the marker that opens a thought.

    A text alone is read as the first words of a document, which no thought of a thinking model ever is: what is fitted
    to it is another direction (`tests/reference/steering/test_thoughts.py` measures the difference). Steering of
    thoughts is fitted on these.

    Args:
        texts: how each thought begins; none of them is closed.
        prompt: what all of them are thoughts about: a question, or messages that end with one.

    Returns:
        an example per text: the trace, and the text in it.

    Raises:
        InputError: no texts, or one that is empty.
    """
    if isinstance(texts, str) or not len(texts):
        raise InputError("Thoughts are a list of texts; give at least one, as ['Wait, let me check that.'].")
    found = []
    for text in texts:
        if not check.text("a thought", text).strip():
            raise InputError("One of the thoughts is empty; leave it out.")
        trace = model.compose(prompt, text, None)
        found.append((trace, trace.roles["thought"]))
    return found


def read_examples(model: Model, examples: Examples, layers: Sequence[int], read: str) -> NDArray[np.float32]:
    """Activations of examples after `layers`, float32 [examples, layers, d_model]; one pass per text.

    Raises:
        InputError: no examples, an empty one, or a way of reading that isn't known or doesn't fit.
        Cancelled: between two texts.
    """
    check_setting("A steering vector", "read", read, READS)
    if not len(examples):
        raise InputError("A steering vector needs examples on both sides; one side is empty.")
    wanted: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
    for row, example in enumerate(examples):
        ids = ids_of(model, example[0] if isinstance(example, tuple) else example)
        wanted.setdefault(ids, []).append((row, _tokens(example, ids, read)))
    sites, current = [f"resid_post.{layer}" for layer in layers], control.current()
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(examples)
    for done, (ids, rows) in enumerate(wanted.items()):
        current.check()
        current.report(done, len(wanted), "reading examples")
        at = sorted({token for _, tokens in rows for token in tokens})
        with control.using(current.silent()):
            read_at = model.read(ids, sites, positions=at)
        table = np.stack([read_at[site] for site in sites], axis=1)
        place = {token: i for i, token in enumerate(at)}
        for row, tokens in rows:
            found[row] = table[[place[token] for token in tokens]].mean(0, dtype=np.float64).astype(np.float32)
    current.report(len(wanted), len(wanted), "reading examples")
    return np.stack(found)


def reading_of(positive: Examples, negative: Examples) -> str:
    """How examples are read unless told: spans by their mean, whole texts at their last token."""
    return "mean" if any(isinstance(example, tuple) for example in (*positive, *negative)) else "last"


def texts_of(examples: Examples) -> list[str | Trace]:
    """The texts that examples stand in, each once."""
    return list(dict.fromkeys(example[0] if isinstance(example, tuple) else example for example in examples))


def _tokens(example: Example, ids: Sequence[int], read: str) -> list[int]:
    start, end = _extent(example, ids)
    if read == "before":
        if not isinstance(example, tuple):
            raise InputError("Only spans have a token before them; give (trace, span), or read='last' or 'mean'.")
        return [_last_before(*example)]
    if start >= end:
        raise InputError("An example holds no tokens; leave it out.")
    return [end - 1] if read == "last" else list(range(min(max(start, SINK), end - 1), end))


def _last_before(trace: Trace, span: Span) -> int:
    """A line break is chosen with what follows it, so the choice falls at the token before."""
    at = span.start - 1
    while at > 0 and trace.text[trace.offsets[at] : trace.offsets[at + 1]].isspace():
        at -= 1
    if at < 0:
        raise InputError("The first span begins where the text does, so no token stands before it.")
    return at


def _extent(example: Example, ids: Sequence[int]) -> tuple[int, int]:
    if isinstance(example, str):
        return 0, len(ids)
    if isinstance(example, Trace):
        return 0, len(ids)
    span = example[1]
    if not isinstance(span, Span) or span.end > len(ids):
        raise InputError(f"{span!r} is no span of this trace of {len(ids)} tokens; give (trace, span).")
    return span.start, span.end
