"""Gradients, attention patterns and divergences of the local backend, held to plain torch on the unwrapped module."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch

from cotlens._core.control import Control, using
from cotlens._core.errors import BackendError, Cancelled, CapabilityError, InputError
from cotlens.models.architecture.logits import check_finite
from cotlens.models.contract import EVER, AddVector, AnswerBranch, BlockAttention, Capability, Ending, Patch, TokenSet
from cotlens.models.local import budget
from cotlens.models.whitebox import attention_patterns, divergence, gaps
from tests.model import tiny

TOLERANCE = 1e-4
N, VALUE, END = 30, 33, 36
SPANS = [(2, 7), (7, 9), (12, 26), (26, 36)]


def ids_of(model, n=END):
    return np.random.default_rng(3).integers(0, model.engine.layout.vocabulary, n).tolist()


def asked(model):
    ids = ids_of(model)
    return ids[:N], AnswerBranch(tuple(ids[N:]), VALUE - N, 5)


def metric_of(logits, ids):
    """The logit difference of ids[VALUE:], written out token by token."""
    rows = torch.log_softmax(logits, -1)
    own = [rows[i - 1, ids[i]] for i in range(VALUE, END)]
    rivals = [torch.cat([rows[i - 1, : ids[i]], rows[i - 1, ids[i] + 1 :]]).max() for i in range(VALUE, END)]
    return min(sum(own[i:]) - rivals[i] for i in range(len(own)))


def by_hand(hf, ids, layer=None, add=None):
    """Value, and gradients with respect to the embeddings and the output of layer 1, by forward hooks and autograd."""
    seen, blocks = {}, hf.transformer.h if hasattr(hf, "transformer") else hf.model.layers

    def embedded(module, args, output):
        seen["embed"] = output.detach().requires_grad_(True)
        return seen["embed"]

    def after(module, args, output):
        seen["resid_post.1"] = output
        return output

    def added(module, args, output):
        return output + torch.tensor(add)

    with ExitStack() as stack:
        stack.callback(hf.get_input_embeddings().register_forward_hook(embedded).remove)
        if add is not None:
            stack.callback(blocks[layer].register_forward_hook(added).remove)
        stack.callback(blocks[1].register_forward_hook(after).remove)
        value = metric_of(hf(torch.tensor([ids])).logits[0], ids)
    slopes = torch.autograd.grad(value, list(seen.values()))
    return value.item(), {site: slope[0].numpy() for site, slope in zip(seen, slopes, strict=True)}


def test_gradients_are_those_of_autograd(each_model):
    ids, answer = asked(each_model)
    assert Capability.GRADIENT in each_model.capabilities
    found = each_model.gradient(ids, answer, ["resid_post.1", "embed"])
    value, slopes = by_hand(each_model.engine.hf, [*ids, *answer.token_ids])
    assert found.value == pytest.approx(value, abs=TOLERANCE)
    for site, slope in slopes.items():
        assert np.abs(slope).max() > 1e-3
        np.testing.assert_allclose(found.gradients[site], slope, atol=TOLERANCE, rtol=1e-3, err_msg=site)
    read = each_model.read([*ids, *answer.token_ids], ["embed", "resid_post.1"])
    for site, values in read.items():
        np.testing.assert_allclose(found.activations[site], values, atol=TOLERANCE)


def ended_by_hand(hf, ids, first, ending, vectors):
    """The metrics of ids[first:] and its end from `vectors` [n, d] in place of embeddings, one plain pass each."""

    def rows(more=()):
        tail = hf.get_input_embeddings()(torch.tensor(more, dtype=torch.long)).detach()
        return torch.log_softmax(hf(inputs_embeds=torch.cat([vectors, tail])[None]).logits[0].double(), -1)

    def total(row, member):
        return row[torch.nonzero(torch.from_numpy(member))[:, 0]].logsumexp(0)

    plain = rows()
    own = [plain[i - 1, ids[i]] for i in range(first, len(ids))]
    rivals = [torch.cat([plain[i - 1, : ids[i]], plain[i - 1, ids[i] + 1 :]]).max() for i in range(first, len(ids))]
    parts, against = [total(plain[-1], ending.after.member)], [plain[-1][torch.from_numpy(ending.after.rival)].max()]
    for token in ending.pending:
        after = rows([token])[-1]
        parts.append(plain[-1, token] + total(after, ending.closed.member))
        against.append(plain[-1, token] + total(after, ending.onward.member))
    end = torch.stack(parts).logsumexp(0)
    last = own[-1] + end
    if ending.merged is not None:
        last = torch.logaddexp(last, total(plain[-2], ending.merged.member))
        rivals[-1] = plain[-2][torch.from_numpy(ending.merged.rival)].max()
    rest = [sum(own[i:-1]) + last for i in range(len(own))]
    odds = [one - rival for one, rival in zip(rest, rivals, strict=True)]
    difference = torch.stack([*odds, end - torch.stack(against).max()]).min()
    return {"logit_difference": difference, "log_probability": rest[0], "probability": rest[0].exp()}


def endings_of(vocabulary, last):
    rng = np.random.default_rng(7)
    some = [rng.random(vocabulary) < share for share in (0.6, 0.1, 0.5)]
    some[1][last] = False
    pending = tuple(int(token) for token in np.flatnonzero(~some[0])[:2])
    two = Ending(TokenSet.of(some[0], pending), None, pending, TokenSet.of(some[2]), TokenSet.of(~some[2]))
    return [
        two,
        replace(two, pending=pending[:1], after=TokenSet.of(some[0], pending[:1])),
        Ending(TokenSet.of(some[0]), TokenSet.of(some[1], (last,))),
    ]


@pytest.mark.parametrize("family", ["qwen3", "gemma3", "gpt2", "qwen3_next"])
def test_gradients_go_through_the_end_of_a_value(family):
    """Also where a model can't hide tokens from each other: the two tokens that leave it open then go separately."""
    model = tiny.model(family)
    ids = ids_of(model)
    for ending in endings_of(model.engine.layout.vocabulary, ids[-1]):
        answer = AnswerBranch(tuple(ids[N:]), VALUE - N, END - N, ending)
        for metric in ("logit_difference", "log_probability", "probability"):
            found = model.gradient(ids[:N], answer, "embed", metric=metric)
            vectors = torch.tensor(found.activations["embed"]).requires_grad_(True)
            value = ended_by_hand(model.engine.hf, ids, VALUE, ending, vectors)[metric]
            slope = torch.autograd.grad(value, vectors)[0].numpy()
            assert found.value == pytest.approx(value.item(), abs=TOLERANCE)
            assert found.gradients["embed"].shape == slope.shape
            np.testing.assert_allclose(found.gradients["embed"], slope, atol=TOLERANCE, rtol=1e-3)


def test_nothing_is_left_behind_in_the_model(qwen):
    ids, answer = asked(qwen)
    qwen.gradient(ids, answer, "embed")
    assert all(parameter.requires_grad and parameter.grad is None for parameter in qwen.engine.hf.parameters())


def test_interventions_take_part(qwen):
    ids, answer = asked(qwen)
    vector = np.linspace(-1, 1, 32).astype(np.float32)
    changed = qwen.gradient(ids, answer, ["embed", "resid_post.1"], interventions=AddVector(0, vector))
    value, slopes = by_hand(qwen.engine.hf, [*ids, *answer.token_ids], 0, vector)
    assert changed.value == pytest.approx(value, abs=TOLERANCE)
    for site, slope in slopes.items():
        np.testing.assert_allclose(changed.gradients[site], slope, atol=TOLERANCE, rtol=1e-3)
    everything = Patch(0, tuple(range(END)), np.zeros((END, 32), np.float32))
    assert not qwen.gradient(ids, answer, "embed", interventions=everything).gradients["embed"].any()
    blind = qwen.gradient(ids, answer, "embed", interventions=BlockAttention(range(9, EVER), (2, 3)))
    assert blind.value != pytest.approx(qwen.gradient(ids, answer, "embed").value)
    alone = qwen.gradient(ids, answer, "embed", interventions=BlockAttention(range(9, EVER), range(9)))
    assert not np.abs(alone.gradients["embed"][:9]).any()


def test_embeddings_can_be_given(qwen):
    ids, answer = asked(qwen)
    here = qwen.gradient(ids, answer, "embed")
    same = qwen.gradient(ids, answer, "embed", embeddings=here.activations["embed"])
    np.testing.assert_array_equal(same.gradients["embed"], here.gradients["embed"])
    other = [*ids[:5], ids[6], *ids[6:]]
    swapped = qwen.gradient(ids, answer, "embed", embeddings=qwen.read([*other, *answer.token_ids], "embed")["embed"])
    assert swapped.value == pytest.approx(qwen.gradient(other, answer, "embed").value, abs=TOLERANCE)


def test_the_metrics_are_readings_of_one_pass(qwen):
    ids, answer = asked(qwen)
    log, plain = (qwen.gradient(ids, answer, "embed", metric=name) for name in ("log_probability", "probability"))
    scored = qwen.score(ids, [_branch(ids, answer)])[0].logprobs[answer.value_start :].sum()
    assert log.value == pytest.approx(float(scored), abs=TOLERANCE)
    assert plain.value == pytest.approx(np.exp(log.value), rel=1e-4)
    scale = np.abs(log.gradients["embed"]).max() * plain.value
    np.testing.assert_allclose(plain.gradients["embed"], plain.value * log.gradients["embed"], atol=1e-4 * scale)


def _branch(ids, answer):
    from cotlens.models.contract import Branch

    return Branch(len(ids), answer.token_ids)


def test_what_cannot_be_differentiated_is_refused(qwen):
    ids, answer = asked(qwen)
    for call, said in [
        (lambda: qwen.gradient(ids, answer, []), "No site"),
        (lambda: qwen.gradient(ids, answer, "resid_pots.1"), "resid_post"),
        (lambda: qwen.gradient(ids, answer, "embed", metric="logits"), "metric 'logits'"),
        (lambda: qwen.gradient(ids, answer, "embed", at=99), "at=99"),
        (lambda: qwen.gradient(ids, AnswerBranch((), 0, 0), "embed"), "answer_branch"),
        (lambda: qwen.gradient(ids, answer, "embed", embeddings=np.zeros((3, 32))), r"\(36, 32\)"),
    ]:
        with pytest.raises(InputError, match=said):
            call()


def weights_by_transformers(hf, ids):
    """Attention of every layer [heads, n, n] from one eager pass."""
    before = hf.config._attn_implementation
    hf.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            return [layer[0].numpy() for layer in hf(torch.tensor([ids]), output_attentions=True).attentions]
    finally:
        hf.set_attn_implementation(before)


def test_attention_patterns_are_those_of_transformers(each_model, monkeypatch):
    ids, hf = ids_of(each_model), each_model.engine.hf
    expected, before = weights_by_transformers(hf, ids), hf.config._attn_implementation
    monkeypatch.setattr(budget, "piece", lambda engine, n: 11)  # several pieces, each behind the cache of those before
    found = each_model.attention(ids)
    assert hf.config._attn_implementation == before
    assert sorted(found) == [(layer, head) for layer in range(3) for head in range(4)]
    for (layer, head), pattern in found.items():
        np.testing.assert_allclose(pattern, expected[layer][head], atol=1e-5)
    means = each_model.attention(ids, heads=[(2, 3), (0, 1)], spans=SPANS)
    assert list(means) == [(2, 3), (0, 1)]
    for (layer, head), pattern in means.items():
        for i, (a, b) in enumerate(SPANS):
            for j, (c, d) in enumerate(SPANS):
                assert pattern[i, j] == pytest.approx(expected[layer][head][a:b, c:d].mean(), abs=1e-6)


def test_patterns_that_cannot_be_given_are_refused(qwen, monkeypatch):
    ids = ids_of(qwen)
    for call, said in [
        (lambda: qwen.attention(ids, heads=[(0, 4)]), "no head 4 in layer 0"),
        (lambda: qwen.attention(ids, spans=[(3, 3)]), "empty"),
        (lambda: qwen.attention(ids, spans=[(3, 6), (5, 8)]), "share no token"),
    ]:
        with pytest.raises(InputError, match=said):
            call()
    with pytest.raises(CapabilityError):
        tiny.model("bloom").attention([3, 4, 5])
    monkeypatch.setattr(attention_patterns, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="fewer heads"):
        qwen.attention(ids)


def divergence_by_hand(hf, ids, block, spans):
    """Two whole passes and a loop over tokens in float64."""
    rows = []
    n = len(ids)
    for cut in (False, True):
        allowed = torch.ones(n, n, dtype=torch.bool).tril()
        if cut:
            allowed[block.queries.start :, list(block.keys)] = False
        mask = torch.zeros(1, 1, n, n).masked_fill(~allowed, torch.finfo(torch.float32).min)
        with torch.no_grad():
            rows.append(torch.log_softmax(hf(torch.tensor([ids]), attention_mask=mask).logits[0].double(), -1))
    both = [(rows[0], rows[1]), (rows[1], rows[0])]
    per_token = [[float((p[t].exp() * (p[t] - q[t])).sum()) for t in range(n)] for p, q in both]
    return [[np.mean(kl[a:b]) if a >= block.queries.start else np.nan for a, b in spans] for kl in per_token]


@pytest.mark.parametrize("kept", [True, False], ids=["ordinary kept", "ordinary in each batch"])
def test_divergence(qwen, kept, monkeypatch):
    ids = ids_of(qwen)
    blocks = [BlockAttention(range(b, EVER), range(a, b)) for a, b in SPANS]
    monkeypatch.setattr(divergence, "_ROWS", {"cpu": 2})
    monkeypatch.setattr(divergence, "_TOKENS", {"cpu": 16})
    monkeypatch.setattr(divergence, "_KEPT_SHARE", 0.25 if kept else 0)
    found = qwen.divergence(ids, blocks[::-1], SPANS)
    for row, block in enumerate(blocks[::-1]):
        kl, back = divergence_by_hand(qwen.engine.hf, ids, block, SPANS)
        np.testing.assert_allclose(found.kl[row], kl, atol=1e-5, rtol=1e-4)
        np.testing.assert_allclose(found.kl_back[row], back, atol=1e-5, rtol=1e-4)
    np.testing.assert_array_equal(np.isnan(found.kl), np.isnan(found.log_kl))
    single = qwen.divergence(ids, blocks[:1], [(14, 15)])
    assert single.log_kl[0, 0] == pytest.approx(np.log(single.kl[0, 0] + 1e-9))


def test_divergence_of_single_layers_and_windows(each_model):
    ids = ids_of(each_model)
    everything = BlockAttention(range(9, EVER), range(2, 9))
    layers = BlockAttention(range(9, EVER), range(2, 9), layers=(0, 1, 2))
    one = BlockAttention(range(9, EVER), range(2, 9), layers=(1,), heads=(0,))
    found = each_model.divergence(ids, [everything, layers, one], [(9, 14)])
    np.testing.assert_allclose(found.kl[1], found.kl[0], rtol=1e-3)
    assert 0 < found.kl[2, 0] < found.kl[0, 0]


def test_tokens_that_are_left_out_are_tokens_that_all_later_ones_do_not_see(each_model, monkeypatch):
    ids, block = ids_of(each_model), BlockAttention(range(9, EVER), range(2, 9))
    places, engine = [(at, at + 1) for at in range(9, END)], each_model.engine
    assert gaps.gap_of(engine, [block], END) == (None if engine.layout.window else (2, 9))
    quick = each_model.divergence(ids, [block], places)
    monkeypatch.setattr(divergence, "gap_of", lambda *_: None)
    slow = each_model.divergence(ids, [block], places)
    for ours, theirs in ((quick.kl, slow.kl), (quick.kl_back, slow.kl_back)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-7)
    assert slow.kl.max() > 1e-4


def test_tokens_are_left_out_only_where_that_is_the_same(qwen, monkeypatch):
    engine, whole = qwen.engine, BlockAttention(range(9, EVER), range(2, 9))
    assert gaps.gap_of(engine, [whole], END) == (2, 9)
    for blocks in (
        [whole, whole],
        [replace(whole, layers=(0, 1, 2))],
        [replace(whole, heads=(0,))],
        [replace(whole, queries=range(10, EVER))],  # token 9 still sees them
        [replace(whole, queries=range(9, END - 1))],
        [replace(whole, queries=None)],
        [replace(whole, keys=(2, 5))],
        [replace(whole, keys=range(2, 9, 2))],
        [BlockAttention(range(20, EVER), range(15, 20))],  # too much would be run again
    ):
        assert gaps.gap_of(engine, blocks, END) is None, blocks
    before = engine.meter.snapshot()
    monkeypatch.setattr(gaps, "logits_without", lambda engine, ids, at, keep: torch.zeros(1, len(at) - keep, 1))
    monkeypatch.setattr(engine, "takes_gaps", None)
    assert gaps.gap_of(engine, [whole], END) is None, "what a model makes of a gap is tried"
    assert engine.meter.snapshot() == before


def test_a_small_difference_keeps_its_precision():
    logits = torch.randn(1, 400, generator=torch.Generator().manual_seed(0))
    near = logits + 1e-4 * torch.randn(1, 400, generator=torch.Generator().manual_seed(1))
    far = torch.where(torch.arange(400) == 3, logits + 200, logits)
    for other in (near, far):
        p, q = (torch.log_softmax(x.double(), -1) for x in (logits, other))
        exact = [float((x.exp() * (x - y)).sum()) for x, y in ((p, q), (q, p))]
        found = divergence._kl(*(torch.log_softmax(x, -1) for x in (logits, other[None])))
        assert found[:, 0, 0].tolist() == pytest.approx(exact, rel=1e-2)


def test_a_token_that_both_passes_rule_out_counts_for_nothing():
    """Some models give tokens that they never write the lowest number there is, or less."""
    logits, other = torch.randn(2, 1, 400, generator=torch.Generator().manual_seed(0)).unbind()
    expected = divergence._kl(*(torch.log_softmax(x[..., 9:], -1) for x in (logits, other[None])))
    for lowest in (torch.finfo(torch.float32).min, -torch.inf):
        barred = [x.index_fill(1, torch.arange(9), lowest) for x in (logits, other)]
        found = divergence._kl(
            divergence._bounded(torch.log_softmax(barred[0], -1)), torch.log_softmax(barred[1], -1)[None]
        )
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_cancel_reaches_every_long_call(qwen):
    ids, answer = asked(qwen)
    control = Control()
    control.cancel()
    for call in (
        lambda: qwen.gradient(ids, answer, "embed"),
        lambda: qwen.attention(ids),
        lambda: qwen.divergence(ids, [BlockAttention(range(9, EVER), (2, 3))], [(9, 14)]),
    ):
        with using(control), pytest.raises(Cancelled):
            call()


def test_numbers_that_are_nan_in_float32_are_the_weights():
    """Who has loaded a model in float32 isn't told to do just that."""
    with pytest.raises(BackendError, match=r"position 4 are NaN or infinite.*in float32 already, its weights hold"):
        check_finite(torch.tensor([1.0, torch.nan]), np.array([3, 4]))
