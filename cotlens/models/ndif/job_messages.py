"""Messages from the server, read as plain data.

Status messages are JSON. One that carries its result is what `torch.save` makes of a small dict: a zip file with a
pickle in it. That pickle is walked here instead of being loaded, and only what a dict of texts, numbers and bytes is
made of is known, so that nothing in it can be executed. The result inside is read by `results`.
"""

from __future__ import annotations

import io
import json
import pickletools
import zipfile
from dataclasses import dataclass, field
from typing import Any

from cotlens.models.ndif.faults import TransientError

_VALUES = frozenset(
    "BININT BININT1 BININT2 LONG1 BINFLOAT SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES "
    "BINBYTES8".split()
)
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Any] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_MARK = object()


@dataclass(frozen=True)
class JobMessage:
    """One message about a job.

    Args:
        status: "RECEIVED", "QUEUED", "PROVISIONING", "DEPLOYING", "DISPATCHED", "RUNNING", "COMPLETED", "ERROR", "LOG".
        data: of a completed job its result, or the address to fetch it from.
        meta: what the job took, of jobs that have ended.
    """

    id: str
    status: str
    description: str = ""
    data: Any = None
    meta: dict[str, Any] = field(default_factory=dict)


def read(message: bytes | str) -> JobMessage:
    """A message as it came.

    Raises:
        TransientError: it is damaged, or is not a message about a job.
    """
    try:
        given = _packed(message) if isinstance(message, bytes) and message[:2] == b"PK" else json.loads(message)
        return JobMessage(
            str(given["id"]),
            str(given["status"]),
            str(given.get("description") or ""),
            given.get("data"),
            dict(given.get("meta") or {}),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise TransientError("a message arrived damaged") from error


def _packed(message: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(message)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        return dict(_walked(archive.read(name)))


def _walked(pickled: bytes) -> Any:
    """The plain data that a pickle describes; an enum member of one value is that value."""
    stack: list[Any] = []
    memo: list[Any] = []
    for code, argument, _ in pickletools.genops(pickled):
        name = code.name
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "MEMOIZE":
            memo.append(stack[-1])
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(str(argument))])
        elif name in ("SETITEM", "SETITEMS", "APPEND", "APPENDS"):
            _put(stack, name)
        elif name in ("TUPLE1", "STACK_GLOBAL"):  # a name of a class is never looked up
            count = 1 if name == "TUPLE1" else 2
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "REDUCE":
            (value,) = stack.pop()
            stack[-1] = value
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"{name} is not plain data")
    return stack[-1]


def _put(stack: list[Any], name: str) -> None:
    many = name.endswith("S")
    start = len(stack) - 1 - stack[::-1].index(_MARK) if many else len(stack) - (2 if name == "SETITEM" else 1)
    items = stack[start + many :]
    del stack[start:]
    if name.startswith("SET"):
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    else:
        stack[-1].extend(items)
