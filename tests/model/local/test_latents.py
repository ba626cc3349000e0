"""Thinking in latents: fast ways against whole passes of plain transformers, and traces that hold latents."""

import dataclasses

import numpy as np
import pytest
import torch

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import CapabilityError, InputError
from cotlens.measure.answers.forced import ForcedQuery
from cotlens.models.contract import AddVector, Branch, LatentRow
from cotlens.models.contract.latents import LatentFormat
from cotlens.models.local.model import LocalModel
from cotlens.trace import Trace
from cotlens.trace.collection.traces import Traces
from cotlens.trace.latents import name_of
from tests.model import tiny, tiny_latent

FAMILIES = ("qwen3", "gemma3", "gpt2", "gpt_oss")
"""Plain attention, sliding windows shorter than the texts, learned positions, and sinks."""
CLOSE = {"rtol": 1e-3, "atol": 2e-3}


def prefix_of(trace):
    return list(trace.token_ids[: trace.latent_tokens[0]])


@pytest.mark.parametrize("family", FAMILIES)
def test_latents_are_those_of_whole_passes(family):
    model, trace = tiny_latent.model(family), tiny_latent.trace(family)
    assert trace.latents.shape == (tiny_latent.STEPS, tiny_latent.WIDTH)
    assert trace.latent_tokens.tolist() == list(range(trace.latent_tokens[0], trace.latent_tokens[0] + 5))
    latents, inputs = tiny_latent.thought(model, prefix_of(trace), 5)
    np.testing.assert_allclose(trace.latents, latents, **CLOSE)
    words = trace.token_ids[trace.latent_tokens[-1] + 1 :]
    told = tiny_latent.logprobs(model, inputs, words)
    np.testing.assert_allclose(trace.logprobs[-len(words) :], told, **CLOSE)
    scored = model.score(trace, [Branch(len(trace.token_ids) - len(words), words)])[0]
    np.testing.assert_allclose(scored.logprobs, told, **CLOSE)
    annotated = model.annotate(trace)
    np.testing.assert_allclose(annotated.logprobs[-len(words) :], told, **CLOSE)
    assert np.isnan(annotated.logprobs[trace.latent_tokens]).all()
    seen = model.read(trace, "embed", positions=trace.latent_tokens)["embed"]
    np.testing.assert_allclose(seen, model.latent_format.feedback(trace.latents), **CLOSE)


def test_thoughts_side_by_side_are_those_alone():
    """Prompts of any length and any number of latents: padding is neither attended to nor counted."""
    model = tiny_latent.model("gemma3")
    prompts = [tiny_latent.PROMPT, "Why?", "The final answer is " * 6]
    together = model.reason(prompts, latents=4, max_new_tokens=2)
    for prompt, trace in zip(prompts, together, strict=True):
        np.testing.assert_allclose(trace.latents, model.reason(prompt, latents=4, max_new_tokens=2).latents, **CLOSE)
        np.testing.assert_allclose(trace.latents, tiny_latent.thought(model, prefix_of(trace), 4)[0], **CLOSE)
    for trace in model.reason(["Why?"], n=2, max_new_tokens=2, seed=1):
        assert trace.latents.shape[0] == tiny_latent.STEPS
    assert len(model.reason("Why?", latents=0, max_new_tokens=1).latents) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_lockstep_is_what_one_thought_after_the_other_gives(family):
    model, trace = tiny_latent.model(family), tiny_latent.trace(family)
    rng, begin = np.random.default_rng(1), int(trace.latent_tokens[0])
    other, zero = rng.normal(size=tiny_latent.WIDTH).astype(np.float32), np.zeros(tiny_latent.WIDTH, np.float32)
    replaced = [{}, {0: other}, {2: zero}, {1: other, 3: zero}, {4: other}]
    end, words = begin + 5, trace.token_ids[begin + 5 : begin + 8]
    branches = [Branch(end, words), Branch(end, (*words[:2], 7), given=1), Branch(begin + 2, words)]
    rows = [LatentRow(one, effect, branches) for effect in ("total", "direct") for one in replaced]
    before = model.meter.snapshot()
    runs = model.think(trace, rows)
    spent = model.meter.since(before)
    assert spent.forwards == 1 + 5 + 1  # the thought as it is, a pass over one position each, the answers
    for row, run in zip(rows, runs, strict=True):
        held = trace.latents if row.effect == "direct" else None
        latents, inputs = tiny_latent.thought(model, prefix_of(trace), 5, dict(row.replaced), held)
        np.testing.assert_allclose(run.latents, latents, **CLOSE)
        whole, given, early = run.scores
        np.testing.assert_allclose(whole.logprobs, tiny_latent.logprobs(model, inputs, words), **CLOSE)
        np.testing.assert_allclose(
            given.logprobs[1:], tiny_latent.logprobs(model, inputs, (*words[:2], 7))[1:], **CLOSE
        )
        stopped = tiny_latent.logprobs(model, inputs[:, : begin + 2], words)
        np.testing.assert_allclose(early.logprobs, stopped, **CLOSE)


def test_forced_answers_behind_latents_are_scored_alike_everywhere():
    """At every place: scored by themselves, and behind a row of lockstep that replaces nothing."""
    model, trace = tiny_latent.model(), tiny_latent.trace()
    places = [*trace.latent_tokens.tolist(), int(trace.latent_tokens[-1]) + 1]
    asked = [ForcedQuery(model.answer_branch(trace, at, "19"), at) for at in places]
    text = b"".join(model.codec.pieces(asked[2].answer.token_ids)).decode()
    assert text.startswith("\n</think>"), "a latent ends no line"
    alone = [
        one.read(model.score(trace.truncate(at), one.branches())).log_probability
        for one, at in zip(asked, places, strict=True)
    ]
    together = model.score(trace, [branch for one in asked for branch in one.branches()])
    later = asked[1:]
    run = model.think(trace, [LatentRow(branches=[branch for one in later for branch in one.branches()])])[0]
    scores, behind = iter(together), iter(run.scores)
    told = [one.read([next(scores) for _ in one.branches()]).log_probability for one in asked]
    np.testing.assert_allclose(told, alone, **CLOSE)
    assert len(set(np.round(told, 3))) == len(told), "the place matters"
    rows = [one.read([next(behind) for _ in one.branches()]).log_probability for one in later]
    np.testing.assert_allclose(rows, told[1:], **CLOSE)


def test_a_branch_with_latents_has_those_of_the_trace():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    cut = int(trace.latent_tokens[1])
    tail = trace.token_ids[cut + 1 :]  # without latent 1
    scored = model.score(trace, [Branch(cut, tail, given=len(tail) - 6), Branch(3, (5, 6))])[0]
    shorter = trace.delete(trace.spans("sentence")[1])
    assert shorter.token_ids == (*trace.token_ids[:cut], *tail)
    np.testing.assert_array_equal(shorter.latents, np.delete(trace.latents, 1, 0))
    told = model.annotate(shorter).logprobs
    np.testing.assert_allclose(scored.logprobs[-6:], told[-6:], **CLOSE)


def test_gradients_go_through_what_latents_read():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    at = int(trace.latent_tokens[-1]) + 1
    answer = model.answer_branch(trace, at, "19")
    found = model.gradient(trace, answer, "embed", at=at, metric="log_probability")
    step, place = 1e-3, int(trace.latent_tokens[2])
    slope = found.gradients["embed"][place]
    push = slope / np.linalg.norm(slope)
    embeddings = found.activations["embed"].copy()
    embeddings[place] += step * push
    moved = model.gradient(trace, answer, "embed", at=at, metric="log_probability", embeddings=embeddings)
    assert moved.value - found.value == pytest.approx(step * np.linalg.norm(slope), rel=0.05)


# ---------------------------------------------------------------- traces


def test_a_trace_of_latents_is_kept_by_files(tmp_path):
    model, trace = tiny_latent.model(), tiny_latent.trace()
    assert "".join(trace.tokens) == trace.text
    edited = trace.replace(trace.spans("sentence")[1], -trace.latents[1:2])
    edited.save(tmp_path / "one.json")
    Traces([trace, edited]).save(tmp_path / "many")
    for back in (Trace.load(tmp_path / "one.json", model=model), Traces.load(tmp_path / "many", model=model)[1]):
        assert back == edited and back.parent == trace
        np.testing.assert_array_equal(back.latents, edited.latents)
        np.testing.assert_array_equal(back.latent_tokens, edited.latent_tokens)
    summary = Traces.load(tmp_path / "many", model=model)
    assert [one.id for one in summary] == [trace.id, edited.id]
    other = dataclasses.replace(trace, latents=trace.latents + 1e-3)
    assert other != trace, "the vectors are part of what a trace is"


def test_each_latent_is_a_unit_with_a_name():
    trace = tiny_latent.trace()
    for unit in ("sentence", "paragraph", "step"):
        spans = trace.spans(unit)
        assert [span.unit for span in spans[:5]] == ["latent"] * 5 and spans[5].unit == unit
        assert [name_of(trace, span) for span in spans[:5]] == [f"latent {i}" for i in range(5)]
        assert {at for span in spans for at in range(span.start, span.end)} <= set(range(34, 45))
    assert len(trace.spans("token")) == trace.roles["thought"].end - trace.roles["thought"].start


def test_latents_are_edited_and_thought_on():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    third = trace.spans("sentence")[2]
    vector = np.ones((1, tiny_latent.WIDTH), np.float32)
    edited = trace.replace(third, vector)
    np.testing.assert_array_equal(edited.latents[[0, 1, 3, 4]], trace.latents[[0, 1, 3, 4]])
    total = model.resume(edited, max_new_tokens=3)
    assert total.edit == edited.edit and total.rewritten_from == third.end
    run = model.think(trace, [LatentRow({2: vector[0]})])[0]
    np.testing.assert_allclose(total.latents, run.latents, **CLOSE)
    early = model.resume(trace.truncate(third), max_new_tokens=3)
    np.testing.assert_array_equal(early.latents, trace.latents[:2])
    more = model.resume(trace.truncate(third), latents=3, max_new_tokens=3)
    np.testing.assert_allclose(more.latents, trace.latents, **CLOSE)
    longer = trace.insert(third, np.concatenate([vector, vector]))
    assert longer.latents.shape == (7, tiny_latent.WIDTH) and len(longer.latent_tokens) == 7
    closed = model.resume(trace, at=third.start, close_thought=True, max_new_tokens=2)
    assert len(closed.latents) == 2 and closed.meta["thought_closed"]
    assert (
        trace.tokens[-6:]
        == model.resume(trace, at=int(trace.latent_tokens[-1]) + 1, max_new_tokens=6, seed=3).tokens[-6:]
    )


def test_words_around_latents_are_edited():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    last = trace.spans("sentence")[-1]
    edited = trace.replace(last, "It is 19.")
    assert edited.thought == "It is 19." and edited.latents.shape == trace.latents.shape
    assert np.isfinite(model.surprise(edited).surprise)
    assert np.isnan(model.surprise(trace.replace(trace.spans("sentence")[0], trace.latents[:1])).surprise)
    assert trace.insert((last.char_start, last.char_start), "So ").thought.startswith("So ")
    assert len(trace.delete(trace.roles["thought"]).latents) == 0


def test_rollouts_begin_behind_latents():
    from cotlens.models.contract import Start

    model, trace = tiny_latent.model(), tiny_latent.trace()
    at = int(trace.latent_tokens[-1]) + 1
    (found,) = model.rollouts([Start(trace, at, range(2))], max_new_tokens=3, seed=1)
    changed = trace.replace(trace.spans("sentence")[4], np.full((1, tiny_latent.WIDTH), 3, np.float32))
    (other,) = model.rollouts([Start(changed, at, range(2))], max_new_tokens=3, seed=1)
    for trace_ in (*found, *other):
        assert trace_.latents.shape == trace.latents.shape and len(trace_.token_ids) == at + 3
    np.testing.assert_array_equal(found[0].latents, trace.latents)


# ---------------------------------------------------------------- bad input


def refused(pattern, fn, error=InputError):
    with pytest.raises(error, match=pattern) as found:
        fn()
    assert "\n" not in str(found.value) and str(found.value).endswith((".", "?"))


def test_words_dont_stand_among_latents():
    trace = tiny_latent.trace()
    spans = trace.spans("sentence")
    refused("Words can't stand in place of latents", lambda: trace.replace(spans[1], "twelve"))
    refused("Words can't stand in place of latents", lambda: trace.insert(spans[2].start, [5, 6]))
    refused("Words can't stand in place of latents", lambda: trace.replace(trace.roles["thought"], "twelve"))
    refused(r"shape \(n, 32\)", lambda: trace.replace(spans[1], np.ones((1, 31))))
    refused("NaN", lambda: trace.replace(spans[1], np.full((1, 32), np.nan)))
    words = tiny.model("qwen3").compose("Why?", "So. It is.", "7")
    refused("has no latents", lambda: words.replace("So.", np.ones((1, 32))))
    refused("whole numbers", lambda: words.replace("So.", np.ones(32)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ones(32), r"\(32,\)"),
        (np.ones(32).tolist(), r"\(32,\)"),
        (torch.ones(32), r"\(32,\)"),
        (np.ones((1, 1, 32)), r"\(1, 1, 32\)"),
        (np.ones((1, 32), complex), "complex128"),
        (np.ones((1, 32), bool), "bool"),
        (np.ones((1, 32)).astype(str), "<U"),
        (np.ones(32, complex), "complex128"),
        (np.full((1, 32), 1e300), "infinite"),
    ],
)
def test_vectors_of_another_shape_or_kind_are_refused(given, said):
    trace = tiny_latent.trace()
    refused(
        rf"shape \(n, 32\), a row for each; an array of .*{said}",
        lambda: trace.replace(trace.spans("sentence")[2], given),
    )


@pytest.mark.parametrize(
    ("measure", "verb"), [("LatentLens", "read"), ("LatentAblation", "replace"), ("Interchange", "exchange")]
)
def test_a_measure_says_what_it_would_do_with_latents(measure, verb):
    model = tiny_latent.model()
    words = model.compose("Why?", "So. It is.", "It is 7.")
    more = (words,) if measure == "Interchange" else ()
    refused(f"no latents that {measure} can {verb}; ", lambda: getattr(cl.latent, measure)().run(words, *more, model))


def test_files_whose_latents_dont_fit_are_refused(tmp_path):
    import json

    tiny_latent.trace().save(tmp_path / "trace.json")
    good = json.loads((tmp_path / "trace.json").read_text())
    del good["checksum"]
    places = good["traces"][0]["latents"]["tokens"]
    for bad in ([0, *places[1:]], places[::-1], places[:-1], [*places[:-1], 900], [0.5] * 5, "x", [*places[:-1], 38.5]):
        data = json.loads(json.dumps(good))
        data["traces"][0]["latents"]["tokens"] = bad
        (tmp_path / "bad.json").write_text(json.dumps(data))
        refused("damaged", lambda: Trace.load(tmp_path / "bad.json"))


def test_a_model_of_words_says_that_it_is_one():
    words, trace = tiny.model("qwen3"), tiny_latent.trace()
    assert words.latent_format is None
    for ask in (
        lambda: words.reason("Why?", latents=3),
        lambda: words.resume(words.compose("Why?", "So", None), latents=3),
        lambda: words.think(trace, []),
        lambda: words.score(trace, [Branch(3, (5,))]),
        lambda: words.resume(trace),
    ):
        refused("can't think in latents", ask, CapabilityError)
    refused(
        "plain attention",
        lambda: LocalModel(*tiny.pair("bloom"), latent=tiny_latent.model().latent_format),
        CapabilityError,
    )


def test_what_a_latent_model_cant_be_asked():
    model, trace = tiny_latent.model(), tiny_latent.trace()
    vector = np.zeros(32, np.float32)
    refused("stands for a latent", lambda: model.score(trace.token_ids, [Branch(3, (5,))]))
    refused("before", lambda: model.reason("Why?", latents=3, interventions=AddVector(1, vector)))
    refused("no latent 5", lambda: model.think(trace, [LatentRow({5: vector})]))
    refused(r"shape \(32,\)", lambda: model.think(trace, [LatentRow({1: vector[:5]})]))
    refused("NaN", lambda: model.think(trace, [LatentRow({1: vector * np.nan})]))
    refused("total", lambda: LatentRow({}, "indirect"))
    refused("begins at token", lambda: model.think(trace, [LatentRow(branches=[Branch(3, (5,))])]))
    refused("hide", lambda: model.think(trace, [LatentRow(branches=[Branch(40, (5,), hidden=(2,))])]))
    refused("no latents", lambda: model.think(model.reason("Why?", latents=0, max_new_tokens=1), []))
    refused("latents", lambda: model.reason("Why?", latents=-1))
    refused("context", lambda: model.reason("Why?", latents=10**6))
    refused(
        "outside the thought",
        lambda: model.resume(
            model.compose("Why?", "So", "It is 7."),
            at=len(model.compose("Why?", "So", "It is 7.").token_ids) - 1,
            latents=2,
        ),
    )
    form = LatentFormat("tiny", model.latent_format.token, model.latent_format.feedback, counts=(5, 10), default=5)
    assert form.count("Why?") == 5
    refused("trained with", lambda: form.count("Why?", 7))
    narrow = dataclasses.replace(form, feedback=tiny_latent.Linear(np.eye(16), np.zeros(16)))
    refused("width 16", lambda: LocalModel(*tiny.pair("qwen3"), latent=narrow))
    refused("vocabulary", lambda: LocalModel(*tiny.pair("qwen3"), latent=dataclasses.replace(form, token=10**6)))
    wider = dataclasses.replace(trace, latents=np.ones((5, 16), np.float32))
    refused("16 wide", lambda: model.resume(wider))


def test_a_rotated_latent_is_read_turned_back_and_without_a_second_norm():
    model = tiny_latent.model("qwen3", "rotated")
    trace = tiny_latent.trace("qwen3", "rotated")
    form, hf = model.latent_format, model.engine.hf
    np.testing.assert_allclose(form.read(trace.latents), trace.latents @ form.feedback.rotation.T, rtol=1e-5)
    _, inputs = tiny_latent.thought(model, prefix_of(trace), 5)
    with torch.no_grad():
        last = hf.get_decoder()(inputs_embeds=inputs).last_hidden_state[0, -6:-1]
    np.testing.assert_allclose(trace.latents, last.numpy(), **CLOSE)
    told = model.decode_latents(trace.latents, targets=[7] * 5, k=3)
    with torch.no_grad():
        logits = torch.log_softmax(hf.lm_head(torch.tensor(form.read(trace.latents))), -1)
    np.testing.assert_allclose(told.logprobs[:, 0], logits[:, 7], **CLOSE)
    np.testing.assert_array_equal(told.top_ids[:, 0], logits.argmax(-1))
    refused("can't think in latents", lambda: tiny.model("qwen3").decode_latents(trace.latents), CapabilityError)
    constant = tiny_latent.trace("qwen3", "constant")
    seen = tiny_latent.model("qwen3", "constant").read(constant, "embed", positions=constant.latent_tokens)["embed"]
    assert np.ptp(seen, 0).max() == 0


# ---------------------------------------------------------------- soft thinking


def softly(hf, ids, count, tokens=8):
    """Token ids, probabilities and inputs of soft steps, by whole passes of plain transformers."""
    table, rows = hf.get_input_embeddings(), []
    inputs = table(torch.tensor([ids]))
    for _ in range(count):
        best = torch.softmax(hf(inputs_embeds=inputs).logits[0, -1], -1).topk(tokens)
        shares = best.values / best.values.sum()
        rows.append(torch.cat([best.indices.float(), shares]))
        inputs = torch.cat([inputs, (shares[:, None] * table(best.indices)).sum(0)[None, None]], 1)
    return torch.stack(rows).numpy(), inputs


def test_soft_thinking_keeps_tokens_and_probabilities(tmp_path):
    hf, tokenizer = organisms.load_pair("abacus")
    model = cl.load((hf, tokenizer), latent="soft")
    prompts = ["Mia has 12 pears and buys 7 more.", "Ravi has 3."]
    for trace in model.reason(prompts, latents=6, max_new_tokens=3, temperature=0):
        with torch.no_grad():
            rows, inputs = softly(hf, prefix_of(trace), 6)
        np.testing.assert_array_equal(trace.latents[:, :8], rows[:, :8])
        np.testing.assert_allclose(trace.latents[:, 8:], rows[:, 8:], atol=1e-4)
        words = trace.token_ids[trace.latent_tokens[-1] + 1 :]
        told = tiny_latent.logprobs(model, inputs, words)
        np.testing.assert_allclose(trace.logprobs[-len(words) :], told, **CLOSE)
    ids, shares = model.latent_format.feedback.parts(trace.latents)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    assert ids.dtype.kind == "i" and len(set(ids[0].tolist())) == 8
    trace.save(tmp_path / "soft.json")
    assert Trace.load(tmp_path / "soft.json", model=model) == trace
    changed = trace.latents[2].copy()
    changed[8:] = 1 / 8
    run = model.think(trace, [LatentRow({1: changed})])[0]
    again = model.resume(trace.replace(trace.spans("sentence")[1], changed[None]), max_new_tokens=1)
    np.testing.assert_allclose(run.latents, again.latents, atol=1e-4)
    refused("latents=", lambda: model.reason("Why?"))
    refused("numbers", lambda: LatentRow({0: "x"}))
    refused("NaN", lambda: model.decode_latents(np.full((1, 16), np.nan)))
    told = model.decode_latents(trace.latents, np.array([[ids[i, 0], ids[i, 7]] for i in range(6)]), k=9)
    np.testing.assert_array_equal(told.top_ids, ids)
    np.testing.assert_allclose(np.exp(told.top_logprobs), shares, atol=1e-6)
    np.testing.assert_array_equal(told.ranks, [[0, 7]] * 6)
    np.testing.assert_allclose(told.entropy, -(shares * np.log(shares)).sum(1), atol=1e-5)
    outside = next(token for token in range(100) if token not in ids[0])
    lost = model.decode_latents(trace.latents[:1], [[outside]])
    assert np.isnan(lost.logprobs).all() and lost.ranks.tolist() == [[8]]
    refused("token ids", lambda: model.think(trace, [LatentRow({1: changed - 0.5})]))
