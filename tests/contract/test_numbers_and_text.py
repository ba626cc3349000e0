"""Every public entry that takes numbers or text: what is none gets one clear sentence, never a TypeError."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.models.contract import Ablate, AddVector, BlockAttention, Branch, Patch, Start

WHOLE = [1.5, 1.0, np.float32(1.0), "1", float("nan"), float("inf"), 1j, [], True, -5]
REAL = ["1", float("nan"), float("inf"), 1j, [], True]
TEXT = ["\ud800", "half \udc00 a pair", 12, 1.5, b"x", ["a"]]
SHARE = [1.5, "1", float("nan"), float("inf"), 1j, [], True, -5, 0]  # or a number of them
V = np.ones(128, np.float32)


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(model):
    return model.compose("Mia has 12 pears.", "She buys 7 more, so 12 + 7 = 19. That is all.", "The answer is 19.")


@pytest.fixture(scope="module")
def sae():
    return cl.features.load_sae("abacus")


VECTOR = cl.steering.given(V, 1).on(1, 5.0)


def scored(model, *changes):
    return model.score([1, 2, 3], [Branch(2, (2,))], interventions=changes)


def at(trace):
    return trace.roles["thought"].start + 3


def written(how, **settings):
    """A call that writes: one setting of `reason`, `resume` or `rollouts`."""

    def call(model, trace, sae):
        given = {"max_new_tokens": 2, **settings}
        if how == "reason":
            return model.reason("Mia has 12 pears.", **given)
        if how == "resume":
            return model.resume(trace, at=at(trace), **given)
        return model.rollouts([Start(trace, at(trace))], **given)

    return call


def writing(name, values):
    ways = ("reason", "resume") if name == "n" else ("reason", "resume", "rollouts")
    return {f"{way}.{name}": (lambda x, way=way: written(way, **{name: x}), values) for way in ways}


def setting(method, name, values):
    kind = cl.steering.Sweep if method == "Sweep" else getattr(cl.importance, method)
    more = {"vector": VECTOR} if method == "Sweep" else {}
    return {f"{method}.{name}": (lambda x: lambda *_: kind(**more, **{name: x}), values)}


def opened(name, **more):
    return lambda x: lambda *_: cl.load("abacus", **more, **{name: x})


CALLS = {
    **writing("n", WHOLE), **writing("seed", [*WHOLE, None, 2**64]), **writing("max_new_tokens", WHOLE),
    **writing("temperature", [*REAL, -1]), **writing("top_p", [*REAL, 0, 1.5]), **writing("top_k", WHOLE),
    "reason.prompt": (lambda x: lambda m, t, s: m.reason(x, max_new_tokens=1), [t for t in TEXT if t != ["a"]]),
    "reason.prefill": (lambda x: lambda m, t, s: m.reason("Mia", prefill=x, max_new_tokens=1), TEXT),
    "resume.at": (lambda x: lambda m, t, s: m.resume(t, at=x, max_new_tokens=1), WHOLE),
    "Start.at": (lambda x: lambda m, t, s: Start(t, x) and m.rollouts([Start(t, x)]), WHOLE),
    "Start.indices": (lambda x: lambda m, t, s: Start(t, 20, [x]), WHOLE),
    "compose.thought": (lambda x: lambda m, t, s: m.compose("a", x, "b"), [*TEXT, None]),
    "compose.answer": (lambda x: lambda m, t, s: m.compose("a", "b", x), TEXT),
    "from_text.thought": (lambda x: lambda m, t, s: cl.Trace.from_text("a", x, "b", model=m), TEXT),
    "replace": (lambda x: lambda m, t, s: t.replace(t.spans("sentence")[0], x), [12, 1.5, b"x", ["a"], [1.5], None]),
    "truncate": (lambda x: lambda m, t, s: t.truncate(x), WHOLE),
    "score.trunk": (lambda x: lambda m, t, s: m.score([1, x], [Branch(1, (2,))]), [1.5, "1", None, 1j, [], -5]),
    "score.prefix": (lambda x: lambda m, t, s: m.score([1, 2], [Branch(x, (2,))]), WHOLE),
    "score.tokens": (lambda x: lambda m, t, s: m.score([1, 2], [Branch(1, (x,))]), [1.5, "1", None, 1j, [], -5]),
    "score.hidden": (lambda x: lambda m, t, s: m.score([1, 2, 3], [Branch(2, (1,), (x,))]), [1.5, "1", None, -5]),
    "score.given": (lambda x: lambda m, t, s: m.score([1, 2], [Branch(1, (1,), (), x)]), WHOLE),
    "read.positions": (lambda x: lambda m, t, s: m.read(t, "embed", positions=[x]), [1.5, "1", None, 1j, -5]),
    "read.sites": (lambda x: lambda m, t, s: m.read(t, x), [*TEXT, None]),
    "annotate.k": (lambda x: lambda m, t, s: m.annotate(t, k=x), WHOLE),
    "attention.heads": (lambda x: lambda m, t, s: m.attention(t, heads=[(0, x)]), WHOLE),
    "attention.spans": (lambda x: lambda m, t, s: m.attention(t, spans=[(0, x)]), WHOLE),
    "divergence.temperature": (
        lambda x: lambda m, t, s: m.divergence(t, [BlockAttention(range(9, 99), (3,))], [(20, 22)], temperature=x),
        [*REAL, 0, -1, 1e-307],
    ),
    "divergence.spans": (
        lambda x: lambda m, t, s: m.divergence(t, [BlockAttention(range(9, 99), (3,))], [(20, x)]), WHOLE,
    ),
    "gradient.at": (
        lambda x: lambda m, t, s: m.gradient(t, m.answer_branch(t, at(t), "19"), "embed", at=x), WHOLE,
    ),
    "answer_branch.at": (lambda x: lambda m, t, s: m.answer_branch(t, x, "19"), WHOLE),
    "answer_branch.value": (lambda x: lambda m, t, s: m.answer_branch(t, at(t), x), TEXT),
    "unembed": (lambda x: lambda m, t, s: m.unembed(x), ["a", b"x", ["a"], None, 1j]),
    "AddVector.layer": (lambda x: lambda m, t, s: scored(m, AddVector(x, V)), WHOLE),
    "AddVector.coefficient": (lambda x: lambda m, t, s: scored(m, AddVector(0, V, coefficient=x)), REAL),
    "AddVector.positions": (lambda x: lambda m, t, s: scored(m, AddVector(0, V, (x,))), [*WHOLE, 2**64]),
    "AddVector.vector": (lambda x: lambda m, t, s: scored(m, AddVector(0, x)), ["a", b"x", ["a"], None, 1j]),
    "Ablate.layer": (lambda x: lambda m, t, s: scored(m, Ablate(x)), WHOLE),
    "BlockAttention.queries": (lambda x: lambda m, t, s: scored(m, BlockAttention((x,), (0,))), WHOLE),
    "BlockAttention.layers": (lambda x: lambda m, t, s: scored(m, BlockAttention(None, (0,), (x,))), WHOLE),
    "Patch.positions": (lambda x: lambda m, t, s: scored(m, Patch(0, (x,), [V])), WHOLE),
    "clamp.latents": (
        lambda x: lambda m, t, s: cl.features.clamp(s, x),
        [one for one in WHOLE if not isinstance(one, list)],
    ),
    "clamp.values": (lambda x: lambda m, t, s: cl.features.clamp(s, 3, x), ["1", 1j, None, float("nan")]),
    "features.effect_of": (lambda x: lambda m, t, s: cl.features.features(t, m, s, effect_of=[x]), WHOLE),
    "features.selection": (lambda x: lambda m, t, s: cl.features.features(t, m, s, selection=(0, x)), WHOLE),
    "features.logits": (lambda x: lambda m, t, s: cl.features.features(t, m, s, logits=x), WHOLE),
    "top_logits.k": (lambda x: lambda m, t, s: cl.features.top_logits(m, s, [3], k=x), WHOLE),
    "Recipe.k": (lambda x: lambda *_: cl.features.Recipe(k=x), WHOLE),
    "Recipe.seed": (lambda x: lambda *_: cl.features.Recipe(seed=x), [*WHOLE, None, 2**64]),
    "Recipe.learning_rate": (lambda x: lambda *_: cl.features.Recipe(learning_rate=x), [*REAL, 0]),
    "Vector.layer": (lambda x: lambda *_: cl.steering.given(V, x), WHOLE),
    "Vector.at": (lambda x: lambda *_: VECTOR.at(x), REAL),
    "Vector.random": (lambda x: lambda *_: VECTOR.random(x), [*WHOLE, None]),
    "Vector.on": (lambda x: lambda *_: VECTOR.on(1, unit=x), ["1", 1j, [], True, None, -1]),
    "from_token": (lambda x: lambda m, t, s: cl.steering.from_token(m, x, layer=1), [1.5, None, 1j, [], True, -5]),
    "residual_norm": (lambda x: lambda m, t, s: cl.steering.residual_norm(m, x, t), WHOLE),
    "fit.texts": (lambda x: lambda m, t, s: cl.steering.fit(m, [x], ["d e f"], layer=1), ["a \ud800 b"]),
    "steer.at": (lambda x: lambda m, t, s: cl.steering.steer(m, t, (VECTOR, 0.1, "all"), at=x), WHOLE),
    "run.seed": (lambda x: lambda m, t, s: cl.importance.EarlyAnswer().run(t, m, seed=x), [*WHOLE, None, 2**64]),
    **setting("Resampling", "n", WHOLE), **setting("Resampling", "budget", WHOLE),
    **setting("Resampling", "max_new_tokens", WHOLE), **setting("Resampling", "temperature", [*REAL, -1]),
    **setting("Resampling", "top_p", [*REAL, 0]), **setting("Resampling", "top_k", WHOLE),
    **setting("Resampling", "alpha", [*REAL, -1]), **setting("Resampling", "half_width", [*REAL, 0]),
    **setting("Resampling", "target", TEXT), **setting("Resampling", "unit", TEXT),
    **setting("Resilience", "rounds", WHOLE), **setting("Counterfactual", "threshold", REAL),
    **setting("EarlyAnswer", "rivals", [one for one in WHOLE if one != "1"]),
    **setting("EarlyAnswer", "mask_lines", [1, "yes"]),
    **setting("Occlusion", "coarse", REAL), **setting("Gradient", "steps", WHOLE),
    **setting("Suppression", "temperature", [*REAL, 0, 1e-307]), **setting("ReceiverHeads", "proximity", WHOLE),
    **setting("ReceiverHeads", "top", SHARE), **setting("Filler", "filler", TEXT),
    **setting("Sweep", "seeds", WHOLE), **setting("Sweep", "controls", WHOLE), **setting("Sweep", "top_k", WHOLE),
    **setting("Sweep", "temperature", [*REAL, -1]), **setting("Sweep", "coefficients", [["1"], [None], [1j], "x"]),
    **setting("Sweep", "layers", [[1.5], ["1"], [None]]), **setting("Sweep", "max_new_tokens", WHOLE),
    "load": (lambda x: lambda *_: cl.load(x), [one for one in TEXT if one != "\ud800"]),
    "load.memory": (opened("memory"), [*WHOLE, 0]), "load.revision": (opened("revision"), TEXT),
    "load.backend": (opened("backend"), TEXT), "load.device": (opened("device"), [1.5, ["a"]]),
    "load.dtype": (opened("dtype"), [12, ["a"]]), "load.system": (opened("system"), TEXT),
    "load.endpoint": (opened("endpoint", backend="vllm"), TEXT),
    "load.together": (opened("together", backend="vllm", endpoint="http://127.0.0.1:9/v1"), [*WHOLE, 0]),
    "load.timeout": (opened("timeout", backend="vllm", endpoint="http://127.0.0.1:9/v1"), [*REAL, 0]),
    "load.context_length": (opened("context_length", backend="vllm", endpoint="http://127.0.0.1:9/v1"), WHOLE),
    "Trace.load": (lambda x: lambda *_: cl.Trace.load(x), [*TEXT, None]),
    "Trace.save": (lambda x: lambda m, t, s: t.save(x), [12, None, b"x", ["a"], "\ud800"]),
    "load_result": (lambda x: lambda *_: cl.load_result(x), [*TEXT, None]),
    "load_vector": (lambda x: lambda *_: cl.steering.load_vector(x), [12, None, ["a"], "\ud800"]),
    "read_rollouts": (lambda x: lambda *_: cl.read_rollouts(x), [12, None, ["a"], "\ud800"]),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_number_or_text_is_refused_in_one_sentence(call, model, trace, sae):
    make, values = CALLS[call]
    for value in values:
        with pytest.raises(InputError) as caught:
            make(value)(model, trace, sae)
        sentence = str(caught.value)
        assert sentence.rstrip().endswith((".", "?")) and len(sentence) < 400, (value, sentence)


def test_numbers_of_numpy_are_numbers(model, trace):
    settings = {"seed": np.int64(3), "max_new_tokens": np.int32(2), "temperature": np.float32(0.5), "top_k": np.int8(5)}
    found = model.reason("Mia has 12 pears.", n=np.int64(1), **settings)
    plain = model.reason("Mia has 12 pears.", seed=3, max_new_tokens=2, temperature=0.5, top_k=5)
    assert found.token_ids == plain.token_ids and found.meta == plain.meta
    assert type(found.meta["seed"]) is int and type(found.meta["temperature"]) is float
    assert model.score(np.array([1, 2]), [Branch(np.int64(1), (np.int32(5),))])[0].logprobs.shape == (1,)


@pytest.mark.parametrize("how", ["reason", "resume", "rollouts"])
def test_a_wide_seed_writes_its_own_text(how, model, trace):
    def tokens(seed):
        found = written(how, seed=seed, max_new_tokens=24, temperature=3.0, top_p=1.0)(model, trace, None)
        return (found[0][0] if how == "rollouts" else found).token_ids

    assert len({tokens(seed) for seed in (0, 2**32, 2**63, 2**64 - 1)}) == 4
