"""Whether the text that a provider calls reasoning is what the model wrote.

Claude returns its full thinking in version 3.7 and a summary since version 4; Gemini and the o and gpt-5 series of
OpenAI return summaries only. Each says so in its documentation of reasoning. What is open can be read in full.
"""

from __future__ import annotations

import re

_SUMMARISED = re.compile(
    r"(?:^|[/.:@ ])(?:claude(?!.*3[-.]7)|gemini|gpt-(?:[5-9]|[1-9]\d)|o[1-9](?:$|-)|codex)", re.IGNORECASE
)


def status_of(model: str, *, signed: bool = False) -> str:
    """Status of a thought that came as text.

    Args:
        model: who wrote it; "" where that isn't known.
        signed: whether it came with a signature, as those of Claude do.
    """
    return "summary" if _SUMMARISED.search(model) or (signed and not model) else "verbatim"


def status_within(model: str) -> str:
    """Status of a thought that stands between markers in what a model said: its own, except Gemini's.

    Google's endpoint for clients of OpenAI writes its summaries there; others mark what the model itself wrote.
    """
    return "summary" if "gemini" in model.lower() else "verbatim"
