"""The NDIF backend over a loopback server gives what the local backend gives."""

import numpy as np
import pytest

from cotlens._core.errors import BackendError
from cotlens.models.contract import Ablate, AddVector, BlockAttention, Branch, ClampFeature, Patch, Start
from cotlens.models.contract.interventions import EVER
from cotlens.trace import Trace
from tests.model import tiny
from tests.remote.loopback import FAMILIES

PROMPT = "Mia has 12 pears."
WIDTH = 32


@pytest.fixture(scope="module", params=FAMILIES)
def both(request, running):
    """The same model on the server and here."""
    return running.model(request.param), tiny.model(request.param)


@pytest.fixture(scope="module")
def trace(both):
    return both[1].compose(PROMPT, "First I add 12 and 7. It is 19. Wait, let me check that.", "The answer is 19.")


def vectors(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32)


def clamp(normalize="none", k=0):
    """Two latents of a made-up autoencoder, all eight of its columns with `k`."""
    columns = vectors(8, 3).T / 4
    picked = slice(None) if k else slice(0, 2)
    return ClampFeature(
        1, (0, 1), (2.0, 0.5), columns[:, picked], np.full(8, 0.1)[picked], np.zeros(8)[picked], vectors(2, 4), k,
        normalize, "scale" if k else "clamp", range(3, EVER),
    )  # fmt: skip


CHANGES = {
    "add": lambda: AddVector(1, vectors(1)[0], range(4, EVER), 2.0),
    "add to embeddings": lambda: AddVector(0, vectors(1)[0], (2, 26, 28), 2.0, "embed"),
    "ablate": lambda: Ablate(0, range(6, EVER)),
    "ablate to a mean": lambda: Ablate(2, None, "mean", vectors(1)[0], "attn_out"),
    "patch": lambda: Patch(1, (3, 8, 27, 29), vectors(4)),
    "clamp": clamp,
    "clamp of normed": lambda: clamp("layer_norm", 3),
    "block": lambda: BlockAttention(range(9, EVER), (3, 4, 5)),
    "block one head": lambda: BlockAttention(range(9, EVER), (3, 4, 5), layers=(1, 2), heads=(0, 3)),
    "several": lambda: [BlockAttention(range(9, EVER), (4,), layers=(0,)), AddVector(0, vectors(1)[0]), Ablate(2)],
}
each_change = pytest.mark.parametrize("change", CHANGES)


def same_scores(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.logprobs, other.logprobs, atol=2e-5)
        np.testing.assert_allclose(mine.rival_logprobs, other.rival_logprobs, atol=2e-5)
        np.testing.assert_array_equal(mine.rival_ids, other.rival_ids)
        np.testing.assert_array_equal(mine.greedy_ids, other.greedy_ids)


def test_scores_of_branches_with_hidden_positions(both, trace, loopback):
    remote, local = both
    ids = trace.token_ids
    branches = [Branch(p, ids[5:9], hidden) for p in (20, 4, 11, 25) for hidden in ((), (1, 3), (p - 1,))]
    branches += [Branch(9, ()), Branch(9, ids[2:6], (), 2), Branch(30, (7,))]
    same_scores(remote.score(ids, branches), local.score(ids, branches))
    assert remote.score_path.startswith("packed scoring: equal to separate passes within")


@each_change
def test_scores_under_interventions(both, trace, change, loopback):
    remote, local = both
    ids, items = trace.token_ids, CHANGES[change]()
    branches = [Branch(20, ids[20:31]), Branch(12, ids[3:6]), Branch(24, ids[5:9], (2, 6))]
    ours = remote.score(ids, branches, interventions=items)
    same_scores(ours, local.score(ids, branches, interventions=items))
    as_ever = local.score(ids, branches)
    assert any(np.abs(one.logprobs - two.logprobs).max() > 1e-3 for one, two in zip(ours, as_ever, strict=True))


def test_work_is_cut_to_what_fits_a_job(both, trace, loopback, monkeypatch):
    from cotlens.models.ndif import passes

    remote, local = both
    ids = trace.token_ids
    branches = [Branch(p, ids[p - 3 : p + 1]) for p in range(4, len(ids))]
    monkeypatch.setattr(passes, "LOGITS", 16 * 4 * remote.remote.layout.vocabulary)
    before = loopback.seen()["posts"]
    same_scores(remote.score(ids, branches), local.score(ids, branches))
    assert loopback.seen()["posts"] - before > 4
    ours, theirs = remote.annotate(trace, 3), local.annotate(trace, 3)
    np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=2e-5)
    cut = [BlockAttention(range(5, EVER), (2, 3))]
    np.testing.assert_allclose(
        remote.divergence(trace, cut, [(6, 30)]).kl, local.divergence(trace, cut, [(6, 30)]).kl, atol=1e-5
    )


def test_annotations(both, trace, loopback):
    ours, theirs = both[0].annotate(trace, 5), both[1].annotate(trace, 5)
    np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=2e-5)
    np.testing.assert_array_equal(ours.top_ids, theirs.top_ids)
    np.testing.assert_allclose(ours.top_logprobs, theirs.top_logprobs, atol=2e-5)


def test_activations(both, trace, loopback):
    sites = ["embed", "resid_post.1", "attn_out.0", "mlp_out.2"]
    items = CHANGES["several"]()
    for more in ({}, {"positions": [7, 2, 2]}, {"interventions": items}, {"positions": []}):
        ours, theirs = both[0].read(trace, sites, **more), both[1].read(trace, sites, **more)
        for site in sites:
            np.testing.assert_allclose(ours[site], theirs[site], atol=2e-5, err_msg=site)


@pytest.mark.parametrize("metric", ["logit_difference", "log_probability", "probability"])
def test_gradients(both, trace, metric, loopback):
    answer = both[1].answer_branch(trace, 25, "19")
    items = [BlockAttention(range(9, EVER), (3, 4), layers=(1,)), clamp(), AddVector(0, vectors(1)[0], (5,))]
    inputs = vectors(25 + len(answer.token_ids), 7)
    for more in ({}, {"interventions": items}, {"embeddings": inputs}):
        ours, theirs = (
            model.gradient(trace, answer, ["embed", "resid_post.1"], at=25, metric=metric, **more) for model in both
        )
        assert ours.value == pytest.approx(theirs.value, abs=2e-5)
        for site, slope in theirs.gradients.items():
            np.testing.assert_allclose(ours.gradients[site], slope, atol=1e-4 * np.abs(slope).max())
            np.testing.assert_allclose(ours.activations[site], theirs.activations[site], atol=2e-5)


def test_divergences(both, trace, loopback):
    blocks = [
        BlockAttention(range(9, EVER), (3, 4, 5)),
        BlockAttention(range(14, EVER), range(6, 9), layers=(1,), heads=(0, 2)),
        BlockAttention(range(4, EVER), (2,)),
    ]
    for temperature in (1.0, 0.6):
        ours, theirs = (
            model.divergence(trace, blocks, [(5, 9), (10, 14), (20, 30)], temperature=temperature) for model in both
        )
        np.testing.assert_allclose(ours.kl, theirs.kl, atol=2e-5)
        np.testing.assert_allclose(ours.log_kl, theirs.log_kl, atol=5e-3)


def test_attention(both, trace, loopback):
    for more in ({}, {"heads": [(2, 1), (0, 3)]}, {"spans": [(2, 6), (6, 13), (20, 25)]}):
        ours, theirs = both[0].attention(trace, **more), both[1].attention(trace, **more)
        assert list(ours) == list(theirs)
        for head in theirs:
            np.testing.assert_allclose(ours[head], theirs[head], atol=1e-5)


def test_directions_as_logits(both, loopback):
    np.testing.assert_allclose(both[0].unembed(vectors(3)), both[1].unembed(vectors(3)), atol=1e-4)


SETTINGS = [
    {"temperature": 0.0, "max_new_tokens": 9},
    {"seed": 2, "max_new_tokens": 1},
    {"seed": 4, "temperature": 1.3, "max_new_tokens": 12, "n": 3},
    {"seed": 5, "temperature": 0.8, "top_p": 0.7, "max_new_tokens": 9, "prefill": "First I"},
    {"seed": 5, "temperature": 1.5, "top_p": 0.9, "top_k": 4, "max_new_tokens": 9},
    {"seed": 5, "temperature": 1e-307, "top_k": 4, "max_new_tokens": 9},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_text_token_by_token(both, settings, loopback):
    heard = [[], []]
    ours, theirs = (
        model.reason(PROMPT, on_token=lambda at, text, words=words: words.append((at, text)), **settings)
        for model, words in zip(both, heard, strict=True)
    )
    for mine, other in zip(*(([made] if isinstance(made, Trace) else made) for made in (ours, theirs)), strict=True):
        assert mine.token_ids == other.token_ids
        assert mine.meta["finish"] == other.meta["finish"]
        np.testing.assert_allclose(mine.logprobs, other.logprobs, atol=2e-5)
        np.testing.assert_array_equal(mine.top_ids, other.top_ids)
    assert heard[0] == heard[1]
    assert heard[0]


def test_logits_that_blow_up(both, trace, loopback):
    blown = AddVector(1, np.full(WIDTH, np.inf, np.float32), range(30, EVER))
    with pytest.raises(BackendError, match="are NaN or infinite"):
        both[0].score(trace.token_ids, [Branch(29, trace.token_ids[29:33])], interventions=blown)
    with pytest.raises(BackendError, match="are NaN or infinite") as caught:
        both[0].resume(trace, at=28, max_new_tokens=8, seed=1, interventions=blown)
    assert len(caught.value.partial.token_ids) == 31


def test_rows_that_end_leave_the_others_alone(both, loopback, monkeypatch):
    for model in both:
        monkeypatch.setattr(model.format, "stop_ids", frozenset(range(0, 400, 9)))
    ours, theirs = (model.reason(PROMPT, n=6, max_new_tokens=30, seed=3) for model in both)
    assert [mine.token_ids for mine in ours] == [other.token_ids for other in theirs]
    assert {mine.meta["finish"] for mine in ours} == {"stop"}
    assert len({len(mine.token_ids) for mine in ours}) > 1


@each_change
def test_text_under_interventions(both, change, loopback):
    items = CHANGES[change]()
    ours, theirs = (model.reason(PROMPT, n=2, max_new_tokens=8, seed=1, interventions=items) for model in both)
    assert [mine.token_ids for mine in ours] == [other.token_ids for other in theirs]


def test_going_on_from_an_edit(both, trace, loopback):
    edited = trace.replace(trace.spans("sentence")[1], " It is 20.")
    ours, theirs = (model.resume(edited, max_new_tokens=6, seed=2) for model in both)
    assert ours.token_ids == theirs.token_ids
    np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=2e-5)
    assert ours.edit == theirs.edit
    assert both[0].surprise(edited).surprise == pytest.approx(both[1].surprise(edited).surprise, abs=1e-4)


def test_rollouts(both, trace, loopback):
    starts = [Start(trace, 24, range(3)), Start(trace, 30, (1, 4))]
    told = []
    ours = both[0].rollouts(starts, seed=7, max_new_tokens=10, on_rollout=lambda place, one: told.append(place))
    theirs = both[1].rollouts(starts, seed=7, max_new_tokens=10)
    assert [[one.token_ids for one in row] for row in ours] == [[one.token_ids for one in row] for row in theirs]
    assert told == [0, 0, 0, 1, 1]


def test_what_it_says_of_itself(both, running):
    remote, local = both
    assert remote.where == f"NDIF \u00b7 {running.host.removeprefix('http://')}"
    assert remote.backend == "ndif"
    assert remote.dtype == local.dtype
    assert remote.capabilities == local.capabilities
    assert (remote.context_length, remote.n_layers, remote.defaults) == (
        local.context_length, local.n_layers, local.defaults,
    )  # fmt: skip
    assert all(parameter.is_meta for parameter in remote.remote.traced._module.parameters())
