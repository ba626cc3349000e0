"""Many thoughts that a model writes itself, side by side: one prompt after the other takes several times as long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cotlens.models.contract import Start


def written(model: Any, prompts: Sequence[str], each: int = 1, **settings: Any) -> list[Any]:
    """Traces of thoughts and answers, `each` about the first prompt, then about the second, and so on.

    Args:
        settings: those of `model.rollouts`.
    """
    begun = [model.compose(prompt, "", None) for prompt in prompts]
    starts = [Start(trace, len(model.format.open(trace.prompt).ids), range(each)) for trace in begun]
    return [trace for some in model.rollouts(starts, **settings) for trace in some]
