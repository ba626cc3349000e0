"""Passes that go on behind hidden tokens as if these weren't there, held to passes in which a mask hides them."""

from dataclasses import replace

import numpy as np
import pytest

from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled
from cotlens.models.contract import EVER, BlockAttention
from cotlens.models.local import split_attention
from cotlens.models.whitebox import divergence, without
from tests.model import tiny

N = 40
IDS = [(31 * i * i + 7 * i) % 300 for i in range(N)]
PLACES = [(at, at + 1) for at in range(N)]
# Side by side, apart, one in another, with one end in common, and at the very beginning.
HIDDEN = [(4, 9), (9, 12), (12, 13), (20, 30), (22, 25), (18, 25), (33, 37), (0, 2)]
BLOCKS = [BlockAttention(range(stop, EVER), range(start, stop)) for start, stop in HIDDEN]
SHORT = tiny.WINDOW  # longer texts outgrow it


def both(model, blocks, n, monkeypatch):
    """The divergences by holes and under masks."""
    monkeypatch.setattr(model.engine, "takes_holes", None)
    quick = model.divergence(IDS[:n], blocks, PLACES[:n])
    assert model.engine.takes_holes is not None, "it was never tried"
    took = model.engine.takes_holes
    monkeypatch.setattr(model.engine, "takes_holes", False)
    return took, quick, model.divergence(IDS[:n], blocks, PLACES[:n])


def equal(quick, slow):
    assert np.nanmax(slow.kl) > 1e-2
    for name in ("kl", "kl_back", "log_kl"):
        np.testing.assert_allclose(getattr(quick, name), getattr(slow, name), rtol=1e-3, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("family", ["qwen3", "llama", "gpt2"])
@pytest.mark.parametrize("tokens", [1536, 11])
def test_holes_are_hidden_tokens(family, tokens, monkeypatch):
    monkeypatch.setattr(divergence, "_TOKENS", {"cpu": tokens})
    monkeypatch.setattr(split_attention, "_STRETCH", 4)
    took, quick, slow = both(tiny.model(family), BLOCKS, N, monkeypatch)
    assert took
    equal(quick, slow)


@pytest.mark.parametrize("family", ["gpt_oss", "deepseek_v3", "gemma2", "olmo3"])
def test_what_attends_in_another_way_finds_the_same(family, monkeypatch):
    model, blocks = tiny.model(family), [BlockAttention(range(4, EVER), range(1, 3)), *BLOCKS]
    few = [BlockAttention(range(b, EVER), range(a, b)) for a, b in ((1, 2), (2, 4))]
    assert not without.holes_of(model.engine, blocks, N)
    monkeypatch.setattr(model.engine, "takes_holes", None)
    quick = model.divergence(IDS[:SHORT], few, PLACES[:SHORT])
    monkeypatch.setattr(model.engine, "takes_holes", False)
    slow = model.divergence(IDS[:SHORT], few, PLACES[:SHORT])
    equal(quick, slow)


def test_the_first_layer_is_shared_where_there_is_room(qwen, monkeypatch):
    asked, whole = [], without.FirstLayer.without
    monkeypatch.setattr(without.FirstLayer, "without", lambda self, hole: asked.append(hole) or whole(self, hole))
    took, quick, slow = both(qwen, BLOCKS, N, monkeypatch)
    assert took and set(HIDDEN) <= set(asked)
    asked.clear()
    monkeypatch.setattr(divergence, "_CACHE_SHARE", 1e-9)
    monkeypatch.setattr(qwen.engine, "takes_holes", True)
    apart = qwen.divergence(IDS, BLOCKS, PLACES)
    assert not asked
    for one in (quick, apart):
        equal(one, slow)


def test_what_is_no_hole_goes_under_a_mask(qwen):
    engine, block = qwen.engine, BLOCKS[0]
    assert without.holes_of(engine, [block, BLOCKS[1]], N) == HIDDEN[:2]
    for other in (
        replace(block, layers=(0, 1, 2)),
        replace(block, heads=(0,)),
        replace(block, queries=range(10, EVER)),
        replace(block, queries=range(9, N - 1)),
        replace(block, keys=range(4, 9, 2)),
    ):
        assert not without.holes_of(engine, [block, other], N), other


def test_what_a_model_makes_of_holes_is_tried(qwen, monkeypatch):
    read = split_attention.read

    def wrong(query, key, value, scale, *, causal=False):
        return read(query, key, value, scale)  # nothing is hidden from what stands before it

    before = qwen.engine.meter.snapshot()
    monkeypatch.setattr(split_attention, "read", wrong)
    monkeypatch.setattr(qwen.engine, "takes_holes", None)
    assert not without.holes_of(qwen.engine, BLOCKS, N)
    assert qwen.engine.meter.snapshot() == before


def test_a_mask_that_is_read_is_found_out(qwen):
    from cotlens._core.errors import BackendError
    from cotlens.models.architecture import masks
    from cotlens.models.architecture.logits import check_finite

    engine = qwen.engine
    logits, _, _ = engine.forward(
        engine.tensor(IDS), np.arange(N), masks=masks.unread(engine.layout, N, N, engine.dtype)
    )
    with pytest.raises(BackendError, match="NaN"):
        check_finite(logits[0].amax(-1), np.arange(N))


def stopped(model, after, tokens, monkeypatch):
    """What was measured of all blocks when the work was cancelled during its `after`-th pass behind a hole."""
    passes, forward = [], model.engine.forward
    control = Control()

    def counted(*given, **rest):
        if split_attention._splitting.get() is not None:
            passes.append(given)
            if len(passes) == after:
                control.cancel()
        return forward(*given, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(divergence, "_TOKENS", {"cpu": tokens})
        patch.setattr(model.engine, "forward", counted)
        with using(control), pytest.raises(Cancelled) as cancelled:
            model.divergence(IDS, BLOCKS, PLACES)
    assert len(passes) == after, "it went on after it was cancelled"
    return cancelled.value.partial


@pytest.mark.parametrize("tokens", [1536, 11])
def test_cancelled_between_passes_it_keeps_what_it_has_and_finds_the_rest_again(qwen, tokens, monkeypatch):
    monkeypatch.setattr(qwen.engine, "takes_holes", True)
    whole = qwen.divergence(IDS, BLOCKS, PLACES)
    order = np.argsort([stop for _, stop in HIDDEN], kind="stable")
    each = [-(-(N - HIDDEN[i][1]) // min(tokens, N)) for i in order]  # passes
    for done in (0, 1, 4):
        partial = stopped(qwen, sum(each[:done]) + 1, tokens, monkeypatch)
        # What needs one pass only is compared before anything is asked again.
        kept = order[: done + (each[done] == 1)]
        for name in ("kl", "kl_back", "log_kl"):
            found, expected = getattr(partial, name), getattr(whole, name)
            np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-3, atol=1e-6)
            assert np.isnan(np.delete(found, kept, axis=0)).all()
    again = qwen.divergence(IDS, BLOCKS, PLACES)
    np.testing.assert_array_equal(again.kl, whole.kl)
