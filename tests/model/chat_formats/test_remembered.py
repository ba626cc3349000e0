"""What a model was given stays what it is: markers in it are characters, and only what it writes is read for them."""

from functools import cache

import pytest

from cotlens._core.errors import InputError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.families import Family
from cotlens.models.chat_formats.format import Format, find
from cotlens.models.chat_formats.markers import KnownSegments
from cotlens.models.contract import Start
from cotlens.models.generation.traces import build
from cotlens.trace import Boxed, Trace
from cotlens.trace.check import edges_of
from tests import pretrained
from tests.model import chat_templates, family_fixtures, tiny, tokenizer_styles

OWN = "markers of one's own"
QUOTING = "Put it between <reasoning> tags."
THOUGHT = "I put <reasoning> here.\nAnd </reasoning> there: <reasoning>x</reasoning>. So 19."
ANSWER = "The tags <reasoning> x </reasoning> and <reasoning> are quoted. \\boxed{19}"
every_text = pytest.mark.parametrize("name", [OWN, "olmo3-think", "gpt-oss", "qwen3", "gemma-3"])


def texts(name):
    """Prompt, thought and answer that quote the markers of a family."""
    family = family_fixtures.model(name).format.family
    return [text.replace("<reasoning>", family.open).replace("</reasoning>", family.close) for text in (
        QUOTING, THOUGHT, ANSWER
    )]  # fmt: skip


def parts(trace):
    return trace.prompt, trace.thought, trace.answer


@every_text
def test_quoted_markers_come_back_as_text(name, tmp_path):
    model = family_fixtures.model(name)
    given = texts(name)
    trace = Trace.from_text(*given, model=model)
    assert parts(trace) == tuple(given)
    trace.save(tmp_path / "t.json")
    assert parts(Trace.load(tmp_path / "t.json", model=model)) == tuple(given)
    unfinished = Trace.from_text(*given[:2], model=model)
    assert (unfinished.thought, unfinished.answer, unfinished.meta["thought_closed"]) == (given[1], "", False)


@every_text
def test_going_on_anywhere_leaves_what_was_given(name):
    """At every token of thought and answer, also after an edit that quotes a marker."""
    model = family_fixtures.model(name)
    trace = Trace.from_text(*texts(name), model=model)
    thought, answer = trace.roles["thought"], trace.roles["answer"]
    for at in range(thought.start + 1, len(trace.token_ids)):
        rest = model.resume(trace, at=at, max_new_tokens=1, temperature=0)
        assert rest.prompt == trace.prompt
        assert rest.roles["thought"].start == thought.start
        if at <= thought.end:
            assert rest.meta["thought_closed"] is False
            assert rest.roles["thought"].end in (at, at + 1)  # it may end its turn there
        if at > answer.start and not model.format.plain:
            assert rest.roles["thought"] == thought
            assert rest.roles["answer"].start == answer.start
    edited = trace.replace((thought.char_start, thought.char_start + 5), f"Yes {model.format.family.close} ")
    rest = model.resume(edited, max_new_tokens=2, temperature=0)
    assert rest.roles["thought"].end >= edited.edit.end_token
    assert rest.thought.startswith(f"Yes {model.format.family.close} ")


@every_text
def test_rollouts_and_forced_closes_remember_too(name):
    model = family_fixtures.model(name)
    trace = Trace.from_text(*texts(name), model=model)
    thought = trace.roles["thought"]
    at = thought.end - 2
    ((rollout,),) = model.rollouts([Start(trace, at)], max_new_tokens=2, temperature=0)
    assert (rollout.roles["thought"].start, rollout.meta["thought_closed"]) == (thought.start, False)
    closed = model.resume(trace, at=at, close_thought=True, max_new_tokens=2, temperature=0)
    assert closed.roles["thought"].start == thought.start
    if not model.format.plain:
        assert closed.thought == trace.text[thought.char_start : int(trace.offsets[at])].rstrip()
        with pytest.raises(InputError, match="No thought is open"):
            model.resume(trace, at=len(trace.token_ids) - 2, close_thought=True)


@pytest.mark.parametrize("name", [OWN, "olmo3-think", "qwen3"])
def test_a_prefill_may_quote_markers(name):
    model = family_fixtures.model(name)
    prompt, thought, _ = texts(name)
    trace = model.reason(prompt, prefill=thought, max_new_tokens=3, temperature=0)
    assert trace.thought.startswith(thought)
    assert trace.meta["thought_closed"] is False
    assert trace.prompt == prompt


@cache
def smol():
    return find(HFCodec(pretrained.tokenizer()), given=pretrained.MARKERS)


def written(form, text, prompt="Q?", prefill=""):
    """A trace of what a model wrote after the template."""
    opening = form.open(prompt, prefill)
    ids = opening.ids + form.codec.encode_template(text)
    known = KnownSegments(opening.known, len(opening.ids))
    return build(form, Boxed(), ids, opening.span, opening.begin, {"finish": "stop"}, known=known)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<reasoning>2+3 is 5.</reasoning>\\boxed{5}<|im_end|>", "2+3 is 5.", "\\boxed{5}"),
        ("<reasoning>The sum.</reasoning>The answer is 5.", "The sum.", "The answer is 5."),
        ("<reasoning>\n2+3 is 5\n</reasoning>\n\n\\boxed{5}", "2+3 is 5", "\\boxed{5}"),
        ("<reasoning>A</reasoning>", "A", ""),
        ("<reasoning></reasoning>\\boxed{5}", "", "\\boxed{5}"),
        ("<reasoning>2+3 (", "2+3 (", ""),
        ("<reasoning>So.</reasoning>I put it between <reasoning> tags.", "So.", "I put it between <reasoning> tags."),
        ("I can't use <reasoning", "", "I can't use <reasoning"),
    ],
)
def test_a_token_that_a_marker_shares_loses_no_character(text, thought, answer):
    r"""As `>\` in `</reasoning>\boxed{5}`, which is one token to the pretrained tokenizer."""
    trace = written(smol(), text)
    assert (trace.thought, trace.answer) == (thought, answer)
    if "boxed" in text:
        assert trace.read_answer().text == "5"
    for role in ("thought", "answer"):
        for span in trace.spans("sentence", role):
            assert trace.text[span.char_start : span.char_end] in trace.role_text(role)


def test_edits_of_a_thought_that_shares_tokens_with_its_markers(tmp_path):
    trace = written(smol(), "<reasoning>2+3 is 5. So 5.</reasoning>\\boxed{5}<|im_end|>")
    answer = trace.roles["answer"]
    assert answer.char_start < trace.offsets[answer.start]
    trace.save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json") == trace
    first, last = trace.spans("sentence")[0], trace.spans("token")[-1]
    for edited in (trace.replace(first, "1+4 is 5."), trace.delete(last), trace.insert(first, "Hm. ")):
        assert edited.answer == "\\boxed{5}"
        assert "</reasoning>" not in edited.thought
        assert edited.text.count("<reasoning>") == edited.text.count("</reasoning>") == 1
    assert trace.truncate(last).thought == "2+3 is 5. So 5"


@pytest.mark.parametrize("thought", ["foo.", "(foo)", "x"])
@pytest.mark.parametrize("answer", ["\\boxed{5}", "five", ""])
@pytest.mark.parametrize("markers", [("<r>", "</r>"), ("((", "))"), ("#", "|"), ("Think:", "Say:")])
def test_composed_texts_come_back_whatever_their_tokens_share(thought, answer, markers):
    shared = 0
    for codec in (templated("fused"), templated("o200k"), smol().codec):
        family = Family("own", *markers, after_open="", before_close="", after_close="")
        form = Format(codec, family)
        opening, ids, found = form.compose("Q?", thought, answer)
        trace = build(form, Boxed(), ids, opening.span, opening.begin, {}, found=found)
        assert parts(trace) == ("Q?", thought, answer)
        for new in ("bar!", "<b>", "1"):
            thought_at = trace.roles["thought"]
            edited = trace.replace((thought_at.char_start, thought_at.char_end), new)
            assert parts(edited) == ("Q?", new, answer)
        check_places(trace)
        if markers[0] == "((":  # "(((foo)" has two readings
            continue
        wrote = written(form, f"{markers[0]}{thought}{markers[1]}{answer}")
        assert parts(wrote) == ("Q?", thought, answer)
        check_places(wrote)
        shared += any(edges_of(span, wrote.offsets)[2:] for span in list(wrote.roles.values())[1:])
    assert shared or markers[0] in ("((", "Think:")


@cache
def templated(style):
    made, names = tokenizer_styles.STYLES[style]
    return HFCodec(tokenizer_styles.wrapped(made(), {**names, "chat_template": tiny.CHATML}))


def check_places(trace):
    """Wherever it is cut, taken up again or edited, no character is lost, and none is in two roles."""
    thought, answer = trace.roles["thought"], trace.roles["answer"]
    assert thought.char_end <= answer.char_start
    for at in range(thought.start, thought.end + 1):
        cut = trace.truncate(at)
        assert trace.thought.startswith(cut.thought)
        assert cut.text == trace.text[: int(trace.offsets[at])]
    for unit in ("token", "sentence"):
        for span in trace.spans(unit):
            kept = trace.text[: span.char_start] + trace.text[span.char_end :]
            assert trace.delete(span).text == kept or unit == "sentence"
            assert trace.delete(span).answer == trace.answer
    for char in range(thought.char_start, thought.char_end + 1):
        edited = trace.insert((char, char), "Z")
        assert edited.text == f"{trace.text[:char]}Z{trace.text[char:]}"
        at = char - thought.char_start
        assert (edited.thought, edited.answer) == (f"{trace.thought[:at]}Z{trace.thought[at:]}", trace.answer)


def test_markers_that_a_tokenizer_changes_are_refused():
    form = find(HFCodec(tokenizer_styles.tokenizer("wordpiece")), given=("<Think>", "</Think>"))
    with pytest.raises(InputError, match=r"marker '<Think>' can't be written with this model's tokenizer"):
        form.compose("Q?", "foo", "bar")


def test_an_answer_whose_marker_is_text():
    family = Family("said", open="<r>", close="<r/>", answer="<say>", to_answer="<say>", after_open="", after_close="")
    form = Format(smol().codec, family)
    given = "Q?", "I <say> so <r/>.", "<say> it <r> is <r/> 19."
    opening, ids, found = form.compose(*given)
    assert parts(build(form, Boxed(), ids, opening.span, opening.begin, {}, found=found)) == given
    trace = written(form, "<r>A<r/> hm <say>19<|im_end|>")
    assert (trace.thought, trace.answer) == ("A", "19")
    assert written(form, "<r>A<r/> hm").meta["notes"] == ["The model closed its thought and wrote no answer."]


@pytest.mark.parametrize(
    ("given", "found", "note"),
    [
        (("<reasoning>foo</reasoning> bar",), ("foo", "bar"), "between <reasoning> and </reasoning>"),
        ((" <reasoning>\nfoo\n</reasoning>\n\nbar\n",), ("foo", "bar"), "between"),
        (("<reasoning>foo</reasoning>", "bar"), ("foo", "bar"), "between"),
        (("<reasoning>foo</reasoning>",), ("foo", ""), "between"),
        (("<reasoning>foo</reasoning> baz", "bar"), ("<reasoning>foo</reasoning> baz", "bar"), "as text"),
        (("foo</reasoning> bar",), ("foo</reasoning> bar", ""), "</reasoning> as text"),
        (("see <reasoning>foo</reasoning>", "bar"), ("see <reasoning>foo</reasoning>", "bar"), "as text"),
    ],
)
def test_a_thought_that_is_given_with_its_markers(given, found, note):
    trace = Trace.from_text("Q", *given, model=family_fixtures.model(OWN))
    assert (trace.thought, trace.answer) == found
    assert [note in one for one in trace.meta["notes"]] == [True]
    other = Trace.from_text("Q", *(text.replace("reasoning", "think") for text in given))
    assert (other.thought, other.answer) == tuple(text.replace("reasoning", "think") for text in found)


def test_what_gpt_oss_wrote_may_be_given_as_it_is():
    model = family_fixtures.model("gpt-oss")
    raw = f"{family_fixtures.ANALYSIS}foo<|end|><|start|>assistant{family_fixtures.FINAL}bar<|return|>"
    trace = Trace.from_text("Q", raw, model=model)
    assert (trace.thought, trace.answer) == ("foo", "bar")


def test_special_tokens_in_given_texts_are_noted():
    model = family_fixtures.model("qwen3")
    trace = Trace.from_text("Q", "foo <|im_end|> bar", "and <|im_end|>", model=model)
    assert parts(trace) == ("Q", "foo <|im_end|> bar", "and <|im_end|>")
    assert [note.split()[1] for note in trace.meta["notes"]] == ["thought", "answer"]


def test_sentences_between_runs_of_spaces():
    """Gemma writes them as added tokens: the sentences stay apart."""
    form = find(HFCodec(chat_templates.tokenizer("gemma")), given=("<reasoning>", "</reasoning>"))
    thought = "First I add 12 and 7.   Then that makes 19.  So the answer is 19."
    opening, ids, found = form.compose("12 + 7?", thought, "19")
    trace = build(form, Boxed(), ids, opening.span, opening.begin, {}, found=found)
    assert trace.thought == thought
    assert len(trace.spans("sentence")) == 3


TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": [{"type": "text", "text": "12 + 7?"}]},
]


@pytest.mark.parametrize("name", ["qwen3", OWN, "gemma-3", "gpt-oss"])
def test_a_conversation_is_a_prompt(name, tmp_path):
    model = family_fixtures.model(name)
    trace = model.reason(TURNS, max_new_tokens=3, temperature=0)
    assert trace.prompt == "12 + 7?"
    assert "Be brief." in trace.text and "Hello." in trace.text
    flat = [*TURNS[:3], {"role": "user", "content": "12 + 7?"}]
    assert trace.meta["messages"] == flat
    rest = model.resume(trace, at=trace.meta["begin"], max_new_tokens=3, temperature=0)
    assert (rest.token_ids, rest.meta["messages"]) == (trace.token_ids, flat)
    given = Trace.from_text(tuple(TURNS), "So 19.", "19", model=model)
    assert parts(given) == ("12 + 7?", "So 19.", "19")
    given.save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json", model=model).meta["messages"] == flat
    assert given.truncate(given.roles["thought"].start + 1).meta["messages"] == flat


def test_markers_in_a_template_are_read_only_where_the_model_is_to_write():
    """An instruction after the prompt that names them opens nothing; a template may also begin the thought."""
    ask = "\nThink between <reasoning> and </reasoning>, as in <reasoning>.<|im_end|>\n"
    naming = tiny.CHATML.replace("<|im_end|>\n", ask)
    form = find(HFCodec(tiny.tokenizer(naming)), given=("<reasoning>", "</reasoning>"))
    assert form.open("Q?").known.thought is None
    trace = written(form, "<reasoning>\nA\n</reasoning>\nB")
    assert (trace.thought, trace.answer) == ("A", "B")
    begun = tiny.CHATML.replace("assistant\n", "assistant\n<reasoning>Okay, ")
    form = find(HFCodec(tiny.tokenizer(begun)), given=("<reasoning>", "</reasoning>"))
    trace = written(form, "so 5.</reasoning>\nB")
    assert (trace.thought, trace.answer) == ("Okay, so 5.", "B")


@pytest.mark.parametrize("name", ["qwen3", OWN])
def test_a_trace_that_was_cut_within_an_emoji_is_its_models(name, tmp_path):
    model = family_fixtures.model(name)
    trace = Trace.from_text("Q?", "So \U0001f680\U0001f469\u200d\U0001f467 \U0001f600.", "19", model=model)
    thought, inside = trace.roles["thought"], 0
    for at in range(thought.start, thought.end + 1):
        cut = trace.truncate(at)
        cut.save(tmp_path / "t.json")
        again = Trace.load(tmp_path / "t.json")
        assert again.codec is None
        assert model.resume(again, max_new_tokens=1, temperature=0).token_ids[:at] == trace.token_ids[:at]
        inside += b"".join(model.codec.pieces(again.token_ids)) != again.text.encode()
    assert inside > 3
    edited = Trace.load(tmp_path / "t.json", model=model).insert(thought.start, "Well. ")
    assert edited.thought.startswith("Well. ")
    other = family_fixtures.model("gpt-oss")
    with pytest.raises(InputError, match="tokens are not those of"):
        other.resume(Trace.load(tmp_path / "t.json"))
