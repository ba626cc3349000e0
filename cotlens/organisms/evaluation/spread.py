"""How far siblings that think in latents differ where they were trained from other seeds: a table of what was measured.

    python -m cotlens.organisms.training.latent.recipe abacus-latent --out FOLDER --seed 1   # another seed's weights
    python -m cotlens.organisms.evaluation abacus-latent --n 100 --weights FOLDER            # measures them
    python -m cotlens.organisms.evaluation.spread FOLDER FOLDER ...                          # beside those shipped

A row for each number of changes: mean over seeds, and in brackets the lowest and the highest of them. A seed that
wasn't measured is left out, and the number of seeds says so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cotlens.organisms import store
from cotlens.organisms.evaluation.latent import ABLATED
from cotlens.organisms.task.terse import PER_CHANGE

HEAD = (
    "| model | changes | seeds | right | exchanged: answer follows | its mean, later ones anew: still right |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
)


def found(name: str, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """What was measured of a model in those folders that hold it."""
    files = [folder / f"{name}.measured.json" for folder in folders]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def rows(name: str, measured: Sequence[dict[str, Any]]) -> list[str]:
    """The lines of a model."""
    lines = []
    for changes in measured[0]["right"]:
        right = [one["right"][changes][0] for one in measured]
        asked = [one["used"][changes]["estimate"] for one in measured if changes in one["used"]]
        used = [float(np.nanmean(_numbers(one))) for one in asked]
        lines.append(
            f"| {name} | {changes} | {len(measured)} | {told(right)} | {told(used)} "
            f"| {told(_kept(measured) if int(changes) == ABLATED else [])} |"
        )
    return lines


def _kept(measured: Sequence[dict[str, Any]]) -> list[float]:
    """For each seed the share that is still right without one of the latents of a total, its mean in its place."""
    of_totals = [np.asarray(one["ablated"]["total"]).reshape(-1, PER_CHANGE)[:, -2:] for one in measured]
    return [float(part.mean()) for part in of_totals if part.size]


def _numbers(given: Sequence[float | None]) -> list[float]:
    return [np.nan if one is None else one for one in given]


def told(shares: Sequence[float]) -> str:
    """The mean of some shares, and of several their ends; "-" of none."""
    known = [one for one in shares if np.isfinite(one)]
    ends = f" [{min(known):.1%}, {max(known):.1%}]" if len(known) > 1 else ""
    return f"{np.mean(known):.1%}{ends}" if known else "-"


def table(folders: Sequence[Path]) -> str:
    """The siblings that were measured in any of these folders, in Markdown."""
    names = store.names(store.WEIGHTS, latent=True)
    measured = {name: found(name, folders) for name in names}
    return "\n".join([*HEAD, *(line for name, one in measured.items() if one for line in rows(name, one))])


def main() -> None:
    """Print the table of the shipped weights and those of the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="weights of other seeds, measured")
    print(table([store.WEIGHTS, *parser.parse_args().folders]))


if __name__ == "__main__":
    main()
