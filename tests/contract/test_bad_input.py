"""Everything the user can give that can't be used: one clear sentence each, and nothing that was computed is lost."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import CotLensError, InputError
from cotlens.organisms import store


@pytest.fixture(scope="module")
def model():
    return cl.load("abacus")


@pytest.fixture(scope="module")
def trace(model):
    return cl.Trace.from_text("Mia has 12 pears.", "She buys 7 more, so 12 + 7 = 19.", "The answer is 19.", model=model)


def long_prompt(model):
    return "Mia has 12 pears. " * model.context_length


GOOD = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
MESSAGE = {"role": "user", "content": GOOD}
CASES = {
    "unknown model name": (lambda m, t: cl.load("abacsu"), "abacus"),
    "unknown backend": (lambda m, t: cl.load("abacus", backend="locale"), "local"),
    "prompt longer than the context": (lambda m, t: m.reason(long_prompt(m)), "4,?096"),
    "empty prompt": (lambda m, t: m.reason("  "), "empty"),
    "prompt that is no text": (lambda m, t: m.reason(12), "12"),
    "edit outside the thought": (lambda m, t: t.replace((0, 3), "x"), "thought"),
    "token index out of range": (lambda m, t: t.truncate(10_000), "10,?000"),
    "resume from beyond the end": (lambda m, t: m.resume(t, at=10_000), "10,?000"),
    "no prompts": (lambda m, t: m.reason([]), "list of no prompts"),
    "two prompts, one empty": (
        lambda m, t: m.reason([GOOD, ""]),
        "Prompt 2 of 2 can't be used: the prompt '' is empty",
    ),
    "two prompts, one too long": (lambda m, t: m.reason([GOOD, long_prompt(m)]), "Prompt 2 of 2 .*4,?096.*shorten"),
    "two prompts, one None": (lambda m, t: m.reason([GOOD, None]), "Prompt 2 of 2 .*None.*give a question"),
    "two prompts, one a number": (lambda m, t: m.reason([5, GOOD]), "Prompt 1 of 2 .*5.*give a question"),
    "two conversations, one without a question": (
        lambda m, t: m.reason([[MESSAGE], [{"role": "system", "content": "Hi"}]]),
        "Prompt 2 of 2 can't be used: none of the 1 messages is the user's",
    ),
    "a conversation and a text": (
        lambda m, t: m.reason([[MESSAGE], GOOD]),
        "Prompt 2 of 2 is a text, and prompt 1 is a conversation; give",
    ),
    "a message and a text": (
        lambda m, t: m.reason([MESSAGE, GOOD]),
        "Prompt 2 of 2 is a text, and prompt 1 is a single message; give",
    ),
    "a text and a message": (
        lambda m, t: m.reason([GOOD, MESSAGE]),
        "Prompt 2 of 2 is a single message, and prompt 1 is a text; give",
    ),
    "a conversation with a number": (lambda m, t: m.reason([MESSAGE, 5]), "Message 2 is a int"),
    "what no prompt is asked with": (lambda m, t: m.reason([GOOD, GOOD], seed=-1), "^TextRequest|^This call"),
    "unknown unit": (lambda m, t: t.spans("sentense"), "sentence"),
    "unknown measure": (lambda m, t: cl.CoTEditor(m, t, measure="occlusion"), "occlusion-total"),
    "editor without a trace": (lambda m, t: cl.CoTEditor(m, "a thought"), "Trace"),
    "unreadable answer": (
        lambda m, t: cl.importance.Occlusion().run(cl.Trace.from_text("Hi", "So 3.", "Who knows?", model=m), m),
        "could not be read",
    ),
    "thought without a token": (
        lambda m, t: cl.importance.Occlusion().run(cl.Trace.from_text("Hi", "", "The answer is 3.", model=m), m),
        "no token in its thought",
    ),
    "too few rollouts": (lambda m, t: cl.importance.Resampling(n=1), "at least 2"),
    "more rollouts than allowed": (lambda m, t: cl.importance.Resampling(n=9000).run(t, m), "max_rollouts=18000"),
    "an embedder that is missing": (
        lambda m, t: cl.importance.Counterfactual(embedder="no-such-embedder").run(t, m),
        "sentence-transformers|no-such-embedder",
    ),
    "a unit that covers the prompt": (lambda m, t: cl.importance.Mistake(spans=[(0, 60)]).run(t, m), "thought"),
    "unknown site": (lambda m, t: m.read(t, "resid.3"), "resid_post"),
    "branch from nothing": (lambda m, t: m.score(t, [branch(0)]), "prefix"),
}


def branch(prefix):
    from cotlens.models.contract import Branch

    return Branch(prefix, (5,))


@pytest.mark.parametrize("case", CASES)
def test_one_clear_sentence(case, model, trace):
    call, said = CASES[case]
    with pytest.raises(CotLensError, match=said) as caught:
        call(model, trace)
    sentence = str(caught.value)
    assert len(sentence) < 400
    assert sentence[0].isupper() or sentence[0] in "'\""
    assert sentence.rstrip().endswith((".", "?"))
    assert "Traceback" not in sentence
    assert len(cl.importance.Occlusion(unit="sentence").run(trace, model)) == len(trace.spans("sentence"))


def test_a_thought_that_is_never_closed_is_a_trace_that_says_so(model):
    trace = model.reason("Mia has 12 pears. She buys 7 more. How many pears does Mia have?", max_new_tokens=9)
    assert trace.meta["finish"] == "length"
    assert trace.meta["thought_closed"] is False
    assert trace.answer == ""
    assert trace.read_answer() is None
    assert model.resume(trace, close_thought=True).answer


def test_bytes_that_are_not_utf8_are_shown_as_such(model):
    stray = model.codec.encode("é")[0:1]
    trace = cl.Trace.from_text("Hi", "So 12 + 7 = 19.", "The answer is 19.", model=model)
    edited = trace.insert(trace.roles["thought"].start + 1, stray)
    assert "\N{REPLACEMENT CHARACTER}" in edited.thought
    assert any("UTF-8" in note for note in edited.meta["notes"])
    assert np.isfinite(cl.importance.Occlusion(unit="sentence").run(edited, model).columns["estimate"]).all()


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "wrong tokenizer", "no tokenizer", "one bit"])
def test_damaged_weights_are_named(tmp_path, damage):
    for path in store.WEIGHTS.glob("*.*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    weights, tokenizer = tmp_path / "abacus.safetensors", tmp_path / "tokenizer.json"
    whole = weights.read_bytes()
    if damage == "missing":
        weights.unlink()
    elif damage == "no tokenizer":
        tokenizer.unlink()
    elif damage == "wrong tokenizer":
        tokenizer.write_text(tokenizer.read_text() + " ")
    else:
        changed = {"cut": whole[:1000], "text": b"not weights", "one bit": whole[:-1] + bytes([whole[-1] ^ 1])}
        weights.write_bytes(changed[damage])
    with pytest.raises(CotLensError, match=r"abacus|tokenizer"):
        store.load_pair("abacus", tmp_path)


def test_a_wrong_tokenizer_beside_a_trace_is_refused(model, trace, tmp_path):
    trace.save(tmp_path / "trace.json")
    other = cl.Trace.from_text("Hi", "a b", "c")
    with pytest.raises(InputError):
        cl.CoTEditor(model, other)
