"""The plain way to the same numbers: transformers alone, one forward pass per question."""

from __future__ import annotations

from typing import Any

import torch

from cotlens.models.contract import Ending, Model, TokenSet
from cotlens.trace import Trace


def forced_ids(model: Model, trace: Trace, at: int, answer: str) -> tuple[list[int], int, Ending | None]:
    """Tokens of a text whose thought is stopped before token `at` and answered, where the answer begins in them, and
    what ends it."""
    branch = model.answer_branch(trace, at, answer)
    return [*trace.token_ids[:at], *branch.token_ids], at + branch.value_start, branch.ending


def answer_logprob(
    hf: Any, ids: list[int], start: int, ending: Ending | None = None, mask: torch.Tensor | None = None
) -> float:
    """Log-probability of ids[start:], and that they are all, nats; one plain forward, and one per token after which
    only the next one tells."""
    found = _rows(hf, ids, start, mask)
    value = found[:-1].gather(1, torch.tensor(ids[start:])[:, None]).sum()
    if ending is None:
        return float(value)
    parts = [_total(found[-1], ending.after)]
    for token in ending.pending:
        assert ending.closed is not None and mask is None
        parts.append(found[-1, token] + _total(_rows(hf, [*ids, token], len(ids) + 1)[-1], ending.closed))
    return float(value + torch.stack(parts).logsumexp(0))


def _rows(hf: Any, ids: list[int], start: int, mask: torch.Tensor | None = None) -> torch.Tensor:
    with torch.inference_mode():
        keep = len(ids) - start + 1
        logits = hf(input_ids=torch.tensor([ids]), attention_mask=mask, logits_to_keep=keep, use_cache=False).logits
        return torch.log_softmax(logits[0], -1)


def _total(row: torch.Tensor, tokens: TokenSet) -> torch.Tensor:
    return row[: len(tokens.member)][torch.from_numpy(tokens.member)].logsumexp(0)
