"""Files of rows, trajectories and rollouts; what can't be read says why in a sentence."""

import json

import pytest

import cotlens as cl
from cotlens.trace.readers import files

THOUGHT, ANSWER = "First I add. It is 19.", "The answer is 19."


def written(path, data):
    lines = "\n".join(map(json.dumps, data)) if path.suffix == ".jsonl" else json.dumps(data)
    path.write_text(lines)
    return path


ROWS = {
    "messages": {"messages": [{"role": "user", "content": "12 + 7?"},
        {"role": "assistant", "content": f"<think>{THOUGHT}</think>{ANSWER}"}]},
    "sharegpt and openthoughts": {"conversations": [{"from": "human", "value": "12 + 7?"},
        {"from": "gpt", "value": f"<|begin_of_thought|>\n\n{THOUGHT}\n\n<|end_of_thought|>\n\n"
         f"<|begin_of_solution|>\n\n{ANSWER}\n\n<|end_of_solution|>"}]},
    "openthoughts' metadata": {"problem": "12 + 7?", "deepseek_reasoning": THOUGHT, "deepseek_solution": ANSWER,
        "ground_truth_solution": "19"},
    "s1K": {"question": "12 + 7?", "solution": "19", "thinking_trajectories": [THOUGHT], "attempt": ANSWER},
    "s1K-1.1": {"question": "12 + 7?", "solution": "19", "deepseek_thinking_trajectory": THOUGHT,
        "deepseek_attempt": ANSWER},
    "openr1": {"problem": "12 + 7?", "answer": "19", "generations": [f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"],
        "messages": [], "uuid": "u"},
    "lm-eval": {"doc_id": 0, "doc": {"q": "12 + 7?"}, "target": "19", "arguments": {"gen_args_0": {"arg_0": "12 + 7?",
        "arg_1": {"until": []}}}, "resps": [[f"{THOUGHT}</think>{ANSWER}"]], "filtered_resps": ["19"]},
    "question and answer": {"question": "12 + 7?", "reasoning": THOUGHT, "response": ANSWER},
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_data_sets(name, tmp_path):
    (trace,) = cl.read(written(tmp_path / "rows.jsonl", [ROWS[name]]))
    assert (trace.prompt, trace.thought, trace.answer) == ("12 + 7?", THOUGHT, ANSWER)
    assert trace.read_answer().text == "19"
    if "s1K" in name or name in ("openr1", "lm-eval"):
        assert trace.meta["target"] == "19"


def test_every_generation_is_a_trace(tmp_path):
    row = {**ROWS["openr1"], "generations": ["<think>a</think>18", "<think>b</think>19"]}
    traces = cl.read(written(tmp_path / "rows.json", [row]))
    assert [(trace.thought, trace.meta["id"]) for trace in traces] == [("a", "u/0"), ("b", "u/1")]


def test_fields_say_what_is_where(tmp_path):
    rows = [{"doc": {"q": "12 + 7?"}, "out": [{"cot": THOUGHT, "final": ANSWER}], "gold": 19}]
    path = written(tmp_path / "rows.jsonl", rows)
    fields = {"prompt": "doc.q", "thought": "out.0.cot", "answer": "out.0.final", "target": "gold"}
    (trace,) = cl.read_jsonl(path, fields=fields)
    assert (trace.prompt, trace.thought, trace.answer, trace.meta["target"]) == ("12 + 7?", THOUGHT, ANSWER, "19")
    for wrong, said in (({"prompt": "doc.qq"}, "Did you mean 'q'"), ({"promt": "doc.q"}, "Did you mean 'prompt'")):
        with pytest.raises(cl.CotLensError, match=said):
            cl.read_jsonl(path, fields=wrong)


TRAJECTORY = {
    "schema_version": "ATIF-v1.4",
    "session_id": "s",
    "agent": {"name": "a", "version": "1", "model_name": "qwen3"},
    "steps": [
        {"step_id": 1, "source": "system", "message": "Be brief."},
        {"step_id": 2, "source": "user", "message": "How many?"},
        {"step_id": 3, "source": "agent", "message": "Let me see.", "reasoning_content": "Look it up.",
         "tool_calls": [{"tool_call_id": "c", "function_name": "look", "arguments": {"who": "Mia"}}],
         "observation": {"results": [{"source_call_id": "c", "content": "12 pears"}]}},
        {"step_id": 4, "source": "agent", "message": "12", "reasoning_content": "It says 12."},
    ],
}  # fmt: skip


def test_a_trajectory_of_an_agent(tmp_path):
    path = written(tmp_path / "trajectory.json", TRAJECTORY)
    trace = cl.read_atif(path)
    assert cl.read(path)[0] == trace
    assert [(part.kind, part.text) for part in trace.parts] == [
        ("system", "Be brief."),
        ("user", "How many?"),
        ("thought", "Look it up."),
        ("answer", "Let me see."),
        ("tool_call", 'look({"who": "Mia"})'),
        ("tool_result", "12 pears"),
        ("thought", "It says 12."),
        ("answer", "12"),
    ]
    assert trace.parts[5].id == "c"
    assert trace.focus(0).answer == 'Let me see.\n\nlook({"who": "Mia"})'


def test_a_folder_of_rollouts(tmp_path):
    prompt = "Problem: 12 + 7? Solution: \n<think>\n"
    base = {"prompt": prompt, "solution": f"{THOUGHT}\n</think>\n\n{ANSWER}", "is_correct": True}
    written(tmp_path / "base_solution.json", base)
    written(tmp_path / "problem.json", {"problem": "12 + 7?", "gt_answer": "19"})
    for chunk, text in ((0, "I guess. It is 18.\n</think>\n\n18"), (10, " It is 19.\n</think>\n\n19"), (2, " Cut")):
        (tmp_path / f"chunk_{chunk}").mkdir()
        rollout = {"chunk_removed": "x", "prefix_without_chunk": "Hm.", "rollout": text, "is_correct": "18" not in text}
        more = {"full_cot": f"{prompt}Hm.{text}"} if chunk == 0 else {}
        written(tmp_path / f"chunk_{chunk}" / "solutions.json", [{**rollout, **more}])
    traces = cl.read(tmp_path)
    assert [trace.meta.get("chunk") for trace in traces] == [None, 0, 2, 10]
    assert [trace.thought for trace in traces] == [THOUGHT, "Hm.I guess. It is 18.", "Hm. Cut", "Hm. It is 19."]
    assert [trace.meta["correct"] for trace in traces] == [True, False, True, True]
    assert {trace.prompt for trace in traces} == {"Problem: 12 + 7? Solution:"}
    groups = traces.group("answer")
    assert {value: len(group) for value, group in groups.items()} == {"19": 2, "18": 1, None: 1}


def test_a_folder_of_responses_is_a_collection_in_the_order_of_their_numbers(tmp_path):
    """As a loop that asks a provider writes them: a file for each call, of which one failed."""
    asked = {"messages": [{"role": "user", "content": "12 + 7?"}]}
    for number in (10, 9, 1):
        said = {"role": "assistant", "reasoning_content": THOUGHT, "content": f"The answer is {number}."}
        written(tmp_path / f"call-{number}.json", {"request": asked, "response": {"choices": [{"message": said}]}})
    written(tmp_path / "call-2.json", {"request": asked, "response": {"error": {"message": "Rate limit"}}})
    (tmp_path / "notes.md").write_text("asked on Monday")
    assert cl.read(tmp_path).answers() == ["1", None, "9", "10"]
    assert len(cl.show(tmp_path).traces) == 4
    cl.read(tmp_path).save(tmp_path / "before.traces")
    written(tmp_path / "rows.jsonl", [ROWS["s1K"]])
    (tmp_path / "call-2.json").unlink()
    assert cl.read(tmp_path).answers() == ["1", None, "9", "10", "1", "9", "10", "19"]  # files by their names
    written(tmp_path / "other.json", {"a": 1})
    with pytest.raises(cl.CotLensError, match=r"other\.json has a format that isn't known"):
        cl.read(tmp_path)


def test_what_was_saved_here_is_read_too(tmp_path):
    trace = cl.Trace.from_text("12 + 7?", THOUGHT, ANSWER)
    trace.save(tmp_path / "trace.json")
    cl.Traces([trace, trace]).save(tmp_path / "traces.cot")
    assert cl.read(tmp_path / "trace.json") == [trace]
    assert cl.read(tmp_path / "traces.cot") == [trace, trace]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut.json", '{"choices": [{"message": {"role": "assis', "cut off"),
        ("cut.jsonl", '{"question": "?", "answer": "1"}\n{"question": "?', "Line 2 .* may have been cut off"),
        ("text.json", "hello", "can't be read as JSON"),
        ("number.json", "3", "isn't known by its shape"),
        ("other.json", '{"a": 1, "b": 2}', r"isn't known by its shape \(its fields: a, b\).*read_jsonl"),
        ("empty.jsonl", "", "holds no rows"),
        ("error.json", '{"request": {"messages": ["?"]}, "response": {"error": "overloaded"}}', "overloaded"),
        ("nobody.json", '{"messages": [{"content": "?"}]}', "doesn't say whose it is"),
        ("twice.json", json.dumps({"object": "response", "output": [
            {"type": "reasoning", "id": "rs_1", "summary": ["a"]},
            {"type": "reasoning", "id": "rs_1", "summary": ["b"]}]}),
         "two thoughts with the id 'rs_1'"),
        ("scored.json", json.dumps([{"doc_id": 0, "arguments": [["?", " yes"]], "resps": [[[-1.2, False]]]}]),
         "no text that a model wrote"),
        ("steps.json", '{"agent": {}, "steps": [{"message": "?"}]}', "Step 1 of the trajectory"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(name, content, said, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(cl.CotLensError, match=said) as caught:
        cl.read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)
    with pytest.raises(cl.CotLensError, match=r"2\.0 GB"):
        cl.read(path)
    path = path.rename(tmp_path / "huge.jsonl")
    with pytest.raises(cl.CotLensError, match=r"2\.0 GB.*lines=\(1, 10000\)"):
        cl.read(path)
    with pytest.raises(cl.CotLensError, match=r"Line 1 .* more than 64 MB"):
        cl.read_jsonl(path, lines=(1, 3))


def test_of_a_huge_file_some_lines_are_read_and_saved_parts_add_up(tmp_path, monkeypatch):
    rows = [{"question": f"{at} + 1?", "reasoning": "I add.", "response": str(at + 1)} for at in range(10)]
    path = written(tmp_path / "rows.jsonl", rows)
    monkeypatch.setattr(files, "MOST_BYTES", 400)
    for ask in (cl.read, cl.read_jsonl, lambda path: cl.read_jsonl(path, lines=(1, 10))):
        with pytest.raises(cl.CotLensError, match="saved traces are paged"):
            ask(path)
    for first in (1, 5, 9):
        cl.read_jsonl(path, lines=(first, first + 3)).save(tmp_path / f"{first}.traces")
    found = sum((cl.Traces.load(tmp_path / f"{first}.traces") for first in (1, 5, 9)), cl.Traces())
    assert [trace.prompt for trace in found] == [row["question"] for row in rows]
    named = cl.read_jsonl(path, fields={"prompt": "question", "answer": "response"}, lines=(10, 99))
    assert [trace.answer for trace in named] == ["10"]
    for wrong in ((0, 3), (3, 2), (1,), 5, ("a", "b"), (1, 2, 3)):
        with pytest.raises(cl.CotLensError, match="lines"):
            cl.read_jsonl(path, lines=wrong)


def test_nothing_and_a_folder_of_something_else(tmp_path):
    with pytest.raises(cl.CotLensError, match="There is nothing at"):
        cl.read(tmp_path / "nothing.json")
    with pytest.raises(cl.CotLensError, match="no folder of rollouts"):
        cl.read(tmp_path)
