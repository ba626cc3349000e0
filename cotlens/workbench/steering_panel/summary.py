"""A steering panel in words, for a script, an agent or a plain terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cotlens.results.summary import escaped, fitted, one_line, table
from cotlens.widgets.steering_panel import SteeringView

_REST = "panel.run has what was measured, panel.steered the text, panel.swept the last sweep, panel.code makes it again"
_TEXT = 300  # characters of each text


def tell(view: SteeringView, markdown: bool) -> str:
    """The dials, the verdict with the control beside it, both texts, and the figures of each."""
    say = escaped if markdown else str
    dials = [f"{one['name']} {dial['coefficient']:+.3g}" for one, dial in _dials(view)]
    found = view.findings
    said = [found["verdict"]["text"]] if found.get("verdict") else ["Nothing was measured yet: panel.wait()"]
    said += [f"Control: {found['control_verdict']}"] if found.get("control_verdict") else []
    texts = [("baseline", view.baseline), ("steered", view.steered.get("document"))]
    said += [f"{name}: {one_line(text['text'], _TEXT)}" for name, text in texts if text]
    head = f"**SteeringPanel** ({view.head['model']}, {view.head['where']}): {', '.join(dials) or 'no vector'}"
    names, rows = table(["text", "answer", "p", "perplexity", "tokens"], _cells(found), say)
    return fitted(
        [*map(say, [head, *said]), "", *names],
        rows,
        lambda _: f"{len(view.tries)} {'try' if len(view.tries) == 1 else 'tries'}; {_REST}",
    )


def _dials(view: SteeringView) -> Iterator[tuple[Any, Any]]:
    return zip(view.vectors, view.current["dials"], strict=False)  # one was just added


def _cells(found: Any) -> Iterator[tuple[Any, ...]]:
    for name in ("baseline", "unsteered", "steered", "control"):
        one = found.get(name)
        if one is not None:
            figures = (one["p"], one["perplexity"])
            said = ("not measured" if each is None else f"{each:.3g}" for each in figures)
            yield name, one["answer"], *said, one["tokens"]
