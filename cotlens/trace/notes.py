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
ENDINGS = frozenset({NO_ANSWER, NO_THOUGHT, ENDED_OPEN, CUT_OPEN, WENT_ON})

BEFORE_EDIT = "an answer of the text before the edit, which was not rerun"


def with_text(words: str, awaits_rerun: bool) -> str:
    """Words that name an answer, with the text that it is of where that isn't the one that was measured on."""
    return f"{words} ({BEFORE_EDIT})" if awaits_rerun else words
