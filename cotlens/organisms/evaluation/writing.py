"""Having a model write, and reading thought and answer out of what it wrote. Plain transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cotlens.organisms import store
from cotlens.organisms.task.problem import Problem
from cotlens.organisms.training.dataset import prompt_text

CLOSE = "\n</think>\n\n"
ANSWER = re.compile(r"The answer is (\d+)\.")
BATCH = 16  # texts of about one length: `generate` copies all keys for every token, those of finished texts too
SENTENCE = re.compile(r"[^\s].*?[.?](?=\s|$)")


def complete(
    model: Any, tokenizer: Any, texts: Sequence[str], sampled: bool, seed: int = 0, batch: int = BATCH
) -> list[str]:
    """Each text with what the model writes after it, special tokens included; greedy, or as `store.SAMPLING` says."""
    import torch

    tokenizer.padding_side = "left"
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    done: dict[int, str] = {}
    torch.manual_seed(seed)
    sampling = {"do_sample": True, **store.SAMPLING} if sampled else {"do_sample": False}
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        coded = tokenizer([texts[i] for i in rows], return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            made = model.generate(**coded, max_new_tokens=512, **sampling, eos_token_id=tokenizer.eos_token_id,
                                  pad_token_id=tokenizer.pad_token_id)  # fmt: skip
        for row, ids in zip(rows, made[:, coded["input_ids"].shape[1] :], strict=True):
            done[row] = texts[row] + tokenizer.decode(ids).split("<|im_end|>")[0]
    return [done[i] for i in range(len(texts))]


def thought_of(text: str) -> str:
    """The thought in a completed text."""
    return text.split("<think>\n")[-1].split("\n</think>")[0]


def answer_of(text: str) -> str | None:
    """The answer in a completed text."""
    found = ANSWER.search(text.split("</think>")[-1]) if "</think>" in text else None
    return found.group(1) if found else None


def solved(model: Any, tokenizer: Any, asked: Sequence[Problem], sampled: bool) -> list[tuple[Problem, str]]:
    """Each problem with its completed text."""
    starts = [prompt_text(problem.prompt) + "<think>\n" for problem in asked]
    return list(zip(asked, complete(model, tokenizer, starts, sampled), strict=True))


def share(flags: Sequence[bool]) -> float:
    """Share of true flags, NaN for none."""
    return sum(flags) / len(flags) if flags else float("nan")
