"""A server that speaks as llama.cpp's does, played here: what it tells comes as rows of the tokens that it writes."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.models.contract import Branch, Start
from cotlens.models.endpoint.dialect import FORCED
from cotlens.models.endpoint.reply import PartialCompletion
from cotlens.models.endpoint.samples import told
from cotlens.organisms import load_pair
from tests.remote.dialect_server import Dialect, serving

PROMPT = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
FIELDS = ("logprobs", "rival_logprobs", "rival_ids", "greedy_ids")


@pytest.fixture(scope="module")
def local():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def served():
    server = Dialect(load_pair("abacus"), "abacus")
    server.rows = True
    with serving(server) as url:
        yield server, url


@pytest.fixture(scope="module")
def model(served):
    return cl.load("abacus", backend="vllm", endpoint=served[1], store=False)


@pytest.fixture
def server(served):
    yield served[0]
    served[0].refuses = set()


@pytest.fixture(scope="module")
def trace(local):
    return local.reason(PROMPT, temperature=0)


def test_a_server_that_measures_what_it_writes_alone_is_made_to_write(model, server, local, trace):
    """As llama.cpp's: each token that is scored is a request, and what it gives as text has no special tokens."""
    assert model.dialect.prompt == FORCED and model.dialect.extras["logprobs"] == 1
    assert model.dialect.extras["samplers"] == ["temperature", "top_k", "top_p"]
    assert model.context_length == server.context
    branches = [Branch(p, trace.token_ids[5:9]) for p in (4, 11)]
    server.requests.clear()
    for mine, theirs in zip(model.score(trace, branches), local.score(trace, branches), strict=True):
        for field in FIELDS:
            np.testing.assert_allclose(getattr(mine, field), getattr(theirs, field), atol=1e-4)
    assert len(server.requests) == 8
    np.testing.assert_allclose(model.annotate(trace).logprobs[1:], local.annotate(trace).logprobs[1:], atol=1e-4)
    start = Start(trace, len(trace.token_ids) - 3, range(2))
    assert model.rollouts([start], max_new_tokens=4, seed=1)[0][0].meta["token_ids"] == "from the server"


def test_a_long_text_is_not_measured_unasked_where_each_token_is_a_request(model, server):
    long = model.compose(PROMPT, "It is 19. " * 30, None)
    server.requests.clear()
    assert np.isnan(model.resume(long, temperature=0, max_new_tokens=2).logprobs[:200]).all()
    assert len(server.requests) == 1


def test_tokens_that_are_a_part_of_a_character_are_made_of_its_text(local):
    """Of a character llama.cpp tells the last token alone, with the text of all."""
    ids = local.codec.encode("12 \U0001f350 pears")
    whole = local.codec.encode(" \U0001f350")
    assert len(whole) > 1
    at = next(i for i in range(len(ids)) if ids[i : i + len(whole)] == whole)
    kept = [*ids[:at], *ids[at + len(whole) - 1 :]]
    words = [piece.decode("utf-8", "replace") for piece in local.codec.pieces(kept)]
    words[at] = " \U0001f350"
    rows = [{"id": one, "token": word, "logprob": -1.0} for one, word in zip(kept, words, strict=True)]
    said = PartialCompletion("here")
    said.take({"choices": [{"text": "", "logprobs": {"content": rows}}]})
    assert told(local.codec, said) == (ids, at)


def test_special_tokens_that_are_left_out_of_a_text_are_missed(server, served):
    """A field that is taken and does nothing is not believed."""
    server.refuses = {"logprobs"}
    with pytest.raises(CapabilityError, match="which marks the thoughts"):
        cl.load("abacus", backend="vllm", endpoint=served[1], store=False)
