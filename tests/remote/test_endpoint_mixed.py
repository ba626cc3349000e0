"""Text from one backend, looks inside from another, on the same traces."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract import AddVector, BlockAttention, Branch, Capability, Start
from cotlens.models.load import load
from tests.model import tiny
from tests.remote.dialect_server import Dialect, serving
from tests.remote.endpoint import PROMPT, connect


@pytest.fixture(scope="module")
def endpoint():
    with serving(Dialect(tiny.pair("qwen3"))) as url:
        yield connect(url)


@pytest.fixture
def both(endpoint, qwen):
    return cl.mixed(write=endpoint, look=qwen)


def test_who_is_asked_for_what(both, endpoint, qwen):
    looked = qwen.meter.snapshot()
    trace = both.reason(PROMPT, max_new_tokens=6, seed=3, prefill="First I add 12 and 7.")
    assert trace.token_ids == endpoint.reason(PROMPT, max_new_tokens=6, seed=3, prefill=trace.meta["prefill"]).token_ids
    assert qwen.meter.since(looked).tokens == 0
    asked = endpoint.meter.snapshot()
    both.read(trace, "resid_post.1")
    both.score(trace, [Branch(9, (1,), (3,))])
    both.attention(trace, heads=[(0, 0)])
    both.divergence(trace, [BlockAttention((20,), (12,))], [(21, 23)])
    assert both.unembed(np.ones((1, 32), np.float32)).shape == (1, qwen.engine.layout.vocabulary)
    assert endpoint.meter.since(asked).tokens == 0
    spent = both.meter
    assert (spent.tokens, spent.forwards) == (
        endpoint.meter.tokens + qwen.meter.tokens,
        endpoint.meter.forwards + qwen.meter.forwards,
    )


def test_both_are_recorded(both, endpoint, qwen, tmp_path):
    trace = both.reason(PROMPT, max_new_tokens=3, prefill="First I add 12 and 7. It is 19.")
    assert trace.meta["backend"] == "vllm" and trace.meta["model"] == "tiny"
    assert trace.meta["look"] == {"model": qwen.name, "revision": qwen.revision, "backend": "local"}
    assert trace.codec is both.codec
    result = cl.importance.Resampling(unit="sentence", n=2, max_new_tokens=3, target="19").run(trace, both)
    made = result.provenance
    assert (made.backend, made.model) == ("vllm + local", f"tiny + {qwen.name}")
    assert made.revision == f"{endpoint.revision} + {qwen.revision}"
    trace.save(tmp_path / "trace.json")
    assert cl.Trace.load(tmp_path / "trace.json", model=both).meta["look"]["backend"] == "local"


def test_one_investigation_with_both(both):
    """Rollouts by the endpoint and occlusion, gradients and suppression by the local model, on one trace."""
    trace = both.compose(PROMPT, "First I add 12 and 7. It is 19. That is all.", "The answer is 19.")
    start = Start(trace, trace.spans("sentence")[0].end, range(2))
    heard = []
    rolls = both.rollouts([start], max_new_tokens=3, on_rollout=lambda place, one: heard.append(one))[0]
    assert {one.meta["look"]["backend"] for one in [*rolls, *heard]} == {"local"}
    for method in (
        cl.importance.Occlusion(unit="sentence", target="19"),
        cl.importance.Gradient(target="19"),
        cl.importance.Suppression(unit="sentence"),
        cl.importance.Mistake(unit="sentence", n=2, max_new_tokens=3, target="19"),
    ):
        assert len(method.run(trace, both)) > 0


def test_changes_inside_are_made_where_they_can_be(both, qwen):
    push = AddVector(1, np.ones(32, np.float32) * 3)
    steered = both.reason(PROMPT, max_new_tokens=4, seed=1, interventions=push)
    assert steered.token_ids == qwen.reason(PROMPT, max_new_tokens=4, seed=1, interventions=push).token_ids
    assert steered.meta["backend"] == "local"


def test_two_local_models(qwen):
    """A copy under another name: nothing but the record tells the difference."""
    copy = load(tiny.pair("qwen3"), store=False)
    copy.name = "a copy"
    both = cl.mixed(write=copy, look=qwen)
    assert both.backend == "local" and both.name == f"a copy + {qwen.name}" and both.revision == qwen.revision
    assert both.capabilities == qwen.capabilities
    trace = both.reason(PROMPT, max_new_tokens=5, seed=2, prefill="First I")
    assert trace.token_ids == qwen.reason(PROMPT, max_new_tokens=5, seed=2, prefill="First I").token_ids
    assert both.resume(trace, max_new_tokens=2, seed=1).token_ids[:-2] == trace.token_ids
    assert both.surprise(trace.truncate(trace.roles["thought"].start + 2)).surprise_was > 0


def test_who_looks_may_score_less_than_who_writes(endpoint, qwen):
    """The other way round: what only the endpoint lacks is still refused."""
    both = cl.mixed(write=qwen, look=endpoint)
    assert both.capabilities == Capability.GENERATE | Capability.SCORE
    with pytest.raises(CapabilityError, match="can't be read"):
        both.read(both.compose(PROMPT, "First.", "19"), "resid_post.1")


def test_other_tokens_are_refused(endpoint, tiny_model):
    turned = tiny.tokenizer(specials=tiny.SPECIALS[::-1])
    other = load((tiny.pair("qwen3")[0], turned), store=False)
    with pytest.raises(InputError, match=r"don't have the same tokens: token 400 is '<\|endoftext\|>' to one"):
        cl.mixed(write=endpoint, look=other)
    with pytest.raises(InputError, match="put a prompt in different words"):
        cl.mixed(write=endpoint, look=tiny_model("olmo3"))
