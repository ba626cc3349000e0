"""Occlusion of tokens beside Captum's LLM attribution by ablation, and one plain forward per token.

All sides compute the same effect on log p(answer): Captum's perturbation of a token is taken by a thin module around
the model for what occlusion means by it, hidden from the answer. The slow sides run a sample of the tokens, evenly
spread, and their time is scaled to all of them; on the sample the numbers of all sides are asserted to be equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

import cotlens as cl
from cotlens.organisms import load_pair
from tests.benchmarks import plain
from tests.benchmarks.scoring import long_trace
from tests.benchmarks.table import Row, at_limit, in_turn

TOKENS, SMALL_TOKENS = 1000, 200
SAMPLE = 40
TARGET = "12."  # with its full stop, so that nothing goes on with it: the other sides score given tokens only
ROUNDS = 3
TOLERANCE = 1e-3  # nats, float32
HIDDEN = torch.finfo(torch.float32).min


@dataclass(frozen=True)
class Setup:
    """One model and thought, as both sides see them.

    Args:
        ids: prompt, thought, close, suffix and answer.
        start: where the answer begins in `ids`.
        sample: thought tokens that the slow sides hide.
    """

    hf: Any
    tokenizer: Any
    model: Any
    trace: Any
    ids: torch.Tensor
    start: int
    sample: list[int]

    @property
    def thought(self) -> Any:
        return self.trace.roles["thought"]


def setup(hf: Any, tokenizer: Any, tokens: int, sample: int) -> Setup:
    """A thought of `tokens` tokens, `sample` of which the slow sides hide (never the last one, which asks itself)."""
    model = cl.load((hf, tokenizer), reader=cl.answers.Number())
    trace = long_trace(model, tokens)
    thought = trace.roles["thought"]
    ids, start, _ = plain.forced_ids(model, trace, thought.end, TARGET)
    chosen = np.linspace(thought.start, thought.end - 2, sample).round().astype(int)
    return Setup(hf, tokenizer, model, trace, torch.tensor([ids]), start, sorted(set(chosen.tolist())))


def small() -> tuple[Any, Any]:
    """A random-weight model of about 30 M parameters with the tokenizer of Abacus."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    _, tokenizer = load_pair("abacus")
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=512, intermediate_size=1408, num_hidden_layers=9,
        num_attention_heads=8, num_key_value_heads=8, head_dim=64, max_position_embeddings=4096,
        initializer_range=0.08, bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=None,
    )  # fmt: skip
    return Qwen3ForCausalLM(config).eval(), tokenizer


class Hiding(torch.nn.Module):
    """A model for which a token put at `absent` is one that rows from `first` on can't see; others see it as it was."""

    def __init__(self, hf: Any, ids: torch.Tensor, first: int, absent: int) -> None:
        super().__init__()
        self.hf, self.ids, self.first, self.absent = hf, ids, first, absent
        self.device = hf.device

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> Any:
        n = input_ids.shape[1]
        mask = torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1).bool(), HIDDEN)
        gone = input_ids[0] == self.absent
        mask[self.first :, gone] = HIDDEN
        ids = torch.where(gone, self.ids[0, :n], input_ids[0])[None]
        return SimpleNamespace(logits=self.hf(input_ids=ids, attention_mask=mask[None, None], use_cache=False).logits)


def captum_effects(case: Setup, absent: int) -> np.ndarray:
    """Captum: LLM attribution by feature ablation, one pass per token of the sample and one for the whole."""
    from captum.attr import FeatureAblation, LLMAttribution, TextTokenInput

    class Tokens(TextTokenInput):
        """Given ids rather than a text, of which the sample can be absent."""

        def __init__(self) -> None:
            self.inp_tensor = case.ids[:, : case.start]
            self.itp_mask = torch.zeros_like(self.inp_tensor, dtype=torch.bool)
            self.itp_mask[0, case.sample] = True
            self.itp_tensor = self.inp_tensor[self.itp_mask].unsqueeze(0)
            self.values = [str(token) for token in self.itp_tensor[0].tolist()]
            self.n_itp_features, self.baselines, self.skip_tokens = len(self.values), absent, None

    model = Hiding(case.hf, case.ids, case.thought.end, absent)
    attribution = LLMAttribution(FeatureAblation(model), case.tokenizer)
    with torch.no_grad():
        found = attribution.attribute(Tokens(), target=case.ids[0, case.start :], forward_in_tokens=False)
    return found.seq_attr.numpy()


def plain_effects(case: Setup, direct: bool) -> np.ndarray:
    """Plain transformers: one masked forward per token of the sample and one for the whole."""
    ids, n = case.ids[0].tolist(), case.ids.shape[1]
    causal = torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1).bool(), HIDDEN)
    effects = []
    for hidden in case.sample:
        mask = causal.clone()
        mask[case.thought.end if direct else hidden + 1 :, hidden] = HIDDEN
        effects.append(plain.answer_logprob(case.hf, ids, case.start, mask=mask[None, None]))
    return plain.answer_logprob(case.hf, ids, case.start) - np.array(effects)


def direct_rows(case: Setup, name: str, goal: str, rounds: int = ROUNDS, share: str = "") -> list[Row]:
    """Direct occlusion of every token beside Captum, plain transformers and the limit, whose goal is `share`."""
    method = cl.importance.Occlusion(effect="direct", unit="token", metric="log_probability", target=TARGET)
    present = set(case.ids[0].tolist())
    absent = next(i for i in range(case.hf.config.vocab_size) if i not in present)
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = method.run(case.trace, case.model)

    def captum() -> None:
        found["captum"] = captum_effects(case, absent)

    def one_by_one() -> None:
        found["plain"] = plain_effects(case, direct=True)

    quick, slow = in_turn(ours, one_by_one, rounds)
    quicker, slower = in_turn(ours, captum, rounds)
    result = found["ours"]
    mine = result.columns["estimate"][[token - case.thought.start for token in case.sample]]
    np.testing.assert_allclose(mine, found["plain"], atol=TOLERANCE)
    np.testing.assert_allclose(mine, found["captum"], atol=TOLERANCE)
    ran, count, spent = len(case.sample) + 1, len(result) + 1, result.provenance.cost.tokens
    name, words = f"{name}: direct occlusion of {count - 1:,} tokens", f"({ran} of {count:,} run, and counted for all)"
    return [
        Row(name, quicker, slower * count / ran, f"Captum's LLM attribution by ablation {words}", goal),
        Row(name, quick, slow * count / ran, f"one plain forward per token {words}", goal),
        at_limit(name, quick, slow / (ran * case.ids.shape[1]), spent, share),
    ]


def total_row(case: Setup, name: str) -> Row:
    """Total occlusion of the sample beside one plain forward per token."""
    spans = case.trace.spans("token")
    chosen = [spans[token - case.thought.start] for token in case.sample]
    method = cl.importance.Occlusion(effect="total", spans=chosen, metric="log_probability", target=TARGET)
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = method.run(case.trace, case.model).columns["estimate"]

    def one_by_one() -> None:
        found["plain"] = plain_effects(case, direct=False)

    quick, slow = in_turn(ours, one_by_one, 1)
    np.testing.assert_allclose(found["ours"], found["plain"], atol=TOLERANCE)
    return Row(f"{name}: total occlusion of {len(chosen)} tokens", quick, slow, "one plain forward per token")


def occlusion(tokens: int = TOKENS, small_tokens: int = SMALL_TOKENS, sample: int = SAMPLE) -> list[Row]:
    """Abacus with a long thought, and a random model of about 30 M parameters with a short one."""
    abacus = setup(*load_pair("abacus"), tokens, sample)
    random = setup(*small(), small_tokens, sample)
    return [
        *direct_rows(abacus, "Abacus", "at least 30 times at 1,000 tokens"),
        total_row(abacus, "Abacus"),
        *direct_rows(random, "random, 30 M", "at least 10 times at 200 tokens"),
        total_row(random, "random, 30 M"),
    ]
