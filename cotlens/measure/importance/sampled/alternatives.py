"""What a model would write itself in place of a unit, and how surprised it is by that and by what stands there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cotlens.measure.importance.shared.groups import Group
from cotlens.measure.importance.shared.units import GIVEN
from cotlens.measure.method import in_blocks
from cotlens.models.contract import Branch, Model
from cotlens.trace import Trace

TRIES = 4
"""How many times a model may write a unit until it differs from the one that stands there."""

MARKER = "not measured: the likeliest other token there is a marker of the format"
SAME = f"not measured: the model wrote the same text, or none that ends, in {TRIES} of {TRIES} tries"


@dataclass(frozen=True)
class Alternative:
    """Tokens in place of a unit; none where there was no alternative, for the reason in `status`.

    Args:
        surprise_was: mean nats per token of what stands there.
    """

    tokens: tuple[int, ...]
    text: str
    surprise_was: float
    status: str = ""


def tokens(model: Model, trace: Trace, rows: Sequence[Group]) -> list[Alternative]:
    """For each token the likeliest other one at its place. Nothing is drawn."""
    markers = _markers(trace)

    def work(block: Sequence[Group]) -> list[Alternative]:
        branches = [Branch(row.start, trace.token_ids[row.start : row.end]) for row in block]
        found = []
        for score in model.score(trace, branches):
            other, was = int(score.rival_ids[0]), -float(score.logprobs[0])
            marker = other in markers
            found.append(
                Alternative((), "", was, MARKER) if marker else Alternative((other,), _text(trace, [other]), was)
            )
        return found

    return list(in_blocks(rows, work, "alternatives"))


def model_written(model: Model, trace: Trace, rows: Sequence[Group], unit: str, seed: int) -> list[Alternative]:
    """For each unit the first of a few the model writes there that is another text.

    A unit that is cut by the text is written until it ends; a span given by hand by as many tokens.
    """

    def work(block: Sequence[Group]) -> list[Alternative]:
        was = model.score(trace, [Branch(row.start, trace.token_ids[row.start : row.end]) for row in block])
        return [
            _written(model, trace, row, unit, seed, -float(score.logprobs.mean()))
            for row, score in zip(block, was, strict=True)
        ]

    return list(in_blocks(rows, work, "alternatives", 1))


def max_tokens(row: Group, unit: str) -> int:
    """Tokens that one try may write."""
    size = row.end - row.start
    return size if unit == GIVEN else 2 * size + 16


def _written(model: Model, trace: Trace, row: Group, unit: str, seed: int, was: float) -> Alternative:
    stood = " ".join(_text(trace, trace.token_ids[row.start : row.end]).split())
    # All tries are drawn at once: it costs one prefix, and which one is taken doesn't depend on when it came.
    samples = model.resume(trace, at=row.start, n=TRIES, seed=seed, max_new_tokens=max_tokens(row, unit))
    for sample in samples:
        new = _first_unit(sample, unit, row)
        text = _text(trace, new)
        # The same words with other white space are no alternative.
        if new and " ".join(text.split()) not in ("", stood):
            return Alternative(new, text, was)
    return Alternative((), "", was, SAME)


def _first_unit(sample: Trace, unit: str, row: Group) -> tuple[int, ...]:
    """Tokens of the first whole unit of `sample` from token `row.start` on; none if it doesn't end there."""
    thought = sample.roles.get("thought")
    if thought is None:
        return ()
    if unit == GIVEN:
        last = row.start + row.end - row.start
        return sample.token_ids[row.start : last] if last <= thought.end else ()
    found = sample.spans(unit)
    after = [i for i, span in enumerate(found) if span.end > row.start]
    # What was written ran on from the unit before, so that none begins here.
    if not after or found[after[0]].start < row.start:
        return ()
    # A unit has ended where another begins or the thought does; else the limit cut it off.
    ended = after[0] + 1 < len(found) or sample.meta.get("thought_closed", False)
    return sample.token_ids[row.start : found[after[0]].end] if ended else ()


def _markers(trace: Trace) -> set[int]:
    """Tokens of the template: those of no role, whitespace aside."""
    inside = {token for span in trace.roles.values() for token in range(span.start, span.end)}
    texts = trace.tokens
    return {token for at, token in enumerate(trace.token_ids) if at not in inside and texts[at].strip()}


def _text(trace: Trace, new: Sequence[int]) -> str:
    return b"".join(trace.codec.pieces(list(new))).decode("utf-8", "replace") if trace.codec is not None else ""
