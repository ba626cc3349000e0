"""Looking inside: patch grids, answer lenses, probes and the memory of a lens, in processor time and tokens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cotlens as cl
from cotlens import organisms
from cotlens.models.contract import Patch
from tests.benchmarks import scoring
from tests.benchmarks.table import Row

LENGTH, LENS_TOKENS, VOCABULARY, TRACES = 1000, 2000, 151_936, 500
ROUNDS = 3


def rows() -> list[Row]:
    """Each of them on small models, where what isn't the model's own work shows most."""
    model = cl.load("abacus")
    return [*patch_grid(model), answer_lens(model), probe(model), memory()]


def seconds(fn: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The least processor time of some rounds: what others do on the machine only adds to it."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        fn()
        taken.append(time.process_time() - began)
    return min(taken)


def patch_grid(model: Any) -> list[Row]:
    """Every layer and token of a thought whose first number is altered, beside a whole pass for every cell."""
    base = model.reason(organisms.problems(1, seed=32, steps=6, fork=False)[0].prompt, temperature=0)
    start = base.roles["thought"].char_start
    end = next(one.end() for one in re.finditer(r"\d+", base.text) if one.start() > start)
    source = base.replace((end - 1, end), str((int(base.text[end - 1]) + 3) % 10))
    grid = cl.patching.PatchGrid(unit="token", directions=("sufficiency",), controls=())

    def ours() -> Any:
        model.engine.trunk = model.engine.streams = None
        return grid.run(base, source, model, answers=("12", "36"))

    ours()  # that passes can begin at a later layer is tried once per model
    before = model.meter.snapshot()
    result = ours()
    spent = model.meter.since(before).tokens
    cells = int(result.extras["sufficiency"]["cells"])
    ids, layers, wide = list(base.token_ids), model.n_layers, model.engine.layout.d_model

    def whole() -> None:
        for cell in range(20):
            patch = Patch(cell % layers, (len(ids) - 1,), np.zeros((1, wide), np.float32))
            model._run(lambda patch=patch: model.engine.forward(model.engine.tensor(ids), interventions=[patch]))

    theirs = seconds(whole, 2) / 20 * cells
    text = f"one whole pass for each of {cells} cells, of {len(ids)} tokens (from 20)"
    goal = "at most .35 of the tokens"
    return [
        Row("patch grid, every token and layer", spent, cells * len(ids), text, goal, unit="tokens"),
        Row("patch grid, processor time", seconds(ours, 2), theirs, text, "at least 5"),
    ]


def answer_lens(model: Any) -> Row:
    """All layers at every sentence, beside the early answer that the last layer gives."""
    trace = scoring.long_trace(model, LENGTH)
    lens, early = cl.lenses.AnswerLens(), cl.importance.EarlyAnswer(unit="sentence")

    def fresh(method: Any) -> Callable[[], object]:
        def run() -> object:
            model.engine.trunk = None
            return method.run(trace, model)

        run()
        return run

    name = f"answer lens at every sentence of {len(trace.token_ids):,} tokens"
    return Row(name, seconds(fresh(lens)), seconds(fresh(early)), "EarlyAnswer", "at least .67: 1.5 times as long")


def probe(model: Any) -> Row:
    """Passes for the activations of all layers at a place of every trace."""
    problems = {one.prompt: one for one in organisms.problems(TRACES, seed=9, fork=False)}
    traces = [model.compose(prompt, "So", None) for prompt in problems]
    given = cl.probes.examples(traces, lambda trace, at: int(problems[trace.prompt].answers[0]) % 2)
    before = model.meter.snapshot()
    cl.probes.Probe(folds=3).run(given, model)
    passes = model.meter.since(before).forwards
    return Row(
        f"probe of {TRACES} traces, all layers", passes, TRACES * (model.n_layers + 1), "a pass per layer and trace",
        "each trace once", unit="passes",
    )  # fmt: skip


def memory() -> Row:
    """The most memory that a lens over many tokens takes beside the model, where the vocabulary is large."""
    from transformers import Qwen3Config

    from tests.model import tiny

    tokenizer = tiny.pair("qwen3")[1]
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=4096,
    )  # fmt: skip
    model = cl.load((tiny.random_model(config), tokenizer), store=False)
    long = scoring.long_trace(model, LENS_TOKENS)
    peak, before = _peak(lambda: cl.lenses.LogitLens().run(long, model))
    whole = (LENS_TOKENS * VOCABULARY * 4 * (model.n_layers + 1)) / 2**20
    return Row(
        f"logit lens of {LENS_TOKENS:,} tokens, {VOCABULARY:,} in the vocabulary", peak - before, whole,
        "all logits of all layers", "under 1 GB", unit="MB",
    )  # fmt: skip


def _peak(fn: Callable[[], object]) -> tuple[float, float]:
    """The most memory of this process while `fn` runs, and what it had before, MB; Linux counts it."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    fn()
    return _status("VmHWM"), before


def _status(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")
