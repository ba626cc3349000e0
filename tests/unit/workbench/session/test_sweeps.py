"""A sweep of a steering panel is kept, comes back with what was asked for, and is measured again by the script."""

from contextlib import closing

import numpy as np
import pytest

import cotlens as cl

pytestmark = pytest.mark.usefixtures("unhurried")


def test_a_sweep_comes_back_and_the_script_measures_it_again(abacus, given, tmp_path, monkeypatch):
    vector = cl.steering.given(np.random.default_rng(3).standard_normal(128), 1, name="push")
    with closing(cl.Session(tmp_path / "study.cotlens", abacus)) as session:
        editor = session.keep(cl.CoTEditor(abacus, given))
        panel = session.keep(cl.SteeringPanel(abacus, editor, [vector], norms=[1.0] * 4))
        panel.view._handle_custom_msg(
            {"request_id": 1, "kind": "sweep", "vector": 0, "strength": 0.5, "rollouts": 1}, []
        )
        assert panel.wait(600) and panel.swept is not None, panel.error
        known, asked, script = panel.swept, panel.sweep, session.script()
    with closing(cl.Session.load(tmp_path / "study.cotlens")) as again:
        back = again["steering"]
        assert again.problems == [] and back.swept.data() == known.data() and back.model.asleep
        assert back.sweep.vector.fingerprint == asked.vector.fingerprint
        assert all(
            getattr(back.sweep, name) == getattr(asked, name) for name in ("coefficients", "where", "seeds", "at")
        )
        assert again.script() == script
    monkeypatch.setattr(cl, "load", lambda name: abacus, raising=False)
    made = {}
    exec(script, made)
    found = made["results"]["steering/sweep"]
    assert made["different"] == [] and np.isfinite(known.columns["estimate"]).any()
    for name in ("coefficient", "estimate", "n", "damaged"):
        assert np.array_equal(found.columns[name], known.columns[name], equal_nan=True), name
