"""Receiver heads against `output_attentions=True` of plain transformers, the formulae written out with scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

import cotlens as cl
from cotlens._core.errors import InputError
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
    assert set(result.columns["status"][~unread]) == {"exact"}


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
        ({"heads": ()}, "no heads"),
        ({"heads": [(9, 9)]}, "no head"),
        ({"unit": "token"}, "sentence"),
    ]:
        with pytest.raises(InputError, match=said):
            cl.importance.ReceiverHeads(**settings).run(trace, model)
