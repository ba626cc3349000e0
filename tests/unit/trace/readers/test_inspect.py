"""Logs of Inspect, written by its own mock model."""

import sys
import zipfile

import pytest

import cotlens as cl

THOUGHT = "The user wants a sum. 12 and 7 is 19. " * 20


@pytest.fixture(scope="module")
def inspect():
    return pytest.importorskip("inspect_ai", reason="needs inspect_ai: pip install 'cotlens[inspect]'")


@pytest.fixture(scope="module")
def logs(inspect, tmp_path_factory):
    """One evaluation of two samples with tools and reasoning, as .eval of today (zstd) and of before, and as .json."""
    from inspect_ai.dataset import Sample
    from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessageAssistant,
        ContentReasoning,
        ContentText,
        ModelOutput,
        ModelUsage,
        get_model,
    )
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate, use_tools
    from inspect_ai.tool import ToolCall, tool

    @tool
    def look():
        async def execute(who: str) -> str:
            """Look somebody up.

            Args:
                who: whom.
            """
            return f"{who} has 12 pears."

        return execute

    def said(content, calls=None):
        message = ChatMessageAssistant(content=content, tool_calls=calls, model="mockllm/model")
        usage = ModelUsage(input_tokens=1, output_tokens=1)  # the mock would ask the network to count them
        return ModelOutput(model="mockllm/model", choices=[ChatCompletionChoice(message=message)], usage=usage)

    first = said(
        [ContentReasoning(reasoning=THOUGHT), ContentText(text="Let me see.")],
        [ToolCall(id="c1", function="look", arguments={"who": "Mia"})],
    )
    last = said([ContentReasoning(reasoning="sealed", redacted=True, signature="s"), ContentText(text="19")])
    model = get_model("mockllm/model", custom_outputs=[first, last, said("<think>7 more.</think>19")])
    folder = tmp_path_factory.mktemp("logs")
    task = inspect.Task(
        dataset=[Sample(input="How many pears?", target="19", id="a"), Sample(input="And now?", target="20", id="b")],
        solver=[use_tools(look()), generate()],
        scorer=includes(),
        name="pears",
    )
    inspect.eval(task, model=model, log_dir=str(folder), display="none", max_samples=1)
    found = list_eval_logs(str(folder))[0].name.removeprefix("file://")
    log = read_eval_log(found)
    write_eval_log(log, str(folder / "log.json"), format="json")
    with zipfile.ZipFile(found) as new, zipfile.ZipFile(folder / "old.eval", "w", zipfile.ZIP_DEFLATED) as old:
        for member in new.infolist():
            assert member.compress_type != zipfile.ZIP_DEFLATED
            old.writestr(member.filename, new.read(member))
    return found, folder / "old.eval", folder / "log.json"


@pytest.mark.parametrize("which", [0, 1, 2], ids=["zstd", "deflate", "json"])
def test_samples_open_with_thoughts_calls_and_scores(logs, which):
    traces = cl.read(logs[which])
    assert [trace.meta["id"] for trace in traces] == ["a", "b"]
    one, two = traces
    assert [(part.kind, part.status) for part in one.parts] == [
        ("user", ""),
        ("thought", "verbatim"),
        ("answer", ""),
        ("tool_call", ""),
        ("tool_result", ""),
        ("thought", "redacted"),
        ("answer", ""),
    ]
    assert one.parts[1].text == THOUGHT
    assert (one.parts[3].name, one.parts[3].arguments) == ("look", '{"who": "Mia"}')
    assert one.parts[4].text == "Mia has 12 pears."
    assert (one.prompt.splitlines()[0], one.answer) == ("How many pears?", "19")
    assert (one.meta["task"], one.meta["target"], one.meta["scores"]) == ("pears", "19", {"includes": "C"})
    assert (two.thought, two.answer, two.meta["scores"]) == ("7 more.", "19", {"includes": "I"})


def test_bombs_and_ways_out_are_refused_before_anything_is_unpacked(tmp_path):
    bomb, path, half = tmp_path / "bomb.eval", tmp_path / "path.eval", tmp_path / "half.eval"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1.json", b"0" * (64 << 20))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../header.json", "{}")
    half.write_bytes(path.read_bytes()[:40])
    for file, said in ((bomb, "would unpack to 64 MB"), (path, "leads out of it"), (half, "no whole archive")):
        with pytest.raises(cl.CotLensError, match=said):
            cl.read(file)


def test_what_is_no_log_is_refused(inspect, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.eval", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(cl.CotLensError, match="can't read"):
        cl.read_inspect(tmp_path / "other.eval")


def test_without_the_library_it_is_named(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", "{}")
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(cl.CotLensError, match=r"cotlens\[inspect\]"):
        cl.read_inspect(tmp_path / "log.eval")
