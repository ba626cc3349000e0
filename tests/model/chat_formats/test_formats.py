"""From prompts to ids and from ids to prompt, thought and answer, for every family of markers."""

import pytest

from cotlens._core.errors import BackendError, InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.families import FAMILIES, Family
from cotlens.models.chat_formats.format import Format, find
from cotlens.models.generation.traces import build
from cotlens.trace import FinalAnswer, Number, Span
from tests.model import tiny

PROMPT = "Mia has 12 pears.\nHow many?"


def text_of(form, ids):
    return b"".join(form.codec.pieces(ids)).decode()


def roles(form, ids, opening, lead=""):
    found = form.segment(ids, opening.prompt[1], opening.begin, lead)
    return (
        None if found.thought is None else text_of(form, ids[slice(*found.thought)]),
        None if found.answer is None else text_of(form, ids[slice(*found.answer)]),
        found.closed,
    )


def written(form, opening, text):
    """Tokens a model would write: markers are its own where they are special."""
    return opening.ids + form.codec.encode_template(text)


HARMONY_TOKENS = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>")
HARMONY_TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
MADE = {
    "think": lambda: tiny.tokenizer(),
    "opened": lambda: tiny.tokenizer(tiny.OPENED),
    "text": lambda: tiny.tokenizer(tiny.OPENED, markers=()),
    "harmony": lambda: tiny.tokenizer(HARMONY_TEMPLATE, HARMONY_TOKENS, ()),
    "brackets": lambda: tiny.tokenizer(tiny.CHATML, (*tiny.SPECIALS, "[THINK]", "[/THINK]"), ()),
    "channel": lambda: tiny.tokenizer(tiny.CHATML, (*tiny.SPECIALS, "<|channel>", "<channel|>"), ()),
    "seed": lambda: tiny.tokenizer(tiny.CHATML, (*tiny.SPECIALS, "<seed:think>", "</seed:think>"), ()),
    "plain": lambda: tiny.tokenizer(None, ("<|endoftext|>",), ()),
}


def form_of(kind):
    tokenizer = MADE[kind]()
    return find(HFCodec(tokenizer), [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])


@pytest.mark.parametrize("kind", MADE)
def test_the_family_is_found_by_the_tokenizer(kind):
    assert form_of(kind).name == {"opened": "think", "text": "think"}.get(kind, kind)


@pytest.mark.parametrize("kind", MADE)
def test_the_prompt_is_exactly_the_users_text(kind):
    form = form_of(kind)
    for prompt in (PROMPT, "x", "Is </think> a tag? <|im_end|> too", " \u4f60\u597d\U0001f600 "):
        opening = form.open(prompt)
        assert text_of(form, opening.ids[slice(*opening.prompt)]) == prompt


def test_the_prompt_is_tokenised_as_the_template_would():
    form = form_of("think")
    tokenizer = form.codec.tokenizer
    expected = tokenizer.apply_chat_template([{"role": "user", "content": PROMPT}], add_generation_prompt=True)
    assert form.open(PROMPT).ids == list(expected["input_ids"])


CLOSED = {
    "think": "<think>\nFirst.\n</think>\n\nThe answer is 19.<|im_end|>",
    "opened": "First.\n</think>\n\nThe answer is 19.<|im_end|>",
    "text": "First.\n</think>\n\nThe answer is 19.<|im_end|>",
    "harmony": "<|channel|>analysis<|message|>First.<|end|><|start|>assistant<|channel|>final<|message|>"
    "The answer is 19.<|return|>",
    "brackets": "[THINK]First.[/THINK]The answer is 19.<|im_end|>",
    "channel": "<|channel>thought\nFirst.\n<channel|>The answer is 19.<|im_end|>",
    "seed": "<seed:think>First.</seed:think>The answer is 19.<|im_end|>",
}


@pytest.mark.parametrize("kind", CLOSED)
def test_thought_and_answer(kind):
    form = form_of(kind)
    opening = form.open(PROMPT)
    assert roles(form, written(form, opening, CLOSED[kind]), opening) == ("First.", "The answer is 19.", True)


@pytest.mark.parametrize("kind", CLOSED)
def test_composed_texts_come_back(kind):
    form = form_of(kind)
    opening, ids, found = form.compose(PROMPT, "First.\n\nThen.", "The answer is 19.")
    assert (found is None) == form.special
    assert roles(form, ids, opening) == ("First.\n\nThen.", "The answer is 19.", True)
    opening, ids, _ = form.compose(PROMPT, "First.", None)
    assert roles(form, ids, opening) == ("First.", None, False)
    opening, ids, _ = form.compose(PROMPT, "", "The answer is 19.")
    assert roles(form, ids, opening) == ("", "The answer is 19.", True)


@pytest.mark.parametrize("kind", CLOSED)
def test_a_thought_closed_at_any_token_reads_as_closed(kind):
    form = form_of(kind)
    opening, ids, _ = form.compose(PROMPT, "First I add 12 and 7.\nWait.", None)
    found = form.segment(ids, opening.prompt[1], opening.begin)
    for at in range(found.thought[0], found.thought[1] + 1):
        before = text_of(form, ids[:at])
        closed = ids[:at] + form.closing(before, "The answer is 19.")
        thought, answer, is_closed = roles(form, closed, opening)
        assert (answer, is_closed) == ("The answer is 19.", True)
        assert before.rstrip().endswith(thought)


def test_closing_text():
    form = form_of("think")
    assert form.close_text == "\n</think>\n\n"
    assert text_of(form, form.closing("so it is", "The")) == "\n</think>\n\nThe"
    assert text_of(form, form.closing("so it is\n", "The")) == "</think>\n\nThe"
    assert form_of("plain").close_text == "\n"


SHAPES = {
    "unclosed": ("<think>\nFirst. Then", ("First. Then", None, False)),
    "empty": ("<think>\n\n</think>\n\nNineteen.", ("", "Nineteen.", True)),
    "none": ("Nineteen.", (None, "Nineteen.", False)),
    "no open": ("First.\n</think>\n\nNineteen.", ("First.", "Nineteen.", True)),
    "taken up again": ("<think>\nA.\n</think>\nB <think>C.</think>\nD", ("A.\n</think>\nB <think>C.", "D", True)),
    "begun anew": ("<think>\n\n</think>\n\n<think>\nA.\n</think>\nD", ("A.", "D", True)),
    "begun anew, open": ("<think>\n\n</think>\n\n<think>\nA. Then", ("A. Then", None, False)),
    "empty, then taken up": ("<think></think>B <think>C.</think>D", ("</think>B <think>C.", "D", True)),
    "taken up, open": ("<think>A.</think>B <think>C.", ("A.</think>B <think>C.", None, False)),
    "closed twice": ("<think>\nA.\n</think>\n\nB </think> C", ("A.", "B </think> C", True)),
    "nothing": ("", (None, None, False)),
    "only open": ("<think>", ("", None, False)),
    "ended in thought": ("<think>\nFirst.<|im_end|>", ("First.", None, False)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_thoughts(shape):
    text, expected = SHAPES[shape]
    form = form_of("think")
    opening = form.open(PROMPT)
    assert roles(form, written(form, opening, text), opening) == expected


@pytest.mark.parametrize(
    "shape", ["unclosed", "empty", "taken up again", "begun anew", "closed twice", "nothing", "no open"]
)
def test_shapes_of_thoughts_with_markers_of_text(shape):
    text, expected = SHAPES[shape]
    form = Format(HFCodec(tiny.tokenizer(markers=())), FAMILIES["think"], [])
    opening = form.open(PROMPT)
    assert roles(form, written(form, opening, text), opening) == expected


def test_a_prompt_that_speaks_of_markers_opens_nothing():
    form = form_of("think")
    opening = form.open("What does <think> mean? And </think>?")
    assert roles(form, written(form, opening, "Nothing."), opening) == (None, "Nothing.", False)


def test_special_markers_spelled_out_do_not_count():
    form = form_of("think")
    opening = form.open(PROMPT)
    ids = written(form, opening, "<think>\nIf I wrote ") + form.codec.encode("</think>, nothing ends")
    assert roles(form, ids, opening) == ("If I wrote </think>, nothing ends", None, False)


def test_prefill_begins_the_thought():
    form = form_of("think")
    assert text_of(form, form.open(PROMPT, "Let me").ids).endswith("assistant\n<think>\nLet me")
    form = form_of("opened")
    assert text_of(form, form.open(PROMPT, "Let me").ids).endswith("assistant\n<think>\nLet me")
    form = form_of("plain")
    assert text_of(form, form.open(PROMPT, " Let me").ids) == PROMPT + " Let me"


def test_plain_text_is_thought_up_to_the_answer():
    form = form_of("plain")
    opening = form.open(PROMPT)
    ids = opening.ids + form.codec.encode(" First. The answer is 3? No. The answer is 19.")
    thought, answer, closed = roles(form, ids, opening, "The answer is")
    assert (thought.strip(), answer.strip(), closed) == ("First. The answer is 3? No.", "The answer is 19.", True)
    thought, answer, closed = roles(form, ids, opening)
    assert (thought.strip(), answer, closed) == ("First. The answer is 3? No. The answer is 19.", None, False)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("First. The answer is 3? No. The answer is 19.", "The answer is 19."),
        ("12 + 7 = 19.\n\nSo, the answer is 19.", "So, the answer is 19."),
        ("12 + 7 = 19. Thus we get \\boxed{19} pears.", "Thus we get \\boxed{19} pears."),
        ("It is 19.\n#### 19", "#### 19"),
        ("It is 19.\n\n**Answer:** 19 pears", "**Answer:** 19 pears"),
        ("There are 12 + 7 = 19 pears.", ""),
    ],
)
@pytest.mark.parametrize("reader", [FinalAnswer(), Number()], ids=lambda reader: reader.name)
def test_an_answer_begins_where_the_reader_finds_it_stated(reader, text, answer):
    form = form_of("plain")
    opening = form.open(PROMPT)
    ids = opening.ids + form.codec.encode(" " + text)
    trace = build(form, reader, ids, Span(*opening.prompt, 0, len(PROMPT), "role"), opening.begin, {"finish": "stop"})
    assert trace.answer.strip() == answer
    assert (trace.read_answer() is not None) == bool(answer)


def test_stops_are_the_ends_of_turns():
    for kind, ends in (("harmony", {"<|return|>", "<|call|>"}), ("think", {"<|im_end|>", "<|endoftext|>"})):
        form = form_of(kind)
        assert {text_of(form, [token]) for token in form.stop_ids} == ends


def test_options_reach_the_template():
    template = tiny.CHATML.replace(
        "assistant\n", "assistant\n{% if enable_thinking %}{% else %}<think>\n\n</think>{% endif %}"
    )
    form = find(HFCodec(tiny.tokenizer(template)))
    assert text_of(form, form.open(PROMPT).ids).endswith("assistant\n")


def test_a_system_prompt_and_variables_of_the_template():
    template = "{{ effort | default('medium') }} " + tiny.CHATML
    codec = HFCodec(tiny.tokenizer(template))
    form = find(codec, system="Be brief.", template={"effort": "high"})
    text = text_of(form, form.open(PROMPT).ids)
    assert text.startswith("high <|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nMia")
    assert text_of(form, find(codec).open(PROMPT).ids).startswith("medium <|im_start|>user")


def test_a_system_prompt_that_a_family_needs_can_be_replaced():
    codec = HFCodec(tiny.tokenizer(markers=()))
    name = "nvidia/Llama-3_3-Nemotron-Super-49B-v1"
    assert "system\ndetailed thinking on<|im_end|>" in text_of(find(codec), find(codec, model=name).open(PROMPT).ids)
    off = find(codec, model=name, system="detailed thinking off")
    assert "thinking on" not in text_of(off, off.open(PROMPT).ids)
    assert "system" not in text_of(off, find(codec, model=name, system="").open(PROMPT).ids)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("nvidia/Llama-3.1-Nemotron-Nano-8B-v1", "nemotron"),
        ("nvidia/Llama-3_1-Nemotron-Ultra-253B-v1", "nemotron"),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", "plain"),
        ("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", "plain"),
        ("microsoft/Phi-4-mini-reasoning", "think"),
        ("microsoft/Phi-4-mini-instruct", "plain"),
    ],
)
def test_names_tell_families_that_nothing_else_gives_away(name, family):
    assert find(HFCodec(tiny.tokenizer(markers=())), model=name).name == family


@pytest.mark.parametrize("markers", [(), ("<plan>", "</plan>")], ids=["text", "tokens"])
def test_markers_of_ones_own(markers):
    form = find(HFCodec(tiny.tokenizer(markers=markers)), given=("<plan>", "</plan>"))
    assert form.special == bool(markers)
    opening, ids, _ = form.compose(PROMPT, "First.\n\nThen.", "The answer is 19.")
    assert "<plan>\nFirst.\n\nThen.\n</plan>\n\nThe answer is 19." in text_of(form, ids)
    assert roles(form, ids, opening) == ("First.\n\nThen.", "The answer is 19.", True)
    assert text_of(form, form.open(PROMPT, "So").ids).endswith("assistant\n<plan>\nSo")


def test_a_family_of_ones_own():
    family = Family("tools", open="{think}", close="{/think}", after_open=" ", before_close=" ", after_close="\n")
    form = find(HFCodec(tiny.tokenizer()), given=family)
    opening, ids, _ = form.compose(PROMPT, "First.", "19")
    assert text_of(form, ids).endswith("{think} First. {/think}\n19<|im_end|>")
    assert roles(form, ids, opening) == ("First.", "19", True)


A, F, NEXT = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|end|><|start|>assistant"
CALL = "<|channel|>commentary to=functions.sum <|constrain|>json<|message|>{}"
HARMONIES = {
    "a type of content": (
        f"{A}A.{NEXT}<|channel|>final <|constrain|>json<|message|>{{5}}<|return|>",
        ("A.", "{5}", True),
    ),
    "a type without its token": (f"{A}A.{NEXT}<|channel|>final json<|message|>{{5}}<|return|>", ("A.", "{5}", True)),
    "an answer that is only ended": (f"{A}A.{NEXT}{F}C.<|end|>", ("A.", "C.", True)),
    "two answers": (f"{A}A.{NEXT}{F}B.{NEXT}{F}C.<|return|>", ("A.", f"B.{NEXT}{F}C.", True)),
    "a thought after the answer": (f"{A}A.{NEXT}{F}C.{NEXT}{A}D.<|return|>", ("A.", "C.", True)),
    "an answer between thoughts": (
        f"{A}A.{NEXT}{F}B.{NEXT}{A}D.{NEXT}{F}E.",
        (f"A.{NEXT}{F}B.{NEXT}{A}D.", "E.", True),
    ),
    "a call": (f"{A}A.{NEXT}{CALL}<|call|>", ("A.", None, True)),
    "a recipient before the channel": (
        f"{A}A.{NEXT} to=functions.sum<|channel|>commentary json<|message|>{{}}<|call|>",
        ("A.", None, True),
    ),
    "a tool of the thought's channel": (
        f"{A}A.{NEXT}<|channel|>analysis to=python code<|message|>1+1<|call|>",
        ("A.", None, True),
    ),
    "a call, then an answer": (f"{A}A.{NEXT}{CALL}{NEXT}{F}C.<|return|>", ("A.", "C.", True)),
    "no channel": (f"{A}A.{NEXT}<|message|>C.<|return|>", ("A.", "C.", True)),
    "no end": (f"{A}A.<|start|>assistant{F}C.", ("A.", "C.", True)),
    "neither start nor end": (f"{A}A.{F}C.", ("A.", "C.", True)),
    "a header that has just begun": (f"{A}A.{NEXT}<|channel|>fin", ("A.", None, True)),
    "a header with more": ("<|channel|>analysis?<|message|>A.", ("A.", None, False)),
    "someone else's turn": (f"{A}A.{NEXT}{F}C.<|end|><|start|>user<|message|>And 5?<|end|>", ("A.", "C.", True)),
    "analysis twice": (
        "<|channel|>analysis<|message|>A.<|end|><|start|>assistant<|channel|>analysis<|message|>B.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>C.<|return|>",
        ("A.<|end|><|start|>assistant<|channel|>analysis<|message|>B.", "C.", True),
    ),
    "commentary before the answer": (
        "<|channel|>analysis<|message|>A.<|end|><|start|>assistant<|channel|>commentary<|message|>B.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>C.<|return|>",
        ("A.", "C.", True),
    ),
    "answer still to come": ("<|channel|>analysis<|message|>A.<|end|><|start|>assistant", ("A.", None, True)),
    "commentary alone": (
        "<|channel|>commentary<|message|>B.<|end|>",
        (None, "<|channel|>commentary<|message|>B.<|end|>", False),
    ),
}


@pytest.mark.parametrize("shape", HARMONIES)
def test_channels_of_harmony(shape):
    text, expected = HARMONIES[shape]
    form = form_of("harmony")
    opening = form.open(PROMPT)
    ids = written(form, opening, text)
    assert roles(form, ids, opening) == expected
    if form.codec.encode_template("C.") == ids[-2:]:
        assert form.segment(ids[:-1], opening.prompt[1], opening.begin).answer is not None


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ("commentary alone", "neither a thought nor an answer"),
        ("a call", "called functions.sum; calls belong to no role"),
        ("a recipient before the channel", "called functions.sum;"),
        ("a tool of the thought's channel", "called python;"),
        ("a call, then an answer", "called functions.sum;"),
        ("commentary before the answer", "wrote in the channel commentary"),
        ("a thought after the answer", "thought on after its answer"),
        ("an answer between thoughts", "its last answer is the answer"),
        ("someone else's turn", "wrote as user"),
    ],
)
def test_what_a_channel_holds_besides_is_noted(shape, note):
    form = form_of("harmony")
    opening = form.open(PROMPT)
    found = form.segment(written(form, opening, HARMONIES[shape][0]), opening.prompt[1], opening.begin)
    assert [note in one for one in found.notes] == [True]


def test_the_names_of_special_tokens_are_no_channels():
    form = form_of("harmony")
    opening = form.open(PROMPT)
    quoted = form.codec.encode(f"A: {NEXT}{F}no.")
    ids = [*opening.ids, *form.codec.encode_template(A), *quoted, *form.codec.encode_template(f"{NEXT}{F}C.")]
    assert roles(form, ids, opening) == (f"A: {NEXT}{F}no.", "C.", True)


def test_a_prompt_in_a_template_without_markers_is_followed_by_the_thought_at_once():
    form = find(HFCodec(tiny.tokenizer(markers=())), given="plain")
    opening, ids, found = form.compose(PROMPT, "First.", "19")
    assert text_of(form, ids).endswith("assistant\nFirst.\n19")
    assert (found.thought[0], found.closed) == (len(opening.ids), True)


def test_a_template_that_takes_no_system_prompt():
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + tiny.CHATML
    with pytest.raises(BackendError, match=r"no system role.*load the model without system="):
        find(HFCodec(tiny.tokenizer(template)), system="Think.").open(PROMPT)


@pytest.mark.parametrize(
    ("prompt", "said"), [("", "is empty"), ("  \n", "is empty"), (None, "None is neither"), (7, "7 is neither")]
)
def test_no_prompt(prompt, said):
    with pytest.raises(InputError, match=said):
        form_of("think").open(prompt)


def test_an_unknown_format():
    with pytest.raises(InputError, match="Did you mean 'harmony'"):
        find(HFCodec(tiny.tokenizer()), given="harmoni")


@pytest.mark.parametrize("template", ["{{ raise_exception('no') }}", "nothing of yours"])
def test_a_template_that_fails(template):
    form = find(HFCodec(tiny.tokenizer(template)), given="think")
    with pytest.raises(BackendError, match="chat template"):
        form.open(PROMPT)


def test_a_tokenizer_in_the_manner_of_llama():
    tokenizer = tiny.sentencepiece()
    tokenizer.chat_template = "{{ bos_token }}{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}"
    form = find(HFCodec(tokenizer), given="think")
    opening = form.open("Mia has 12 pears.")
    assert tokenizer("<s>[INST] Mia has 12 pears. [/INST]", add_special_tokens=False)["input_ids"] == opening.ids
    assert text_of(form, opening.ids[slice(*opening.prompt)]).strip() == "Mia has 12 pears."
