"""Addresses of servers: what may be one, and where a key may travel in the open."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from cotlens._core.errors import InputError


def checked(given: str, option: str, example: str, variable: str) -> SplitResult:
    """The parts of a server's address.

    Args:
        option: what it was given as.
        variable: the environment variable a key belongs into.

    Raises:
        InputError: it isn't one, or it holds a name, a password or a query, none of which is repeated.
    """
    try:
        parts = urlsplit(given)
        held = bool(parts.username is not None or parts.password is not None or parts.query or parts.fragment)
        held |= "@" in parts.netloc
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # such as a port that is a word, which may be a password
        held, known = "@" in given or ":" in given.partition("//")[2], False
    if held or (not known and "@" in given):
        raise InputError(
            f"The address given as {option}= holds a name, a key or a password, which would be shown with it; give the "
            f"address alone, and the key in the environment variable {variable}."
        )
    if not known:
        raise InputError(f"{option}={given!r} is not an address; give one such as {example!r}.")
    return parts


def private(parts: SplitResult) -> bool:
    """Whether what is sent to an address can't be read on the way: TLS, this machine, or a network of one's own."""
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        found = ipaddress.ip_address(host)
        return found.is_private or found.is_loopback or found.is_link_local
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
