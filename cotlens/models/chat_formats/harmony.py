"""The messages of gpt-oss: each has a header that names its channel, and a content.

    <|start|>assistant<|channel|>analysis<|message|>...<|end|>
    <|start|>assistant<|channel|>final <|constrain|>json<|message|>...<|return|>

The analysis channel is the thought, the final channel the answer. A recipient ("to=functions.lookup") before or after
the channel makes a message of any channel a call of a tool. Source: the documentation of the harmony format, read as
tolerantly as models write it (headers without a start or a channel, contents without an end).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cotlens.models.chat_formats.segments import Segments, TokenText, trimmed

START, CHANNEL, MESSAGE = b"<|start|>", b"<|channel|>", b"<|message|>"
_ENDS = (b"<|end|>", b"<|return|>", b"<|call|>")
_AUTHOR = re.compile(r"^(?:<\|start\|>)?\s*(\w+)")
_NAME = re.compile(r"<\|channel\|>\s*([A-Za-z]+)")
_RECIPIENT = re.compile(r"\bto=(?!(?:assistant|user|all)\b)([^\s<]+)")
_ROLE_OF = {"analysis": "thought", "final": "answer", "": "answer"}


@dataclass(frozen=True)
class Message:
    """One message of the model.

    Args:
        author: whose it is, "" where the header doesn't say.
        channel: its name, "" where the header has none.
        recipient: the tool that it calls, "" for none.
        first, after: tokens of its content.
        ended: whether it was ended by a token of its own.
    """

    author: str
    channel: str
    recipient: str
    first: int
    after: int
    ended: bool

    @property
    def role(self) -> str:
        """Of the trace: "thought", "answer", or "" for what is neither."""
        spoken = self.author in ("", "assistant") and not self.recipient
        return _ROLE_OF.get(self.channel, "") if spoken else ""


def messages(controls: Sequence[bool], text: TokenText, start: int, begin: int, end: int) -> list[Message]:
    """The messages whose contents begin in tokens [start, end) of a text.

    Args:
        controls: for each token whether it is a special token, not the spelling of one.
        begin: first token that is not template; a header begins there or before, after the last start.
    """
    found: list[Message] = []
    headers = [token + 1 for token in range(start, begin) if controls[token] and text.pieces[token] == START]
    at = headers[-1] if headers else begin
    while at < end:
        mark = _next(controls, text, at, end, (MESSAGE,))
        if mark == end:
            break
        after = _next(controls, text, mark + 1, end, (*_ENDS, START, CHANNEL))
        name = text.chars[int(text.offsets[at]) : int(text.offsets[mark])]
        ended = after < end and text.pieces[after] in _ENDS
        found.append(_message(name, mark + 1, after, ended))
        at = after + 1 if ended or (after < end and text.pieces[after] == START) else after
    return found


def _next(controls: Sequence[bool], text: TokenText, at: int, end: int, kinds: Sequence[bytes]) -> int:
    """The next token of one of these kinds, or the end."""
    return next((i for i in range(at, end) if controls[i] and text.pieces[i] in kinds), end)


def _message(header: str, first: int, after: int, ended: bool) -> Message:
    author, channel, recipient = (_last(pattern, header) for pattern in (_AUTHOR, _NAME, _RECIPIENT))
    return Message(author, channel.lower(), recipient, first, after, ended)


def _last(pattern: re.Pattern[str], header: str) -> str:
    found = pattern.findall(header)
    return str(found[-1]) if found else ""


def segments(found: Sequence[Message], text: TokenText, begin: int, end: int) -> Segments:
    """Thought and answer among the messages.

    The last final message is the answer, with those that stand right before it; the thought is all from the first
    analysis to the last before it.
    """
    answers = [place for place, one in enumerate(found) if one.role == "answer"]
    upto = answers[-1] if answers else len(found)
    thoughts = [place for place, one in enumerate(found[:upto]) if one.role == "thought"]
    thought = (found[thoughts[0]].first, found[thoughts[-1]].after) if thoughts else None
    if answers:
        run = [place for place in answers if not thoughts or place > thoughts[-1]]
        answer, closed = (found[run[0]].first, found[upto].after), thought is not None
    elif thoughts:
        answer, closed = None, found[thoughts[-1]].ended or thoughts[-1] < len(found) - 1
    else:
        answer, closed = (begin, end), False
    edges = [None if place is None else (text.edge(place[0]), text.edge(place[1])) for place in (thought, answer)]
    parts = trimmed(text, edges[0], edges[1], closed)
    return Segments(parts.thought, parts.answer, parts.closed, parts.chars, _notes(found, answers, thoughts))


def _notes(found: Sequence[Message], answers: Sequence[int], thoughts: Sequence[int]) -> tuple[str, ...]:
    notes = []
    if found and not answers and not thoughts:
        return ("The model wrote neither a thought nor an answer; what it wrote is taken for the answer as it stands.",)
    if thoughts and any(place < thoughts[-1] for place in answers):
        notes.append("The model answered, thought on and answered again; its last answer is the answer.")
    if answers and any(one.role == "thought" for one in found[answers[-1] :]):
        notes.append("The model thought on after its answer; that belongs to no role.")
    called = [one.recipient for one in found if one.recipient]
    if called:
        notes.append(f"The model called {', '.join(dict.fromkeys(called))}; calls belong to no role.")
    others = [one.author for one in found if one.author not in ("", "assistant") and not one.recipient]
    if others:
        notes.append(f"The model wrote as {', '.join(dict.fromkeys(others))}; that belongs to no role.")
    aside = [one.channel for one in found if one.author in ("", "assistant") and not one.recipient and not one.role]
    if aside:
        notes.append(f"The model wrote in the channel {', '.join(dict.fromkeys(aside))}; that belongs to no role.")
    return tuple(notes)
