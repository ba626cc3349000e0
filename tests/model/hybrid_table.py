"""The table of docs/hybrids.md: what was tried of each architecture that keeps a state, and how far rounding goes.

    python -m tests.model.hybrid_table            # print the table
    python -m tests.model.hybrid_table --write    # put it between its markers

`tests/reference/scoring/test_forked.py` holds the document to what each model says of itself; the last two columns
are of one machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from cotlens.models.contract import Branch, Capability
from cotlens.models.local.scoring import dispatch
from tests.model import hybrids, tiny

FILE = Path(__file__).parents[2] / "docs" / "hybrids.md"
BEGIN, END = "<!-- table: tests/model/hybrid_table.py -->", "<!-- /table -->"
HEAD = ["`model_type`", "scored by", "tokens can be hidden in", "left out", "plain, off by", "forked, off by"]
LENGTH = 50


def said(name: str, model: Any) -> str:
    """The columns that are the same on every machine."""
    forking, layers = model.engine.forking, f"{model.attention_layers} of {model.n_layers} layers"
    way = "plain passes" if forking is None else "forks" if forking.side_by_side else "forks of one place at a time"
    way += ", a token at a time" if forking and forking.by_one else ""
    hides, skips = (kind in model.capabilities for kind in (Capability.HIDE, Capability.SKIP))
    return f"| `{name}` | {way} | {layers if hides else 'none'} | {'yes' if skips else 'no'} |"


def rounding(model: Any) -> str:
    """Largest distance of plain and of forked scores in float32 to those in double precision, nats, as columns.

    Of four tokens behind every prefix of a text of 50, which is random, as are the weights.
    """
    rng, size = np.random.default_rng(1), model.engine.layout.vocabulary
    trunk = rng.integers(0, size, LENGTH).tolist()
    branches = [Branch(at, tuple(rng.integers(0, size, 4).tolist())) for at in range(1, LENGTH + 1)]

    def found(way: str) -> np.ndarray:
        return np.stack([one.logprobs for one in dispatch.score(model.engine, trunk, branches, (), way=way)])

    true = hybrids.exactly(model, lambda: found("plain"))
    ways = ("plain", "forked") if model.engine.forking else ("plain",)
    off = [f"{np.abs(model.owner.run(lambda way=way: found(way)) - true).max():.0e}" for way in ways]
    return " | ".join([*off, ""][:2]) + " |"


def main() -> None:
    """Print the table, or write it."""
    lines = ["| " + " | ".join(HEAD) + " |", "| --- | --- | --- | --- | ---: | ---: |"]
    for name in hybrids.configs(len(tiny.tokenizer())):
        model = hybrids.model(name)
        lines.append(f"{said(name, model)} {rounding(model)}")
        print(lines[-1], flush=True)
    if "--write" in sys.argv:
        text = FILE.read_text()
        before, after = text[: text.index(BEGIN)], text[text.index(END) :]
        FILE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{after}")


if __name__ == "__main__":
    main()
