"""In which words a forced answer is given: the form in which the trace answered, unless another is asked for.

The form is part of the question: the same thoughts answer with p = .11 in a box and .80 after "The answer is". So the
default is what the model itself did: the words of the trace from the beginning of the sentence to the value, where they
are short and hold no value of their own, else the reader's form by which the answer was read, else its first. With the
trace's own words, the forced answer after the whole thought is the very text that the model wrote. An edited trace
answers in the form of the trace it was made from, so that both can be compared.
"""

from __future__ import annotations

from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.answers import Answer, AnswerForm, AnswerReader
from cotlens.trace.splitting.splitters import sentence_starts

OWN = "own"
_LONGEST = 80  # characters of own words
_BRACKETS = {"}": "{", ")": "(", "]": "["}

Form = str | AnswerForm | None
"""None for the form in which the trace answered, "own" for its words, the name of one of its reader's forms, or any."""


def form_of(trace: Trace, model: Model, form: Form = None) -> AnswerForm:
    """The form to force answers in.

    Raises:
        InputError: the reader has no form of this name, or the trace no words of its own that lead to a value.
    """
    if isinstance(form, AnswerForm):
        return form
    reader = trace.reader if trace.reader is not None else model.reader
    named = {one.name: one for one in reader.forms}
    if form is not None and form != OWN:
        if form not in named:
            raise InputError(
                f"The reader {reader.name!r} has no form {form!r} to give an answer in. "
                f"{did_you_mean(form, [*named, OWN])}"
            )
        return named[form]
    text, answer = _answered(trace, reader)
    read_by = reader.forms[0] if answer is None else named.get(answer.form, reader.forms[0])
    own = None if answer is None else _own(text, answer, read_by, reader)
    if own is None and form == OWN:
        raise InputError(
            "This trace has no short words of its own that lead to its answer: give the name of one of its reader's "
            f"forms ({', '.join(named)}), or an AnswerForm."
        )
    return own or read_by


def check_form(method: str, form: Any) -> None:
    """Raise InputError unless `form` is None, a name or an AnswerForm."""
    if not (form is None or isinstance(form, str | AnswerForm)):
        raise InputError(
            f"{method} was given form={form!r}: give the name of one of the reader's forms, an AnswerForm, or None for "
            "the form in which the trace answered."
        )


def described(form: AnswerForm) -> dict[str, str]:
    """A form as data, with its exact words."""
    return {"name": form.name, "suffix": form.suffix, "terminator": form.terminator}


def _answered(trace: Trace, reader: AnswerReader) -> tuple[str, Answer | None]:
    """The answer's text and the answer in it, of the trace or the nearest that it was made from."""
    for step in reversed(trace.path()):
        if "answer" in step.roles and (answer := reader.read(step.answer, finished=step.finished)) is not None:
            return step.answer, answer
    return "", None


def _own(text: str, answer: Answer, read_by: AnswerForm, reader: AnswerReader) -> AnswerForm | None:
    """The words before the value in its sentence; None where they are none, long, or hold a value themselves."""
    before = text[: answer.start]
    lead = before[max(sentence_starts(before)) :].lstrip()
    if not lead.strip() or len(lead) > _LONGEST or any(char.isdecimal() for char in lead):
        return None
    if answer.surface in lead or reader.read(lead) is not None:
        return None
    known = answer.form == read_by.name and _opened(lead, read_by.terminator)
    return AnswerForm(OWN, lead, read_by.terminator if known else "")


def _opened(lead: str, terminator: str) -> bool:
    """Whether a bracket that the terminator closes stands open."""
    bracket = _BRACKETS.get(terminator[:1])
    return bracket is None or lead.count(bracket) > lead.count(terminator[0])
