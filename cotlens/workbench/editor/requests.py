"""What the editor's view asks for, validated: a message becomes a request about one trace.

A request about a text carries the id of the document that was shown when it was made. Messages may wait while a cell
runs, and by the time one is read another branch may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness import CueDiff
from cotlens.measure.importance.shared.units import units
from cotlens.measure.lenses.affine import AffineLens
from cotlens.measure.lenses.logit import LogitLens
from cotlens.measure.probes.reading import Reading
from cotlens.trace import Trace
from cotlens.widgets.protocol.editor import REQUESTS
from cotlens.widgets.shared.encoding import from_utf16
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.editor.measure_menu import ShadingSettings
from cotlens.workbench.editor.resampling import MOST
from cotlens.workbench.shared.messages import fields_of

ENDS = ("truncate", "rerun")
"""Kinds that may also mean the place after the last token."""

MOST_DRAWN = 10_000  # rollouts from each place
LONGEST_TARGET = 1_000  # characters


@dataclass(frozen=True)
class Request:
    """One message of the view. Character positions are code points of the document's text by now.

    Args:
        confirmed: the cost was seen, so what takes long may begin.
        force: rollouts without an answer are asked for one.
    """

    id: int
    kind: str
    document: str = ""
    token: int = 0
    token_id: int = 0
    start: int = 0
    end: int = 0
    text: str = ""
    measure: str = ""
    unit: str = ""
    metric: str = ""
    n: int = 0
    target: str = ""
    reader: str = ""
    spans: tuple[tuple[int, int], ...] | None = None
    confirmed: bool = False
    force: bool = False
    branch: str = ""
    thought: int = 0
    job: int | None = None
    of: int = 0
    max_new_tokens: int = 0
    temperature: float = 0.0
    places: tuple[float, ...] = ()
    effect: str = "total"
    donor: str = ""
    last: int = 0

    def shading(self, limits: tuple[tuple[str, Any], ...], given: Mapping[str, Any]) -> ShadingSettings:
        """What a "measure" wants to see, apart from its spans; raises as that does."""
        cue = given.get("cue", "")
        wanted = ShadingSettings(
            self.measure, self.unit, self.metric, self.n, target=self.target, limits=limits, cue=cue
        )
        return replace(wanted, inside=given.get(wanted.entry.reads))


def parse(content: Any, tree: Tree) -> Request:
    """A message as a request about one of the traces in `tree`.

    Raises:
        InputError: it is of no known kind, lacks a field, or points to an unknown trace or outside of it.
    """
    fields = fields_of(content, REQUESTS, "editor")
    kind = fields["kind"]
    if kind == "measure":
        _check_measure(fields)
    trace = (tree.holding(fields["document"]) if "document" in fields else tree.current).trace
    last = len(trace.token_ids) - (kind not in ENDS)
    if "token" in fields and not 0 <= fields["token"] <= last:
        raise InputError(
            f"Token {fields['token']} is not in this trace: it has the tokens 0 to {len(trace.token_ids) - 1}."
        )
    if "places" in fields:
        fields["places"] = tuple(fields["places"])
    if kind == "resample" and not 1 <= fields["n"] <= MOST:
        raise InputError(f"A branch is written again 1 to {MOST:,} times; {fields['n']:,} were asked for.")
    if kind == "edit":
        fields["start"], fields["end"] = _characters(trace, "edit", fields["start"], fields["end"])
    if fields.get("spans") is not None:
        fields["spans"] = tuple(_span(trace, each) for each in fields["spans"])
    return Request(**fields)


def _check_measure(fields: dict[str, Any]) -> None:
    check.whole("n", fields.get("n", 0), 0, MOST_DRAWN, of="The editor")
    if len(fields.get("target", "")) > LONGEST_TARGET:
        raise InputError(
            f"An answer to follow has {LONGEST_TARGET:,} characters at most; {len(fields['target']):,} were given."
        )


def _span(trace: Trace, each: Any) -> tuple[int, int]:
    if not isinstance(each, list) or len(each) != 2 or not all(type(end) is int for end in each):
        raise InputError(f"A span was given as {repr(each)}: give the characters it starts at and ends before.")
    return _characters(trace, "span", *each)


def chosen_spans(trace: Trace, given: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in the order of the text; InputError where one leaves the thought or overlaps another one."""
    return tuple((span.char_start, span.char_end) for span in units(trace, "span", given)) if given else ()


def told(trace: Trace, cue: str, lens: Any, probe: Any) -> dict[str, Any]:
    """What an editor was given to ask with: "cue", "lens" and "probe", those that are there.

    Raises:
        InputError: the prompt doesn't say the cue exactly once, or the others can't read under a sentence.
    """
    if check.text("cue", cue, of="CoTEditor"):
        CueDiff(cue=cue).check(trace)
    if lens is not None and not isinstance(lens, LogitLens | AffineLens):
        raise InputError(f"CoTEditor was given lens={lens!r:.60}: give a lens of cl.lenses that reads the next token.")
    if probe is not None:
        Reading(probe=probe)
    given = {"cue": cue, "lens": lens, "probe": probe}
    return {name: one for name, one in given.items() if one not in (None, "")}


def _characters(trace: Trace, what: str, *units: int) -> tuple[int, int]:
    """Positions in UTF-16 units as characters."""
    try:
        start, end = map(int, from_utf16(trace.text, list(units)))
    except (IndexError, OverflowError) as error:
        raise InputError(f"The {what} lies outside the trace: {error}") from error
    if end < start:
        raise InputError(f"The {what} ends before it starts ({units[0]} to {units[1]}): give its start first.")
    return start, end
