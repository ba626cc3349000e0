"""llama.cpp's own server with Abacus behind it, and with a pretrained model: it measures what it is made to write."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import BackendError
from cotlens.models.contract import Capability, Start
from cotlens.models.endpoint.dialect import FORCED
from cotlens.trace import Number
from tests import pretrained
from tests.remote import llama_cpp

pytestmark = pytest.mark.skipif(not llama_cpp.installed(), reason=llama_cpp.MISSING)

QUESTION = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Its address and process."""
    folder = tmp_path_factory.mktemp("served")
    llama_cpp.write_abacus(folder / "abacus.gguf")
    with llama_cpp.serving(folder / "abacus.gguf", folder, context=512) as running:
        yield running


def _load(url, **options):
    options = {"tokenizer": "abacus", "store": False, "reader": Number(), **options}
    return cl.load("abacus", backend="vllm", endpoint=url, **options)


@pytest.fixture(scope="module")
def model(served):
    return _load(served[0])


@pytest.fixture(scope="module")
def trace(model):
    return model.reason(QUESTION, temperature=0)


def test_what_it_can_do_is_found_out(model):
    """All fields are taken in silence, most without effect: what counts is what comes back."""
    found = model.dialect
    assert found.ids and found.tells_ids and found.raw and found.alternatives == 8
    assert found.prompt == FORCED and found.best == 100
    assert found.extras["logprobs"] == 1 and found.extras["samplers"] == ["temperature", "top_k", "top_p"]
    assert model.capabilities == Capability.GENERATE | Capability.SCORE
    assert model.context_length == 512  # what one request may hold; the model was made for 4096


def test_thoughts_are_told_from_answers_and_cut_ones_go_on(model, abacus, trace):
    """Its text has no special tokens, so the markers of a thought come as ids or not at all."""
    assert trace.thought and trace.read_answer().text == "19" and trace.meta["token_ids"] == "from the server"
    ours = abacus.annotate(trace)
    begin = trace.meta["begin"]
    np.testing.assert_allclose(trace.logprobs[begin:], ours.logprobs[begin:], atol=2e-3)
    cut = trace.truncate(trace.spans("sentence")[2].end)
    again = model.resume(cut, temperature=0)
    assert again.token_ids == trace.token_ids
    closed = model.resume(cut, temperature=0, close_thought=True)
    assert closed.token_ids == abacus.resume(cut, temperature=0, close_thought=True).token_ids


def test_rollouts_hold_their_thoughts_too(model, trace):
    start = Start(trace, trace.spans("sentence")[1].end, range(3))
    first = model.rollouts([start], temperature=1.0, seed=3)[0]
    again = model.rollouts([start], temperature=1.0, seed=3)[0]
    assert [one.token_ids for one in first] == [one.token_ids for one in again]
    assert all(
        one.thought and one.finished and one.token_ids[: start.at] == trace.token_ids[: start.at] for one in first
    )


def test_a_nucleus_is_cut_after_the_temperature(model, abacus, trace):
    """By itself this server cuts it before, where a hot model keeps fewer tokens."""
    at = trace.spans("sentence")[2].end
    sampling = {"temperature": 3.0, "top_p": 0.9, "max_new_tokens": 1, "seed": 5}
    drawn = {one.token_ids[at] for one in model.rollouts([Start(trace, at, range(60))], **sampling)[0]}
    chances = np.sort(np.exp(abacus.annotate(trace, k=40).top_logprobs[at]))[::-1]
    early = int(np.searchsorted(np.cumsum(chances), 0.9)) + 1
    assert len(drawn) > 2 * early


def test_early_answers_are_those_of_the_local_model(model, abacus, trace):
    method = cl.importance.EarlyAnswer(unit="sentence")
    theirs, ours = (method.run(trace, one, seed=0).columns for one in (model, abacus))
    np.testing.assert_allclose(theirs["probability"], ours["probability"], atol=2e-3)
    assert (np.asarray(theirs["probability"]) > 0.5).any()


def test_letters_of_several_tokens_come_and_are_measured(model, abacus, trace):
    """It tells no token that is a part of a character, neither of what it writes nor of what it is made to write."""
    edited = trace.replace(trace.spans("sentence")[1], " So 12 pears \U0001f350.")
    parts = [at for at, piece in enumerate(abacus.codec.pieces(edited.token_ids)) if piece[0] >= 0x80]
    assert len(parts) > 1
    found, ours = model.annotate(edited).logprobs, abacus.annotate(edited).logprobs
    np.testing.assert_allclose(found[1:], ours[1:], atol=0.02)  # of -20 nats, from batches of other shapes


def test_a_text_that_is_too_long_is_one_sentence(served):
    model = _load(served[0], context_length=4096)
    long = model.compose(QUESTION, "It is 19. " * 150, None)
    with pytest.raises(BackendError, match="smaller context than this text needs"):
        model.resume(long, max_new_tokens=3)
    nearly = model.compose(QUESTION, "It is 19. " * 78, None)
    assert 470 < len(nearly.token_ids) < 512
    with pytest.raises(BackendError, match="smaller context than this text needs"):
        model.resume(nearly, temperature=2.0, seed=1, max_new_tokens=300)


def test_a_real_model_goes_on_as_it_began(tmp_path):
    """SmolLM2, in four bits: what it goes on with from the middle is what it wrote; `served` may be gone meanwhile."""
    with llama_cpp.serving(pretrained.weights(), tmp_path, name="smollm2") as (url, process):
        options = {"tokenizer": pretrained.tokenizer(), "format": pretrained.MARKERS, "context_length": 1024}
        model = cl.load("smollm2", backend="vllm", endpoint=url, store=False, retries=1, **options)
        whole = model.reason(QUESTION, temperature=0, max_new_tokens=24, prefill="Mia has")
        cut = whole.truncate(whole.meta["begin"] + 12)
        assert model.resume(cut, temperature=0, max_new_tokens=24).token_ids[: len(whole.token_ids)] == whole.token_ids
        process.kill()
        process.wait(60)
        with pytest.raises(BackendError, match=r"has stopped answering .*; start it again.*what was finished is kept"):
            model.resume(cut, max_new_tokens=3)
