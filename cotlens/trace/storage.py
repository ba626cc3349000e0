"""Traces in files: one JSON file holds a trace and all its parents, the root first."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens.trace.answers import AnswerReader, reader_from_data, reader_to_data
from cotlens.trace.check import check_meta, edges_of, role_spans
from cotlens.trace.edit import Edit
from cotlens.trace.editing import check_codec
from cotlens.trace.parts.part import part_from_data, part_to_data
from cotlens.trace.record import TraceRecord

T = TypeVar("T", bound=TraceRecord)
FORMAT = "cotlens-trace/1"
CHANGED = "its text, tokens or edits were changed after it was saved"

_ARRAYS = ("offsets", "logprobs", "top_ids", "top_logprobs")
_KINDS = ("truncate", "replace", "delete", "insert")


def save(trace: T, path: files.PathLike) -> None:
    """See `Trace.save`."""
    files.write(path, FORMAT, data_of(trace))


def data_of(trace: TraceRecord) -> dict[str, Any]:
    """A trace and all its parents as JSON data, as a file has them."""
    return {"traces": [step_to_data(step) for step in trace.path()]}


def load(kind: type[T], path: files.PathLike, model: Any) -> T:
    """See `Trace.load`; `kind` is the class of the traces."""
    trace = from_data(kind, files.read(path, FORMAT, "trace"), str(path))
    return trace if model is None else with_model(trace, model)


def from_data(kind: type[T], payload: Mapping[str, Any], path: str) -> T:
    """The trace whose `data_of` this is; `path` says what held it.

    Raises:
        InputError: it is damaged.
    """
    trace = None
    try:
        for data in payload["traces"]:
            trace = step_from_data(kind, data, trace)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a damaged trace file ({_reason(error)}); save the trace again.") from error
    if trace is None:
        raise InputError(f"{path} is a damaged trace file (it holds no trace); save the trace again.")
    return trace


def with_model(trace: T, model: Any) -> T:
    """The trace and its parents with the tokenizer of `model`, and its reader where they have none."""
    check_codec(trace, model.codec)
    attached = None
    for step in trace.path():
        reader = step.reader if step.reader is not None else getattr(model, "reader", None)
        attached = dataclasses.replace(step, parent=attached, codec=model.codec, reader=reader)
    assert attached is not None
    return attached


def step_to_data(trace: TraceRecord) -> dict[str, Any]:
    """One trace as JSON data, without what it was made from."""
    return {
        **described(trace),
        "token_ids": list(trace.token_ids),
        "text": trace.text,
        **{name: files.pack_array(getattr(trace, name)) for name in _ARRAYS},
        "top_pieces": [list(pieces) for pieces in trace.top_pieces] if any(trace.top_pieces) else [],
    }


def described(trace: TraceRecord) -> dict[str, Any]:
    """What a trace is besides its tokens, as JSON data."""
    return {
        "id": trace.id,
        "roles": {role: list(edges_of(span, trace.offsets)) for role, span in trace.roles.items()},
        "edit": None if trace.edit is None else _edit_to_data(trace.edit),
        "rewritten_from": trace.rewritten_from,
        "meta": files.plain(trace.meta, "trace.meta"),
        **({"parts": [part_to_data(part) for part in trace.given_parts]} if trace.given_parts else {}),
        **({} if trace.focus_order is None else {"focus": trace.focus_order}),
        **({"latents": _latents_to_data(trace)} if len(trace.latent_tokens) else {}),
        "reader": None if trace.reader is None else files.plain(reader_to_data(trace.reader), "trace.reader"),
    }


def step_from_data(kind: type[T], data: dict[str, Any], parent: T | None) -> T:
    """The trace of `step_to_data`, made from `parent`; ValueError, KeyError and the like where it is damaged."""
    arrays = {name: files.unpack_array(data[name]) for name in _ARRAYS}
    return revived(kind, data, parent, tuple(data["token_ids"]), data["text"], data["top_pieces"], arrays)


def revived(
    kind: type[T],
    data: dict[str, Any],
    parent: T | None,
    token_ids: tuple[int, ...],
    text: str,
    top_pieces: Sequence[Sequence[str]],
    arrays: Mapping[str, NDArray[Any]],
) -> T:
    """The trace of its tokens and of what `described` said; ValueError and the like where they don't fit."""
    role_tokens = {role: tuple(int(edge) for edge in edges) for role, edges in data["roles"].items()}
    odd = any(len(edges) not in (2, 4) or min(edges) < 0 for edges in role_tokens.values())
    if not isinstance(text, str) or odd:
        raise ValueError("its text or roles are not what they should be")
    meta, reader = told(data, len(token_ids))
    parts, focus = tuple(map(part_from_data, data.get("parts", ()))), data.get("focus")
    if focus is not None and (type(focus) is not int or not 0 <= focus < len(parts) or parts[focus].kind != "thought"):
        raise ValueError("its focus is no thought of it")
    trace = kind(
        token_ids=token_ids,
        text=text,
        roles=role_spans(role_tokens, arrays["offsets"]),
        top_pieces=tuple(map(tuple, top_pieces)),
        parent=parent,
        edit=None if data["edit"] is None else _edit_from_data(data["edit"]),
        rewritten_from=data["rewritten_from"],
        meta=meta,
        reader=reader,
        given_parts=parts,
        focus_order=focus,
        **latents_from_data(data),
        **arrays,  # type: ignore[arg-type]
    )
    if trace.id != data["id"]:
        raise ValueError(CHANGED)
    return trace


def told(data: Mapping[str, Any], count: int) -> tuple[dict[str, Any], AnswerReader | None]:
    """`meta` and reader of a trace of `count` tokens that `described` wrote down; ValueError where they are none."""
    meta, reader = files.revive(data["meta"]), None
    check_meta(meta, count)
    if data["reader"] is not None:
        reader = reader_from_data(files.revive(data["reader"]))
        if reader is None:
            meta = {**meta, "notes": [*meta.get("notes", ()), _reader_note(data["reader"]["name"])]}
    return meta, reader


def _latents_to_data(trace: TraceRecord) -> dict[str, Any]:
    return {"tokens": trace.latent_tokens.tolist(), "vectors": files.pack_array(trace.latents)}


def latents_from_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Latents and their tokens of what `described` wrote down, as fields of a trace; none of a thought in words."""
    given = data.get("latents")
    if given is None:
        return {}
    places = np.array(given["tokens"])
    if places.dtype.kind != "i":
        raise ValueError("its latent tokens are no whole numbers")
    return {"latent_tokens": places, "latents": files.unpack_array(given["vectors"])}


def _edit_to_data(edit: Edit) -> dict[str, Any]:
    return {name: files.plain(value, f"trace.edit.{name}") for name, value in dataclasses.asdict(edit).items()}


def _edit_from_data(data: dict[str, Any]) -> Edit:
    values = files.revive(data)
    if values["kind"] not in _KINDS:
        raise ValueError(f"it has an edit of unknown kind {values['kind']!r}")
    kinds = {"old": str, "new": str} | dict.fromkeys(("start", "end", "start_token", "end_token", "old_tokens"), int)
    for name, kind in kinds.items():
        value = values.get(name, kind())
        if type(value) is not kind or (isinstance(value, int) and not 0 <= value < 1 << 53):
            raise ValueError(f"its edit can't have {reprlib.repr(value)} as {name}")
    for name in ("surprise", "surprise_was"):
        values[name] = math.nan if math.isnan(values[name]) else float(values[name])
    return Edit(**values)


def _reader_note(name: str) -> str:
    return f"The answer reader {name!r} can't be saved; give the trace one again to read its answer."


def _reason(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error).rstrip(".")
