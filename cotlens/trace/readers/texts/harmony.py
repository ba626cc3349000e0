"""Harmony, the format in which gpt-oss writes: messages with an author, a channel, and maybe a recipient.

Thoughts are in the channel `analysis`, what is said to the user in `final` or, before a call, in `commentary`; a
message to somebody other than the user is a call of a tool, in whatever channel. Source: OpenAI's description of it.
"""

from __future__ import annotations

import re

from cotlens.trace.parts.part import Part
from cotlens.trace.readers.message_fields import call, result

# Bounded, for a text that never goes on like that is tried at every length.
_MESSAGE = re.compile(
    r"(?:<\|start\|>(?P<author>[^<]{1,200}))?(?:<\|channel\|>(?P<channel>[^<]{1,200}))?"
    r"(?:<\|constrain\|>[^<]{1,40})?<\|message\|>"
)
_ENDS = re.compile(r"<\|(?:end|return|call)\|>|<\|start\|>")
_TO = re.compile(r"\bto=(?:functions\.)?(\S+)")
_BARE = re.compile(r"\s*analysis(?=\S)(.*?)assistantfinal(.*)", re.DOTALL)
"""What is left of two messages where special tokens were dropped in decoding."""
_OTHERS = {"system": "system", "developer": "system", "user": "user"}


def channels(text: str) -> list[Part] | None:
    """The parts of a text in this format; None where it is in another."""
    bare = _BARE.fullmatch(text)
    if bare:
        return [Part("thought", bare[1].strip(), channel="analysis"), Part("answer", bare[2].strip())]
    start = _MESSAGE.match(text.lstrip())
    if start is None or not (start["author"] or start["channel"]):
        return None
    marks = list(_MESSAGE.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        _part((mark["author"] or "assistant").strip(), (mark["channel"] or "").strip(), _said(text[mark.end() : end]))
        for mark, end in zip(marks, ends, strict=True)
    ]


def _said(text: str) -> str:
    return _ENDS.split(text, maxsplit=1)[0].strip()


def _part(author: str, channel: str, said: str) -> Part:
    who = author.split()[0]
    if who in _OTHERS:
        return Part(_OTHERS[who], said)
    if who != "assistant":
        return result(said, name=who.removeprefix("functions."))
    to = _TO.search(f"{author} {channel}")
    if to and to[1] != "user":
        return call(to[1], said)
    name = channel.split()[0] if channel else ""
    if name == "analysis":
        return Part("thought", said, channel=name)
    return Part("answer", said, channel=name if name == "commentary" else "")
