"""Prompts that are conversations, and sentences for what is none."""

import pytest

from cotlens._core.errors import InputError
from cotlens.trace import Trace
from cotlens.trace.prompts import conversation

USER = {"role": "user", "content": "12 + 7?"}
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}], "name": "a"},
    USER,
]


def test_a_text_is_one_message():
    asked = conversation("Hi.")
    assert (asked.text, asked.listed, asked.meta) == ("Hi.", False, {})
    assert asked.messages == ({"role": "user", "content": "Hi."},)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_messages(kind):
    asked = conversation(kind(TURNS))
    assert (asked.text, asked.asked, asked.listed) == ("12 + 7?", 3, True)
    assert asked.messages[2] == {"role": "assistant", "content": "Hello.", "name": "a"}
    assert asked.meta["messages"] == [*TURNS[:2], {**TURNS[2], "content": "Hello."}, USER]


def test_a_call_of_a_tool_may_be_the_last_thing():
    called = {"role": "assistant", "tool_calls": [{"function": {"name": "sum", "arguments": "{}"}}]}
    asked = conversation([USER, called, {"role": "tool", "content": "19"}])
    assert (asked.text, asked.asked) == ("12 + 7?", 0)
    assert asked.messages[1] == called


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (None, "must be text or messages"),
        (7, "must be text or messages"),
        (b"Hi.", "must be text or messages"),
        ([], "prompt is empty"),
        (["12 + 7?", "3 + 4?"], r"2 texts is not one prompt.*model.reason\(prompts\)"),
        ([[USER], [USER]], "2 lists is not one prompt"),
        (USER, "put it into a list"),
        ([USER, "Hi."], "Message 2 is a str"),
        ([{"content": "Hi."}], "Message 1 has no role"),
        ([{"role": 1, "content": "Hi."}], "Message 1 has no role"),
        ([{"role": "user"}], "content of message 1 is a NoneType"),
        ([{"role": "user", "content": 7}], "content of message 1 is a int"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "part of type 'image_url'; only text"),
        ([{"role": "user", "content": [7]}], "part of type 'int'"),
        ([TURNS[0]], "None of the 1 messages is the user's"),
        (TURNS[:3], "last message is the assistant's.*prefill="),
        ([USER, TURNS[0]], "last message is the system's"),
    ],
)
def test_what_is_no_prompt(prompt, words):
    with pytest.raises(InputError, match=words):
        conversation(prompt)


def test_a_conversation_without_a_model(tmp_path):
    trace = Trace.from_text(TURNS, "12 and 7 is 19.", "19")
    assert (trace.prompt, trace.thought, trace.answer) == ("12 + 7?", "12 and 7 is 19.", "19")
    trace.save(tmp_path / "t.json")
    assert (
        Trace.load(tmp_path / "t.json").meta["messages"]
        == trace.meta["messages"]
        == conversation(TURNS).meta["messages"]
    )
