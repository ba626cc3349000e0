"""The command line: measure models and write their cards."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cotlens.organisms import evaluation, store
from cotlens.organisms.evaluation import base_model, siblings
from cotlens.organisms.evaluation.card import card


def main() -> None:
    """Measure the models named, all shipped ones by default."""
    parser = argparse.ArgumentParser(
        description=evaluation.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="models (default: all that are there)")
    parser.add_argument("--n", type=int, default=500, help="problems per question")
    parser.add_argument("--weights", type=Path, default=store.WEIGHTS)
    options = parser.parse_args()
    for name in options.names or store.names(options.weights):
        model, tokenizer = store.load_pair(name, options.weights)
        if name == "abacus":
            found = base_model.measure(model, tokenizer, options.n)
        else:
            abacus, _ = store.load_pair("abacus", options.weights)
            found = siblings.measure(name, model, tokenizer, options.n, abacus)
        (options.weights / f"{name}.measured.json").write_text(json.dumps(found, indent=2) + "\n")
        training = json.loads((options.weights / f"{name}.training.json").read_text())
        (options.weights / f"{name}.md").write_text(card(name, found, training, model))


if __name__ == "__main__":
    main()
