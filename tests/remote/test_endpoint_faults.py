"""What goes wrong between here and a server: each fault is got over, or said in one sentence with what to do."""

import copy
import html
import json
import logging
import re
import socket
import sys
import time
import traceback
import urllib.parse

import pytest

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.contract import Branch, Start
from cotlens.models.endpoint import errors
from cotlens.models.endpoint.client import Client
from cotlens.models.endpoint.secret import Secret
from tests.model import tiny
from tests.remote.endpoint import PROMPT, connect

KEY = "sk-this-must-never-be-seen-0123456789"


@pytest.mark.parametrize("fault", ["429", "500", "drop", "error"])
def test_a_passing_fault_changes_nothing(server, model, fault):
    expected = model.reason(PROMPT, n=2, max_new_tokens=6, seed=3)
    heard, asked = [], len(server.requests)
    server.faults.append(fault)
    found = model.reason(PROMPT, n=2, max_new_tokens=6, seed=3, on_token=lambda at, text: heard.append(at))
    assert [one.token_ids for one in found] == [one.token_ids for one in expected]
    assert heard == sorted(set(heard)) and len(heard) == 6, "each token is told once"
    assert len(server.requests) == asked + 3


@pytest.mark.parametrize("fault", ["429", "500", "drop"])
def test_rollouts_and_scores_survive_too(server, model, fault):
    trace = model.compose(PROMPT, "First I add 12 and 7.", "19")
    rolls = model.rollouts([Start(trace, 26, range(3))], max_new_tokens=4, seed=1)[0]
    score = model.score(trace, [Branch(26, (5, 6))])[0]
    server.faults.append(fault)
    again = model.rollouts([Start(trace, 26, range(3))], max_new_tokens=4, seed=1)[0]
    assert [one.token_ids for one in again] == [one.token_ids for one in rolls]
    server.faults.append(fault)
    assert model.score(trace, [Branch(26, (5, 6))])[0].logprobs.tolist() == score.logprobs.tolist()


def test_a_server_that_asks_for_time_is_given_it(server, model):
    server.faults.append("429")
    began = time.monotonic()
    model.reason(PROMPT, max_new_tokens=1)
    assert time.monotonic() - began >= 0.2


def test_unseeded_text_that_breaks_off_is_told_anew(server, served):
    server.ignores = {"seed"}
    model = connect(served[1])
    heard = []
    server.faults.append("drop")
    trace = model.reason(PROMPT, max_new_tokens=5, on_token=lambda at, text: heard.append(at))
    start = trace.meta["begin"]
    anew = len(heard) - 1 - heard[::-1].index(start)
    assert heard[0] == start and anew > 0
    assert heard[anew:] == list(range(start, start + len(heard) - anew))  # five, or fewer where the model ended itself


@pytest.mark.parametrize(
    ("fault", "words"),
    [("429", "smaller together="), ("500", "look at its log"), ("drop", "what was finished is kept")],
)
def test_a_fault_that_stays_is_one_sentence_and_keeps_what_there_is(server, served, fault, words):
    model = connect(served[1], retries=0)
    server.faults.append(fault)
    with pytest.raises(BackendError, match=words) as caught:
        model.reason(PROMPT, max_new_tokens=6, seed=3)
    assert caught.value.partial.meta["finish"] == "error"
    if fault == "drop":
        assert len(caught.value.partial.token_ids) > caught.value.partial.meta["begin"]


def test_no_server_there(monkeypatch):
    """A slip of the pen isn't tried again and again."""
    waits = []
    monkeypatch.setattr(Client, "wait", lambda self, attempt, asked: waits.append(attempt) or 0.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(BackendError, match=r"No server answers .*vllm serve"):
            connect(url)
    assert waits == []


def test_a_server_that_says_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(BackendError, match=r"sent nothing for 1 s"):
            connect(url, timeout=1, retries=0)


def test_an_address_that_is_no_completions_endpoint(served):
    with pytest.raises(BackendError, match="it has no /completions"):
        connect(served[1].removesuffix("/v1") + "/v2")


def test_an_unknown_model_is_told_what_is_up(served):
    with pytest.raises(InputError, match=r"serves no model 'tini' .* Did you mean 'tiny'\?"):
        connect(served[1], name="tini")


def test_the_key_is_asked_for_and_never_shown(server, served, monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    server.key = KEY
    for variable in ("VLLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(BackendError, match="set the environment variable VLLM_API_KEY"):
        connect(served[1])
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(BackendError, match="refused the key"):
        connect(served[1])  # that one is OpenAI's: no other server gets it unasked
    model = connect(served[1], key="OPENAI_API_KEY")
    trace = model.reason(PROMPT, max_new_tokens=3, seed=1)
    composed = model.compose(PROMPT, "First I add 12 and 7. It is 19.", "19")
    result = cl.importance.Resampling(unit="sentence", n=2, max_new_tokens=3, target="19").run(composed, model)
    server.key = "another"
    with pytest.raises(BackendError, match="refused the key") as caught:
        model.reason(PROMPT, max_new_tokens=3)
    trace.save(tmp_path / "trace.json")
    result.save(tmp_path / "result.json")
    shown = [repr(model), str(vars(model)), repr(vars(model.client)), repr(trace.meta), repr(result.provenance)]
    shown += [caplog.text, str(caught.value), "".join(traceback.format_exception(caught.value))]
    shown += [(tmp_path / name).read_text() for name in ("trace.json", "result.json")]
    assert not [text for text in shown if KEY in text]
    assert "[key]" in str(caught.value), "the server said it, and it was taken out"
    assert KEY not in repr(copy.copy(model.client.secret))


def test_a_server_gets_the_key_that_is_meant_for_it(server, served, monkeypatch):
    server.key = KEY
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    assert connect(served[1]).client.secret.variable == "VLLM_API_KEY"


@pytest.mark.parametrize(
    ("endpoint", "variable"),
    [
        ("https://api.openai.com/v1", "VLLM_API_KEY"),
        ("http://api.openai.com/v1", None),
        ("https://api.openai.com.evil.example/v1", "VLLM_API_KEY"),
        ("http://8.8.8.8:8000/v1", None),
        ("http://models.example.org/v1", None),
        ("http://10.1.2.3:8000/v1", "VLLM_API_KEY"),
        ("http://[::1]:8000/v1", "VLLM_API_KEY"),
        ("http://gpu-node-3:8000/v1", "VLLM_API_KEY"),
    ],
)
def test_no_key_goes_over_a_public_network_in_the_open(endpoint, variable, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    assert Secret(endpoint).variable == variable
    monkeypatch.delenv("VLLM_API_KEY")
    assert Secret(endpoint).variable == ("OPENAI_API_KEY" if endpoint == "https://api.openai.com/v1" else None)
    assert Secret(endpoint, "OPENAI_API_KEY").variable == "OPENAI_API_KEY"


@pytest.mark.parametrize("given", [KEY, KEY.replace("-", "_"), ""])
def test_a_variable_that_holds_no_key(given):
    with pytest.raises(InputError) as caught:
        Secret("https://models.example.org/v1", given)
    assert KEY[:12].replace("-", "_") not in str(caught.value).replace("-", "_")


def test_a_key_is_taken_out_before_what_the_server_said_is_cut(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    body = json.dumps({"error": {"message": "x" * (300 - len(KEY) // 2) + KEY}}).encode()
    said = errors.words(body, Secret("https://models.example.org/v1").redact)
    assert said.endswith("x[key]") and KEY[:4] not in said


@pytest.mark.parametrize("escape", [str, urllib.parse.quote, urllib.parse.quote_plus, html.escape, json.dumps,
                                    lambda key: key.replace("/", "\\/")])  # fmt: skip
def test_a_key_is_taken_out_however_it_is_escaped(escape, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", 'sk-ab/c+d=e&f"g')
    redact = Secret("https://models.example.org/v1").redact
    key = escape('sk-ab/c+d=e&f"g')
    for body in (f"the key {key} is wrong", json.dumps({"x": ['sk-ab/c+d=e&f"g']})):
        said = errors.words(body.encode(), redact)
        assert "sk-ab" not in said and "[key]" in said


@pytest.mark.parametrize("written", ["user:{}@127.0.0.1:1/v1", "127.0.0.1:{}/v1", "127.0.0.1:1/v1#{}", "h/?key={}"])
def test_an_address_with_a_password_is_refused_without_saying_it(written):
    with pytest.raises(InputError, match="VLLM_API_KEY") as caught:
        connect(f"http://{written.format(KEY)}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("tokenize", [True, False])
def test_another_tokenizer_than_the_server_s(server, served, tokenize):
    server.has_tokenize = tokenize
    with pytest.raises(InputError, match="tokenizer is another than the one given here"):
        connect(served[1], tokenizer=tiny.sentencepiece(), context_length=512)
    server.text_tokenizer = lambda text, **_: {"input_ids": list(text.encode())}  # a token per byte
    with pytest.raises(InputError, match="tokenizer is another"):
        connect(served[1])


def test_a_context_smaller_than_was_said(server, model):
    trace = model.compose(PROMPT, "First I add 12 and 7.", "19")
    server.context = 24
    for ask in (
        lambda: model.reason(PROMPT, max_new_tokens=20),  # the server fits it to the room that is left
        lambda: model.reason(PROMPT, max_new_tokens=30),
        lambda: model.score(trace, [Branch(22, (5, 6))]),
        lambda: model.score(trace, [Branch(26, (5, 6))]),
        lambda: model.rollouts([Start(trace, 26)], max_new_tokens=20),
    ):
        with pytest.raises(BackendError, match=r"smaller context than this text needs .* context_length="):
            ask()


def test_a_text_longer_than_the_context_is_refused_before_it_is_sent(server, model):
    asked = len(server.requests)
    with pytest.raises(InputError, match="context holds 512"):
        model.reason("12345 " * 200)
    with pytest.raises(InputError, match="beyond the model's context"):
        model.score([5] * 500, [Branch(500, tuple(range(20)))])
    assert len(server.requests) == asked


def test_what_load_is_given(served, tmp_path):
    for options, words in (
        ({"dtype": "float32"}, "dtype= and engine= start an engine"),
        ({"endpoint": "localhost:8000"}, "is not an address"),
        ({"together": 0}, "together=0"),
        ({"endpint": "x"}, "Did you mean 'endpoint'"),
        ({"tokenizer": str(tmp_path / "nothing")}, "No tokenizer could be had"),
        ({"tokenizer": tiny.pair("qwen3")[1], "format": "thnik"}, "thnik"),
    ):
        with pytest.raises(InputError, match=words):
            cl.load("tiny", **{"backend": "vllm", "endpoint": served[1], "store": False, **options})
    with pytest.raises(InputError, match="loaded pair"):
        cl.load(tiny.pair("qwen3"), backend="vllm", endpoint=served[1])


def test_no_endpoint_and_no_vllm(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)  # as where it isn't installed
    with pytest.raises(CapabilityError, match=r"vLLM isn't installed here: .*pip install vllm.* `vllm serve"):
        cl.load("abacus", backend="vllm", store=False)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (302, errors.ServerRefusal, "sent another way"),
        (400, errors.ServerRefusal, "refused a request \\(400: no\\)"),
        (403, errors.ServerRefusal, "refused the key"),
        (408, errors.RetryableError, "look at its log"),
        (429, errors.RetryableError, "no more requests"),
        (503, errors.RetryableError, "look at its log"),
    ],
)
def test_what_a_status_stands_for(status, kind, words):
    error = errors.of_status(status, {}, "no", "http://127.0.0.1:1/v1")
    assert isinstance(error, kind)
    assert re.search(words, str(error))


def test_retry_after_is_read_as_seconds_and_as_a_date():
    assert errors.retry_after({"retry-after": "7"}) == 7
    assert errors.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert errors.retry_after({"retry-after": "soon"}) is None
    assert errors.retry_after({}) is None


def test_waiting_grows_and_has_an_end():
    client = Client("http://127.0.0.1:1/v1")
    waits = [client.wait(attempt, None) for attempt in range(12)]
    assert 0.25 <= waits[0] <= 0.5 and waits[3] > waits[0] and max(waits) <= 60
    assert client.wait(0, 3.0) == 3.0 and client.wait(0, 9999.0) == 60


def test_words_of_an_error():
    assert errors.words(b'{"error": {"message": "No  room."}}', str) == "No room"
    assert errors.words(b'{"detail": [{"loc": ["body"]}]}', str) == '[{"loc": ["body"]}]'
    assert errors.words(b"<html>", str) == "<html>"
    assert errors.words(b"", str) == "it gave no reason"
    assert len(errors.words(b"x" * 9000, str)) == 300
