"""Tokenizers as traces need them: ids to the bytes they stand for, and text to ids with nothing read into it.

A user who types "</think>" means those characters, not the end of the thought. So text is encoded by a copy of the
tokenizer that knows no special tokens; markers and templates go another way (`encode_template`).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from cotlens._core import check

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_ANCHOR = "\n"


class HFCodec:
    """The codec of a transformers tokenizer.

    Pieces depend on nothing but the id, so they join to the same text wherever a token stands; a sentencepiece token
    keeps its leading space also at the very beginning, where that tokenizer's own decoder would drop it.

    Args:
        tokenizer: fast ones are exact; slow ones go through their own `tokenize`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._known: dict[int, bytes] = {}
        self._lock = threading.RLock()  # transformers sets options on its tokenizers at every call

    def encode(self, text: str) -> list[int]:
        """Ids of `text` as it stands: no special tokens are added, and none are read out of the text.

        Tokenizers that put a space before every text are given a line break to put it before.
        """
        if not check.text("text", text):
            return []
        ids = self._ids(text)
        if self._adds_space:
            anchor = self._ids(_ANCHOR)
            whole = self._ids(_ANCHOR + text)
            if whole[: len(anchor)] == anchor:
                return whole[len(anchor) :]
        return ids

    def encode_template(self, text: str) -> list[int]:
        """Ids of template text and markers, in which special tokens are meant."""
        if not check.text("text", text):
            return []
        with self._lock:
            return [int(i) for i in self.tokenizer(text, add_special_tokens=False)["input_ids"]]

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes each id stands for, one entry per id; special tokens as their literal text."""
        known = self._known
        new = {token for token in ids if token not in known}
        if new:
            with self._lock:
                known.update((token, self._piece(int(token))) for token in new)
        return [known[token] for token in ids]

    def special(self, text: str) -> bool:
        """Whether `text` is one token of its own that ordinary text never turns into."""
        return text in self._added.values()

    def holds_special(self, text: str) -> bool:
        """Whether `text` holds the literal text of a token that ordinary text never turns into."""
        return any(added in text for added in self._added.values())

    @cached_property
    def bos(self) -> list[int]:
        """What the tokenizer puts before a text that is all there is."""
        bos = self.tokenizer.bos_token_id
        with self._lock:
            first = self.tokenizer("a")["input_ids"][:1]
        return [int(bos)] if bos is not None and first == [bos] else []

    @cached_property
    def _adds_space(self) -> bool:
        return self.pieces(self._ids("a"))[:1] != [b"a"] and b"".join(self.pieces(self._ids("a"))) == b" a"

    @cached_property
    def _added(self) -> dict[int, str]:
        tokens = getattr(self.tokenizer, "added_tokens_decoder", {})
        return {int(token): str(added) for token, added in tokens.items() if str(added).strip()}

    @cached_property
    def _ids(self) -> Callable[[str], list[int]]:
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return lambda text: self.tokenizer.convert_tokens_to_ids(
                self.tokenizer.tokenize(text, split_special_tokens=True)
            )
        from tokenizers import Tokenizer

        state = json.loads(backend.to_str())
        state["added_tokens"] = [token for token in state["added_tokens"] if not _is_marker(token)]
        state["post_processor"] = state["truncation"] = state["padding"] = None
        plain = Tokenizer.from_str(json.dumps(state))
        return lambda text: list(plain.encode(text, add_special_tokens=False).ids)

    @cached_property
    def size(self) -> int:
        """How many ids the tokenizer knows; models may have more rows than that."""
        return 1 + max(self.tokenizer.get_vocab().values(), default=-1)

    @cached_property
    def _style(self) -> str:
        """How tokens are written: "bytes" (GPT-2's alphabet), "pieces" (sentencepiece) or "words"."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            vocabulary = self.tokenizer.get_vocab()
            spaced = [token for token in vocabulary if str(token).startswith((_SPACE, "\u0120"))]
            return "words" if not spaced else "pieces" if str(spaced[0]).startswith(_SPACE) else "bytes"
        decoder = json.dumps(json.loads(backend.to_str())["decoder"], ensure_ascii=False)
        if '"ByteLevel"' in decoder:
            return "bytes"
        return "pieces" if _SPACE in decoder else "words"

    def _piece(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token].encode()
        text = self.tokenizer.convert_ids_to_tokens(token) if 0 <= token < self.size else None
        if text is None:  # an id beyond the tokenizer's vocabulary; models may have more rows than that
            return f"<{token}>".encode()
        if isinstance(text, bytes):
            return text
        if self._style == "bytes":
            return _from_alphabet(text)
        if self._style == "pieces":
            byte = _BYTE.fullmatch(text)
            return bytes([int(byte[1], 16)]) if byte else text.replace(_SPACE, " ").encode()
        return str(self.tokenizer.decode([token])).encode()


def _is_marker(token: dict[str, Any]) -> bool:
    """Whether an added token is a sign to the model, not a stretch of text (some tokenizers add runs of spaces)."""
    content = token["content"]
    return bool(token["special"]) or (bool(content.strip()) and any(sign in content for sign in "<[|"))


def _alphabet() -> dict[str, int]:
    """GPT-2's printable stand-ins: character -> byte. Printable bytes stand for themselves, the others are moved up."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(moved)}


_BYTE_OF = _alphabet()


def _from_alphabet(text: str) -> bytes:
    if all(char in _BYTE_OF for char in text):
        return bytes(_BYTE_OF[char] for char in text)
    return text.encode()
