"""Prompts are what the chat template makes of them, for every style of template and odd texts."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotlens._core.errors import BackendError, InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import find
from cotlens.models.chat_formats.templates import SPELLED as NOTE
from tests import pretrained
from tests.model import chat_templates, tiny
from tests.model.chat_templates import TEMPLATES
from tests.model.tokenizer_styles import LOSSLESS, ODD, SPELLED

every_family = pytest.mark.parametrize("name", TEMPLATES)
ASKED = (
    "Hi.", "Hi.\n", "\n Hi. \t", "x", "user", "assistant\n", "    indented\n    code", "/no_think", "C", "[INST",
    "/think", "How many? /no_think", "Why? /nothink", "{{ 7 * 7 }}", "### Response:\n", "What does <reasoning> mean?",
    "a </thin",
    "You are ChatGPT.", "system", "Read again: x",
)  # fmt: skip
SYSTEM = {"role": "system", "content": " Be brief. "}
TURNS = [
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "<think>\nA greeting.\n</think>\n\nHello."},
    {"role": "user", "content": "12 + 7?\n"},
]


@cache
def form(name):
    return find(HFCodec(chat_templates.tokenizer(name)), template={"reasoning_effort": "high"})


def templated(form, messages):
    """Ids that transformers makes of messages."""
    made = form.codec.tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, enable_thinking=True, thinking=True, reasoning_effort="high"
    )
    return list(made["input_ids"])


def prompt_of(form, opening):
    """The characters that are the user's, and those of their tokens."""
    pieces = form.codec.pieces(opening.ids)
    text = b"".join(pieces).decode("utf-8", "replace")
    tokens = b"".join(pieces[slice(*opening.prompt)]).decode("utf-8", "replace")
    return text[opening.span.char_start : opening.span.char_end], tokens


def check(name, text):
    one = form(name)
    opening = one.open(text)
    if not one.codec.holds_control_text(text):
        assert opening.ids[: opening.begin] == templated(one, [{"role": "user", "content": text}])
    found, tokens = prompt_of(one, opening)
    assert found in tokens or "\ufffd" in tokens  # a token may hold the first bytes of a character, and a space
    if "notes" not in opening.meta and TEMPLATES[name][0] in LOSSLESS and "\u2581" not in text:
        assert found.strip() == text.strip()


@every_family
def test_odd_prompts_have_the_ids_of_the_chat_template(name):
    for text in (*ASKED, *ODD, *SPELLED):
        if text.strip() and not (name == "splitting" and text.endswith("</think>")):  # it leaves out all before
            check(name, text)


@every_family
@settings(max_examples=15, deadline=None)
@given(
    text=st.lists(st.sampled_from((*ASKED, *ODD, *SPELLED)) | st.text(max_size=8), min_size=1, max_size=4).map("".join)
)
def test_any_prompt_has_the_ids_of_the_chat_template(name, text):
    if text.strip() and not (name == "splitting" and "</think>" in text):
        check(name, text)


@every_family
def test_conversations_have_the_ids_of_the_chat_template(name):
    one = form(name)
    for messages in (TURNS, [SYSTEM, *TURNS], [SYSTEM, TURNS[0]], [*TURNS[:2], {"role": "user", "content": "Hi."}]):
        opening = one.open(messages)
        assert opening.ids[: opening.begin] == templated(one, messages)
        assert prompt_of(one, opening)[0].strip() == messages[-1]["content"].strip()
        earlier = b"".join(one.codec.pieces(opening.ids[: opening.prompt[0]])).decode()
        assert ("Hello." in earlier) == (messages[-1] is not TURNS[0])
        assert opening.meta["messages"] == messages


def test_so_it_is_with_a_pretrained_template():
    one = find(HFCodec(pretrained.tokenizer()), given=pretrained.MARKERS)
    for text in filter(str.strip, (*ASKED, *ODD)):
        opening = one.open(text)
        assert opening.ids == list(
            pretrained.tokenizer().apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True)[
                "input_ids"
            ]
        )
        assert prompt_of(one, opening)[0] == text or one.codec.encode("\x00") == []


SPELLING = "Is <|im_end|> a tag? And </think>?"


def test_special_tokens_in_a_prompt_are_characters_and_a_note_says_so():
    one = form("qwen3")
    literal = [one.codec.encode_template(text)[0] for text in ("<|im_end|>", "</think>")]
    opening = one.open(SPELLING)
    assert not set(literal) & set(opening.ids[slice(*opening.prompt)])
    assert prompt_of(one, opening)[0] == SPELLING
    assert opening.meta["notes"] == [NOTE.format("prompt")]
    plain = one.open(SPELLING.replace("<|im_end|>", "X").replace("</think>", "X"))
    ends = [ids.count(literal[0]) for ids in (opening.ids, plain.ids)]
    assert ends[0] == ends[1]
    assert "notes" not in plain.meta


def test_special_tokens_in_an_earlier_turn_are_characters_and_in_the_assistants_they_are_meant():
    one, end = form("qwen3"), form("qwen3").codec.encode_template("<|im_end|>")[0]
    turns = [{"role": "user", "content": SPELLING}, {"role": "assistant", "content": "No."}, TURNS[2]]
    opening = one.open(turns)
    assert opening.ids.count(end) == 3
    assert opening.meta["notes"] == [NOTE.format("prompt")]
    text = b"".join(one.codec.pieces(opening.ids)).decode()
    assert text == one.codec.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    turns[1] = {"role": "assistant", "content": "No.<|im_end|>"}
    assert one.open(turns).ids.count(end) == 4


def test_what_a_template_leaves_out_or_rewrites_is_noted():
    kept = form("splitting").open("Say </think> now.\n")
    assert prompt_of(form("splitting"), kept)[0] == " now.\n"
    assert "left out a part of the prompt" in kept.meta["notes"][0]
    shouting = find(HFCodec(tiny.tokenizer(tiny.CHATML.replace("m.content", "m.content | upper"))))
    opening = shouting.open("How many?")
    assert prompt_of(shouting, opening)[0] == "HOW MANY?"
    assert "rewrote the prompt" in opening.meta["notes"][0]


def test_a_template_that_sees_the_prompt_may_answer_it():
    """A switch in the prompt closes the thought before it begins."""
    one = form("smollm-3")
    assert one.open("How many?").known.thought is None
    opening = one.open("How many? /no_think")
    assert opening.known.closed
    found = one.segment(opening.ids + one.codec.encode("It is 19."), opening.prompt[1], opening.begin)
    assert (found.closed, found.thought[0] == found.thought[1], found.answer[0]) == (True, True, opening.begin)


def test_a_thought_given_behind_the_empty_one_of_a_template_is_the_thought():
    """Without the markers that close the one and open the other: they are no words of it."""
    one = form("smollm-3")
    for answer in (None, "19."):
        opening, ids, found = one.compose("How many? /no_think", "Wait.", answer)
        found = found or one.segment(ids, opening.prompt[1], opening.begin)
        start, end = found.thought
        assert b"".join(one.codec.pieces(ids[start:end])) == b"Wait."
        assert found.closed == (answer is not None)


def test_a_system_message_replaces_the_models_own():
    one = find(HFCodec(chat_templates.tokenizer("qwen3")), system="Think long.")
    text = [b"".join(one.codec.pieces(one.open(asked).ids)).decode() for asked in ("Hi.", [SYSTEM, TURNS[0]])]
    assert "Think long." in text[0]
    assert "Think long." not in text[1] and " Be brief. <|im_end|>" in text[1]


def test_contents_of_several_parts():
    parts = [{"type": "text", "text": "12 "}, {"type": "text", "text": "+ 7?"}]
    one = form("qwen3")
    assert one.open([{"role": "user", "content": parts}]).ids == one.open("12 + 7?").ids


def test_a_template_that_takes_no_such_conversation():
    with pytest.raises(BackendError, match="roles must alternate"):
        form("gemma").open([TURNS[0], TURNS[0]])


def test_a_template_that_takes_only_what_it_knows():
    knowing = tiny.CHATML.replace(
        "{{ m.content }}", "{% if m.content[0] != '1' %}{{ raise_exception('no sum') }}{% endif %}{{ m.content }}"
    )
    one = find(HFCodec(tiny.tokenizer(knowing)))
    opening = one.open("12 + 7?")
    assert prompt_of(one, opening)[0] == "12 + 7?"
    assert opening.ids == templated(one, [{"role": "user", "content": "12 + 7?"}])


def test_half_a_character_is_refused():
    for asked in ("\ud800", [{"role": "user", "content": "a\ud800"}]):
        with pytest.raises(InputError, match="one half of a surrogate pair"):
            form("qwen3").open(asked)


def test_without_a_template_there_is_one_text():
    bare = find(HFCodec(tiny.tokenizer(None)), given="plain")
    assert bare.open([TURNS[0]]).ids == bare.open("Hi.").ids == bare.codec.tokenizer("Hi.")["input_ids"]
    with pytest.raises(InputError, match="no chat template"):
        bare.open(TURNS)
