r"""The reader of `\boxed{...}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens.trace.answers.answer import Answer, AnswerForm
from cotlens.trace.answers.search.order import Search
from cotlens.trace.answers.search.statements import Place
from cotlens.trace.values.normal import normal_form


@dataclass(frozen=True)
class Boxed:
    r"""The content of the last `\boxed{...}` or `\fbox{...}` whose braces balance, or of `\boxed 5`.

    What means the same has one normal form (`cotlens.trace.values.normal`): `\dfrac34` and `0.75`, `\$18` and `18`,
    `(1, 2)` and `(1,2)`, `2\,m` and `2`.
    """

    suffix: str = "The final answer is \\boxed{"
    terminator: str = "}"
    name: ClassVar[str] = "boxed"
    seeks: ClassVar[str] = "a complete \\boxed{...}"

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The one form in which this reader forces an answer."""
        return (AnswerForm(self.name, self.suffix, self.terminator),)

    def normal(self, surface: str) -> str:
        """The value without unit, currency and markup, in its normal form."""
        return normal_form(surface)

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        r"""The last complete box in `text`; one without an end is passed over, unless the text was cut off in it."""
        search = Search.of(text, finished)
        place = search.boxed(content)
        return search.answer(place, self.name, normal_form)


def content(text: str, start: int, end: int) -> Place | None:
    """All that a box holds."""
    return Place(start, end, "text")
