"""The published rollouts of Thought Anchors (Bogdan et al. 2025), which are not ours to ship.

Tests make rollouts of their own in the published format (`published.py`, unit tests); only those that compare with
published numbers ask here, and are skipped where the data don't lie beside the clone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "thought-anchors"


def problem(name: str) -> Path:
    """The folder of one problem ("correct_base_solution/problem_330"); skips the test where it isn't there."""
    if not (FOLDER / name).is_dir():
        pytest.skip("needs the published Thought Anchors rollouts in ../shared/data/thought-anchors (see CONTRIBUTING)")
    return FOLDER / name
