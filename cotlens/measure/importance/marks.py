"""What ground truth says against a measure: that it is at chance, or no better than a baseline without a model.

`marks.json` is made with the table of docs/truth.md, from the thoughts of the models that ship; on other models a
measure may do better or worse. A measure without a mark has none for one of two reasons: it was better, or not tested.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

from cotlens.measure.method import Method


def mark(method: Method) -> str:
    """The mark of a method with its settings, such as "at chance on ground truth"; "" where it has none."""
    found = (one for one in marks() if one["method"] == type(method).__name__)
    return next((str(one["mark"]) for one in found if _has(method, one["settings"])), "")


@lru_cache(maxsize=1)
def marks() -> tuple[dict[str, Any], ...]:
    """All marks: method, the settings that make it this measure, and the mark."""
    return tuple(json.loads(resources.files(__package__).joinpath("marks.json").read_text(encoding="utf-8")))


def _has(method: Method, settings: dict[str, Any]) -> bool:
    return all(getattr(method, name) == value for name, value in settings.items())
