"""What a measure is evidence of, from what it does to the thought.

Results of different edit types are not interchangeable: what is read from a sentence, what an unusual edit does, and
what would have happened without the sentence are three questions.
"""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """Whether a measure is evidence of causation: "yes", "of the edit" or "no", and why in a few words."""

    causal: str
    why: str


_UNSTATED = Evidence("no", "the result doesn't say what was done to the thought")
_TABLE = (  # the first that the edit type begins with
    ("on-policy", Evidence("yes", "the model itself went on from its own unedited prefix")),
    ("resampled", Evidence("yes", "the model itself wrote another sentence there")),
    ("off-policy", Evidence("of the edit", "the model went on from text that it would hardly have written")),
    ("truncated", Evidence("of the edit", "the thought was cut off, so effects through later text are missed")),
    ("teacher-forced", Evidence("no", "the old continuation was scored and nothing was written again")),
    ("attention-level, observed", Evidence("no", "attention was looked at and nothing was changed")),
    ("attention", Evidence("no", "it says what is read, not what would have been written without it")),
    ("activation", Evidence("no", "states the model never has by itself; it says what is read")),
    ("read as written", Evidence("no", "the text was read and nothing was changed")),
    ("first-order", Evidence("no", "a local slope; nothing was changed")),
)


def evidence(edit_type: str) -> Evidence:
    """What results with this `edit_type` are evidence of."""
    steps = [part.strip() for part in edit_type.lower().split(", then ")]  # the last step decides
    return next((found for begin, found in _TABLE if steps[-1].startswith(begin)), _UNSTATED)
