"""Importance of every token of a 1,000-token thought, beside one forward pass per prefix (or per hidden token)."""

from __future__ import annotations

import numpy as np
import torch

import cotlens as cl
from cotlens.models.abacus import load_pair
from tests.benchmarks.table import Row, timed

TOKENS = 1000
SUFFIX = "\n</think>\n\nThe answer is "
STEP = "She gets 7 more, so 12 + 7 = 19. Then 7 are gone: 19 - 7 = 12. "


def long_trace(model, tokens=TOKENS):
    """A trace whose thought has `tokens` tokens."""
    thought = "Mia starts with 12 pears. " + STEP * 60
    question, answer = "Mia has 12 pears. How many pears does Mia have?", "The answer is 12."
    trace = cl.Trace.from_text(question, thought, answer, model=model)
    start = trace.roles["thought"].start
    cut = trace.text[trace.roles["thought"].char_start : int(trace.offsets[start + tokens])]
    return cl.Trace.from_text(question, cut, answer, model=model)


def plain_answer(hf, ids, start, mask=None):
    """Log-probability of ids[start:] in one plain forward."""
    with torch.inference_mode():
        logits = hf(input_ids=ids, attention_mask=mask, logits_to_keep=ids.shape[1] - start + 1, use_cache=False).logits
    rows = torch.log_softmax(logits[0, :-1], -1)
    return rows.gather(1, ids[0, start:, None]).sum().item()


def early_answers() -> list[Row]:
    """Every-token EarlyAnswer: packed against one forward per prefix in plain transformers."""
    hf, tokenizer = load_pair("abacus")
    model = cl.load((hf, tokenizer), reader=cl.answers.Number())
    trace = long_trace(model)
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]  # noqa: E731
    thought = trace.roles["thought"]
    suffix, answer = encode(SUFFIX), encode("12.")
    method = cl.importance.EarlyAnswer(unit="token", metric="log_probability", rivals=0)
    found = {}

    def ours():
        found["ours"] = method.run(trace, model).extras["curve_metric"]

    def theirs():
        ids = [list(trace.token_ids[:at]) + suffix + answer for at in range(thought.start, thought.end + 1)]
        found["theirs"] = np.array([plain_answer(hf, torch.tensor([row]), len(row) - len(answer)) for row in ids])

    ours()
    quick, slow = timed(ours, 5), timed(theirs, 1)
    np.testing.assert_allclose(found["ours"][1:], found["theirs"][1:], atol=1e-3)
    name = f"early answers at {len(found['ours']):,} points"
    return [Row(name, quick, slow, "one plain forward per prefix", "at least 30 times")]


def occlusion() -> list[Row]:
    """Every-token direct occlusion: packed against one masked forward per token in plain transformers."""
    hf, tokenizer = load_pair("abacus")
    model = cl.load((hf, tokenizer), reader=cl.answers.Number())
    trace = long_trace(model)
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]  # noqa: E731
    thought = trace.roles["thought"]
    ids = list(trace.token_ids[: thought.end]) + encode(SUFFIX) + encode("12.")
    start, n = len(ids) - len(encode("12.")), len(ids)
    method = cl.importance.Occlusion(effect="direct", unit="token", metric="log_probability")
    causal = torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1).bool(), torch.finfo(torch.float32).min)
    found = {}

    def ours():
        found["ours"] = method.run(trace, model).extras["hidden"]

    def theirs():
        row = torch.tensor([ids])
        values = []
        for hidden in range(thought.start, thought.end - 1):
            mask = causal.clone()
            mask[thought.end - 1 :, hidden] = torch.finfo(torch.float32).min
            values.append(plain_answer(hf, row, start, mask[None, None]))
        found["theirs"] = np.array(values)

    ours()
    quick, slow = timed(ours, 5), timed(theirs, 1)
    np.testing.assert_allclose(found["ours"][:-1], found["theirs"], atol=1e-3)
    name = f"direct occlusion of {len(found['ours']):,} tokens"
    return [Row(name, quick, slow, "one plain forward per token", "at least 30 times")]
