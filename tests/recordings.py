"""Requests and responses of providers as they came over the wire, which are not ours to ship."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "messages"


def recording(name: str) -> Path:
    """The file of one provider ("anthropic"); skips the test where it isn't there."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        pytest.skip("needs the recordings of providers in ../shared/data/messages")
    return path
