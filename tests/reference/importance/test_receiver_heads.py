"""Receiver heads against `output_attentions=True` of plain transformers, the formulae written out with scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.importance.shared.vertical_attention import receivers
from tests.model import tiny

THOUGHT = " ".join(f"Now I add {i} and {i + 3} to it." for i in range(9)) + " So all of it is said. That was it."
PROXIMITY = 3


@pytest.fixture(scope="module")
def model():
    return tiny.model("qwen3")


@pytest.fixture(scope="module")
def trace(model):
    return model.compose("Mia has 12 pears.", THOUGHT, "It is 19.")


@pytest.fixture(scope="module")
def scores(model, trace):
    """Vertical scores by (layer, head), and the same by even and by odd reading sentences."""
    hf, spans = model.engine.hf, trace.spans("sentence")
    before = hf.config._attn_implementation
    hf.set_attn_implementation("eager")
    with torch.no_grad():
        layers = hf(torch.tensor([trace.token_ids]), output_attentions=True).attentions
    hf.set_attn_implementation(before)
    found = {}
    for layer, weights in enumerate(layers):
        for head in range(4):
            block = np.array(
                [[weights[0, head, a.start : a.end, b.start : b.end].mean().item() for b in spans] for a in spans]
            )
            found[layer, head] = [
                [mean([block[i, j] for i in range(j + PROXIMITY, len(spans)) if i in kept]) for j in range(len(spans))]
                for kept in (range(len(spans)), range(0, len(spans), 2), range(1, len(spans), 2))
            ]
    return found


def mean(values):
    return float(np.mean(values)) if values else np.nan


def peaked(values):
    return float(stats.kurtosis(values, fisher=True, bias=True, nan_policy="omit"))


def test_scores_heads_and_reliability(model, trace, scores):
    result = cl.importance.ReceiverHeads(proximity=PROXIMITY, top=3).run(trace, model)
    kurtosis = {head: peaked(values[0]) for head, values in scores.items()}
    for (layer, head), value in kurtosis.items():
        assert result.extras["kurtosis"][layer, head] == pytest.approx(value, rel=1e-3)
    top = sorted((head for head in kurtosis if head[0] > 0), key=lambda head: -kurtosis[head])[:3]
    assert [tuple(head) for head in result.extras["heads"].tolist()] == top
    expected = np.mean([scores[head][0] for head in top], axis=0)
    np.testing.assert_allclose(result.columns["estimate"], expected, rtol=1e-4)
    others = np.mean([values[0] for head, values in scores.items() if head[0] > 0 and head not in top], axis=0)
    np.testing.assert_allclose(result.columns["other_heads"], others, rtol=1e-4)
    halves = [[peaked(values[half]) for head, values in scores.items() if head[0] > 0] for half in (1, 2)]
    assert result.extras["reliability"][0] == pytest.approx(stats.spearmanr(*halves).statistic, abs=1e-6)


def test_sentences_without_a_late_reader_are_not_measured(model, trace):
    result = cl.importance.ReceiverHeads(proximity=PROXIMITY, top=3).run(trace, model)
    unread = np.isnan(result.columns["estimate"])
    assert list(np.flatnonzero(unread)) == list(range(len(result) - PROXIMITY, len(result)))
    assert all("3 later" in status for status in result.columns["status"][unread])
    assert result.columns["readers"].tolist() == [max(0, len(result) - PROXIMITY - row) for row in range(len(result))]
    assert np.isnan(result.columns["low"]).all(), "which heads were picked is uncertain, and no interval is known"


def test_the_status_says_how_far_it_repeats(model, trace, scores):
    """Both halves of the readers, each with the heads that it picks by itself."""
    result = cl.importance.ReceiverHeads(proximity=PROXIMITY, top=3).run(trace, model)
    late = [head for head in scores if head[0] > 0]
    sides = []
    for half in (1, 2):
        picked = sorted(late, key=lambda head: -peaked(scores[head][half]))[:3]
        sides.append(np.mean([scores[head][half] for head in picked], axis=0))
    known = np.isfinite(sides[0]) & np.isfinite(sides[1])
    rows = stats.spearmanr(sides[0][known], sides[1][known]).statistic
    heads = result.extras["reliability"][0]
    assert result.extras["reliability_rows"][0] == pytest.approx(rows, abs=1e-6)
    few = "heads are picked by a kurtosis over 8 units"
    said = f"two halves of the readers rank heads alike at rho {heads:.2f}, units at rho {rows:.2f}"
    status = result.columns["status"].tolist()
    assert set(status[:7]) == {f"unreliable: {few}; {said}"} and status[7].startswith("unreliable: 1 unit reads it")
    known = cl.importance.ReceiverHeads(proximity=PROXIMITY, heads=[(1, 0), (2, 2)]).run(trace, model)
    assert known.columns["status"][0].split(":")[0] in ("observed", "unreliable")
    assert "kurtosis" not in known.columns["status"][0] and "heads alike" not in known.columns["status"][0]


def test_enough_that_repeats_is_observed(model):
    long = model.compose("Mia has 12 pears.", THOUGHT + " " + THOUGHT.replace("Now", "Then"), "It is 19.")
    result = cl.importance.ReceiverHeads(proximity=PROXIMITY).run(long, model)
    good = min(result.extras["reliability"][0], result.extras["reliability_rows"][0]) >= 0.5
    assert good and all(status.startswith("observed: two halves") for status in result.columns["status"][:10])


def test_receivers_are_a_share_of_the_heads_there_are():
    """As published where there are as many heads as there; a few of few; never all, since others are the control."""
    many = {(layer, head): float(head) for layer in range(32) for head in range(32)}
    assert len(receivers(many, 1, 0.02)) == 20 and len(receivers(many, 1, 20)) == 20
    few = {(layer, head): float(head) for layer in range(4) for head in range(4)}
    assert len(receivers(few, 1, 0.02)) == 3 and len(receivers(few, 1, 0.5)) == 6
    for top in (12, 20, 0.99):
        with pytest.raises(InputError, match=r"12 that this model has from layer 1 on leave none.*top=3"):
            receivers(few, 1, top)


def test_the_shipped_model_has_receivers_and_others():
    abacus = cl.load("abacus", store=False)
    trace = abacus.reason("Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?")
    result = cl.importance.ReceiverHeads(proximity=2).run(trace, abacus)
    measured = np.isfinite(result.columns["estimate"])
    assert len(result.extras["heads"]) == 3 and np.isfinite(result.columns["other_heads"][measured]).all()
    assert all(status.startswith("unreliable") for status in result.columns["status"][measured]), "a short thought"
    with pytest.raises(InputError, match="20 receiver heads of the 12"):
        cl.importance.ReceiverHeads(proximity=2, top=20).run(trace, abacus)


def test_known_heads_are_taken(model, trace, scores):
    result = cl.importance.ReceiverHeads(proximity=PROXIMITY, heads=[(0, 1), (2, 2)]).run(trace, model)
    expected = np.mean([scores[0, 1][0], scores[2, 2][0]], axis=0)
    np.testing.assert_allclose(result.columns["estimate"], expected, rtol=1e-4)


def test_cost_file_and_bad_settings(model, trace, tmp_path):
    method = cl.importance.ReceiverHeads(proximity=PROXIMITY)
    result = method.run(trace, model)
    spent, most = result.provenance.cost, method.cost(trace)
    assert 0 < spent.tokens <= most.tokens
    assert 0 < spent.forwards <= most.forwards
    result.save(tmp_path / "result.json")
    assert cl.load_result(tmp_path / "result.json").provenance == result.provenance
    for settings, said in [
        ({"proximity": 30}, "32 are needed"),
        ({"proximity": 0}, "at least 1"),
        ({"top": 0}, "at least 1"),
        ({"top": 2.5}, "a share below 1"),
        ({"heads": ()}, "no heads"),
        ({"heads": [(9, 9)]}, "no head"),
        ({"unit": "token"}, "sentence"),
    ]:
        with pytest.raises(InputError, match=said):
            cl.importance.ReceiverHeads(**settings).run(trace, model)
