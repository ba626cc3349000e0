"""What a server's best tokens tell of a difference: the log-ratio as it is, lower bounds of the divergences."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.measure.diff.table import BOUND
from cotlens.models.contract import Capability
from cotlens.results.certainty import CERTAINTIES, certainty
from tests.model import tiny
from tests.remote.dialect_server import Dialect, serving
from tests.remote.endpoint import PROMPT, connect


@pytest.fixture(scope="module")
def tuned():
    """The served model with other weights in its last layers, so that it expects other tokens; its own logits surer."""
    hf, tokenizer = tiny.pair("qwen3")
    other = copy.deepcopy(hf)
    with torch.no_grad():
        other.model.norm.weight.mul_(3)
    return cl.load((other, tokenizer), store=False)


def test_bounds_hold_and_say_that_they_are_bounds(tuned, qwen):
    trace = qwen.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")
    with serving(Dialect(tiny.pair("qwen3"))) as url:
        told = cl.diff(tuned, connect(url), trace)
    exact = cl.diff(tuned, qwen, trace)
    assert set(told.columns["status"]) == {BOUND} and set(exact.columns["status"]) == {"exact"}
    np.testing.assert_allclose(told.columns["log_ratio"], exact.columns["log_ratio"], atol=1e-3)
    for name in ("kl", "kl_back", "js", "estimate"):
        assert (told.columns[name] <= exact.columns[name] + 1e-4).all(), name
        assert (told.columns[name] > 0.2 * exact.columns[name]).all(), name
    assert (told.columns["low"] == told.columns["estimate"]).all() and np.isnan(told.columns["high"]).all()
    assert "at least" in repr(told) and "lower bounds" in repr(told)
    assert CERTAINTIES.index("exact") not in certainty(told)
    assert told.columns["gained"][0]


def test_a_server_that_gives_none_is_refused(qwen):
    trace = qwen.compose(PROMPT, "First I add 12 and 7.", "The answer is 19.")
    with serving(Dialect(tiny.pair("qwen3"))) as url:
        server = connect(url)
    server.capabilities &= ~Capability.SCORE
    with pytest.raises(CapabilityError, match="gives no log-probabilities"):
        cl.diff(qwen, server, trace)
