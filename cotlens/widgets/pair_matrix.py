"""The matrix of a pairs result: what each sentence does to each other one."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.results.certainty import certainty
from cotlens.results.code import measured_on, showing
from cotlens.results.summary import summary
from cotlens.trace import Trace
from cotlens.widgets.protocol.pair_matrix import Matrix
from cotlens.widgets.protocol.shared import Lock
from cotlens.widgets.shared import scores
from cotlens.widgets.shared.bundles import View
from cotlens.widgets.shared.encoding import floats, indices

MOST_SENTENCES = 3000  # nine million cells, some 160 MB on their way to the page
NEEDED = ("source", "target", "source_text", "target_text")


class PairMatrix(View):
    """Source by target as a matrix of heat: point at a cell, or go there with the arrow keys, and read both sentences.

    Columns are sources, rows are targets, so that a thought whose sentences act on later ones fills the lower left.
    Pairs that were not measured are hatched and say why; pairs that are not part of the result stay empty.

        cl.PairMatrix(result)

    Args:
        result: one of kind "pairs", with the columns source, target, source_text and target_text.
        trace: what it was measured on, for its code alone.

    Attributes:
        result: what it shows.
        trace: as it was given.

    `matrix` holds words, sentences and bytes, row by row; `cotlens.widgets.protocol.pair_matrix` declares it.
    `scale_lock` is as that of the editor's view, and `code` is Python that measures and shows the result again.

    Raises:
        InputError: the result is of another kind, lacks a column, has no rows, or has a pair twice.
        WidgetsNotBuilt: the front end was not built.
    """

    _bundle = "pair_matrix"

    matrix = t.Dict().tag(sync=True, shape=Matrix)
    scale_lock = t.Dict().tag(sync=True, shape=Lock)
    code = t.Unicode().tag(sync=True)

    def __init__(self, result: Result, trace: Trace | None = None, **traits: Any) -> None:
        super().__init__(matrix=payload(result), **traits)
        given = measured_on("PairMatrix", [result], [] if trace is None else [trace])
        self.result, self.trace = result, trace
        self.code = showing([result], given, "cl.PairMatrix(*results)")

    def summary(self, *, markdown: bool = False) -> str:
        """The result in words."""
        return summary(self.result, markdown=markdown)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        return f"<CoTLens pair matrix: {self.matrix['label']}, {len(self.matrix['texts'])} sentences>"


def payload(result: Result) -> Matrix:
    """What the front end is told of a pairs result; cell (target, source) is at target * count + source.

    Raises:
        InputError: see `PairMatrix`.
    """
    _check(result)
    columns = result.columns
    source, target = (np.asarray(columns[name], dtype=np.int64) for name in ("source", "target"))
    texts, tokens = _texts(result, source, target), _tokens(result, source, target)
    count, base = len(texts), scores.base(result)
    place = target * count + source
    if len(np.unique(place)) < len(place):
        raise InputError(f"This {result.method} result has a pair of sentences twice, so it is not a matrix.")
    return {
        **scores.meaning(result),
        "base": base,
        "scale": scores.scale(columns["estimate"], result.scale_unit, base),
        "texts": texts,
        "trace": result.provenance.trace_id,
        "first": indices(tokens[0]),
        "last": indices(tokens[1]),
        "estimate": floats(_square(place, columns["estimate"], count)),
        "low": floats(_square(place, columns["low"], count)),
        "high": floats(_square(place, columns["high"], count)),
        "n": floats(_square(place, columns["n"], count)),
        "certainty": _square(place, certainty(result) + 1, count, empty=0).astype(np.uint8).tobytes(),
        "status": {str(place[int(row)]): why for row, why in scores.reasons(result).items()},
    }


def _square(place: NDArray[np.int64], values: NDArray[Any], count: int, empty: float = np.nan) -> NDArray[np.float64]:
    square = np.full(count * count, empty)
    square[place] = values
    return square


def _tokens(result: Result, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """First and last token of every sentence, int64 [2, sentences], half-open; 0 and 0 where the result has none."""
    tokens = np.zeros((2, int(max(source.max(), target.max())) + 1), dtype=np.int64)
    for sentences, side in ((target, "target"), (source, "source")):
        for row, end in enumerate(("start", "end")):
            if (name := f"{side}_{end}") in result.columns:
                tokens[row, sentences] = np.maximum(result.columns[name], 0)
    return tokens


def _texts(result: Result, source: NDArray[np.int64], target: NDArray[np.int64]) -> list[str]:
    """The text of every sentence up to the last one that is named; "" for one that has no pair."""
    texts = [""] * (int(max(source.max(), target.max())) + 1)
    for at, words in ((target, result.columns["target_text"]), (source, result.columns["source_text"])):
        for i, text in zip(at.tolist(), words, strict=True):
            texts[i] = str(text)
    return texts


def _check(result: Result) -> None:
    if not isinstance(result, Result) or result.kind != "pairs":
        given = f"a result of kind {result.kind!r}" if isinstance(result, Result) else f"a {type(result).__name__}"
        raise InputError(f"PairMatrix shows results of kind 'pairs'; it was given {given}. `cl.show` finds the view.")
    missing = [name for name in NEEDED if name not in result.columns]
    if missing:
        raise InputError(f"A pairs result needs the columns {', '.join(NEEDED)}; {', '.join(missing)} is missing.")
    if not len(result):
        raise InputError(f"This {result.method} result has no rows, so there is no matrix to show.")
    ends = [result.columns[name] for name in ("source", "target")]
    if any(column.dtype.kind not in "iu" for column in ends):
        raise InputError(f"The source and target of a pairs result are whole numbers; this {result.method} has others.")
    if min(column.min() for column in ends) < 0:
        raise InputError(f"This {result.method} result names a sentence below 0: sentences are counted from 0.")
    if (last := max(int(column.max()) for column in ends)) >= MOST_SENTENCES:
        raise InputError(
            f"This {result.method} result names sentence {last}; a matrix has at most {MOST_SENTENCES} of them."
        )
