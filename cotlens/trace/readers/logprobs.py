"""Token ids and log-probabilities that came along with a response, in whatever place it keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cotlens.trace.parts.layout import Recorded

Row = tuple[bytes, int, float, tuple[tuple[str, int, float], ...]]
"""Piece, id (-1 where unknown), log-probability (NaN where unknown), and alternatives."""

_UNKNOWN = -1
_NAN = float("nan")
IDS_ALONE = "{} token ids came along without their texts; they are used where a model is given that reads them."


def recorded(data: Mapping[str, Any], codec: Any = None) -> tuple[Recorded | None, list[str]]:
    """The tokens of a reply, and notes of what couldn't be used.

    Args:
        data: of a choice or a response.
        codec: of the model whose ids they may be; tells what ids spell that came without texts.
    """
    ids = _ids(data)
    rows = _rows(data)
    if not rows:
        if not ids:
            return None, []
        pieces = _spelled(codec, ids)
        return (Recorded(tuple(pieces), tuple(ids)), []) if pieces else (None, [IDS_ALONE.format(len(ids))])
    known = [row[1] for row in rows]
    if len(ids) == len(rows):
        known = ids
    if codec is not None and min(known) < 0:
        known = _found(codec, rows) or known
    top = tuple(row[3] for row in rows)
    return (
        Recorded(
            tuple(row[0] for row in rows),
            tuple(known) if min(known) >= 0 else (),
            tuple(row[2] for row in rows),
            top if any(top) else (),
        ),
        [],
    )


def _ids(data: Mapping[str, Any]) -> list[int]:
    for name in ("token_ids", "output_ids", "completion_token_ids"):
        found = data.get(name)
        if isinstance(found, list) and found and all(type(each) is int and each >= 0 for each in found):
            return found
    return []


def _spelled(codec: Any, ids: Sequence[int]) -> list[bytes]:
    try:
        return list(codec.pieces(ids)) if codec is not None else []
    except (IndexError, KeyError, ValueError, OverflowError, TypeError):
        return []


def _found(codec: Any, rows: Sequence[Row]) -> list[int]:
    """The ids of tokens that came as texts, where the model's tokenizer cuts the text in the same places."""
    pieces = [row[0] for row in rows]
    ids = codec.encode(b"".join(pieces).decode("utf-8", "replace"))
    return list(ids) if _spelled(codec, ids) == pieces else []


def _rows(data: Mapping[str, Any]) -> list[Row]:
    logprobs = data.get("logprobs")
    if isinstance(logprobs, Mapping) and isinstance(logprobs.get("content"), list):
        return [_openai(each) for each in [*(logprobs.get("reasoning_content") or []), *logprobs["content"]]]
    if isinstance(logprobs, Mapping) and isinstance(logprobs.get("tokens"), list):
        return _completion(logprobs)
    if isinstance(logprobs, list) and logprobs and isinstance(logprobs[0], Mapping) and "token" in logprobs[0]:
        return [_openai(each) for each in logprobs]
    meta, google, details = data.get("meta_info"), data.get("logprobsResult"), data.get("details")
    if isinstance(meta, Mapping) and isinstance(meta.get("output_token_logprobs"), list):
        found = meta["output_token_logprobs"]
        return [_sglang(each) for each in found] if all(len(each) > 2 and each[2] for each in found) else []
    if isinstance(google, Mapping):
        return [_google(each) for each in google.get("chosenCandidates") or []]
    if isinstance(details, Mapping) and isinstance(details.get("tokens"), list):
        return [(str(t["text"]).encode(), int(t["id"]), _number(t.get("logprob")), ()) for t in details["tokens"]]
    return [row for item in data.get("output") or [] if isinstance(item, Mapping) for row in _responses(item)]


def _openai(each: Mapping[str, Any]) -> Row:
    token, known = str(each.get("token", "")), each.get("bytes")
    piece = bytes(known) if isinstance(known, list) else token.encode("utf-8", "surrogatepass")
    top = tuple((str(t.get("token", "")), _UNKNOWN, _number(t.get("logprob"))) for t in each.get("top_logprobs") or ())
    id = token.removeprefix("token_id:")  # vLLM may give ids in place of texts
    return (
        piece,
        int(id) if id != token and id.isdigit() else int(each.get("id", _UNKNOWN)),
        _number(each.get("logprob")),
        top,
    )


def _completion(logprobs: Mapping[str, Any]) -> list[Row]:
    tokens = logprobs["tokens"]
    values = logprobs.get("token_logprobs") or [None] * len(tokens)
    tops = logprobs.get("top_logprobs") or [None] * len(tokens)
    return [
        (
            str(token).encode(),
            _UNKNOWN,
            _number(value),
            tuple((str(t), _UNKNOWN, _number(v)) for t, v in (top or {}).items()),
        )
        for token, value, top in zip(tokens, values, tops, strict=False)
    ]


def _sglang(each: Sequence[Any]) -> Row:
    return str(each[2]).encode(), int(each[1]), _number(each[0]), ()


def _google(each: Mapping[str, Any]) -> Row:
    return (
        str(each.get("token", "")).encode(),
        int(each.get("tokenId", _UNKNOWN)),
        _number(each.get("logProbability")),
        (),
    )


def _responses(item: Mapping[str, Any]) -> list[Row]:
    content = item.get("content") if isinstance(item.get("content"), list) else []
    return [
        _openai(each)
        for block in content or []
        if isinstance(block, Mapping)
        for each in block.get("logprobs") or []
        if isinstance(each, Mapping)
    ]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _NAN
