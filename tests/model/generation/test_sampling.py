"""How tokens are drawn: the distribution is transformers', seeds tell texts apart, and nothing is left unsaid."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.models.contract import Start
from cotlens.models.generation.sampling import Sampling, choose, rollout_seed
from cotlens.models.model_config import Defaults
from tests.model import tiny

PROMPT, DRAWS = "Mia has 12 pears and buys 7 more.", 4000


def shares(logits, sampling):
    """How often each token is drawn, by chances that are spread evenly."""
    chances = (np.arange(DRAWS) + 0.5) / DRAWS
    found = choose(logits[None], [0] * DRAWS, chances.tolist(), sampling)
    return np.bincount(found, minlength=len(logits)) / DRAWS


def warped(logits, sampling):
    """The distribution that transformers' `generate` draws from."""
    scores, ids = logits[None].double(), torch.zeros(1, 1, dtype=torch.long)
    for warper in (
        TemperatureLogitsWarper(sampling.temperature),
        *([TopKLogitsWarper(sampling.top_k)] if sampling.top_k else []),
        *([TopPLogitsWarper(sampling.top_p)] if sampling.top_p < 1 else []),
    ):
        scores = warper(ids, scores)
    return torch.softmax(scores[0], -1).numpy()


@given(
    seed=st.integers(0, 10**6),
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 20),
    top_p=st.floats(0.05, 1),
    vocabulary=st.integers(2, 15),
)
def test_the_distribution_is_that_of_transformers(seed, temperature, top_k, top_p, vocabulary):
    logits = 3 * torch.randn(vocabulary, generator=torch.Generator().manual_seed(seed))
    sampling = Sampling(0, 1, temperature, top_p, top_k)
    np.testing.assert_allclose(shares(logits, sampling), warped(logits, sampling), atol=1.01 / DRAWS)


@given(ranks=st.lists(st.integers(0, 3), min_size=2, max_size=10), top_k=st.integers(1, 10))
def test_what_is_as_likely_as_the_last_of_the_k_stays(ranks, top_k):
    sampling, logits = Sampling(0, 1, 1.0, 1.0, top_k), torch.tensor(ranks, dtype=torch.float32)
    np.testing.assert_allclose(shares(logits, sampling), warped(logits, sampling), atol=1.01 / DRAWS)


@settings(max_examples=300)
@given(
    seed=st.integers(0, 10**6),
    temperature=st.floats(0.05, 2),
    top_k=st.sampled_from([0, 1, 5, 63, 64, 65, 300]),
    top_p=st.sampled_from([0.1, 0.9, 0.999, 1]),
    steps=st.sampled_from([4, 40, 10**6]),
)
def test_what_is_found_among_the_likeliest_tokens_is_found_among_all(seed, temperature, top_k, top_p, steps):
    """Few steps between logits make equal tokens, of which the one with the lower id comes first."""
    source = torch.Generator().manual_seed(seed)
    logits = (3 * torch.randn(5, 300, generator=source) * steps).round() / steps
    rows, chances = [0, 0, 1, 2, 3, 4, 4], torch.rand(7, generator=source).tolist()
    sampling = Sampling(0, 1, temperature, top_p, top_k)
    found = choose(logits, rows, chances, sampling)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cotlens.models.generation.sampling._FEW", 10**6)
        assert choose(logits, rows, chances, sampling) == found


def test_few_tokens_are_looked_at_where_they_decide(monkeypatch):
    def ordered(*_):
        raise AssertionError("all tokens were put in order")

    monkeypatch.setattr("cotlens.models.generation.sampling._ordered", ordered)
    logits = 3 * torch.randn(4, 50_000, generator=torch.Generator().manual_seed(0))
    logits[:, 7] = 20
    assert choose(logits, range(4), [0.2, 0.5, 0.6, 0.7], Sampling(0, 1, 1.0, 0.95)) == [7] * 4


@pytest.mark.parametrize("cold", [1e-307, 5e-324, 1e-40, 1e-9])
def test_the_coldest_sampling_is_greedy(qwen, cold):
    greedy = qwen.reason(PROMPT, temperature=0, max_new_tokens=20).token_ids
    assert qwen.reason(PROMPT, temperature=cold, max_new_tokens=20, seed=4).token_ids == greedy
    assert qwen.reason(PROMPT, temperature=cold, max_new_tokens=20, top_p=0.3, top_k=5).token_ids == greedy
    logits = torch.tensor([1e4, -1e4, 0.0])
    assert shares(logits, Sampling(0, 1, cold, 1.0)).tolist() == [1, 0, 0]


def test_top_k_holds_for_every_token_and_is_noted(qwen):
    for k in (1, 3):
        trace = qwen.reason(PROMPT, top_k=k, temperature=3.0, max_new_tokens=20, seed=2)
        written = range(trace.meta["begin"], len(trace.token_ids))
        assert all(trace.token_ids[at] in trace.top_ids[at][:k] for at in written)
        assert trace.meta["top_k"] == k
    greedy = qwen.reason(PROMPT, temperature=0, max_new_tokens=20)
    assert qwen.reason(PROMPT, top_k=1, temperature=3.0, max_new_tokens=20).token_ids == greedy.token_ids


def test_top_k_is_part_of_what_a_stored_rollout_is_found_by(tmp_path):
    model = cl.load(tiny.pair("qwen3"), store=tmp_path / "rollouts.sqlite")
    trace = model.compose(PROMPT, "First I add 12 and 7.", "It is 19.")
    starts = [Start(trace, trace.roles["thought"].start + 2, range(3))]
    found = {}
    for k in (0, 2, 0, 2):
        rolls = model.rollouts(starts, top_k=k, temperature=4.0, max_new_tokens=10)[0]
        found.setdefault(k, []).append(([one.token_ids for one in rolls], rolls[0].meta["stored"]))
    for (first, new), (again, kept) in found.values():
        assert first == again and (new, kept) == (False, True)
    assert found[0][0][0] != found[2][0][0]
    sampled = cl.importance.Resampling(n=2, top_k=2, target="19", max_new_tokens=4).run(trace, model)
    assert sampled.provenance.settings["top_k"] == 2


# ---------------------------------------------------------------- what a model's makers ask for


def configured(**settings):
    """The tiny model with a generation config."""
    hf, tokenizer = tiny.pair("qwen3")
    other = copy.copy(hf)
    other.generation_config = GenerationConfig(**settings)
    return cl.load((other, tokenizer), score="plain")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, Defaults()),
        ({"do_sample": False, "top_k": 5}, Defaults()),
        ({"do_sample": True}, Defaults(1.0, 1.0, 50)),  # what transformers' generate takes then
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 20}, Defaults(0.6, 0.95, 20)),
        ({"do_sample": True, "top_k": 0}, Defaults(1.0, 1.0, 0)),
    ],
)
def test_defaults_are_those_that_transformers_would_follow(settings, wanted):
    model = configured(**settings)
    assert model.defaults == wanted
    meta = model.reason(PROMPT, max_new_tokens=1).meta
    assert {name: meta[name] for name in ("temperature", "top_p", "top_k")} == wanted.data()


def test_the_defaults_of_transformers_are_still_these():
    usual = GenerationConfig._get_default_generation_params()
    assert (usual["temperature"], usual["top_p"], usual["top_k"]) == (1.0, 1.0, 50)


def test_settings_that_are_not_followed_are_named():
    model = configured(do_sample=True, repetition_penalty=1.1, min_p=0.05, no_repeat_ngram_size=3, typical_p=1.0)
    (note,) = [note for note in model.reason(PROMPT, max_new_tokens=1).meta["notes"] if "generation config" in note]
    assert all(said in note for said in ("repetition_penalty=1.1", "min_p=0.05", "no_repeat_ngram_size=3"))
    assert "typical_p" not in note and "not followed" in note
    plain = configured(do_sample=True, temperature=0.5)
    assert not any("generation config" in note for note in plain.reason(PROMPT, max_new_tokens=1).meta.get("notes", ()))


# ---------------------------------------------------------------- seeds

WIDE = [0, 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**63, 2**63 + 1, 2**64 - 1]


def test_distinct_seeds_give_distinct_texts(qwen):
    texts = {}
    for seed in WIDE:
        many = qwen.reason(PROMPT, seed=seed, n=2, max_new_tokens=24, temperature=3.0)
        texts |= {(seed, index): one.token_ids for index, one in enumerate(many)}
        assert qwen.reason(PROMPT, seed=seed, max_new_tokens=24, temperature=3.0).token_ids == many[0].token_ids
        assert many[0].meta["seed"] == seed
    assert len(set(texts.values())) == 2 * len(WIDE)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=8, unique=True), st.sampled_from([2**32, 2**31]))
def test_no_two_seeds_share_a_stream(seeds, among):
    """Sources go by the low half of a seed: 2**63 must not draw what 0 draws, nor sample 0 of one what 1 of another."""
    numbers = {Sampling(seed, 1, 1.0, 1.0).number(index, among) % among for seed in seeds for index in range(3)}
    assert len(numbers) == 3 * len(seeds)


def test_a_wide_seed_is_no_sample_of_its_low_half():
    for index in (1, 2, 7):
        wide, narrow = Sampling(5 + (index << 32), 1, 1.0, 1.0), Sampling(5, 1, 1.0, 1.0)
        assert wide.number(0) != narrow.number(index)
    assert rollout_seed(0, [1, 2]) != rollout_seed(2**63, [1, 2])


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, True, np.nan])
def test_what_is_no_seed_is_refused(qwen, seed):
    trace = qwen.compose(PROMPT, "First I add.", "It is 19.")
    for ask in (
        lambda: qwen.reason(PROMPT, seed=seed, max_new_tokens=1),
        lambda: qwen.resume(trace, at=28, seed=seed, max_new_tokens=1),
        lambda: qwen.rollouts([Start(trace, 28)], seed=seed, max_new_tokens=1),
        lambda: cl.importance.Occlusion(unit="sentence", target="19").run(trace, qwen, seed=seed),
    ):
        with pytest.raises(InputError, match=r"seed=.*from 0 to 2\*\*64 - 1"):
            ask()
