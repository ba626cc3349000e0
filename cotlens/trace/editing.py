"""Edits of a thought, on tokens: what lies before and after an edit keeps its ids bit for bit.

Only the new text is tokenised, together with what is left of a token that the edit cuts through. A border between
tokens may lie inside a character; an edit there reaches out to the nearest token borders that are also character
borders, so that no byte is orphaned.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.trace.align import decode, fits
from cotlens.trace.codec import Codec
from cotlens.trace.edit import Edit, Kind
from cotlens.trace.latents import check_words, spliced, vectors_of
from cotlens.trace.notes import of_ending
from cotlens.trace.parts import carrying
from cotlens.trace.places import Cut, Place, deletion, insertion, replacement, thought_of, token_index
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

T = TypeVar("T", bound=TraceRecord)
NewText = str | Sequence[int] | NDArray[np.float32]
"""What is written in place of something: text, token ids, or vectors [n, d_model] that stand as latents."""


def truncate(trace: T, at: int | Span | str) -> T:
    """See `Trace.truncate`. Needs no codec: nothing is tokenised."""
    thought = thought_of(trace)
    carrying.check_verbatim(trace)
    index = token_index(trace, at)
    start = int(trace.offsets[index])
    old = trace.text[start : thought.char_end]
    edit = Edit("truncate", start, thought.char_end, old, "", index, index, old_tokens=thought.end - index)
    roles = {role: span for role, span in trace.roles.items() if role == "prompt"}
    notes = {"notes": [note for note in trace.meta["notes"] if not of_ending(note)]} if "notes" in trace.meta else {}
    cut = dataclasses.replace(
        trace,
        given_parts=(),
        token_ids=trace.token_ids[:index],
        text=trace.text[:start],
        offsets=trace.offsets[: index + 1],
        roles={**roles, "thought": dataclasses.replace(thought, end=index, char_end=start)},
        logprobs=trace.logprobs[:index],
        top_ids=trace.top_ids[:index],
        top_logprobs=trace.top_logprobs[:index],
        top_pieces=trace.top_pieces[:index],
        latents=trace.latents[trace.latent_tokens < index],
        latent_tokens=trace.latent_tokens[trace.latent_tokens < index],
        parent=trace,
        edit=edit,
        rewritten_from=None,
        meta={**trace.meta, **notes, "finish": "given", "thought_closed": False},
    )
    return carrying.edited(trace, cut)


def replace(trace: T, place: Place, new: NewText) -> T:
    """See `Trace.replace`."""
    tokens = _tokens(trace)
    return _change(trace, "replace", tokens, replacement(trace, place, tokens.whole), new)


def delete(trace: T, place: Place) -> T:
    """See `Trace.delete`."""
    tokens = _tokens(trace)
    return _change(trace, "delete", tokens, deletion(trace, place, tokens.whole), "")


def insert(trace: T, at: int | Place, new: NewText) -> T:
    """See `Trace.insert`."""
    return _change(trace, "insert", _tokens(trace), insertion(trace, at), new)


@dataclass(frozen=True)
class _Tokens:
    """A trace's tokens as bytes, and which of their borders are also borders between characters (bool [n + 1])."""

    codec: Codec
    pieces: list[bytes]
    whole: NDArray[np.bool_]


def _tokens(trace: T) -> _Tokens:
    carrying.check_verbatim(trace)
    if trace.codec is None:
        raise InputError(
            "This trace has no tokenizer to write new text with; attach one with Trace.load(path, model=model)."
        )
    check_codec(trace, trace.codec)
    pieces = trace.codec.pieces(trace.token_ids)
    return _Tokens(trace.codec, pieces, decode(pieces)[2])


def check_codec(trace: T, codec: Codec) -> None:
    """Raise InputError unless `codec` reads the trace's ids as the trace's text."""
    if not reads(codec, trace):
        raise InputError(
            "The tokenizer is not the one that this trace was made with; attach the right one, or make a new trace "
            "with Trace.from_text(prompt, thought, answer, model=model)."
        )


def reads(codec: Codec, trace: T) -> bool:
    """Whether `codec` reads every token of the trace as the trace does."""
    try:
        return fits(codec.pieces(trace.token_ids), trace.text, trace.offsets)
    except (IndexError, KeyError, ValueError, OverflowError):
        return False


def _change(trace: T, kind: Kind, tokens: _Tokens, cut: Cut, new: NewText) -> T:
    latents = vectors_of(new, trace)
    before = text = after = ""
    wanted: str | None = None
    if isinstance(new, str):
        text = without_surrogates(new)
        cut = _reach_characters(trace, tokens.whole, cut)
        before = trace.text[trace.offsets[cut.first] : cut.start]
        after = trace.text[cut.end : trace.offsets[cut.last]]
        wanted = before + text + after
        ids = list(tokens.codec.encode(wanted)) if wanted else []
    else:
        _check_token_borders(trace, cut)
        of_latents = [] if latents is None else [trace.token_ids[trace.latent_tokens[0]]] * len(latents)
        ids = check.indices("new", new).tolist() if latents is None else of_latents
    if latents is None and ids:
        check_words(trace, cut.first, cut.last)
    return _spliced(trace, kind, tokens, cut, ids, (before, text, after), wanted, latents)


def _finish(trace: T) -> str:
    """How an edited text ended: an answer that was cut off is still there, and still cut off."""
    return "given" if trace.finished or "answer" not in trace.roles else str(trace.meta["finish"])


def _spliced(
    trace: T,
    kind: Kind,
    tokens: _Tokens,
    cut: Cut,
    ids: list[int],
    texts: tuple[str, str, str],
    wanted: str | None,
    latents: NDArray[np.float32] | None,
) -> T:
    """The trace with `ids`, of latents or of words, in place of tokens [cut.first, cut.last)."""
    pieces = [*tokens.pieces[: cut.first], *tokens.codec.pieces(ids), *tokens.pieces[cut.last :]]
    end_token = cut.first + len(ids)
    changed = type(trace).build(
        (*trace.token_ids[: cut.first], *ids, *trace.token_ids[cut.last :]),
        pieces,
        _moved(trace, cut, end_token - cut.last, decode(pieces)[1]),
        parent=trace,
        meta={**trace.meta, "finish": _finish(trace)},
        reader=trace.reader,
        codec=trace.codec,
        focus_order=trace.focus_order,
        **_measured_before(trace, cut.first, len(pieces)),
        **spliced(trace, cut.first, cut.last, len(ids), latents),
    )
    written = changed.text[changed.offsets[cut.first] : changed.offsets[end_token]]
    before, new, after = texts
    meta = changed.meta
    if wanted is None:
        new = written
    elif written != wanted:
        notes = [*meta.get("notes", ()), f"The tokenizer can't write {new!r} exactly; the text is {written!r} there."]
        meta = {**meta, "notes": notes}
        new = written.removeprefix(before).removesuffix(after)
    old = trace.text[cut.start : cut.end]
    edit = Edit(kind, cut.start, cut.end, old, new, cut.first, end_token, old_tokens=cut.last - cut.first)
    return carrying.edited(trace, dataclasses.replace(changed, edit=edit, meta=meta))


def _moved(trace: T, cut: Cut, grown: int, offsets: NDArray[np.int64]) -> dict[str, Span]:
    """The roles where they are once `grown` tokens stand in more than the cut, at the new token borders `offsets`."""
    longer = int(offsets[-1]) - len(trace.text)

    def edge(token: int, char: int, follows: bool, ends: bool) -> tuple[int, int]:
        """Where an edge of a role is now; `follows` if it stands behind the cut."""
        moved = token + grown * follows
        if char == trace.offsets[token]:
            return moved, int(offsets[moved])
        char += longer * follows  # it is within a token: where that was tokenised anew, the border may be elsewhere
        if cut.first <= token + (-1 if char < trace.offsets[token] else 0) < cut.last:
            moved = int(np.searchsorted(offsets, char))
            moved -= int(ends and offsets[moved] != char)
        return moved, char

    roles = {}
    for role, span in trace.roles.items():
        start = edge(span.start, span.char_start, role == "answer", False)
        end = edge(span.end, span.char_end, role != "prompt", True)
        roles[role] = Span(start[0], max(start[0], end[0]), start[1], end[1], "role")  # it may lie within one token
    return roles


def _measured_before(trace: T, first: int, count: int) -> dict[str, Any]:
    """What was measured on the tokens before the edit; unknown from there on."""
    width = trace.top_ids.shape[1]
    logprobs = np.full(count, np.nan, np.float32)
    top_ids = np.full((count, width), -1, np.int32)
    top_logprobs = np.full((count, width), np.nan, np.float32)
    logprobs[:first], top_ids[:first], top_logprobs[:first] = (
        trace.logprobs[:first],
        trace.top_ids[:first],
        trace.top_logprobs[:first],
    )
    top_pieces = (*trace.top_pieces[:first], *[()] * (count - first))
    return {"logprobs": logprobs, "top_ids": top_ids, "top_logprobs": top_logprobs, "top_pieces": top_pieces}


def _reach_characters(trace: T, whole: NDArray[np.bool_], cut: Cut) -> Cut:
    """The cut, widened to token borders that are character borders, within the thought."""
    thought = thought_of(trace)
    first, last = cut.first, cut.last
    while first > thought.start and not whole[first]:
        first -= 1
    while last < thought.end and not whole[last]:
        last += 1
    return dataclasses.replace(cut, first=first, last=last)


def _check_token_borders(trace: T, cut: Cut) -> None:
    if (trace.offsets[cut.first], trace.offsets[cut.last]) != (cut.start, cut.end):
        raise InputError("Token ids can only stand where tokens begin and end; give a token span, or text.")


def without_surrogates(text: str) -> str:
    """`text` with surrogate pairs joined and lone surrogates replaced by U+FFFD, so that it has a UTF-8 form."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
