"""How a model is called in a view."""

from __future__ import annotations

from pathlib import Path


def shown_name(model: str) -> str:
    """A model of a folder or a file by that one's name alone: the way to it is this machine's business.

    What loads it again (`code`, a script) has the whole name.
    """
    return Path(model).name if Path(model).is_absolute() else model
