"""A served model against the same model in this process: what vLLM gives must be equal, token by token.

The server is one of vLLM's dialect, or a vLLM that COTLENS_VLLM_ENDPOINT holds the address of:

    python -m tests.remote.checkpoint /tmp/tiny
    vllm serve /tmp/tiny --served-model-name tiny --dtype float32
    COTLENS_VLLM_ENDPOINT=http://localhost:8000/v1 pytest tests/remote/test_endpoint.py
"""

import dataclasses
import os

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.contract import AddVector, BlockAttention, Branch, Capability, Start, TokenSet
from tests.model import tiny, tiny_gguf
from tests.remote.checkpoint import FAMILY
from tests.remote.dialect_server import Dialect, serving
from tests.remote.endpoint import PROMPT, connect

N = 12
FIELDS = ("logprobs", "rival_logprobs", "rival_ids", "greedy_ids")


@pytest.fixture(scope="module")
def model():
    if given := os.environ.get("COTLENS_VLLM_ENDPOINT"):
        yield connect(given)
        return
    with serving(Dialect(tiny.pair(FAMILY))) as url:
        yield connect(url)


@pytest.fixture
def qwen(tiny_model):
    return tiny_model(FAMILY)


@pytest.fixture
def trace(qwen):
    return qwen.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")


def test_what_a_server_can_do_is_found_out(model):
    found = model.dialect
    assert found.ids and found.tells_ids and found.raw and found.samples
    assert (found.alternatives, found.prompt, found.seeds) == (8, "prompt_logprobs", "together")
    assert model.capabilities == Capability.GENERATE | Capability.SCORE
    assert model.context_length == 512
    assert "prompt_logprobs" in model.score_path
    assert model.meter.tokens == 0, "finding out costs nothing"


def test_greedy_text_is_that_of_the_local_model(model, qwen):
    mine = model.reason(PROMPT, max_new_tokens=N, temperature=0, prefill="First I")
    theirs = qwen.reason(PROMPT, max_new_tokens=N, temperature=0, prefill="First I")
    assert mine.token_ids == theirs.token_ids
    assert mine.roles == theirs.roles
    np.testing.assert_allclose(mine.logprobs, theirs.logprobs, atol=1e-4)
    np.testing.assert_array_equal(mine.top_ids, theirs.top_ids)
    np.testing.assert_allclose(mine.top_logprobs, theirs.top_logprobs, atol=1e-4)
    assert mine.meta["token_ids"] == "from the server" and mine.meta["seeded"]


def test_scores_are_those_of_the_local_model(model, qwen, trace):
    branches = [Branch(p, trace.token_ids[5:9], given=p % 3) for p in range(4, 24)]
    branches += [Branch(9, ()), Branch(9, (5, 6), given=2), Branch(4, trace.token_ids[4:30])]
    for mine, theirs in zip(model.score(trace, branches), qwen.score(trace, branches), strict=True):
        for field in FIELDS:
            np.testing.assert_allclose(getattr(mine, field), getattr(theirs, field), atol=1e-4)


def test_sums_over_sets_lie_within_what_the_server_leaves_open(model, qwen, trace):
    """The server tells the likeliest tokens only, so a sum is known up to the rest; the true one is never outside."""
    rng = np.random.default_rng(0)
    size = len(qwen.codec.tokenizer)
    sets = [TokenSet.of(rng.random(size) < share) for share in (0.9, 0.5, 0.02)]
    asked = {p: ((4, sets[p % 3]), (3, sets[0])) for p in range(4, 24)}
    branches = [Branch(p, trace.token_ids[5:9], given=2, sets=some) for p, some in asked.items()]
    branches += [Branch(30, trace.token_ids[30:33], sets=((3, sets[1]),)), Branch(30, trace.token_ids[30:36])]
    slacks = []
    for mine, theirs in zip(model.score(trace, branches), qwen.score(trace, branches), strict=True):
        np.testing.assert_allclose(mine.logprobs, theirs.logprobs, atol=1e-4)
        off = np.abs(mine.set_logprobs - theirs.set_logprobs)[np.isfinite(mine.set_slack)]
        assert (off <= mine.set_slack[np.isfinite(mine.set_slack)] + 1e-4).all()
        open_ended = ~np.isfinite(mine.set_slack)
        assert (mine.set_logprobs[open_ended] >= theirs.set_logprobs[open_ended] - 1e-4).all()
        assert (mine.set_rivals >= theirs.set_rivals - 1e-4).all()
        slacks += mine.set_slack.tolist()
    assert 0 < min(slacks) < 1


def test_annotating_is_what_the_local_model_does(model, qwen, trace):
    for k in (0, 3, 8):
        mine, theirs = model.annotate(trace, k), qwen.annotate(trace, k)
        np.testing.assert_allclose(mine.logprobs, theirs.logprobs, atol=1e-4)
        np.testing.assert_array_equal(mine.top_ids, theirs.top_ids)
    with pytest.raises(InputError, match="at most 20"):
        model.annotate(trace, 30)


def test_seeds_reproduce_text_whatever_else_runs(model):
    many = model.reason(PROMPT, n=4, max_new_tokens=N, seed=5)
    assert len({trace.token_ids for trace in many}) == 4
    assert many[0].token_ids == model.reason(PROMPT, max_new_tokens=N, seed=5).token_ids
    assert many[2].token_ids == model.reason(PROMPT, n=3, max_new_tokens=N, seed=5)[2].token_ids
    assert many[0].token_ids != model.reason(PROMPT, max_new_tokens=N, seed=6).token_ids


def test_samples_follow_the_model_s_distribution(model, qwen, trace):
    """The first tokens of many rollouts, against the probabilities that the local model gives them."""
    start, n = trace.roles["thought"].start + 4, 150
    rolls = model.rollouts([Start(trace, start, range(n))], max_new_tokens=1, seed=3)[0]
    first = [roll.token_ids[start] for roll in rolls]
    likeliest = qwen.annotate(trace, 3).top_ids[start]
    for token in likeliest.tolist():
        p = float(np.exp(qwen.score(trace, [Branch(start, (token,))])[0].logprobs[0]))
        assert abs(first.count(token) / n - p) < 4 * np.sqrt(p * (1 - p) / n) + 1e-9


def test_streaming_tells_every_token_once(model):
    heard = []
    trace = model.reason(PROMPT, max_new_tokens=N, seed=3, on_token=lambda at, text: heard.append((at, text)))
    start = trace.meta["begin"]
    assert [at for at, _ in heard] == list(range(start, len(trace.token_ids)))
    assert trace.text[trace.offsets[start] :].startswith("".join(text for _, text in heard))


def test_text_ends_where_the_model_stops(model, qwen):
    many = model.reason(PROMPT, n=12, max_new_tokens=150, seed=2, temperature=2.0)
    assert len({len(trace.token_ids) for trace in many}) > 1
    for trace in many:
        stopped = trace.token_ids[-1] in qwen.format.stop_ids
        assert trace.meta["finish"] == ("stop" if stopped else "length")
        assert not set(trace.token_ids[trace.meta["begin"] : -1]) & qwen.format.stop_ids


def test_resume_keeps_the_prefix_and_measures_what_was_edited(model, qwen, trace):
    edited = trace.replace((trace.text.index("12 and"), trace.text.index(" and 7")), "35")
    rest = model.resume(edited, seed=4, max_new_tokens=5)
    cut = edited.edit.end_token
    assert rest.token_ids[:cut] == edited.token_ids[:cut]
    expected = qwen.score(rest, [Branch(rest.meta["begin"], rest.token_ids[rest.meta["begin"] :])])[0].logprobs
    np.testing.assert_allclose(rest.logprobs[rest.meta["begin"] :], expected, atol=1e-4)
    mine, theirs = model.surprise(edited), qwen.surprise(edited)
    assert mine.surprise == pytest.approx(theirs.surprise, abs=1e-4)
    closed = model.resume(trace.truncate(trace.roles["thought"].start + 3), close_thought=True, max_new_tokens=4)
    assert closed.meta["thought_closed"]


def test_early_answers_and_resampling_run_as_on_the_local_model(model, qwen, trace):
    said = cl.answers.AnswerForm("said", "The answer is ", ".")
    asked = {"unit": "sentence", "target": "19", "form": said}
    mine = cl.importance.EarlyAnswer(**asked).run(trace, model)
    theirs = cl.importance.EarlyAnswer(**asked, mask_lines=False).run(trace, qwen)
    for row, known in zip(mine.frame().to_dict("records"), theirs.columns["estimate"], strict=True):
        assert row["status"].startswith("the server tells its likeliest tokens only: off by at most")
        assert row["low"] - 2e-4 <= known <= row["high"] + 2e-4 and row["low"] < row["high"]
    assert np.isnan(mine.columns["masked"]).all() and "can't hide" in mine.extras["masked_status"]
    method = cl.importance.EarlyAnswer(**{**asked, "target": "19!"}, rivals=0, mask_lines=False)
    exact = [method.run(trace, one) for one in (model, qwen)]
    np.testing.assert_allclose(*(one.columns["estimate"] for one in exact), atol=2e-4)
    assert set(exact[0].columns["status"]) == {"exact"}, "nothing goes on with such a value, so nothing is left open"
    assert mine.provenance.backend == "vllm" and "prompt_logprobs" in mine.provenance.score_path
    settings = {"unit": "sentence", "n": 3, "max_new_tokens": 6, "target": "19"}
    one, two = (cl.importance.Resampling(**settings).run(trace, model) for _ in range(2))
    np.testing.assert_array_equal(one.columns["estimate"], two.columns["estimate"])


def test_what_needs_the_inside_is_refused_with_who_has_it(model, trace):
    vector = np.ones(32, np.float32)
    asks = [
        lambda: model.read(trace, "resid_post.1"),
        lambda: model.gradient(trace, model.answer_branch(trace, trace.roles["thought"].end, "19"), "embed"),
        lambda: model.divergence(trace, [BlockAttention((20,), (19,))], [(18, 22)]),
        lambda: model.attention(trace),
        lambda: model.unembed(vector[None]),
        lambda: model.score(trace, [Branch(9, (1,), (3,))]),
        lambda: model.score(trace, [Branch(9, (1,))], interventions=BlockAttention((8,), (3,))),
        lambda: model.reason(PROMPT, interventions=AddVector(1, vector)),
        lambda: model.rollouts([Start(trace, 30)], interventions=AddVector(1, vector)),
        lambda: cl.importance.Occlusion().run(trace, model),
        lambda: cl.importance.Gradient().run(trace, model),
        lambda: cl.importance.Suppression().run(trace, model),
    ]
    for ask in asks:
        with pytest.raises(CapabilityError, match='backend="local"'):
            ask()


def test_a_workbench_says_which_panels_a_server_cannot_have(model, trace):
    bench = cl.Workbench(model, trace)
    for name in ("steering", "features"):
        with pytest.raises(CapabilityError, match=f'as the {name} panel has to: .*backend="local"'):
            bench.open(name)
    assert list(bench.panels) == ["text"] and bench.open("findings") is bench["findings"]
    bench.close()
    assert bench.wait(60)


def test_a_saved_trace_tells_where_it_came_from(model, tmp_path):
    trace = model.reason(PROMPT, max_new_tokens=4, seed=2)
    trace.save(tmp_path / "trace.json")
    back = cl.Trace.load(tmp_path / "trace.json", model=model)
    assert back == trace
    meta = back.meta
    assert (meta["model"], meta["backend"], meta["dtype"]) == ("tiny", "vllm", "as served")
    assert meta["revision"].startswith("served:")


def test_a_dialect_is_data(model):
    assert dataclasses.asdict(model.dialect)["model"] == "tiny"


def test_a_gguf_can_be_the_tokenizer(served, tmp_path):
    """As where llama.cpp serves the file; a damaged one is refused in a sentence of its own."""
    whole = tmp_path / "tiny.gguf"
    tiny_gguf.write(whole)
    model = connect(served[1], tokenizer=whole, context_length=512)
    assert model.codec.tokenizer.get_vocab() == tiny.pair("llama")[1].get_vocab()
    (tmp_path / "cut.gguf").write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(BackendError, match=r"^'cut.gguf' is cut short"):
        connect(served[1], tokenizer=tmp_path / "cut.gguf")
