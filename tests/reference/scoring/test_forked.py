"""Forked scoring equals one plain pass per branch on every architecture of transformers that is mostly recurrent."""

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import Cancelled, CapabilityError, OutOfMemory
from cotlens.models.contract import EVER, AddVector, BlockAttention, Branch, Capability, Patch
from cotlens.models.local import budget, states
from cotlens.models.local.engine import Forking
from cotlens.models.local.model import LocalModel
from cotlens.models.local.scoring import dispatch, verification
from tests.model import hybrid_table, hybrids, tiny
from tests.reference.scoring.test_scoring import asking, sets_of

TOLERANCE = 1e-4
EXACT = 2e-6  # the last digit of the float32 numbers that scores are
MASKED, BARE, APART = Forking(True, masked=True), Forking(True), Forking(False)
CHUNKS = (  # that are filled up to 64 tokens unless they are told to be shorter
    "qwen3_5", "qwen3_5_moe", "qwen3_next", "olmo_hybrid", "kimi_linear", "bailing_hybrid", "qwen4_exp", "glm5_next",
)  # fmt: skip
FORKINGS = {
    **dict.fromkeys(
        ("nemotron_h", "granitemoehybrid", "lfm2", "lfm2_moe", "lfm3", "falcon_h1", "bamba", "zamba2", "zaya"), MASKED,
    ),
    **dict.fromkeys(CHUNKS[:6], MASKED),
    "mamba2": BARE,  # no attention, so nothing to hide
    **dict.fromkeys(CHUNKS[6:], APART),  # their attention picks blocks of keys, which padding shifts
    # in these transformers a pass over several tokens forgets the state before it
    "jamba": Forking(True, masked=True, by_one=True),
    "zamba": Forking(True, masked=True, by_one=True),
    "mamba": Forking(True, by_one=True),
    "falcon_mamba": Forking(True, by_one=True),
    "minimax": Forking(False, by_one=True),
    **dict.fromkeys(("inkling", "inkling2"), MASKED),
    "rwkv": None,  # these transformers mix up several texts that are fed one token each: plain
    "recurrent_gemma": None,  # it keeps its state in its own modules, so that it can't be copied: plain
}  # fmt: skip
every_family = pytest.mark.parametrize("name", FORKINGS)
some_families = pytest.mark.parametrize("name", ["qwen3_5", "lfm3", "mamba2", "qwen4_exp", "jamba"])
few_families = pytest.mark.parametrize("name", ["qwen3_5", "lfm3", "qwen4_exp"])
CHUNKED = ["mamba2", *CHUNKS]
PIECE, PART = 32, 18  # tokens of a piece of the trunk here, and after the last whole piece
N = PIECE + PART


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setitem(budget._PIECE, "cpu", PIECE)


def trunk_of(model, n=N):
    return np.random.default_rng(1).integers(0, model.engine.layout.vocabulary, n).tolist()


def branches_of(model, n=N):
    """Out of order: many of one prefix, neighbours, at the beginning, at ends of pieces, at the end, twice the same."""
    rng = np.random.default_rng(2)
    tail = tuple(rng.integers(0, model.engine.layout.vocabulary, 6).tolist())
    places = (n, 1, PIECE - 1, PIECE, PIECE + 1, PIECE + 9, n - 1)
    found = [Branch(p, tail[: 1 + i % 6]) for i, p in enumerate(places)]
    found += [Branch(PIECE + 9, (*tail[:2], 7)), Branch(PIECE + 1, tail), Branch(PIECE + 1, tail)]
    return [*found, Branch(PIECE + 5, tail[:4], given=3), Branch(20, ()), Branch(n - 6, tail * 3)]


def run(model, trunk, branches, way, interventions=()):
    return model.owner.run(lambda: dispatch.score(model.engine, trunk, branches, interventions, way=way))


def exact(model, trunk, branches, way, interventions=()):
    """In double precision, where two ways to one number can't be told from each other by their rounding."""
    return hybrids.exactly(model, lambda: dispatch.score(model.engine, trunk, branches, interventions, way=way))


def check(model, trunk, branches, interventions=()):
    """Forked and plain scores are the same numbers; gives those of plain passes."""
    found, expected = (exact(model, trunk, branches, way, interventions) for way in ("forked", "plain"))
    for one, other, branch in zip(found, expected, branches, strict=True):
        for name in ("logprobs", "rival_logprobs", "set_logprobs", "set_rivals"):
            a, b = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose(a, b, atol=EXACT, rtol=0, err_msg=f"{name} of {branch}")
        np.testing.assert_array_equal(one.greedy_ids, other.greedy_ids)
    return expected


def farthest(found, expected):
    return max(float(np.abs(a.logprobs - b.logprobs).max(initial=0)) for a, b in zip(found, expected, strict=True))


def site_of(model):
    """A kind of place that can be changed: in some architectures several streams go from layer to layer."""
    return next(site for site in ("resid_post", "mlp_out", "attn_out") if site in model.engine.layout.usable("write"))


def test_the_table_has_every_architecture():
    assert set(FORKINGS) == set(hybrids.configs(400))


@every_family
def test_forked_and_plain_agree(name):
    model = hybrids.model(name)
    assert model.engine.forking == FORKINGS[name]
    assert model.engine.short_chunks == (name in CHUNKS)
    assert hybrid_table.said(name, model) in hybrid_table.FILE.read_text()
    assert model.score_path.startswith("forked scoring" if FORKINGS[name] else "plain scoring")
    trunk, branches = trunk_of(model), branches_of(model)
    found = model.score(trunk, branches)
    assert [len(one.logprobs) for one in found] == [len(one.token_ids) for one in branches]
    if FORKINGS[name]:
        true = check(model, trunk, branches)
        off = farthest(found, true)
        # Where single precision is rough by itself, plain passes are too; they are the slowest, so asked if need be.
        assert off <= TOLERANCE or off <= 2 * farthest(run(model, trunk, branches, "plain"), true) < 5e-3


def test_a_text_that_is_shorter_than_a_narrow_window():
    """Its keys are padded where another text fills the window: one mask for both, or zeros would be looked at."""
    tokenizer = tiny.tokenizer()
    config = hybrids.configs(len(tokenizer))["inkling2"]()
    config.sliding_window = 3
    config.layer_types = ["hybrid_sliding"] * 3
    model = LocalModel(tiny.random_model(config), tokenizer, store=False)
    check(model, trunk_of(model), [Branch(1, (5, 6, 7)), Branch(6, (8, 9)), Branch(24, (1, 2, 3))])


@pytest.mark.parametrize("name", CHUNKED)
def test_long_pieces(name, monkeypatch):
    """Kernels work on chunks of 64 tokens, which pieces are shorter than elsewhere here: several, after a state."""
    monkeypatch.setitem(budget._PIECE, "cpu", 80)
    model = hybrids.model(name)
    check(model, trunk_of(model, 170), [Branch(170, (5, 6, 7)), Branch(90, tuple(range(12)))])


@pytest.mark.parametrize("name", CHUNKS[:2])
def test_short_chunks_change_nothing(name, monkeypatch):
    """With and without them, from a state: the same numbers, by fewer products."""
    engine = hybrids.model(name).engine
    found = []
    for short in (True, False):
        monkeypatch.setattr(engine, "short_chunks", short)
        found.append(verification._short_pass(engine, 11))
    assert found[0][0] < found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], atol=TOLERANCE, rtol=0)


@few_families
def test_interventions_do_what_they_do_to_plain_passes(name):
    model = hybrids.model(name)
    trunk, branches = trunk_of(model, 36), [Branch(p, (5, 6, 7)) for p in (12, 33, 34, 36)]
    vector, site = np.random.default_rng(5).normal(size=32).astype(np.float32), site_of(model)
    changes = AddVector(1, vector, range(34, EVER), site=site), Patch(0, (10, 36), np.stack([vector, -vector]), site)
    if FORKINGS[name]:
        check(model, trunk, branches, changes)
    before, after = (model.score(trunk, branches, interventions=some) for some in ((), changes))
    assert np.abs(before[-1].logprobs - after[-1].logprobs).max() > 1e-3


@some_families
def test_any_set_of_branches(name):
    """Drawn at random: the order is kept, and nothing depends on what else is asked or was asked before."""
    model, rng = hybrids.model(name), np.random.default_rng(7)
    trunk = trunk_of(model)
    for _ in range(2):
        places = rng.integers(1, len(trunk) + 1, rng.integers(1, 7)).tolist()
        branches = [Branch(p, tuple(rng.integers(0, 9, rng.integers(0, 5)).tolist())) for p in places]
        check(model, trunk, branches)


@few_families
def test_sets_of_tokens(name):
    model = hybrids.model(name)
    branches = asking(branches_of(model), sets_of(model.engine.layout.vocabulary))
    check(model, trunk_of(model), branches)


@few_families
def test_nothing_depends_on_history(name):
    """Kept states are taken over bit for bit, and only where text and interventions are the same."""
    model = hybrids.model(name)
    trunk, n = trunk_of(model), N
    branches = [Branch(p, (3, 4)) for p in (n - 4, n - 3, n)]
    model.engine.forks = None
    fresh, before = model.score(trunk, branches), model.meter.snapshot()
    again = model.score(trunk, branches)
    assert model.meter.since(before).tokens <= PIECE + 48  # what follows the last whole piece, and three branches
    model.score([*trunk[:20], 1, *trunk[21:]], branches)
    for a, b, c in zip(fresh, again, model.score(trunk, branches), strict=True):
        np.testing.assert_array_equal(a.logprobs, b.logprobs)
        np.testing.assert_array_equal(a.logprobs, c.logprobs)
    model.score(trunk, branches, interventions=AddVector(0, np.ones(32), (40,), site=site_of(model)))
    check(model, trunk, branches)


@few_families
def test_strides_change_nothing(name, monkeypatch):
    monkeypatch.setitem(budget._STRIDE, "cpu", 1)
    model = hybrids.model(name)
    check(model, trunk_of(model), branches_of(model))


@few_families
def test_little_memory_changes_nothing(name, monkeypatch):
    """With a budget of one byte, one row goes into a pass and no state is kept but the last."""
    model = hybrids.model(name)
    monkeypatch.setattr(model.engine, "budget", 1)
    trunk, branches = trunk_of(model), branches_of(model)
    check(model, trunk, branches)
    run(model, trunk, branches, "forked")
    assert len(model.engine.forks.cache) <= 2


@few_families
def test_passes_that_do_not_fit_are_halved(name, monkeypatch):
    """No more than 20 tokens fit into a pass."""
    model = hybrids.model(name)
    forward = model.engine.forward

    def narrow(ids, *args, **kwargs):
        if ids.numel() > 20:
            raise OutOfMemory("too many")
        return forward(ids, *args, **kwargs)

    trunk, branches = trunk_of(model), branches_of(model)[:-1]
    expected = run(model, trunk, branches, "plain")
    monkeypatch.setattr(model.engine, "forward", narrow)
    for a, b in zip(run(model, trunk, branches, "forked"), expected, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=TOLERANCE, rtol=0)
    assert model.engine.forks is None  # pieces that were halved are not taken over


@every_family
def test_samples_written_side_by_side_are_those_written_alone(name):
    """Copies of one state go on as it would, and rows may leave; a seed gives one text."""
    model = hybrids.model(name)
    ask = {"prompt": "Mia has 12 pears.", "max_new_tokens": 4, "seed": 3, "temperature": 0.5}
    before = model.meter.snapshot()
    together, spent = model.reason(n=2, **ask), model.meter.since(before)
    kept, model.engine.forking = model.engine.forking, None
    try:
        alone = model.reason(n=2, **ask)
    finally:
        model.engine.forking = kept
    assert [one.token_ids for one in together] == [one.token_ids for one in alone]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=TOLERANCE, rtol=0, equal_nan=True)
    assert spent.forwards <= 4 + 3 * (2 if kept is None else 0)


def test_each_token_of_a_text_costs_few_tokens():
    """One forward per prefix would cost the square of the text."""
    model = hybrids.model("qwen3_5")
    model.engine.forks, trunk, before = None, trunk_of(model), model.meter.snapshot()
    n = len(trunk)
    model.score(trunk, [Branch(p, (3, 4, 5, 6)) for p in range(1, n + 1)])
    assert model.meter.since(before).tokens < 2 * n + (3 + budget._STRIDE["cpu"]) * n


@pytest.mark.parametrize("name", ["lfm3", "qwen3_5"])
def test_rows_that_hide_share_a_walk(name, monkeypatch):
    """Each hides something else at a place of its own, and still they go along the trunk side by side."""
    model = hybrids.model(name)
    trunk, n, forwards = trunk_of(model), N, []
    branches = [Branch(p, (3, 4, 5, 6), (p % 5, 7), 1) for p in range(n - PART, n)]
    for stride in (1, 16):
        monkeypatch.setitem(budget._STRIDE, "cpu", stride)
        model.engine.forks, before = None, model.meter.snapshot()
        model.score(trunk, branches)
        forwards.append(model.meter.since(before).forwards)
        check(model, trunk, branches)
    assert forwards[1] < forwards[0]


def test_keys_grow_in_place_where_tokens_are_fed_one_by_one():
    cache = DynamicCache()
    cache.update(*torch.randn(2, 3, 2, 5, 4), 0)
    grown, more = states.with_room(states.copied(cache), 2), torch.randn(2, 2, 3, 2, 1, 4)
    where = set()
    for keys, values in more:
        mine, theirs = grown.update(keys, values, 0), cache.update(keys, values, 0)
        where.add(mine[0].data_ptr())
        assert all(torch.equal(*pair) for pair in zip(mine, theirs, strict=True))
    assert len(where) == 1
    plain = states.without_room(grown)
    assert type(plain.layers[0]) is type(cache.layers[0]) and plain.get_seq_length() == 7
    assert states.size(plain) == states.size(cache)


def test_a_cancel_is_heard_between_passes():
    model, heard = hybrids.model("qwen3_5"), []

    def tell(done, total, _):
        heard.append(done / total)
        if done > PIECE - 2:
            asked.cancel()

    asked = Control(tell)
    model.engine.forks, before, trunk = None, model.meter.snapshot(), trunk_of(model)
    with pytest.raises(Cancelled), control.using(asked):
        model.score(trunk, [Branch(p, (3, 4, 5, 6)) for p in range(1, len(trunk) + 1)])
    assert model.meter.since(before).tokens < 2 * len(trunk)
    assert heard == sorted(heard) and 0 < heard[-1] < 1


HIDING = {
    "falcon_h1": 3,
    "zaya": 3,
    "lfm3": 2,
    "zamba": 2,
    "inkling": 3,
    "inkling2": 3,
}  # layers with attention, 1 in all others that hide
SILENT = ("mamba", "mamba2", "falcon_mamba")  # no attention at all
DEAF = ("minimax", "glm5_next")  # behind a state, their attention takes no mask
COUNTING = ("inkling", "inkling2")  # their attention knows how many keys lie between, whatever positions are given
hiding = pytest.mark.parametrize("name", [name for name, one in FORKINGS.items() if one and name not in SILENT + DEAF])


def steps(model, tokens, cache=True, seen=None):
    """Log-probabilities after each of (position, token), a token per pass of the module itself, and the cache.

    Args:
        seen: bool, what of the keys in the cache can be looked back at; all by default. Grown by a key per token.
    """
    found, seen = [], [] if seen is None else seen
    for at, token in tokens:
        seen.append(True)
        given = {} if all(seen) else {"attention_mask": torch.tensor([seen]).long()}
        if "position_ids" in model.engine.layout.accepts:
            given["position_ids"] = torch.tensor([[at]])
        if cache is not True:
            given[model.engine.layout.cache] = cache
        with torch.no_grad():
            out = model.engine.hf(input_ids=torch.tensor([[token]]), use_cache=True, **given)
        cache = getattr(out, model.engine.layout.cache)
        found.append(torch.log_softmax(out.logits[0, -1].float(), -1))
    return found, cache


def without_keys(cache, columns):
    """The cache without some keys of its attention layers."""
    kept = [i for i in range(24) if i not in columns]
    return states._mapped([cache], lambda found, grown: found[0][..., kept, :] if grown else found[0].clone())


def with_other_keys(cache, columns):
    """The cache with something else for some keys of its attention layers."""

    def changed(found, grown):
        new = found[0].clone()
        if grown:
            behind = 24 - new.shape[-2]
            new[..., [i - behind for i in columns if i >= behind], :] = 3.0
        return new

    return states._mapped([cache], changed)


@hiding
def test_direct_hiding_is_of_attention_only(name):
    """Equal to a loop in whose attention layers the keys of hidden tokens are deleted, while the state holds them."""
    model = hybrids.model(name)
    assert len(model.engine.attending) == model.attention_layers == HIDING.get(name, 1)
    assert f"hidden in {model.attention_layers} of its {model.n_layers} layers" in model.score_path
    trunk, tail, out = trunk_of(model, 24), (5, 6, 7, 8), (9, 21, 22)
    branches = [
        Branch(24, tail, out, 1),
        Branch(24, tail[:3], (2,), 2),
        Branch(24, tail, (), 1),
        Branch(22, tail, out, 1),
    ]
    check(model, trunk, branches)
    _, cache = steps(model, enumerate(trunk))
    if model.engine.layout.window or FORKINGS[name] == APART:  # keys that are gone would move windows and blocks
        sight = [i not in out for i in range(24)]
        expected, _ = steps(model, enumerate(tail, 24), with_other_keys(cache, out), sight)
    else:
        expected, _ = steps(model, enumerate(tail, 24), without_keys(cache, out))
    found = model.score(trunk, branches)
    wanted = [float(expected[i][tail[i + 1]]) for i in range(3)]
    np.testing.assert_allclose(found[0].logprobs[1:], wanted, atol=TOLERANCE, rtol=0)
    assert np.abs(found[0].logprobs[1:] - found[2].logprobs[1:]).max() > 1e-3


@every_family
def test_what_is_left_out_writes_nothing(name):
    """Equal to a loop that takes in the token, puts the states back as they were and masks its keys."""
    model = hybrids.model(name)
    skips = FORKINGS[name] not in (None, APART) and name not in COUNTING
    assert (Capability.SKIP in model.capabilities) is skips
    trunk, out, rest = trunk_of(model, 20), (10, 11, 15), (3, 4, 5, 6, 7, 8)
    places = [at for at in range(10, 20) if at not in out][: len(rest)]
    branches = [Branch(10, rest, left_out=out), Branch(12, rest[:3], left_out=(13,), given=1)]
    assert list(branches[0].positions) == places
    if not skips:
        with pytest.raises(CapabilityError, match="can't be left out"):
            model.score(trunk, branches)
        return
    check(model, trunk, branches)
    seen, masked = [], bool(model.engine.attending)
    expected, cache = steps(model, enumerate(trunk[:10]), True, seen)
    expected, waiting = expected[-1:], dict(zip(places, rest, strict=True))
    for at in range(10, max(places) + 1):
        before = states.copied(cache)
        logits, cache = steps(model, [(at, waiting.get(at, 0))], cache, seen)
        if at in waiting:
            expected += logits
        elif masked:
            cache = states.taken_back(before, cache)
            seen[-1] = False
        else:
            cache = before
            seen.pop()
    wanted = [float(expected[i][rest[i]]) for i in range(len(rest))]
    found = model.score(trunk, branches)
    np.testing.assert_allclose(found[0].logprobs, wanted, atol=TOLERANCE, rtol=0)


def test_blocked_attention_is_hiding_from_those_tokens():
    model = hybrids.model("qwen3_5")
    trunk, tail, out = trunk_of(model, 24), (5, 6, 7, 8), (9, 21)
    [hidden] = model.score(trunk, [Branch(24, tail, out, 1)])
    [blocked] = model.score(trunk, [Branch(24, tail, (), 1)], interventions=BlockAttention(range(24, EVER), out))
    np.testing.assert_allclose(blocked.logprobs, hidden.logprobs, atol=TOLERANCE, rtol=0)
    [one] = model.score(trunk, [Branch(24, tail, (), 1)], interventions=BlockAttention(range(24, EVER), out, (1,)))
    np.testing.assert_allclose(one.logprobs, hidden.logprobs, atol=TOLERANCE, rtol=0)
    [none] = model.score(trunk, [Branch(24, tail, (), 1)], interventions=BlockAttention(range(24, EVER), out, (0, 2)))
    [plain] = model.score(trunk, [Branch(24, tail, (), 1)])
    np.testing.assert_allclose(none.logprobs, plain.logprobs, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", [*SILENT[:1], *DEAF])
def test_models_without_attention_hide_nothing(name):
    model = hybrids.model(name)
    assert Capability.HIDE not in model.capabilities and model.attention_layers == 0
    with pytest.raises(CapabilityError, match="can't be hidden"):
        model.score(trunk_of(model, 24), [Branch(20, (1, 2), (3,), 1)])


@pytest.mark.parametrize("name", ["qwen3_5", "lfm2", "qwen4_exp"])
def test_the_token_before_belongs_to_a_branch_that_hides(name):
    """It is taken in again without what is hidden: equal to a loop that deletes keys one token earlier."""
    model = hybrids.model(name)
    trunk, tail, out = trunk_of(model, 25), (5, 6, 7), (9, 21)
    check(model, trunk, [Branch(25, tail, out), Branch(20, tail, (3,)), Branch(25, tail, (3,), 1), Branch(24, tail)])
    _, cache = steps(model, enumerate(trunk[:24]))
    fed = enumerate([trunk[24], *tail[:2]], 24)
    if name == "qwen4_exp":
        expected, _ = steps(model, fed, with_other_keys(cache, out), [i not in out for i in range(24)])
    else:
        expected, _ = steps(model, fed, without_keys(cache, out))
    [found] = model.score(trunk, [Branch(25, tail, out)])
    wanted = [float(expected[i][tail[i]]) for i in range(3)]
    np.testing.assert_allclose(found.logprobs, wanted, atol=TOLERANCE, rtol=0)
    with pytest.raises(CapabilityError, match="given=1 or more"):
        model.score(trunk, [Branch(25, tail, (24,))])
