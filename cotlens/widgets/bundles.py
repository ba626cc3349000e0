"""Where the built front end of each view lies."""

from __future__ import annotations

from pathlib import Path

from cotlens._core.errors import CotLensError

STATIC = Path(__file__).parent / "static"


class WidgetsNotBuilt(CotLensError, RuntimeError):
    """A view was made in an installation without its built front end."""


def bundle(name: str) -> Path | str:
    """The path of a built file, or "" when there is none: importing must work without the front end.

    A path, not the text, so that anywidget can reload the file while it is being developed.
    """
    path = STATIC / name
    return path if path.is_file() else ""


def require(view: str) -> None:
    """Raise `WidgetsNotBuilt` unless the script and the style of a view are there."""
    missing = [name for name in (f"{view}.js", f"{view}.css") if not (STATIC / name).is_file()]
    if missing:
        raise WidgetsNotBuilt(
            f"This installation has no built front end ({' and '.join(missing)} missing in {STATIC}): "
            "run `make widgets`, or install a released package."
        )
