"""Servers that know less than vLLM: what they can't do is found out, said, and never guessed at."""

import numpy as np
import pytest
from tokenizers.processors import TemplateProcessing

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.contract import Branch, Capability, Start
from cotlens.models.endpoint.dialect import TextPrompt, as_text
from cotlens.models.endpoint.reply import PartialCompletion
from cotlens.models.model_config import Defaults
from tests.model import tiny
from tests.remote.endpoint import PROMPT, connect

N = 12
FIELDS = ("logprobs", "rival_logprobs", "rival_ids", "greedy_ids")


@pytest.fixture
def trace(qwen):
    return qwen.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")


def test_a_server_that_ignores_prompt_logprobs_scores_by_echo(server, served, qwen, trace):
    server.ignores = {"prompt_logprobs"}
    model = connect(served[1])
    assert model.dialect.prompt == "echo" and "echo" in model.score_path
    branches = [Branch(p, trace.token_ids[5:9]) for p in (4, 11, 20)]
    for mine, theirs in zip(model.score(trace, branches), qwen.score(trace, branches), strict=True):
        for field in FIELDS:
            np.testing.assert_allclose(getattr(mine, field), getattr(theirs, field), atol=1e-4)


@pytest.mark.parametrize(
    ("switches", "why"),
    [
        ({"ignores": {"prompt_logprobs", "echo", "logit_bias"}}, "gives no log-probabilities"),
        ({"ignores": {"prompt_logprobs", "return_tokens_as_token_ids"}}, "gives no log-probabilities"),
        ({"shifted": True, "ignores": {"logit_bias"}}, "gives no log-probabilities"),
    ],
)
def test_a_server_that_can_not_score_says_so(server, served, trace, switches, why):
    vars(server).update(switches)
    model = connect(served[1])
    assert model.capabilities == Capability.GENERATE
    assert why in model.score_path
    for ask in (lambda: model.score(trace, [Branch(9, (1,))]), lambda: model.annotate(trace)):
        with pytest.raises(CapabilityError, match="can't score"):
            ask()
    with pytest.raises(CapabilityError, match="needs SCORE"):
        cl.importance.EarlyAnswer().run(trace, model)


def test_token_ids_come_from_names_where_nothing_else_tells_them(server, served, qwen):
    server.ignores = {"return_token_ids"}
    model = connect(served[1])
    assert model.dialect.tells_ids
    expected = qwen.reason(PROMPT, max_new_tokens=N, temperature=0).token_ids
    assert model.reason(PROMPT, max_new_tokens=N, temperature=0).token_ids == expected


def test_a_server_of_text_only(server, served):
    """It takes no fields that it doesn't know and no ids; what it says is tokenised here, and the trace says so."""
    server.takes_ids = server.has_tokenize = False
    server.refuses = {
        "return_token_ids",
        "return_tokens_as_token_ids",
        "stop_token_ids",
        "skip_special_tokens",
        "top_k",
    }
    server.ignores = {"logprobs", "echo"}
    model = connect(served[1])
    found = model.dialect
    assert not (found.ids or found.tells_ids or found.alternatives or found.prompt)
    assert set(found.extras) == {"min_p", "repetition_penalty"}
    heard = []
    trace = model.reason(PROMPT, max_new_tokens=N, seed=1, on_token=lambda at, text: heard.append(text))
    assert trace.meta["token_ids"] == "re-tokenised"
    assert any("tokenizer makes of it here" in note for note in trace.meta["notes"])
    assert "".join(heard) == trace.text[trace.offsets[trace.meta["begin"]] :]
    assert np.isnan(trace.logprobs).all()
    assert model.reason(PROMPT, max_new_tokens=N, seed=1).token_ids == trace.token_ids
    composed = model.compose(PROMPT, "First I add 12 and 7.", "19")
    cut = composed.truncate(composed.roles["thought"].end)
    assert model.resume(cut, max_new_tokens=3).token_ids[: len(cut.token_ids)] == cut.token_ids
    spelled = model.compose("Say </think> twice.", "So.", "19").truncate(30)
    with pytest.raises(InputError, match="comes back as other tokens from token"):
        model.resume(spelled, max_new_tokens=3)


@pytest.mark.parametrize("text_only", [False, True], ids=["ids", "text"])
@pytest.mark.parametrize("word", ["stop", None, "null", "eos", "abort", "content_filter", {"type": "length"}, "limit"])
def test_a_text_that_was_cut_off_is_not_finished_whatever_the_server_calls_it(server, served, word, text_only):
    if text_only:
        server.takes_ids = server.has_tokenize = False
        server.ignores = {"return_token_ids", "return_tokens_as_token_ids", "logprobs", "echo"}
    model = connect(served[1], reader=cl.answers.Number())
    trace = model.compose(PROMPT, "It is 19.", None)
    server.says = {"length": word}
    start = Start(trace, len(trace.token_ids), range(2))
    rolls = model.rollouts([start], max_new_tokens=4, seed=1)[0]
    for one in (*rolls, model.resume(trace, max_new_tokens=4, seed=1)):
        assert not one.finished and one.meta["finish"] in ("length", "cancelled")


@pytest.mark.parametrize("word", ["stop", "eos_token", {"type": "stop"}])
def test_a_text_that_ended_is_finished_whatever_the_server_calls_it(server, served, word):
    model = connect(served[1])
    server.says = {"stop": word}
    trace = model.reason(PROMPT, max_new_tokens=200, seed=1)
    assert trace.finished and trace.meta["finish"] == "stop" and trace.token_ids[-1] in model.format.stop_ids


def test_a_server_that_knows_no_top_k_is_not_sent_it(server, served):
    server.refuses = {"top_k"}
    model = connect(served[1])
    with pytest.raises(CapabilityError, match="top_k=5 can't be followed"):
        model.reason(PROMPT, top_k=5, max_new_tokens=2)
    assert model.reason(PROMPT, max_new_tokens=2).meta["top_k"] == 0
    kept = model.dialect.follows(Defaults(0.6, 0.95, 20))
    assert (kept.temperature, kept.top_p, kept.top_k) == (0.6, 0.95, 0)
    assert "top_k=20" in kept.notes()[0]


def test_a_server_with_other_weights_under_one_name_is_another_model(server, served, tmp_path):
    """What it writes with given random numbers tells them apart where what is likeliest doesn't."""
    model, weight = connect(served[1]), server.hf.model.layers[1].mlp.down_proj.weight
    assert connect(served[1]).state == model.state
    kept = weight.detach().clone()
    try:
        weight.data[:, ::2] = 0
        assert connect(served[1]).state != model.state
    finally:
        weight.data.copy_(kept)
    assert connect(served[1]).state == model.state and model.weights == ""


def test_a_server_without_seeds_says_so(server, served):
    server.ignores = {"seed"}
    model = connect(served[1])
    assert model.dialect.samples and not model.dialect.seeds
    trace = model.reason(PROMPT, max_new_tokens=4, seed=1)
    assert not trace.meta["seeded"] and any("honours no seeds" in note for note in trace.meta["notes"])


def test_a_server_that_never_samples_is_refused_what_it_can_not_do(server, served):
    server.greedy_only = True
    model = connect(served[1])
    assert not model.dialect.samples
    with pytest.raises(BackendError, match="most probable token at every temperature"):
        model.reason(PROMPT, temperature=1, max_new_tokens=3)
    assert len(model.reason(PROMPT, temperature=0, max_new_tokens=3).token_ids)


def test_log_probabilities_of_another_temperature_are_not_taken(server, served, qwen):
    server.scaled = True
    model = connect(served[1])
    assert not model.dialect.raw
    warm = model.reason(PROMPT, temperature=2.0, max_new_tokens=4, seed=1)
    assert np.isnan(warm.logprobs[warm.meta["begin"] :]).all()
    plain = model.reason(PROMPT, temperature=1.0, top_p=1.0, max_new_tokens=4, seed=1)
    np.testing.assert_allclose(plain.logprobs[1:][-4:], qwen.annotate(plain).logprobs[-4:], atol=1e-4)


def test_a_server_that_puts_tokens_before_ids_is_sent_text(server, served):
    server.adds_first = True
    assert not connect(served[1]).dialect.ids


def test_what_a_tokenizer_puts_before_a_text_is_left_to_the_server():
    tokenizer = tiny.tokenizer()
    first = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    tokenizer.bos_token = "<|endoftext|>"
    special = [("<|endoftext|>", first)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<|endoftext|> $A", special_tokens=special)
    codec = HFCodec(tokenizer)
    assert codec.bos == [first]
    ids = codec.encode("Mia has 12")
    assert as_text(codec, [first, *ids]) == TextPrompt("Mia has 12")
    assert as_text(codec, tokenizer("Mia has 12")["input_ids"]) == TextPrompt("Mia has 12")
    with pytest.raises(InputError, match="from token 0 on"):
        as_text(codec, ids)


def test_white_space_that_a_tokenizer_reads_otherwise_at_an_end_is_left_to_the_server():
    """Two line ends are two tokens before a word and one at the end of a text, as GPT-2's tokenizer has them."""
    from tests import pretrained

    codec = HFCodec(pretrained.tokenizer())
    ids = codec.encode("So it is 19.\n\nThe")[:-1]
    assert codec.encode("So it is 19.\n\n") != ids
    assert as_text(codec, ids) == TextPrompt("So it is 19.\n", "\n", 1)
    said = PartialCompletion("here", rest="\n\n", held=2)
    for piece in ("\n", "\nThe", " answer"):
        said.take({"choices": [{"text": piece}], "usage": {"completion_tokens": 4}})
    assert said.text == "The answer" and said.written == 2
    for piece in (" Yes", "\n"):
        choice = {"text": piece, "finish_reason": "stop"}
        with pytest.raises(BackendError, match="was left to write it"):
            PartialCompletion("here", rest="\n\n", held=2).take({"choices": [choice]})
