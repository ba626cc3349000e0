"""Every importance method over NDIF gives what it gives over the local backend."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens.trace import Number
from tests.contract.test_importance import CASES

QUESTION = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
THOUGHT = "The weather is fine. At first there are 12 pears. Then 7 more come, so 12 + 7 = 19."
LONG = THOUGHT + " Next she gives 4 away, so 19 - 4 = 15. Wait, nobody asked for that. So 19 it is."
SHORT = {"max_new_tokens": 40, "n": 2}  # in place of what a case says, where it says something


@pytest.fixture(scope="module")
def both(running):
    """Abacus on the server and here."""
    return running.model("abacus", reader=Number()), cl.load("abacus", store=False)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_importance(case, both, loopback):
    case = dataclasses.replace(case, settings={k: SHORT.get(k, v) for k, v in case.settings.items()})
    results = []
    for model in both:
        trace = cl.Trace.from_text(
            QUESTION, LONG if case.name == "ReceiverHeads" else THOUGHT, "The answer is 19.", model=model
        )
        results.append(case.make().run(trace, model, seed=1))
    ours, theirs = results
    assert (ours.provenance.backend, theirs.provenance.backend) == ("ndif", "local")
    assert ours.provenance.cost.tokens > 0
    assert np.isfinite(ours.columns["estimate"]).any()
    np.testing.assert_array_equal(ours.columns["status"], theirs.columns["status"])
    for name in ("estimate", "low", "high"):
        np.testing.assert_allclose(ours.columns[name], theirs.columns[name], atol=2e-3, rtol=2e-3, err_msg=name)
