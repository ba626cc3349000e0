"""One server: where it is, who asks, what it has up, which versions it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from nnsight.schema.config import CONFIG

from cotlens._core.errors import BackendError, InputError
from cotlens.models import addresses
from cotlens.models.ndif import faults

KEY = "NDIF_API_KEY"
_TIMEOUT = httpx.Timeout(10.0, read=600.0)
_QUICK = httpx.Timeout(10.0, read=60.0)


@dataclass(frozen=True)
class Deployment:
    """A model that a server has.

    Args:
        repo: its Hugging Face id; key: what jobs name it by.
        state: "RUNNING", "DEPLOYING", ...; level: "HOT", "WARM" or "COLD".
        dtype: of its weights, "" where the server doesn't say.
    """

    repo: str
    key: str
    state: str
    level: str
    dtype: str

    @property
    def ready(self) -> bool:
        """Whether a job starts at once."""
        return self.state == "RUNNING"


class Service:
    """A server that speaks NDIF's protocol.

    Args:
        host: its address; None for NDIF_HOST, else what nnsight is set to, else NDIF itself.

    Attributes:
        name: what people call it; http, socket: how it is reached.
    """

    def __init__(self, host: str | None = None) -> None:
        self.host = (host or os.environ.get("NDIF_HOST") or CONFIG.API.HOST).rstrip("/")
        parts = addresses.checked(self.host, "host", "https://api.ndif.us", KEY)
        scheme, _, rest = self.host.partition("://")
        self.name = rest
        if _key(self.host) and not addresses.private(parts):
            raise InputError(
                f"The key of {KEY} would cross a public network in the open on its way to {self.host}; give the "
                "server's https address as host=."
            )
        self.http = httpx.Client(timeout=_TIMEOUT)  # holds no key
        self.socket = f"{'wss' if scheme == 'https' else 'ws'}://{rest}"

    def __repr__(self) -> str:
        return f"Service({self.host!r})"

    def headers(self) -> dict[str, str]:
        """What says who asks. The key is looked up anew each time and kept nowhere.

        NDIF_API_KEY goes to whatever host is named; the key that nnsight has stored only to the host it was stored for.
        """
        key = _key(self.host)
        return {"ndif-api-key": key} if key else {}

    def clean(self, text: object) -> str:
        """A text without the key in it."""
        key = _key(self.host)
        return str(text).replace(key, "***") if key else str(text)

    def deployments(self) -> list[Deployment]:
        """What is up.

        Raises:
            BackendError: the server can't be reached, or has no status to give.
        """
        found = self.get("/status").get("deployments")
        if not isinstance(found, dict):
            raise BackendError(f"{self.name} gives no list of its models; is it an NDIF server of a current version?")
        return [_deployment(entry) for entry in found.values() if isinstance(entry, dict)]

    def versions(self) -> dict[str, str]:
        """Package -> version on the server."""
        packages = self.get("/env").get("packages")
        return {str(name): str(version) for name, version in packages.items()} if isinstance(packages, dict) else {}

    def get(self, path: str) -> dict[str, Any]:
        """JSON from the server.

        Raises:
            BackendError: it can't be reached or refuses.
        """
        try:
            answer = self.http.get(self.host + path, headers=self.headers(), timeout=_QUICK)
        except httpx.HTTPError as error:
            raise faults.unreachable(self.name, self.clean(error) or type(error).__name__) from None
        if answer.status_code != 200:
            fault = self.refusal(answer)
            raise BackendError(f"{fault}; try again later.") if isinstance(fault, faults.TransientError) else fault
        try:
            found = answer.json()
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    def refusal(self, answer: httpx.Response) -> Exception:
        """What an answer other than 2xx means."""
        try:
            body = answer.json()
        except ValueError:
            body = None
        detail = body.get("detail") if isinstance(body, dict) else ""
        said = self.clean(detail if isinstance(detail, str) else "").strip().rstrip(".")
        return faults.refused(self.name, answer.status_code, said, bool(self.headers()))


def find(deployments: Sequence[Deployment], repo: str, revision: str | None) -> Deployment | None:
    """The entry of a model, the readiest of several; letter case in its name doesn't count."""
    pinned = f'"revision": "{revision}"' if revision else '"revision": null'
    wanted = (pinned, '"task": "text-generation"')
    named = [one for one in deployments if one.repo.lower() == repo.lower()]
    mine = [one for one in named if not one.key or all(part in one.key for part in wanted)]
    return min(mine, key=lambda one: (not one.ready, one.level != "HOT")) if mine else None


def outlook(found: Deployment | None) -> str:
    """What the first job has to expect."""
    if found is None:
        return "not up yet, so the first job may wait some minutes for it to start"
    if found.ready:
        return "up"
    return f"{found.state.lower() or 'not up'}, so the first job waits for it"


def _deployment(entry: dict[str, Any]) -> Deployment:
    names = ("repo_id", "model_key", "application_state", "deployment_level", "dtype")
    repo, key, state, level, dtype = (str(entry.get(name) or "") for name in names)
    return Deployment(repo, key, state, level, dtype.removeprefix("torch."))


def _key(host: str) -> str:
    given = os.environ.get(KEY, "").strip()
    stored = CONFIG.API.APIKEY if host == str(CONFIG.API.HOST).rstrip("/") else None
    return given or str(stored or "").strip()
