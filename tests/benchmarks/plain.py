"""The plain way to the same numbers: transformers alone, one forward pass per question."""

from __future__ import annotations

from typing import Any

import torch

from cotlens.models.contract import Model
from cotlens.trace import Trace


def forced_ids(model: Model, trace: Trace, at: int, answer: str) -> tuple[list[int], int]:
    """Tokens of a text whose thought is stopped before token `at` and answered, and where the answer begins in them."""
    branch = model.answer_branch(trace, at, answer)
    return [*trace.token_ids[:at], *branch.token_ids], at + branch.value_start


def answer_logprob(hf: Any, ids: list[int], start: int, mask: torch.Tensor | None = None) -> float:
    """Log-probability of ids[start:] in one plain forward, nats."""
    row = torch.tensor([ids])
    with torch.inference_mode():
        keep = len(ids) - start + 1
        logits = hf(input_ids=row, attention_mask=mask, logits_to_keep=keep, use_cache=False).logits
    found = torch.log_softmax(logits[0, :-1], -1)
    return found.gather(1, row[0, start:, None]).sum().item()
