"""Chat endpoints: the way in which a server goes on from a begun thought is found, and what it can't do is said."""

import warnings

import pytest

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.contract import Capability, Start
from tests.model import tiny
from tests.remote import endpoint
from tests.remote.chat_server import Chat
from tests.remote.dialect_server import serving

PROMPT = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"
THOUGHT = "Let me see how many pears there are. She has 12"


def connect(url, **options):
    return endpoint.connect(url, **{"tokenizer": organisms.load_pair("abacus")[1], **options})


@pytest.fixture(scope="module")
def running():
    server = Chat(organisms.load_pair("abacus"))
    with serving(server) as url:
        yield server, url


@pytest.fixture
def server(running):
    yield running[0]
    running[0].reset()


@pytest.fixture(scope="module")
def vllm(running):
    """A model whose server goes on as vLLM does."""
    return quiet(running[1])


@pytest.fixture(scope="module")
def local():
    return cl.load("abacus", store=False)


def quiet(url):
    """The model, which must have nothing to say when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return connect(url)


@pytest.mark.parametrize(
    ("kind", "parses", "flags", "place", "echoes"),
    [
        ("vllm", False, {"continue_final_message": True, "add_generation_prompt": False}, "content", False),
        ("vllm", True, {"continue_final_message": True, "add_generation_prompt": False}, "content", False),
        ("mistral", False, {}, "content", True),
        ("deepseek", True, {}, "reasoning_content", False),
        ("last", False, {"continue_final_message": True, "add_generation_prompt": False}, "content", False),
    ],
)
def test_each_kind_goes_on_with_the_text_of_the_local_model(server, running, local, kind, parses, flags, place, echoes):
    server.kind, server.parses = kind, parses
    model = quiet(running[1])
    found = model.dialect
    assert (dict(found.flags.request), found.place, found.echoes) == (flags, place, echoes)
    assert dict(found.flags.message) == ({"prefix": True} if kind in ("mistral", "deepseek") else {})
    assert model.capabilities == Capability.GENERATE
    heard = []
    asked = {"prefill": THOUGHT, "max_new_tokens": 8, "temperature": 0}
    mine = model.reason(PROMPT, on_token=lambda at, text: heard.append(text), **asked)
    theirs = local.reason(PROMPT, **asked)
    assert mine.thought == theirs.thought and mine.thought.startswith(THOUGHT)
    assert mine.text.endswith("".join(heard)) and len(heard) == 8
    trace = local.compose(PROMPT, THOUGHT, None)
    start = Start(trace, len(trace.token_ids) - 2, range(2))
    rolls = model.rollouts([start], max_new_tokens=5, temperature=0)[0]
    assert rolls[0].text == local.rollouts([start], max_new_tokens=5, temperature=0)[0][0].text
    assert rolls[0].token_ids[: start.at] == trace.token_ids[: start.at]


def test_it_is_asked_once_and_remembered(vllm, server):
    model = vllm
    before = len(server.requests)
    model.reason(PROMPT, prefill=THOUGHT, max_new_tokens=2)
    assert len(server.requests) == before + 1
    last = server.requests[-1]
    assert last["continue_final_message"] is True and last["messages"][-1]["content"] == f"<think>\n{THOUGHT}"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("drops", "it silently drops the beginning of an answer that it is sent"),
        ("finished", "it takes the beginning of an answer as a finished turn"),
        ("refuses", "it refuses the beginning of an answer"),
    ],
)
def test_one_that_never_goes_on_says_so_when_it_is_loaded(server, running, local, kind, why):
    server.kind = kind
    with pytest.warns(UserWarning, match=f"this server never continues a thought, for {why}"):
        model = connect(running[1])
    fresh = model.reason(PROMPT, max_new_tokens=4, temperature=0)
    assert fresh.text == local.reason(PROMPT, max_new_tokens=4, temperature=0).text
    assert any("never continues a thought" in note for note in fresh.meta["notes"])
    trace = local.compose(PROMPT, THOUGHT, "19")
    with pytest.raises(CapabilityError, match=f"can't go on from a given beginning: this server never .* {why}"):
        model.resume(trace, at=len(trace.token_ids) - 3, max_new_tokens=2)
    with pytest.raises(CapabilityError, match="can't go on"):
        cl.importance.Resampling(n=2).run(trace, model)


def test_one_that_returns_summaries_says_so(server, running):
    server.hides = True
    with pytest.warns(UserWarning, match="this server returns summaries of its thoughts only"):
        connect(running[1])


@pytest.mark.parametrize("kind", ["vllm", "mistral"])
def test_white_space_that_is_taken_off_is_left_to_the_model(server, running, local, kind):
    server.kind, server.trims = kind, True
    with pytest.warns(UserWarning, match="takes white space off the end of a begun text"):
        model = connect(running[1])
    assert set(model.dialect.trims_end) >= {" ", "\n"} and not model.dialect.trims_start  # a marker stands there
    trace = local.reason(PROMPT, temperature=0)
    ends = [at for at in range(trace.meta["begin"] + 3, len(trace.token_ids)) if trace.tokens[at - 1].isspace()]
    cuts = {trace.tokens[at - 1]: at for at in reversed(ends)}
    assert "\n" in cuts
    for at in cuts.values():  # the model wrote it there, so it does again
        assert model.resume(trace, at=at, temperature=0).token_ids == trace.token_ids
        assert model.rollouts([Start(trace, at, range(1))], temperature=0)[0][0].token_ids == trace.token_ids
        assert not server.requests[-1]["messages"][-1]["content"][-1].isspace()
    other = local.compose(PROMPT, f"{THOUGHT} ", None)
    with pytest.raises(BackendError, match=r"can't be sent the ' ' at the end of this text.* but it wrote"):
        model.resume(other, max_new_tokens=4, temperature=0)


def test_a_reply_without_its_white_space_is_no_continuation(server, running):
    server.trims_reply = True
    with pytest.warns(UserWarning, match="leaves out the white space with which it goes on"):
        connect(running[1])


def test_a_cut_through_a_character_is_refused(vllm, local):
    trace = local.compose(PROMPT, f"{THOUGHT} \N{GRINNING FACE}", None)
    with pytest.raises(InputError, match="takes messages only, and this text comes back as other tokens"):
        vllm.resume(trace, at=len(trace.token_ids) - 1, max_new_tokens=2)


def test_one_that_truncates_is_found_out_where_it_does(vllm, server, local):
    model = vllm
    server.keeps = 40
    trace = local.compose(PROMPT, f"{THOUGHT} 19. " * 6, None)
    with pytest.raises(BackendError, match=r"cuts what it is sent \(it read 40 of \d+ tokens\)"):
        model.rollouts([Start(trace, len(trace.token_ids) - 1, range(1))], max_new_tokens=3)


def test_a_conversation_of_several_turns_comes_back_as_its_messages(vllm, server, local):
    model = vllm
    asked = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "12 + 7?"},
        {"role": "assistant", "content": "19"},
        {"role": "user", "content": "And 3 more?"},
    ]
    trace = local.compose(asked, THOUGHT, None)
    found = model.resume(trace, at=len(trace.token_ids), max_new_tokens=4, temperature=0)
    assert server.requests[-1]["messages"][:-1] == asked
    assert found.text == local.resume(trace, at=len(trace.token_ids), max_new_tokens=4, temperature=0).text


def test_what_needs_a_chat_template_or_another_name_is_refused(server, running):
    with pytest.raises(CapabilityError, match="takes messages only, and the tokenizer given for 'tiny' has no chat"):
        connect(running[1], tokenizer=tiny.tokenizer(template=None))
    with pytest.raises(InputError, match="serves no model 'tinny'"):
        connect(running[1], name="tinny")
