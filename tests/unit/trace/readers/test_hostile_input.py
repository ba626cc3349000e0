"""Files that are damaged, of another kind or made to harm: a right reading or one sentence, and soon."""

import copy
import functools
import gzip
import json
import random
import time
import zipfile

import pytest

import cotlens as cl
from cotlens._core.errors import CotLensError
from cotlens.trace.readers.files import MOST_BYTES
from tests.unit.trace.readers.test_providers import CASES

ASKED = {"role": "user", "content": "6 × 7?"}
SAID = {"role": "assistant", "reasoning_content": "So 42.", "content": "42"}
ROW = json.dumps({"messages": [ASKED, SAID]}, ensure_ascii=False)


def said(content, **more):
    return json.dumps([ASKED, {"role": "assistant", "content": content, **more}])


def answered(response):
    return json.dumps({"request": {"messages": [ASKED]}, "response": response})


READ = {
    "bom.jsonl": b"\xef\xbb\xbf" + f"{ROW}\r\n{ROW}\r\n".encode(),
    "utf16.json": ROW.encode("utf-16"),
    "utf16.jsonl": f"{ROW}\n{ROW}\n".encode("utf-16"),
    "utf16-without-mark.json": ROW.encode("utf-16-le"),
    "lines-by-cr.jsonl": f"{ROW}\r{ROW}\r".encode(),
    "request-is-messages.json": json.dumps({"request": [ASKED], "response": {"choices": [{"message": SAID}]}}),
    "response-is-text.json": answered(json.dumps({"choices": [{"message": SAID}]})),
    "twice-the-same-key.json": f'{{"messages": [], {ROW[1:]}',
}


@pytest.mark.parametrize("name", READ)
def test_other_encodings_and_wrappings_are_read(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(READ[name] if isinstance(READ[name], bytes) else READ[name].encode())
    for trace in cl.read(path):
        assert (trace.prompt, trace.thought, trace.answer) == ("6 × 7?", "So 42.", "42")


REFUSED = {
    "cut.json": (ROW[:-20], "cut off"),
    "cut.jsonl": (f"{ROW}\n{ROW[:-9]}", "Line 2"),
    "empty.json": ("", "can't be read as JSON"),
    "empty.jsonl": ("", "no rows"),
    "table.csv": ("prompt,thought\n6 x 7,So 42", "table"),
    "table.jsonl": ("prompt,thought\n6 x 7,So 42\n", "table"),
    "table.parquet": (b"PAR1" + bytes(50) + b"PAR1", "Parquet"),
    "table.jsonl.gz": (gzip.compress(ROW.encode()), "gzip"),
    "latin.json": (ROW.replace("×", "ü").encode("latin-1"), "UTF-8"),
    "latin.jsonl": (ROW.replace("×", "ü").encode("latin-1") + b"\n", "UTF-8"),
    "too-large-a-number.json": ('{"messages": [], "n": 1e999}', "too large"),
    "deep.json": ("[" * 100_000 + "]" * 100_000, "deeper"),
    "mixed.json": (json.dumps([ASKED, SAID, 5]), "Message 3"),
    "nobody.json": (json.dumps([ASKED, {"role": "wizard", "content": "x"}]), "Message 2"),
    "two-of-one-id.json": (said([{"type": "thinking", "id": "a", "thinking": word} for word in "xy"]), "the id 'a'"),
    "half-a-body.json": (answered('{"choices": [{"mess'), "cut off"),
    "parts.json": (json.dumps([{"kind": "request", "parts": [5]}]), "isn't known by its shape"),
    "ids.jsonl": ('{"candidates": [], "responseId": ["a"]}\n{"candidates": []}\n', "damaged"),
    "calls.json": (said("", tool_calls=[5]), "tool_calls"),
    "no-choice.json": (answered({"choices": [None]}), "damaged"),
    "bytes.json": (
        answered({"choices": [{"message": SAID, "logprobs": {"content": [{"token": "a", "bytes": [300]}]}}]}),
        "damaged",
    ),
    "stream.txt": ('data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\ndata: {"choi', "cut off"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_sentence(name, tmp_path):
    content, words = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CotLensError) as caught:
        cl.read(path)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"answer": 42}', "[1, 2]", '{"answer": 42', "[TOOL_CALLS] as text", "[]", "{}"])
def test_an_answer_that_looks_like_a_body_is_text(text, tmp_path):
    path = tmp_path / "held.json"
    path.write_text(answered(text))
    assert [trace.answer for trace in cl.read(path)] == [text]


def test_a_call_that_failed_among_others_is_one_of_them(tmp_path):
    """A collection of 200 calls of which one met a limit has 200 traces; alone, it is an error."""
    asked = {"messages": [ASKED]}
    calls = [{"request": asked, "response": {"choices": [{"message": SAID}]}}] * 2
    failed = {"request": asked, "response": {"error": {"message": "Rate limit"}}}
    path = tmp_path / "held.json"
    path.write_text(json.dumps([*calls, failed]))
    traces = cl.read(path)
    assert [trace.meta["finish"] for trace in traces] == ["given", "given", "error"]
    assert {answer: len(group) for answer, group in traces.group("answer").items()} == {"42": 2, None: 1}
    assert any("Rate limit" in note for note in traces[2].meta["notes"]) and traces[2].prompt == "6 × 7?"
    path.write_text(json.dumps([failed]))
    with pytest.raises(CotLensError, match="Rate limit"):
        cl.read(path)
    path.write_text(json.dumps([*calls, {"request": asked, "response": {"shape": "unknown"}}]))
    with pytest.raises(CotLensError, match=r"^Exchange 3 can't be read: The response has a shape"):
        cl.read(path)


CHUNK = {"index": 10**12, "delta": {"tool_calls": [{"index": 10**12, "function": {"name": "f", "arguments": "{}"}}]}}


@pytest.mark.parametrize(
    "content",
    [
        answered([{"choices": [CHUNK]}]),
        answered([{"type": "response.output_text.delta", "output_index": 9, "content_index": 10**12, "delta": "x"}]),
        said("<|channel|>" + "a" * 50_000),
        said("x `<think>" * 10_000 + "</think>"),
        said("<think>" * 10_000),
        said("<think>a</think>b" * 500),
    ],
)
def test_no_text_takes_long_or_much_memory(content, tmp_path):
    path = tmp_path / "held.json"
    path.write_text(content)
    began = time.process_time()
    cl.read(path)
    assert time.process_time() - began < 5  # a hundredth of it, unless it grows faster than the text


ODD = [None, 5, True, [], {}, "x", "", [None], {"a": 1}, {"type": "text"}, "<think>", "[TOOL_CALLS][]", "<tool_call>{}"]


def places(data, path=()):
    """Where anything stands in data, as keys that lead there."""
    yield path
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield from places(value, (*path, key))


def read_or_told(path):
    try:
        return cl.read(path)
    except CotLensError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_stands_in_a_wrong_place_is_read_or_one_sentence(seed, tmp_path):
    """Every shape of a provider with something else, or nothing, in one place of it."""
    drawn, path = random.Random(seed), tmp_path / "held.json"
    read = 0
    for case in CASES.values():
        held = copy.deepcopy(case["held"])
        *way, last = drawn.choice([place for place in places(held) if place])
        inside = functools.reduce(lambda data, key: data[key], way, held)
        if drawn.random() < 0.2:
            del inside[last]
        else:
            inside[last] = drawn.choice(ODD)
        path.write_text(json.dumps(held))
        found = read_or_told(path)
        assert "\n" not in found if isinstance(found, str) else found
        read += not isinstance(found, str)
    assert read > len(CASES) / 3, "most damage takes a part and leaves the rest"


@pytest.mark.parametrize("name", ["held.json", "held.jsonl", "held.eval"])
def test_a_file_that_claims_to_be_huge_is_not_read(name, tmp_path):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(max(MOST_BYTES + 1, 2 * 2**30))
    began = time.process_time()
    with pytest.raises(CotLensError, match=r"GB|MB|archive"):
        cl.read(path)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("../../outside.json", b"{}", "leads out of it"),
        ("/etc/outside.json", b"{}", "leads out of it"),
        ("..\\outside.json", b"{}", "leads out of it"),
        ("samples/1.json", bytes(8 * 2**20), "would unpack"),
    ],
)
def test_an_archive_that_is_made_to_harm_is_not_opened(member, content, words, tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    with pytest.raises(CotLensError, match=words):
        cl.read(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CotLensError, match="no whole archive"):
        cl.read(path)


def test_calls_of_tools_between_thoughts_keep_their_order(tmp_path):
    blocks = [{"type": "thinking", "thinking": "a"}, {"type": "tool_use", "id": "1", "name": "f", "input": None}]
    blocks += [{"type": "thinking", "thinking": "b"}, {"type": "text", "text": "42"}]
    (tmp_path / "held.json").write_text(said(blocks))
    (trace,) = cl.read(tmp_path / "held.json")
    assert [part.kind for part in trace.parts] == ["user", "thought", "tool_call", "thought", "answer"]
    assert trace.focus(0).answer.startswith("f({})") and trace.thought == "b"


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_an_empty_thought_is_none(empty, tmp_path):
    (tmp_path / "held.json").write_text(said("42", reasoning_content=empty))
    (trace,) = cl.read(tmp_path / "held.json")
    assert trace.thoughts == [] and trace.answer == "42"
