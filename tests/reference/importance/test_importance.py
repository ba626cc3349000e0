"""Importance against plain transformers: one ordinary forward per unit, nothing of CoTLens in the way."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens.organisms import load_pair
from tests.reference.forced import answer_metrics

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


def logprobs(hf, ids, rules=()):
    """float64 log-probabilities [n, vocabulary] where (from row, hidden positions) pairs are cut out of the mask."""
    n = len(ids)
    allowed = torch.ones(n, n, dtype=torch.bool).tril()
    for row, hidden in rules:
        allowed[row:, list(hidden)] = False
    mask = torch.zeros(1, 1, n, n).masked_fill(~allowed[None, None], torch.finfo(torch.float32).min)
    with torch.no_grad():
        logits = hf(input_ids=torch.tensor([ids]), attention_mask=mask).logits[0]
    return torch.log_softmax(logits.double(), -1).numpy()


def metrics(pair, ids, start, rules=()):
    """Log-probability and logit difference of the answer ids[start:] in one plain forward under a mask."""
    return answer_metrics(pair[1], lambda longer: logprobs(pair[0], longer, rules), ids, start)


def forced(pair, trace, at, answer):
    """Ids of the thought stopped before token `at` with a forced answer, and where the answer begins."""
    tokenizer = pair[1]
    said = trace.text[trace.roles["thought"].char_start : int(trace.offsets[at])]
    closing = SUFFIX[1:] if said.endswith("\n") else SUFFIX  # one newline before the marker
    suffix = tokenizer(closing, add_special_tokens=False)["input_ids"]
    value = tokenizer(answer, add_special_tokens=False)["input_ids"]
    head = list(trace.token_ids[:at])
    return head + suffix + value, len(head) + len(suffix)


def test_early_answers(pair, model, trace):
    result = cl.importance.EarlyAnswer(unit="token", rivals=2).run(trace, model)
    at, answers = result.extras["curve_at"], result.extras["answers"]
    differences = []
    for row, position in enumerate(at):
        for column, answer in enumerate(answers):
            ids, start = forced(pair, trace, int(position), answer)
            total, difference = metrics(pair, ids, start)
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
    _, baseline = metrics(pair, ids, start)
    assert result.extras["baseline"][0] == pytest.approx(baseline, abs=10 * TOLERANCE)
    for span, estimate in zip(trace.spans(unit), result.columns["estimate"], strict=True):
        hidden = range(span.start, span.end)
        first = end if effect == "direct" else span.end  # direct: thought tokens keep what they read, the last one too
        _, without = metrics(pair, ids, start, [(first, hidden)])
        assert estimate == pytest.approx(baseline - without, abs=20 * TOLERANCE), span


@pytest.mark.parametrize("effect", ["direct", "total"])
def test_groups_are_hidden_together(pair, model, trace, effect):
    begin = trace.text.index("12 + 7")
    given = [[(begin, begin + 2), (begin + 5, begin + 6)], [(begin, begin + 2)]]
    ids, start = forced(pair, trace, trace.roles["thought"].end, "15")
    for groups in ("values", given):
        result = cl.importance.Occlusion(effect=effect, groups=groups).run(trace, model)
        for members, estimate in zip(result.extras["members"], result.columns["estimate"], strict=True):
            first = trace.roles["thought"].end
            rules = [(first if effect == "direct" else end, range(a, end)) for a, end in members]
            expected = result.extras["baseline"][0] - metrics(pair, ids, start, rules)[1]
            assert estimate == pytest.approx(expected, abs=20 * TOLERANCE), members
    twelve = list(cl.importance.Occlusion(groups="values").run(trace, model).columns["text"])
    assert twelve[:2] == ["12 (2×)", "7 (2×)"]


def test_spans_given_by_hand_are_units(model, trace):
    sentences = trace.spans("sentence")
    whole = cl.importance.Occlusion(unit="sentence").run(trace, model)
    for given in (sentences, [(span.char_start, span.char_end) for span in sentences]):
        result = cl.importance.Occlusion(spans=given).run(trace, model)
        assert result.unit == "span"
        np.testing.assert_array_equal(result.columns["start"], whole.columns["start"])
        if given is sentences:
            np.testing.assert_allclose(result.columns["estimate"], whole.columns["estimate"], atol=TOLERANCE)


def test_mean_ablation(pair, model, trace):
    result = cl.importance.Occlusion(mode="mean", unit="sentence").run(trace, model)
    thought = trace.roles["thought"]
    ids, start = forced(pair, trace, thought.end, "15")
    embed = pair[0].get_input_embeddings()
    plain = embed(torch.tensor([ids])).detach()
    mean = plain[0, thought.start : thought.end].double().mean(0).float()
    for span, estimate in zip(trace.spans("sentence"), result.columns["estimate"], strict=True):

        def run(longer, span=span):
            changed = embed(torch.tensor([longer])).detach()
            changed[0, span.start : span.end] = mean
            with torch.no_grad():
                logits = pair[0](inputs_embeds=changed).logits[0]
            return torch.log_softmax(logits.double(), -1).numpy()

        _, without = answer_metrics(pair[1], run, ids, start)
        assert estimate == pytest.approx(result.extras["baseline"][0] - without, abs=20 * TOLERANCE)


@pytest.mark.parametrize("unit", ["token", "sentence"])
def test_swaps(pair, model, trace, unit):
    result = cl.importance.Occlusion(mode="swap", unit=unit).run(trace, model)
    ids, start = forced(pair, trace, trace.roles["thought"].end, "15")
    base = logprobs(pair[0], ids)
    frame = result.frame()
    assert frame["estimate"].notna().any()
    for span, new, (_, row) in zip(trace.spans(unit), result.extras["alternatives"], frame.iterrows(), strict=True):
        was = -np.mean([base[i - 1, ids[i]] for i in range(span.start, span.end)])
        assert row["surprise_was"] == pytest.approx(was, abs=TOLERANCE)
        if not new:
            assert np.isnan(row["estimate"])
            assert "not measured" in row["status"]
            continue
        if unit == "token":
            assert new == [
                int(np.argsort(-base[span.start - 1])[int(base[span.start - 1].argmax() == ids[span.start])])
            ]
        swapped = ids[: span.start] + list(new) + ids[span.end :]
        rows = logprobs(pair[0], swapped)
        _, without = metrics(pair, swapped, start + len(swapped) - len(ids))
        assert row["estimate"] == pytest.approx(result.extras["baseline"][0] - without, abs=20 * TOLERANCE)
        surprise = -np.mean([rows[span.start + i - 1, token] for i, token in enumerate(new)])
        assert row["surprise"] == pytest.approx(surprise, abs=TOLERANCE)
        assert row["alternative"] != trace.text[int(trace.offsets[span.start]) : int(trace.offsets[span.end])]


def test_coarse_to_fine_measures_what_it_says_and_nothing_else(model, trace):
    whole = cl.importance.Occlusion().run(trace, model)
    found = cl.importance.Occlusion(coarse=0.3).run(trace, model)
    measured = found.columns["status"] == "exact"
    assert 0 < measured.sum() < len(measured)
    assert set(found.columns["status"][~measured]) == {"skipped: its sentence had no effect"}
    assert np.isnan(found.columns["estimate"][~measured]).all()
    np.testing.assert_allclose(
        found.columns["estimate"][measured], whole.columns["estimate"][measured], atol=10 * TOLERANCE
    )
    sentences = cl.importance.Occlusion(unit="sentence").run(trace, model).columns
    size = np.abs(sentences["estimate"])
    kept = [(s, e) for s, e, x in zip(sentences["start"], sentences["end"], size, strict=True) if x >= 0.3 * size.max()]
    inside = [any(s <= start < e for s, e in kept) for start in found.columns["start"]]
    np.testing.assert_array_equal(measured, inside)


def test_early_answers_beside_their_controls(pair, model, trace):
    result = cl.importance.EarlyAnswer(unit="sentence", rivals=2).run(trace, model)
    extras, thought = result.extras, trace.roles["thought"]
    ids, start = forced(pair, trace, thought.start, "15")
    total, _ = metrics(pair, ids, start)
    assert extras["question_only"] == pytest.approx(np.exp(total), abs=TOLERANCE)
    last = trace.spans("sentence")[-1]
    assert extras["answer_lines"] == [[last.start, last.end]]
    points = cl.importance.EarlyAnswer(unit="token", rivals=0).run(trace, model).extras
    for at, masked, plain in zip(points["curve_at"], points["masked_curve"], points["curve"][:, 0], strict=True):
        ids, start = forced(pair, trace, int(at), "15")
        hidden = range(last.start, min(last.end, int(at)))
        total, _ = metrics(pair, ids, start, [(min(last.end, int(at)), hidden)])
        assert masked == pytest.approx(np.exp(total) if hidden else plain, abs=TOLERANCE)
    heights, share = extras["curve"][:, 0].astype(float), np.array(extras["curve_at"], dtype=float)
    share = (share - share[0]) / (share[-1] - share[0])
    assert extras["aoc"] == pytest.approx(1 - np.trapezoid(heights, share), abs=1e-6)
    curve = extras["curve"]
    best = np.argmax(curve[:, :-1], axis=1)
    leaders = np.where(curve[:, :-1].max(axis=1) >= curve[:, -1], best, -1)
    changes = np.flatnonzero(np.diff(leaders)) + 1
    assert extras["last_change"] == (extras["curve_at"][changes[-1]] if len(changes) else None)


def test_metrics_are_three_readings_of_one_pass(model, trace):
    readings = {
        metric: cl.importance.Occlusion(metric=metric).run(trace, model)
        for metric in ("log_probability", "probability", "logit_difference")
    }
    log, plain = readings["log_probability"].extras, readings["probability"].extras
    np.testing.assert_allclose(np.exp(log["hidden"]), plain["hidden"], atol=1e-6)
    assert readings["logit_difference"].provenance.cost.tokens == readings["probability"].provenance.cost.tokens
