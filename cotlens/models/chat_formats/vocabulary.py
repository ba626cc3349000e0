"""What the tokens of a tokenizer stand for, by its own decoder, and a copy of it in which some tokens are renamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"


class Vocabulary:
    """The bytes that each token of a tokenizer stands for, wherever it stands.

    Args:
        tokenizer: of transformers.
        added: texts of its added tokens by id. They pass the decoder as all tokens do, but for GPT-2's alphabet: they
            aren't written in it.
    """

    def __init__(self, tokenizer: Any, added: Mapping[int, str]) -> None:
        self._tokenizer, self._added = tokenizer, added

    def piece(self, token: int) -> bytes:
        """The bytes of one id; those beyond the vocabulary (models may have more rows) as "<id>"."""
        text = self._tokenizer.convert_ids_to_tokens(token) if 0 <= token < self.size else None
        if text is None:
            return f"<{token}>".encode()
        if isinstance(text, bytes):
            return text
        kinds = {step["type"] for step in self._steps}
        if "ByteLevel" in kinds:
            return text.encode() if token in self._added else _from_alphabet(text)
        byte = _BYTE.fullmatch(text) if "ByteFallback" in kinds else None
        if byte:
            return bytes([int(byte[1], 16)])
        if self._marks:
            for mark, meant in self._marks:
                text = text.replace(mark, meant)
            return text.encode()
        return self._in_context(token).encode()

    @cached_property
    def size(self) -> int:
        """How many ids the tokenizer knows."""
        return 1 + max(self._tokenizer.get_vocab().values(), default=-1)

    @cached_property
    def _steps(self) -> list[dict[str, Any]]:
        """The steps of its decoder; those of a slow tokenizer by how its vocabulary is written."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is not None:
            return list(_flat(json.loads(backend.to_str())["decoder"]))
        spaced = next((t for t in self._tokenizer.get_vocab() if str(t).startswith((_SPACE, "\u0120"))), None)
        if spaced is None:
            return []
        if str(spaced).startswith(_SPACE):
            return [{"type": "Metaspace", "replacement": _SPACE}, {"type": "ByteFallback"}]
        return [{"type": "ByteLevel"}]

    @cached_property
    def _marks(self) -> list[tuple[str, str]]:
        """What stands for a space and the like, and what it stands for."""
        found = []
        for step in self._steps:
            if step["type"] == "Metaspace":
                found.append((step["replacement"], " "))
            elif step["type"] == "Replace" and "String" in step["pattern"]:
                found.append((step["pattern"]["String"], step["content"]))
        return found

    @cached_property
    def _before(self) -> tuple[list[int], str]:
        """A word, as ids and as text."""
        ids = list(self._tokenizer("a", add_special_tokens=False)["input_ids"])
        return ids, str(self._tokenizer.decode(ids))

    def _in_context(self, token: int) -> str:
        """What decoders that join words make of a token after a word: " good", or "ness" for "##ness"."""
        ids, word = self._before
        text = str(self._tokenizer.decode([*ids, token]))
        return text.removeprefix(word) if text.startswith(word) else str(self._tokenizer.decode([token]))


def renamed(backend: Any, names: Mapping[str, str]) -> Any:
    """A copy of a `tokenizers.Tokenizer` that adds nothing to a text, in which the added tokens `names` bear new names.

    Their ids stay. They are renamed in the model's own vocabulary too, where some kinds of model would find them.
    """
    from tokenizers import Tokenizer

    state = json.loads(backend.to_str())
    for token in state["added_tokens"]:
        if token["content"] in names:
            token.update(content=names[token["content"]], normalized=False)
    state["post_processor"] = state["truncation"] = state["padding"] = None
    model = state["model"]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {names.get(text, text): token for text, token in model["vocab"].items()}
    else:  # Unigram: [text, log-probability] in the order of ids
        model["vocab"] = [[names.get(text, text), score] for text, score in model["vocab"]]
    return Tokenizer.from_str(json.dumps(state))


def _flat(decoder: Any) -> Iterator[dict[str, Any]]:
    if decoder is not None and decoder["type"] == "Sequence":
        for step in decoder["decoders"]:
            yield from _flat(step)
    elif decoder is not None:
        yield decoder


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
