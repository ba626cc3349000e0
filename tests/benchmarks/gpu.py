"""What a GPU makes of it: random weights of 1 and 8 billion parameters, a thought of 4,000 tokens, at most 8 minutes.

    python -m tests.benchmarks.gpu                   # all of it, on the first GPU
    python -m tests.benchmarks.gpu --tiny            # the same path on a CPU in seconds: does the script run?
    python -m tests.benchmarks.gpu --seconds 300     # stop after the row that is running then

Every row stands beside plain transformers in the same run. The share of the hardware is what the tokens of a row need
in operations (two per parameter and token, attention left out), over what a product of two square matrices reached.
Every row is printed when it is known, so that what was measured is never lost.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import cotlens as cl
from cotlens.models.contract import Start
from cotlens.trace import Trace
from tests.benchmarks import plain, scoring
from tests.model import tiny

SECONDS, SAMPLE, ROLLOUTS, NEW, BATCH = 480, 8, 64, 32, 8
HEAD = ("model", "what", "times as fast", "CoTLens, s", "plain, s", "share of the hardware")


@dataclass(frozen=True)
class Size:
    """Of a model.

    Args:
        recurrent: whether three layers of four keep a state.
    """

    name: str
    width: int
    layers: int
    recurrent: bool = False


SIZES = (
    Size("1 B, attention", 2048, 20), Size("1 B, hybrid", 2048, 20, True),
    Size("8 B, attention", 4096, 40), Size("8 B, hybrid", 4096, 40, True),
)  # fmt: skip
TINY = (Size("tiny, attention", 64, 4), Size("tiny, hybrid", 64, 4, True))


def config(size: Size, vocabulary: int) -> Any:
    """Heads of 128 where the width allows it, and the proportions of Qwen3 and Qwen3.5."""
    import transformers as tf

    heads, head = max(2, size.width // 128), min(128, size.width // 2)
    common = {
        "vocab_size": vocabulary, "hidden_size": size.width, "intermediate_size": 3 * size.width,
        "num_hidden_layers": size.layers, "num_attention_heads": heads, "num_key_value_heads": max(1, heads // 4),
        "head_dim": head, "max_position_embeddings": 8192, "bos_token_id": None, "eos_token_id": None,
        "pad_token_id": None,
    }  # fmt: skip
    if not size.recurrent:
        return tf.Qwen3Config(**common)
    kinds = ["linear_attention", "linear_attention", "linear_attention", "full_attention"] * (size.layers // 4)
    return tf.Qwen3_5TextConfig(
        **common, layer_types=kinds, linear_num_key_heads=heads, linear_num_value_heads=heads,
        linear_key_head_dim=head, linear_value_head_dim=head,
    )  # fmt: skip


def drawn(size: Size, device: str) -> tuple[Any, Any]:
    """A model with random weights in bfloat16 (float32 on a CPU), made where it runs, and a tokenizer."""
    from transformers import AutoModelForCausalLM

    tokenizer, kind = tiny.tokenizer(), torch.float32 if device == "cpu" else torch.bfloat16
    with torch.device(device):
        hf = AutoModelForCausalLM.from_config(config(size, len(tokenizer)), dtype=kind)
    return hf.eval(), tokenizer


def seconds(work: Callable[[], Any]) -> float:
    """What some work takes, all that it left to the device included."""
    _settle()
    began = time.perf_counter()
    work()
    _settle()
    return time.perf_counter() - began


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak(device: str) -> float:
    """Operations per second in a product of two square matrices here."""
    n, kind = (8192, torch.bfloat16) if device != "cpu" else (1024, torch.float32)
    one = torch.randn(n, n, device=device, dtype=kind)
    for _ in range(2):
        took = seconds(lambda: [one @ one for _ in range(8)])
    return 8 * 2 * n**3 / took


def rows(size: Size, device: str, tokens: int) -> Iterator[tuple[str, float, float, float]]:
    """(what, our seconds, theirs for as much, operations of ours) for one model."""
    hf, tokenizer = drawn(size, device)
    found: list[Any] = []
    loading = seconds(lambda: found.append(cl.load((hf, tokenizer), store=False)))
    model, cost = found[0], 2.0 * sum(one.numel() for one in hf.parameters())
    trace = scoring.long_trace(model, tokens)
    forward = seconds(lambda: _pass(hf, list(trace.token_ids)))
    yield "the trial at load, beside one plain forward", loading, forward, 0.0
    for name, method, per in (
        ("early answers after every token", cl.importance.EarlyAnswer(unit="token", rivals=0, mask_lines=False), 1),
        ("direct occlusion of every token", cl.importance.Occlusion(effect="direct", unit="token"), 1),
        ("suppression of every sentence", cl.importance.Suppression(), 0),
    ):
        before = model.meter.snapshot()
        ours = seconds(lambda method=method: method.run(trace, model))
        spent = model.meter.since(before).tokens
        count = tokens if per else len(trace.spans("sentence"))
        yield name, ours, _plain(hf, model, trace, early=name.startswith("early")) * count, cost * spent
    yield _rollouts(hf, model, trace, cost)


def _pass(hf: Any, ids: list[int]) -> None:
    with torch.inference_mode():
        hf(input_ids=torch.tensor([ids], device=hf.device), use_cache=False, logits_to_keep=8)


def _plain(hf: Any, model: Any, trace: Trace, *, early: bool) -> float:
    """Mean seconds of a plain forward per question: of a prefix with its answer, or of all of the text."""
    thought = trace.roles["thought"]
    places = np.linspace(thought.start, thought.end, SAMPLE).astype(int) if early else [thought.end] * 3
    asked = [plain.forced_ids(model, trace, int(at), "12.")[0] for at in places]
    return sum(seconds(lambda ids=ids: _pass(hf, ids)) for ids in asked) / len(asked)


def _rollouts(hf: Any, model: Any, trace: Trace, cost: float) -> tuple[str, float, float, float]:
    """Seconds for `ROLLOUTS` of `NEW` tokens from the middle of the thought; `generate` writes one batch of them."""
    thought = trace.roles["thought"]
    at = (thought.start + thought.end) // 2
    ids = torch.tensor([trace.token_ids[:at]] * BATCH, device=hf.device)
    given = {"attention_mask": torch.ones_like(ids), "do_sample": True, "max_new_tokens": NEW, "pad_token_id": 0}
    start = Start(trace, at, range(ROLLOUTS))
    before = model.meter.snapshot()
    ours = seconds(lambda: model.rollouts([start], max_new_tokens=NEW, temperature=1.0))
    spent = model.meter.since(before).tokens
    theirs = seconds(lambda: hf.generate(ids, eos_token_id=None, min_new_tokens=NEW, **given)) * ROLLOUTS / BATCH
    return f"{ROLLOUTS} rollouts of {NEW} tokens", ours, theirs, cost * spent


def main() -> None:
    """Measure, and print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu")
    parser.add_argument("--tiny", action="store_true", help="models of a few thousand parameters, on a CPU")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="begin no row after this")
    parser.add_argument("--tokens", type=int, default=0, help="of the thought; 4,000, or 100 where it is tiny")
    asked = parser.parse_args()
    device, sizes = ("cpu", TINY) if asked.tiny or not torch.cuda.is_available() else ("cuda:0", SIZES)
    tokens = asked.tokens or (4000 if device != "cpu" else 100)
    began, most = time.monotonic(), peak(device)
    name = torch.cuda.get_device_name(0) if device != "cpu" else "a CPU, which says nothing of speed"
    print(f"{name}; {most / 1e12:.3g}e12 operations per second in a matrix product; thoughts of {tokens:,} tokens\n")
    print("| " + " | ".join(HEAD) + " |\n| --- | --- | ---: | ---: | ---: | ---: |", flush=True)
    for size in sizes:
        for what, ours, theirs, needs in rows(size, device, tokens):
            share = f"{needs / ours / most:.0%}" if needs else ""
            print(f"| {size.name} | {what} | {theirs / ours:.1f} | {ours:.2f} | {theirs:.2f} | {share} |", flush=True)
            if time.monotonic() - began > asked.seconds:
                print(f"\nstopped after {asked.seconds:.0f} s")
                return
        if device != "cpu":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
