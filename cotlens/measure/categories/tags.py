"""Categories of the sentences of one thought, each with who said so and how sure that is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.published_rollouts import Rollouts
from cotlens.trace import Span, Trace

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES = (
    "problem_setup",
    "plan_generation",
    "fact_retrieval",
    "active_computation",
    "result_consolidation",
    "uncertainty_management",
    "final_answer_emission",
    "self_checking",
    "unknown",
)
"""Of Bogdan et al. (2025), arXiv 2506.19143, appendix A."""

SOURCES = ("rules", "hand", "monitor", "published")


@dataclass(frozen=True, repr=False)
class Tags:
    """A category for each sentence of a trace's thought.

    Args:
        trace: whose thought it is.
        spans: of the n sentences.
        categories: n of `CATEGORIES`.
        sources: n of "rules", "hand", "monitor" and "published".
        confidences: n shares from 0 to 1 of how often the source is right where it says so; NaN where unknown.

    Raises:
        InputError: they are not as many as each other, or one is no category, source or share.
    """

    trace: Trace
    spans: tuple[Span, ...]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    confidences: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = {len(self.spans), len(self.categories), len(self.sources), len(self.confidences)}
        if len(sizes) > 1:
            raise InputError(f"{len(self.spans)} sentences need a category, a source and a confidence each.")
        for category, source in zip(self.categories, self.sources, strict=True):
            if category not in CATEGORIES:
                raise InputError(f"There is no category {category!r}. {did_you_mean(category, CATEGORIES)}")
            if source not in SOURCES:
                raise InputError(f"There is no source {source!r}. {did_you_mean(source, SOURCES)}")
        for value in self.confidences:
            if value == value:  # NaN is unknown
                check.number("confidences", value, 0, 1, of="Tags")

    def __len__(self) -> int:
        return len(self.spans)

    def __repr__(self) -> str:
        counts = {name: self.categories.count(name) for name in CATEGORIES if name in self.categories}
        return f"<Tags of {len(self)} sentences: {', '.join(f'{n} {name}' for name, n in counts.items())}>"

    def by_hand(self, categories: Mapping[int, str]) -> Tags:
        """The same with the categories that a person gives: sentence number -> category, with confidence 1.

        Raises:
            InputError: there is no such sentence or category.
        """
        for at in categories:
            check.whole("sentence", at, 0, len(self) - 1, of="Tags.by_hand")
        chosen = [categories.get(at) for at in range(len(self))]
        return dataclasses.replace(
            self,
            categories=tuple(new or old for new, old in zip(chosen, self.categories, strict=True)),
            sources=tuple("hand" if new else old for new, old in zip(chosen, self.sources, strict=True)),
            confidences=tuple(1.0 if new else old for new, old in zip(chosen, self.confidences, strict=True)),
        )

    def frame(self) -> pd.DataFrame:
        """A row per sentence: start, end (tokens), text, category, source, confidence."""
        import pandas as pd

        return pd.DataFrame(
            {
                "start": [span.start for span in self.spans],
                "end": [span.end for span in self.spans],
                "text": [self.trace.text[span.char_start : span.char_end] for span in self.spans],
                "category": self.categories,
                "source": self.sources,
                "confidence": self.confidences,
            }
        )


def published(rollouts: Rollouts) -> Tags:
    """The categories that were published with rollouts, which a language model assigned.

    Raises:
        InputError: none were published, or one is not among `CATEGORIES`.
    """
    found = rollouts.problem.words("function_tags")
    if not any(found):
        raise InputError(
            f"{rollouts.name} publishes no categories; assign them with cl.categories.tag(rollouts.trace)."
        )
    n = len(found)
    named = tuple(name or "unknown" for name in found)
    return Tags(rollouts.trace, rollouts.spans, named, ("published",) * n, (float("nan"),) * n)
