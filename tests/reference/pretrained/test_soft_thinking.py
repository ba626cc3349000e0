"""Soft thinking on real weights: steps, words, ablations and answers are those of a loop of plain transformers."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.latent.cases import LatentCase
from tests import pretrained
from tests.reference.forced import answer_metrics

# in the manner of GSM8K
PROMPT = "A farm has 48 hens. Half as many hens come in May. How many hens does the farm have in May?"
OTHER = "A shop sells 30 cups on Monday and 12 on Tuesday. How many cups does it sell?"
STEPS, WORDS = 3, 3
GSM8K = Path(__file__).resolve().parents[4] / "shared" / "data" / "gsm8k" / "test_first60.jsonl"


@pytest.fixture(scope="module")
def model():
    return cl.load(pretrained.pair(), latent="soft", format=pretrained.MARKERS, reader=cl.answers.Number(), store=False)


@pytest.fixture(scope="module")
def trace(model):
    return model.reason(PROMPT, latents=STEPS, max_new_tokens=WORDS, temperature=0)


@pytest.fixture(scope="module")
def thought(trace):
    return softly(trace)


def softly(trace, replaced=None, count=STEPS):
    """Rows [count, 16] and inputs, by whole passes; `replaced` are inputs in place of some steps'."""
    hf, _ = pretrained.pair()
    table, rows = hf.get_input_embeddings(), []
    with torch.no_grad():
        inputs = table(torch.tensor([trace.token_ids[: trace.latent_tokens[0]]]))
        for step in range(count):
            best = torch.softmax(hf(inputs_embeds=inputs).logits[0, -1], -1).topk(8)
            shares = best.values / best.values.sum()
            rows.append(torch.cat([best.indices.float(), shares]))
            given = (shares[:, None] * table(best.indices)).sum(0)
            given = (replaced or {}).get(step, given)
            inputs = torch.cat([inputs, given[None, None]], 1)
    return torch.stack(rows).numpy(), inputs


def mixed(row):
    """What a position reads of a step."""
    table = pretrained.pair()[0].get_input_embeddings()
    return (torch.tensor(row[8:])[:, None] * table(torch.tensor(row[:8]).long())).sum(0).detach()


def with_words(inputs, trace):
    """Inputs of the latents, and behind them those of the words in which the thought went on."""
    words = trace.token_ids[int(trace.latent_tokens[-1]) + 1 : trace.roles["thought"].end]
    table = pretrained.pair()[0].get_input_embeddings()
    return torch.cat([inputs, table(torch.tensor([words], dtype=torch.long)).detach()], 1)


def running(inputs):
    """From ids to log-probabilities, where vectors stand in place of the first ids."""
    hf, _ = pretrained.pair()

    def run(ids):
        with torch.no_grad():
            tail = hf.get_input_embeddings()(torch.tensor([ids[inputs.shape[1] :]], dtype=torch.long))
            return torch.log_softmax(hf(inputs_embeds=torch.cat([inputs, tail], 1)).logits[0].double(), -1).numpy()

    return run


def log_probability(model, trace, inputs, value, at):
    branch = model.answer_branch(trace, at, value)
    start = at + branch.value_start
    ids = [*trace.token_ids[:at], *branch.token_ids[: branch.value_end]]
    return answer_metrics(pretrained.tokenizer(), running(inputs), ids, start)[0]


def test_the_id_of_a_step_is_none_of_the_models(model, trace):
    hf, tokenizer = pretrained.pair()
    token = model.latent_format.token
    assert token == len(tokenizer) == len(hf.get_input_embeddings().weight) == 49152
    assert [trace.token_ids[at] for at in trace.latent_tokens] == [token] * STEPS
    assert "".join(trace.tokens) == trace.text
    with pytest.raises(InputError, match="stands for a latent"):
        model.read([5, token], "embed")
    with pytest.raises(InputError, match="vocabulary"):
        pretrained.model().read([5, token], "embed")


def test_steps_and_words_are_those_of_the_loop(model, trace, thought):
    rows, inputs = thought
    np.testing.assert_array_equal(trace.latents[:, :8], rows[:, :8])
    np.testing.assert_allclose(trace.latents[:, 8:], rows[:, 8:], atol=1e-4)
    ids, n = list(trace.token_ids), inputs.shape[1]
    told = running(inputs)(ids)
    assert [int(told[at - 1].argmax()) for at in range(n, n + 3)] == ids[n : n + 3]
    own = [told[at - 1, ids[at]] for at in range(n, len(ids))]
    np.testing.assert_allclose(trace.logprobs[n:], own, atol=2e-3)
    again = model.annotate(trace)
    np.testing.assert_allclose(again.logprobs[n:], own, atol=2e-3)
    assert np.isnan(again.logprobs[trace.latent_tokens]).all()


def test_the_lens_says_what_a_step_kept(model, trace):
    found = cl.latent.LatentLens().run(trace, model).columns
    tokenizer = pretrained.tokenizer()
    assert list(found["leading"]) == [tokenizer.decode([int(row[0])]) for row in trace.latents]
    np.testing.assert_allclose(np.exp(found["leading_logprob"]), trace.latents[:, 8], atol=1e-6)
    says = [tokenizer.decode([int(trace.latents[0, 2])]), *[" zebra"] * (STEPS - 1)]
    told = cl.latent.LatentLens().run(trace, model, says=says).columns
    assert told["rank"][0] == 2 and np.exp(told["estimate"][0]) == pytest.approx(trace.latents[0, 10], abs=1e-6)
    assert np.isnan(told["estimate"][1:]).all() and "none of the tokens" in told["status"][1]


def test_ablations_are_the_loop_with_something_else_in_place(model, trace, thought):
    method = cl.latent.LatentAblation(mode="zero", groups=[[1]], metric="log_probability", target="24")
    hf, _ = pretrained.pair()
    found = method.run(trace, model)
    zero = torch.zeros(hf.config.hidden_size)
    _, inputs = softly(trace, {1: zero})
    at = trace.roles["thought"].end
    before, after = (log_probability(model, trace, with_words(one, trace), "24", at) for one in (thought[1], inputs))
    assert found.extras["untouched"] == pytest.approx(before, abs=2e-3)
    assert found.columns["estimate"][0] == pytest.approx(before - after, abs=4e-3)


def test_a_mean_of_soft_latents_is_a_mixture(model, trace):
    other = model.reason(OTHER, latents=STEPS, max_new_tokens=1, temperature=0)
    feedback = model.latent_format.feedback
    pair = np.stack([trace.latents[0], other.latents[0]])
    whole = np.zeros(49152)
    for ids, shares in zip(*feedback.parts(pair), strict=True):
        whole[ids] += shares / 2
    ids, shares = feedback.parts(feedback.mean(pair)[None])
    assert whole[ids[0]].min() >= np.sort(whole)[-8]
    np.testing.assert_allclose(shares[0], whole[ids[0]] / whole[ids[0]].sum(), atol=1e-5)
    for settings in ({"mode": "mean"}, {"mode": "donor", "effect": "direct"}):
        method = cl.latent.LatentAblation(target="24", groups=[[STEPS - 1]], **settings)
        assert np.isfinite(method.run(trace, model, others=[other]).columns["estimate"]).all()
    with pytest.raises(InputError, match="adds a direction"):
        cl.latent.LatentAblation(mode="noise", target="24").run(trace, model)


def test_decodable_and_used_stand_side_by_side(model):
    cases = [
        LatentCase(PROMPT, "24", (" the",), lambda place, case, other: other.answer),
        LatentCase(OTHER, "42", (" the",), lambda place, case, other: other.answer),
    ]
    found = cl.latent.decodable_and_used(model, cases, max_new_tokens=1)
    assert found.columns["follows_n"].tolist() == [2]
    assert set(found.columns["decodable"]) <= {0.0, 0.5, 1.0}


def test_early_answers_stop_the_thought_after_a_step(model, trace, thought):
    asked = dataclasses.replace(trace, reader=cl.answers.Number())
    method = cl.importance.EarlyAnswer(
        unit="sentence", metric="log_probability", target="24", rivals=0, mask_lines=False
    )
    found = method.run(asked, model)
    curve = dict(zip(found.extras["curve_at"].tolist(), found.extras["curve_metric"], strict=True))
    for stop in (1, 2):
        at = int(trace.latent_tokens[stop])
        wanted = log_probability(model, asked, thought[1][:, :at], "24", at)
        assert curve[at] == pytest.approx(wanted, abs=2e-3)
    assert [one for one in found.columns["text"] if one.startswith("latent")] == [f"latent {i}" for i in range(STEPS)]


def test_latents_of_another_vocabulary_are_refused(model, trace):
    strange = trace.latents[:1].copy()
    strange[0, 0] = 60000
    edited = trace.replace(trace.spans("sentence")[0], strange)
    with pytest.raises(InputError, match="60000"):
        model.annotate(edited)
    strange[0, 0] = 2.5
    with pytest.raises(InputError, match="soft latent"):
        model.annotate(trace.replace(trace.spans("sentence")[0], strange))


@pytest.mark.skipif(not GSM8K.exists(), reason="the published problems aren't beside this checkout")
def test_published_problems_are_those_of_the_loop(model):
    """Two of GSM8K side by side, of other lengths: their steps, what these say, an early stop, steps exchanged."""
    rows = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()[:2]]
    own, theirs = (row["answer"].rpartition("####")[2].strip() for row in rows)
    trace, donor = model.reason([row["question"] for row in rows], latents=STEPS, max_new_tokens=WORDS, temperature=0)
    assert trace.latent_tokens[0] != donor.latent_tokens[0]
    for one in (trace, donor):
        steps, inputs = softly(one)
        np.testing.assert_array_equal(one.latents[:, :8], steps[:, :8])
        np.testing.assert_allclose(one.latents[:, 8:], steps[:, 8:], atol=1e-4)
        said = np.exp(cl.latent.LatentLens().run(one, model).columns["leading_logprob"])
        np.testing.assert_allclose(said, steps[:, 8], atol=1e-4)
    steps, inputs = softly(trace)
    early = cl.importance.EarlyAnswer(
        unit="sentence", metric="log_probability", target=own, rivals=0, mask_lines=False
    ).run(trace, model)
    curve = dict(zip(early.extras["curve_at"].tolist(), early.extras["curve_metric"], strict=True))
    at, end = int(trace.latent_tokens[2]), trace.roles["thought"].end
    assert curve[at] == pytest.approx(log_probability(model, trace, inputs[:, :at], own, at), abs=2e-3)
    before = log_probability(model, trace, with_words(inputs, trace), theirs, end)
    for effect, held in (("total", {}), ("direct", {2: mixed(trace.latents[2])})):
        method = cl.latent.Interchange(groups=[[0, 1]], effect=effect, target=own)
        found = method.run(trace, donor, model, foretold=[theirs]).columns["estimate"][0]
        _, moved = softly(trace, {0: mixed(donor.latents[0]), 1: mixed(donor.latents[1]), **held})
        after = log_probability(model, trace, with_words(moved, trace), theirs, end)
        assert found == pytest.approx(after - before, abs=4e-3)
