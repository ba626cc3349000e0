"""The same on real weights: SmolLM2-135M-Instruct, 30 layers and 49,152 tokens, where no overhead hides a model's cost.

One round each, for a pass takes long; the plain sides run samples, as elsewhere.
"""

from __future__ import annotations

from typing import Any

import cotlens as cl
from tests import pretrained
from tests.benchmarks import occlusion, rollouts, scoring, suppression
from tests.benchmarks.table import Row, in_turn

TOKENS, SENTENCES, NEW = 400, 30, 24
NAME = "SmolLM2"
LOADING = "at least 0.77: 1.3 times as long"


def rows() -> list[Row]:
    """Loading, every-token early answers, direct occlusion, suppression and rollouts."""
    model = pretrained.model()
    trace = scoring.long_trace(model, TOKENS // 2)
    return [
        loading(),
        *scoring.compared(model, TOKENS, f" on {NAME}", "0.9 of what the tokens allow", every=40, rounds=1),
        *occlusion.direct_rows(occlusion.setup(*pretrained.pair(), TOKENS, 10), NAME, "", rounds=1),
        *suppression.suppression(SENTENCES, model, f" on {NAME}", "", rounds=1),
        rollouts.row(NAME, model, trace, 2, NEW, rounds=1),
    ]


def loading() -> Row:
    """`cl.load` with its trials beside what transformers takes for config, tokenizer and weights."""
    file = pretrained.weights()

    def theirs() -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        which = {"gguf_file": file.name}
        config = AutoConfig.from_pretrained(file.parent, **which)
        AutoTokenizer.from_pretrained(file.parent, **which)
        return AutoModelForCausalLM.from_pretrained(file.parent, config=config, dtype="float32", **which)

    quick, slow = in_turn(lambda: cl.load(file, format=pretrained.MARKERS, store=False), theirs, 1)
    return Row(f"loading {NAME}", quick, slow, "transformers alone: config, tokenizer, weights", LOADING)
