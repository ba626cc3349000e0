"""Attention suppression against plain transformers: one eager pass per sentence, KL token by token in float64."""

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled, InputError
from cotlens.models.whitebox import divergence
from tests.model import tiny

THOUGHT = "First I add 12 and 7. Then I wait a little. It is 19 now. Let me check that again. So all is said."


@pytest.fixture(scope="module")
def model():
    return tiny.model("qwen3")


@pytest.fixture(scope="module")
def trace(model):
    return model.compose("Mia has 12 pears.", THOUGHT, "It is 19.")


def distributions(hf, ids, hidden=(), temperature=1.0):
    n = len(ids)
    allowed = np.tril(np.ones((n, n), bool))
    for key in hidden:
        allowed[[query for query in range(n) if query not in hidden], key] = False
    mask = torch.zeros(1, 1, n, n).masked_fill(~torch.tensor(allowed), torch.finfo(torch.float32).min)
    before = hf.config._attn_implementation
    hf.set_attn_implementation("eager")
    with torch.no_grad():
        logits = hf(torch.tensor([ids]), attention_mask=mask).logits[0].double() / temperature
    hf.set_attn_implementation(before)
    return torch.softmax(logits, -1).numpy()


def matrices(hf, trace, unit, temperature):
    """Targets by sources: mean KL and mean log(KL + 1e-9), NaN where the target isn't later."""
    spans, ids = trace.spans(unit), trace.token_ids[: trace.roles["thought"].end]
    base, found = distributions(hf, ids, (), temperature), np.full((2, len(spans), len(spans)), np.nan)
    for s, source in enumerate(spans):
        without = distributions(hf, ids, range(source.start, source.end), temperature)
        kl = [float(np.sum(p * np.log(p / q))) for p, q in zip(base, without, strict=True)]
        for t in range(s + 1, len(spans)):
            mine = kl[spans[t].start : spans[t].end]
            found[:, t, s] = np.mean(mine), np.mean([np.log(max(value, 0) + 1e-9) for value in mine])
    return found


@pytest.mark.parametrize(("metric", "temperature"), [("kl", 1.0), ("log_kl", 0.6)])
def test_both_matrices(model, trace, metric, temperature):
    result = cl.importance.Suppression(metric=metric, temperature=temperature).run(trace, model)
    kl, log_kl = matrices(model.engine.hf, trace, "sentence", temperature)
    np.testing.assert_allclose(result.extras["kl"], kl, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(result.extras["log_kl"], log_kl, rtol=1e-3, atol=1e-3)
    chosen = kl if metric == "kl" else log_kl
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(result.columns["estimate"][:-1], np.nanmean(chosen[:, :-1], axis=0), rtol=1e-3)
    assert np.isnan(result.columns["estimate"][-1])
    assert list(result.columns["status"][:-1]) == ["exact"] * 4
    assert "nothing comes later" in result.columns["status"][-1]


def test_pairs(model, trace, tmp_path):
    result = cl.importance.Suppression().run(trace, model)
    pairs = cl.importance.Suppression.pairs(result)
    assert pairs.kind == "pairs"
    frame = pairs.frame()
    assert [(row.source, row.target) for row in frame.itertuples()] == [
        (s, t) for s in range(5) for t in range(s + 1, 5)
    ]
    texts = list(result.columns["text"])
    for row in frame.itertuples():
        assert (row.source_text, row.target_text) == (texts[row.source], texts[row.target])
        assert row.estimate == row.kl == result.extras["kl"][row.target, row.source]
        assert row.status == "exact"
    np.testing.assert_allclose(frame.groupby("target")["centred"].sum(), 0, atol=1e-12)
    pairs.save(tmp_path / "pairs.json")
    assert cl.load_result(tmp_path / "pairs.json").frame().equals(frame)
    with pytest.raises(InputError, match="Suppression"):
        cl.importance.Suppression.pairs(pairs)


def test_the_position_baseline_is_what_others_do_at_that_distance(model, trace):
    result = cl.importance.Suppression().run(trace, model)
    kl = result.extras["kl"]
    at = {d: np.mean([kl[s + d, s] for s in range(5 - d)]) for d in range(1, 5)}
    expected = [np.mean([at[d] for d in range(1, 5 - s)]) for s in range(4)]
    np.testing.assert_allclose(result.columns["position_baseline"][:-1], expected)


def test_cost_is_a_bound_and_spans_may_be_given(model, trace):
    given = [trace.spans("sentence")[0], trace.spans("sentence")[3], trace.spans("sentence")[4]]
    for method in (cl.importance.Suppression(), cl.importance.Suppression(spans=given)):
        result = method.run(trace, model)
        spent, most = result.provenance.cost, method.cost(trace)
        assert 0 < spent.tokens <= most.tokens
        assert 0 < spent.forwards <= most.forwards
    assert list(result.columns["unit"]) == ["span"] * 3
    whole = cl.importance.Suppression().run(trace, model).extras["kl"]
    np.testing.assert_allclose(result.extras["kl"], whole[np.ix_([0, 3, 4], [0, 3, 4])], rtol=1e-3)


def test_cancelled_work_keeps_the_sources_that_were_measured(model, trace, monkeypatch):
    monkeypatch.setattr(divergence, "_ROWS", {"cpu": 2})
    monkeypatch.setattr(model.engine, "takes_holes", False)  # so that two go together
    control = Control(lambda done, total, label: control.cancel() if done else None)
    with using(control), pytest.raises(Cancelled) as cancelled:
        cl.importance.Suppression().run(trace, model)
    partial = cancelled.value.partial
    assert list(np.isfinite(partial.columns["estimate"])) == [True, True, False, False, False]
    assert "cancelled" in partial.columns["status"][2]
    assert "cancelled" in cl.importance.Suppression.pairs(partial).columns["status"][-1]


def test_what_cannot_be_measured_is_refused(model, trace):
    short = model.compose("Mia has 12 pears.", "It is 19.", "It is 19.")
    for settings, on, said in [
        ({}, short, "one sentence only"),
        ({"unit": "token"}, trace, "sentence"),
        ({"metric": "logit_difference"}, trace, "kl"),
        ({"temperature": 0}, trace, "above 0"),
    ]:
        with pytest.raises(InputError, match=said):
            cl.importance.Suppression(**settings).run(on, model)


def test_means_of_spans_are_those_of_each_alone():
    kl = np.random.default_rng(0).gamma(0.3, size=(2, 40))
    kl[:, :3] = np.nan  # of tokens before a block's own first query nothing is known
    spans = [(12, 13), (13, 50), (2, 8), (49, 50), (20, 31), (20, 24)]  # overlapping, out of order, to the very end
    found = divergence.means_of_spans(kl, 10, 13, spans)
    for at, (first, last) in enumerate(spans):
        values, back = kl[:, first - 10 : last - 10] if first >= 13 else np.full((2, 1), np.nan)
        expected = [values.mean(), np.log(values + divergence.EPSILON).mean(), back.mean()]
        np.testing.assert_allclose(found[:, at], expected, rtol=1e-12)
    assert np.isnan(divergence.means_of_spans(kl, 10, 50, spans)).all()
