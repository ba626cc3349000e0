"""Several pages on one: each stands in a frame of its own, which can't reach the page around it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from cotlens._core import files
from cotlens.widgets.page.page import POLICY

_FRAME = (
    "<h2>{title}</h2>\n"
    '<iframe sandbox="allow-scripts" loading="lazy" title="{title}" srcdoc="{page}" '
    'style="width:100%;height:{height}px;border:0;resize:vertical;overflow:auto"></iframe>'
)
TALL = 720  # pixels: a view, or a long text, which scrolls
_LINE, _LINE_LENGTH = 20, 90  # pixels, characters
_SEVERAL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{margin:0;padding:16px;font:14px/1.45 system-ui,sans-serif}}
main{{max-width:1432px;margin:0 auto}}
h1{{font-size:22px;margin:8px 0}}
h2{{font-size:16px;margin:24px 0 8px}}
</style>
</head>
<body>
<main><h1>{title}</h1>
{frames}
</main>
</body>
</html>
"""


def frame(title: str, page: str, height: int = TALL) -> str:
    """A page as an element of another one, so many pixels high at first."""
    return _FRAME.format(title=escape(title), page=escape(page), height=height)


def plain(text: str) -> str:
    """A text as a page."""
    style = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/20px ui-monospace,monospace"
    return f'<style>:root{{color-scheme:light dark}}</style><pre style="{style}">{escape(text)}</pre>'


def of_widgets(path: files.PathLike, title: str, widgets: Mapping[str, Any]) -> Path:
    """Write a page of widgets, each as its own `to_html` has it, and of texts; InputError where that can't be done."""
    with tempfile.TemporaryDirectory() as folder:
        frames = [_framed(name, widget, Path(folder) / "page.html") for name, widget in widgets.items()]
    body = _SEVERAL.format(policy=POLICY, title=escape(title), frames="\n".join(frames))
    return files.write_bytes(path, body.encode("utf-8", "replace"))


def _framed(name: str, shown: Any, path: Path) -> str:
    if isinstance(shown, str) or not hasattr(shown, "to_html"):
        text = shown if isinstance(shown, str) else shown.summary()
        lines = sum(1 + len(line) // _LINE_LENGTH for line in text.splitlines())
        return frame(name, plain(text), min(TALL, _LINE * lines + 2 * _LINE))
    page = str(shown.to_html(path, name).read_text(encoding="utf-8"))
    return frame(name, page.replace(f"<h1>{escape(name)}</h1>", "", 1))  # it stands above the frame
