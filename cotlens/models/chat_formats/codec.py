"""Tokenizers as traces need them: ids to the bytes they stand for, and text to ids with nothing read into it.

A user who types "</think>" means those characters, not the end of the thought. Ordinary text gets the ids that the
tokenizer itself gives it; only where the text spells out a control token is it encoded by a copy of the tokenizer in
which control tokens have names that nobody can type.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from cotlens._core import check
from cotlens.models.chat_formats.families import CONTROL_TEXTS
from cotlens.models.chat_formats.vocabulary import Vocabulary, renamed

_ANCHORS = ("\n", ".", "a", "0")  # one of them does not join with what follows it

Part = tuple[str, bool]
"""A stretch of a text, and whether special tokens are meant in it (a template's) or only spelled out (a user's)."""


class HFCodec:
    """The codec of a transformers tokenizer.

    Pieces depend on nothing but the id, so they join to the same text wherever a token stands; a sentencepiece token
    keeps its leading space also at the very beginning, where that tokenizer's own decoder would drop it.

    Control tokens are the added tokens that the tokenizer calls special, and those of `reserved`; all others (Gemma's
    runs of spaces and HTML tags) are ordinary text. A token of a single character or of whitespace is none: nobody can
    avoid typing it.

    Args:
        tokenizer: fast ones are exact; slow ones go through their own `tokenize`.
        reserved: texts that are control tokens wherever they are added tokens, special or not (Qwen3's </think> isn't).
        silent: ids without text: those that stand for latents.
    """

    def __init__(self, tokenizer: Any, reserved: Iterable[str] = CONTROL_TEXTS, silent: Iterable[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.reserved = frozenset(reserved)
        self.silent = frozenset(silent)
        self._known: dict[int, bytes] = {}
        self._lock = threading.RLock()  # transformers sets options on its tokenizers at every call

    def reserving(self, texts: Iterable[str]) -> HFCodec:
        """A codec of the same tokenizer to which these texts are control tokens too."""
        new = {text for text in texts if not self.is_control_text(text)}
        return HFCodec(self.tokenizer, self.reserved | new, self.silent) if new & set(self._added.values()) else self

    def encode(self, text: str) -> list[int]:
        """Ids of `text` as it stands: no special tokens are added, and none are read out of the text.

        They are those of `tokenizer(text, add_special_tokens=False)` unless the text spells out a control token.
        Tokenizers that put a space before every text are given something to put it before, which is taken away again.

        Raises:
            InputError: the text holds half of a character (a lone surrogate).
        """
        if not check.text("text", text):
            return []
        within = self._within(text) if self._adds_space else None
        return self.encode_parts([(text, False)]) if within is None else within

    def encode_template(self, text: str) -> list[int]:
        """Ids of template text and markers, in which special tokens are meant."""
        if not check.text("text", text):
            return []
        with self._lock:
            return [int(i) for i in self.tokenizer(text, add_special_tokens=False)["input_ids"]]

    def encode_parts(self, parts: Sequence[Part]) -> list[int]:
        """Ids of one text whose parts are a template's and a user's, tokenised as one. Raises as `encode`."""
        return self.encode_holding(parts, 0)[0]

    def encode_holding(self, parts: Sequence[Part], which: int) -> tuple[list[int], tuple[int, int]]:
        """The same, and the half-open range of the tokens that hold characters of part `which`. Raises as `encode`."""
        texts, given = [text for text, _ in parts], [text for text, meant in parts if not meant]
        whole = "".join(texts)
        check.text("text", whole)
        ids, offsets = self._encoded(whole)
        # Where no part is a template's, the ids just made tell; else each of the user's parts is asked by itself, for
        # the template's control tokens are meant.
        if self._spelled(whole, ids) if given == texts else any(map(self.holds_control_text, given)):
            if self._twin is None:
                return self._one_by_one(parts, which)
            texts = [self._rename(text) if meant else text for text, meant in parts]
            twin = self._twin.encode("".join(texts), add_special_tokens=False)
            ids, offsets = list(twin.ids), twin.offsets
        elif offsets is None:
            return ids, self._one_by_one(parts, which)[1]
        start = sum(map(len, texts[:which]))
        held = [at for at, (a, b) in enumerate(offsets) if a < start + len(texts[which]) and b > start]
        return ids, (held[0], held[-1] + 1) if held else (len(ids), len(ids))

    def _encoded(self, text: str) -> tuple[list[int], Any]:
        """Ids, and for each its characters where the tokenizer can tell."""
        tells = bool(text) and getattr(self.tokenizer, "is_fast", False)
        with self._lock:
            made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=tells)
        return [int(i) for i in made["input_ids"]], made["offset_mapping"] if tells else None

    def _one_by_one(self, parts: Sequence[Part], which: int) -> tuple[list[int], tuple[int, int]]:
        """Parts tokenised one after the other, for slow tokenizers."""
        each = [self.encode_template(text) if meant else self._slowly(text) for text, meant in parts]
        first = sum(map(len, each[:which]))
        return [token for ids in each for token in ids], (first, first + len(each[which]))

    def _rename(self, text: str) -> str:
        names = self._names
        pattern = "|".join(re.escape(text) for text in sorted(names, key=len, reverse=True))
        return re.sub(pattern, lambda found: names[found[0]], text)

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes each id stands for, one entry per id; control tokens as their literal text."""
        known = self._known
        new = {token for token in ids if token not in known}
        if new:
            with self._lock:
                known.update((token, self._piece(int(token))) for token in new)
        return [known[token] for token in ids]

    def is_control_text(self, text: str) -> bool:
        """Whether `text` is a control token: one token of its own that ordinary text never turns into."""
        return text in self._control_texts.values()

    def holds_control_text(self, text: str) -> bool:
        """Whether the tokenizer would read a control token in `text`. Raises as `encode`."""
        return self._spelled(text, self.encode_template(text))

    def is_control(self, token: int) -> bool:
        """Whether an id is a control token's."""
        return token in self._control_texts

    @cached_property
    def bos(self) -> list[int]:
        """What the tokenizer puts before a text that is all there is."""
        bos = self.tokenizer.bos_token_id
        with self._lock:
            first = self.tokenizer("a")["input_ids"][:1]
        return [int(bos)] if bos is not None and first == [bos] else []

    def _spelled(self, text: str, ids: list[int]) -> bool:
        """Whether a control token is among the ids of `text`."""
        read = self._control_texts.keys() & ids
        unknown = getattr(self.tokenizer, "unk_token_id", None)  # what can't be written turns into it, too
        return bool(read - {unknown}) or (unknown in read and self._control_texts[unknown] in text)

    @cached_property
    def _adds_space(self) -> bool:
        return self._within("a") not in (None, self.encode_template("a"))

    def _within(self, text: str) -> list[int] | None:
        """Ids of `text` where it is not the beginning; None if it joins with all that could stand before it."""
        for anchor in _ANCHORS:
            alone, whole = self.encode_template(anchor), self.encode_parts([(anchor, False), (text, False)])
            if alone and len(whole) > len(alone) and whole[: len(alone)] == alone:
                return whole[len(alone) :]
        return None

    @cached_property
    def _added(self) -> dict[int, str]:
        """All added tokens."""
        tokens = getattr(self.tokenizer, "added_tokens_decoder", {})
        return {int(token): str(added) for token, added in tokens.items()}

    @cached_property
    def _control_texts(self) -> dict[int, str]:
        tokens = getattr(self.tokenizer, "added_tokens_decoder", {})
        special = {token for token, added in tokens.items() if added.special} | set(self.tokenizer.all_special_ids)
        return {
            token: text
            for token, text in self._added.items()
            if (token in special or text in self.reserved) and len(text) > 1 and not text.isspace()
        }

    @cached_property
    def _names(self) -> dict[str, str]:
        """Per control token a name that takes its place: between characters that are none, and not to be guessed."""
        secret = secrets.token_hex(8)
        return {text: f"\U0010fffe{secret}.{token}\U0010ffff" for token, text in self._control_texts.items()}

    @cached_property
    def _twin(self) -> Any:
        """The tokenizer with every control token renamed; None for slow ones."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        return None if backend is None else renamed(backend, self._names)

    def _slowly(self, text: str) -> list[int]:
        tokens = self.tokenizer.tokenize(text, split_special_tokens=True)
        return [int(token) for token in self.tokenizer.convert_tokens_to_ids(tokens)]

    @property
    def size(self) -> int:
        """How many ids the tokenizer knows; models may have more rows than that."""
        return self._vocabulary.size

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self.tokenizer, self._added)

    def _piece(self, token: int) -> bytes:
        if token in self.silent:
            return b""
        control = self._control_texts.get(token)
        return control.encode() if control is not None else self._vocabulary.piece(token)
