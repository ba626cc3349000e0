"""What every model must keep to, whichever backend runs it. A backend adds itself to `MODELS`."""

import atexit
import importlib.util
import inspect
import threading

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.measure.answers.forced import ForcedQuery, score_queries
from cotlens.models.contract import AddVector, BlockAttention, Branch, Capability, Meter, Model, Patch, TokenSet
from cotlens.trace import Trace
from tests.engine import running
from tests.model import hybrids, tiny
from tests.remote import loopback
from tests.remote.dialect_server import Dialect, serving
from tests.remote.endpoint import PROMPT, connect

TEXT_ONLY = {"takes_ids": False, "ignores": {"logprobs", "return_token_ids"}}
MODELS = {
    "local, packed": lambda: tiny.model("qwen3"),
    "local, forked": lambda: hybrids.model("qwen3_5"),
    "local, plain": lambda: _plain("gemma3"),
    "local, no masks": lambda: tiny.model("bloom"),
    "local, text markers": lambda: tiny.model("olmo3"),
    "ndif": lambda: _ndif("qwen3"),
    "ndif, sliding windows": lambda: _ndif("gemma3"),
    "vllm": lambda: endpoint(),
    "vllm, only text": lambda: endpoint(**TEXT_ONLY),
    "mixed": lambda: _mixed(),
}
if importlib.util.find_spec("vllm"):
    MODELS["vllm, in this process"] = running.embed
_ENDPOINTS = {}


def _plain(family):
    from cotlens.models.load import load

    return load(tiny.pair(family), score="plain")


def endpoint(**switches):
    """A model on a server that speaks as vLLM does, with these switches; it runs as long as the tests do."""
    key = repr(sorted(switches.items()))
    if key not in _ENDPOINTS:
        server = Dialect(tiny.pair("qwen3"))
        vars(server).update(switches)
        running = serving(server)
        atexit.register(running.__exit__, None, None, None)
        url = running.__enter__()
        _ENDPOINTS[key] = connect(url)
    return _ENDPOINTS[key]


def _ndif(family):
    if ("ndif", family) not in _ENDPOINTS:
        _ENDPOINTS["ndif", family] = loopback.served().model(family)
    return _ENDPOINTS["ndif", family]


def _mixed():
    return cl.mixed(write=endpoint(), look=tiny.model("qwen3"))


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def trace_of(model):
    return model.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")


def test_it_is_a_model(model):
    assert isinstance(model, Model)
    for name, method in vars(Model).items():  # not getmembers: nnsight mounts a `save` on every object
        if inspect.isfunction(method) and not name.startswith("_"):
            theirs = inspect.signature(getattr(model, name))
            ours = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
            assert [(p.name, p.kind, p.default) for p in theirs.parameters.values()] == [
                (p.name, p.kind, p.default) for p in ours
            ]


def test_what_it_says_of_itself(model):
    for text in (model.name, model.where, model.revision, model.backend, model.dtype, model.score_path):
        assert isinstance(text, str)
        assert text
    assert Capability.GENERATE in model.capabilities
    assert model.context_length > 0
    assert isinstance(model.meter, Meter)
    assert model.format.close_text


def refused(model, part, ask):
    """Whether a model lacks a capability; what needs it is then refused in one sentence that says what to do."""
    if part in model.capabilities:
        return False
    with pytest.raises(CapabilityError, match=r"backend=|plain attention"):
        ask()
    return True


def test_a_composed_trace_has_its_parts(model):
    trace = trace_of(model)
    assert isinstance(trace, Trace)
    assert (trace.prompt, trace.thought, trace.answer) == (
        PROMPT,
        "First I add 12 and 7. It is 19.",
        "The answer is 19.",
    )
    assert trace.meta["finish"] == "given"
    assert trace.codec is model.codec
    assert trace.reader == model.reader


def test_writing_and_scoring_agree(model):
    trace = model.reason(PROMPT, max_new_tokens=6, seed=2, prefill="First")
    start = trace.meta["begin"]
    if not refused(model, Capability.SCORE, lambda: model.score(trace, [Branch(start, (5,))])):
        scored = model.score(trace, [Branch(start, trace.token_ids[start:])])[0]
        np.testing.assert_allclose(scored.logprobs, trace.logprobs[start:], atol=1e-4)
    assert model.reason(PROMPT, max_new_tokens=6, seed=2, prefill="First").token_ids == trace.token_ids
    assert {"model", "revision", "seed", "temperature", "top_p", "finish", "thought_closed"} <= set(trace.meta)


def test_scores_come_in_the_order_asked_and_do_not_depend_on_company(model):
    ids = trace_of(model).token_ids
    branches = [Branch(p, ids[5:9]) for p in (20, 4, 11, 4)]
    if refused(model, Capability.SCORE, lambda: model.score(ids, branches)):
        return
    together = model.score(ids, branches)
    for branch, score in zip(branches, together, strict=True):
        alone = model.score(ids, [branch])[0]
        np.testing.assert_allclose(score.logprobs, alone.logprobs, atol=1e-4)
        assert {array.dtype.name for array in (score.logprobs, score.rival_logprobs)} == {"float32"}
        assert {array.dtype.name for array in (score.rival_ids, score.greedy_ids)} == {"int32"}
        assert len(score.logprobs) == 4


def test_the_meter_counts(model):
    before = model.meter.snapshot()
    if Capability.SCORE in model.capabilities:
        model.score(trace_of(model), [Branch(9, (1, 2, 3))])
    else:
        model.reason(PROMPT, max_new_tokens=3)
    spent = model.meter.since(before)
    assert spent.forwards >= 1
    assert spent.tokens >= 11


def test_the_probability_of_a_set_is_that_of_its_tokens(model):
    """At the first token, in the middle and after the last; where a server tells only some tokens, within bounds."""
    trace = trace_of(model)
    size = len(model.codec.tokenizer)
    member = np.isin(np.arange(size), [3, 7, 11])
    few, rest = TokenSet.of(member), TokenSet.of(~member)
    text = trace.token_ids[20:23]
    for index in range(4):
        asked = Branch(20, text, sets=((index, few), (index, rest)))
        alone = [Branch(20, (*text[:index], token)) for token in (3, 7, 11)]
        if refused(model, Capability.SCORE, lambda asked=asked: model.score(trace, [asked])):
            return
        found, *each = model.score(trace, [asked, *alone])
        total = np.exp([float(one.logprobs[-1]) for one in each]).sum()
        for value, slack, true in zip(found.set_logprobs, found.set_slack, (total, 1 - total), strict=True):
            if np.isfinite(slack):
                assert abs(value - np.log(true)) <= slack + 1e-3
            else:
                assert value >= np.log(true) - 1e-3
        assert model.backend == "vllm" or not found.set_slack.any()


def test_answer_branches_read_back(model):
    trace = trace_of(model)
    ids, start = model.answer_branch(trace, trace.roles["thought"].end, "19")
    whole = b"".join(model.codec.pieces(ids)).decode()
    assert whole.startswith(model.format.close_text)
    assert 0 < start < len(ids)


def test_reading_and_changing(model):
    trace = trace_of(model)
    vector = np.ones(32, np.float32)
    changed = AddVector(1, vector)
    if refused(model, Capability.READ, lambda: model.read(trace, "resid_post.1")):
        assert refused(model, Capability.WRITE, lambda: model.reason(PROMPT, interventions=changed))
        return
    width = model.read(trace, "resid_post.1", positions=[3])["resid_post.1"].shape[1]
    vector = np.linspace(-1, 1, width).astype(np.float32)
    plain = model.read(trace, ["resid_post.1", "embed"], positions=[2, 3])
    changed = model.read(
        trace, ["resid_post.1", "embed"], positions=[2, 3], interventions=AddVector(1, vector, (3,), 2.0)
    )
    np.testing.assert_array_equal(plain["embed"], changed["embed"])
    np.testing.assert_allclose(changed["resid_post.1"][0], plain["resid_post.1"][0], atol=1e-5)
    np.testing.assert_allclose(changed["resid_post.1"][1] - plain["resid_post.1"][1], 2 * vector, atol=1e-4)


def has_heads(model, layer):
    try:
        return bool(model.read((1, 2), f"heads.{layer}"))
    except CapabilityError:
        return False


def test_heads_are_read_and_changed_or_refused(model):
    trace = trace_of(model)
    if not model.n_heads:
        with pytest.raises(CapabilityError):
            model.read(trace, "heads.1")
        return
    ids = trace.token_ids[:12]
    layer = next(one for one in reversed(range(model.n_layers)) if has_heads(model, one))  # a state's layer has none
    site, last = f"heads.{layer}", f"resid_post.{layer}"
    seen = model.read(ids, [site, last], positions=[3, 5])
    assert len(seen[site]) == 2 and seen[site].shape[1] % model.n_heads == 0
    at = (5,)
    own, none = (Patch(layer, at, factor * seen[site][1:], site="heads") for factor in (1, 0))
    for change, told in (
        (own, seen[last][1]),
        (none, model.read(ids, last, positions=at, interventions=none)[last][0]),
    ):
        found = model.read(ids, [site, last], positions=at, interventions=change)
        np.testing.assert_allclose(found[site][0], change.values[0], atol=1e-6)
        np.testing.assert_allclose(found[last][0], told, atol=1e-5)
    branch = [Branch(4, ids[4:], interventions=(none,)), Branch(4, ids[4:], interventions=(own,)), Branch(4, ids[4:])]
    changed, same, plain = model.score(ids, branch)
    np.testing.assert_allclose(same.logprobs, plain.logprobs, atol=1e-4)
    assert np.abs(changed.logprobs - plain.logprobs).max() > 1e-5
    answer = model.answer_branch(trace, trace.roles["thought"].end, "19")
    slopes = model.gradient(trace, answer, site).gradients[site]
    assert np.isfinite(slopes).all() and slopes.any() and slopes.shape[1] == seen[site].shape[1]


def test_hiding(model):
    trace = trace_of(model)
    blocks = BlockAttention((20,), (12,))
    if refused(model, Capability.HIDE, lambda: model.score(trace, [Branch(20, (5,), (12,))])):
        assert refused(model, Capability.HIDE, lambda: model.divergence(trace, [blocks], [(21, 23)]))
        return
    plain, hidden = model.score(trace, [Branch(20, (5,)), Branch(20, (5,), (12,))])
    assert plain.logprobs[0] != hidden.logprobs[0]
    assert model.divergence(trace, [blocks], [(21, 23)]).kl.shape == (1, 1)


def test_gradients(model):
    trace = trace_of(model)
    answer = model.answer_branch(trace, trace.roles["thought"].end, "19")
    if not refused(model, Capability.GRADIENT, lambda: model.gradient(trace, answer, "embed")):
        found = model.gradient(trace, answer, "embed")
        [forced] = score_queries(model, trace, [ForcedQuery(answer, trace.roles["thought"].end)])
        assert found.value == pytest.approx(forced.logit_difference, abs=1e-3)
        assert answer.ending is not None, "that the value ends is differentiated, too"


def test_one_thread_owns_it(model):
    seen = {model.owner.run(threading.get_ident) for _ in range(3)}
    assert len(seen) == 1
    assert model.owner.run(lambda: model.reason(PROMPT, max_new_tokens=1)).prompt == PROMPT


def test_traces_survive_a_file(model, tmp_path):
    trace = model.reason(PROMPT, max_new_tokens=5, seed=2)
    trace.save(tmp_path / "trace.json")
    back = Trace.load(tmp_path / "trace.json", model=model)
    assert back == trace
    assert model.resume(back, max_new_tokens=2, seed=1).token_ids[:-2] == trace.token_ids


def test_decoding_the_last_layer_gives_the_models_own_predictions(model):
    ids = trace_of(model).token_ids[:12]
    if refused(model, Capability.DECODE, lambda: model.decode(np.ones((1, 32), np.float32))):
        return
    last = model.read(ids, f"resid_post.{model.n_layers - 1}")[f"resid_post.{model.n_layers - 1}"][:-1]
    found = model.decode(last, targets=[[one, ids[0]] for one in ids[1:]], k=3)
    told = model.score(ids, [Branch(1, ids[1:])])[0]
    np.testing.assert_allclose(found.logprobs[:, 0], told.logprobs, atol=1e-4)
    np.testing.assert_array_equal(found.top_ids[:, 0], told.greedy_ids)
    whole = model.decode(last[:2], k=10**6)  # cut to the vocabulary: every token, so that sums can be made
    p = np.exp(whole.top_logprobs.astype(np.float64))
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-4)
    np.testing.assert_allclose(whole.entropy, -(p * whole.top_logprobs).sum(1), atol=1e-3)
    for row in range(2):
        for column in range(2):
            above = whole.top_logprobs[row] > found.logprobs[row, column] + 1e-6
            assert abs(int(found.ranks[row, column]) - above.sum()) <= 1  # jobs of other sizes may round otherwise
    assert found.top_ids.shape == (11, 3) and found.entropy.dtype == np.float32
    every = np.take_along_axis(model.predict(last[:2]), whole.top_ids.astype(np.int64), axis=1)
    np.testing.assert_allclose(every, whole.top_logprobs, atol=1e-4)
    assert model.decode(last[:0], k=2).top_ids.shape == (0, 2)


def test_how_far_vectors_decode_from_others_and_which_way(model):
    rng = np.random.default_rng(0)
    one, other, step = (rng.standard_normal((3, 32)).astype(np.float32) for _ in range(3))
    if refused(model, Capability.DECODE, lambda: model.decode_kl(one, other)):
        return
    apart, slopes = model.decode_kl(one, other)
    said, wanted = (model.predict(each).astype(np.float64) for each in (one, other))
    np.testing.assert_allclose(apart, (np.exp(wanted) * (wanted - said)).sum(1), atol=1e-4)
    up, down = (model.decode_kl(one + sign * 0.01 * step, other)[0].astype(np.float64) for sign in (1, -1))
    np.testing.assert_allclose((slopes * step).sum(1), (up - down) / 0.02, atol=2e-3)
    assert model.decode_kl(one[:0], other[:0])[1].shape == (0, 32)
    np.testing.assert_allclose(model.decode_kl(other, other)[0], 0, atol=1e-5)


def test_embeddings_that_are_the_ids_own_change_nothing_and_others_are_another_text(model):
    ids = trace_of(model).token_ids[:14]
    branches = [Branch(6, ids[6:10]), Branch(11, ids[3:6], given=1), Branch(6, ids[2:4])]
    vectors = np.zeros((14, 32), np.float32)
    if refused(model, Capability.WRITE, lambda: model.read(ids, "embed", embeddings=vectors)):
        if Capability.SCORE in model.capabilities:
            assert refused(model, Capability.WRITE, lambda: model.score(ids, branches, embeddings=vectors))
        return
    own = model.read(ids, "embed")["embed"]
    site = f"resid_post.{model.n_layers - 1}"
    plain, given = model.read(ids, site)[site], model.read(ids, site, embeddings=own)[site]
    np.testing.assert_allclose(given, plain, atol=1e-5, rtol=1e-5)
    for one, other in zip(model.score(ids, branches, embeddings=own), model.score(ids, branches), strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-5)
    text = (ids[0], ids[5], ids[4], *ids[3:])  # the embeddings of another text are that text
    other = np.stack([own[0], own[5], own[4], *own[3:]])
    np.testing.assert_allclose(model.read(ids, site, embeddings=other)[site], model.read(text, site)[site], atol=1e-4)
    for one, theirs in zip(model.score(ids, branches, embeddings=other), model.score(text, branches), strict=True):
        np.testing.assert_allclose(one.logprobs, theirs.logprobs, atol=1e-4)


@pytest.mark.parametrize(
    ("vectors", "told"),
    [
        (np.zeros((3, 32)), "this text has 4 tokens"),
        (np.zeros(4), "this text has 4 tokens"),
        (np.full((4, 32), np.nan), "NaN"),
        (np.zeros((4, 31)), "wide"),
        ("abc", "embeddings"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(qwen, vectors, told):
    for ask in (
        lambda: qwen.read((1, 2, 3, 4), "embed", embeddings=vectors),
        lambda: qwen.score((1, 2, 3, 4), [Branch(2, (5,))], embeddings=vectors),
    ):
        with pytest.raises(cl.CotLensError, match=told):
            ask()


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        ({"targets": [1, 2]}, "2 rows of targets were given for 1 vectors"),
        ({"targets": [[10**6]]}, "not in the model's vocabulary"),
        ({"targets": [[0.5]]}, "targets are token ids"),
        ({"targets": "ab"}, "targets are token ids"),
        ({"k": -1}, "k"),
    ],
)
def test_what_cannot_be_decoded_is_said(qwen, ask, told):
    with pytest.raises(cl.CotLensError, match=told):
        qwen.decode(np.ones((1, 32), np.float32), **ask)


def test_a_vector_of_another_width_is_not_decoded(qwen):
    with pytest.raises(cl.CotLensError, match=r"shape \[n, 32\]"):
        qwen.decode(np.ones((1, 31), np.float32))


def test_activations_at_branch_tokens_are_those_of_the_whole_text(model):
    ids = trace_of(model).token_ids
    site = f"resid_post.{model.n_layers - 1}"
    branches = [Branch(5, ids[7:10]), Branch(9, ids[3:6], given=2), Branch(9, (), sets=()), Branch(9, ids[3:5])]
    if refused(model, Capability.SCORE | Capability.READ, lambda: model.score(ids, branches, sites=site)):
        return
    scores = model.score(ids, branches, sites=["embed", site])
    plain = model.score(ids, branches)
    for branch, score, bare in zip(branches, scores, plain, strict=True):
        assert not bare.activations
        np.testing.assert_allclose(score.logprobs, bare.logprobs, atol=1e-4)
        if not branch.token_ids:
            continue
        text = (*ids[: branch.prefix], *branch.token_ids)
        at = [branch.prefix - 1 + index for index in branch.asked]
        for name, values in model.read(text, ["embed", site], positions=at).items():
            assert score.activations[name].shape == (branch.entries, values.shape[1])
            np.testing.assert_allclose(score.activations[name][list(branch.asked)], values, atol=1e-4)
            assert np.isnan(score.activations[name][: branch.given]).all()
