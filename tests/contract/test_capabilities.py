"""Every measurement on every backend: it runs where what it needs is offered, and is refused with a backend otherwise.

The table in README says the same.
"""

from functools import reduce
from operator import or_

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.models.contract import Capability
from cotlens.models.contract.capability import OFFERS, offering, remedy
from cotlens.models.load import BACKENDS
from tests.contract.test_model import MODELS
from tests.model.measure.test_features import random_sae
from tools import capability_table as tables

ROWS = {row.title: row for row in tables.rows()}
PROMPT = "Mia has 12 pears."
THOUGHT = "First I add 12 and 7. It is 19. That is all."
LONG = " ".join([THOUGHT] * 4)  # receiver heads are told apart by how readers of many sentences differ
FEW = {"unit": "sentence", "n": 2, "max_new_tokens": 3, "target": "19"}
SAMPLED = ("Counterfactual", "Filler", "Mistake", "Paraphrase", "Resampling", "Resilience")
SETTINGS = {
    **dict.fromkeys(SAMPLED, FEW),
    "EarlyAnswer": {"unit": "sentence", "target": "19"},
    "Occlusion": {"unit": "sentence", "target": "19"},
    "Gradient": {"target": "19"},
    "Suppression": {"unit": "sentence"},
    "ReceiverHeads": {"unit": "sentence", "proximity": 2},
    "Resilience": {**FEW, "rounds": 1},
    "Paraphrase": {**FEW, "rewriter": str.upper},
}
KINDS = {backend: next((name for name in MODELS if name.startswith(backend)), None) for backend in BACKENDS}


EMBEDDED = "vllm, in this process"


@pytest.fixture(scope="module", params=[*KINDS.values(), *({EMBEDDED} & set(MODELS))])
def kind(request):
    """The first model of a backend in the contract tests, and vLLM's engine where it is installed."""
    return request.param


def run(row, model):
    """The measurement of a row on a short trace."""
    room, name = row.name.split(".")
    trace = model.compose(PROMPT, LONG if name == "ReceiverHeads" else THOUGHT, "The answer is 19.")
    if room == "importance":
        settings = {**SETTINGS[name], **dict(row.settings)}
        return getattr(cl.importance, name)(**settings).run(trace, model).columns["estimate"]
    if name == "fit":
        return cl.steering.fit(model, ["First I add."], ["The end."], layer=1).values
    if name == "Sweep":
        vector = cl.steering.Vector("any", 1, np.ones(32, np.float32), 1.0)
        sweep = cl.steering.Sweep(vector=vector, coefficients=(0.5,), seeds=1, controls=0, max_new_tokens=3)
        return sweep.run(trace, model).columns["estimate"]
    more = {"effect_of": (0,), "estimate": True, "target": "19"} if row.how else {}
    return cl.features.features(trace, model, random_sae(), **more).columns["estimate"]


@pytest.mark.parametrize("title", ROWS)
def test_a_row_runs_where_the_table_says_so(title, kind):
    row, model = ROWS[title], MODELS[kind]()
    never = {"no"} if kind == EMBEDDED else {"no", "in this process"}
    if row.needs in model.capabilities:
        assert len(run(row, model)) > 0
        assert tables.cell(row.needs, model.backend) not in never
        return
    assert tables.cell(row.needs, model.backend) in never
    with pytest.raises(CapabilityError, match='backend="local"'):
        run(row, model)


@pytest.mark.parametrize("name", MODELS)
def test_no_model_claims_more_than_its_backend_offers(name):
    model = MODELS[name]()
    offered = [OFFERS[backend] for backend in model.backend.split(" + ")]
    assert model.capabilities in reduce(or_, offered)


def test_every_backend_has_a_model_in_the_contract():
    assert all(KINDS.values()), KINDS
    assert set(OFFERS) == set(BACKENDS)


def test_a_remedy_names_who_can():
    assert offering(Capability.GRADIENT) == [name for name in BACKENDS if Capability.GRADIENT in OFFERS[name]]
    assert remedy(Capability.GRADIENT, "vllm").startswith('load the model with backend="local"')
    assert "serve the model with vLLM or llama.cpp, or load" in remedy(Capability.SCORE, "vllm")
    assert 'backend="vllm"' not in remedy(Capability.SCORE, "vllm")
    assert "plain attention" in remedy(Capability.HIDE, "local")


def test_readme_shows_the_table():
    shown = tables.in_readme(tables.README.read_text(encoding="utf-8"))
    assert shown == tables.table(), "run python tools/capability_table.py --write"
