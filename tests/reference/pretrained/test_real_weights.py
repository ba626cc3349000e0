"""SmolLM2-135M-Instruct, its 30 layers and 49,152 tokens: what CoTLens does with it is what plain transformers does.

Forced answers on it are held to transformers in `test_forced`, what can be read and changed in `test_trial`.
"""

import dataclasses

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens.measure import steering
from cotlens.measure.importance import METHODS
from cotlens.models.contract import AddVector, Branch, Start
from tests import pretrained

PROMPT = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
THOUGHT = "Mia starts with 12. It is a sunny day. She likes pears. She buys 7 more. So 12 + 7 = 19. That makes 19."
NEW = 6
SOME = "two sentences"  # where to sample from: each costs rollouts
SAMPLED = {"n": 2, "max_new_tokens": NEW}
MEASURES = {
    "EarlyAnswer": {"unit": "token", "refine": 0.2},
    "Occlusion": {"effect": "total", "unit": "sentence"},
    "Gradient": {"unit": "sentence"},
    "Suppression": {"unit": "sentence"},
    "ReceiverHeads": {"unit": "sentence", "proximity": 1},
    "Resampling": {**SAMPLED, "spans": SOME},
    "Counterfactual": {**SAMPLED, "spans": SOME, "embedder": "residual"},
    "Resilience": {**SAMPLED, "spans": SOME, "rounds": 1, "embedder": "residual"},
    "Filler": {**SAMPLED, "spans": SOME},
    "Paraphrase": {**SAMPLED, "spans": SOME, "rewriter": lambda text: text.replace("buys", "purchases")},
    "Mistake": {**SAMPLED, "spans": SOME},
}


@pytest.fixture(scope="module")
def model():
    return pretrained.model()


@pytest.fixture(scope="module")
def trace(model):
    return told(model, THOUGHT)


@pytest.fixture(scope="module")
def short(model):
    """Its last sentences, for what is asked at every token."""
    return told(model, THOUGHT[THOUGHT.index("She buys") : THOUGHT.index(" That makes")])


def told(model, thought):
    made = cl.Trace.from_text(PROMPT, thought, "The answer is 19.", model=model)
    return dataclasses.replace(made, reader=cl.answers.Number())


def generated(ids, most):
    """What transformers writes after these ids, taking the likeliest token."""
    hf, tokenizer = pretrained.pair()
    given = torch.tensor([ids])
    with torch.inference_mode():
        found = hf.generate(
            given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=most,
            pad_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
    return tuple(found[0].tolist())


def logprobs(ids, hook=None):
    """Log-probabilities of transformers alone, [tokens, vocabulary]; `hook` acts on the output of layer 20."""
    hf, _ = pretrained.pair()
    handle = hf.model.layers[20].register_forward_hook(hook) if hook else None
    try:
        with torch.no_grad():
            return torch.log_softmax(hf(torch.tensor([ids])).logits[0].double(), -1).numpy()
    finally:
        if handle:
            handle.remove()


def test_the_main_job_is_what_transformers_writes(model, trace):
    """Ask, edit, go on: prompts by the model's own template, untouched ids bit for bit, greedy text of `generate`."""
    _, tokenizer = pretrained.pair()
    asked = [{"role": "user", "content": PROMPT}]
    template = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=True)["input_ids"]
    fresh = model.reason(PROMPT, temperature=0, max_new_tokens=NEW)
    assert fresh.token_ids == generated(template, NEW)
    for one in model.reason(["Why?", PROMPT], temperature=0, max_new_tokens=NEW):
        assert one.token_ids == generated(one.token_ids[: one.meta["begin"]], NEW), "nor by what stands beside it"
    edited = trace.replace("12 + 7 = 19", "12 + 7 = 20")
    at = edited.resume_at
    again = model.resume(edited, temperature=0, max_new_tokens=NEW)
    assert again.token_ids[:at] == edited.token_ids[:at] and again.token_ids == generated(edited.token_ids[:at], NEW)
    rows = logprobs(trace.token_ids)
    found = model.annotate(trace).logprobs[1:]
    own = rows[np.arange(len(trace.token_ids) - 1), list(trace.token_ids[1:])]
    np.testing.assert_allclose(found, own, atol=2e-3)


def test_rollouts_written_together_are_each_what_transformers_writes(model, trace):
    starts = [Start(trace, span.start, range(1)) for span in trace.spans("sentence")[1:3]]
    for start, (one,) in zip(starts, model.rollouts(starts, temperature=0, max_new_tokens=NEW), strict=True):
        assert one.token_ids == generated(trace.token_ids[: start.at], NEW)
    seeded = [model.rollouts(starts[:1], seed=3, max_new_tokens=3, temperature=1.0)[0][0].token_ids for _ in range(2)]
    assert seeded[0] == seeded[1]


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_runs_and_says_what_it_found(model, trace, short, name):
    settings = dict(MEASURES[name])
    trace = short if settings.get("unit") == "token" else trace
    if settings.get("spans") is SOME:
        settings["spans"] = trace.spans("sentence")[3:5]
    result = METHODS.get(name)(**settings).run(trace, model, seed=1)
    assert len(result) and (result.columns["status"] != "").all()
    measured = np.isin(result.columns["status"].astype(str), ("ok", "exact"))
    assert np.isfinite(result.columns["estimate"][measured]).all()
    if name not in ("Counterfactual", "Resilience", "Filler", "Resampling", "ReceiverHeads", "Paraphrase", "Mistake"):
        assert measured.any(), set(result.columns["status"])


def test_the_table_has_every_measure():
    assert set(MEASURES) == set(METHODS)


def test_a_mistake_surprises_as_much_as_transformers_says(model, trace):
    [span] = trace.spans("sentence")[4:5]
    result = METHODS.get("Mistake")(**SAMPLED, spans=[span]).run(trace, model, seed=1)
    [text] = result.columns["rewritten"]
    assert text != "So 12 + 7 = 19." and text.startswith("So 12 + 7 = ")
    edited = trace.replace((span.char_start, span.char_end), text)
    first, last = edited.edit.start_token, edited.edit.end_token
    rows = logprobs(edited.token_ids[:last])
    own = [rows[at - 1, edited.token_ids[at]] for at in range(first, last)]
    np.testing.assert_allclose(result.columns["surprise"], -np.mean(own), atol=2e-3)


def test_suppression_is_a_masked_pass_of_transformers(model, trace):
    from tests.benchmarks.suppression import plain_kl, plain_logits

    hf, spans = pretrained.pair()[0], trace.spans("sentence")
    ids = trace.token_ids[: spans[-1].end]
    found = cl.importance.Suppression().run(trace, model).extras["kl"]
    expected = plain_kl(hf, ids, plain_logits(hf, ids, (0, 0)), spans[0], spans)
    np.testing.assert_allclose(found[1:, 0], expected[1:], rtol=2e-2, atol=1e-4)


def test_steering_is_a_hook_that_adds(model, trace):
    sides = (["Wait, let me check that again.", "Hmm, is that right?"], ["It is 19.", "She has 12 pears."])
    vector = steering.fit(model, *(steering.thoughts(model, side, PROMPT) for side in sides), layer=20)
    added = torch.from_numpy(4.0 * vector.values)

    def hook(module, args, output):
        return (output[0] + added, *output[1:]) if isinstance(output, tuple) else output + added

    ids, at = trace.token_ids, len(trace.token_ids) - 4
    changes = AddVector(20, 4.0 * vector.values, tuple(range(len(ids))))
    (found,) = model.score(ids[:at], [Branch(at, ids[at:])], interventions=changes)
    rows = logprobs(ids, hook)[at - 1 : -1]
    expected = rows[np.arange(len(ids) - at), list(ids[at:])]
    np.testing.assert_allclose(found.logprobs, expected, atol=2e-3)
    assert np.abs(expected - logprobs(ids)[at - 1 : -1][np.arange(len(ids) - at), list(ids[at:])]).max() > 0.01


def test_the_editor_shades_it_and_goes_on_from_an_edit(model, short):
    trace = short
    editor = cl.CoTEditor(model, trace, measure="early-answer")
    try:
        assert editor.wait(300) and editor.error == ""
        values = np.frombuffer(editor.view.shading_values, np.float32)
        assert len(values) == len(trace.spans("token")) and np.isfinite(values).all() and np.abs(values).max() > 0
        curve = np.frombuffer(editor.view.strip_values, np.float32).reshape(-1, len(editor.view.strip["answers"]) + 1)
        assert editor.view.strip["answers"][0] == "19" and (curve >= 0).all() and (curve <= 1).all()
        editor._on_message(None, {"request_id": 1, "kind": "limits", "max_new_tokens": NEW, "temperature": 0.0})
        start = trace.text.index("12 + 7 = 19") + len("12 + 7 = ")
        edit = {"kind": "edit", "document": trace.id, "start": start, "end": start + 2, "text": "20"}
        editor._on_message(None, {"request_id": 2, **edit})
        assert editor.wait(300) and editor.error == ""
        assert editor.trace.edit.new == "20" and editor.trace.token_ids[: editor.trace.resume_at][-1:]
    finally:
        editor.cancel()
        editor.wait(60)
