"""`python -m cotlens.organisms.sae [--out DIR] [--compare]`: see `recipe`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cotlens.models.load import load
from cotlens.organisms.sae.recipe import FOLDER, compare, make


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to (default: the package's own)")
    parser.add_argument("--compare", action="store_true", help="only compare sites, and write nothing")
    options = parser.parse_args()
    model = load("abacus")
    if not options.compare:
        print(json.dumps(make(model, options.out), indent=2))
        return
    for site, quality in compare(model).items():
        print(site, quality, f"loss recovered {quality.loss_recovered:.4f}", flush=True)


if __name__ == "__main__":
    main()
