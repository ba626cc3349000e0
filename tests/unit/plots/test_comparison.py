import json

import numpy as np

import cotlens as cl
from tests.unit.measure.published_rollouts import published

COUNT = 9


def test_a_comparison_has_a_chart_that_says_what_each_measure_is_evidence_of(tmp_path):
    rng = np.random.default_rng(0)
    table, _ = published.simulated([20] * COUNT, 0)
    for row, forced, kl in zip(table, rng.normal(size=COUNT) / 9, rng.random(COUNT), strict=True):
        row |= {"forced_importance_accuracy": forced, "resampling_importance_kl": kl}
    folder = published.write(tmp_path, chunks_labeled=table, chunks_resampled=None, base_solution=None)
    rollouts = cl.read_rollouts(folder)
    compared = cl.compare([rollouts.importance(each) for each in ("resampling", "forced", "resampling_kl")])
    text = json.dumps(compared.chart(units=2).to_dict())
    assert "1 Resampling (accuracy)" in text and "evidence of causation: the model itself went on" in text
    assert "2 ForcedAnswer (accuracy)" in text and "evidence of what the edit causes: the thought was cut off" in text
    assert f"{compared.extras['spearman'][0, 1]:.2f} (" in text
    drawn = compared.extras["disagree"][:2]
    assert all(f"{row} {compared.columns['text'][row]}" in text for row in drawn)
    assert not np.isnan(compared.columns["estimate"][drawn]).any()
    assert "Where the measures disagree most: rank of the sentence" in text
