"""Concepts, labels and the dashboard's file, on traces made by hand."""

import json

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.measure.features.concepts import concepts_of
from cotlens.measure.features.dashboard import Dashboard
from cotlens.measure.features.labels import label_latents
from cotlens.measure.features.latents import Latents
from cotlens.trace import Trace


def traces(n=12):
    return [
        Trace.from_text(f"Mia has {i} pears.", f"I add {i} and 7. It is {i + 7} now.", f"{i + 7}")
        for i in range(10, 10 + n)
    ]


def holds(known, name, trace):
    return [
        token
        for token, flag in zip(trace.tokens, known.flags[: len(trace.token_ids), known.names.index(name)], strict=True)
        if flag
    ]


def test_concepts_say_what_tokens_are():
    some = traces()
    known = concepts_of(some, least=1, most=10_000)
    first = some[0]
    assert [t.strip() for t in holds(known, "in a number", first)] == ["10", "10", "7.", "17", "17"]
    assert [t.strip() for t in holds(known, "the number 17", first)] == ["17", "17"]
    assert [t.strip() for t in holds(known, "a number of one digit", first)] == ["7."]
    assert holds(known, "first token of a sentence of the thought", first)[0].strip() == "I"
    assert "".join(holds(known, "in the prompt", first)).strip() == first.prompt
    assert known.flags.shape == (sum(len(trace.token_ids) for trace in some), len(known.names))


def test_rare_concepts_are_left_out_and_own_ones_added():
    some = traces()
    known = concepts_of(some, lambda trace: {"odd place": np.arange(len(trace.token_ids)) % 2 == 1}, least=len(some))
    assert "odd place" in known.names
    assert "the number 17" not in known.names
    assert len(concepts_of(some, least=1, most=3).names) == 3


def planted(n=400, seed=0):
    """Two concepts; latent 3 follows the first strongly and fires weakly at random, latent 8 follows nothing."""
    rng = np.random.default_rng(seed)
    flags = rng.random((n, 2)) < (0.2, 0.3)
    dense = np.zeros((n, 10), np.float32)
    dense[:, 3] = np.where(flags[:, 0], rng.uniform(6, 9, n), np.where(rng.random(n) < 0.3, 0.5, 0))
    dense[:, 8] = np.where(rng.random(n) < 0.1, 1.0, 0)
    rows, index = np.nonzero(dense)
    bounds = np.append(0, np.bincount(rows, minlength=n).cumsum())
    return Latents(bounds, index, dense[rows, index], 10), flags


def test_a_label_is_the_concept_that_fits_and_its_score_is_held_out():
    latents, flags = planted()
    half = np.arange(len(flags)) < 200
    found = label_latents(latents, flags, ("first", "second"), half)
    assert found[3].text == "first"
    assert found[3].share > 0
    assert found[3].score == 1.0
    assert (found[8].text, np.isnan(found[8].score)) == ("", True)


def test_a_label_that_only_fits_by_chance_is_found_out():
    latents, flags = planted()
    half = np.arange(len(flags)) < 200
    flags[200:, 0] = np.roll(flags[200:, 0], 1)
    found = label_latents(latents, flags, ("first", "second"), half)
    assert found[3].chosen == 1.0
    assert found[3].score < 0.5


def board(rows=3, contexts=4):
    return Dashboard(
        latents=np.arange(rows) * 2,
        density=np.linspace(0.1, 0.2, rows).astype(np.float32),
        maximum=np.ones(rows, np.float32),
        label=["the token 'x'"] * rows,
        score=np.array([np.nan] + [0.5] * (rows - 1), np.float32),
        contexts=[[["before", "x", "after", 2.5]] * contexts] * rows,
        raises=[[["a", 1.0]]] * rows,
        lowers=[[["b", -1.0]]] * rows,
        about={"traces": 2},
    )


def test_the_dashboard_is_kept_in_its_file(tmp_path):
    assert Dashboard.load(tmp_path) is None
    board().save(tmp_path)
    again = Dashboard.load(tmp_path)
    assert again[2]["contexts"][0] == ["before", "x", "after", 2.5]
    assert again[1] == {}
    assert np.isnan(again[0]["score"])
    assert again[2]["density"] == pytest.approx(0.15)
    assert again.frame().loc[4, "label"] == "the token 'x'"


def test_the_dashboard_meets_its_limit_by_leaving_out_contexts(tmp_path):
    whole = board(rows=50).save(tmp_path).stat().st_size
    for limit in (whole - 1, whole // 2 + 1000):
        path = board(rows=50).save(tmp_path, limit=limit)
        assert path.stat().st_size <= limit
        assert 0 <= len(Dashboard.load(tmp_path)[2]["contexts"]) < 4
    with pytest.raises(InputError, match="doesn't fit 500 bytes"):
        board(rows=50).save(tmp_path, limit=500)


def test_a_damaged_dashboard(tmp_path):
    path = board().save(tmp_path)
    payload = json.loads(path.read_text())
    del payload["label"], payload["checksum"]  # the checksum would be the first to notice
    path.write_text(json.dumps(payload))
    with pytest.raises(InputError, match="damaged dashboard"):
        Dashboard.load(tmp_path)
