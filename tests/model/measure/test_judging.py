"""A local model as a judge: its replies are kept, and it is believed only where it keeps to the form."""

import pytest

import cotlens as cl
from cotlens._core.errors import CapabilityError
from cotlens.measure.monitors.asking import answerer
from cotlens.models.contract.asking import Sent
from tests import pretrained
from tests.model import tiny

TRACE = cl.Trace.from_text("Mia has 12 pears and buys 7. How many?", "She has 12 pears. 12 + 7 = 18 pears.", "18")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return cl.load(pretrained.pair(), store=tmp_path_factory.mktemp("store") / "store.sqlite")


def test_a_small_model_that_cannot_keep_to_the_form_fails_and_is_not_asked_twice(model):
    judge = cl.monitors.Judge(model, cl.monitors.VALIDITY, max_new_tokens=12, retries=0)
    readings = judge.run(TRACE)
    assert readings[0].status in ("cut", "unparsed") and readings[0].flagged is None and readings[0].raw[0]
    assert readings.provenance.weights == model.weights and readings.failures == 1
    spent = model.meter.snapshot()
    assert judge.run(TRACE)[0] == readings[0]
    assert model.meter.since(spent).tokens == 0


def test_what_it_is_asked_is_its_own_chat_template_and_the_reply_is_all_it_wrote(model):
    asked, heard = answerer(model), {}
    messages = [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "Capital of France?"}]
    asked.answer(
        [messages], [[0]], Sent(max_new_tokens=8), lambda place, number, reply: heard.update({(place, number): reply})
    )
    written = model.reason(messages, temperature=0, max_new_tokens=8)
    at = len(model.format.open(messages).ids)
    assert heard[0, 0].text and heard[0, 0].text == "".join(written.tokens[at:]).strip()
    assert heard[0, 0].finish == "length"
    assert asked.tokens(messages) == len(model.format.open(messages).ids)


def test_a_thought_longer_than_the_context_is_over_budget():
    small = cl.load(tiny.pair("qwen3"), store=False)
    judge = cl.monitors.Judge(small, cl.monitors.VALIDITY, max_new_tokens=8)
    reading = judge.read(cl.Trace.from_text("Q", "It goes on. " * 200, "1"))
    assert reading.status == "over_budget" and f"holds {small.context_length}" in reading.reason


def test_a_model_that_cannot_write_is_refused():
    class Mute:
        capabilities, backend, name = type(cl.load("abacus", store=False).capabilities)(0), "local", "mute"

    with pytest.raises(CapabilityError, match="A judge has to write"):
        cl.monitors.Judge(Mute())
