"""What providers and servers send, each in its own shape, written here after what they document of it."""

import json
from pathlib import Path

import pytest

import cotlens as cl
from cotlens._core.errors import CotLensError
from cotlens.trace.readers.message_fields import THOUGHTS

LINES = (Path(__file__).parent / "providers.jsonl").read_text().splitlines()
CASES = {case["name"]: case for case in map(json.loads, LINES)}
"""Name -> what a file holds, how its last turn ended, and its parts as [kind and status, text]."""


def told(trace):
    return [[f"{part.kind} {part.status}".strip(), part.text] for part in trace.parts]


@pytest.mark.parametrize("name", CASES)
def test_a_provider_is_known_by_its_shape(name, tmp_path):
    case, path = CASES[name], tmp_path / "held.json"
    path.write_text(json.dumps(case["held"]))
    (trace,) = cl.read(path)
    assert told(trace) == case["parts"] and trace.meta["finish"] == case["finish"]
    for part in trace.parts:
        assert trace.text[part.span.char_start : part.span.char_end] == part.text


@pytest.mark.parametrize(
    "name",
    [
        *("chunks_list", "anthropic_events_list", "google_chunks_list", "ollama_stream", "mis_conv_stream"),
        *("goo_ix_stream", "goo_ix_stream_old", "xai_stream", "resp_stream_oss", "ant_stream"),
        *("hf_tgi_stream", "sglang_stream", "llamacpp_stream", "databricks_stream"),
    ],
)
def test_the_events_of_a_stream_are_one_trace_as_lines_and_as_text_too(name, tmp_path):
    held, parts = CASES[name]["held"], CASES[name]["parts"]
    events = held["response"] if isinstance(held, dict) else held
    wanted = [part for part in parts if not part[0].startswith("user")]
    lines, text = tmp_path / "events.jsonl", tmp_path / "events.txt"
    lines.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    text.write_text("".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n")
    for path in (lines, text):
        (trace,) = cl.read(path)
        assert told(trace) == wanted


def test_several_streams_in_a_file_are_as_many_traces(tmp_path):
    chunks = [
        {"id": name, "choices": [{"index": 0, "delta": delta}]}
        for name in ("first", "second")
        for delta in ({"reasoning_content": f"I am {name}."}, {"content": name})
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, chunks)))
    traces = cl.read(tmp_path / "events.jsonl")
    assert [(trace.thought, trace.answer) for trace in traces] == [("I am first.", "first"), ("I am second.", "second")]


def test_log_probabilities_of_a_stream_are_those_of_its_pieces(tmp_path):
    chunks = [
        {
            "choices": [
                {"index": 0, "delta": {"content": text}, "logprobs": {"content": [{"token": text, "logprob": p}]}}
            ]
        }
        for text, p in (("It is", -0.5), (" 42.", -0.25))
    ]
    asked = {"messages": [{"role": "user", "content": "6 x 7?"}]}
    (tmp_path / "held.json").write_text(json.dumps({"request": asked, "response": chunks}))
    (trace,) = cl.read(tmp_path / "held.json")
    assert trace.tokens[-2:] == ["It is", " 42."] and trace.logprobs[-2:].tolist() == [-0.5, -0.25]


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "error of the provider (SAFETY)"),
        ({"request": {"prompt": "?"}, "response": {"choices": None, "base_resp": {"status_msg": "no"}}}, "(no)"),
        ({"custom_id": "1", "result": {"type": "errored", "error": {"message": "long"}}}, "long"),
        ({"error": "rate limit"}, "(rate limit)"),
        ({"request": {"prompt": "?"}, "response": {"code": "Bad", "message": "a key is wrong"}}, "a key is wrong"),
        ({"request": {"prompt": "?"}, "response": {"type": "error", "error": {"message": "too long"}}}, "(too long)"),
        ([{"type": "message_start", "message": {"role": "assistant"}}, {"type": "error", "error": {"message": "full"}}],
         "(full)"),
        ([{"type": "response.created", "response": {"id": "r"}}, {"type": "error", "message": "slow"}], "(slow)"),
        ([{"type": "response.failed", "response": {"output": [], "error": {"message": "broke"}}}], "(broke)"),
        ({"request": {"prompt": "?"}, "response": [{"choices": [], "error": {"message": "gone"}}]}, "(gone)"),
    ],
)  # fmt: skip
def test_an_error_of_a_provider_is_said_as_that(held, words, tmp_path):
    path = tmp_path / "held.json"
    path.write_text(json.dumps(held))
    with pytest.raises(CotLensError) as caught:
        cl.read(path)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("field", THOUGHTS)
def test_a_thought_that_comes_in_pieces_is_whole_in_whichever_field(tmp_path, field):
    deltas = [
        {"role": "assistant"},
        {field: "6 and 7 "},
        {field: "make 13."},
        {"content": "It "},
        {"content": "is 13."},
    ]
    events = [{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": one}]} for one in deltas]
    (tmp_path / "stream.jsonl").write_text("\n".join(map(json.dumps, events)))
    (trace,) = cl.read(tmp_path / "stream.jsonl")
    assert [part.text for part in trace.parts] == ["6 and 7 make 13.", "It is 13."]
