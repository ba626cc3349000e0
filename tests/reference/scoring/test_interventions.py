"""Interventions held to plain torch hooks on the unwrapped module."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch

from cotlens.models.contract import EVER, Ablate, AddVector, BlockAttention, Branch, Patch
from cotlens.models.local.scoring import dispatch
from tests.model import tiny
from tests.reference.oracle import FULL_LAYERS

TOLERANCE = 1e-4
N, PREFIX, WIDTH = 36, 24, 32
RNG = np.random.default_rng(5)
VECTOR = RNG.normal(size=WIDTH).astype(np.float32)
ROWS = RNG.normal(size=(3, WIDTH)).astype(np.float32)


def part(hf, layer, site):
    block = (hf.transformer.h if hasattr(hf, "transformer") else hf.model.layers)[layer]
    if site == "resid_post":
        return block
    names = {"attn_out": ("self_attn", "attn"), "mlp_out": ("mlp",)}[site]
    return next(getattr(block, name) for name in names if hasattr(block, name))


def output_hook(change):
    def hook(module, args, output):
        if isinstance(output, tuple):
            return (change(output[0]), *output[1:])
        return change(output)

    return hook


def adding(positions, vector):
    def change(x):
        x = x.clone()
        x[:, positions] += torch.tensor(vector)
        return x

    return change


def setting(positions, values):
    def change(x):
        x = x.clone()
        x[:, positions] = torch.tensor(values)
        return x

    return change


CASES = {
    "add": (AddVector(1, VECTOR, (3, 25, 26), 2.0), (1, "resid_post", adding([3, 25, 26], 2 * VECTOR))),
    "add everywhere": (AddVector(0, VECTOR), (0, "resid_post", adding(slice(None), VECTOR))),
    "add from on": (AddVector(0, VECTOR, range(20, EVER)), (0, "resid_post", adding(slice(20, None), VECTOR))),
    "add attention": (AddVector(0, VECTOR, (22,), site="attn_out"), (0, "attn_out", adding([22], VECTOR))),
    "zero": (Ablate(1, (2, 23, 24)), (1, "mlp_out", setting([2, 23, 24], np.zeros(WIDTH, np.float32)))),
    "mean": (
        Ablate(1, (2, 30), "mean", VECTOR, "attn_out"),
        (1, "attn_out", setting([2, 30], VECTOR)),
    ),
    "patch": (Patch(1, (28, 5, 7), ROWS), (1, "resid_post", setting([28, 5, 7], ROWS))),
}


def hooked(hf, ids, hooks):
    with ExitStack() as stack, torch.no_grad():
        for layer, site, change in hooks:
            handle = part(hf, layer, site).register_forward_hook(output_hook(change))
            stack.callback(handle.remove)
        return torch.log_softmax(hf(torch.tensor([ids])).logits[0], -1)


def ids_of(model):
    return np.random.default_rng(3).integers(0, model.engine.layout.vocabulary, N).tolist()


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("case", CASES)
def test_scores_under_an_intervention(family, case):
    model = tiny.model(family)
    ids = ids_of(model)
    intervention, hook = CASES[case]
    logits = hooked(model.engine.hf, ids, [hook])
    expected = [float(logits[t - 1, ids[t]]) for t in range(PREFIX, N)]
    branch = Branch(PREFIX, tuple(ids[PREFIX:]))
    fast = model.score(ids, [branch], interventions=intervention)[0]
    slow = model.owner.run(lambda: dispatch.score(model.engine, ids, [branch], (intervention,), way="plain"))[0]
    np.testing.assert_allclose(fast.logprobs, expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(slow.logprobs, expected, atol=TOLERANCE, rtol=0)
    plain = model.score(ids, [branch])[0]
    assert np.abs(plain.logprobs - fast.logprobs).max() > 1e-3


def masked_by_hand(hf, family, ids, cut, layers, heads):
    """Forward with `cut` [(query, key)] taken out of the masks of given layers and heads by pre-hooks."""
    n = len(ids)
    causal = torch.ones(n, n, dtype=torch.bool).tril()
    apart = torch.arange(n)[:, None] - torch.arange(n)[None]
    with ExitStack() as stack, torch.no_grad():
        for layer, kind in enumerate(FULL_LAYERS[family]):
            allowed = causal & (apart < tiny.WINDOW) if kind == "S" else causal
            allowed = allowed.repeat(4, 1, 1)
            if layer in layers:
                for query, key in cut:
                    for head in heads:
                        allowed[head, query, key] = False
            mask = torch.zeros(1, 4, n, n).masked_fill(~allowed, torch.finfo(torch.float32).min)

            def hook(module, args, kwargs, mask=mask):
                return args, {**kwargs, "attention_mask": mask}

            handle = part(hf, layer, "attn_out").register_forward_pre_hook(hook, with_kwargs=True)
            stack.callback(handle.remove)
        return torch.log_softmax(hf(torch.tensor([ids])).logits[0], -1)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize(("layers", "heads"), [(None, None), ((1,), None), ((0, 2), (1, 3)), (None, (2,))])
def test_blocked_attention(family, layers, heads):
    model = tiny.model(family)
    ids = ids_of(model)
    block = BlockAttention(range(18, EVER), (14, 15, 20), layers, heads)
    cut = [(q, k) for q in range(18, N) for k in (14, 15, 20) if k != q]
    logits = masked_by_hand(
        model.engine.hf, family, ids, cut, range(3) if layers is None else layers, range(4) if heads is None else heads
    )
    expected = [float(logits[t - 1, ids[t]]) for t in range(PREFIX, N)]
    branch = Branch(PREFIX, tuple(ids[PREFIX:]))
    fast = model.score(ids, [branch], interventions=[block])[0]
    slow = model.owner.run(lambda: dispatch.score(model.engine, ids, [branch], (block,), way="plain"))[0]
    np.testing.assert_allclose(fast.logprobs, expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(slow.logprobs, expected, atol=TOLERANCE, rtol=0)
    before = model.score(ids, [Branch(10, tuple(ids[10:18]))])[0].logprobs
    under = model.score(ids, [Branch(10, tuple(ids[10:18]))], interventions=block)[0].logprobs
    np.testing.assert_array_equal(before, under)


SITES = (("resid_post", 0), ("resid_post", 2), ("attn_out", 1), ("mlp_out", 1))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_activations_are_those_of_hooks(family):
    model = tiny.model(family)
    ids, hf = ids_of(model), model.engine.hf
    seen = {}
    places = {f"{kind}.{layer}": part(hf, layer, kind) for kind, layer in SITES} | {"embed": hf.get_input_embeddings()}
    with ExitStack() as stack, torch.no_grad():
        for site, module in places.items():

            def keep(module, args, output, site=site):
                seen[site] = (output[0] if isinstance(output, tuple) else output)[0].numpy().copy()

            stack.callback(module.register_forward_hook(keep).remove)
        hf(torch.tensor([ids]))
    found = model.read(ids, list(seen))
    for site, values in seen.items():
        np.testing.assert_allclose(found[site], values, atol=TOLERANCE, rtol=0, err_msg=site)
    some = model.read(ids, "resid_post.2", positions=[30, 2, 2])["resid_post.2"]
    np.testing.assert_allclose(some, seen["resid_post.2"][[30, 2, 2]], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_writing_under_an_intervention_is_scoring_under_it(family):
    """Log-probabilities of a text as it was written, and of the same text scored at once."""
    model = tiny.model(family)
    steer = [AddVector(1, VECTOR, range(15, EVER)), BlockAttention(range(20, EVER), (4, 5), (0,), (1,))]
    trace = model.reason("Mia has 12 pears", max_new_tokens=14, seed=4, interventions=steer)
    start = trace.meta["begin"]
    again = model.score(trace, [Branch(start, trace.token_ids[start:])], interventions=steer)[0]
    np.testing.assert_allclose(trace.logprobs[start:], again.logprobs, atol=TOLERANCE, rtol=0)
    other = model.reason("Mia has 12 pears", max_new_tokens=14, seed=4)
    assert other.token_ids != trace.token_ids
