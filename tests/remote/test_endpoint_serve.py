"""`transformers serve` in a process of its own, with Abacus behind it: a server that takes text and gives text."""

import json
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from transformers import GenerationConfig

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract import Branch, Capability, Start
from cotlens.models.endpoint.chat import ChatDialect
from cotlens.models.endpoint.chat_probing import DROPS, FINISHED, probe_chat
from cotlens.models.endpoint.client import Client
from cotlens.trace import Number

QUESTION = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
MAIN = "from transformers.cli.transformers import main; main()"


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus", store=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory, abacus):
    """(address, folder) of Abacus, saved as any model is."""
    from cotlens.organisms import load_pair

    hf, tokenizer = load_pair("abacus")
    folder = tmp_path_factory.mktemp("served")
    stop = tokenizer.eos_token_id
    hf.generation_config = GenerationConfig(do_sample=True, eos_token_id=stop, pad_token_id=stop)
    hf.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    state = json.loads((folder / "tokenizer.json").read_text())
    for token in state["added_tokens"]:  # this server leaves special tokens out of its text; Qwen3's markers are none
        token["special"] = token["special"] and "think" not in token["content"]
    (folder / "tokenizer.json").write_text(json.dumps(state))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen([sys.executable, "-c", MAIN, *arguments], env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                httpx.get(f"{url}/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert process.poll() is None, (folder / "log.txt").read_text()
        yield f"{url}/v1", folder
    finally:
        process.terminate()
        process.wait(60)
        log.close()


@pytest.fixture(scope="module")
def model(served):
    url, folder = served
    return cl.load(folder, backend="vllm", endpoint=url, reader=Number(), store=False)


def test_what_it_can_do_is_found_out(model):
    """No token ids, no log-probabilities, none of vLLM's fields; seeds hold as long as nothing else runs."""
    found = model.dialect
    assert not (found.ids or found.tells_ids or found.alternatives or found.prompt or found.extras)
    assert found.samples and found.seeds == "alone"
    assert model.capabilities == Capability.GENERATE
    assert model.score_path == "no scoring, because the server takes text only, not token ids"
    assert model.context_length == cl.load("abacus").context_length


def test_greedy_text_is_that_of_the_local_model(model, abacus):
    heard = []
    mine = model.reason(QUESTION, temperature=0, on_token=lambda at, text: heard.append(text))
    theirs = abacus.reason(QUESTION, temperature=0)
    assert mine.token_ids == theirs.token_ids
    assert (mine.thought, mine.answer) == (theirs.thought, theirs.answer)
    assert mine.read_answer() == theirs.read_answer()
    assert mine.meta["token_ids"] == "re-tokenised" and mine.meta["finish"] == "stop"
    assert mine.text.endswith("".join(heard) + mine.tokens[-1])


def test_rollouts_follow_their_seeds(model, abacus):
    trace = abacus.reason(QUESTION, temperature=0)
    start = Start(trace, trace.spans("sentence")[-1].end, range(3))
    first = model.rollouts([start], temperature=1.0, seed=3)[0]
    again = model.rollouts([start], temperature=1.0, seed=3)[0]
    assert [one.token_ids for one in first] == [one.token_ids for one in again]
    assert all(one.token_ids[: start.at] == trace.token_ids[: start.at] for one in first)


def test_resampling_runs_and_what_can_not_is_refused(model, abacus):
    trace = abacus.reason(QUESTION, temperature=0)
    result = cl.importance.Resampling(unit="sentence", n=2, temperature=1.0).run(trace, model, seed=1)
    assert len(result) == len(trace.spans("sentence")) and (result.columns["n"] > 0).any()
    assert result.provenance.backend == "vllm"
    with pytest.raises(CapabilityError, match=r"needs SCORE.*backend=\"local\""):
        cl.importance.EarlyAnswer().run(trace, model)
    with pytest.raises(CapabilityError, match="takes text only"):
        model.score(trace, [Branch(9, (1,))])


def test_thoughts_between_special_tokens_are_refused(served):
    """Abacus' own tokenizer has them; the server would give its text without them."""
    from cotlens.organisms import load_pair

    url, folder = served
    with pytest.raises(CapabilityError, match="'<think>', which marks the thoughts"):
        cl.load(folder, backend="vllm", endpoint=url, tokenizer=load_pair("abacus")[1], context_length=512)


def test_its_chat_never_goes_on_and_that_is_found_out(served, model):
    """It takes an assistant's message that is last as a finished turn; its completions go on, so those are asked."""
    url, folder = served
    assert not isinstance(model.dialect, ChatDialect)
    found, _ = probe_chat(Client(url), str(folder), model.format, sorted(model.format.stop_ids))
    assert found.flags is None
    assert found.why in (FINISHED, DROPS) and found.limits() == [
        f"this server never continues a thought, for {found.why}"
    ]


def test_another_name_than_that_of_the_served_model(served):
    with pytest.raises(InputError, match="serves no model 'abacuss'"):
        cl.load("abacuss", backend="vllm", endpoint=served[0], tokenizer=str(served[1]), store=False)
