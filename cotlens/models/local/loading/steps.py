"""The steps of loading, said as they begin: how far it is, and what it is doing."""

from __future__ import annotations

from pathlib import Path

from cotlens._core import control
from cotlens._core.progress import DETAIL

CONFIG, TOKENIZER, WEIGHTS, SCORING, INSIDE = STEPS = (
    "reading its config",
    "reading its tokenizer",
    "reading its weights",
    "trying how it scores",
    "trying what can be read and changed",
)


def begin(name: str, step: str) -> None:
    """A step of loading the model `name` begins."""
    control.current().report(STEPS.index(step), len(STEPS), f"loading {_short(name)}{DETAIL}{step}")


def done(name: str) -> None:
    """All steps are over."""
    control.current().report(len(STEPS), len(STEPS), f"loading {_short(name)}")


def _short(name: str) -> str:
    """A name that holds nothing that would end the stage of a label."""
    return (Path(name).name or name).split(DETAIL)[0]
