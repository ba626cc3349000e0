"""Where a number comes from: enough to measure it again."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cotlens._core.frozen import FrozenDict

_PACKAGES = ("cotlens", "numpy", "torch", "transformers", "nnsight", "vllm")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a measurement spent.

    Args:
        tokens: tokens that went through the model, written ones included.
        forwards: forward passes.
        seconds: wall-clock time.
    """

    tokens: int = 0
    forwards: int = 0
    seconds: float = 0.0


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on; those that aren't loaded are left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        if package in sys.modules:
            found[package] = _version(package)
    return found


@cache
def _version(package: str) -> str:
    """Of a package that is loaded; one that is installed over it later isn't what this process runs."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules[package], "__version__", "unknown"))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Provenance:
    """How a result came to be.

    Args:
        method: name of the method ("EarlyAnswer").
        settings: its settings by name, as data.
        model, revision, backend, dtype: what it was measured on; the revision in the words of whoever loaded the model.
        commit: of the Hugging Face repository that the model came from, "" where it came from elsewhere.
        weights: a fingerprint of every byte of its weights when the measurement began, "" where they couldn't be seen.
        generation: how the model is sampled (temperature, top_p, top_k) where the settings leave it open.
        seed: the seed it was run with; None where nothing was random.
        versions: package -> version.
        trace_id: id of the trace it was measured on.
        cost: what it spent; a mapping with the fields of `Cost` is taken too.
        score_path: "packed", "forked" or "plain" and why, how branches were scored; "" where none were.
        created: UTC, ISO 8601.
        call: Python that measures `trace` with `model`, or reads `traces`, again; "" where no literal says how.
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    revision: str = ""
    backend: str = ""
    dtype: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    cost: Cost = field(default_factory=Cost)
    score_path: str = ""
    created: str = ""
    commit: str = ""
    weights: str = ""
    generation: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", FrozenDict(self.settings))
        object.__setattr__(self, "versions", FrozenDict(self.versions))
        object.__setattr__(self, "generation", FrozenDict(self.generation))
        if isinstance(self.cost, Mapping):
            object.__setattr__(self, "cost", Cost(**self.cost))

    @classmethod
    def record(cls, **parts: Any) -> Provenance:
        """A provenance made here and now: the versions in use and the time are filled in unless given."""
        return cls(**{"versions": versions(), "created": _now(), **parts})

    def data(self) -> dict[str, Any]:
        """All fields as plain data; `Provenance(**data)` gives it back."""
        return dataclasses.asdict(self)
