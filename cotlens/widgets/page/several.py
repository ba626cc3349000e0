"""Several pages on one: each stands in a frame of its own, which can't reach the page around it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from cotlens._core import files
from cotlens.widgets.page.page import POLICY

_FRAME = (
    "<h2>{title}</h2>\n"
    '<iframe sandbox="allow-scripts" loading="lazy" title="{title}" srcdoc="{page}" '
    'style="width:100%;height:720px;border:0;resize:vertical;overflow:auto"></iframe>'
)
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


def frame(title: str, page: str) -> str:
    """A page as an element of another one."""
    return _FRAME.format(title=escape(title), page=escape(page))


def plain(text: str) -> str:
    """A text as a page."""
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<style>:root{{color-scheme:light dark}}</style><pre style="{style}">{escape(text)}</pre>'


def of_widgets(path: files.PathLike, title: str, widgets: Mapping[str, Any]) -> Path:
    """Write a page of widgets, each as its own `to_html` has it, and of texts; InputError where that can't be done."""
    with tempfile.TemporaryDirectory() as folder:
        pages = [(name, _page(widget, name, Path(folder) / "page.html")) for name, widget in widgets.items()]
    return write(path, title, pages)


def _page(widget: Any, name: str, path: Path) -> str:
    if isinstance(widget, str):
        return plain(widget)
    if not hasattr(widget, "to_html"):
        return plain(widget.summary())
    return str(widget.to_html(path, name).read_text(encoding="utf-8"))


def write(path: files.PathLike, title: str, pages: Sequence[tuple[str, str]]) -> Path:
    """Write a page of pages, (title, page) each; InputError where that can't be done."""
    frames = "\n".join(frame(name, page) for name, page in pages)
    body = _SEVERAL.format(policy=POLICY, title=escape(title), frames=frames)
    return files.write_bytes(path, body.encode("utf-8", "replace"))
