"""Work that takes a model to stay as it is reads its weights once; all other work sees every change of them."""

import copy
import threading

import cotlens as cl
from tests.model import tiny


def read(model, monkeypatch):
    """How often the model's state is worked out from here on."""
    found, whole = [], model.engine.identity.state
    monkeypatch.setattr(model.engine.identity, "state", lambda: found.append(1) or whole())
    return found


def test_a_measure_reads_the_weights_once(monkeypatch):
    hf, tokenizer = tiny.pair("qwen3")
    model = cl.load((copy.deepcopy(hf), tokenizer), store=False)
    trace = model.compose("Mia has 12 pears.", "First I add 12 and 7. Then I think. It is 19.", "The answer is 19.")
    times = read(model, monkeypatch)
    method = cl.importance.EarlyAnswer(unit="sentence")
    first = method.run(trace, model)
    assert len(times) == 1
    model.engine.hf.model.layers[0].mlp.down_proj.weight.data.zero_()
    again = method.run(trace, model=model)
    assert len(times) == 2 and again.columns["estimate"].tolist() != first.columns["estimate"].tolist()
    assert again.provenance.weights != first.provenance.weights


def test_only_its_own_work_does(monkeypatch):
    """What another thread asks meanwhile is asked of the weights as they are then."""
    hf, tokenizer = tiny.pair("qwen3")
    model = cl.load((copy.deepcopy(hf), tokenizer), store=False)
    seen = {}
    with model.held():
        before = model.state
        model.engine.hf.model.norm.weight.data[0] += 1
        other = threading.Thread(target=lambda: seen.update(state=model.state))
        other.start()
        other.join()
        with model.held():
            assert model.state == before != seen["state"]
    assert model.state == seen["state"]
