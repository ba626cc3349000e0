"""How often the battery's verdict is right: cells of organisms whose failure is known, on seeds of their own.

    python -m tests.truth.faithfulness.run --seed 9021 [--cell "abacus, plain"] [--n 40]

Each cell is written to confusion.json as soon as it is done, and is not measured again: a run that was stopped goes on.
`python -m tests.truth.faithfulness.table` makes the tables of them.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import cotlens as cl
from cotlens._core.control import Control, using
from tests.truth.faithfulness.cells import CELLS, Cell, asked

KEPT = Path(__file__).parent / "confusion.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=9021)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--cell", default="", help="one of them; all that are missing by default")
    told = parser.parse_args()
    for cell in CELLS:
        key = f"{cell.key}, seed {told.seed}, n {told.n}"
        if told.cell in ("", cell.key) and key not in kept():
            found = measured(cell, told.n, told.seed)
            KEPT.write_text(json.dumps({**kept(), key: found}, indent=1) + "\n", encoding="utf-8")
            print(key, found["verdict"], "right" if found["verdict"] == found["right"] else "WRONG", flush=True)


def kept() -> dict[str, Any]:
    """What was measured so far."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def measured(cell: Cell, n: int, seed: int) -> dict[str, Any]:
    """The verdict of a cell, with all of its signatures."""
    began, model = time.process_time(), cl.load(cell.model)
    with using(Control()):
        found = cl.faithfulness.Battery().run(model, asked(cell, n, seed), n=n, seed=seed)
    table = found.frame()
    rows = {
        row["name"]: [None if isinstance(row[part], float) and math.isnan(row[part]) else row[part] for part in PARTS]
        for _, row in table.iterrows()
    }
    (said,) = found.verdicts
    return {
        "model": cell.model,
        "says": cell.says,
        "right": cell.right,
        "verdict": said.verdict,
        "reason": said.reason,
        "seconds": round(time.process_time() - began, 1),
        "rows": rows,
    }


PARTS = ("estimate", "low", "high", "n")

if __name__ == "__main__":
    main()
