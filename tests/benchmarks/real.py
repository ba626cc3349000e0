"""The same on real weights: SmolLM2-135M-Instruct, 30 layers and 49,152 tokens, where no overhead hides a model's cost.

One round each, for a pass takes long; the plain sides run samples, as elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import cotlens as cl
from tests import pretrained
from tests.benchmarks import occlusion, rollouts, scoring, suppression
from tests.benchmarks.table import Row, in_turn

TOKENS, SENTENCES, NEW = 400, 30, 24
NAME = "SmolLM2"
WRITTEN, FLOOR = 300, 0.1  # that of refine="auto"
REFINED = "at least 4 times fewer"
SHARE = "at least 0.9"
LOADING = "at least 0.77: 1.3 times as long"


def rows() -> list[Row]:
    """Loading, every-token early answers, direct occlusion, suppression and rollouts."""
    model = cl.load(pretrained.pair(), format=pretrained.MARKERS, store=False)  # kept rollouts would cost nothing
    trace = scoring.long_trace(model, TOKENS // 2)
    return [
        loading(),
        refined(model),
        *scoring.compared(model, TOKENS // 2, f" on {NAME}", "", every=40, rounds=1, share=SHARE),
        *occlusion.direct_rows(occlusion.setup(*pretrained.pair(), TOKENS, 10), NAME, "", rounds=1, share=SHARE),
        *suppression.suppression(SENTENCES, model, f" on {NAME}", "", rounds=1, share=SHARE),
        rollouts.row(NAME, model, trace, 2, NEW, rounds=1),
    ]


def refined(model: Any) -> Row:
    """A curve refined where it moves, of a thought that the model wrote, held to the full one where it was measured."""
    said = model.reason(rollouts.QUESTION, max_new_tokens=WRITTEN, temperature=0).answer
    trace = cl.Trace.from_text(rollouts.QUESTION, said, "The answer is 21.", model=model)
    spent, curves = [], []
    for floor in (FLOOR, None):
        before = model.meter.snapshot()
        # No rivals and no masked curve: the other curves take the same points, and the full ones minutes.
        method = cl.importance.EarlyAnswer(unit="token", refine=floor, rivals=0, mask_lines=False)
        model.engine.trunk = None
        curves.append(method.run(trace, model).extras)
        spent.append(model.meter.since(before).tokens)
    mine, full = curves
    rows = np.searchsorted(full["curve_at"], mine["curve_at"])
    np.testing.assert_allclose(mine["curve_metric"], full["curve_metric"][rows], atol=1e-3)
    points = f"{len(rows)} of {len(full['curve_at'])} points"
    return Row(f"refined curve of early answers on {NAME}", *spent, f"every token ({points})", REFINED, unit="tokens")


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
