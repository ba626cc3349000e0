"""Packages of the extras: imported when they are needed, and one sentence where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cotlens._core.errors import MissingPackage


def need(package: str, what: str, extra: str) -> Any:
    """Import a package of an extra, and return it.

    Args:
        package: the module's name; of a submodule the part before the first dot is what is named.
        what: what needs it, as the beginning of a sentence.
        extra: the extra of `pyproject.toml` that brings it.

    Raises:
        MissingPackage: it isn't installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        name = package.partition(".")[0]
        raise MissingPackage(
            f"{what} needs {name}, which is not installed; run pip install 'cotlens[{extra}]'."
        ) from error
