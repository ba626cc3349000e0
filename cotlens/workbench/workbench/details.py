"""Details: where the shown text and its scores come from, as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets

from cotlens.results import Result
from cotlens.results.summary import MOST, escaped, one_line
from cotlens.trace import Trace
from cotlens.widgets.page.facts import provenance
from cotlens.widgets.shared.bundles import Told

Facts = Sequence[tuple[str, str]]
_FRAME = '<div style="border:1px solid var(--jp-border-color2,#8886);border-radius:8px;padding:0 12px 8px">{}</div>'
_PART = (
    '<h4 style="margin:8px 0 2px">{}</h4>'
    '<pre style="margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;line-height:1.5">{}</pre>'
)


class Details(Told, ipywidgets.HTML):
    """(heading, text) below each other. What they say is text: nothing in it is read as HTML.

    Attributes:
        facts: what is shown.
    """

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.show(facts)

    def show(self, facts: Facts) -> None:
        """Show these in place of those before."""
        self.facts = tuple(facts)
        self.value = _FRAME.format("".join(_PART.format(escape(heading), escape(text)) for heading, text in self.facts))

    def summary(self, *, markdown: bool = False) -> str:
        """The facts in words."""
        said = "\n\n".join(f"{heading}\n{text}" for heading, text in self.facts)
        return (escaped(said) if markdown else said)[:MOST]


def facts_of(trace: Trace, result: Result | None, code: str) -> Facts:
    """What is to be known of a trace, of what was measured on it, and how both are made again."""
    roles = ", ".join(f"{role} {span.end - span.start:,}" for role, span in trace.roles.items())
    told = {"id": trace.id, "tokens": f"{len(trace.token_ids):,} ({roles})", **trace.meta}
    lines = "\n".join(f"{name}: {one_line(str(value), 300)}" for name, value in told.items())
    return [("trace", lines), *([] if result is None else [provenance(result)]), ("code", code)]
