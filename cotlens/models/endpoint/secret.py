"""The key of a server: from the environment only, sent in one header, and shown nowhere."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Generator
from urllib.parse import quote, quote_plus, urlsplit

import httpx

from cotlens._core.errors import InputError
from cotlens.models.addresses import private

OWN = "VLLM_API_KEY"
OPENAI = "OPENAI_API_KEY"
HIDDEN = "[key]"


class Secret(httpx.Auth):
    """Signs requests with a key from the environment; without one they go unsigned.

    VLLM_API_KEY is for whatever endpoint is named, unless it would cross a public network in the open; OPENAI_API_KEY
    goes to OpenAI alone. Any other pairing of a key and a server has to be asked for by the variable's name.

    Args:
        endpoint: the address that it goes to.
        variable: name of the environment variable that holds the key, in place of those.

    Raises:
        InputError: the variable holds nothing, or what was given is no variable's name.
    """

    def __init__(self, endpoint: str = "", variable: str | None = None) -> None:
        self._asked = endpoint, variable
        self.variable = _variable(endpoint) if variable is None else _named(variable)
        self._key = os.environ[self.variable].strip() if self.variable else ""

    def __repr__(self) -> str:
        return f"Secret({self.variable or 'none'})"

    def __reduce__(self) -> tuple[type[Secret], tuple[str, str | None]]:
        return (Secret, self._asked)  # a copy reads the environment anew

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        yield request

    def redact(self, text: str) -> str:
        """`text` without the key, however it is escaped: some servers repeat it in their errors."""
        for written in sorted(_spellings(self._key), key=len, reverse=True) if self._key else ():
            text = text.replace(written, HIDDEN)
        return text


def _spellings(key: str) -> set[str]:
    """A key as it stands in plain text, in JSON, in an address, and in HTML."""
    quoted = {json.dumps(key)[1:-1], quote(key), quote(key, safe=""), quote_plus(key), html.escape(key)}
    return {key, key.replace("/", "\\/"), html.escape(key, quote=False), *quoted}


def _variable(endpoint: str) -> str | None:
    """The variable whose key an endpoint gets unasked."""
    parts = urlsplit(endpoint)
    if os.environ.get(OWN, "").strip() and private(parts):
        return OWN
    openai = parts.scheme == "https" and f".{parts.hostname or ''}".endswith(".openai.com")
    return OPENAI if openai and os.environ.get(OPENAI, "").strip() else None


def _named(variable: str) -> str:
    if not isinstance(variable, str) or not variable.isidentifier():
        raise InputError(
            "key= is the name of the environment variable that holds the key, such as 'VLLM_API_KEY'; what was given "
            "is no such name, and a key itself is never given here."
        )
    if not os.environ.get(variable, "").strip():
        # The name isn't repeated: it may be a key that was given by mistake.
        raise InputError("The environment variable that key= names holds nothing; set it, or leave out key=.")
    return variable
