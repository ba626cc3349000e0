"""What a model answers at many points at once, held to a token at a time at each of them."""

from dataclasses import replace

import pytest

import cotlens as cl
from cotlens.measure.answers import rivals
from cotlens.measure.answers.forms import form_of
from cotlens.models.contract import Branch


def one_by_one(model, trace, at, form, reader):
    """The tokens and the value of one point, every token asked for alone behind all that stands before it."""
    lead = model.answer_branch(trace, at, "0", form)
    ids = list(lead.token_ids[: lead.value_start])
    start, begins = len(ids), rivals._overlap(rivals._text(model, ids), form.suffix)
    for _ in range(rivals.GREEDY_TOKENS):
        (score,) = model.score(trace, [Branch(at, (*ids, 0), given=len(ids))])
        token = int(score.greedy_ids[-1])
        stopped = token in model.format.stop_ids
        ids += [] if stopped else [token]
        text = begins + rivals._text(model, ids[start:])
        answer = reader.read(text)
        if answer is not None and (stopped or text[answer.end :] not in ("", *rivals.PENDING)):
            return answer.surface.strip() or answer.text
        if stopped:
            return None
    return None


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus", store=False)


def asked(model, trace):
    thought = trace.roles["thought"]
    return (
        trace,
        [*range(thought.start, thought.end, 9), thought.end],
        form_of(trace, model),
        trace.reader or model.reader,
    )


def test_all_points_at_once_say_what_each_says(abacus):
    trace = abacus.reason(
        "Mia has 12 pears. She buys 7 more and gives 15 away. How many pears does Mia have?", temperature=0
    )
    given = asked(abacus, trace)
    expected = [one_by_one(abacus, trace, at, *given[2:]) for at in given[1]]
    before = abacus.meter.snapshot()
    assert rivals.greedy(abacus, *given) == expected
    assert len(set(expected)) > 2, "they differ from what is guessed"
    assert abacus.meter.since(before).forwards <= 6
    assert rivals.greedy(abacus, trace, [], *given[2:]) == []


def test_an_answer_that_nobody_would_say_misleads_nobody(abacus):
    trace = cl.Trace.from_text(
        "Mia has 12 pears. She buys 7 more. How many pears does Mia have?",
        "Mia starts with 12 pears. She gets 7 more, so 12 + 7 = 19.",
        "The answer is 987654.",
        model=abacus,
    )
    given = asked(abacus, trace)
    assert rivals.greedy(abacus, *given) == [one_by_one(abacus, trace, at, *given[2:]) for at in given[1]]


def test_a_model_that_never_stops_says_nothing(qwen):
    trace = qwen.compose("Mia has 12 pears.", "First I add 12 and 7. It is 19 now.", "It is 19.")
    given = asked(qwen, trace)
    assert rivals.greedy(qwen, *given) == [one_by_one(qwen, trace, at, *given[2:]) for at in given[1]]


def test_a_guess_is_no_reason_to_leave_the_context(abacus, monkeypatch):
    thought = "Mia starts with 12 pears. She gets 7 more, so 12 + 7 = 19."
    trace = cl.Trace.from_text("Mia has 12 pears.", thought, "The answer is 987654.", model=abacus)
    at, form, reader = trace.roles["thought"].end, form_of(trace, abacus), trace.reader or abacus.reader
    lead = abacus.answer_branch(trace, at, "0", form)
    said = one_by_one(abacus, trace, at, form, reader)
    needed = at + lead.value_start + len(said) + 2  # its digits, what ends it, and the token that is asked for
    monkeypatch.setattr(abacus.engine, "layout", replace(abacus.engine.layout, context=needed))
    monkeypatch.setattr(abacus, "context_length", needed)
    assert rivals.greedy(abacus, trace, [at], form, reader) == [said]
