"""Patching against plain hooks, where it is known what carries the answer, and on real weights."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import CapabilityError, CotLensError
from cotlens.measure.patching.pair import pair_of
from cotlens.models.contract import AddVector, BlockAttention, Branch, Capability, Patch
from cotlens.models.local.scoring import dispatch
from cotlens.results import load_result
from tests import pretrained
from tests.model import tiny


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def pair(abacus):
    """A thought, and the same with the ones digit of its last stated result altered: the digit decides the answer."""
    problem = organisms.problems(1, seed=32, steps=3, fork=False)[0]
    base = abacus.reason(problem.prompt, temperature=0)
    last = base.spans("sentence")[-1]
    end = last.char_start + len(base.text[last.char_start : last.char_end].rstrip(". "))
    return base, base.replace((end - 1, end), str((int(base.text[end - 1]) + 3) % 10))


@pytest.fixture(scope="module")
def grid(abacus, pair):
    return cl.patching.PatchGrid(controls=("shuffled", "mean")).run(*pair, abacus)


def cell(result, layer, text, direction="sufficiency", name="estimate"):
    columns = result.columns
    rows = [i for i in range(len(result)) if columns["layer"][i] == layer and text in columns["text"][i]
            and columns["direction"][i] == direction]  # fmt: skip
    return columns[name][rows[0]]


def test_the_changed_digit_carries_the_answer_until_the_answer_has_read_it(grid, pair, abacus):
    base, source = pair
    for direction, text in (("sufficiency", "- 53 = 36"), ("necessity", "- 53 = 39")):
        for layer, here, there in ((0, 1, 0), (1, 1, 0), (2, 0, 1), (3, 0, 1)):
            assert cell(grid, layer, text, direction) == pytest.approx(here, abs=0.02)
            assert cell(grid, layer, "(the forced answer)", direction) == pytest.approx(there, abs=0.02)
        assert cell(grid, 0, "23 at first", direction) == 0  # before the first difference both are the same
    assert len(source.token_ids) == len(base.token_ids) and grid.extras["sufficiency"]["noise"] < 1e-4


def test_identity_is_the_floor_and_controls_do_not_recover(grid):
    noise = grid.extras["sufficiency"]["noise"]
    assert 0 <= noise < 1e-4 and np.isfinite(grid.columns["floor"]).all()
    assert cell(grid, 2, "(the forced answer)", name="mean") < 0.9
    assert cell(grid, 2, "(the forced answer)", name="shuffled") < 0.9
    assert np.isnan(cell(grid, 0, "23 at first", name="shuffled"))  # nothing was put there


def test_it_saves_draws_and_is_deterministic(grid, pair, abacus, tmp_path):
    grid.save(tmp_path / "grid.json")
    again = load_result(tmp_path / "grid.json")
    np.testing.assert_array_equal(again.columns["estimate"], grid.columns["estimate"])
    assert len(grid.chart().to_dict()["vconcat"]) == 2
    assert type(cl.show(grid)).__name__ == "PatchGridView"
    same = cl.patching.PatchGrid(controls=("shuffled", "mean")).run(*pair, abacus)
    np.testing.assert_array_equal(same.columns["shuffled"], grid.columns["shuffled"])


def by_hooks(model, ids, layer, site, at, values, tokens):
    """log p(tokens[0]) - log p(tokens[1]) after `ids` with activations put in place by a plain hook."""
    import torch

    block = model.engine.hf.model.layers[layer]
    module = {"resid_post": block, "attn_out": block.self_attn, "mlp_out": block.mlp}[site]

    def put(_, __, out):
        value = (out[0] if isinstance(out, tuple) else out).clone()
        value[0, list(at)] = torch.from_numpy(np.asarray(values))
        return (value, *out[1:]) if isinstance(out, tuple) else value

    handle = module.register_forward_hook(put)
    try:
        with torch.no_grad():
            logits = torch.log_softmax(model.engine.hf(torch.tensor([ids])).logits[0, -1].double(), -1)
    finally:
        handle.remove()
    return float(logits[tokens[0]] - logits[tokens[1]])


@pytest.mark.parametrize("site", ["resid_post", "attn_out", "mlp_out"])
def test_every_cell_is_what_hooks_give(abacus, pair, site):
    from cotlens.measure.patching.pair import pair_of

    two = pair_of(*pair, abacus, None, None)
    result = cl.patching.PatchGrid(
        site=site, unit="token", layers=(1, 2), directions=("sufficiency",), controls=()
    ).run(*pair, abacus)
    whole = result.extras["sufficiency"]
    seen = abacus.read(two.source.ids, [f"{site}.1", f"{site}.2"])
    for row in [i for i in range(len(result)) if result.columns["start"][i] >= two.same][::2]:
        layer, at = int(result.columns["layer"][row]), range(result.columns["start"][row], result.columns["end"][row])
        put = seen[f"{site}.{layer}"][two.aligned[list(at)]]
        true = by_hooks(abacus, two.base.ids, layer, site, at, put, (two.base.other, two.base.own))
        assert result.columns["difference"][row] + whole["base"] == pytest.approx(true, abs=1e-5, rel=1e-6)


@pytest.fixture(scope="module")
def by_head(abacus, pair):
    return cl.patching.PatchGrid(site="heads", layers=(2,), directions=("sufficiency",)).run(*pair, abacus)


def test_every_head_is_what_a_hook_before_the_projection_gives(abacus, pair, by_head):
    import torch

    from cotlens.measure.patching.pair import pair_of

    two, whole = pair_of(*pair, abacus, None, None), by_head.extras["sufficiency"]
    theirs, wide = abacus.read(two.source.ids, "heads.2")["heads.2"], 32
    assert theirs.shape[1] == abacus.n_heads * wide and set(by_head.columns["head"]) == set(range(4))
    rows = [i for i, text in enumerate(by_head.columns["text"]) if text == "(the forced answer)"]
    for row in rows:
        head = int(by_head.columns["head"][row])
        at = list(range(by_head.columns["start"][row], by_head.columns["end"][row]))

        def put(_, args, at=at, head=head):
            value = args[0].clone()
            value[0, at, head * wide : (head + 1) * wide] = torch.from_numpy(
                theirs[two.aligned[at]][:, head * wide : (head + 1) * wide]
            )
            return (value, *args[1:])

        hook = abacus.engine.hf.model.layers[2].self_attn.o_proj.register_forward_pre_hook(put)
        try:
            with torch.no_grad():
                said = torch.log_softmax(abacus.engine.hf(torch.tensor([two.base.ids])).logits[0, -1].double(), -1)
        finally:
            hook.remove()
        true = float(said[two.base.other] - said[two.base.own])
        assert by_head.columns["difference"][row] + whole["base"] == pytest.approx(true, abs=1e-4)


def test_heads_together_are_their_attention_and_draw(abacus, pair, by_head):
    """What all heads of a layer give goes through one projection; the copy of the digit is the work of some of them."""
    seen = abacus.read(pair[0], ["heads.2", "attn_out.2"])
    weight = abacus.engine.hf.model.layers[2].self_attn.o_proj.weight.detach().numpy()
    np.testing.assert_allclose(seen["heads.2"] @ weight.T, seen["attn_out.2"], atol=1e-4)
    answer = by_head.columns["text"] == "(the forced answer)"
    assert by_head.columns["estimate"][answer].max() > 0.3
    drawn = by_head.chart().to_dict()["vconcat"][0]["layer"][0]["encoding"]["y"]
    assert drawn["field"] == "head" and drawn["title"] == "head of layer 2"
    assert cl.show(by_head).grid["row"] == "head"


def test_a_branch_changes_its_own_tokens_alone(abacus, pair):
    ids, rng = pair[0].token_ids, np.random.default_rng(0)
    start, vector = len(ids) - 24, rng.standard_normal(128).astype(np.float32)
    branches = [
        Branch(
            start + layer, ids[start + layer :], interventions=(Patch(layer, (start + 5,), vector[None], site=site),)
        )
        for layer in range(4)
        for site in ("resid_post", "attn_out", "mlp_out")
    ]
    branches += [Branch(start, ids[start:]), Branch(start, ids[start:], interventions=(AddVector(1, vector),))]
    branches.append(Branch(start + 1, ids[start + 1 :], hidden=(3, 4), interventions=(AddVector(2, vector),)))
    packed = abacus.score(ids, branches)
    plain = abacus._run(lambda: dispatch.score(abacus.engine, ids, branches, way="plain"))
    for one, other in zip(packed, plain, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=5e-5)
    np.testing.assert_allclose(
        packed[12].logprobs, abacus.score(ids, [Branch(start, ids[start:])])[0].logprobs, atol=1e-5
    )
    assert np.abs(packed[13].logprobs - packed[12].logprobs).max() > 0.01


@pytest.fixture(scope="module")
def early(abacus, pair):
    """The pair with the first number of the thought altered, so that nearly every token of it differs inside."""
    base = pair[0]
    start = base.roles["thought"].char_start
    end = next(one.end() for one in re.finditer(r"\d+", base.text) if one.start() > start)
    return base, base.replace((end - 1, end), str((int(base.text[end - 1]) + 3) % 10))


@pytest.mark.parametrize("site", ["resid_post", "attn_out", "mlp_out"])
def test_cells_begin_at_the_layer_that_is_patched_and_give_what_whole_passes_give(abacus, early, site):
    found = {}
    for late in (None, False):  # tried again; through all layers
        abacus.engine.starts = late
        before = abacus.meter.snapshot()
        result = cl.patching.PatchGrid(
            unit="token", site=site, layers=(1, 2, 3), directions=("sufficiency",), controls=()
        ).run(*early, abacus, answers=("12", "36"))
        found[late] = result.columns["difference"], abacus.meter.since(before).tokens, result
    abacus.engine.starts = None
    np.testing.assert_allclose(found[None][0], found[False][0], atol=1e-4)
    cells = found[None][2].extras["sufficiency"]["cells"]
    assert found[None][1] < 0.8 * found[False][1]
    assert found[None][1] < 0.35 * cells * len(early[0].token_ids)  # of one whole pass per cell


@pytest.mark.parametrize(("family", "starts"), [("qwen3", True), ("gemma3", True), ("olmo3", True), ("bloom", False)])
def test_whether_a_model_can_begin_at_a_later_layer_is_tried(family, starts):
    """With sliding windows and norms behind the parts; a model that takes no masks runs all layers."""
    model = tiny.model(family)
    ids, wide = tuple(range(5, 35)), model.read([1, 2], "embed")["embed"].shape[1]
    rng, last = np.random.default_rng(1), model.n_layers - 1
    branches = [
        Branch(
            at, ids[at:], interventions=(Patch(layer, (at + 1,), rng.standard_normal((1, wide)).astype(np.float32)),)
        )
        for layer in (0, last)
        for at in (6, 7, 8, 9)
    ]
    # Of the last layer only what is changed and asked is run, wherever it stands.
    for given, places, layer in ((23, (8, 9, 20), last - 1), (3, (12, 28), last - 1), (23, (11,), last)):
        put = Patch(layer, places, rng.standard_normal((len(places), wide)).astype(np.float32))
        branches.append(Branch(6, ids[6:], given=given, interventions=(put,)))
    branches.append(Branch(6, ids[6:], interventions=(AddVector(last, np.ones(wide, np.float32)),)))
    branches.append(
        Branch(6, ids[6:], given=20, interventions=(AddVector(last, np.ones(wide, np.float32), range(7, 25, 4)),))
    )
    branches.append(Branch(6, (1, *ids[7:]), interventions=(AddVector(last, np.ones(wide, np.float32)),)))
    packed = model.score(ids, branches)
    assert bool(model.engine.starts) is starts
    plain = model._run(lambda: dispatch.score(model.engine, ids, branches, way="plain"))
    for one, other in zip(packed, plain, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=2e-3)


def test_of_the_last_layer_only_what_is_changed_or_asked_is_run(abacus, pair):
    ids, wide = pair[0].token_ids, abacus.engine.layout.d_model
    put = Patch(abacus.n_layers - 2, (50, 55), np.ones((2, wide), np.float32))
    asked = [Branch(40, ids[40:], given=len(ids) - 41, interventions=(put,))] * 40
    abacus.score(ids, asked)  # streams and trunk are known from here on
    before = abacus.meter.snapshot()
    found = abacus.score(ids, asked)
    assert abacus.meter.since(before).tokens == -(-3 // abacus.n_layers)  # two that are changed, one asked
    plain = abacus._run(lambda: dispatch.score(abacus.engine, ids, asked[:1], way="plain"))
    np.testing.assert_allclose(found[-1].logprobs, plain[0].logprobs, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (AddVector(0, np.ones(128, np.float32), positions=(3,)), "before its prefix"),
        (AddVector(0, np.ones(128, np.float32), positions=range(9)), "before its prefix"),
        (BlockAttention(None, None), "hidden="),
        ("nothing", "can't hold"),
        (Patch(0, (9,), np.full((1, 128), np.nan, np.float32)), "NaN"),
    ],
)
def test_what_a_branch_cannot_change_is_refused(abacus, pair, change, said):
    with pytest.raises(CotLensError, match=said):
        abacus.score(pair[0].token_ids, [Branch(8, (5, 6), interventions=(change,))])


def test_integrated_attribution_is_the_patch_and_plain_only_ranks(abacus, pair):
    whole = cl.patching.Attribution(steps=5, check_true=True).run(*pair, abacus)
    np.testing.assert_allclose(whole.columns["estimate"], whole.columns["patched"], atol=0.02)
    plain = cl.patching.Attribution(check_true=True).run(*pair, abacus)
    assert plain.extras["error"] > 0.1 > 0.02 > whole.extras["error"]
    run = plain.columns["patched"] != 0
    assert np.corrcoef(plain.columns["estimate"][run], plain.columns["patched"][run])[0, 1] > 0.9


def test_direct_logits_add_up(abacus, pair):
    result = cl.patching.DirectLogits().run(*pair, abacus)
    assert result.columns["estimate"].sum() == pytest.approx(result.extras["total"], abs=1e-5, rel=0)
    told = pair_of(*pair, abacus, None, None).base
    with torch.no_grad():
        logits = abacus.engine.hf(torch.tensor([told.ids])).logits[0, -1].double()
    assert result.columns["estimate"].sum() == pytest.approx(
        float(logits[told.other] - logits[told.own]), abs=1e-5, rel=0
    )
    assert abs(result.columns["estimate"][-1]) < 1e-4 and result.columns["text"][-1] == "rest"
    assert result.chart().to_dict()["mark"]


def test_a_path_is_part_of_the_whole_and_the_last_reader_has_it(abacus, pair):
    result = cl.patching.Path(sender=(1, "resid_post"), receiver=(2, "attn_out")).run(*pair, abacus)
    told = {text: row for row, text in enumerate(result.columns["text"])}
    row = next(row for text, row in told.items() if "- 53 = 36" in text)
    # What the digit does after layer 1 goes through the attention of the next layer, which copies it.
    assert result.columns["estimate"][row] == pytest.approx(1, abs=0.05)
    assert result.columns["total"][row] == pytest.approx(1, abs=0.02)
    other = cl.patching.Path(sender=(1, "resid_post"), receiver=(2, "mlp_out")).run(*pair, abacus)
    assert abs(other.columns["estimate"][row]) < 0.5


def test_unequal_edits_are_nan_with_the_reason_and_what_follows_is_shifted(abacus, pair):
    base = pair[0]
    longer = base.replace("I will keep a running total.", "I will keep a running total of all of them now.")
    last = longer.spans("sentence")[-1]
    end = last.char_start + len(longer.text[last.char_start : last.char_end].rstrip(". "))
    longer = longer.replace((end - 1, end), "1")
    result = cl.patching.PatchGrid(layers=(1,), directions=("sufficiency",), controls=()).run(base, longer, abacus)
    lost = result.columns["status"] != "exact"
    assert lost.any() and np.isnan(result.columns["estimate"][lost]).all()
    assert "the edited span has" in result.columns["status"][lost][0]
    assert np.isfinite(result.columns["estimate"][~lost]).any()


def test_below_the_floor_recovery_is_refused_and_nats_stay(abacus, pair):
    base = pair[0]
    result = cl.patching.PatchGrid(layers=(2,), directions=("sufficiency",), controls=()).run(
        base, base.replace("Let me see", "Let us see"), abacus, answers=("36", "12")
    )
    assert np.isnan(result.columns["estimate"]).all() and np.isfinite(result.columns["difference"]).any()
    assert "nats apart" in result.columns["status"][-1]


def test_a_donor_is_a_control(abacus, pair):
    base, source = pair
    result = cl.patching.PatchGrid(layers=(0,), directions=("sufficiency",), controls=()).run(
        base, source, abacus, donor=base
    )
    run = ~np.isnan(result.columns["donor"])
    assert run.any() and np.abs(result.columns["donor"][run]).max() < 0.02  # the base's own change nothing


def test_real_weights_are_patched():
    model = pretrained.model()
    base, source = (
        model.compose("How many apples does Tom have?", f"Tom has {word} apples in his bag.", None)
        for word in ("three", "seven")
    )
    result = cl.patching.PatchGrid(layers=(0, 15, 29), directions=("sufficiency",), controls=()).run(
        base, source, model, answers=("three", "seven")
    )
    last = [i for i in range(len(result)) if result.columns["text"][i] == "(the forced answer)"]
    assert result.columns["estimate"][last][-1] == pytest.approx(
        1, abs=0.02
    )  # all that decides stands there at the end
    first = result.columns["estimate"][np.array(last)[0] - 1]
    assert first == pytest.approx(1, abs=0.1)  # and after the first layer still in the word
    shown = cl.PatchGrid(result).grid["levels"][0]["panels"][0]
    assert [len(shown["texts"]), shown["texts"][-2]] == [2, "Tom has three apples in his bag."]
    lens = cl.lenses.LogitLens().run(base, model)
    told = cl.LensGrid(lens).grid["levels"][1]["panels"][0]
    assert [text for text in told["texts"] if "three" in text] == [" three"]
    top = np.frombuffer(told["estimate"], "<f4").reshape(31, -1)[0]  # the last layer comes first
    np.testing.assert_allclose(top, lens.columns["estimate"][lens.columns["layer"] == 30], rtol=1e-6)
    parts = cl.patching.DirectLogits().run(base, source, model, answers=("three", "seven"))
    assert parts.columns["estimate"].sum() == pytest.approx(parts.extras["total"], abs=1e-5, rel=0)


WRONG = [
    (lambda b, s, m: cl.patching.PatchGrid().run(b, b, m), "both answer '36'"),
    (lambda b, s, m: cl.patching.PatchGrid().run(b, "x", m), "given as source"),
    (
        lambda b, s, m: cl.patching.PatchGrid().run(b, cl.load("abacus-flip").compose("a", "b", None), m),
        "different models",
    ),
    (lambda b, s, m: cl.patching.PatchGrid(layers=(7,)).run(b, s, m), "no layer 7"),
    (lambda b, s, m: cl.patching.PatchGrid(site="resid_pre"), "site='resid_pre'"),
    (lambda b, s, m: cl.patching.PatchGrid(site="heads"), "one layer at a time"),
    (lambda b, s, m: cl.patching.PatchGrid(site="heads", layers=(1, 2)), "one layer at a time"),
    (lambda b, s, m: cl.patching.PatchGrid(directions=()), "no direction"),
    (lambda b, s, m: cl.patching.PatchGrid(controls=("zero",)), "controls='zero'"),
    (lambda b, s, m: cl.patching.PatchGrid().run(b, s, m, answers=("3", "36")), "differ only in where they end"),
    (lambda b, s, m: cl.patching.Path(sender=(2, "mlp_out"), receiver=(1, "attn_out")), "exchange them"),
    (lambda b, s, m: cl.patching.Path(sender=2, receiver=(1, "attn_out")), "give \\(layer, site\\)"),
    (lambda b, s, m: cl.patching.Attribution(steps=-1), "steps=-1"),
    (lambda b, s, m: cl.patching.Attribution(directions=()), "Attribution was given no direction"),
    (lambda b, s, m: cl.patching.PatchGrid().run(b, s, m, donor="x"), "given as donor"),
    (
        lambda b, s, m: cl.show(
            [
                cl.patching.PatchGrid(site=site, layers=(1,), controls=()).run(b, s, m)
                for site in ("heads", "resid_post")
            ]
        ),
        "one method side by side",
    ),
]


def test_an_empty_thought_has_no_units_and_says_why_nothing_is_put_there(abacus, pair):
    empty = abacus.compose(pair[0].prompt, "", "36")
    for method in (
        cl.patching.PatchGrid(controls=(), directions=("sufficiency",)), cl.patching.Attribution(),
        cl.patching.Path(sender=(0, "attn_out"), receiver=(2, "mlp_out")),
    ):  # fmt: skip
        result = method.run(empty, pair[1], abacus)
        assert set(result.columns["text"]) <= {"(the prompt)", "(the forced answer)"} and len(result)
        assert np.isfinite(result.columns["estimate"]).any()


def test_a_part_that_a_layer_lacks_is_named_with_the_layers_that_have_it():
    hybrid = tiny.model("qwen3_5")
    base, source = (hybrid.compose("How many?", f"12 and 7 gives {n}. So {n}.", None) for n in (19, 18))
    grid = cl.patching.PatchGrid(site="attn_out", layers=(0,), controls=())
    with pytest.raises(CotLensError, match="no part known as attn_out; choose of the layers that have one: 1"):
        grid.run(base, source, hybrid, answers=("19", "18"))
    with pytest.raises(CapabilityError, match="use PatchGrid, whose resid_post"):
        cl.patching.DirectLogits().run(base, source, hybrid, answers=("19", "18"))
    with pytest.raises(CotLensError, match=r"use resid_post( or attn_out)? instead"):
        tiny.model("mamba").engine.layout.module("mlp_out", 0)


def test_what_is_named_twice_is_done_once(abacus, pair):
    twice = {"layers": (1, 1), "directions": ("sufficiency",) * 2, "controls": ("mean", "mean")}
    once = {name: value[:1] for name, value in twice.items()}
    results = [cl.patching.PatchGrid(**settings).run(*pair, abacus) for settings in (twice, once)]
    assert results[0].frame().equals(results[1].frame())


def test_cells_of_a_layer_go_together(abacus, pair, monkeypatch):
    """More cells than are scored at once: a batch is of one layer, not a pass for each layer in every batch."""
    base = pair[0]
    digit = next(at for at in range(base.roles["thought"].char_start, len(base.text)) if base.text[at].isdigit())
    source = base.replace((digit, digit + 1), "7" if base.text[digit] != "7" else "8")
    batches, score = [], abacus.score

    def seen(ids, branches, **options):
        batches.append({change.layer for branch in branches for change in branch.interventions})
        return score(ids, branches, **options)

    monkeypatch.setattr(abacus, "score", seen)
    grid = cl.patching.PatchGrid(unit="token", directions=("sufficiency",), controls=())
    grid.run(base, source, abacus, answers=("36", "12"))
    filled = [layers for layers in batches if layers]
    assert len(filled) >= 4, "too few cells to tell"
    assert sum(map(len, filled)) < len(filled) + abacus.n_layers


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_bad_input_is_one_sentence(abacus, pair, call, said):
    with pytest.raises(CotLensError, match=said) as caught:
        call(*pair, abacus)
    assert len(str(caught.value)) < 400


def test_a_model_that_cannot_be_changed_is_refused(pair):
    served = SimpleNamespace(capabilities=Capability.GENERATE | Capability.SCORE, backend="vllm", name="served")
    with pytest.raises(CapabilityError, match="READ and WRITE"):
        cl.patching.PatchGrid().run(*pair, served)
