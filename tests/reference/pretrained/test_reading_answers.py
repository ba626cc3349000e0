"""A text that was cut off gives an answer that it states in full, or none: on the shipped model and on real weights."""

from itertools import pairwise

import pytest

import cotlens as cl
from cotlens.models.contract import Start
from cotlens.trace import FinalAnswer, Number
from tests import pretrained
from tests.unit.trace.answers.rollouts import ROLLOUTS

PEARS = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"


def test_no_half_written_answer_of_a_rollout_is_counted():
    """Cut one to four tokens before their end, rollouts of the pears problem answered 1, 15 or nothing."""
    model = cl.load("abacus", store=False)
    trace = model.reason(PEARS, seed=0)
    at = trace.spans("sentence")[-2].start

    def answers(limit):
        rolls = model.rollouts([Start(trace, at, range(16))], seed=0, max_new_tokens=limit)[0]
        return rolls, {answer and answer.text for answer in map(cl.Trace.read_answer, rolls)}

    whole, read = answers(400)
    assert read == {"15"}
    limits = {len(one.token_ids) - at - back for one in whole for back in (1, 2, 3, 4)}
    cut_within = 0
    for limit in sorted(limits):
        rolls, read = answers(limit)
        assert read <= {"15", None}
        cut_within += sum(one.answer.endswith("answer is 1") for one in rolls)
    assert cut_within  # some were cut within the number


@pytest.mark.parametrize("reader", [FinalAnswer(), Number()], ids=lambda reader: reader.name)
def test_a_real_text_cut_between_any_two_tokens_gives_no_other_value(reader):
    tokenizer = pretrained.pair()[1]
    for text, value, form, _ in ROLLOUTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        found = set()
        for cut in range(len(ids)):
            answer = reader.read(tokenizer.decode(ids[:cut]), finished=False)
            found.add(answer and answer.text)
        assert found <= {None, value} if form == "said" else found == {None}


def test_a_longer_limit_changes_no_answer_that_was_read():
    """A rollout goes on as it did under a shorter limit, so what it had answered then, it has answered."""
    model = pretrained.model()
    trace = model.compose("What is 3 + 4? Say: The answer is N.", "3 + 4 = 7", "3 + 4 is 7. So the")
    start = Start(trace, len(trace.token_ids) - 1, range(4))  # before the end of the turn
    read = []
    for limit in (4, 8, 16, 32):
        rolls = model.rollouts([start], seed=1, max_new_tokens=limit)[0]
        read.append([answer and answer.text for answer in map(cl.Trace.read_answer, rolls)])
        assert all(one.finished == (one.meta["finish"] == "stop") for one in rolls)
    for earlier, later in pairwise(read):
        assert all(before in (None, after) for before, after in zip(earlier, later, strict=True))
    assert any(read[-1])
