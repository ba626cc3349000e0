"""A chat endpoint that is asked questions and nothing else: no tokenizer is needed, and nothing of it is measured."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cotlens._core import check, control
from cotlens._core.errors import BackendError, InputError
from cotlens.models import addresses
from cotlens.models.contract.asking import Conversation, OnReply, Reply, Sent
from cotlens.models.endpoint import errors
from cotlens.models.endpoint.client import AGAIN, Client
from cotlens.models.endpoint.errors import ServerRefusal
from cotlens.models.endpoint.secret import OWN
from cotlens.models.generation.sample_store import Store, open_store

_PATH = "/chat/completions"
_SEEDS = 2**31
_OPENED, _CLOSED = "<think>", "</think>"  # a server that doesn't part thought and answer leaves it in the text
_NOT_OURS = (401, 403, 404, 405)  # about the key, the model or the address: the next request would meet the same

_OPTIONAL = ("response_format", "seed", "top_p", "temperature")  # what a server may not take
_LENGTH, _LENGTH_INSTEAD = "max_tokens", "max_completion_tokens"


class ChatEndpoint:
    """An OpenAI-compatible chat endpoint that answers messages, such as a judge.

    Unlike a model of `cl.load(..., backend="vllm")` it needs no tokenizer, and nothing is found out about it
    beforehand: fields that it refuses (a schema, a seed) are left out from then on. Its replies are kept in the sample
    store by address, served name, messages and sampling, so a repeated question costs nothing; whether the server
    serves other weights by the same name meanwhile can't be seen.

    Args:
        name: what the server calls the model.
        endpoint: its address, with /v1.
        together: requests at once.
        timeout: seconds without a byte after which a request counts as lost.
        retries: how often one is sent again after a dropped connection, a 429 or a 5xx.
        key: name of the environment variable that holds the server's key; see `cl.load`.
        store: where replies are kept: a path, None for the user's store, False for nowhere.

    Raises:
        InputError: the address is none, holds a password, or key= names a variable that holds nothing.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        *,
        together: int = 8,
        timeout: float = 120.0,
        retries: int = 4,
        key: str | None = None,
        store: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        self.name = check.text("name", name, of="ChatEndpoint")
        given = check.text("endpoint", endpoint, of="ChatEndpoint")
        addresses.checked(given, "endpoint", "http://localhost:8000/v1", OWN)
        check.whole("together", together, 1, of="ChatEndpoint"), check.whole("retries", retries, 0, of="ChatEndpoint")
        check.number("timeout", timeout, above=0, of="ChatEndpoint")
        if not self.name.strip():
            raise InputError("ChatEndpoint was given an empty name; give what the server calls the model.")
        self.where = given.rstrip("/")
        self.store: Store | None = open_store(store)
        self._client = Client(self.where, together, timeout, retries, key)
        self._without: set[str] = set()

    def __repr__(self) -> str:
        return f"ChatEndpoint({self.name!r}, {self.where!r})"

    def data(self) -> dict[str, Any]:
        """Name, address, and the fields of sampling that the server was found not to take."""
        known = {"model": self.name, "backend": "chat endpoint", "endpoint": self.where}
        return {**known, "left_out": sorted(self._without)} if self._without else known

    def answer(
        self, conversations: Sequence[Conversation], numbers: Sequence[Sequence[int]], sent: Sent, on_reply: OnReply
    ) -> None:
        """Replies to every conversation; see `contract.asking.Answerer`."""
        asked = [self._question(messages, sent) for messages in conversations]
        places: dict[tuple[bytes, int], list[int]] = {}
        for place, wanted in enumerate(numbers):
            kept = self.store.find_replies(asked[place], wanted) if self.store is not None else {}
            for number in wanted:
                if number in kept:
                    on_reply(place, number, Reply(*kept[number]))
                else:
                    places.setdefault((asked[place], number), []).append(place)

        def to_all(place: int, number: int, reply: Reply) -> None:
            for each in places[asked[place], number]:
                on_reply(each, number, reply)

        # What is asked more than once in the same words is sent once, as it is when the replies come from the store.
        missing = [(alike[0], number) for (_, number), alike in places.items()]
        _Asking(self, conversations, asked, sent, to_all).all(missing)

    def _question(self, messages: Conversation, sent: Sent) -> bytes:
        """What identifies the replies to a conversation, 32 bytes."""
        settings = [sent.temperature, sent.top_p, sent.max_new_tokens, sent.seed, sent.schema]
        told = json.dumps([self.where, self.name, list(map(dict, messages)), settings], sort_keys=True)
        return hashlib.sha256(b"reply/1\n" + told.encode()).digest()

    def body(self, messages: Conversation, number: int, sent: Sent) -> dict[str, Any]:
        """One request, without the fields that the server was found not to take."""
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in messages],
            "temperature": sent.temperature,
            "top_p": sent.top_p,
            _LENGTH: sent.max_new_tokens,
            "seed": _seed(sent.seed, number),
        }
        if sent.schema is not None:
            wanted = {"name": "reply", "strict": True, "schema": dict(sent.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        if _LENGTH in self._without:
            body[_LENGTH_INSTEAD] = body.pop(_LENGTH)
        return {name: value for name, value in body.items() if name not in self._without}

    def adapt(self, refusals: Sequence[ServerRefusal]) -> bool:
        """Leave out what the server's words blame, if it is a field that can be done without."""
        about = [one.said for one in refusals if one.status in (400, 422) and not errors.too_long(one.said)]
        said = " ".join(about).lower()
        found = {name for name in (*_OPTIONAL, _LENGTH) if re.search(rf"\b{name}\b", said)}
        if about and not found:
            found = {"response_format"}  # servers word it in many ways; of all fields it is the least known
        fresh = found - self._without
        self._without |= fresh
        return bool(fresh)


class _Asking:
    """The requests of one call of `answer`."""

    def __init__(
        self,
        endpoint: ChatEndpoint,
        conversations: Sequence[Conversation],
        asked: Sequence[bytes],
        sent: Sent,
        on_reply: OnReply,
    ) -> None:
        self._endpoint, self._conversations, self._asked = endpoint, conversations, asked
        self._sent, self._on_reply = sent, on_reply
        self._failed: list[BackendError] = []
        self._answered = 0

    def all(self, missing: list[tuple[int, int]]) -> None:
        """Ask for replies (place, number) until each has come or failed."""
        total = len(missing)
        while missing:
            refused: dict[int, ServerRefusal] = {}
            current, now = control.current(), list(missing)

            def on_data(at: int, data: Any, now: Any = now, refused: Any = refused, current: Any = current) -> None:
                if data is AGAIN:
                    return
                if isinstance(data, ServerRefusal) and data.status not in _NOT_OURS:
                    refused[at] = data
                    return
                place, number = now[at]
                self._on_data(place, number, data)
                current.report(self._answered + len(self._failed), total, "asking")

            bodies = [self._endpoint.body(self._conversations[place], n, self._sent) for place, n in missing]
            self._endpoint._client.ask_all(bodies, on_data, path=_PATH, keep_going=True)
            if not self._endpoint.adapt(list(refused.values())):
                for at, error in refused.items():
                    self._answered += 1
                    place, number = missing[at]
                    self._on_reply(place, number, _refusal(error))
                break
            missing = [missing[at] for at in refused]
        if self._failed and not self._answered:
            raise self._failed[0]

    def _on_data(self, place: int, number: int, data: Any) -> None:
        if isinstance(data, ServerRefusal):
            raise data
        if isinstance(data, BackendError):
            self._failed.append(data)
            self._on_reply(place, number, Reply("", "failed", str(data)))
            return
        reply = _reply(data, self._endpoint._client.secret.redact)
        self._answered += 1
        if reply.finish in ("stop", "length") and self._endpoint.store is not None:
            self._endpoint.store.keep_replies([(self._asked[place], number, reply.text, reply.finish)])
        self._on_reply(place, number, reply)


def _reply(data: Mapping[str, Any], redact: Callable[[str], str]) -> Reply:
    """The first choice of a completion, without the key, which a server may repeat: it may say anything."""
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    content, declined = _content(message.get("content")), message.get("refusal")
    if isinstance(declined, str) and declined.strip():
        return Reply(redact(declined), "refused", "The judge declined to answer.")
    if choice.get("finish_reason") == "content_filter":
        return Reply(redact(content or ""), "refused", "The server's filter held the reply back.")
    if content is None:
        return Reply("", "failed", "The server's reply holds no text.")
    cut = choice.get("finish_reason") in ("length", "max_tokens")
    return Reply(redact(_without_thought(content)), "length" if cut else "stop")


def _content(given: Any) -> str | None:
    """The text of a message: as it is, or of its parts; None where there is none."""
    if isinstance(given, list):
        texts = [part.get("text") for part in given if isinstance(part, Mapping) and part.get("type") == "text"]
        return "".join(text for text in texts if isinstance(text, str)) if texts else None
    return given if isinstance(given, str) else None


def _without_thought(text: str) -> str:
    """What follows a thought; nothing of one that never ends, which is no answer yet."""
    if text.lstrip().startswith(_OPENED) and _CLOSED not in text:
        return ""
    return text.rpartition(_CLOSED)[2].strip()


def _refusal(error: ServerRefusal) -> Reply:
    return Reply("", "over_budget" if errors.too_long(error.said) else "refused", str(error))


def _seed(seed: int, number: int) -> int:
    """A seed of its own for each reply, which every server takes."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SEEDS
