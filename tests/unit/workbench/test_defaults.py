"""What opens without a choice, on models that can do little: there is shading, or one sentence, and never nothing."""

import re

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CotLensError
from cotlens.models.load import load
from cotlens.workbench.editor.offers.offering import _hidden_in, default
from tests.contract.test_model import MODELS, TEXT_ONLY, endpoint
from tests.model import hybrids, tiny
from tests.model.measure.test_features import random_sae

THOUGHT = "First I add 12 and 7. It is 19."
RULES = cl.monitors.Rules(equations=True)
SENTENCE = re.compile(r"[A-Z“].*[.!?]$", re.DOTALL)


def _bare():
    hf, _ = tiny.pair("qwen3")
    return load((hf, tiny.tokenizer(template=None)), format=("<reasoning>", "</reasoning>"), store=False)


KINDS = {
    "plain attention": (lambda: tiny.model("qwen3"), "occlusion-direct", ""),
    "a hybrid": (lambda: hybrids.model("qwen3_5"), "occlusion-mean", "hidden in the attention of 1 of 3 layers"),
    "no attention": (lambda: hybrids.model("mamba"), "occlusion-mean", "hidden in the attention of 0 of 3 layers"),
    "a server that scores": (MODELS["vllm"], "occlusion-swap", "needs HIDE"),
    # With little room, as its rollouts are of a random model that never ends by itself.
    "a server without scores": (lambda: endpoint(**TEXT_ONLY, context=128), "resampling", "needs SCORE and HIDE"),
    "no chat template": (_bare, "occlusion-direct", ""),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    make, measure, why = KINDS[request.param]
    model = make()
    return model, model.compose("Mia has 12 pears.", THOUGHT, "The answer is 19."), measure, why


def test_the_editor_takes_the_first_measure_that_the_model_can_be_asked(kind):
    model, trace, measure, why = kind
    editor = cl.CoTEditor(model, trace)
    assert editor.wait(120)
    view = editor.view
    assert view.selection["measure"] == measure
    assert (why in editor.why) and bool(editor.why) is bool(why)
    assert editor.why in view.head["note"]
    (entry,) = [entry for entry in view.measures if entry["id"] == measure]
    assert entry["available"] and editor.why in entry["question"]
    if view.shading:
        known = np.isfinite(np.frombuffer(view.shading_values, "<f4"))
        assert known.any() or [view.shading_status[str(row)] for row in range(len(known))]
    else:  # what takes long waits, and says what it would cost
        assert entry["asks"] and entry["cost"]


def test_a_unit_alone_is_kept():
    model = hybrids.model("qwen3_5")
    found = {unit: default(model, unit)[0] for unit in ("sentence", "group", "span", "")}
    assert {unit: one.measure for unit, one in found.items()} == {
        **dict.fromkeys(("sentence", "span", ""), "occlusion-mean"), "group": "occlusion-copies",
    }  # fmt: skip
    assert found["group"].unit == "group" and found["sentence"].unit == "sentence"


def test_other_widgets_show_something_or_say_why_not(kind):
    model, trace, _, _ = kind
    opened = {
        "map": lambda: cl.ImportanceMap(cl.importance.Occlusion(unit="sentence", mode="swap").run(trace, model)),
        "pairs": lambda: cl.show(cl.importance.Suppression.pairs(cl.importance.Suppression().run(trace, model))),
        "features": lambda: cl.FeatureTable(model, trace, random_sae()),
        "rollouts": lambda: cl.RolloutMap(model.reason("Mia has 12 pears.", n=2, max_new_tokens=3), model),
        "monitors": lambda: cl.MonitorPanel(RULES.run([trace])),
        "steering": lambda: cl.SteeringPanel(model, trace, cl.steering.fit(model, ["First."], ["The end."], layer=1)),
    }
    for name, open_it in opened.items():
        shown, said = _opened(open_it)
        assert SENTENCE.match(said) if shown is None else len(repr(shown)) > 20, (name, said)
        assert "\n" not in said and "object at" not in repr(shown), name


def _opened(open_it):
    """What opens, or the sentence that says why it doesn't."""
    try:
        widget = open_it()
    except CotLensError as error:
        return None, str(error)
    assert not hasattr(widget, "wait") or widget.wait(120)
    return widget, ""


def test_layers_that_all_attend_beside_a_state_are_not_said_to_be_few():
    assert _hidden_in(1, 3) == "tokens can be hidden in the attention of 1 of 3 layers only"
    assert "all 3 layers, but stay in the state" in _hidden_in(3, 3)
