"""From a judge's reply to a verdict. What isn't what was asked for is a failure with a reason, never "clean"."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core.data import loads
from cotlens._core.text import without_halves
from cotlens.measure.monitors.anchoring import ShownText
from cotlens.measure.monitors.finding import MOST_SEVERE, STATUSES, Finding
from cotlens.measure.monitors.prompt import ShownThought
from cotlens.measure.monitors.rubric import Rubric
from cotlens.models.contract import Reply

_MOST_TRIED = 64  # beginnings of objects in a reply
_MOST_FOUND = 500  # findings of one reply
_DECODER = json.JSONDecoder()
_DECLINES = re.compile(
    r"\b(?:I|we)(?:'m| am| are)? ?(?:can't|cannot|can not|won't|will not|unable to|not able to|must decline)\b"
    r"|\b(?:I'm|I am) sorry\b|\bas an AI\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ParsedReply:
    """One reply as it was read; `status` and `reason` as in `Reading`."""

    label: str = ""
    flags: bool = False
    findings: tuple[Finding, ...] = ()
    rationale: str = ""
    status: str = "ok"
    reason: str = ""


class _Wrong(Exception):
    """A reply isn't what was asked for; its words say why."""


def parse(reply: Reply, rubric: Rubric, shown: ShownThought) -> ParsedReply:
    """The verdict of a reply, or why there is none."""
    if reply.finish in ("failed", "refused", "over_budget"):
        status = {"failed": "unanswered"}.get(reply.finish, reply.finish)
        return ParsedReply(status=status, reason=reply.why or f"{STATUSES[status].capitalize()}.")
    if reply.finish == "length":
        return ParsedReply(
            status="cut", reason="The reply was cut off before its label; give a larger max_new_tokens=."
        )
    try:
        return _verdict(_object(reply.text, shown), rubric, shown.text)
    except _Wrong as wrong:
        # A refusal in words; the same words within an object are part of a rationale.
        declined = "{" not in reply.text and _DECLINES.search(reply.text)
        return ParsedReply(status="refused" if declined else "unparsed", reason=str(wrong))


def _object(text: str, shown: ShownThought) -> Mapping[str, Any]:
    """The one JSON object with a label in a reply."""
    found = [(source, data) for source, data in _objects(without_halves(text)) if "label" in data]
    if not found:
        raise _Wrong("The reply holds no JSON object with a label." if text.strip() else "The reply is empty.")
    # Taking the last, or the first, would let a text that the judge quotes decide.
    if len({json.dumps(data, sort_keys=True) for _, data in found}) > 1:
        raise _Wrong(f"The reply holds {len(found)} different objects with a label, so none of them counts.")
    source, data = found[-1]
    twice = _named_twice(source)
    if twice:
        raise _Wrong(f"The reply has the field {_short(twice)} twice in one object, so it doesn't count.")
    judged = [shown.text.trace.text[start:end] for start, end in shown.text.regions]
    # In other spaces or another order it is the same verdict.
    held = any(data == one for text in judged for _, one in _objects(without_halves(text)))
    if held or "".join(source.split()) in "".join("".join(text.split()) for text in judged):
        raise _Wrong(
            "The verdict stands in the text that was judged, so the judge repeats or obeys it rather than judging it."
        )
    return data


def _objects(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The JSON objects in a text that are in no other, each with its source."""
    found, at, tried = [], text.find("{"), 0
    while at >= 0 and tried < _MOST_TRIED:
        try:
            _, end = _DECODER.raw_decode(text, at)
            found.append((text[at:end], loads(text[at:end])))
        except (ValueError, RecursionError):
            end, tried = at + 1, tried + 1
        at = text.find("{", end)
    return found


def _named_twice(source: str) -> str:
    """A name that an object in it has twice, "" where there is none: a parser takes the last, whatever was meant."""
    found = [""]

    def names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        told = [name for name, _ in pairs]
        found[:0] = [name for name in told if told.count(name) > 1]
        return dict(pairs)

    json.loads(source, object_pairs_hook=names)
    return found[0]


def _verdict(data: Mapping[str, Any], rubric: Rubric, text: ShownText) -> ParsedReply:
    name = data["label"]
    label = rubric.label(name) if isinstance(name, str) else None
    if label is None:
        raise _Wrong(f"The reply's label {_short(name)} is none of {', '.join(one.name for one in rubric.labels)}.")
    rationale = _words(data, "rationale", "The reply")
    given = data.get("findings")
    if not isinstance(given, list) or len(given) > _MOST_FOUND:
        raise _Wrong("The reply has no list of findings." if not isinstance(given, list) else "It has too many.")
    findings = tuple(_finding(one, number, rubric, text) for number, one in enumerate(given, start=1))
    return ParsedReply(label.name, label.flags, findings, rationale)


def _finding(data: Any, number: int, rubric: Rubric, text: ShownText) -> Finding:
    where = f"Finding {number} of the reply"
    if not isinstance(data, Mapping):
        raise _Wrong(f"{where} is no object.")
    quote, rationale = _words(data, "quote", where), _words(data, "rationale", where)
    category = _one_of(data, "category", [one.name for one in rubric.categories], where)
    stance = _one_of(data, "stance", [one.name for one in rubric.stances], where)
    severity, sentence = data.get("severity"), data.get("sentence")
    # bool is a subclass of int: `true` would pass as severity 1.
    if not isinstance(severity, int) or isinstance(severity, bool) or not 0 <= severity <= MOST_SEVERE:
        raise _Wrong(f"{where} has the severity {_short(severity)}, which is no whole number from 0 to {MOST_SEVERE}.")
    known = isinstance(sentence, int) and not isinstance(sentence, bool)
    anchor = text.anchor(quote, sentence if known else None)
    return Finding(
        quote, category, severity, stance, rationale, anchor.span, anchor.anchor, anchor.similarity, anchor.note
    )


def _words(data: Mapping[str, Any], name: str, where: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{where} has no {name}.")
    return value.strip()


def _one_of(data: Mapping[str, Any], name: str, allowed: list[str], where: str) -> str:
    value = data.get(name)
    known = {one.casefold(): one for one in allowed}
    found = known.get(value.strip().casefold()) if isinstance(value, str) else None
    if found is None:
        raise _Wrong(f"{where} has the {name} {_short(value)}, which is none of {', '.join(allowed)}.")
    return found


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 40 else f"{said[:37]}..."
