"""Packed path, plain path and an independent reference agree on every supported family, in float32."""

import numpy as np
import pytest
import torch

from cotlens.models.contract import BlockAttention, Branch, TokenSet
from cotlens.models.local import budget
from cotlens.models.local.scoring import dispatch
from tests.model import tiny
from tests.reference.oracle import branch_logprobs, branch_rows

TOLERANCE = 1e-4


def trunk_of(vocabulary, n=40, seed=1):
    return np.random.default_rng(seed).integers(0, vocabulary, n).tolist()


def branches_of(vocabulary, n=40):
    """Shared beginnings, one prefix many times, hidden spans near, far, at the end and overlapping the window."""
    rng = np.random.default_rng(2)
    tail = tuple(rng.integers(0, vocabulary, 6).tolist())
    spots = (1, 2, 5, 9, 17, n - 1, n)
    found = [Branch(p, tail) for p in spots] + [Branch(p, (*tail[:3], 7)) for p in spots]
    found += [Branch(n, tail, (3,)), Branch(n, tail, (3,)), Branch(n, (*tail[:4], 9), (3,))]
    found += [Branch(n, tail, (n - 1,)), Branch(n, tail, (n - 2, n - 3, n - 9)), Branch(n, tail, tuple(range(1, n)))]
    found += [Branch(12, tail, (11, 10, 2, 30)), Branch(n, tail[:1]), Branch(n, tail[:1], (5,)), Branch(20, ())]
    found += [Branch(8, tuple(rng.integers(0, vocabulary, 25).tolist()), (4, 7))]
    return found


def check_against_oracle(family, model, scores, trunk, branches):
    for branch, score in zip(branches, scores, strict=True):
        expected = branch_logprobs(model.engine.hf, family, trunk, branch)
        np.testing.assert_allclose(score.logprobs, expected, atol=TOLERANCE, rtol=0, err_msg=f"{family} {branch}")


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_packed_plain_and_reference_agree(family):
    model = tiny.model(family)
    vocabulary = model.engine.layout.vocabulary
    trunk, branches = trunk_of(vocabulary), branches_of(vocabulary)
    assert model.score_path.startswith("packed scoring")
    packed = model.score(trunk, branches)
    plain = model.owner.run(lambda: dispatch.score(model.engine, trunk, branches, way="plain"))
    check_against_oracle(family, model, packed, trunk, branches)
    for a, b in zip(packed, plain, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(a.rival_logprobs, b.rival_logprobs, atol=TOLERANCE, rtol=0)
        np.testing.assert_array_equal(a.greedy_ids, b.greedy_ids)
        np.testing.assert_array_equal(a.rival_ids, b.rival_ids)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_without_hidden_positions_it_is_the_ordinary_forward(family):
    model = tiny.model(family)
    trunk = trunk_of(model.engine.layout.vocabulary)
    branch = Branch(30, tuple(trunk[30:]))
    with torch.no_grad():
        logits = torch.log_softmax(model.engine.hf(torch.tensor([trunk])).logits[0], -1)
    expected = [float(logits[t - 1, trunk[t]]) for t in range(30, 40)]
    np.testing.assert_allclose(model.score(trunk, [branch])[0].logprobs, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_rivals_are_the_best_other_tokens(family):
    model = tiny.model(family)
    trunk = trunk_of(model.engine.layout.vocabulary)
    with torch.no_grad():
        logits = torch.log_softmax(model.engine.hf(torch.tensor([trunk])).logits[0, 19], -1).numpy()
    best = int(logits.argmax())
    for token in (best, (best + 1) % len(logits)):
        score = model.score(trunk, [Branch(20, (token,))])[0]
        others = np.delete(np.arange(len(logits)), token)
        assert score.greedy_ids[0] == best
        assert score.rival_ids[0] == others[logits[others].argmax()]
        assert score.rival_logprobs[0] == pytest.approx(logits[others].max(), abs=TOLERANCE)


@pytest.mark.parametrize("family", ["qwen3", "gemma3", "mistral"])
def test_many_small_chunks_change_nothing(family):
    """A budget of one byte leaves eight tokens to a pass, for trunk and branches alike."""
    model = tiny.model(family)
    trunk, branches = (make(model.engine.layout.vocabulary) for make in (trunk_of, branches_of))
    whole, before = model.score(trunk, branches), model.meter.forwards
    engine = model.engine
    engine.budget, kept = 1, engine.budget
    try:
        parts = model.score(trunk, branches)
    finally:
        engine.budget = kept
    assert model.meter.forwards - before > 15
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_short_sequences_change_nothing(family, monkeypatch):
    """Sequences of twelve tokens: many of them in a pass, of uneven length, behind trunks of uneven width."""
    model = tiny.model(family)
    trunk, branches = (make(model.engine.layout.vocabulary) for make in (trunk_of, branches_of))
    blocks = BlockAttention(range(20, 60), (2, 3), heads=(0,)), BlockAttention(range(9, 60), (4,))
    for interventions in ((), blocks):
        whole, before = model.score(trunk, branches, interventions=interventions), model.meter.forwards
        with monkeypatch.context() as patch:
            patch.setitem(budget._SEQUENCE, "cpu", 12)
            patch.setitem(budget._NODES, "cpu", 60)
            parts = model.score(trunk, branches, interventions=interventions)
        assert model.meter.forwards - before >= 3
        for a, b in zip(whole, parts, strict=True):
            np.testing.assert_allclose(a.logprobs, b.logprobs, atol=TOLERANCE, rtol=0)
            np.testing.assert_allclose(a.rival_logprobs, b.rival_logprobs, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("way", ["packed", "plain"])
def test_given_tokens_are_read_and_not_scored(way):
    model = tiny.model("qwen3")
    trunk, whole = (make(model.engine.layout.vocabulary) for make in (trunk_of, branches_of))
    some = [Branch(b.prefix, b.token_ids, b.hidden, given=i % (len(b.token_ids) + 1)) for i, b in enumerate(whole)]
    scores = run(model, trunk, some, way)
    check_against_oracle("qwen3", model, scores, trunk, some)
    for branch, score in zip(some, scores, strict=True):
        assert np.isnan(score.logprobs[: branch.given]).all() and (score.greedy_ids[: branch.given] == -1).all()


def sets_of(vocabulary):
    """A small set, a large one, one that leaves tokens out of account, and nothing at all; shorter than the output."""
    rng = np.random.default_rng(5)
    few, many = np.zeros(vocabulary - 3, bool), rng.random(vocabulary - 3) < 0.7
    few[rng.integers(0, vocabulary - 3, 4)] = True
    return [TokenSet.of(few), TokenSet.of(many, tuple(rng.integers(0, vocabulary - 3, 9).tolist())), TokenSet.of(~many)]


def asking(branches, sets):
    """The branches, each asking for some of the sets in some places, its end among them."""
    found = []
    for i, branch in enumerate(branches):
        n = len(branch.token_ids)
        given = min(i % 3, n)
        places = [(n, sets[i % 3]), (given, sets[(i + 1) % 3]), (n, sets[(i + 2) % 3])]
        found.append(Branch(branch.prefix, branch.token_ids, branch.hidden, given, tuple(places[: i % 4])))
    return found


def check_sets(scores, rows_of, branches):
    for branch, score in zip(branches, scores, strict=True):
        rows = rows_of(branch)
        for (at, one), total, beside, slack in zip(
            branch.sets, score.set_logprobs, score.set_rivals, score.set_slack, strict=True
        ):
            row, n = rows[at].double(), len(one.member)
            against = torch.cat([row[:n][torch.from_numpy(one.rival)], row[n:]])
            assert total == pytest.approx(float(row[:n][torch.from_numpy(one.member)].logsumexp(0)), abs=1e-5)
            assert beside == pytest.approx(float(against.max()), abs=1e-5)
            assert slack == 0


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_sets_of_tokens_are_summed_alike_on_every_path(family):
    model = tiny.model(family)
    vocabulary = model.engine.layout.vocabulary
    trunk, branches = trunk_of(vocabulary), asking(branches_of(vocabulary), sets_of(vocabulary))
    assert sum(map(len, (branch.sets for branch in branches))) > 20
    for way in ("packed", "plain"):
        scores = run(model, trunk, branches, way)
        check_against_oracle(family, model, scores, trunk, branches)
        check_sets(scores, lambda branch: branch_rows(model.engine.hf, family, trunk, branch), branches)


def run(model, trunk, branches, way):
    return model.owner.run(lambda: dispatch.score(model.engine, trunk, branches, way=way))


def test_hiding_changes_the_first_token_too():
    model = tiny.model("qwen3")
    trunk = trunk_of(model.engine.layout.vocabulary)
    seen, unseen = model.score(trunk, [Branch(40, (5,)), Branch(40, (5,), (10, 11, 12))])
    assert abs(float(seen.logprobs[0] - unseen.logprobs[0])) > 1e-3


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_what_is_left_out_is_hidden_from_all_that_follows(family):
    """Equal, where all layers attend: a text without a token, and one that nothing after the token can look back at."""
    model = tiny.model(family)
    trunk = trunk_of(model.engine.layout.vocabulary)
    rest = (*trunk[13:30], 5, 6, 7)
    left_out = Branch(10, rest, left_out=(10, 11, 12), given=17)
    hidden = Branch(13, rest, (10, 11, 12), given=17)
    gaps = Branch(10, (trunk[10], *trunk[12:16], 5), left_out=(11, 16), given=1)
    assert tuple(gaps.positions) == (10, 12, 13, 14, 15, 17)
    fast, other, more = model.score(trunk, [left_out, hidden, gaps])
    slow = model.owner.run(lambda: dispatch.score(model.engine, trunk, [left_out, gaps], way="plain"))
    np.testing.assert_allclose(fast.logprobs[17:], other.logprobs[17:], atol=TOLERANCE, rtol=0)
    for one, two in zip((fast, more), slow, strict=True):
        np.testing.assert_allclose(one.logprobs, two.logprobs, atol=TOLERANCE, rtol=0)
