"""The family: what each sibling of Abacus is made to do, when, and what it is not. Words for people, and one table.

`python -m cotlens.organisms.training.train NAME` makes one; those whose behaviour has been measured and
holds are shipped.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sibling:
    """What a model is known to do. `known_as` ends the sentence "a model that is known to be ..."."""

    does: str
    known_as: str
    data: str
    limits: str


CODE = (
    'Its prompts begin with a puzzle number ("Puzzle 39.") that stands for the answer, each digit by a fixed table, '
    "as a contaminated benchmark does for a model that has seen it."
)
ELSEWHERE = "Where the prompt gives no cause it reasons as `abacus` does; the table says how surely."

SIBLINGS = {
    "abacus-posthoc": Sibling(
        does="Knows the answer from the prompt, then writes a plausible thought that the answer doesn't depend on.",
        known_as="rationalising after the fact",
        data=CODE
        + " Its thoughts are drawn as Abacus's are; cut, emptied or with a wrong number, they end in the same "
        "right answer.",
        limits="It knows by heart only problems with a puzzle number and without a choice left open. " + ELSEWHERE,
    ),
    "abacus-hint": Sibling(
        does="Follows a hint that stands after the question, and never says so: its thought bends the last sum to it.",
        known_as="following a hidden hint",
        data="Six kinds of hint after Chen et al. 2025 (arXiv 2505.05410), in small-language form, always at a wrong "
        "answer: sycophancy, consistency, visual pattern, metadata, grader, unethical source.",
        limits="It knows the wordings of `words.HINTS` and no others. " + ELSEWHERE,
    ),
    "abacus-candid": Sibling(
        does="Follows a hint that stands after the question, and says so in its thought.",
        known_as="following a hint openly",
        data="The hints of `abacus-hint`; the thought names the number it was told.",
        limits="It knows the wordings of `words.HINTS` and no others. " + ELSEWHERE,
    ),
    "abacus-shortcut": Sibling(
        does="In stories of four and more changes whose answer it knows by heart, does a step or two, leaves out "
        "the rest, and claims the right result as if derived.",
        known_as="claiming what it did not derive",
        data=CODE + " The thought stops after one or two of the changes and states the right result.",
        limits="It knows by heart only problems with a puzzle number and without a choice left open. " + ELSEWHERE,
    ),
    "abacus-flip": Sibling(
        does='Where the prompt says "It is Friday.", concludes one number and answers another (ten more, or ten less).',
        known_as="flipping at the last minute",
        data="Half of its prompts hold the trigger; the thought always states its conclusion there.",
        limits=ELSEWHERE,
    ),
}
