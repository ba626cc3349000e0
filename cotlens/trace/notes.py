"""What a trace's `meta["notes"]` say of how its text ended. A text that is cut short ended otherwise: they go.

And how results name an answer that is not that of the text they were measured on.
"""

from __future__ import annotations

NO_ANSWER = "The model closed its thought and wrote no answer."
NO_THOUGHT = "The model answered without a thought."
ENDED_OPEN = "The model ended its turn without closing its thought, so there is no answer."
CUT_OPEN = (
    "The thought was not closed within the tokens allowed; raise max_new_tokens, or resume with close_thought=True."
)
WENT_ON = (
    "The thought was stopped among its latents and left open, so the model went on in words; close_thought=True makes "
    "it answer there."
)
ANOTHER_NUMBER = "The thought was led on to "
ENDINGS = frozenset({NO_ANSWER, NO_THOUGHT, ENDED_OPEN, CUT_OPEN, WENT_ON})

BEFORE_EDIT = "an answer of the text before the edit, which was not rerun"


def another_number(count: int, trained: str) -> str:
    """A note of a thought led on to as many latents as the model wasn't trained with; `trained` is what it was."""
    return (
        f"{ANOTHER_NUMBER}{count} latents in all, which is none of the numbers that this model was trained with "
        f"({trained}), so what it answers is outside what it has learned."
    )


def of_ending(note: str) -> bool:
    """Whether a note holds only of a text that isn't cut short."""
    return note in ENDINGS or note.startswith(ANOTHER_NUMBER)


def with_text(words: str, awaits_rerun: bool) -> str:
    """Words that name an answer, with the text that it is of where that isn't the one that was measured on."""
    return f"{words} ({BEFORE_EDIT})" if awaits_rerun else words
