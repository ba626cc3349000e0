"""Trajectories of agents: ATIF, whose steps are of the system, the user or the agent, with calls and observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core.errors import InputError
from cotlens.trace.answers import FinalAnswer
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.logprobs import IDS_ALONE
from cotlens.trace.readers.message_fields import result
from cotlens.trace.readers.messages import in_turns, parts_of, written
from cotlens.trace.trace import Trace


def is_atif(data: Any) -> bool:
    """Whether data have the shape of a trajectory."""
    return isinstance(data, Mapping) and isinstance(data.get("steps"), list) and "agent" in data


def atif_trace(data: Mapping[str, Any], *, model: Any = None) -> Trace:
    """The trace of a trajectory.

    Raises:
        InputError: it holds no steps, or one that is none.
    """
    if not is_atif(data) or not data["steps"]:
        raise InputError("This is no trajectory in the format ATIF: it needs an agent and steps; is it another file?")
    agent = data["agent"] if isinstance(data["agent"], Mapping) else {}
    writer = str(agent.get("model_name") or "")
    turns: list[Sequence[Part]] = []
    along: dict[int, Recorded] = {}
    notes: list[str] = []
    for number, step in enumerate(data["steps"], start=1):
        if not isinstance(step, Mapping) or step.get("source") not in ("system", "user", "agent"):
            raise InputError(f"Step {number} of the trajectory doesn't say whether system, user or agent took it.")
        found = [group for group in _step(step, str(step.get("model_name") or writer)) if group]
        tokens, said = _tokens(step, getattr(model, "codec", None))
        if tokens and found:
            along[len(turns)] = tokens
        notes += said
        turns += found
    named = {"model": writer, "session": str(data.get("session_id") or "")}
    about: dict[str, Any] = {name: value for name, value in named.items() if value}
    about |= {"notes": notes, "recorded_ids": bool(along)}
    return from_parts(Trace, in_turns(turns), recorded=along, meta=about, model=model, reader=FinalAnswer())


def _step(step: Mapping[str, Any], writer: str) -> Iterator[Sequence[Part]]:
    """The turns of a step: what was said, and what the tools answered."""
    message = step.get("message")
    if step["source"] != "agent":
        yield parts_of([{"role": step["source"], "content": message or ""}])
    else:
        names = ("reasoning_content", "tool_calls")
        said = written({"content": message or "", **{name: step[name] for name in names if step.get(name)}}, writer)
        if said:
            yield said
    observed = step.get("observation")
    for one in observed.get("results") or [] if isinstance(observed, Mapping) else []:
        yield [result(one.get("content"), one.get("source_call_id"))]


def _tokens(step: Mapping[str, Any], codec: Any) -> tuple[Recorded | None, list[str]]:
    metrics = step.get("metrics") if isinstance(step.get("metrics"), Mapping) else {}
    ids, logprobs = (metrics or {}).get("completion_token_ids"), (metrics or {}).get("logprobs")
    if not isinstance(ids, list) or not ids:
        return None, []
    try:
        pieces = None if codec is None else tuple(codec.pieces(ids))
    except (IndexError, KeyError, ValueError, OverflowError, TypeError):
        pieces = None
    if pieces is None:
        return None, [IDS_ALONE.format(len(ids))]
    values = tuple(map(float, logprobs)) if isinstance(logprobs, list) and len(logprobs) == len(ids) else ()
    return Recorded(pieces, tuple(ids), values), []
