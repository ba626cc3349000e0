"""What the map's view is told, and what it opens; against traces whose answers and texts are known."""

import base64
import json

import numpy as np
import pytest
from ipywidgets.embed import embed_data

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.rollout_map import compared
from cotlens.workbench.rollout_map.payload import tags_of, traits
from tests.unit.widgets.shapes import check_view

PROMPT = "How many pears?"


def _trace(thought, answer):
    return cl.Trace.from_text(PROMPT, thought, answer)


@pytest.fixture(scope="module")
def traces():
    said = "She has 12 pears. She buys 7 more. 12 + 7 = 19."
    right = [_trace(said, "19") for _ in range(6)]
    return cl.Traces(
        [*right, _trace("She has 12 pears 🍐. Who knows.", "19.0"), _trace(said, "no idea"), _trace(said, "12")]
    )


def test_groups_are_by_value_with_intervals_and_the_unread_are_the_last(traces):
    groups = cl.RolloutMap(traces).view.prompts[0]["groups"]
    assert [(group["answer"], group["n"]) for group in groups] == [("19", 7), ("12", 1), (None, 1)]
    assert groups[0]["share"] == pytest.approx(7 / 9)
    assert (groups[0]["low"], groups[0]["high"]) == pytest.approx((0.4526, 0.9368), abs=2e-4)  # Wilson, by hand


def test_sentences_cross_whole_in_utf16(traces):
    made = cl.RolloutMap(traces).view.rollouts
    first, start, end = (np.frombuffer(made[name], "<u4") for name in ("first", "start", "end"))
    text = made["texts"][6].encode("utf-16-le")
    said = [text[2 * start[at] : 2 * end[at]].decode("utf-16-le") for at in range(first[6], first[7])]
    assert said == ["She has 12 pears 🍐.", "Who knows."]
    assert len(made["names"]) == 9 and first[-1] == len(start) == len(made["category"]) == len(made["alike"])


def test_traits_have_their_declared_shapes_and_a_trace_without_a_thought_is_kept(traces):
    check_view(cl.RolloutMap(traces).view)
    bare = cl.RolloutMap([*traces, cl.Trace.from_text(PROMPT, "", "19")])
    check_view(bare.view)
    assert len(bare.view.rollouts["names"]) == 10
    spoken = cl.RolloutMap([cl.Trace.from_text(PROMPT, "", "She has 12. 12 + 7 = 19. It is 19.")]).view
    check_view(spoken)
    assert np.frombuffer(spoken.rollouts["first"], "<u4").tolist() == [0, 2], "the sentences of the answer"
    assert "no thought" in spoken.rollouts["notes"][0]
    check_view(cl.RolloutMap(traces[:1]).view)


def test_a_rollout_opens_in_the_editor_and_a_wrong_one_is_refused(traces):
    shown = cl.RolloutMap(traces)
    shown.view._handle_custom_msg({"kind": "open", "request_id": 1, "row": 6, "sentence": 0}, [])
    assert shown.editor.trace == traces[6]
    assert shown.children == (shown.view, shown.editor.view)
    assert shown.editor.view.place["token"] == cl.categories.tag(traces[6]).spans[0].start
    before, sent = shown.editor, []
    shown.view.send = lambda content, buffers=None: sent.append(content)
    for wrong in ({"row": 9, "sentence": 0}, {"row": 6, "sentence": 2}, {"row": "a", "sentence": 0}, {}):
        shown.view._handle_custom_msg({"kind": "open", "request_id": 2, **wrong}, [])
    assert [reply["status"] for reply in sent] == ["error"] * 4
    assert shown.editor is before


def _open(shown, row, sentence):
    shown.view._handle_custom_msg({"kind": "open", "request_id": 1, "row": row, "sentence": sentence}, [])


def test_what_was_done_in_one_rollout_is_kept_while_another_is_looked_at():
    model = cl.load("abacus")
    asked = "Ravi has 6 shells. On day 1, he finds 8 more shells. How many shells does Ravi have?"
    shown = cl.RolloutMap(model.reason(asked, n=3), model)
    first = shown.edit(0)
    cut = first.trace.spans("sentence")[1].start
    first.view._handle_custom_msg({"kind": "truncate", "request_id": 1, "document": first.trace.id, "token": cut}, [])
    assert first.wait(60) and len(first.branches) == 2
    branches = first.branches
    other = shown.edit(2)
    assert (shown.editor, shown.view.opened) == (other, [0, 2])
    assert [one.view.layout.display for one in (first, other)] == ["none", None]
    _open(shown, 0, -1)
    assert shown.editor is first and first.branches == branches and first.trace == branches[1]
    _open(shown, 0, 1)  # a sentence of the rollout as it stands in the map
    assert (first.trace, first.branches) == (shown.traces[0], branches)
    again, place = first.view.place["asked"], first.view.place
    assert place["document"] == first.trace.id and place["token"] == cut
    _open(shown, 0, 1)
    assert first.view.place == {**place, "asked": again + 1}, "asked again after one has gone elsewhere"
    assert [one.view.layout.display for one in (first, other)] == [None, "none"]
    first.close()
    assert shown.edit(0) is not first, "one that was closed is opened anew"


def test_only_rollouts_of_one_prompt_are_compared():
    """Of each question half of the rollouts begin alike and answer alike; the questions have opposite answers."""
    made = []
    for question, answers in (("Is 4 even?", "12"), ("Is 5 even?", "21")):
        for number in range(12):
            begins, answer = ("I look. ", answers[0]) if number % 2 else ("I guess. ", answers[1])
            made.append(cl.Trace.from_text(question, f"{begins}It is number {number}.", answer))
    view = cl.RolloutMap(made).view
    check_view(view)
    assert [prompt["text"] for prompt in view.prompts] == ["Is 4 even?", "Is 5 even?"]
    assert np.frombuffer(view.rollouts["prompt"], "<u4").tolist() == [0] * 12 + [1] * 12
    for number, prompt in enumerate(view.prompts):
        assert [(group["n"], group["share"]) for group in prompt["groups"]] == [(6, 0.5)] * 2
        assert all(row // 12 == number for node in prompt["tree"] for row in node["rows"])
        marked = {tuple(node["rows"]) for node in prompt["tree"] if node["shifts"]}
        assert marked == {tuple(range(12 * number + odd, 12 * number + 12, 2)) for odd in (0, 1)}
    alone = cl.RolloutMap(made[:12]).view
    assert alone.prompts[0]["tree"] == view.prompts[0]["tree"], "what stands beside it changes nothing"
    assert not alone.plane and view.plane["places"]


def test_of_many_prefixes_those_where_answers_shift_are_kept(monkeypatch):
    """Ninety rollouts begin in pairs; of ten that begin alike, half part late and answer otherwise."""
    monkeypatch.setattr(compared, "MOST_NODES", 6)
    many = [cl.Trace.from_text(PROMPT, f"Word{number // 2} here, {number} there.", "12") for number in range(90)]
    late = [
        cl.Trace.from_text(PROMPT, f"I add {'four' if at % 2 else 'five'} of them {at}.", str(at % 2))
        for at in range(20)
    ]
    (prompt,) = cl.RolloutMap([*many, *late]).view.prompts
    assert prompt["prefixes"] > 40 and len(prompt["tree"]) < 12
    marked = [node for node in prompt["tree"] if node["shifts"]]
    assert {len(node["rows"]) for node in marked} >= {10}
    for number, node in enumerate(prompt["tree"]):
        assert node["parent"] < number
        assert node["parent"] < 0 or set(node["rows"]) < set(prompt["tree"][node["parent"]]["rows"])


def test_what_was_said_before_the_question_is_part_of_the_prompt():
    said = [
        [{"role": "system", "content": order}, {"role": "user", "content": "12 + 7?"}] for order in ("Add.", "Lie.")
    ]
    shown = cl.RolloutMap([cl.Trace.from_text(one, "I add.", "19") for one in said])
    assert [prompt["text"] for prompt in shown.view.prompts] == ["12 + 7?"] * 2


def test_show_opens_several_traces_tables_files_and_folders(traces, tmp_path):
    traces.save(tmp_path / "rollouts.traces")
    groups = cl.RolloutMap(traces).view.prompts[0]["groups"]
    file = tmp_path / "rollouts.traces"
    for thing in (traces, list(traces), tuple(traces), traces.frame(), file, str(file)):
        shown = cl.show(thing)
        assert isinstance(shown, cl.RolloutMap)
        assert shown.view.prompts[0]["groups"] == groups, "the same answers, the unread among them"
    folder = tmp_path / "problem_1" / "chunk_0"
    folder.mkdir(parents=True)
    rollouts = [
        {
            "rollout": f"I add. So it is \\boxed{{{answer}}}",
            "full_cot": f"1/4 + 1/4? <think>\nI add. </think> \\boxed{{{answer}}}",
        }
        for answer in ("\\frac12", "0.5", "1/2", "2")
    ]
    (folder / "solutions.json").write_text(json.dumps(rollouts))
    for path in (folder.parent, str(tmp_path / "problem_1")):
        found = cl.show(path).view.prompts[0]["groups"]
        assert [(group["answer"], group["n"]) for group in found] == [("0.5", 3), ("2", 1)]


def test_a_table_keeps_what_is_known_of_its_traces_and_a_row_without_text_is_refused(traces):
    frame = traces.frame().assign(model="tiny", target=["19"] * 8 + [float("nan")])
    shown = cl.show(frame)
    assert shown.view.rollouts["model"] == "tiny"
    assert [trace.meta.get("target") for trace in shown.traces] == ["19"] * 8 + [None]
    with pytest.raises(InputError, match="The thought of row 2 is nan"):
        cl.show(frame.assign(thought=["a", "b", *[float("nan")] * 7]))
    assert "no file or folder of that name" in repr(cl.show("rollouts/of/nobody"))


def test_a_saved_notebook_holds_all_that_the_map_needs(traces):
    """Its state alone: texts, bytes and the script that draws them; no kernel is asked."""
    shown = cl.RolloutMap(traces)
    shown.edit(6, 1)
    state = embed_data([shown])["manager_state"]["state"]
    mine = state[shown.view.model_id]["state"]
    kept = {tuple(buffer["path"]): base64.b64decode(buffer["data"]) for buffer in state[shown.view.model_id]["buffers"]}
    assert mine["rollouts"]["texts"] == shown.view.rollouts["texts"]
    assert kept["rollouts", "column"] == shown.view.rollouts["column"]
    assert kept["prompts", 0, "plane", "places"] == shown.view.prompts[0]["plane"]["places"]
    script = state[mine["_script"].removeprefix("IPY_MODEL_")]["state"]
    assert "cotlens-rollouts" in script["text"] and "cotlens-rollouts" in script["style"]
    assert shown.editor.view.model_id in state, "the rollout that was opened, too"


def test_what_cannot_be_a_map_is_said_in_a_sentence(traces):
    with pytest.raises(InputError, match="no traces"):
        cl.RolloutMap([])
    with pytest.raises(InputError, match="Embeddings of 9 rollouts"):
        cl.RolloutMap(traces, embeddings=[[1.0, 2.0]])
    with pytest.raises(InputError, match="categories are not those"):
        cl.RolloutMap(traces, tags=[cl.categories.tag(traces[0])])


def test_one_seed_gives_one_map(traces):
    tags = tags_of(traces, None)
    assert traits(traces, tags, None, 3) == traits(traces, tags, None, 3)
