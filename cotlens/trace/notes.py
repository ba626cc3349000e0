"""What a trace's `meta["notes"]` say of how its text ended. A text that is cut short ended otherwise: they go."""

from __future__ import annotations

NO_ANSWER = "The model closed its thought and wrote no answer."
NO_THOUGHT = "The model answered without a thought."
ENDED_OPEN = "The model ended its turn without closing its thought, so there is no answer."
CUT_OPEN = (
    "The thought was not closed within the tokens allowed; raise max_new_tokens, or resume with close_thought=True."
)
ENDINGS = frozenset({NO_ANSWER, NO_THOUGHT, ENDED_OPEN, CUT_OPEN})
