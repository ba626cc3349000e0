"""What the trace tests work with: a small byte-level tokenizer, and traces made with it."""

from hypothesis import strategies as st

from cotlens.trace import Number, Trace

MERGED = [
    b" the", b". ", b".\n\n", b"\r\n", b" So", b" 12", b"Wait", b", ", b"\n\n", b"th", b"?\n",
    b"\xe2\x80", b"\xf0\x9f", b"\x98\x80", b"a\xf0\x9f", b"\x98\x80 b", b"e\xcc", b"\x81.", b"\x80\x99s",
    b"one. Two", b" \xe4", b"</think>",
]  # fmt: skip
"""Pieces of more than one byte: words, whitespace, parts of characters, and text with a part of a character."""


STRETCHES = [
    "One. ", "Two! ", "Is it? ", "The same sentence again. ", "So 12 * 3 = 36", "5! * 2!", "long words here", "x", ".",
    "\n\n", "\r\n\r\n", "\r\n", "\n", " ", "\u3000", "\x00", "</think>",
    "😀", "e\u0301", "’s", "汉字。", "👩‍👩‍👧 and more. ",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(STRETCHES) | st.text(max_size=5), max_size=12).map("".join)
"""Text as thoughts hold it: repeated and short sentences, emoji, combining marks, line breaks of both kinds."""

TOKENS = st.lists(st.integers(0, 255 + len(MERGED)) | st.integers(256, 255 + len(MERGED)), max_size=60)
"""Ids of `ByteCodec`: any bytes, many of them parts of characters or not UTF-8 at all."""


class ByteCodec:
    """Ids 0 to 255 are bytes, ids from 256 on are `MERGED`; encoding takes the longest piece that fits."""

    def __init__(self, merged=MERGED):
        self.table = [bytes([byte]) for byte in range(256)] + list(merged)
        self.by_length = sorted(range(256, len(self.table)), key=lambda index: -len(self.table[index]))
        self.encoded = []

    def encode(self, text):
        self.encoded.append(text)
        data, ids, at = text.encode("utf-8"), [], 0
        while at < len(data):
            fitting = (index for index in self.by_length if data.startswith(self.table[index], at))
            ids.append(next(fitting, data[at]))
            at += len(self.table[ids[-1]])
        return ids

    def pieces(self, ids):
        return [self.table[index] for index in ids]


def compose(codec, prompt="How many?", thought="", answer=None, **parts):
    """A trace of encoded prompt, "<think>", thought and, unless the answer is None, "</think>" and the answer."""
    return from_ids(
        codec, codec.encode(prompt), codec.encode(thought), None if answer is None else codec.encode(answer), **parts
    )


def from_ids(codec, prompt, thought, answer, **parts):
    """As `compose`, from ids: thoughts may then hold any bytes."""
    ids = [*prompt, *codec.encode("<think>")]
    roles = {"prompt": (0, len(prompt)), "thought": (len(ids), len(ids) + len(thought))}
    ids += thought
    if answer is not None:
        ids += codec.encode("</think>")
        roles["answer"] = (len(ids), len(ids) + len(answer))
        ids += answer
    parts = {
        "codec": codec,
        "reader": Number(),
        "meta": {"finish": "stop", "thought_closed": answer is not None},
    } | parts
    return Trace.build(ids, codec.pieces(ids), roles, **parts)
