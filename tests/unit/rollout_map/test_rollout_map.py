"""What the map's view is told, and what it opens; against traces whose answers and texts are known."""

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.workbench.rollout_map.payload import traits
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
    groups = cl.RolloutMap(traces).view.groups
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
    check_view(cl.RolloutMap(traces[:1]).view)


def test_a_rollout_opens_in_the_editor_and_a_wrong_one_is_refused(traces):
    shown = cl.RolloutMap(traces)
    shown.view._handle_custom_msg({"kind": "open", "request_id": 1, "row": 6, "sentence": 0}, [])
    assert shown.editor.trace == traces[6]
    assert shown.children == (shown.view, shown.editor.view)
    before, sent = shown.editor, []
    shown.view.send = lambda content, buffers=None: sent.append(content)
    for wrong in ({"row": 9, "sentence": 0}, {"row": "a", "sentence": 0}, {}):
        shown.view._handle_custom_msg({"kind": "open", "request_id": 2, **wrong}, [])
    assert [reply["status"] for reply in sent] == ["error"] * 3
    assert shown.editor is before


def test_show_opens_several_traces_and_files(traces, tmp_path):
    traces.save(tmp_path / "rollouts.traces")
    for thing in (traces, list(traces), tmp_path / "rollouts.traces"):
        assert isinstance(cl.show(thing), cl.RolloutMap)


def test_what_cannot_be_a_map_is_said_in_a_sentence(traces):
    with pytest.raises(InputError, match="no traces"):
        cl.RolloutMap([])
    with pytest.raises(InputError, match="Embeddings of 9 rollouts"):
        cl.RolloutMap(traces, embeddings=[[1.0, 2.0]])
    with pytest.raises(InputError, match="categories are not those"):
        cl.RolloutMap(traces, tags=[cl.categories.tag(traces[0])])


def test_one_seed_gives_one_map(traces):
    assert traits(traces, None, None, 3) == traits(traces, None, None, 3)
