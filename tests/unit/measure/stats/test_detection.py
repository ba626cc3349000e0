"""Detection and calibration, against scikit-learn and by what is known."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

from cotlens._core.errors import InputError
from cotlens.measure.stats import detection


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steps", [4, 1000])
def test_it_is_what_scikit_learn_says_ties_and_all(seed, steps):
    rng = np.random.default_rng(seed)
    truth = rng.random(150) < 0.4
    scores = np.round(np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0.001, 0.999) * steps) / steps
    scores = np.clip(scores, 1e-6, 1 - 1e-6)
    assert detection.auroc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    for most in (0.01, 0.05, 0.3, 1.0):
        assert detection.tpr_at_fpr(scores, truth, most) == pytest.approx(tpr[fpr <= most + 1e-12].max()), most
    fit = detection.calibration(scores, truth)
    assert fit.brier == pytest.approx(brier_score_loss(truth, scores))
    assert fit.log_loss == pytest.approx(log_loss(truth, scores))


def test_probabilities_stay_below_the_floor_and_others_do_not():
    rng, below = np.random.default_rng(0), 0
    for seed in range(40):
        scores = rng.random(200)
        below += (fit := detection.calibration(scores, rng.random(200) < scores, seed=seed)).error <= fit.floor
    assert below >= 35
    scores = rng.random(400)
    sure = detection.calibration(np.round(scores), rng.random(400) < scores)
    assert sure.error > 2 * sure.floor and np.isinf(sure.log_loss)


def test_precision_falls_with_prevalence_and_a_share_is_corrected():
    assert detection.precision_at(0.9, 0.05, 0.5) == pytest.approx(0.947, abs=1e-3)
    assert detection.precision_at(0.9, 0.05, 0.01) == pytest.approx(0.154, abs=1e-3)
    assert np.isnan(detection.precision_at(0.0, 0.0, 0.5))
    assert detection.corrected_prevalence(0.9 * 0.2 + 0.05 * 0.8, 0.9, 0.95) == pytest.approx(0.2)
    assert np.isnan(detection.corrected_prevalence(0.3, 0.5, 0.5))


def test_what_can_not_be_measured_is_nan_and_what_can_not_be_is_refused():
    assert np.isnan(detection.auroc([0.1, 0.2], [True, True])) and np.isnan(detection.auroc([], []))
    assert np.isnan(detection.tpr_at_fpr([0.1], [False], 0.05)) and np.isnan(detection.calibration([], []).error)
    assert detection.auroc([0.1, np.nan, 0.9], [False, True, True]) == 1
    with pytest.raises(InputError, match="0 to 1"):
        detection.calibration([1.5], [True])
    with pytest.raises(InputError, match="one length"):
        detection.auroc([1.0], [True, False])
