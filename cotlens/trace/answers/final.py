"""The default reader: what models write."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from cotlens.trace.answers.answer import Answer, AnswerForm
from cotlens.trace.answers.boxed import content
from cotlens.trace.answers.search.clauses import stated_value
from cotlens.trace.answers.search.options import options
from cotlens.trace.answers.search.order import Search
from cotlens.trace.answers.search.statements import Place
from cotlens.trace.values.normal import normal_form

BOXED, SAID, LETTER, VERDICT, NUMBER = "boxed", "said", "letter", "verdict", "number"

_LONGEST = 120  # characters of a last line that may choose an option
_LINE = re.compile(r"[\W_]*(?:(?i:option|choice)\s)?[\W_]*([A-Z])[\W_]*")
_ITEM = re.compile(r"[*_\s]*[(\[]?([A-Z])[)\].:][*_]*\s+\S.*")
_BRACKETED = re.compile(r".*(?<![\w)])[(\[]([A-Z])[)\][\W_]*")
_SMALL = re.compile(r"[\W_]*([a-z])[\W_]*")
_CONCLUDED = re.compile(r".*\b(?i:is|be|so|choose|pick|therefore|thus)[\s,:*_`(\[\"']+([A-Z])[\W_]*")
_YES_OR_NO = "(yes|no|true|false|oui|non|ja|nein|sí|да|нет|是|否)"
_YES = re.compile(rf"[\W_]*{_YES_OR_NO}[\W_]*", re.IGNORECASE)
_YES_SINCE = re.compile(rf"[\W_]*{_YES_OR_NO}\b[*_]*[,:;—–-]*\s+(?:because|since|as)\b", re.IGNORECASE)
_YES_THAT = re.compile(r"[\W_]*(yes|no)\b[*_]*,\s+(?:[^\s.!?]+\s+){2,20}[^\s.!?]+[.!]?\s*", re.IGNORECASE)
_LETTERS = "ABCDEFGHIJ"  # as many options as published tests of this kind have


@dataclass(frozen=True)
class FinalAnswer:
    r"""The answer in the forms in which models give it; `Answer.form` says in which it was found.

    In this order:

    - "boxed": the content of the last complete `\boxed{...}`;
    - "said": what is stated last: "the answer is", "Answer:", "####", a heading "Answer", "Therefore, ...";
    - "letter": an option that is called right ("the correct option is C", "B is correct"), stands alone, as all of the
      text or its last line, or ends it ("so it is C.");
    - "verdict": "yes", "no", "true" or "false" that is all of the text or its last line, or begins the only sentence;
    - "number": the last number of the text; where it has none, the last option A to E that stands apart is read.

    Args:
        suffix, terminator: how an answer is forced where a trace gave none in a form of its own; the first of `forms`.
    """

    suffix: str = "The answer is "
    terminator: str = "."
    name: ClassVar[str] = "final"
    seeks: ClassVar[str] = (
        "\\boxed{...}, words such as 'the answer is' or 'Answer:', a letter that stands alone, or a number"
    )

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """Said and boxed: an answer that was only a letter or number is forced as the first."""
        return (
            AnswerForm(SAID, self.suffix, self.terminator),
            AnswerForm(BOXED, "The final answer is \\boxed{", "}"),
        )

    def normal(self, surface: str) -> str:
        """The value without unit, currency and markup, in its normal form."""
        return normal_form(surface)

    def read(self, text: str, *, finished: bool = True) -> Answer | None:
        """The answer in `text`."""
        search = Search.of(text, finished)
        for form, find in _FORMS:
            place = find(search)
            if place is not None:
                return search.answer(place, form, normal_form)
        return None


def _verdict(search: Search) -> Place | None:
    """ "Yes" or "no" that is all of a finished text or its last line, or that a reason follows."""
    if not search.finished:
        return None
    text = search.text.rstrip()
    found = _YES.fullmatch(text, text.rfind("\n") + 1) or _YES_SINCE.match(text) or _YES_THAT.fullmatch(text)
    return Place(*found.span(1), "text") if found is not None else None


def _letter(search: Search) -> Place | None:
    """An option that is called right; else one that is all of a finished text or its last line, or that ends it."""
    stated = options(_LETTERS).stated(search)
    if stated is not None or not search.finished:
        return stated
    text = search.text.rstrip()
    begin = max(text.rfind("\n") + 1, len(text) - _LONGEST, search.rest)
    alone = not text[:begin].strip()
    for pattern in (_LINE, _ITEM, _BRACKETED, _SMALL) if alone else (_LINE, _BRACKETED):
        found = pattern.fullmatch(text, begin)
        if found is not None:
            return Place(*found.span(1), "letter")
    found = _CONCLUDED.fullmatch(text, begin)
    return Place(*found.span(1), "letter") if found is not None else None


_FORMS: tuple[tuple[str, Callable[[Search], Place | None]], ...] = (
    (BOXED, lambda search: search.upheld(content, stated_value)),
    (SAID, lambda search: search.stated(stated_value)),
    (LETTER, _letter),
    (VERDICT, _verdict),
    (NUMBER, lambda search: search.last_number()),
    (LETTER, lambda search: options(_LETTERS[:5]).apart(search)),  # where nothing else can be the answer
)
