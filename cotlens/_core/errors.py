"""The errors CoTLens raises on purpose.

Every message is one clear sentence: what was given, why it can't be, what to do. Catching `CotLensError`
catches them all; `InputError` is also a `ValueError` and `BackendError` also a `RuntimeError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CotLensError(Exception):
    """Base of every error that CoTLens raises on purpose."""


class InputError(CotLensError, ValueError):
    """Something the user gave can't be used: a name, an index, a text, a file."""


class CapabilityError(CotLensError):
    """The model or backend at hand can't do what was asked of it."""


class MissingPackage(CapabilityError, InputError):
    """A package of an extra isn't installed; the sentence says which extra brings it."""


class BackendError(CotLensError, RuntimeError):
    """A model or the machinery that runs it failed."""


class OutOfMemory(BackendError):
    """The device ran out of memory, also after the work was cut into smaller parts."""


class Cancelled(CotLensError):
    """The user cancelled the work; what was finished before is kept."""


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """One sentence that points from a mistaken name to the right ones.

    Names near `name` are suggested; when none is near, all `options` are listed.
    """
    known = list(options)
    folded = {option.lower(): option for option in known}
    near = difflib.get_close_matches(str(name).lower(), folded, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(folded[match]) for match in near)}?"
    if not known:
        return "There is none to choose from."
    return f"Choose one of {', '.join(map(repr, known))}."
