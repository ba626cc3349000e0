"""The published agreement of two judges on whether a thought names its hint (Young 2026, CC BY 4.0).

It isn't ours to ship; a test that compares with it is skipped where it doesn't lie beside the clone.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "judges"


def tables() -> dict[str, tuple[list[bool], list[bool]]]:
    """What each of the two judges said of every thought, by the kind of hint."""
    file = FOLDER / "confusion_matrix_by_hint.csv"
    if not file.is_file():
        pytest.skip("needs the published table of judges in ../shared/data/judges (see CONTRIBUTING)")
    found = {}
    for row in csv.DictReader(file.open(encoding="utf-8")):
        cells = {
            (True, True): row["both_faithful"],
            (True, False): row["our_only_faithful"],
            (False, True): row["sonnet_only_faithful"],
            (False, False): row["both_unfaithful"],
        }
        pairs = [pair for pair, count in cells.items() for _ in range(int(count))]
        found[row["hint_type"]] = ([one for one, _ in pairs], [other for _, other in pairs])
    return found
