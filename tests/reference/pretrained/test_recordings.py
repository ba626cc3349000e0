"""Real text in the format of real weights: a recorded exchange and an agent's turns, by a pretrained tokenizer."""

from itertools import pairwise

import pytest

import cotlens as cl
from tests import pretrained
from tests.recordings import recording


@pytest.fixture(scope="module")
def smol():
    return pretrained.model()


def test_a_recorded_thought_is_tokenised_and_measured_as_its_text(smol):
    plain = cl.read(recording("huggingface"))[1]
    (trace,) = [plain.focus(-1, model=smol)]
    assert trace.thought.strip() == plain.thought.strip()
    assert trace.answer.strip() == plain.answer.strip()
    for text in ("How do I cross the street?", "analogously, how do I cross the river?"):
        assert text in trace.prompt
    assert any("came from deepseek-ai/DeepSeek-R1" in note for note in trace.meta["notes"])
    assert [span.unit for span in trace.spans("sentence")[:1]] == ["sentence"]
    spans = [part.span for part in trace.parts if part.span is not None]
    assert all(one.end <= two.start for one, two in pairwise(spans))


def test_what_a_template_leaves_out_is_said(smol):
    messages = [
        {"role": "user", "content": "How many pears has Mia?"},
        {"role": "assistant", "reasoning_content": "I look her up.", "content": "Let me see.", "tool_calls": [
            {"id": "c", "function": {"name": "look", "arguments": {"who": "Mia"}}}]},
        {"role": "tool", "tool_call_id": "c", "content": "12 pears"},
        {"role": "assistant", "reasoning_content": "It says 12.", "content": "12"},
    ]  # fmt: skip
    trace = cl.Trace.from_messages(messages, model=smol)
    assert (trace.thought.strip(), trace.answer.strip()) == ("It says 12.", "12")
    assert any("leaves out" in note and "thought" in note for note in trace.meta["notes"])
    assert trace.parts[1].span is None
    first = trace.focus(0)
    assert smol.annotate(first).logprobs[1:].max() <= 0
    assert (first.thought.strip(), first.prompt) == ("I look her up.", "How many pears has Mia?")
