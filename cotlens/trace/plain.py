"""Traces of plain text, without a tokenizer: good for looking at and for cutting into sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from cotlens.trace.trace import Trace

NOTE = "Made from text without a model: tokens are words, and nothing can be measured or edited."

_WORD = re.compile(r"\s*\S+|\s+")
_GAP = "\n\n"


def from_text(kind: type[Trace], prompt: str, thought: str, answer: str | None, model: Any) -> Trace:
    """See `Trace.from_text`; `kind` is the class of the trace."""
    for name, value in (("prompt", prompt), ("thought", thought), ("answer", "" if answer is None else answer)):
        if not isinstance(value, str):
            raise InputError(f"The {name} must be text; {type(value).__name__} was given.")
    if model is None:
        texts = {"prompt": prompt, "thought": thought, **({} if answer is None else {"answer": answer})}
        return _words(kind, texts)
    trace = model.compose(prompt, thought, answer)
    if not isinstance(trace, kind):
        raise InputError(f"{type(model).__name__}.compose should give a Trace; it gave {type(trace).__name__}.")
    return trace


def _words(kind: type[Trace], texts: dict[str, str]) -> Trace:
    """A trace whose tokens are words with the whitespace before them; equal words have equal ids."""
    words: list[str] = []
    role_tokens: dict[str, tuple[int, int]] = {}
    for role, text in texts.items():
        if words:
            words.append(_GAP)
        found = _WORD.findall(text)
        role_tokens[role] = (len(words), len(words) + len(found))
        words.extend(found)
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    pieces = [word.encode("utf-8", "surrogatepass") for word in words]
    meta = {"finish": "given", "thought_closed": "answer" in texts, "notes": [NOTE]}
    return kind.build([numbers[word] for word in words], pieces, role_tokens, meta=meta)
