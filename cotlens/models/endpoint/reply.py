"""What a server says, as token ids and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cotlens.models.endpoint import errors

_ENDED = ("stop", "eos", "eos_token", "stop_sequence", "end_turn", "tool_calls", "function_call")
_CUT = ("length", "max_tokens", "max_length", "model_length")
_NAME = "token_id:"  # how vLLM writes a token where it was asked for ids in place of text
Chances = dict[int, float]
"""Token ids and their log-probabilities, natural log."""


@dataclass
class PartialCompletion:
    """What has come so far in answer to one request for text.

    Args:
        text: all of it, behind what was to come first.
        rest, held: what the server was left to write first, and how many tokens that is; see `TextPrompt`.
        came: all of it, with that.
        ids: the tokens, where the server tells them.
        words: their texts, where it tells these beside ids; llama.cpp tells only the last token of a character that
            several tokens make, with the text of them all.
        logprobs, tops: one entry per token of `ids`, where the server gives them: its own, and the best ones.
        finish: "stop", "length", "cancelled" (the server broke it off), or "" while unfinished or where it doesn't say.
        stop: the token that the server says it stopped at.
        read, written: how many tokens it counted in the prompt and in its answer; 0 where it doesn't say.
    """

    where: str
    text: str = ""
    rest: str = ""
    held: int = 0
    came: str = ""
    ids: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    tops: list[Chances] = field(default_factory=list)
    finish: str = ""
    stop: int | None = None
    read: int = 0
    written: int = 0

    def take(self, data: Mapping[str, Any]) -> int:
        """Add an answer, or a piece of one; how many ids are new."""
        self._count(data)
        before = len(self.ids)
        for choice in choices(data, self.where):
            self._put(self.came + (choice.get("text") or ""))
            table = by_columns(choice.get("logprobs") or {})
            names = table.get("tokens") or ()
            given = choice.get("token_ids")
            new = [int(token) for token in given] if given is not None else [id_of(name) for name in names]
            if None not in new:
                self.ids += [token for token in new if token is not None]
                self.words += table.get("words") or ()
                self._measure(table, len(new))
            self._end(choice)
        return len(self.ids) - before

    def _put(self, came: str) -> None:
        """Take the text as far as it has come; BackendError where what was to come first doesn't."""
        n = min(len(came), len(self.rest))
        if came[:n] != self.rest[:n]:
            raise errors.other_space(self.where, self.rest, came)
        self.came, self.text = came, came[n:]

    def _count(self, data: Mapping[str, Any]) -> None:
        usage = data.get("usage") or {}
        self.read = int(usage.get("prompt_tokens") or self.read)
        written = int(usage.get("completion_tokens") or 0)
        self.written = max(0, written - self.held) or self.written

    def _end(self, choice: Mapping[str, Any]) -> None:
        self.finish = _finish(choice) or self.finish
        if self.finish and len(self.came) < len(self.rest):
            raise errors.other_space(self.where, self.rest, self.came)
        if isinstance(choice.get("stop_reason"), int):
            self.stop = int(choice["stop_reason"])

    def _measure(self, table: Mapping[str, Any], n: int) -> None:
        values, tops = table.get("token_logprobs") or (), table.get("top_logprobs") or ()
        if len(values) == n:
            self.logprobs += [float(value) if value is not None else float("nan") for value in values]
        if len(tops) == n:
            self.tops += [chances(top) for top in tops]


def choices(data: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """The choices of an answer; BackendError where it has none of their form. A usage at the end comes without any."""
    found = data.get("choices")
    if not isinstance(found, list) or not all(isinstance(choice, Mapping) for choice in found):
        raise errors.strange(where, "its answer holds no choices")
    return found


def by_columns(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Log-probabilities as columns, as OpenAI's completions have them, also where they come as rows with ids.

    llama.cpp sends {"content": [{"id", "token", "logprob", "top_logprobs": [{"id", "logprob"}, ...]}, ...]}.
    """
    rows = table.get("content")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) and "id" in row for row in rows):
        return table
    tops = [{_named(one): one["logprob"] for one in row.get("top_logprobs") or () if "id" in one} for row in rows]
    return {
        "tokens": [_named(row) for row in rows],
        "words": [str(row.get("token") or "") for row in rows],
        "token_logprobs": [row.get("logprob") for row in rows],
        "top_logprobs": tops,
    }


def _named(row: Mapping[str, Any]) -> str:
    return f"{_NAME}{row['id']}"


def id_of(name: str) -> int | None:
    """The id that "token_id:123" names; None for text, which doesn't tell which token it was."""
    digits = name.removeprefix(_NAME)
    return int(digits) if digits != name and digits.isdecimal() else None


def chances(top: Mapping[str, float] | None) -> Chances:
    """The alternatives at one token; those named by text are left out."""
    named = {id_of(name): float(value) for name, value in (top or {}).items()}
    return {token: value for token, value in named.items() if token is not None}


def prompt_table(choice: Mapping[str, Any]) -> list[Chances] | None:
    """vLLM's `prompt_logprobs`: per token of the prompt ids and log-probabilities, {} for the first; None if not given.

    They come as [null, {"<id>": {"logprob", "rank", "decoded_token"}, ...}, ...].
    """
    table = choice.get("prompt_logprobs")
    if not isinstance(table, list):
        return None
    return [{int(token): float(entry["logprob"]) for token, entry in (position or {}).items()} for position in table]


def next_place(choice: Mapping[str, Any]) -> Chances:
    """What was likely where one token was written, with that token; {} where nothing is told of it."""
    table = by_columns(choice.get("logprobs") or {})
    names, values, tops = (table.get(column) or [] for column in ("tokens", "token_logprobs", "top_logprobs"))
    if not len(names) == len(values) == len(tops) == 1 or id_of(names[0]) is None or values[0] is None:
        return {}
    return {**chances(tops[0]), **chances({names[0]: values[0]})}


def echo_table(choice: Mapping[str, Any], ids: tuple[int, ...]) -> list[Chances] | None:
    """The same from `echo` with `logprobs`; None where the prompt `ids` aren't repeated, or not as ids."""
    table = choice.get("logprobs") or {}
    names, values = table.get("tokens") or [], table.get("token_logprobs") or []
    tops = table.get("top_logprobs") or []
    n = len(ids)
    if not len(names) == len(values) == len(tops) or [id_of(name) for name in names[:n]] != list(ids):
        return None
    found: list[Chances] = []
    for token, value, top in zip(ids, values, tops, strict=False):
        found.append({} if value is None else {**chances(top), token: float(value)})
    return found


def _finish(choice: Mapping[str, Any]) -> str:
    reason = choice.get("finish_reason")
    if isinstance(reason, Mapping):  # SGLang's older form
        reason = reason.get("type")
    if not reason or reason == "null":
        return ""
    return "stop" if reason in _ENDED else "length" if reason in _CUT else "cancelled"
