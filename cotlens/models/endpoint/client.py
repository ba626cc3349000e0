"""HTTP to one server: many requests at once, streams, retries, and a cancel that closes what is open.

Every call has an event loop of its own, in a thread that ends with it; what arrives is handed on in the caller's own
thread, where the call can be cancelled. A closed connection tells a server to stop working.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import random
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import httpx

from cotlens._core import control
from cotlens._core.data import loads
from cotlens._core.errors import BackendError, CotLensError
from cotlens.models.endpoint import errors
from cotlens.models.endpoint.errors import RetryableError, ServerRefusal
from cotlens.models.endpoint.secret import Secret

AGAIN = "again"
"""Given in place of data: the connection broke, and the request is sent anew."""

Body = dict[str, Any]
OnData = Callable[[int, Any], None]
_POLL_S = 0.1  # how soon a cancel is noticed
_CONNECT_S = 10.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0


class CompletionsClient(Protocol):
    """Whatever answers the requests of a completions endpoint; see `Client` for what each call means and raises.

    `endpoint` is where that is, in words, and `together` how many requests are sent at once.
    """

    endpoint: str
    together: int

    def listed(self) -> list[Mapping[str, Any]]:
        """What is served there."""
        ...

    def ask(self, body: Body, path: str = "/completions") -> Any:
        """The answer to one request."""
        ...

    def ask_root(self, body: Body, path: str) -> Any:
        """The answer beside the endpoint's /v1."""
        ...

    def ask_all(
        self, bodies: Sequence[Body], on_data: OnData, together: int | None = None, path: str = "/completions"
    ) -> None:
        """Many requests; `on_data(place, data)` gets their answers as they come."""
        ...


@dataclass
class Client:
    """A server and how patiently it is asked.

    Args:
        endpoint: the address that ends in /v1.
        together: requests at once.
        timeout: seconds without a byte after which a request counts as lost.
        retries: how often one is sent again after a dropped connection, a 429 or a 5xx.
        key: name of the environment variable that holds the server's key; see `Secret` for where it is taken from else.
    """

    endpoint: str
    together: int = 32
    timeout: float = 600.0
    retries: int = 4
    key: str | None = None

    def __post_init__(self) -> None:
        self.secret = Secret(self.endpoint, self.key)
        self.met = False  # whether the server has ever answered

    def get(self, path: str) -> Any:
        """The JSON at `path` below the endpoint."""
        return self._first(("GET", f"{self.endpoint}{path}", None))

    def listed(self) -> list[Mapping[str, Any]]:
        """What the server says it serves; empty if it doesn't say, or fails to."""
        once = replace(self, retries=0)
        try:
            found = once.get("/models").get("data")
        except BackendError as error:
            if not once.met or (isinstance(error, ServerRefusal) and error.status in (401, 403)):
                raise
            return []
        return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []

    def ask(self, body: Body, path: str = "/completions") -> Any:
        """The answer to one request.

        Raises:
            ServerRefusal: the server doesn't take it.
            BackendError: no server, or one that failed on every try.
            Cancelled: by whoever controls the work.
        """
        return self._first(("POST", f"{self.endpoint}{path}", body))

    def ask_root(self, body: Body, path: str) -> Any:
        """The same beside the endpoint's /v1, where vLLM has `/tokenize`."""
        return self._first(("POST", f"{self.endpoint.removesuffix('/v1')}{path}", body))

    def ask_all(
        self,
        bodies: Sequence[Body],
        on_data: OnData,
        together: int | None = None,
        path: str = "/completions",
        keep_going: bool = False,
    ) -> None:
        """Send requests, at most `together` at once; `on_data(place, data)` gets their answers as they come.

        An answer to a request with "stream" comes piece by piece, and as `AGAIN` where it had to begin anew. `on_data`
        runs in the caller's thread. Raises as `ask`; then no request is left running. With `keep_going` the error of a
        request is its data, and the others go on.
        """
        url, most = f"{self.endpoint}{path}", min(together or self.together, self.together)
        _exchange(self, [("POST", url, body) for body in bodies], on_data, most, keep_going)

    def _first(self, request: tuple[str, str, Body | None]) -> Any:
        answers: list[Any] = []
        _exchange(self, [request], lambda _, data: answers.append(data), 1)
        return answers[-1]

    @cached_property
    def trusted(self) -> ssl.SSLContext | bool:
        """Certificates, read once."""
        return httpx.create_ssl_context() if self.endpoint.startswith("https") else False

    def wait(self, attempt: int, asked: float | None) -> float:
        """Seconds before the next try: what the server asks for, else twice as long each time, spread by chance."""
        longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)
        return min(asked, _LONGEST_WAIT_S) if asked is not None else longest * random.uniform(0.5, 1.0)


def _exchange(
    client: Client,
    requests: Sequence[tuple[str, str, Body | None]],
    on_data: OnData,
    together: int,
    keep_going: bool = False,
) -> None:
    exchange = _Exchange(client, requests, together, keep_going)
    thread = threading.Thread(target=exchange.run, name="cotlens-endpoint", daemon=True)
    thread.start()
    try:
        while True:
            control.current().check()
            try:
                place, data = exchange.events.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if place is None:
                if data is not None:
                    raise data
                return
            on_data(place, data)
    finally:
        exchange.stop()
        thread.join()


class _Exchange:
    """The requests of one question, in an event loop of their own.

    `events` holds (place, data) as it comes, and at the end (None, the error or None).
    """

    def __init__(
        self, client: Client, requests: Sequence[tuple[str, str, Body | None]], together: int, keep_going: bool
    ) -> None:
        self._client, self._requests, self._together, self._keep_going = client, requests, together, keep_going
        self.events: queue.SimpleQueue[tuple[int | None, Any]] = queue.SimpleQueue()
        self._lock, self._stopped = threading.Lock(), False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Send all of them; ends when they are answered, one has failed for good, or after `stop`."""
        try:
            asyncio.run(self._all())
        except BaseExceptionGroup as group:
            self.events.put((None, _gravest(group)))
        except asyncio.CancelledError:
            self.events.put((None, None))
        except Exception as error:
            self.events.put((None, error))
        else:
            self.events.put((None, None))

    def stop(self) -> None:
        """Close what is open; any thread may call this, also after the end."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _all(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        client, gate = self._client, asyncio.Semaphore(self._together)
        limits = httpx.Limits(max_connections=self._together, max_keepalive_connections=self._together)
        patience = httpx.Timeout(client.timeout, connect=_CONNECT_S, pool=None)
        try:
            async with (
                httpx.AsyncClient(auth=client.secret, timeout=patience, limits=limits, verify=client.trusted) as http,
                asyncio.TaskGroup() as group,
            ):
                for place, request in enumerate(self._requests):
                    group.create_task(self._one(http, gate, place, request))
        finally:
            with self._lock:
                self._loop = None

    async def _one(
        self, http: httpx.AsyncClient, gate: asyncio.Semaphore, place: int, request: tuple[str, str, Body | None]
    ) -> None:
        async with gate:
            for attempt in itertools.count():
                try:
                    await self._try(http, place, *request)
                    return
                except RetryableError as passing:
                    if attempt >= self._client.retries:
                        self._fail(place, passing.error)
                        return
                    self.events.put((place, AGAIN))
                    await asyncio.sleep(self._client.wait(attempt, passing.wait))
                except CotLensError as error:
                    self._fail(place, error)
                    return

    def _fail(self, place: int, error: CotLensError) -> None:
        """One request has failed for good: so have all, unless the others are to go on."""
        if not self._keep_going:
            raise error from None
        self.events.put((place, error))

    async def _try(self, http: httpx.AsyncClient, place: int, verb: str, url: str, body: Body | None) -> None:
        client = self._client
        try:
            async with http.stream(verb, url, json=body) as response:
                client.met = True
                if response.status_code != 200:
                    said = errors.words(await response.aread(), client.secret.redact)
                    raise errors.of_status(response.status_code, response.headers, said, client.endpoint)
                if body is not None and body.get("stream"):
                    await self._listen(place, response)
                else:
                    self.events.put((place, self._json(await response.aread())))
        except httpx.ConnectError as error:
            nobody = errors.nobody(client.endpoint, client.secret.redact(str(error)), client.met)
            raise (RetryableError(nobody) if client.met else nobody) from None
        except httpx.TimeoutException:
            late = BackendError(
                f"The server at {client.endpoint} sent nothing for {client.timeout:g} s; see whether it "
                "is stuck, or give a longer timeout=, or a smaller together= if it has too much to do; what was "
                "finished is kept."
            )
            raise RetryableError(late) from None
        except httpx.TransportError as error:
            raise RetryableError(self._dropped(type(error).__name__)) from None
        except httpx.InvalidURL as error:
            raise errors.strange(client.endpoint, str(error)) from None

    async def _listen(self, place: int, response: httpx.Response) -> None:
        """Hand on the pieces of a stream of server-sent events, up to its end."""
        ended = False
        async for line in response.aiter_lines():
            if not line.startswith("data:"):
                continue
            data = line[5:].strip()
            if data == "[DONE]":
                return
            piece = self._json(data.encode())
            if "error" in piece:
                said = errors.words(data.encode(), self._client.secret.redact)
                given = piece["error"].get("code") if isinstance(piece["error"], dict) else None
                status = given if isinstance(given, int) and given >= 400 else 500
                raise errors.of_status(status, {}, said, self._client.endpoint)
            ended = ended or any(choice.get("finish_reason") for choice in piece.get("choices") or ())
            self.events.put((place, piece))
        if not ended:
            raise RetryableError(self._dropped("the stream broke off"))

    def _json(self, body: bytes) -> Any:
        try:
            data = loads(body)
        except ValueError:
            raise errors.strange(self._client.endpoint, "its answer is not JSON") from None
        if not isinstance(data, dict):
            raise errors.strange(self._client.endpoint, f"its answer is a JSON {type(data).__name__}")
        return data

    def _dropped(self, why: str) -> BackendError:
        return BackendError(
            f"The connection to the server at {self._client.endpoint} was dropped ({why}) on every try; see whether it "
            "is still running, then run this again: what was finished is kept."
        )


def _gravest(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group that was raised on purpose, else the first."""
    flat: list[BaseException] = []
    for error in group.exceptions:
        flat += [_gravest(error)] if isinstance(error, BaseExceptionGroup) else [error]
    return next((error for error in flat if isinstance(error, CotLensError)), flat[0])
