"""What a person asks for: some latents in a row, each somewhere between the mean, its own place and a donor's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.method import check_setting
from cotlens.models.contract import EFFECTS
from cotlens.trace import Span, Trace
from cotlens.trace.latents import UNIT, name_of

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Move:
    """Latents and where they go.

    Args:
        first: number of the first, from 0.
        places: of each, -1 (the mean) over 0 (its own) to 1 (the donor's).
        effect: "total" or "direct".
        donor: id of the thought; "" where none is needed.
    """

    first: int
    places: tuple[float, ...]
    effect: str
    donor: str = ""

    @property
    def steps(self) -> range:
        """The latents, by number."""
        return range(self.first, self.first + len(self.places))

    @property
    def gives(self) -> bool:
        """Whether anything comes from the donor."""
        return any(place > 0 for place in self.places)

    def vectors(self, own: Floats, mean: Floats, donor: Floats | None) -> Floats:
        """What stands in their place, float32 [n, d_model]: on straight lines, whose ends are met exactly."""
        ends = [donor[step] if place > 0 and donor is not None else mean[step] for step, place in self._each()]
        shares = [np.float32(abs(place)) for place in self.places]
        found = [
            (1 - share) * own[step] + share * end for step, share, end in zip(self.steps, shares, ends, strict=True)
        ]
        return np.asarray(found, np.float32)

    def span(self, trace: Trace) -> Span:
        """Where they stand."""
        return span_of(trace, self.steps)

    def label(self, trace: Trace) -> str:
        """A few words: "latent 3 → mean"."""
        where = {-1.0: "mean", 1.0: "donor"}.get(self.places[0], "moved") if len(set(self.places)) == 1 else "moved"
        return f"{name_of(trace, self.span(trace))} → {where}"

    def code(self) -> str:
        """The line of Python that makes `vectors`; of `trace`, and what it is moved to."""
        terms = [f"{1 - abs(at):.6g} * trace.latents[{step}]" for step, at in self._each()]
        for row, (step, at) in enumerate(self._each()):
            if at:
                terms[row] += f" + {abs(at):.6g} * {'donor.latents' if at > 0 else 'mean'}[{step}]"
        return f"vectors = np.array([{', '.join(terms)}], np.float32)"

    def _each(self) -> list[tuple[int, float]]:
        return list(zip(self.steps, self.places, strict=True))


def move_of(trace: Trace, request: Any) -> Move:
    """What a "move" or "put" asks for.

    Raises:
        InputError: these aren't latents, or places outside -1 to 1.
    """
    first = number_of(trace, request.token)
    check_setting("The editor", "effect", request.effect, EFFECTS)
    places = [float(one) for one in request.places if type(one) in (int, float) and -1 <= one <= 1]
    if len(places) < len(request.places) or not 1 <= len(places) <= len(trace.latents) - first:
        raise InputError(
            f"Latents are moved to places from -1 (the mean) over 0 (their own) to 1 (the donor's), one for each of up "
            f"to {len(trace.latents) - first} from latent {first} on; {list(request.places)[:8]} were given."
        )
    # As few figures as a person sets, so that what is shown, put and written as code is one place.
    return Move(first, tuple(round(place, 4) for place in places), request.effect, request.donor)


def number_of(trace: Trace, token: int) -> int:
    """Which latent a token is; InputError where it is none."""
    found = np.flatnonzero(trace.latent_tokens == token)
    if not len(found):
        raise InputError(f"Token {token} is no latent: pick one of the thought's {len(trace.latents)} latents.")
    return int(found[0])


def span_of(trace: Trace, steps: Sequence[int]) -> Span:
    """Latents in a row as a span; InputError where words stand between them."""
    first, last = int(trace.latent_tokens[steps[0]]), int(trace.latent_tokens[steps[-1]]) + 1
    if last - first != len(steps):
        raise InputError(
            f"Words stand between latents {steps[0]} and {steps[-1]}: pick latents that follow one another."
        )
    at = int(trace.offsets[first])
    return Span(first, last, at, at, UNIT)
