"""The plain way to the same numbers: transformers alone, one forward pass per question."""

from __future__ import annotations

from typing import Any

import torch

from cotlens.models.contract import Model
from cotlens.trace import Trace


def forced_ids(model: Model, trace: Trace, at: int, answer: str) -> tuple[list[int], int, torch.Tensor | None]:
    """Tokens of a text whose thought is stopped before token `at` and answered, where the answer begins in them, and
    which next tokens end it; a lone "." or "," is taken for an end."""
    branch = model.answer_branch(trace, at, answer)
    ids, start = [*trace.token_ids[:at], *branch.token_ids], at + branch.value_start
    if branch.ending is None:
        return ids, start, None
    ends = torch.from_numpy(branch.ending.after.member.copy())
    ends[list(branch.ending.pending)] = True
    return ids, start, ends


def answer_logprob(
    hf: Any, ids: list[int], start: int, ends: torch.Tensor | None = None, mask: torch.Tensor | None = None
) -> float:
    """Log-probability of ids[start:], and that they are all, in one plain forward; nats."""
    row = torch.tensor([ids])
    with torch.inference_mode():
        keep = len(ids) - start + 1
        logits = hf(input_ids=row, attention_mask=mask, logits_to_keep=keep, use_cache=False).logits
    found = torch.log_softmax(logits[0], -1)
    value = found[:-1].gather(1, row[0, start:, None]).sum().item()
    return value + (found[-1, : len(ends)][ends].logsumexp(0).item() if ends is not None else 0.0)
