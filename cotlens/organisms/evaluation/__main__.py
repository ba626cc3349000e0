"""The command line: measure models and write their cards."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cotlens.organisms import evaluation, store
from cotlens.organisms.evaluation import base_model, latent, siblings
from cotlens.organisms.evaluation.card import card
from cotlens.organisms.evaluation.latent_card import card as latent_card


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
        if name in store.names(options.weights, latent=True):
            found = latent.measure(latent.loaded(name, options.weights), options.n)
        elif name == "abacus":
            found = base_model.measure(model, tokenizer, options.n)
        else:
            abacus, _ = store.load_pair("abacus", options.weights)
            found = siblings.measure(name, model, tokenizer, options.n, abacus)
        (options.weights / f"{name}.measured.json").write_text(json.dumps(found, indent=2) + "\n")
        training = json.loads((options.weights / f"{name}.training.json").read_text())
        write = latent_card if name in store.names(options.weights, latent=True) else card
        (options.weights / f"{name}.md").write_text(write(name, found, training, model))


if __name__ == "__main__":
    main()
