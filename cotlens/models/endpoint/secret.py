"""The key of a server: from the environment only, sent in one header, and shown nowhere."""

from __future__ import annotations

import os
from collections.abc import Generator

import httpx

VARIABLES = ("VLLM_API_KEY", "OPENAI_API_KEY")
HIDDEN = "[key]"


class Secret(httpx.Auth):
    """Signs requests with the key that VLLM_API_KEY, else OPENAI_API_KEY, holds; without one they go unsigned."""

    def __init__(self) -> None:
        self.variable = next((name for name in VARIABLES if os.environ.get(name)), None)
        self._key = os.environ[self.variable].strip() if self.variable else ""

    def __repr__(self) -> str:
        return f"Secret({self.variable or 'none'})"

    def __reduce__(self) -> tuple[type[Secret], tuple[()]]:
        return (Secret, ())  # a copy reads the environment anew

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        yield request

    def redact(self, text: str) -> str:
        """`text` without the key: some servers repeat it in their errors."""
        return text.replace(self._key, HIDDEN) if self._key else text
