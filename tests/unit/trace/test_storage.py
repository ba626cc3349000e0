import base64
import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given

from cotlens._core.errors import InputError
from cotlens.trace import Boxed, Choice, Function, Number, Regex, Span, Trace
from cotlens.trace.editing import reads
from cotlens.trace.plain import NOTE
from tests.unit.trace.bytecodec import TOKENS, ByteCodec, compose, from_ids


class Tokenizer:
    """As much of a model as loading a trace needs."""

    reader = Boxed()

    def __init__(self, codec):
        self.codec = codec


@pytest.fixture
def family(trace):
    count = len(trace.token_ids)
    root = dataclasses.replace(
        trace,
        logprobs=-np.linspace(0, 3, count, dtype=np.float32),
        top_ids=np.full((count, 2), 7, np.int32),
        top_logprobs=np.full((count, 2), -1.5, np.float32),
        top_pieces=(("a", "é"),) * count,
        meta={"model": "abacus", "seed": np.int64(3), "temperature": 0.6, "odd": math.nan, "nested": {"a": [1, None]}},
    )
    edited = root.insert(root.spans("sentence")[1], "Wait, 😀. ")
    edited = dataclasses.replace(edited, edit=dataclasses.replace(edited.edit, surprise=2.25))
    return dataclasses.replace(edited, parent=edited, rewritten_from=edited.edit.end_token, edit=None)


@pytest.mark.parametrize(
    "odd",
    [
        {"notes": 5},
        {"notes": ["a", 5]},
        {"begin": "q", "finish": "length"},
        {"begin": 10**6},
        {"intervention_fingerprints": 5},
        {"seed": "x"},
        {"seed": -5},
        {"seed": 2**64},
        {"sample": 1.5},
        {"finish": 3},
        {"prefill": 7},
    ],
)
def test_metadata_that_can_t_be_are_refused(trace, tmp_path, odd):
    dataclasses.replace(trace, meta=odd).save(tmp_path / "trace.json")
    name = next(iter(odd))
    with pytest.raises(InputError, match=f"damaged trace file .its {name} "):
        Trace.load(tmp_path / "trace.json")


@pytest.mark.parametrize("meta", [{"seed": None, "mine": [{"any": 1.5}]}, {"notes": ("a",), "seed": 2**64 - 1}, {}])
def test_other_metadata_are_kept(trace, tmp_path, meta):
    dataclasses.replace(trace, meta=meta).save(tmp_path / "trace.json")
    assert set(Trace.load(tmp_path / "trace.json").meta) == set(meta)


def test_everything_comes_back(family, tmp_path):
    family.save(tmp_path / "trace.json")
    loaded = Trace.load(tmp_path / "trace.json")
    assert loaded == family
    assert len(loaded.path()) == 3
    for one, other in zip(loaded.path(), family.path(), strict=True):
        assert (one.token_ids, one.text, one.roles) == (other.token_ids, other.text, other.roles)
        for name in ("offsets", "logprobs", "top_ids", "top_logprobs"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype
            assert not getattr(one, name).flags.writeable
        assert one.top_pieces == other.top_pieces
        assert one.rewritten_from == other.rewritten_from
        assert one.reader == other.reader == Number()
        assert one.codec is None
    root, edited, _ = loaded.path()
    assert edited.edit.surprise == 2.25
    assert math.isnan(edited.edit.surprise_was)
    assert edited.edit == family.path()[1].edit
    assert math.isnan(root.meta["odd"])
    assert root.meta["seed"] == 3
    assert root.meta["nested"] == {"a": [1, None]}


@given(TOKENS)
def test_any_bytes_come_back(tmp_path_factory, thought):
    path = tmp_path_factory.mktemp("trace") / "t.json"
    trace = from_ids(ByteCodec(), [65], thought, [66])
    trace.save(path)
    assert Trace.load(path) == trace
    cut = trace.truncate(trace.roles["thought"].end)
    cut.save(path)
    assert Trace.load(path, model=Tokenizer(ByteCodec())) == cut


@pytest.mark.parametrize(
    "reader", [Number(suffix="= "), Boxed(), Choice("AB"), Regex(r"(\d+)", suffix="It is ", terminator="."), None]
)
def test_readers_come_back(trace, tmp_path, reader):
    dataclasses.replace(trace, reader=reader).save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json").reader == reader


def test_a_function_can_not_be_saved_and_that_is_noted(trace, tmp_path):
    dataclasses.replace(trace, reader=Function(len)).save(tmp_path / "t.json")
    loaded = Trace.load(tmp_path / "t.json")
    assert loaded.reader is None
    assert "'function' can't be saved" in loaded.meta["notes"][-1]


def test_a_model_attaches_its_tokenizer_to_all_parents(family, codec, tmp_path):
    dataclasses.replace(family, reader=None).save(tmp_path / "t.json")
    loaded = Trace.load(tmp_path / "t.json", model=Tokenizer(codec))
    assert loaded == family
    assert all(step.codec is codec for step in loaded.path())
    assert loaded.reader == Boxed()
    assert loaded.parent.reader == Number()
    assert loaded.parent.insert(loaded.parent.roles["thought"].start, "Hm").thought.startswith("Hm")


@pytest.mark.parametrize("merged", [[b"other"] * 30, []])
def test_a_model_with_another_tokenizer(trace, tmp_path, merged):
    trace.save(tmp_path / "t.json")
    with pytest.raises(InputError, match="not the one that this trace was made with"):
        Trace.load(tmp_path / "t.json", model=Tokenizer(ByteCodec(merged)))


def test_the_file_is_plain_and_versioned(trace, tmp_path):
    trace.save(tmp_path / "t.json")
    data = json.loads((tmp_path / "t.json").read_text("ascii"))
    assert data["format"] == "cotlens-trace/1"
    packed = data["traces"][0]["offsets"]
    assert packed["dtype"] == "<i8"
    assert np.frombuffer(base64.b64decode(packed["data"]), "<i8").tolist() == trace.offsets.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


def damage(key, value):
    def apply(data):
        data["traces"][0][key] = value

    return apply


def drop(key):
    return lambda data: data["traces"][0].pop(key)


@pytest.mark.parametrize(
    "harm",
    [
        damage("text", "other"),
        damage("text", 7),
        damage("token_ids", [1]),
        damage("token_ids", "many"),
        damage("roles", {"thought": [5, 2]}),
        damage("roles", []),
        damage("offsets", {"dtype": "<i8", "shape": [3], "data": "AAAA"}),
        damage("offsets", {"dtype": "object", "shape": [3], "data": "AAAA"}),
        damage("logprobs", {"dtype": "<f4", "shape": [1], "data": "not base64"}),
        damage("edit", {"kind": "magic"}),
        damage("reader", {"name": "regex", "fields": {"pattern": "("}}),
        damage("meta", None),
        damage("rewritten_from", 10**6),
        drop("text"),
        drop("id"),
        drop("roles"),
        lambda data: data.pop("traces"),
        lambda data: data["traces"].clear(),
        lambda data: data.update(traces=7),
    ],
)
def test_damaged_files(trace, tmp_path, harm):
    path = tmp_path / "t.json"
    trace.save(path)
    data = json.loads(path.read_text())
    del data["checksum"]  # which would be the first to notice
    harm(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="damaged"):
        Trace.load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not hold JSON"),
        (b"\xff\xfe\x00", "does not hold JSON"),
        (b'{"format": "cotlens-tra', "does not hold JSON"),
        (b"[]", "not a saved trace"),
        (b'{"a": 1}', "not a saved trace"),
        (b'{"format": "cotlens-result/1"}', "holds 'cotlens-result/1', not a trace"),
        (b'{"format": "cotlens-trace/2"}', "update CoTLens"),
    ],
)
def test_foreign_files(tmp_path, content, message):
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Trace.load(path)


def test_missing_files_and_folders(trace, tmp_path):
    with pytest.raises(InputError, match="No trace can be read"):
        Trace.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="Nothing can be saved"):
        trace.save(tmp_path / "none" / "t.json")


def test_meta_that_can_not_be_saved(trace, tmp_path):
    with pytest.raises(InputError, match=r"trace.meta\['model'\] holds a object"):
        dataclasses.replace(trace, meta={"model": object()}).save(tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []


def test_a_text_without_a_model():
    trace = Trace.from_text("How many?", "First I count.\n\nIt is 12. It is 12.", "The answer is 12.")
    assert (trace.prompt, trace.thought, trace.answer) == (
        "How many?",
        "First I count.\n\nIt is 12. It is 12.",
        "The answer is 12.",
    )
    assert "".join(trace.tokens) == trace.text
    assert len(trace.spans("sentence")) == 2
    assert trace.meta["notes"] == [NOTE]
    assert trace.tokens[4:7] == [" I", " count.", "\n\nIt"]
    with pytest.raises(InputError, match="no tokenizer"):
        trace.delete(trace.spans("sentence")[0])


def test_texts_without_thought_or_answer(tmp_path):
    trace = Trace.from_text("", "")
    assert (trace.prompt, trace.thought, trace.answer) == ("", "", "")
    assert "answer" not in trace.roles
    assert trace.meta["thought_closed"] is False
    odd = Trace.from_text("\ud83d", "a", "b")
    odd.save(tmp_path / "t.json")
    assert Trace.load(tmp_path / "t.json") == odd


def test_a_text_with_a_model_is_composed_by_it(codec):
    class Composer:
        def compose(self, prompt, thought, answer):
            return compose(codec, prompt, thought, answer)

    trace = Trace.from_text("q", "thought", "a", model=Composer())
    assert trace.codec is codec
    with pytest.raises(InputError, match="should give a Trace"):
        Trace.from_text("q", model=type("Broken", (), {"compose": lambda *_: None})())
    with pytest.raises(InputError, match="prompt must be text"):
        Trace.from_text(7)


def test_a_thought_given_with_its_markers_is_taken_out_of_them():
    trace = Trace.from_text("Q", "<think>\nfoo\n</think>\n\nbar")
    assert (trace.thought, trace.answer, trace.meta["thought_closed"]) == ("foo", "bar", True)
    assert "between <think> and </think>" in trace.meta["notes"][1]
    other = Trace.from_text("Q", "foo </think> bar")
    assert (other.thought, other.answer) == ("foo </think> bar", "")
    assert "holds </think> as text" in other.meta["notes"][1]


@pytest.mark.parametrize("text", ["\U0001f600", "So \U0001f600 and \u4f60\u597d.", "e\u0301\U0001f469\u200d\U0001f467"])
def test_a_trace_that_was_cut_within_a_character_is_its_codecs(text, tmp_path):
    codec = ByteCodec(merged=())
    whole = compose(codec, thought=text, answer="19")
    for at in range(whole.roles["thought"].start, whole.roles["thought"].end + 1):
        cut = whole.truncate(at)
        cut.save(tmp_path / "t.json")
        for again in (Trace.load(tmp_path / "t.json"), Trace.load(tmp_path / "t.json", model=Tokenizer(codec))):
            assert reads(codec, again)
            assert again == cut


def test_a_trace_of_other_tokens_is_not_taken_for_it():
    """Not even where the texts differ only in what can't be shown, or only in where the tokens part."""
    codec, merged = ByteCodec(merged=()), ByteCodec()
    whole = compose(codec, thought="12\U0001f600")
    cut = whole.truncate(whole.roles["thought"].start + 4)
    assert reads(codec, cut)
    assert not reads(codec, dataclasses.replace(cut, token_ids=(*cut.token_ids[:-2], ord("x"), ord("y"))))
    other = compose(merged, thought="the 12")
    assert not reads(codec, dataclasses.replace(other, codec=codec))


def test_roles_that_begin_within_a_token(tmp_path):
    """A token that a marker shares with thought or answer is the marker's; its other characters are theirs."""
    text = "How?<t>foo.</t>\\{5}"
    codec = ByteCodec(merged=(b">\\", b".<"))
    ids = codec.encode(text)
    pieces = codec.pieces(ids)
    first, last = pieces.index(b".<"), pieces.index(b">\\") + 1
    roles = {
        "prompt": (0, 4),
        "thought": Span(7, first, 7, 11, "role"),
        "answer": (last, len(ids), text.index("\\"), len(text)),
    }
    trace = Trace.build(ids, pieces, roles, codec=codec)
    assert (trace.prompt, trace.thought, trace.answer) == ("How?", "foo.", "\\{5}")
    assert trace.spans("sentence")[0].char_end == 11
    trace.save(tmp_path / "t.json")
    again = Trace.load(tmp_path / "t.json")
    assert (again == trace, again.roles) == (True, trace.roles)
    assert again.id != Trace.build(ids, pieces, {**roles, "answer": (last, len(ids))}).id
    edited = trace.replace((7, 11), "bar!")
    assert (edited.thought, edited.answer, edited.text) == ("bar!", "\\{5}", text.replace("foo.", "bar!"))
    for wrong in (Span(7, first, 7, 13, "role"), Span(7, first, 5, 11, "role")):
        with pytest.raises(InputError, match="characters of the thought"):
            Trace.build(ids, pieces, {**roles, "thought": wrong})
