"""What can go wrong between here and a server, each as one sentence with what to do."""

from __future__ import annotations

import datetime
import email.utils
import json
from collections.abc import Callable, Mapping
from typing import Any

from cotlens._core.data import loads
from cotlens._core.errors import BackendError, CotLensError

BY_TOKENS = "use a server that takes token ids (vLLM, SGLang, llama.cpp)"
"""What to do where a text doesn't say which tokens are meant."""
_MOST_WORDS = 300  # characters of what a server says of its own error


class ServerRefusal(BackendError):
    """The server understood a request and refused it (status 400 to 499).

    Args:
        status: of HTTP.
        said: the server's own words.
    """

    def __init__(self, sentence: str, status: int, said: str) -> None:
        super().__init__(sentence)
        self.status, self.said = status, said


class RetryableError(Exception):
    """Worth another try: `error` is what it becomes when none is left, `wait` the seconds that the server asks for."""

    def __init__(self, error: CotLensError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


def of_status(status: int, headers: Mapping[str, str], said: str, where: str) -> Exception:
    """The error that an answer other than 200 stands for.

    Args:
        said: the server's words, without any key.
        where: the endpoint.
    """
    if status in (401, 403):
        return ServerRefusal(
            f"The server at {where} refused the key ({status}: {said}); set the environment variable VLLM_API_KEY "
            "to one that it takes, or name the variable that holds it with key=, and load the model again (no key is "
            "sent unasked over plain http to a public address).",
            status,
            said,
        )
    if status == 429:
        error = BackendError(
            f"The server at {where} is taking no more requests for now (429: {said}); run this again later, or load "
            "the model with a smaller together=."
        )
        return RetryableError(error, retry_after(headers))
    if status in (408, 409, 425) or status >= 500:
        error = BackendError(f"The server at {where} failed ({status}: {said}); look at its log, then run this again.")
        return RetryableError(error, retry_after(headers))
    if status < 400:
        return ServerRefusal(
            f"The server at {where} sent another way ({status}); give the address it answers at as endpoint=.",
            status,
            said,
        )
    if too_long(said):
        return ServerRefusal(
            f"The server at {where} has a smaller context than this text needs ({said}); shorten the text, or load "
            "the model with context_length= set to what the server holds.",
            status,
            said,
        )
    return ServerRefusal(f"The server at {where} refused a request ({status}: {said}).", status, said)


def nobody(where: str, why: str, met: bool) -> BackendError:
    """The error of an address at which no server takes a connection; `met` where one did before."""
    said = why or "no connection"
    if met:
        return BackendError(
            f"The server at {where} has stopped answering ({said}); start it again, then run this again: what was "
            "finished is kept."
        )
    return BackendError(
        f"No server answers at {where} ({said}); start one (`vllm serve <model>`, llama.cpp's `llama-server`), or give "
        "another endpoint=."
    )


def cut(where: str, written: int, most: int) -> BackendError:
    """The error of a text that was to be longer, and for which the server has no room."""
    return BackendError(
        f"The server at {where} has a smaller context than this text needs (it wrote {written} of {most} tokens); ask "
        "for fewer new tokens, or load the model with context_length= set to what the server holds."
    )


def shortened(where: str, read: int, sent: int) -> BackendError:
    """The error of a server that leaves out a part of what it is sent, and answers the rest."""
    return BackendError(
        f"The server at {where} cuts what it is sent (it read {read} of {sent} tokens), so what it writes doesn't go "
        "on from this text; start it with a larger context, or shorten the text."
    )


def other_space(where: str, rest: str, written: str) -> BackendError:
    """The error of a server that was left to write the white space at a text's end, and wrote something else."""
    return BackendError(
        f"The server at {where} can't be sent the {rest!r} at the end of this text, which it would strip or read as "
        f"other tokens there, so the model was left to write it, but it wrote {written[:20]!r}; end the text with a "
        f"word, or {BY_TOKENS}."
    )


def too_long(said: str) -> bool:
    """Whether a server's words are about a text that is longer than its context."""
    low = said.lower()
    if "max_model_len" in low or "max_tokens must be at least 1" in low:  # vLLM's, where nothing is left of its context
        return True
    return "context" in low and any(word in low for word in ("length", "maximum", "exceed", "too long", "window"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    given = headers.get("retry-after", "").strip()
    if not given:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (until - datetime.datetime.now(until.tzinfo)).total_seconds())


def words(body: bytes, redact: Callable[[str], str]) -> str:
    """What the body of an error says, shortened: OpenAI's {"error": {"message"}}, FastAPI's {"detail"}, or text.

    Args:
        redact: takes secrets out. It sees the whole text: of a secret that a cut goes through it would find no trace.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        data: Any = loads(text)
    except ValueError:
        data = text
    for name in ("error", "message", "detail"):
        if isinstance(data, dict) and name in data:
            data = data[name]
    said = " ".join((data if isinstance(data, str) else json.dumps(data)).split()).rstrip(".")
    return redact(said)[:_MOST_WORDS] or "it gave no reason"


def strange(where: str, why: str) -> BackendError:
    """The error of an answer that isn't one of a completions endpoint."""
    return BackendError(
        f"What answers at {where} does not speak as an OpenAI-compatible completions endpoint ({why}); give the "
        "address that ends in /v1 of such a server as endpoint=."
    )
