"""Importance against plain transformers: one ordinary forward per unit, nothing of CoTLens in the way."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens.models.abacus import load_pair

TOLERANCE = 1e-4  # nats, float32
SUFFIX = "\n</think>\n\nThe answer is "


@pytest.fixture(scope="module")
def pair():
    return load_pair("abacus")


@pytest.fixture(scope="module")
def model(pair):
    return cl.load(pair, reader=cl.answers.Number())


@pytest.fixture(scope="module")
def trace(model):
    return cl.Trace.from_text(
        "Mia has 12 pears. She buys 7 more. She gives 4 pears to Tom. How many pears does Mia have?",
        "Mia starts with 12 pears. She gets 7 more, so 12 + 7 = 19. Then 4 are gone: 19 - 4 = 15.",
        "The answer is 15.",
        model=model,
    )


def logprobs(hf, ids, hide_from=None, hidden=()):
    """float64 log-probabilities [n, vocabulary]; rows from `hide_from` on can't see the positions `hidden`."""
    n = len(ids)
    allowed = torch.ones(n, n, dtype=torch.bool).tril()
    if hidden:
        allowed[hide_from:, list(hidden)] = False
    mask = torch.zeros(1, 1, n, n).masked_fill(~allowed[None, None], torch.finfo(torch.float32).min)
    with torch.no_grad():
        logits = hf(input_ids=torch.tensor([ids]), attention_mask=mask).logits[0]
    return torch.log_softmax(logits.double(), -1).numpy()


def answer_metrics(rows, ids, start):
    """Log-probability and logit difference of ids[start:], read off the rows before them."""
    own = np.array([rows[i - 1, ids[i]] for i in range(start, len(ids))])
    rivals = np.array([np.delete(rows[i - 1], ids[i]).max() for i in range(start, len(ids))])
    return own.sum(), min(own[i:].sum() - rivals[i] for i in range(len(own)))


def forced(pair, trace, at, answer):
    """Ids of the thought stopped before token `at` with a forced answer, and where the answer begins."""
    tokenizer = pair[1]
    said = trace.text[trace.roles["thought"].char_start : int(trace.offsets[at])]
    closing = SUFFIX[1:] if said.endswith("\n") else SUFFIX  # one newline before the marker
    suffix = tokenizer(closing, add_special_tokens=False)["input_ids"]
    value = tokenizer(answer + ".", add_special_tokens=False)["input_ids"]
    head = list(trace.token_ids[:at])
    return head + suffix + value, len(head) + len(suffix)


def test_early_answers(pair, model, trace):
    result = cl.importance.EarlyAnswer(unit="token", rivals=2).run(trace, model)
    at, answers = result.extras["curve_at"], result.extras["answers"]
    differences = []
    for row, position in enumerate(at):
        for column, answer in enumerate(answers):
            ids, start = forced(pair, trace, int(position), answer)
            total, difference = answer_metrics(logprobs(pair[0], ids), ids, start)
            assert result.extras["curve"][row, column] == pytest.approx(np.exp(total), abs=TOLERANCE)
            if column == 0:
                differences.append(difference)
                assert result.extras["curve_metric"][row] == pytest.approx(difference, abs=10 * TOLERANCE)
    np.testing.assert_allclose(result.columns["estimate"], np.diff(differences), atol=20 * TOLERANCE)


@pytest.mark.parametrize("effect", ["direct", "total"])
@pytest.mark.parametrize("unit", ["token", "sentence"])
def test_occlusion(pair, model, trace, effect, unit):
    result = cl.importance.Occlusion(effect=effect, unit=unit).run(trace, model)
    end = trace.roles["thought"].end
    ids, start = forced(pair, trace, end, "15")
    _, baseline = answer_metrics(logprobs(pair[0], ids), ids, start)
    assert result.extras["baseline"][0] == pytest.approx(baseline, abs=10 * TOLERANCE)
    for span, estimate in zip(trace.spans(unit), result.columns["estimate"], strict=True):
        hidden = range(span.start, span.end)
        if effect == "direct" and span.end == end:
            continue  # the last token is hidden from itself too: see the branch contract's own tests
        first = end - 1 if effect == "direct" else span.end
        _, without = answer_metrics(logprobs(pair[0], ids, first, hidden), ids, start)
        assert estimate == pytest.approx(baseline - without, abs=20 * TOLERANCE), span


def test_metrics_are_three_readings_of_one_pass(model, trace):
    readings = {
        metric: cl.importance.Occlusion(metric=metric).run(trace, model)
        for metric in ("log_probability", "probability", "logit_difference")
    }
    log, plain = readings["log_probability"].extras, readings["probability"].extras
    np.testing.assert_allclose(np.exp(log["hidden"]), plain["hidden"], atol=1e-6)
    assert readings["logit_difference"].provenance.cost.tokens == readings["probability"].provenance.cost.tokens
