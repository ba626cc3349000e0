"""One job, from submission to result: status messages on the way, asked again when the connection breaks.

A job changes nothing on the server, so one that was lost is simply sent again. Where no websocket can be opened (some
proxies refuse them), the server is asked for the job's status every so often instead.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx
import websocket
from nnsight.schema.request import RequestModel

from cotlens._core import control
from cotlens._core.errors import BackendError, Cancelled, CotLensError
from cotlens.models.ndif import faults, job_messages, results
from cotlens.models.ndif.faults import JobRejected, TransientError
from cotlens.models.ndif.job_messages import JobMessage
from cotlens.models.ndif.service import Service

OnLine = Callable[[str], None]
"""Called with each line that a block has printed."""

_BEAT_S = 0.2  # how soon a cancel is noticed
_PING_S = 20.0
_CHUNK = 128 * 1024


class Wire:
    """How jobs reach one server.

    Args:
        service: the server.
        waits: seconds before each new attempt; one more attempt than waits.

    Attributes:
        poll: seconds between two questions where there is no websocket.
        silence: seconds without any sign of life, pings included, after which a connection counts as broken.
        meta: what the last job took, as the server says.
    """

    def __init__(self, service: Service, waits: tuple[float, ...] = (1.0, 4.0, 15.0)) -> None:
        self.service = service
        self.waits = waits
        self.poll, self.silence = 1.0, 90.0
        self.meta: dict[str, Any] = {}
        self._sockets = True

    def run(self, blob: bytes, key: str, env: dict[str, Any], on_line: OnLine | None = None) -> dict[str, Any]:
        """What the block in `blob` has saved, run with the model named `key`.

        Args:
            blob: a traced block, compressed.
            env: settings of the model for this job.

        Raises:
            BackendError, OutOfMemory: the job failed there, or the server can't be reached or is broken.
            Cancelled: nobody waits for the job any more; the server can't be told, so it runs to its end.
        """
        last = ""
        for pause in (*self.waits, None):
            try:
                return self._attempt(blob, key, env, on_line)
            except TransientError as broken:
                last = self.service.clean(broken)
                if isinstance(broken, JobRejected):
                    self._refuse_unlisted(key)
                    if not broken.again:
                        raise BackendError(f"{last}.") from None
                if pause is not None:
                    self._report(f"{last}; asking again")
                    self._pause(pause)
            except CotLensError as error:
                raise type(error)(self.service.clean(error)) from None
        raise faults.given_up(last, len(self.waits) + 1)

    def _refuse_unlisted(self, key: str) -> None:
        """Raise InputError where the model is not one that the server has."""
        up = self.service.deployments()
        if all(one.key != key for one in up):
            name = json.loads(key.partition(":")[2])["repo_id"]
            raise faults.not_up(self.service.name, name, [one.repo for one in up if one.level != "COLD"])

    def _attempt(self, blob: bytes, key: str, env: dict[str, Any], on_line: OnLine | None) -> dict[str, Any]:
        self._check()
        asked = RequestModel(model_key=key, compress=True, env=env)
        if self._sockets:
            with self._subscribed() as socket:
                if socket is not None:
                    asked.session_id = self._session(socket)
                    first = self._post(asked, blob)
                    return self._saved(self._last(first, self._frames(socket), on_line))
            # Not asked for again with the next job: what lies before this server lets no websocket through.
            self._sockets = False
        first = self._post(asked, blob)
        return self._saved(self._last(first, self._polled(first.id), on_line))

    def _last(self, first: JobMessage, coming: Iterator[JobMessage], on_line: OnLine | None) -> JobMessage:
        """The message that a job is complete."""
        frame = first
        while frame.status != "COMPLETED":
            if frame.status == "ERROR":
                raise faults.failed(self.service.name, self.service.clean(frame.description))
            if frame.status == "LOG":
                for line in frame.description.splitlines() if on_line is not None else ():
                    on_line(line)  # type: ignore[misc]
            else:
                self._report(f"{frame.status.lower()} {frame.description}".strip())
            frame = next(coming)
        self.meta = frame.meta
        return frame

    def _saved(self, frame: JobMessage) -> dict[str, Any]:
        return results.read(frame.data if isinstance(frame.data, bytes) else self._fetched(str(frame.data)))

    def _session(self, socket: Any) -> str:
        for opcode, payload in self._messages(socket):
            if opcode == websocket.ABNF.OPCODE_TEXT:
                try:
                    return str(json.loads(payload)["session_id"])
                except (ValueError, KeyError, TypeError):
                    break
        raise TransientError(f"{self.service.name} opened no session")

    def _frames(self, socket: Any) -> Iterator[JobMessage]:
        for opcode, payload in self._messages(socket):
            yield job_messages.read(
                payload if opcode == websocket.ABNF.OPCODE_BINARY else payload.decode("utf-8", "replace")
            )

    def _messages(self, socket: Any) -> Iterator[tuple[int, bytes]]:
        """What arrives, with a chance to cancel every beat."""
        last_sign = pinged = time.monotonic()
        while True:
            self._check()
            try:
                opcode, payload = socket.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                now = time.monotonic()
                if now - last_sign > self.silence:
                    raise TransientError(f"{self.service.name} fell silent") from None
                if now - pinged > _PING_S:
                    pinged = now
                    self._ping(socket)
                continue
            except (websocket.WebSocketException, OSError):
                raise TransientError(f"the connection to {self.service.name} was cut") from None
            last_sign = time.monotonic()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise TransientError(f"{self.service.name} closed the connection")
            if opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
                yield opcode, payload

    def _ping(self, socket: Any) -> None:
        try:
            socket.ping()
        except (websocket.WebSocketException, OSError):
            raise TransientError(f"the connection to {self.service.name} was cut") from None

    @contextmanager
    def _subscribed(self) -> Iterator[Any]:
        """An open websocket; None where the server, or what lies before it, has none."""
        try:
            socket = websocket.create_connection(
                f"{self.service.socket}/subscribe", header=self.service.headers(), timeout=10.0
            )
        except websocket.WebSocketBadStatusException as error:
            fault = faults.refused(self.service.name, error.status_code, "", bool(self.service.headers()))
            if error.status_code in (401, 403) or error.status_code >= 500:
                raise fault from None
            yield None
            return
        except websocket.WebSocketException:
            yield None
            return
        except OSError as error:
            raise TransientError(f"{self.service.name} can't be reached ({error.strerror or error})") from None
        try:
            socket.settimeout(_BEAT_S)
            yield socket
        finally:
            socket.shutdown()  # close() would wait for an answer

    def _post(self, asked: RequestModel, blob: bytes) -> JobMessage:
        headers = {
            **self.service.headers(),
            "ndif-timestamp": repr(time.time()),
            "nnsight-version": version("nnsight"),
            "python-version": sys.version,
        }
        try:
            answer = self._patiently(
                lambda: self.service.http.post(
                    f"{self.service.host}/request",
                    data={"data": asked.metadata()},
                    files={"blob": ("request", blob, "application/octet-stream")},
                    headers=headers,
                )
            )
        except httpx.HTTPError as error:
            reason = self.service.clean(error) or type(error).__name__
            raise TransientError(f"{self.service.name} can't be reached ({reason})") from None
        if answer.status_code != 200:
            raise self.service.refusal(answer)
        return job_messages.read(answer.text)

    def _polled(self, job: str) -> Iterator[JobMessage]:
        known, seen = False, ""
        since = time.monotonic()
        while True:
            self._pause(self.poll)
            try:
                answer = self._patiently(
                    lambda: self.service.http.get(f"{self.service.host}/response/{job}", headers=self.service.headers())
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 200:
                known, since = True, time.monotonic()
                # The newest message is given again until there is another one.
                if answer.text != seen:
                    seen = answer.text
                    yield job_messages.read(seen)
            elif answer is not None and answer.status_code == 404:
                if known or time.monotonic() - since > self.silence:
                    raise TransientError(f"the job expired on {self.service.name}")
            elif time.monotonic() - since > self.silence:
                raise TransientError(f"{self.service.name} fell silent")

    def _fetched(self, url: str) -> bytes:
        """A result that was left for us to fetch."""
        parts = []
        try:
            with self.service.http.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise TransientError(f"the result has expired on {self.service.name}")
                for chunk in answer.iter_bytes(_CHUNK):
                    self._check()
                    parts.append(chunk)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise TransientError("the result could not be fetched") from None
        return b"".join(parts)

    def _patiently(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """An answer, waited for with a chance to cancel every beat."""
        future: Future[httpx.Response] = Future()

        def work() -> None:
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)

        # A blocking request can't be interrupted: cancelled, it ends in its thread, and what it brings is dropped.
        threading.Thread(target=work, name="cotlens-ndif", daemon=True).start()
        while not future.done():
            self._check()
            wait([future], timeout=_BEAT_S)
        return future.result()

    def _report(self, what: str) -> None:
        control.current().report(0, None, f"{self.service.name}: {self.service.clean(what).rstrip('.')}")

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(_BEAT_S, left))

    def _check(self) -> None:
        try:
            control.current().check()
        except Cancelled:
            raise Cancelled(
                f"The work was cancelled: nobody waits for the job on {self.service.name} any more, though it can't be "
                "stopped there; what was finished before is kept."
            ) from None
