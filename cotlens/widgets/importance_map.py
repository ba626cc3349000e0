"""The map of an importance result: its text with the score as heat, and every unit's estimate with its interval."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.results import Result
from cotlens.results.certainty import certainty
from cotlens.results.code import showing
from cotlens.results.summary import summaries
from cotlens.trace import Trace
from cotlens.trace.splitting.splitters import split
from cotlens.widgets.page.facts import provenance
from cotlens.widgets.protocol.importance_map import Context, Score
from cotlens.widgets.protocol.shared import Lock
from cotlens.widgets.shared import scores
from cotlens.widgets.shared.bundles import View, require
from cotlens.widgets.shared.encoding import floats, indices, to_utf16

LONGEST_BLOCK = 800  # units: a text without sentence ends must not become one huge block


class ImportanceMap(View):
    """The text of a result with its score as heat, bars with intervals, a strip to find one's way, and a ranking.

    It works from results alone: no model, no trace and no kernel. The text is that of the units, in order. Units whose
    interval includes 0 are drawn hollow, units that were not measured are hatched and say why.

        cl.ImportanceMap(result)
        cl.ImportanceMap(occlusion, resampling, trace=trace)  # several scores to switch between, with the question

    Args:
        results: importance results, one row per unit; mixed units are shown apart.
        trace: the trace they were measured on, for its prompt and its answer.

    Attributes:
        results: what it shows.
        trace: the trace they were measured on, where it was given.

    `scores` holds one dict per score and `context` the prompt and the answer; `cotlens.widgets.protocol.importance_map`
    declares both. `scale_lock` is as that of the editor's view, and `code` is Python that measures and shows it again.

    Raises:
        InputError: there is no result, one has no rows or is of another kind, or it was measured on another trace.
        WidgetsNotBuilt: the front end was not built.
    """

    _bundle = "importance_map"

    scores = t.List().tag(sync=True, shape=Score)
    context = t.Dict().tag(sync=True, shape=Context)
    scale_lock = t.Dict().tag(sync=True, shape=Lock)
    code = t.Unicode().tag(sync=True)

    def __init__(self, *results: Result, trace: Trace | None = None, **traits: Any) -> None:
        require(self._bundle)  # whatever was given
        super().__init__(**_shown(results, trace), **traits)
        self._hold(results, trace)

    def show(self, *results: Result, trace: Trace | None = None) -> None:
        """Show other results in place of these; raises InputError as making a map of them does."""
        shown = _shown(results, trace)
        with self.hold_sync():
            self._hold(results, trace)
            self.scores, self.context = shown["scores"], shown["context"]

    def _hold(self, results: tuple[Result, ...], trace: Trace | None) -> None:
        self.results, self.trace = results, trace
        self.page_facts = tuple(map(provenance, results))
        given = [] if trace is None else [trace]
        self.code = showing(results, given, f"cl.ImportanceMap(*results{', trace=trace' if given else ''})")

    def summary(self, *, markdown: bool = False) -> str:
        """The results in words."""
        return summaries(self.results, "map.results, each with frame()", markdown=markdown)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        shown = [f"{score['label']} per {score['unit']}, {len(score['certainty'])} rows" for score in self.scores]
        return f"<CoTLens importance map: {'; '.join(shown)}>"


def _shown(results: tuple[Result, ...], trace: Trace | None) -> dict[str, Any]:
    """The traits of a map of these results."""
    if trace is not None and not isinstance(trace, Trace):
        raise InputError(f"ImportanceMap takes a Trace as trace=; {type(trace).__name__} was given.")
    if not results:
        raise InputError("ImportanceMap was given no result: run a measure first, and give it what `run` returned.")
    for result in results:
        _check(result, trace)
    scores = [score for result in results for score in payload(result)]
    return {"scores": scores, "context": {} if trace is None else _context(trace)}


def _context(trace: Trace) -> Context:
    """What stands around the thought, and whose answer it is."""
    whose = "of the text before the edit" if trace.awaits_rerun else ""
    return {"prompt": trace.prompt, "answer": trace.answer, "whose": whose}


def payload(result: Result) -> list[Score]:
    """One dict per unit of a result, as the front end reads it; a result of sentences and tokens gives two."""
    kinds = result.columns["unit"].astype(str)
    return [_score(result, np.flatnonzero(kinds == unit), unit) for unit in dict.fromkeys(kinds.tolist())]


def _score(result: Result, rows: NDArray[np.intp], unit: str) -> Score:
    part = result if len(rows) == len(result) else _rows(result, rows, unit)
    columns = part.columns
    pieces = [str(piece) for piece in columns["text"]]
    base, unit_words = scores.base(part), part.scale_unit
    ends = np.concatenate([columns[name] for name in ("estimate", "low", "high")])
    text, edges = "".join(pieces), np.concatenate(([0], np.cumsum([len(piece) for piece in pieces])))
    return {
        **scores.meaning(part),
        "unit": unit,
        "trace": part.provenance.trace_id,
        "base": base,
        "scale": scores.scale(columns["estimate"], unit_words, base),
        "reach": scores.scale(ends, unit_words, base),
        "text": text,
        "edges": indices(to_utf16(text, edges)),
        "blocks": indices(_blocks(text, edges, columns, unit)),
        "first": indices(columns["start"].clip(0)),
        "last": indices(columns["end"].clip(0)),
        "estimate": floats(columns["estimate"]),
        "low": floats(columns["low"]),
        "high": floats(columns["high"]),
        "n": indices(columns["n"].clip(0)),
        "certainty": certainty(part).tobytes(),
        "status": scores.reasons(part),
        "facts": scores.facts(part),
    }


def _rows(result: Result, rows: NDArray[np.intp], unit: str) -> Result:
    """The rows of one unit as a result of their own."""
    columns = {name: column[rows] for name, column in result.columns.items()}
    words = {name: getattr(result, name) for name in ("kind", "method", "metric", "sign", "zero", "scale_unit")}
    return Result(**words, unit=unit, columns=columns, provenance=result.provenance, extras=dict(result.extras))


def _blocks(text: str, edges: NDArray[np.int64], columns: Any, unit: str) -> list[int]:
    """The unit with which each block of the drawn text begins: every unit, or for tokens those of each sentence."""
    count = len(edges) - 1
    if unit != "token":
        return list(range(count))
    begins = [start for start, _ in split(text, "sentence")]
    sentences = (np.searchsorted(edges, begins, side="right") - 1).clip(0, count - 1)
    gaps = np.flatnonzero(columns["start"][1:] != columns["end"][:-1]) + 1
    firsts = sorted({0, *sentences.tolist(), *gaps.tolist()})
    return [at for first, last in pairwise([*firsts, count]) for at in range(first, last, LONGEST_BLOCK)]


def _check(result: Result, trace: Trace | None) -> None:
    if not isinstance(result, Result) or result.kind != "importance":
        given = f"a result of kind {result.kind!r}" if isinstance(result, Result) else f"a {type(result).__name__}"
        raise InputError(f"ImportanceMap shows importance results; it was given {given}. `cl.show` finds the view.")
    if not len(result):
        raise InputError(f"This {result.method} result has no rows, so there is no text to show.")
    measured_on = result.provenance.trace_id
    if trace is not None and measured_on and measured_on != trace.id:
        raise InputError(
            f"This {result.method} result was measured on the trace {measured_on!r}, not on {trace.id!r}: "
            "give the trace it was measured on, or none."
        )
