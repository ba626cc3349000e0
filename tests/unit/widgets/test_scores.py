"""What a view is told of a result: how sure each number is, and that nothing unmeasured looks measured."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from cotlens.measure.importance import METHODS
from cotlens.measure.method import as_data
from cotlens.results import certainty
from cotlens.widgets.page import settings
from cotlens.widgets.shared import scores
from tests.unit.widgets.results import importance

ROOT = Path(__file__).resolve().parents[3]


def kinds(result):
    return [certainty.CERTAINTIES[code] for code in certainty.certainty(result)]


def test_both_halves_have_the_same_certainties():
    source = (ROOT / "widgets" / "kit" / "heat" / "certainty.ts").read_text("utf-8")
    listed = re.search(r"CERTAINTIES = \[(.*?)\]", source)
    assert listed
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == certainty.CERTAINTIES
    explained = Path(certainty.__file__).read_text("utf-8")
    assert all(f"{name}: " in explained for name in certainty.CERTAINTIES)


def test_an_interval_that_touches_zero_is_not_clear():
    assert kinds(importance([0.3, 0.1, -0.05, -0.3, 0.0], half=0.1)) == ["clear", "zero", "zero", "clear", "zero"]


def test_what_was_not_measured_is_nothing_else():
    assert kinds(importance([np.nan, 0.5])) == ["none", "clear"]
    assert scores.reasons(importance([np.nan, 0.5])) == {"0": "not measured: the answer was never read"}


def test_deterministic_scores_are_exact_and_missing_intervals_are_said():
    assert kinds(importance([0.0, 1.0], half=0)) == ["faint", "exact"]
    assert scores.is_exact(importance([0.0, np.nan], half=0))
    assert kinds(importance([0.5], half=np.nan)) == ["open"]
    assert not scores.is_exact(importance([np.nan], half=0))


def test_the_null_floor_and_the_correction_are_heard():
    floored = importance([0.3, 0.3], half=0.1, null_floor=[0.35, 0.2])
    assert kinds(floored) == ["floor", "clear"]
    corrected = importance([0.3, 0.3, 0.05], half=0.1, significant=[True, False, False])
    assert kinds(corrected) == ["clear", "corrected", "zero"]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("EarlyAnswer", "Early answer"),
        ("Occlusion", "Occlusion"),
        ("ReceiverHeads", "Receiver heads"),
        ("KLMap", "KL map"),
    ],
)
def test_names_of_methods_are_words(method: str, words: str):
    assert scores.words(method) == words


def test_a_divergence_has_no_sign():
    assert not scores.is_signed(importance([0.1, 0.2], metric="resampling_kl"))
    assert scores.is_signed(importance([0.1, 0.2], metric="accuracy"))
    assert not scores.is_signed(importance([0.1], extras={"signed": False}))


def test_the_scale_is_the_largest_effect_and_nothing_looks_like_nothing():
    assert scores.scale(np.array([0.1, -3.0, np.nan]), "nats") == 3.0
    assert scores.scale(np.array([1e-5]), "probability") == 0.01
    assert scores.scale(np.array([np.nan]), "") > 0


def test_a_logarithm_begins_at_its_smallest_value():
    logs = importance([-7.0, -1.0, 0.5], half=0, extras={"signed": False})
    assert scores.base(logs) == -7.0
    assert scores.scale(logs.columns["estimate"], "log nats", -7.0) == 0.5
    assert scores.base(importance([-7.0, 1.0], half=0)) == 0.0


def test_further_columns_are_facts():
    result = importance([0.3], q_value=[0.02], function=["plan"], answered=[True])
    assert [(fact["name"], fact.get("words")) for fact in scores.facts(result)] == [
        ("q value", None), ("function", ["plan"]), ("answered", ["yes"]),
    ]  # fmt: skip


def told(method):
    """Setting in words -> its value."""
    return {words: value for words, value, _ in settings.told(as_data(method))}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_settings_are_told_in_words_and_only_those_that_did_something(method):
    made = METHODS.get(method)()
    said = told(made)
    assert not {"convention", "coarse", "alpha", "confirm", "metric", "unit", "spans"} & said.keys()
    assert not {"cotlens", "0.0", "None", "False", "True"} & set(said.values())
    known = {field.name for each in map(METHODS.get, METHODS) for field in dataclasses.fields(each)}
    assert settings.NAMES.keys() <= known, "and none of them is a name that no method has"


def test_a_setting_that_matters_is_told():
    resampling = METHODS.get("Resampling")(metric="kl", convention="thought-anchors")
    said = told(resampling)
    assert said["added to each count"] == "0.5" and said["signs and names of"] == "thought-anchors"
    assert told(METHODS.get("Occlusion")(coarse=0.2)) == {
        "effect": "direct", "mode": "hide", "tokens only in sentences above": "0.2",
    }  # fmt: skip


def test_bounds_of_what_was_not_drawn_are_no_intervals_of_samples():
    bounded = importance([0.3, np.nan], 0.1, status=["the server tells its likeliest tokens only", "not measured: x"])
    single = {**bounded.columns, "n": np.array([1, 0])}
    assert scores.kind(dataclasses.replace(bounded, columns=single)) == "computed"
    assert scores.kind(bounded) == "sampled" and scores.kind(importance([np.nan])) == "sampled"
    assert scores.kind(importance([0.3], half=0)) == "exact"
    drawn = importance([0.3], np.nan)
    assert scores.kind(dataclasses.replace(drawn, columns={**drawn.columns, "n": np.array([1])})) == "sampled"
