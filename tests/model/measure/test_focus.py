"""A focus in a model's own format: measured, edited and written on like any other trace."""

import gc
import weakref

import pytest

import cotlens as cl
from cotlens.measure.survey.worker import fitted
from cotlens.trace import Trace
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part
from cotlens.trace.readers.conversations import of_exchange
from cotlens.workbench.shared.origin import origin

QUESTION = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"
CHECK = "And how many has Tom, who had none?"


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def written(abacus):
    return abacus.reason(QUESTION)


def conversation(written):
    return [
        Part("user", QUESTION, 0),
        Part("thought", written.thought.strip(), 1),
        Part("answer", written.answer.strip(), 1),
        Part("user", CHECK, 2),
        Part("thought", "Tom gets 4.", 3),
        Part("tool_call", 'look({"who": "Tom"})', 3, name="look", arguments='{"who": "Tom"}'),
        Part("thought", "So it is 4.", 3),
        Part("answer", "4", 3),
    ]


def test_a_focus_is_the_trace_of_today(abacus, written):
    focused = from_parts(Trace, conversation(written), model=abacus).focus(0)
    composed = Trace.from_text(QUESTION, written.thought.strip(), written.answer.strip(), model=abacus)
    assert focused == composed
    method = cl.importance.Occlusion(unit="sentence")
    assert method.run(focused, abacus).frame().equals(method.run(composed, abacus).frame())


def test_an_edit_of_a_focus_is_written_on_and_the_others_can_still_be_looked_at(abacus, written):
    trace = from_parts(Trace, conversation(written), model=abacus)
    first = trace.focus(0)
    at = first.text.index("7", first.roles["thought"].char_start)
    edited = first.replace((at, at + 1), "8")
    rerun = abacus.resume(edited, temperature=0)
    assert rerun.edit.new == "8"
    assert [part.kind for part in rerun.parts] == ["user", "thought", "answer"]
    assert rerun.parts[1].text == rerun.thought
    assert rerun.focus(-1) == edited.focus(-1) == trace


def test_what_a_turn_said_before_its_second_thought_stands_before_it(abacus, written):
    trace = from_parts(Trace, conversation(written), model=abacus)
    assert trace.thought.strip() == "So it is 4."
    before = trace.text[: trace.roles["thought"].char_start]
    assert "Tom gets 4." in before[before.rindex("<think>") :]
    assert any("beginning" in note for note in trace.meta["notes"])
    assert trace.prompt.startswith(QUESTION)
    assert trace.prompt.endswith(CHECK)


def test_the_editor_says_how_a_focus_is_made_again(abacus, written):
    trace = from_parts(Trace, conversation(written), meta={"finish": "stop"}, model=abacus)
    for focused in (trace.focus(0), trace.focus(1)):
        scope = {"cl": cl, "model": abacus}
        exec(origin(abacus, focused)[1], scope)
        assert scope["trace"].text == focused.text


def test_what_differs_is_said(abacus, written):
    trace = from_parts(Trace, conversation(written), meta={"model": "gpt"}, model=abacus)
    notes = " ".join(trace.focus(1).meta["notes"])
    assert "came from gpt and is tokenised as abacus" in notes
    assert "written as text after the thought" in notes


def test_ids_and_logprobs_that_came_along_are_kept(abacus, written):
    begin = written.meta["begin"]
    ids = written.token_ids[begin:]
    logprobs = tuple(written.logprobs[begin:].tolist())
    recorded = {1: Recorded(tuple(abacus.codec.pieces(ids)), ids, logprobs)}
    meta = {"recorded_ids": True}
    trace = from_parts(Trace, conversation(written)[:3], recorded=recorded, meta=meta, model=abacus)
    assert trace.token_ids == written.token_ids
    assert trace.logprobs[begin:].tolist() == written.logprobs[begin:].tolist()
    assert (trace.thought.strip(), trace.answer.strip()) == (written.thought.strip(), written.answer.strip())


def test_ids_of_another_tokenizer_are_not_taken_and_it_is_said(abacus, written):
    words = tuple(f"{word} ".encode() for word in [*written.thought.split(), *written.answer.split()])
    spoken = [Part("user", QUESTION), Part("answer", b"".join(words).decode(), 1)]
    recorded = {1: Recorded(words, tuple(range(len(words))))}
    trace = from_parts(Trace, spoken, recorded=recorded, meta={"recorded_ids": True}, model=abacus)
    assert any("not those of abacus" in note for note in trace.meta["notes"])


@pytest.mark.parametrize("method", ["EarlyAnswer", "Occlusion", "Gradient", "Resampling", "Suppression"])
def test_a_summary_is_not_measured(abacus, method):
    parts = [
        Part("user", QUESTION),
        Part("thought", "12 and 7 is 19. So the rest of it is 15.", 1, status="summary"),
        Part("answer", "15", 1),
    ]
    trace = from_parts(Trace, parts, model=abacus)
    with pytest.raises(cl.CotLensError, match="is a summary that the provider wrote"):
        getattr(cl.importance, method)().run(trace, abacus)


@pytest.mark.parametrize(
    "ask",
    [
        lambda trace, model: cl.importance.Occlusion().run(trace, model),
        lambda trace, model: cl.importance.Resampling(n=2).run(trace, model),
        lambda trace, model: cl.CoTEditor(model, trace),
        lambda trace, model: fitted(trace, model),
    ],
    ids=["read", "sampled", "editor", "survey"],
)
def test_a_response_with_a_summary_alone_says_so(abacus, ask):
    """No thought can be in focus there, and other words than the model's stand where one would be."""
    summary = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "I add."}]}
    trace = Trace.from_messages(
        [{"role": "user", "content": QUESTION}, summary, {"role": "assistant", "content": "15"}]
    )
    with pytest.raises(cl.CotLensError, match="is a summary that the provider wrote"):
        ask(trace, abacus)


def test_a_model_that_is_gone_is_asked_for(abacus, tmp_path):
    """A trace keeps its tokenizer, not the model: what asks for more of it names what is missing."""
    model = cl.load("abacus")
    thoughts = [Part("thought", text, turn, id=text) for text, turn in (("One.", 1), ("Two.", 3))]
    parts = [Part("user", "1+1?"), thoughts[0], Part("user", "And?", 2), thoughts[1], Part("answer", "2", 3)]
    trace = from_parts(Trace, parts, model=model)
    first, gone = trace.focus("One."), weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    for which in (0, "One."):
        with pytest.raises(cl.CotLensError, match=r"model .* is gone; give one with focus\(k, model=model\)"):
            trace.focus(which)
    assert trace.focus(1) is trace and trace.replace("Two", "Four").thought.strip() == "Four."
    assert trace.focus(0, model=abacus) == first
    trace.save(tmp_path / "trace.json")
    assert Trace.load(tmp_path / "trace.json", model=abacus).focus("One.").thought.strip() == "One."


def test_a_focus_may_be_given_the_model_that_it_has():
    model = cl.load("abacus")
    trace = from_parts(Trace, [Part("user", "1+1?"), Part("thought", "2.", 1), Part("answer", "2", 1)], model=model)
    again = trace.focus(0, model=model)
    assert again == trace
    with pytest.raises(cl.CotLensError, match="no chat format can hold it"):
        from_parts(Trace, [Part("thought", "2.")], model=model)


def test_an_exchange_is_read_in_a_models_format(abacus, written):
    request = {"messages": [{"role": "user", "content": QUESTION}]}
    ids = list(written.token_ids[written.meta["begin"] :])
    text = "".join(written.tokens[written.meta["begin"] :]).removesuffix("<|im_end|>")
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "token_ids": ids}
    (trace,) = of_exchange(request, {"choices": [choice]}, model=abacus)
    assert trace.token_ids == written.token_ids
    (plain,) = of_exchange(request, {"choices": [choice]})
    assert plain.focus(0, model=abacus).thought.strip() == written.thought.strip()


def test_a_last_turn_without_a_thought_keeps_its_focus_in_a_models_format(abacus):
    parts = [
        Part("user", "1 + 1?"),
        Part("thought", "It is 2.", 1),
        Part("answer", "2", 1),
        Part("user", "And 2 + 2?", 2),
    ]
    trace = from_parts(Trace, [*parts, Part("answer", "4", 3)], model=abacus)
    assert (trace.focus_order, trace.answer.strip()) == (None, "4")
    assert trace.focus(0).thought.strip() == "It is 2."
