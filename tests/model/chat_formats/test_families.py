"""Every family of reasoning models: what it says is found, taken up again anywhere, scored, and changed inside."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch

from cotlens._core.errors import InputError
from cotlens.models.contract import EVER, Ablate, AddVector, BlockAttention, Branch, ClampFeature, Patch, Start
from cotlens.models.generation import traces
from cotlens.models.generation.sampling import rollout_seed
from cotlens.models.local.scoring import dispatch
from tests.model import family_fixtures, tiny
from tests.model.family_fixtures import FIXTURES, PACKED
from tests.reference.oracle import branch_logprobs

TOLERANCE = 2e-4
PROMPT = "Mia has 12 pears.\nHow many?"
THOUGHT, ANSWER = "12 and 7,\n\nwhich is 19.", "It is 19."
N, PREFIX = 30, 20
every_family = pytest.mark.parametrize("name", FIXTURES)
packed_family = pytest.mark.parametrize("name", PACKED)


def text_of(model, ids):
    return b"".join(model.codec.pieces(ids)).decode()


def lead_of(model, ids):
    return traces._lead(model.format, model.reader, ids)


def written(model, text):
    """(thought, answer, closed) of what a model wrote after the template; its markers are its own tokens."""
    opening = model.format.open(PROMPT)
    ids = opening.ids + model.format.codec.encode_template(text)
    found = model.format.segment(ids, opening.prompt[1], opening.begin, lead_of(model, ids[opening.begin :]))
    parts = [None if span is None else text_of(model, ids[slice(*span)]) for span in (found.thought, found.answer)]
    return (*parts, found.closed)


def composed(model):
    return model.compose(PROMPT, THOUGHT, ANSWER)


# ---------------------------------------------------------------- text


@every_family
def test_the_format_is_found_and_the_prompt_is_the_templates(name):
    fixture, model = FIXTURES[name], family_fixtures.model(name)
    assert model.format.name == fixture.form
    assert {fixture.eos} <= {text_of(model, [token]) for token in model.format.stop_ids}
    family = model.format.family
    messages = [{"role": "system", "content": family.system}] if family.system else []
    messages.append({"role": "user", "content": PROMPT})
    expected = model.codec.tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, enable_thinking=True, thinking=True
    )
    opening = model.format.open(PROMPT)
    assert opening.ids == list(expected["input_ids"])
    assert text_of(model, opening.ids[slice(*opening.prompt)]) == PROMPT
    assert opening.begin == len(opening.ids)
    assert model.format.thinking(opening.ids, opening.prompt[1]) == fixture.opened


@every_family
def test_thought_and_answer_are_found_in_what_it_writes(name):
    fixture, model = FIXTURES[name], family_fixtures.model(name)
    plain = model.format.plain
    answer = "The final answer is \\boxed{19}" if plain else "It is 19."
    thought, said, closed = written(model, fixture.said)
    assert (thought.strip(), said, closed) == ("First.", answer, True)
    assert written(model, fixture.unclosed) == ("First. Then", None, False)
    assert written(model, fixture.empty) == ("", answer, True)
    if not plain:
        thought = ("It is 19.", None) if fixture.opened else (None, "It is 19.")
        assert written(model, fixture.bare) == (*thought, False)


@every_family
def test_texts_and_ids_come_back(name):
    model = family_fixtures.model(name)
    trace = composed(model)
    assert (trace.prompt, trace.thought, trace.answer) == (PROMPT, THOUGHT, ANSWER)
    assert "".join(trace.tokens) == trace.text == text_of(model, trace.token_ids)
    assert trace.meta["thought_closed"]
    again = model.codec.encode_template(trace.text)
    assert text_of(model, again) == trace.text
    assert model.compose(PROMPT, THOUGHT, None).meta["thought_closed"] is False
    assert model.compose(PROMPT, "", ANSWER).thought == ""
    prefilled = model.format.open(PROMPT, "So 12")
    assert text_of(model, prefilled.ids).endswith("So 12")
    assert model.format.plain or model.format.thinking(prefilled.ids, prefilled.prompt[1])


@every_family
def test_truncated_and_taken_up_again_at_every_token(name):
    model = family_fixtures.model(name)
    trace = composed(model)
    thought, answer = trace.roles["thought"], trace.roles["answer"]
    for at in range(trace.meta["begin"], len(trace.token_ids)):
        rest = model.resume(trace, at=at, max_new_tokens=1, temperature=0)
        assert rest.token_ids[:at] == trace.token_ids[:at]
        assert (rest.rewritten_from, rest.prompt) == (at, PROMPT)
        if thought.start < at <= thought.end:
            assert rest.roles["thought"].start == thought.start
            assert trace.truncate(at).token_ids == trace.token_ids[:at]
        if at > answer.start and not model.format.plain:
            assert rest.roles["thought"] == thought
            assert rest.roles["answer"].start == answer.start
    cut = trace.truncate(thought.start + 3)
    assert model.resume(cut, max_new_tokens=4, temperature=0).token_ids == rolled(model, trace, thought.start + 3)


def rolled(model, trace, at):
    (found,) = model.rollouts([Start(trace, at)], max_new_tokens=4, temperature=0)
    return found[0].token_ids


@every_family
def test_closed_at_every_token_it_answers(name):
    model = family_fixtures.model(name)
    trace = composed(model)
    thought = trace.roles["thought"]
    for at in range(thought.start, thought.end + 1):
        branch = model.answer_branch(trace, at, "19")
        ids = [*trace.token_ids[:at], *branch.token_ids]
        before = text_of(model, trace.token_ids[thought.start : at])
        begin = trace.meta["begin"]
        found = model.format.segment(ids, trace.roles["prompt"].end, begin, lead_of(model, ids[begin:]))
        assert text_of(model, ids[slice(*found.thought)]).strip() == before.strip()
        assert text_of(model, ids[slice(*found.answer)]) == "The answer is 19"
        assert "19" in text_of(model, branch.token_ids[branch.value_start : branch.value_end])


# ---------------------------------------------------------------- numbers


def trunk_of(model, n=N):
    return np.random.default_rng(1).integers(0, model.engine.layout.vocabulary, n).tolist()


def forward(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model.engine.hf(torch.tensor([ids])).logits[0], -1)


def of(logits, ids, first=PREFIX):
    return [float(logits[t - 1, ids[t]]) for t in range(first, len(ids))]


def plainly(model, ids, branches, changes=()):
    return model.owner.run(lambda: dispatch.score(model.engine, ids, branches, changes, way="plain"))


@every_family
def test_packed_plain_and_transformers_agree(name):
    fixture, model = FIXTURES[name], family_fixtures.model(name)
    assert model.score_path.startswith("packed scoring" if fixture.kinds else "forked scoring, because it has linear")
    ids = trunk_of(model)
    expected = of(forward(model, ids), ids, 4)
    tail = tuple(ids[3:8])
    branches = [Branch(p, tuple(ids[p : p + 4])) for p in (4, 11, PREFIX)]
    for branch, fast, slow in zip(branches, model.score(ids, branches), plainly(model, ids, branches), strict=True):
        part = expected[branch.prefix - 4 : branch.prefix]
        np.testing.assert_allclose(fast.logprobs, part, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(slow.logprobs, part, atol=TOLERANCE, rtol=0)
    if not fixture.kinds:
        return
    hiding = [Branch(N, tail, (N - 1, 3)), Branch(12, tail[:3], (11, 10, 2)), Branch(N, tail, tuple(range(4, N - 4)))]
    kept = fixture.kinds[: len(model.engine.trunk.cache.layers)]
    for branch, fast, slow in zip(hiding, model.score(ids, hiding), plainly(model, ids, hiding), strict=True):
        apart = branch_logprobs(model.engine.hf, kept, ids, branch)
        np.testing.assert_allclose(fast.logprobs, apart, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(slow.logprobs, apart, atol=TOLERANCE, rtol=0)


@every_family
def test_rollouts_are_what_resume_writes(name):
    model = family_fixtures.model(name)
    trace = composed(model)
    at = trace.roles["thought"].start + 4
    (found,) = model.rollouts([Start(trace, at, range(3))], seed=5, max_new_tokens=5)
    seed = rollout_seed(5, trace.token_ids[:at])
    expected = model.resume(trace, at=at, n=3, seed=seed, max_new_tokens=5)
    assert [one.token_ids for one in found] == [one.token_ids for one in expected]
    assert len({one.token_ids for one in found}) > 1


RNG = np.random.default_rng(5)
VECTOR = RNG.normal(size=32).astype(np.float32)
ROWS = RNG.normal(size=(3, 32)).astype(np.float32)
ENCODER, DECODER = RNG.normal(size=(2, 32, 2)).astype(np.float32)


def edited(positions, change):
    """A hook that changes rows of a module's output."""

    def hook(module, args, output):
        x = (output[0] if isinstance(output, tuple) else output).clone()
        x[:, positions] = change(x[:, positions])
        return (x, *output[1:]) if isinstance(output, tuple) else x

    return hook


def held(x):
    """Two latents of a sparse autoencoder with rectified units held at 3 and 0.5."""
    return x + (torch.tensor([3.0, 0.5]) - torch.relu(x @ torch.tensor(ENCODER))) @ torch.tensor(DECODER.T)


CLAMP = ClampFeature(1, (0, 1), (3.0, 0.5), ENCODER, np.zeros(2), np.zeros(2), DECODER.T, positions=(5, 22))
CHANGES = {
    "add": (AddVector(1, VECTOR, (3, 22, 23), 2.0), edited([3, 22, 23], lambda x: x + torch.tensor(2 * VECTOR))),
    "from on": (AddVector(0, VECTOR, range(18, EVER)), edited(slice(18, None), lambda x: x + torch.tensor(VECTOR))),
    "ablate": (Ablate(1, (2, 21), site="resid_post"), edited([2, 21], torch.zeros_like)),
    "patch": (Patch(1, (24, 5, 7), ROWS), edited([24, 5, 7], lambda x: torch.tensor(ROWS)[None].expand_as(x))),
    "clamp": (CLAMP, edited([5, 22], held)),
}


@every_family
def test_interventions_are_those_of_hooks(name):
    model = family_fixtures.model(name)
    ids = trunk_of(model)
    branch = Branch(PREFIX, tuple(ids[PREFIX:]))
    ordinary = of(forward(model, ids), ids)
    for case, (change, hook) in CHANGES.items():
        path = model.engine.layout.layers[change.layer]
        handle = model.engine.hf.get_submodule(path).register_forward_hook(hook)
        try:
            expected = of(forward(model, ids), ids)
        finally:
            handle.remove()
        assert np.abs(np.subtract(expected, ordinary)).max() > 1e-3, case
        for score in (model.score(ids, [branch], interventions=change)[0], plainly(model, ids, [branch], (change,))[0]):
            np.testing.assert_allclose(score.logprobs, expected, atol=TOLERANCE, rtol=0, err_msg=case)


@every_family
def test_writing_under_an_intervention_is_scoring_under_it(name):
    model = family_fixtures.model(name)
    steer = AddVector(1, 3 * VECTOR, range(12, EVER))
    trace = model.reason(PROMPT, max_new_tokens=6, seed=4, interventions=steer)
    start = trace.meta["begin"]
    again = model.score(trace, [Branch(start, trace.token_ids[start:])], interventions=steer)[0]
    np.testing.assert_allclose(trace.logprobs[start:], again.logprobs, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(again.logprobs, _hooked_whole(model, trace, steer), atol=TOLERANCE, rtol=0)


def _hooked_whole(model, trace, steer):
    hook = edited(slice(12, None), lambda x: x + torch.tensor(steer.vector))
    module = model.engine.hf.get_submodule(model.engine.layout.layers[1])
    handle = module.register_forward_hook(hook)
    try:
        return of(forward(model, list(trace.token_ids)), trace.token_ids, trace.meta["begin"])
    finally:
        handle.remove()


def masked_by_hand(model, kinds, ids, queries, keys, layers, heads):
    """An ordinary forward whose attention modules are handed masks made here, from the kinds stated in the fixture."""
    apart = torch.arange(len(ids))[:, None] - torch.arange(len(ids))[None]
    with ExitStack() as stack:
        for layer, kind in enumerate(kinds):
            allowed = ((apart >= 0) & ((apart < tiny.WINDOW) | (kind == "F"))).repeat(4, 1, 1)
            for head in heads if layer in layers else ():
                allowed[head, queries, keys] = False
                allowed[head, keys, keys] = True  # a token is never cut from itself
            mask = torch.zeros(1, 4, *apart.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)

            def hook(module, args, kwargs, mask=mask):
                return args, {**kwargs, "attention_mask": mask}

            module = model.engine.hf.get_submodule(model.engine.layout.attention[layer])
            stack.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        return forward(model, ids)


@packed_family
@pytest.mark.parametrize(("layers", "heads"), [(None, None), ((0, 2), (1, 3))])
def test_blocked_attention_is_a_mask_made_by_hand(name, layers, heads):
    model, kinds = family_fixtures.model(name), FIXTURES[name].kinds
    ids = trunk_of(model)
    block = BlockAttention(range(16, EVER), (14,), layers, heads)
    everywhere = range(len(kinds)) if layers is None else layers
    logits = masked_by_hand(model, kinds, ids, slice(16, None), 14, everywhere, range(4) if heads is None else heads)
    branch = Branch(PREFIX, tuple(ids[PREFIX:]))
    for score in (model.score(ids, [branch], interventions=block)[0], plainly(model, ids, [branch], (block,))[0]):
        np.testing.assert_allclose(score.logprobs, of(logits, ids), atol=TOLERANCE, rtol=0)
    assert np.abs(np.subtract(of(logits, ids), of(forward(model, ids), ids))).max() > 1e-4


@every_family
def test_activations_are_those_of_hooks(name):
    model = family_fixtures.model(name)
    ids, last = trunk_of(model), model.n_layers - 1
    seen = {}

    def keep(module, args, output):
        seen["x"] = (output[0] if isinstance(output, tuple) else output)[0].clone()

    handle = model.engine.hf.get_submodule(model.engine.layout.layers[last]).register_forward_hook(keep)
    try:
        forward(model, ids)
    finally:
        handle.remove()
    found = model.read(ids, f"resid_post.{last}", positions=[25, 3])[f"resid_post.{last}"]
    np.testing.assert_allclose(found, seen["x"][[25, 3]], atol=TOLERANCE, rtol=0)


def test_positions_that_depend_on_the_length_are_not_outgrown():
    """Under LongRoPE a text's keys change once it is longer than the model was first trained on, here at 128."""
    model = family_fixtures.model("phi-4-mini-reasoning")
    assert model.context_length == 128
    longer = trunk_of(model, 129)
    assert (forward(model, longer[:128])[99] - forward(model, longer)[99]).abs().max() > 1e-2
    with pytest.raises(InputError, match="takes 1 to 128"):
        model.read(longer, "embed")
