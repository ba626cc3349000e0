"""A focus in a model's own format: what stands before the thought as its chat template writes it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from cotlens._core.errors import InputError
from cotlens.trace.align import tokens_covering
from cotlens.trace.parts.layout import NOTE
from cotlens.trace.parts.part import Part
from cotlens.trace.record import TraceRecord
from cotlens.trace.spans import Span

T = TypeVar("T", bound=TraceRecord)
Message = dict[str, Any]

_JOIN = "\n\n"
_OTHER = "The text came from {} and is tokenised as {} reads it."
_LEFT_OUT = "The format of {} leaves out {} of the {} parts before the thought: {}."
_SAME_TURN = "What the turn says before this thought stands at the thought's beginning: a turn holds one thought here."
_TOOL = "Calls of tools are written as text after the thought, not in the format of {}."
_NOT_ITS_IDS = "The token ids that came along are not those of {}'s tokenizer; the text was tokenised anew."
_CHANGED = "The {} is written differently in the format of {}."


def composed(plain: T, model: Any) -> T:
    """The focus of `plain` in the format of `model`, with notes of what differs."""
    order = plain.focus_order
    thought = None if order is None else plain.given_parts[order]
    turn = _turn(plain)
    before = [part for part in plain.given_parts if part.turn < turn]
    lead = [part for part in plain.given_parts if part.turn == turn and thought and part.order < thought.order]
    said = _JOIN.join(part.text for part in [*lead, *([thought] if thought else [])] if part.text)
    answer = plain.answer if "answer" in plain.roles else None
    ids, notes = _written(plain, model)
    about = {name: value for name, value in plain.meta.items() if name not in ("notes", "thought_closed")}
    trace = model.compose(_prompt(before), said, answer, **({"written": ids} if ids else {}))
    if not isinstance(trace, type(plain)):
        raise InputError(f"{type(model).__name__}.compose should give a Trace; it gave {type(trace).__name__}.")
    trace, found = _placed(plain, trace, before, thought if lead else None)
    notes += _differences(plain, trace, model.name, before, found, bool(lead))
    notes = [note for note in (*plain.meta.get("notes", ()), *trace.meta.get("notes", ()), *notes) if note != NOTE]
    meta = {**about, **trace.meta, "recorded_model": plain.meta.get("model", ""), "finish": plain.meta["finish"]}
    measured = _came_along(plain, trace, ids) if ids else {}
    return dataclasses.replace(
        trace,
        given_parts=found,
        focus_order=order,
        origin=plain.origin,
        meta={**meta, "notes": list(dict.fromkeys(notes))},
        **measured,
    )


def messages_of(parts: Sequence[Part]) -> list[Message]:
    """Parts as the messages that chat templates take."""
    found: list[Message] = []
    for _, group in groupby(parts, key=lambda part: (part.turn, part.kind in ("thought", "answer", "tool_call"))):
        said = list(group)
        if said[0].kind in ("thought", "answer", "tool_call"):
            found.append(_assistant(said))
        else:
            found += [_other(part) for part in said]
    return found


def _other(part: Part) -> Message:
    if part.kind == "tool_result":
        named = {"tool_call_id": part.id, "name": part.name}
        return {"role": "tool", "content": part.text, **{name: value for name, value in named.items() if value}}
    return {"role": part.kind, "content": part.text}


def _assistant(parts: Sequence[Part]) -> Message:
    texts = {kind: [part.text for part in parts if part.kind == kind] for kind in ("thought", "answer")}
    message: Message = {"role": "assistant", "content": _JOIN.join(texts["answer"])}
    if any(texts["thought"]):
        message["reasoning_content"] = _JOIN.join(text for text in texts["thought"] if text)
    calls = [_call(part) for part in parts if part.kind == "tool_call"]
    return {**message, "tool_calls": calls} if calls else message


def _call(part: Part) -> Message:
    try:
        arguments = json.loads(part.arguments or "{}")
    except ValueError:
        arguments = part.arguments
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": arguments}}


def _turn(plain: TraceRecord) -> int:
    """The turn that is focused on; after the last one where the model wrote none."""
    if plain.focus_order is not None:
        return plain.given_parts[plain.focus_order].turn
    written = [part.turn for part in plain.given_parts if part.kind in ("answer", "tool_call")]
    return written[-1] if written else plain.given_parts[-1].turn + 1


def _prompt(before: Sequence[Part]) -> Any:
    """A question by itself, or messages."""
    if not any(part.kind == "user" for part in before):
        raise InputError(
            "Nobody asks anything before this thought, so no chat format can hold it; read it without a model."
        )
    return before[0].text if len(before) == 1 else messages_of(before)


def _written(plain: TraceRecord, model: Any) -> tuple[list[int], list[str]]:
    """The ids that came along with the turn, if they are this model's, and a note where they aren't."""
    if not plain.meta.get("recorded_ids"):
        return [], []
    turn = _turn(plain)
    earlier = [p.span.end for p in plain.given_parts if p.turn < turn and p.span]
    later = [p.span.start for p in plain.given_parts if p.turn > turn and p.span]
    start, stop = max(earlier, default=0), min(later, default=len(plain.token_ids))
    # -1 stands for tokens without an id: words that were laid out between recorded turns.
    known = [at for at in range(start, stop) if plain.token_ids[at] >= 0]
    ids = [plain.token_ids[at] for at in known]
    try:
        spelled = [piece.decode("utf-8", "replace") for piece in model.codec.pieces(ids)]
    except (IndexError, KeyError, ValueError, OverflowError, TypeError):
        spelled = []
    tokens = plain.tokens
    if ids and "".join(spelled) == "".join(tokens[at] for at in known):
        return ids, []
    return [], [_NOT_ITS_IDS.format(model.name)] if ids else []


def _came_along(plain: TraceRecord, trace: TraceRecord, ids: Sequence[int]) -> dict[str, Any]:
    """The log-probabilities that came along, at the tokens they are of."""
    at = next(i for i in range(len(plain.token_ids)) if list(plain.token_ids[i : i + len(ids)]) == list(ids))
    logprobs = np.full(len(trace.token_ids), np.nan, np.float32)
    start = len(trace.token_ids) - len(ids)
    logprobs[start:] = plain.logprobs[at : at + len(ids)]
    return {"logprobs": logprobs}


def _placed(plain: TraceRecord, trace: T, before: Sequence[Part], narrowed: Part | None) -> tuple[T, tuple[Part, ...]]:
    """The composed trace with its prompt reaching over all that stands before the thought, and the parts in it."""
    thought = trace.roles.get("thought")
    limit = thought.char_start if thought else trace.roles["answer"].char_start if "answer" in trace.roles else None
    spans, at = {}, 0
    for part in before:
        # Looked for from the end of the part before, as two turns may say the same; templates strip texts.
        start = trace.text.find(part.text.strip(), at, limit) if part.text.strip() else -1
        if start >= 0:
            at = start + len(part.text.strip())
            spans[part.order] = _span(trace, start, at)
    roles = dict(trace.roles)
    if spans and "prompt" in roles:
        every = [roles["prompt"], *spans.values()]
        first, last = min(every, key=lambda s: s.char_start), max(every, key=lambda s: s.char_end)
        roles["prompt"] = Span(first.start, last.end, first.char_start, last.char_end, "role")
    if narrowed is not None and thought is not None:
        start = trace.text.rfind(narrowed.text.strip(), thought.char_start, thought.char_end)
        inner = _span(trace, max(start, thought.char_start), thought.char_end)
        roles["thought"] = dataclasses.replace(inner, end=thought.end)
    spans |= _written_spans(plain, trace, roles)
    parts = tuple(dataclasses.replace(part, span=spans.get(part.order)) for part in plain.given_parts)
    return dataclasses.replace(trace, roles=roles), parts


def _written_spans(plain: TraceRecord, trace: TraceRecord, roles: dict[str, Span]) -> dict[int, Span]:
    """Where the focused thought stands, and the parts of its answer."""
    order, spans = plain.focus_order, {}
    if order is not None and "thought" in roles:
        spans[order] = roles["thought"]
    if "answer" in roles:
        at, end = roles["answer"].char_start, roles["answer"].char_end
        for part in plain.given_parts:
            later = part.turn == _turn(plain) and (order is None or part.order > order)
            start = trace.text.find(part.text.strip(), at, end) if later and part.text.strip() else -1
            if start >= 0:
                at = start + len(part.text.strip())
                spans[part.order] = _span(trace, start, at)
    return spans


def _span(trace: TraceRecord, start: int, end: int) -> Span:
    return Span(*tokens_covering(trace.offsets, start, end), start, end, "role")


def _differences(
    plain: TraceRecord, trace: TraceRecord, name: str, before: Sequence[Part], found: Sequence[Part], lead: bool
) -> list[str]:
    notes = []
    recorded = plain.meta.get("model")
    if recorded and recorded != name:
        notes.append(_OTHER.format(recorded, name))
    gone = [part.kind for part in before if part.text.strip() and found[part.order].span is None]
    if gone:
        notes.append(_LEFT_OUT.format(name, len(gone), len(before), ", ".join(dict.fromkeys(gone))))
    if lead:
        notes.append(_SAME_TURN)
    if any(part.kind == "tool_call" and part.turn == _turn(plain) for part in plain.given_parts):
        notes.append(_TOOL.format(name))
    for role in ("thought", "answer"):
        if plain.role_text(role).strip() != trace.role_text(role).strip():
            notes.append(_CHANGED.format(role, name))
    return notes
