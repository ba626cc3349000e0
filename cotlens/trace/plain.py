"""Traces of plain text, without a tokenizer: good for looking at and for cutting into sentences."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from cotlens._core.errors import InputError
from cotlens.trace.prompts import Prompt, conversation
from cotlens.trace.record import TraceRecord

T = TypeVar("T", bound=TraceRecord)
NOTE = "Made from text without a model: tokens are words, and nothing can be measured or edited."

_WORD = re.compile(r"\s*\S+|\s+")
_GAP = "\n\n"


def from_text(kind: type[T], prompt: Prompt, thought: str, answer: str | None, model: Any) -> T:
    """See `Trace.from_text`; `kind` is the class of the trace."""
    if model is None:
        asked = conversation(prompt)
        thought, answer, notes = unmarked(thought, answer, "<think>", "</think>")
        texts = {"prompt": asked.text, "thought": thought, **({} if answer is None else {"answer": answer})}
        return _words(kind, texts, {**asked.meta, "notes": [NOTE, *notes]})
    trace = model.compose(prompt, thought, answer)
    if not isinstance(trace, kind):
        raise InputError(f"{type(model).__name__}.compose should give a Trace; it gave {type(trace).__name__}.")
    return trace


def unmarked(thought: str, answer: str | None, open: str, close: str) -> tuple[str, str | None, list[str]]:
    """A thought that was given with its markers, as thought and answer, and notes of what was made of them.

    Where the text begins with `open` and holds `close` after it, what stands between them is the thought and what
    follows the answer, if none was given. All other markers are characters like any others.

    Raises:
        InputError: thought or answer is no text.
    """
    for name, value in (("thought", thought), ("answer", "" if answer is None else answer)):
        if not isinstance(value, str):
            raise InputError(f"The {name} must be text; {type(value).__name__} was given.")
    inside, closed, rest = thought.strip().removeprefix(open).partition(close)
    if thought.lstrip().startswith(open) and closed and (answer is None or not rest.strip()):
        found = answer if answer is not None else rest.strip() or None
        return inside.strip(), found, [f"The thought was given between {open} and {close}; what follows is the answer."]
    held = [marker for marker in (open, close) if marker and marker in thought]
    notes = [f"The thought holds {' and '.join(held)} as text, not as markers."] if held else []
    return thought, answer, notes


def _words(kind: type[T], texts: dict[str, str], meta: dict[str, Any]) -> T:
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
    meta = {"finish": "given", "thought_closed": "answer" in texts, **meta}
    return kind.build([numbers[word] for word in words], pieces, role_tokens, meta=meta)
