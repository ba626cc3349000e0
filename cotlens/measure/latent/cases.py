"""A problem whose thought in latents is understood: what each latent should say, and what follows from another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError


@dataclass(frozen=True)
class LatentCase:
    """A problem, and what is believed about the latents of a thought about it.

    Args:
        prompt: the question.
        answer: the right one, as it is written.
        says: for each latent the token that it should say.
        foretells: the answer that should follow if the latents of a group held what they hold in another case, from
            (the group's place among those of `decodable_and_used`, this case, the other case); None where none can be
            foretold.
        facts: whatever `foretells` needs to know of the problem.
    """

    prompt: str
    answer: str
    says: tuple[str, ...]
    foretells: Callable[[int, LatentCase, LatentCase], str | None]
    facts: Any = None

    def __post_init__(self) -> None:
        check.text("prompt", self.prompt, of="LatentCase")
        check.text("answer", self.answer, of="LatentCase")
        object.__setattr__(self, "says", tuple(check.texts("says", self.says, of="LatentCase")))
        if not self.says:
            raise InputError("LatentCase was given no latents in says=; give the token that each should say.")
        if not callable(self.foretells):
            raise InputError(f"LatentCase was given foretells={self.foretells!r:.60}; give a function.")
