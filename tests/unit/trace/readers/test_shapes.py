"""Messages in the shapes of providers, made here: what each calls a thought, and what becomes of it."""

import json

import pytest

import cotlens as cl
from cotlens.trace.readers.conversations import of_exchange

ASKED = {"model": "m", "messages": [{"role": "user", "content": "12 + 7?"}]}


def parts(trace):
    return [(f"{part.kind} {part.status}".strip(), part.text) for part in trace.parts if part.turn > 0]


def chat(message, **more):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop", **more}
    return {"model": "m", "choices": [choice]}


def one(response, request=ASKED):
    (trace,) = of_exchange(request, response)
    return trace


VERBATIM = [("thought verbatim", "It is 19."), ("answer", "19")]


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "It is 19.", "content": "19"},
        {"reasoning": "It is 19.", "content": "19"},
        {"thinking": "It is 19.", "content": "19"},
        {"content": "<think>\nIt is 19.\n</think>\n\n19"},
        {"content": "It is 19.\n</think>\n\n19"},
        {"content": "[THINK]It is 19.[/THINK]19"},
        {"content": "<|channel|>analysis<|message|>It is 19.<|end|><|start|>assistant<|channel|>final<|message|>19"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "It is 19."}]}, "19"]},
        {"content": [{"type": "thinking", "thinking": "It is 19."}, {"type": "text", "text": "19"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "It is"}, {"type": "reasoning.text", "text": " 19."}],
         "reasoning": "It is 19.", "content": "19"},
    ],
)  # fmt: skip
def test_a_thought_is_found_wherever_a_message_keeps_it(message):
    assert parts(one(chat(message))) == VERBATIM


@pytest.mark.parametrize(
    "response",
    [
        {"id": "1", "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "It is 19."}, {"type": "text", "text": "19"}]}},
        {"message": {"role": "assistant", "thinking": "It is 19.", "content": "19"}, "done_reason": "stop"},
        {"text": "<think>It is 19.</think>19", "meta_info": {"finish_reason": {"type": "stop"}}},
        {"generated_text": "It is 19.</think>19"},
        {"output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "It is 19."}}}, {"text": "19"}]}}},
        {"object": "response", "status": "completed", "output": [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "It is 19."}], "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "19"}]}]},
        {"choices": [{"text": "<think>It is 19.</think>19", "finish_reason": "stop"}]},
    ],
    ids=["cohere", "ollama", "sglang", "tgi", "bedrock", "responses of an open model", "completions"],
)  # fmt: skip
def test_a_response_is_known_by_its_shape(response):
    assert parts(one(response)) == VERBATIM


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (chat({"reasoning_details": [{"type": "reasoning.summary", "summary": "A sum."}], "content": "19"}), "summary"),
        (chat({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAA"}], "content": "19"}), "encrypted"),
        ({**chat({"content": "19"}), "usage": {"completion_tokens_details": {"reasoning_tokens": 40}}}, "stripped"),
        ({**chat({"reasoning": "A sum.", "content": "19"}), "model": "openai/gpt-5"}, "summary"),
        ({**chat({"reasoning": "A sum.", "content": "19"}), "model": "openai/gpt-oss-120b"}, "verbatim"),
        ({**chat({"reasoning": "A sum.", "content": "19"}), "model": "anthropic/claude-3.7-sonnet"}, "verbatim"),
        ({"model": "claude-3-7-sonnet-20250219", "role": "assistant", "content": [
            {"type": "thinking", "thinking": "A sum.", "signature": "E"}, {"type": "text", "text": "19"}]}, "verbatim"),
        ({"model": "claude-opus-4-1", "role": "assistant", "content": [
            {"type": "thinking", "thinking": "A sum.", "signature": "E"}, {"type": "text", "text": "19"}]}, "summary"),
        ({"model": "claude-opus-4-1", "role": "assistant", "content": [
            {"type": "thinking", "thinking": "", "signature": "E"}, {"type": "text", "text": "19"}]}, "encrypted"),
        ({"output": {"message": {"content": [
            {"reasoningContent": {"redactedContent": "E"}}, {"text": "19"}]}}}, "redacted"),
        ({"object": "response", "output": [{"type": "reasoning", "summary": [], "encrypted_content": "g"},
            {"type": "message", "role": "assistant", "content": "19"}]}, "encrypted"),
        ({"object": "response", "output": [{"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": "19"}]}, "stripped"),
        ({"candidates": [{"content": {"parts": [{"text": "A sum.", "thought": True}, {"text": "19"}]}}]}, "summary"),
        ({"candidates": [{"content": {"parts": [{"text": "19", "thoughtSignature": "E"}]}}]}, "encrypted"),
        ({"candidates": [{"content": {"parts": [{"text": "19"}]}}],
          "usageMetadata": {"thoughtsTokenCount": 9}}, "stripped"),
    ],
)  # fmt: skip
def test_what_is_no_thought_of_a_model_says_why(response, status):
    trace = one(response)
    assert trace.status == status
    assert trace.answer == "19"
    if status != "verbatim":
        with pytest.raises(cl.CotLensError, match="nothing can be measured on it"):
            trace.truncate(trace.roles["thought"].start)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<think>a</think>b<think>c</think>d", ["a", "b", "c", "d"]),
        ("a</think>b<think>c", ["a", "b<think>c"]),
        ("a</think>b\n<think>c", ["a", "b", "c"]),
        ("<think>never closed", ["never closed"]),
        ("<think>\n\n</think>\n\nb", ["", "b"]),
        ("Write `<think>` before it and `</think>` after it.", ["Write `<think>` before it and `</think>` after it."]),
        ("<thought>a</thought>\nb", ["a", "b"]),
        ("nothing marked", ["nothing marked"]),
        ("The tag </think> ends a thought.", ["The tag </think> ends a thought."]),
        ("", []),
    ],
)
def test_markers(text, found):
    trace = cl.Trace.from_messages([{"role": "user", "content": "?"}, {"role": "assistant", "content": text}])
    assert [part.text for part in trace.parts if part.turn > 0] == found


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, []),
        ([], []),
        ([None, ""], []),
        (5, ["5"]),
        (("a", "b"), ["ab"]),
        ([{"type": "text", "text": None}], []),
        ([{"type": "text", "text": 5}, {"type": "text", "text": " pears"}], ["5 pears"]),
        ({"type": "text", "text": "a"}, ["a"]),
        ([[["deep"]]], ["deep"]),
        ([{"type": "image", "source": {}}, "a"], ["[image]", "a"]),
        ("a\ud800", ["a\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_odd_contents_are_read_as_what_they_say(content, found):
    trace = cl.Trace.from_messages([{"role": "user", "content": "?"}, {"role": "assistant", "content": content}])
    assert [part.text for part in trace.parts if part.turn > 0] == found


@pytest.mark.parametrize("content", [b"bytes", bytearray(b"more"), {1, 2}, object(), [object()], iter("ab")])
def test_a_content_that_is_no_data_is_refused(content):
    with pytest.raises(cl.CotLensError, match="it holds a") as caught:
        cl.Trace.from_messages([{"role": "user", "content": "?"}, {"role": "assistant", "content": content}])
    assert "\n" not in str(caught.value)


def test_a_tool_may_answer_with_any_data():
    for content, found in (({"x": 1}, '{"x": 1}'), ([{"x": 1}], '{"x": 1}'), (None, ""), ([], ""), (3, "3")):
        asked = [{"role": "user", "content": "?"}, {"role": "tool", "tool_call_id": "c", "content": content}]
        part = cl.Trace.from_messages(asked).parts[-1]
        assert (part.kind, part.text, part.id) == ("tool_result", found, "c")


def test_thoughts_between_calls_keep_order_and_ids():
    """As gpt-oss writes them, as Responses list them, and as Anthropic interleaves them."""
    harmony = "".join(
        f"<|start|>assistant<|channel|>analysis<|message|>{word}<|end|>"
        f'<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{{"n":{n}}}<|call|>'
        f"<|start|>functions.f to=assistant<|channel|>commentary<|message|>{n}<|end|>"
        for n, word in enumerate(("one", "two"))
    )
    items = [
        item
        for n, word in enumerate(("one", "two"))
        for item in (
            {"type": "reasoning", "id": f"rs_{n}", "content": [{"type": "reasoning_text", "text": word}]},
            {"type": "function_call", "call_id": f"c{n}", "name": "f", "arguments": f'{{"n":{n}}}'},
            {"type": "function_call_output", "call_id": f"c{n}", "output": str(n)},
        )
    ]
    blocks = [
        block
        for n, word in enumerate(("one", "two"))
        for block in (
            {"type": "thinking", "id": f"rs_{n}", "thinking": word},
            {"type": "server_tool_use", "id": f"c{n}", "name": "f", "input": f'{{"n":{n}}}'},
            {"type": "f_tool_result", "tool_use_id": f"c{n}", "content": str(n)},
        )
    ]
    asked = {"role": "user", "content": "?"}
    for said in ([{"role": "assistant", "content": harmony}], items, [{"role": "assistant", "content": blocks}]):
        trace = cl.Trace.from_messages([asked, *said])
        assert [(part.kind, part.text) for part in trace.parts[1:]] == [
            ("thought", "one"),
            ("tool_call", 'f({"n":0})'),
            ("tool_result", "0"),
            ("thought", "two"),
            ("tool_call", 'f({"n":1})'),
            ("tool_result", "1"),
        ]
        assert trace.thought == "two" and trace.focus(0).thought == "one"
        if said is not harmony and any(part.id for part in trace.thoughts):
            assert trace.focus("rs_0") == trace.focus(0)
            calls = [part.id for part in trace.parts if part.kind in ("tool_call", "tool_result")]
            assert calls == ["c0", "c0", "c1", "c1"]


def test_a_message_after_an_item_of_reasoning_is_its_answer():
    """Items may be followed by a message of the short form, which is none by its type."""
    asked, item = {"role": "user", "content": "?"}, {"type": "reasoning", "id": "rs", "summary": ["I add."]}
    short = {"role": "assistant", "content": "19"}
    for answer in (short, {**short, "type": "message"}):
        trace = cl.Trace.from_messages([asked, item, answer, asked, short, short])
        assert [part.turn for part in trace.parts] == [0, 1, 1, 2, 3, 4]
        assert (trace.focus("rs").answer, trace.focus("rs").status) == ("19", "summary")


def test_calls_of_tools_in_every_spelling_are_one_thing():
    asked = {"role": "user", "content": "?"}
    calls = [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "look", "input": {"a": 1}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "look", "input": {"a": 1}}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c", "name": "look", "args": {"a": 1}}}]},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a": 1}'},
    ]  # fmt: skip
    results = [
        {"role": "tool", "tool_call_id": "c", "content": "2"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "2"}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "2"}]}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c", "name": "look", "response": {"result": "2"}}}]},
        {"type": "function_call_output", "call_id": "c", "output": "2"},
    ]
    for call, result in zip(calls, results, strict=True):
        _, called, answered = cl.Trace.from_messages([asked, call, result]).parts
        assert (called.kind, called.name, json.loads(called.arguments), called.id) == (
            "tool_call",
            "look",
            {"a": 1},
            "c",
        )
        assert (answered.kind, answered.text, answered.id, answered.turn) == ("tool_result", "2", "c", 2)


def test_several_answers_are_several_traces():
    response = {"choices": [chat({"content": text})["choices"][0] for text in ("19", "20")]}
    assert [trace.answer for trace in of_exchange(ASKED, response)] == ["19", "20"]


LOGPROBS = [
    {"token": "<think>", "logprob": -0.1, "bytes": list(b"<think>"), "top_logprobs": []},
    {"token": "It is 19.", "logprob": -0.2, "bytes": list(b"It is 19."),
     "top_logprobs": [{"token": "It is 19.", "logprob": -0.2}, {"token": "No", "logprob": -3.0}]},
    {"token": "</think>", "logprob": -0.3, "bytes": list(b"</think>"), "top_logprobs": []},
    {"token": "19", "logprob": -0.4, "bytes": list(b"19"), "top_logprobs": []},
]  # fmt: skip


def test_log_probabilities_and_ids_that_came_along_are_used():
    choice = {"logprobs": {"content": LOGPROBS}, "token_ids": [5, 6, 7, 8]}
    trace = one(chat({"content": "<think>It is 19.</think>19"}, **choice))
    assert (trace.thought, trace.answer) == ("It is 19.", "19")
    assert trace.token_ids[-4:] == (5, 6, 7, 8)
    assert trace.logprobs[-4:].tolist() == pytest.approx([-0.1, -0.2, -0.3, -0.4])
    span = trace.roles["thought"]
    assert trace.top_pieces[span.start] == ("It is 19.", "No")
    assert trace.meta["recorded_ids"] is True


def test_those_of_the_answer_alone_are_put_where_the_answer_is():
    message = {"reasoning_content": "It is 19.", "content": "19"}
    trace = one(chat(message, logprobs={"content": LOGPROBS[-1:]}))
    assert trace.logprobs[-1] == pytest.approx(-0.4)
    assert (trace.thought, trace.answer) == ("It is 19.", "19")


@pytest.mark.parametrize(
    "more",
    [
        {"logprobs": {"tokens": ["It is", " 19"], "token_logprobs": [-1.0, -2.0], "top_logprobs": None}},
        {"meta_info": {"output_token_logprobs": [[-1.0, 3, "It is"], [-2.0, 4, " 19"]]}, "text": "It is 19"},
        {"details": {"tokens": [
            {"id": 3, "text": "It is", "logprob": -1.0}, {"id": 4, "text": " 19", "logprob": -2.0}]},
         "generated_text": "It is 19"},
    ],
)  # fmt: skip
def test_they_are_found_in_the_places_of_other_servers(more):
    response = {"choices": [{"text": "It is 19", **more}]} if "logprobs" in more else more
    trace = one(response)
    assert trace.tokens[-2:] == ["It is", " 19"]
    assert trace.logprobs[-2:].tolist() == [-1.0, -2.0]


def test_ids_without_texts_are_spelled_by_the_model():
    trace = one(chat({"content": "19"}, token_ids=[1, 2]))
    assert any("2 token ids came along" in note for note in trace.meta["notes"])


def event(**parts):
    return f"data: {json.dumps(parts)}\n\n"


STREAMS = {
    "chat": [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "It is "}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "19."}}]},
        {"choices": [{"index": 0, "delta": {"content": "1"}}]},
        {"choices": [{"index": 0, "delta": {"content": "9"}, "finish_reason": "stop"}]},
    ],
    "anthropic": [
        {"type": "message_start", "message": {"model": "claude-3-7-sonnet-latest", "role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "It is "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "19."}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "19"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ],
    "responses": [
        {"type": "response.created", "response": {"id": "r"}},
        {"type": "response.completed", "response": {"object": "response", "status": "completed", "output": [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "It is 19."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "19"}]}]}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_what_it_spells(name):
    text = "".join(event(**each) for each in STREAMS[name]) + "data: [DONE]\n"
    for response in (STREAMS[name], text):
        trace = one(response)
        assert parts(trace) == VERBATIM
        assert trace.meta["finish"] == "stop"


def test_a_call_of_a_tool_comes_in_pieces():
    deltas = [
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    ]
    (called,) = one([{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]).parts[1:]
    assert (called.name, called.arguments, called.id) == ("look", '{"a": 1}', "c")


@pytest.mark.parametrize(
    "response",
    [
        {"choices": [None]},
        {"choices": [{"message": {"role": "assistant", "content": "19"}, "logprobs": {"content": [5]}}]},
        {"candidates": [{"content": {"parts": [5]}}, 5]},
        {"output": [{"type": "reasoning", "summary": 5}, 5]},
    ],
)
def test_a_damaged_response_is_one_sentence(response, tmp_path):
    path = tmp_path / "exchange.json"
    path.write_text(json.dumps({"request": ASKED, "response": response}))
    with pytest.raises(cl.CotLensError) as caught:
        cl.read(path)
    assert "\n" not in str(caught.value)
