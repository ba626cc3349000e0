"""Writes a view as a page: its script, its style and its traits in one file."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cotlens._core import files
from cotlens._core.text import data_without_halves
from cotlens.results.provenance import versions
from cotlens.widgets.page.recording import STILL, Recording, Traits

Facts = Sequence[tuple[str, str]]

HOST = Path(__file__).with_name("host.js")
NO_KERNEL = "This is a saved page, without a kernel: all that was measured can be read; to go on, open the notebook."
# Nothing may be fetched, and nothing sent: a page that tried to would be stopped by the browser.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root{color-scheme:light dark}
body{margin:0;padding:16px;font:14px/1.45 system-ui,sans-serif;background:#fff;color:#1c1c1c}
body[data-theme=dark]{background:#111;color:#e4e4e4}
main{max-width:1400px;margin:0 auto}
h1{font-size:18px;margin:0 0 12px}
footer{max-width:1400px;margin:16px auto 0;font-size:12.5px}
footer details{margin-top:4px}
footer pre{white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.5 ui-monospace,monospace}
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>{heading}<div id="view"></div>
<noscript>This page draws itself by a script that it carries; scripts are switched off here.</noscript></main>
{footer}
<script id="data" type="text/plain">{data}</script>
<script>{host}</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Page:
    """What a page holds.

    Args:
        title: its heading; none where it is a part of another page.
        script, style: of the view.
        traits: what the view shows; numbers as bytes, as they are sent to a notebook.
        recording: what the page can answer; by default nothing.
        facts: (heading, text): what is to be known of the numbers, below the view.
    """

    title: str
    script: str
    style: str
    traits: Traits
    recording: Recording = STILL
    facts: Facts = ()

    def html(self) -> str:
        """The page as text."""
        recording = self.recording
        data = {
            "script": self.script,
            "style": self.style,
            "traits": self.traits,
            "states": [{"traits": state.traits, "steps": state.steps} for state in recording.states],
            "answers": recording.answers,
            "refusal": recording.refusal,
        }
        return _PAGE.format(
            policy=POLICY,
            title=html.escape(self.title or "CoTLens"),
            heading=f"<h1>{html.escape(self.title)}</h1>" if self.title else "",
            style=_STYLE,
            footer=f"<footer>{self._footer()}</footer>" if self.title else "",
            data=_packed(data),
            host=HOST.read_text(encoding="utf-8"),
        )

    def write(self, path: files.PathLike) -> Path:
        """Write the page; InputError where that can't be done."""
        return files.write_bytes(path, self.html().encode("utf-8", "replace"))

    def _footer(self) -> str:
        written = f"Written by CoTLens {versions().get('cotlens', '')} on {datetime.now(UTC).date().isoformat()}."
        return f"{written} {html.escape(NO_KERNEL)}{''.join(map(_fact, self.facts))}"


def _fact(fact: tuple[str, str]) -> str:
    heading, text = map(html.escape, fact)
    return f"<details><summary>{heading}</summary><pre>{text}</pre></details>"


def _packed(data: Mapping[str, Any]) -> str:
    """JSON, in which bytes are {"$bytes": base64}, compressed, as base64: no text in it can end a script."""
    written = json.dumps(
        data_without_halves(data), default=_bytes, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return base64.b64encode(gzip.compress(written.encode("utf-8"), mtime=0)).decode("ascii")


def _bytes(value: Any) -> dict[str, str]:
    return {"$bytes": base64.b64encode(bytes(value)).decode("ascii")}
