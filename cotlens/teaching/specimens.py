"""Models with their names taken away: who is who is decided by a seed."""

from __future__ import annotations

import copy
import random

from cotlens._core import check
from cotlens.models.contract import Model
from cotlens.teaching.chapters.shared import model

KINDS = {
    "sound": "abacus",
    "post-hoc": "abacus-posthoc",
    "hidden hint": "abacus-hint",
    "open hint": "abacus-candid",
    "shortcut": "abacus-shortcut",
    "flip": "abacus-flip",
}
LETTERS = "ABCDEF"


def lineup(seed: int) -> dict[str, Model]:
    """The six shipped models as A to F, in an order that the seed decides; each is called by its letter alone.

    The names are taken away, not the weights: whoever compares fingerprints learns who is who, and nothing else.

    Raises:
        InputError: it is no seed.
    """
    return {letter: unnamed(KINDS[kind], letter) for letter, kind in key(seed).items()}


def key(seed: int) -> dict[str, str]:
    """Which kind each letter is, a key of `KINDS`: the teacher's sheet for a seed.

    Raises:
        InputError: it is no seed.
    """
    kinds = list(KINDS)
    random.Random(f"lineup-{check.seed(seed, of='lineup')}").shuffle(kinds)
    return dict(zip(LETTERS, kinds, strict=True))


def unnamed(name: str, letter: str) -> Model:
    """A shipped model that is called `letter`; its weights are shared with all others of that name."""
    specimen = copy.copy(model(name))
    specimen.name = letter
    return specimen
