"""Stopping a thought and forcing an answer: which tokens to score after a prefix."""

from __future__ import annotations

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.models.chat_formats.format import Format
from cotlens.models.contract import AnswerBranch
from cotlens.models.generation.traces import begin_of, text_before
from cotlens.trace import Trace
from cotlens.trace.align import char_offsets, tokens_covering
from cotlens.trace.answers import AnswerForm

AnswerBranches = dict[tuple[str, ...], AnswerBranch]
_MOST_KNOWN = 4096
_MARKER = 32  # characters that hold any family's opening marker


def answer_branch(
    form: Format, written: AnswerForm, trace: Trace, at: int, value: str, known: AnswerBranches
) -> AnswerBranch:
    """Tokens that, placed after `trace.token_ids[:at]`, close the thought there and answer `value`.

    Args:
        written: how the answer is written down: what leads to the value, and what follows it.
        known: answers written before; they depend on the text before `at` by its last characters only.

    Raises:
        InputError: `at` is not in the thought or just after it, the trace has no thought, or `value` is empty.
    """
    at, value = check.whole("at", at), check.text("value", value)
    thought = trace.roles.get("thought")
    if thought is None and not form.plain:
        raise InputError("This trace has no thought that could be stopped; the model answered without one.")
    first = thought.start if thought is not None else begin_of(trace)
    last = thought.end if thought is not None else len(trace.token_ids)
    if not first <= at <= last:
        raise InputError(f"Token {at} is not in the thought; choose {first} (no thought at all) to {last} (all of it).")
    if not value:
        raise InputError(f"The answer to be scored is empty; give the value that should follow {written.suffix!r}.")
    reach = _MARKER if at == first else 1
    key = (text_before(trace, at, reach), written.suffix, value, written.terminator)
    if key not in known:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[key] = _branch(form, *key)
    return known[key]


def _branch(form: Format, before: str, suffix: str, value: str, terminator: str) -> AnswerBranch:
    ids = form.closing(before, suffix + value)
    text, offsets = char_offsets(form.codec.pieces(ids))
    start = len(text) - len(value)
    if text[start:] != value:  # a tokenizer that normalises text
        start = text.rfind(value)
    if start < 0:
        raise InputError(f"The answer {value!r} can't be written with this model's tokenizer.")
    first, last = tokens_covering(offsets, start, start + len(value))
    ending = form.endings.of(value, terminator, text[int(offsets[-2]) :])
    return AnswerBranch(tuple(ids), first, last, ending)
