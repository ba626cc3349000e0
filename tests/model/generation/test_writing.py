"""Writing text: seeds, streaming, stopping, resuming, batches, cancelling, bad input."""

import dataclasses
import threading

import numpy as np
import pytest
import torch

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import BackendError, Cancelled, InputError
from cotlens.models.contract import EVER, AddVector, Branch
from cotlens.models.load import load
from tests.model import tiny

PROMPT = "Mia has 12 pears and buys 7 more."
N = 14


def begin(trace):
    return trace.meta["begin"]


def test_a_trace_is_what_the_model_wrote(each_model):
    trace = each_model.reason(PROMPT, max_new_tokens=N, seed=3)
    assert trace.prompt == PROMPT
    assert "".join(trace.tokens) == trace.text
    assert trace.meta["finish"] in ("length", "stop")
    start = begin(trace)
    with torch.no_grad():
        logits = torch.log_softmax(each_model.engine.hf(torch.tensor([trace.token_ids])).logits[0], -1).numpy()
    for t in range(start, len(trace.token_ids)):
        assert trace.logprobs[t] == pytest.approx(logits[t - 1, trace.token_ids[t]], abs=1e-4)
        assert trace.top_logprobs[t, 0] == pytest.approx(logits[t - 1].max(), abs=1e-4)
        assert len(trace.top_pieces[t]) == 8
    assert np.isnan(trace.logprobs[:start]).all()


def test_seeds_reproduce_text_whatever_else_runs(qwen):
    first = qwen.reason(PROMPT, max_new_tokens=N, seed=5)
    torch.manual_seed(1)
    qwen.reason(PROMPT, max_new_tokens=3, seed=6)
    assert qwen.reason(PROMPT, max_new_tokens=N, seed=5).token_ids == first.token_ids
    assert qwen.reason(PROMPT, max_new_tokens=N, seed=6).token_ids != first.token_ids


def test_samples_of_a_batch_are_those_written_alone(each_model):
    many = each_model.reason(PROMPT, n=4, max_new_tokens=N, seed=5)
    assert len({trace.token_ids for trace in many}) == 4
    assert many[0].token_ids == each_model.reason(PROMPT, max_new_tokens=N, seed=5).token_ids
    assert many[2].token_ids == each_model.reason(PROMPT, n=3, max_new_tokens=N, seed=5)[2].token_ids
    assert [trace.meta["sample"] for trace in many] == [0, 1, 2, 3]


def test_samples_that_end_early_leave_the_batch(tiny_model):
    """At a high temperature the end of the turn comes at different times."""
    model = tiny_model("qwen3")
    many = model.reason(PROMPT, n=6, max_new_tokens=150, seed=2, temperature=50.0)
    lengths = {len(trace.token_ids) for trace in many}
    assert len(lengths) > 1
    for trace in many:
        alone = model.score(trace, [Branch(begin(trace), trace.token_ids[begin(trace) :])])[0]
        np.testing.assert_allclose(alone.logprobs, trace.logprobs[begin(trace) :], atol=1e-4)
        stopped = trace.token_ids[-1] in model.format.stop_ids
        assert trace.meta["finish"] == ("stop" if stopped else "length")


def test_temperature_zero_takes_the_best(each_model):
    trace = each_model.reason(PROMPT, max_new_tokens=N, temperature=0)
    start = begin(trace)
    assert trace.token_ids[start:] == tuple(trace.top_ids[start:, 0].tolist())


def test_top_p_keeps_to_the_nucleus(qwen):
    trace = qwen.reason(PROMPT, max_new_tokens=40, top_p=0.2, seed=1)
    trace = dataclasses.replace(qwen.annotate(trace, k=1000), meta=trace.meta)
    for t in range(begin(trace), len(trace.token_ids)):
        place = trace.top_ids[t].tolist().index(trace.token_ids[t])
        assert np.exp(trace.top_logprobs[t, :place]).sum() < 0.2


def test_streaming_tells_every_token_once(qwen):
    heard = []
    trace = qwen.reason(PROMPT, max_new_tokens=N, seed=3, on_token=lambda at, text: heard.append((at, text)))
    assert [at for at, _ in heard] == list(range(begin(trace), len(trace.token_ids)))
    assert trace.text[trace.offsets[begin(trace)] :].startswith("".join(text for _, text in heard))


def test_prefill_is_thought_and_is_measured(qwen):
    trace = qwen.reason(PROMPT, max_new_tokens=N, seed=3, prefill="First I add")
    assert trace.thought.startswith("First I add")
    assert not np.isnan(trace.logprobs[begin(trace) :]).any()


def test_resume_keeps_the_prefix_bit_for_bit(each_model):
    whole = each_model.reason(PROMPT, max_new_tokens=N, seed=3, prefill="First I add")
    for at in range(begin(whole), len(whole.token_ids)):
        rest = each_model.resume(whole, at=at, max_new_tokens=3, seed=9)
        assert rest.token_ids[:at] == whole.token_ids[:at]
        assert rest.rewritten_from == at
        assert rest.parent == whole
        assert rest.prompt == PROMPT
        np.testing.assert_array_equal(rest.logprobs[:at], whole.logprobs[:at])


def test_resume_from_an_edit_continues_after_its_text(qwen):
    trace = qwen.reason(PROMPT, max_new_tokens=30, seed=3, prefill="First I add 12 and 7, which gives 19. Wait,")
    edited = trace.replace((trace.text.index("12 and"), trace.text.index(" and 7")), "35")
    rest = qwen.resume(edited, seed=4, max_new_tokens=8)
    cut = edited.edit.end_token
    assert rest.token_ids[:cut] == edited.token_ids[:cut]
    assert rest.rewritten_from == cut
    assert rest.thought.startswith("First I add 35")
    assert rest.edit == edited.edit
    assert rest.parent == trace
    assert not np.isnan(rest.logprobs[begin(rest) :]).any()
    assert [step.id for step in rest.path()] == [trace.id, rest.id]


def test_resume_closes_the_thought(each_model):
    trace = each_model.reason(PROMPT, max_new_tokens=6, seed=3, prefill="First I add 12 and 7.")
    closed = each_model.resume(trace, close_thought=True, max_new_tokens=5, seed=1)
    if each_model.format.plain:
        assert "thought" in closed.roles
        return
    assert closed.meta["thought_closed"]
    assert closed.thought.strip() == trace.thought.strip()
    assert "answer" in closed.roles
    with pytest.raises(InputError, match="No thought is open"):
        each_model.resume(closed, close_thought=True)


def test_a_thought_that_never_ends_says_so(qwen):
    trace = qwen.reason(PROMPT, max_new_tokens=6, seed=3, prefill="First")
    assert not trace.meta["thought_closed"]
    assert "answer" not in trace.roles
    assert trace.read_answer() is None
    assert any("was not closed" in note for note in trace.meta["notes"])


def test_surprise_is_the_mean_of_what_scoring_gives(qwen):
    trace = qwen.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")
    at = trace.text.index("12 and")
    edited = trace.replace((at, at + 2), "35")
    edit = qwen.surprise(edited)
    start = edit.start_token
    new = qwen.score(edited, [Branch(start, edited.token_ids[start : edit.end_token])])[0].logprobs
    old = qwen.score(trace, [Branch(start, trace.token_ids[start : start + edit.old_tokens])])[0].logprobs
    assert edit.surprise == pytest.approx(-new.mean())
    assert edit.surprise_was == pytest.approx(-old.mean())
    cut = qwen.surprise(trace.truncate(trace.roles["thought"].start + 3))
    assert np.isnan(cut.surprise)
    assert cut.surprise_was > 0
    with pytest.raises(InputError, match="was not edited"):
        qwen.surprise(trace)


def test_annotate_measures_every_token(each_model):
    trace = each_model.compose(PROMPT, "First I add 12 and 7.", "The answer is 19.")
    noted = each_model.annotate(trace, k=5)
    assert noted.token_ids == trace.token_ids
    assert np.isnan(noted.logprobs[0])
    assert noted.top_ids.shape == (len(trace.token_ids), 5)
    expected = each_model.score(trace, [Branch(1, trace.token_ids[1:])])[0]
    np.testing.assert_allclose(noted.logprobs[1:], expected.logprobs, atol=1e-4)
    np.testing.assert_array_equal(noted.top_ids[1:, 0], expected.greedy_ids)
    assert each_model.annotate(trace, k=0).top_ids.shape[1] == 0


def test_answer_branch_finds_the_value(each_model):
    trace = each_model.compose(PROMPT, "First I add 12 and 7.\nIt is 19.", "The answer is 19.")
    span = trace.roles["thought"]
    for at in range(span.start, span.end + 1):
        branch = each_model.answer_branch(trace, at, "19")
        text = b"".join(each_model.codec.pieces(branch.token_ids)).decode()
        value = b"".join(each_model.codec.pieces(branch.token_ids[branch.value_start : branch.value_end])).decode()
        assert text.endswith("The answer is 19"), "what follows the value is not a token but any end"
        assert "19" in value
        assert len(value) <= 4
    ids, start = each_model.answer_branch(trace, span.end, "7")
    assert start < len(ids)
    with pytest.raises(InputError, match="not in the thought"):
        each_model.answer_branch(trace, span.start - 1, "7")
    with pytest.raises(InputError, match="is empty"):
        each_model.answer_branch(trace, span.start, "")


def test_a_cancel_keeps_what_was_written(qwen):
    mine, heard = Control(), threading.Event()
    job = qwen.owner.submit(
        lambda: qwen.reason(PROMPT, max_new_tokens=400, seed=1, on_token=lambda *_: heard.set(), prefill="First"), mine
    )
    assert heard.wait(60)
    mine.cancel()
    with pytest.raises(Cancelled) as caught:
        job.result(timeout=60)
    partial = caught.value.partial
    assert partial.meta["finish"] == "cancelled"
    assert partial.thought.startswith("First")
    assert begin(partial) < len(partial.token_ids) < begin(partial) + 400


def test_cancel_of_scoring(qwen):
    trunk = np.random.default_rng(0).integers(0, 300, 480).tolist()
    branches = [Branch(p, tuple(trunk[:20])) for p in range(1, 460)]

    def stop_after_two(done, total, label):
        if done > 600:
            control.current().cancel()

    with control.using(Control(stop_after_two)), pytest.raises(Cancelled):
        qwen.score(trunk, branches)
    assert len(qwen.score(trunk, branches[:3])) == 3


def test_four_threads_at_once(qwen):
    alone = [qwen.reason(PROMPT, max_new_tokens=8, seed=seed).token_ids for seed in range(4)]
    vector = np.ones(32, np.float32)
    found, errors = {}, []

    def work(seed):
        try:
            for _ in range(3):
                found[seed] = qwen.reason(PROMPT, max_new_tokens=8, seed=seed).token_ids
                qwen.read(found[seed], "resid_post.1")
                qwen.score(found[seed], [Branch(3, (1, 2))], interventions=AddVector(0, vector))
                assert qwen.codec.encode("Mia has 12 pears") and qwen.format.open(PROMPT).ids
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [found[seed] for seed in range(4)] == alone


def test_nan_logits_name_the_position_and_keep_the_text(qwen):
    start = begin(qwen.reason(PROMPT, max_new_tokens=1))
    blow_up = AddVector(1, np.full(32, np.nan, np.float32), range(start + 4, EVER))
    with pytest.raises(BackendError, match=f"token position {start + 4} ") as caught:
        qwen.reason(PROMPT, max_new_tokens=N, seed=1, interventions=blow_up)
    assert len(caught.value.partial.token_ids) == start + 5
    assert caught.value.partial.meta["finish"] == "error"
    nothing = AddVector(1, np.full(32, np.nan), (12,))
    with pytest.raises(BackendError, match="token position 1"):
        qwen.score(list(range(40)), [Branch(10, tuple(range(20)))], interventions=nothing)


def test_settings_are_checked(qwen):
    for wrong in ({"n": 0}, {"seed": -1}, {"temperature": -1}, {"top_p": 0}, {"max_new_tokens": 0}, {"seed": 1.5}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            qwen.reason(PROMPT, **{"max_new_tokens": 2, **wrong})
    with pytest.raises(InputError, match="is empty"):
        qwen.reason(" ")
    for wrong, said in (
        ({"interventions": 5}, "5 is not an intervention; use AddVector"),
        ({"interventions": None}, "None is not an intervention"),
        ({"on_token": 5}, "on_token=5 can't be called: give a function"),
    ):
        with pytest.raises(InputError, match=said):
            qwen.reason(PROMPT, max_new_tokens=2, **wrong)


def test_a_prompt_longer_than_the_context(qwen):
    with pytest.raises(InputError, match="context holds 512"):
        qwen.reason("12345 " * 200)
    nearly = qwen.reason("1" * 480, max_new_tokens=500, seed=1, temperature=0)
    assert len(nearly.token_ids) <= 512


def test_where_resume_can_not_go_on(qwen):
    trace = qwen.compose(PROMPT, "First.", "The answer is 19.")
    with pytest.raises(InputError, match="ended its turn"):
        qwen.resume(trace)
    for at in (0, 2, 999, -1):
        with pytest.raises(InputError, match="can't go on from token"):
            qwen.resume(trace, at=at)


def test_a_trace_of_another_tokenizer_is_refused(qwen, tiny_model):
    from cotlens.trace import Trace

    stranger = Trace.from_text(PROMPT, "First.", "19")
    with pytest.raises(InputError, match="tokens are not those of"):
        qwen.annotate(stranger)
    mine = Trace.from_text(PROMPT, "First.", "19", model=qwen)
    assert mine.thought == "First."
    assert tiny_model("llama").annotate(mine).text == mine.text


@pytest.mark.parametrize("family", ["mamba", "qwen3_next", "bloom"])
def test_models_with_other_attention_write_and_score_alike(family):
    model = tiny.model(family)
    assert model.score_path.startswith("forked scoring, because")
    trace = model.reason(PROMPT, n=2, max_new_tokens=6, seed=3)[0]
    start = begin(trace)
    scored = model.score(trace, [Branch(start, trace.token_ids[start:])])[0]
    np.testing.assert_allclose(scored.logprobs, trace.logprobs[start:], atol=1e-4)
    assert model.read(trace, "resid_post.1")["resid_post.1"].shape == (len(trace.token_ids), 32)
    steered = model.reason(
        PROMPT, max_new_tokens=6, seed=3, interventions=AddVector(1, np.ones(32) * 3, range(start, EVER))
    )
    again = model.score(
        steered,
        [Branch(start, steered.token_ids[start:])],
        interventions=AddVector(1, np.ones(32) * 3, range(start, EVER)),
    )[0]
    np.testing.assert_allclose(again.logprobs, steered.logprobs[start:], atol=1e-4)


def test_a_pair_can_be_saved_and_loaded(tmp_path):
    hf, tokenizer = tiny.pair("gemma3")
    hf.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    model = load(tmp_path / "model")
    original = tiny.model("gemma3")
    assert model.reason(PROMPT, max_new_tokens=6).token_ids == original.reason(PROMPT, max_new_tokens=6).token_ids
    assert model.format.name == "think"
    assert model.revision == original.revision
