"""Which latents are replaced together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared.groups import Group
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.spans import token_spans

Groups = int | tuple[tuple[int, ...], ...]
"""Latents that are replaced together: as many in a row, or their numbers from 0, a tuple for each row."""


def as_groups(method: str, given: Any) -> Groups:
    """The setting `groups` as it is kept.

    Raises:
        InputError: it is neither a number above 0 nor lists of latents.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return check.whole("groups", given, 1)
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise InputError(
            f"{method} was given groups={given!r:.60}: give how many latents in a row belong together, or a list of "
            "lists of their numbers from 0."
        )
    found = tuple(tuple(int(one) for one in check.indices("groups", part, of=method)) for part in given)
    if not found or not all(found):
        raise InputError(f"{method} was given no latents in groups={given!r:.60}: give at least one for each row.")
    for part in found:
        if len(set(part)) < len(part):
            raise InputError(f"{method} was given a latent twice in the group {list(part)}: give each once.")
    return tuple(tuple(sorted(part)) for part in found)


def members(trace: Trace, groups: Groups, what: str) -> list[tuple[int, ...]]:
    """The latents of each row, by their numbers from 0.

    Args:
        what: is asked of them by which measure, as the error has it ("LatentLens can read").

    Raises:
        InputError: the trace has no latents, or not these.
    """
    count = len(trace.latents)
    if not count:
        raise InputError(
            f"This trace has no latents that {what}; take a trace that a model which thinks in latents has written, as "
            "model.reason(prompt) does."
        )
    if isinstance(groups, int):
        if count % groups:
            raise InputError(
                f"groups={groups} doesn't divide the {count} latents of this trace; give a number that does, or the "
                "latents of each group."
            )
        return [tuple(range(first, first + groups)) for first in range(0, count, groups)]
    wrong = next((one for part in groups for one in part if not 0 <= one < count), None)
    if wrong is not None:
        raise InputError(f"There is no latent {wrong}; this trace has latents 0 to {count - 1}.")
    return list(groups)


def as_group(trace: Trace, part: Sequence[int]) -> Group:
    """A row's latents as units of the trace."""
    spans = [token_spans(trace.offsets, int(at), int(at) + 1)[0] for at in trace.latent_tokens[list(part)]]
    return Group(tuple(spans), name(part))


def name(part: Sequence[int]) -> str:
    """What a row's latents are called: "latent 3", "latents 3 and 4", "latents 0 to 4"."""
    if len(part) == 1:
        return f"latent {part[0]}"
    if list(part) == list(range(part[0], part[-1] + 1)) and len(part) > 2:
        return f"latents {part[0]} to {part[-1]}"
    return f"latents {', '.join(map(str, part[:-1]))} and {part[-1]}"


def mean_of(model: Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The mean of latents [n, d_model] as a latent of the model: of soft ones, a mixture of their mixtures."""
    assert model.latent_format is not None, "it was asked whether it can"
    return model.latent_format.feedback.mean


def check_continuous(model: Model, what: str) -> None:
    """Raise InputError where the model's latents are no points of a space."""
    if model.latent_format is not None and not model.latent_format.feedback.continuous:
        raise InputError(
            f"{what} adds a direction, and the latents of {model.name!r} are tokens with their probabilities; take "
            "mode='mean', 'zero' or 'donor'."
        )


def check_alike(trace: Trace, other: Trace, what: str) -> None:
    """Raise InputError unless another trace has as many latents, of the same model."""
    if len(other.latents) != len(trace.latents):
        raise InputError(
            f"The {what} has {len(other.latents)} latents and this thought {len(trace.latents)}, so they don't stand "
            "for one another; take one that was thought with as many."
        )
    check_same_model(trace, other, what)


def check_same_model(trace: Trace, other: Trace, what: str) -> None:
    """Raise InputError where the latents of another trace are of another width, or known to be of other weights."""
    if other.latents.shape[1:] != trace.latents.shape[1:]:
        raise InputError(
            f"The latents of the {what} are {other.latents.shape[1]} wide and this thought's "
            f"{trace.latents.shape[1]}; take one of the same model."
        )
    made = [one.meta.get("revision") for one in (trace, other)]
    if None not in made and made[0] != made[1]:
        raise InputError(
            f"The {what} was thought by another model ({other.meta.get('model', 'of other weights')}), to which the "
            f"same numbers mean something else; take one of {trace.meta.get('model', 'the same model')}."
        )
