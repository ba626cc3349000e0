"""`make bench`: what CoTLens costs beside the plain way, both measured in turn in one run on one machine.

Ratios are what counts: machines are noisy. So one thread computes, and where two sides compute in turn, its time is
counted. Every comparison also asserts that both sides computed the same numbers.

    python -m tests.benchmarks [--tokens 1000] [--repeats 9] [--no-browser]
"""

from __future__ import annotations

import argparse

import torch

from tests.benchmarks import (
    adaptive,
    browser_bench,
    faithfulness,
    features,
    hybrid,
    inside,
    kernel,
    occlusion,
    real,
    rollouts,
    scoring,
    steering,
    suppression,
    surveys,
)
from tests.benchmarks.table import printed


def main() -> None:
    """Run all parts and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--tokens", type=int, default=scoring.TOKENS, help="length of the thought that is measured")
    parser.add_argument("--repeats", type=int, default=9, help="how many edits are committed")
    parser.add_argument("--no-browser", action="store_true", help="leave out the times in Chromium")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        *scoring.early_answers(asked.tokens),
        *hybrid.early_answers(asked.tokens),
        *occlusion.occlusion(asked.tokens),
        *suppression.suppression(),
        *rollouts.rollouts(),
        *adaptive.adaptive(),
        *kernel.edit_to_answer(asked.repeats),
        *kernel.cancelling(),
        *steering.first_changed_token(asked.repeats),
        *features.encoding(),
        *faithfulness.rows(),
        *inside.rows(),
        *real.rows(),
        *surveys.rows(),
    ]
    print(printed(rows), flush=True)
    if not asked.no_browser:
        print()
        browser_bench.main()
        print()
        features.opened()


if __name__ == "__main__":
    main()
