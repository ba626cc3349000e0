"""With which next tokens a value has ended.

A forced answer is scored as log p(value) + log p(the value ends there). Whether "15" is all of the answer or the
beginning of "150" is the model's to say, but it must not cost anything whether "." or "dollars" or the end of the turn
comes after it. So what ends a value is the total of all next tokens that don't go on with it:

- In a form that closes (`\\boxed{...}`, "**...**", "<answer>...</answer>") the value ends where the terminator begins,
  whatever comes with it in one token ("}", "}.", "}$"). Everything else goes on with what stands inside.
- Elsewhere a number goes on with a digit, with a separator and a digit in one token (",000", ".5", " 1" of "3 1/2"),
  with "/" or "^", or with a brace ("70{,}000"). After a lone "." or "," only the next token tells: a digit there goes
  on with the number, anything else has ended it, so that step is scored too. A lone space goes on where the tokenizer
  writes spaces at the beginning of words, for then only a digit can follow it.
- A word or letter goes on with a letter or digit that follows directly.
- Nothing goes on with a value that ends in another character ("15%", "(1, 2)"): it needs no ending.

Where a token holds the last piece of the value and its end in one ("}}" for the last brace of a fraction in a box), its
probability is added: it is the same text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property

import numpy as np

from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.contract.branches import Ending, TokenSet

_STOPS = ".,;:!?\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u060c\u061b\u061f\u06d4"
_SPACES = " \u00a0\u2009\u202f"
_ONWARD = re.compile(rf"[{_SPACES}.,'\u2019\u066b\u066c]?\d|[/^{{]")
_PENDING = (".", ",")
_CASED = ("Lu", "Ll", "Lt", "Nd")
Ends = Callable[[str], bool]


class Endings:
    """The endings of values in the tokens of one tokenizer; each set is made once."""

    def __init__(self, codec: HFCodec) -> None:
        self._codec = codec
        self._sets: dict[tuple[str, tuple[int, ...]], TokenSet] = {}
        self._known: dict[tuple[str, str, bool], Ending] = {}

    def of(self, value: str, terminator: str, last: str) -> Ending | None:
        """What tells that `value` has ended; None where nothing can go on with it.

        Args:
            terminator: of the form in which it is given.
            last: text of its last token.
        """
        mark = terminator.strip()
        kind = mark if mark and mark[0] not in _STOPS else _kind_of(value)
        if not kind:
            return None
        pends = kind == _NUMBER and "." not in value
        key = kind, last, pends
        if key not in self._known:
            self._known[key] = self._made(*key)
        return self._known[key]

    def _made(self, kind: str, last: str, pends: bool) -> Ending:
        ends = _RULES.get(kind) or _closes(kind)
        if kind == _NUMBER and self._spaces_lead:
            ends = _not_space(ends)
        pending = tuple(token for text in _PENDING for token in self._written(text)[:1]) if pends else ()
        after = self._set(kind, ends, pending)
        merged = self._merged(last, ends)
        if not pending:
            return Ending(after, merged)
        onward = self._set("digit", lambda text: text[:1].isdecimal())
        return Ending(after, merged, pending, TokenSet(onward.rival, onward.member), onward)

    def _set(self, name: str, holds: Ends, neutral: tuple[int, ...] = ()) -> TokenSet:
        key = name, neutral
        if key not in self._sets:
            member = np.fromiter(map(holds, self._texts), bool, len(self._texts))
            member[list(neutral)] = False
            self._sets[key] = TokenSet.of(member, neutral)
        return self._sets[key]

    def _merged(self, last: str, ends: Ends) -> TokenSet | None:
        """Tokens of `last` and the end of a value in one; `last` itself doesn't count against them."""
        member = np.zeros(len(self._texts), bool)
        if last and "\ufffd" not in last:
            for token in self._beginning(last):
                member[token] = ends(self._texts[token][len(last) :])
        return TokenSet.of(member, tuple(self._written(last))) if member.any() else None

    def _written(self, text: str) -> list[int]:
        """The tokens of just this text, that which the tokenizer writes first."""
        own = self._codec.encode(text)
        same = [token for token in self._beginning(text, longer=False) if [token] != own]
        return (own if len(own) == 1 else []) + same

    def _beginning(self, text: str, *, longer: bool = True) -> list[int]:
        """Tokens whose text begins with `text` and is longer, or is just that."""
        found = []
        for place in range(bisect_left(self._order, (text, -1)), len(self._order)):
            other, token = self._order[place]
            if not other.startswith(text):
                break
            if (len(other) > len(text)) == longer:
                found.append(token)
        return found

    @cached_property
    def _texts(self) -> list[str]:
        return [piece.decode("utf-8", "replace") for piece in self._codec.pieces(range(self._codec.size))]

    @cached_property
    def _order(self) -> list[tuple[str, int]]:
        return sorted((text, token) for token, text in enumerate(self._texts))

    @cached_property
    def _spaces_lead(self) -> bool:
        """Whether words are written with their space before them, as one token."""
        return any(len(text) > 2 and text[0] == " " and text[1].isalpha() for text in self._texts)


_NUMBER, _WORD, _SIGN = " number", " word", " sign"  # no terminator begins with a space


def _kind_of(value: str) -> str:
    last = value[-1:]
    return _NUMBER if last.isdecimal() else _WORD if _cased(last) else _SIGN if last.isalnum() else ""


def _cased(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in _CASED


def _closes(mark: str) -> Ends:
    """Whether a text closes with `mark`, whitespace before it aside; the first piece of a longer mark does."""

    def closes(text: str) -> bool:
        rest = text.lstrip()
        return rest.startswith(mark) or (rest != "" and mark.startswith(rest))

    return closes


def _not_space(ends: Ends) -> Ends:
    return lambda text: ends(text) and not (text and not text.strip(_SPACES))


_RULES: dict[str, Ends] = {
    _NUMBER: lambda text: not _ONWARD.match(text),
    _WORD: lambda text: not _cased(text[:1]),
    _SIGN: lambda text: not text[:1].isalnum(),  # scripts without capitals, as Chinese
}
