"""Collections of traces: made, cut, grouped, saved in one file, and paged from it."""

import contextlib
import dataclasses
import random
import subprocess
import sys
import time

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.text import without_halves
from cotlens.trace.collection import pages
from cotlens.trace.parts.focusing import from_parts
from cotlens.trace.parts.layout import Recorded
from cotlens.trace.parts.part import Part

ANSWERS = ["The answer is 1/2.", r"\boxed{\frac12}", "It is 0.5", "It is 3", "no idea", "who knows"]


@pytest.fixture
def traces():
    return cl.Traces(cl.Trace.from_text(f"Question {at}?", f"Step {at}.", text) for at, text in enumerate(ANSWERS))


def test_is_a_sequence_that_cannot_be_changed(traces):
    assert len(traces) == 6
    assert traces[1].answer == r"\boxed{\frac12}"
    assert isinstance(traces[1:3], cl.Traces)
    assert traces[:2] + traces[2:] == traces == list(traces)
    assert traces[:1] + cl.Traces([traces[1]]) == traces[:2]
    with pytest.raises(TypeError):
        traces[0] = traces[1]
    with pytest.raises(cl.CotLensError, match="Item 1 is a str"):
        cl.Traces([traces[0], "text"])


def test_groups_by_value_and_drops_none(traces):
    groups = traces.group("answer")
    assert {value: len(group) for value, group in groups.items()} == {"0.5": 3, "3": 1, None: 2}
    assert list(groups)[-1] is None
    assert sum(len(group) for group in groups.values()) == len(traces)
    assert [len(group) for group in traces.group(lambda trace: trace.answer.startswith("It")).values()] == [4, 2]


def test_what_cannot_be_read_in_many_of_them_is_a_group_of_its_own():
    """Four of ten: shares are of all ten, and those four can be looked at."""
    said = ["It is 3."] * 5 + ["who knows"] * 4 + ["It is 4."]
    many = cl.Traces(cl.Trace.from_text("How many?", f"Step {at}.", text) for at, text in enumerate(said))
    assert {value: len(group) for value, group in many.group().items()} == {"3": 5, "4": 1, None: 4}
    assert len(many.filter(answer=None)) == int(many.frame()["answer"].isna().sum()) == 4
    groups = cl.RolloutMap(many).view.prompts[0]["groups"]
    assert [(group["answer"], group["share"]) for group in groups] == [("3", 0.5), ("4", 0.1), (None, 0.4)]


def test_answers_of_several_models_are_not_pooled(traces):
    other = dataclasses.replace(traces[0], meta={**traces[0].meta, "model": "other"})
    mixed = traces + cl.Traces([other])
    with pytest.raises(cl.CotLensError, match=r"2 models \(unknown, other\).*group\('model'\)"):
        mixed.group("answer")
    assert {name: len(group) for name, group in mixed.group("model").items()} == {"other": 1, None: 6}
    # Two models whose texts were read in the format of a third: grouped by who wrote them, as the refusal says.
    read = [{"model": "m", "recorded_model": name} for name in ("one", "two", "one")]
    said = [dataclasses.replace(traces[at], meta={**traces[at].meta, **about}) for at, about in enumerate(read)]
    by_model = cl.Traces(said).group("model")
    assert {name: group.answers() for name, group in by_model.items()} == {"one": ["0.5", "0.5"], "two": ["0.5"]}
    assert list(mixed.group("finish")) == ["given"] and list(mixed.group("target")) == [None]


def test_frame_has_a_row_per_trace(traces):
    frame = traces.frame()
    assert frame["answer"].tolist()[:4] == ["0.5", "0.5", "0.5", "3"]
    assert frame["answer"].isna().tolist() == [False] * 4 + [True] * 2
    assert frame["status"].unique().tolist() == ["verbatim"]
    assert frame["trace"].tolist() == [trace.id for trace in traces]
    assert len(cl.Traces().frame()) == 0


def test_search_filter_and_sample(traces):
    assert [trace.prompt for trace in traces.search("QUESTION 3")] == ["Question 3?"]
    assert len(traces.filter(lambda trace: "It is" in trace.answer)) == 2
    for spelled in ("0.5", "1/2", r"\frac12"):
        assert len(traces.filter(answer=spelled)) == 3
    assert len(traces.filter(lambda trace: "It is" in trace.answer, answer="1/2")) == 1
    found = [len(traces.filter(answer=None)), len(traces.filter(answer="7")), len(cl.Traces().filter(answer="7"))]
    assert found == [2, 0, 0]
    drawn = traces.sample(3, seed=1)
    assert drawn == traces.sample(3, seed=1)
    assert len({trace.id for trace in drawn}) == 3
    with pytest.raises(cl.CotLensError, match="at most 6"):
        traces.sample(7)


def test_shows_a_few(traces):
    assert "and 1 more" in repr(traces)
    evil = cl.Traces([cl.Trace.from_text("<script>alert(1)</script>", "t", "a")])
    assert "<script>" not in evil._repr_html_()


def test_a_file_keeps_everything(traces, trace, tmp_path):
    recorded = Recorded((b"It is", b" 19."), (7, 8), (-1.0, -2.0), (((" It", 9, -3.0), ("No", 4, -4.0)), ()))
    parts = from_parts(cl.Trace, [Part("user", "?"), Part("answer", "It is 19.", 1)], recorded={1: recorded})
    edited = trace.replace("twelve", "13")
    mixed = traces + cl.Traces([parts, edited, edited, trace.truncate("twelve")])
    mixed.save(tmp_path / "all.traces")
    loaded = cl.Traces.load(tmp_path / "all.traces")
    assert loaded == mixed
    for one, two in zip(loaded, mixed, strict=True):
        assert one.parts == two.parts
        assert one.edit == two.edit or np.isnan(two.edit.surprise)
        assert one.parent == two.parent
        assert one.top_pieces == two.top_pieces
        np.testing.assert_array_equal(one.logprobs, two.logprobs)
        np.testing.assert_array_equal(one.top_ids, two.top_ids)
        np.testing.assert_array_equal(one.top_logprobs, two.top_logprobs)
    assert (loaded + traces).group(lambda t: t.edit is None).keys() == {True, False}


def test_a_file_is_paged(traces, tmp_path, monkeypatch):
    read = []
    many = cl.Traces([trace for _ in range(50) for trace in traces])
    many.save(tmp_path / "many.traces")
    inner = pages.Pages._read
    monkeypatch.setattr(pages.Pages, "_read", lambda self, row, parent: read.append(row) or inner(self, row, parent))
    loaded = cl.Traces.load(tmp_path / "many.traces")
    assert (len(loaded), read) == (300, [])
    assert loaded[299] == traces[5]
    assert loaded[100:200][0] == traces[100 % 6]
    assert len(read) == 2
    read.clear()
    assert len(loaded.search(traces[0].text[:20].upper())) >= 50 and read == []  # the column of texts alone is read
    loaded[:6].answers()
    assert len(read) <= 6  # each once


def test_tables_and_groups_of_a_file_make_no_trace_again_and_say_the_same(traces, trace, tmp_path, monkeypatch):
    """What is read from the columns of a file is what the traces say themselves."""
    parts = [
        Part("user", "?"),
        Part("thought", "Hm.", 1, status="summary"),
        Part("answer", "\u201c2\u201d \U0001f600", 1),
    ]
    cut = from_parts(cl.Trace, parts, meta={"model": "m", "finish": "length", "seed": 3, "odd": [1]})
    own = dataclasses.replace(traces[0], reader=cl.answers.Function("mine", lambda text: text[:3]))
    boxed = dataclasses.replace(traces[1], reader=cl.answers.Boxed())
    edited = [trace.replace("twelve", "13").truncate("13"), trace.truncate("twelve")]
    held = traces + cl.Traces([cut, own, boxed, *edited])
    held.save(tmp_path / "all.traces")
    paged, whole = cl.Traces.load(tmp_path / "all.traces"), cl.Traces(list(cl.Traces.load(tmp_path / "all.traces")))
    monkeypatch.setattr(pages.Pages, "_read", lambda *_: pytest.fail("a trace was made again"))
    assert paged.frame().equals(whole.frame())
    assert paged.models == whole.models == ["", "m"]
    assert [len(group) for group in paged.group("odd_").values()] == [len(held)]
    one = paged[:6] + paged[8:]
    assert one.answers() == (whole[:6] + whole[8:]).answers()
    assert {name: len(group) for name, group in one.group().items()}["0.5"] == 4
    assert (
        len(paged.filter(answer="0.5", status="verbatim")) == 5
    )  # the reader that couldn't be saved is the default one
    assert len(paged.filter(finish="length")) == len(paged.filter(odd=[1])) == 1
    with pytest.raises(cl.CotLensError, match=r"No trace says 'finnish'\. Did you mean 'finish'"):
        paged.filter(finnish="length")
    paged.to_jsonl(tmp_path / "paged.jsonl"), whole.to_jsonl(tmp_path / "whole.jsonl")
    assert (tmp_path / "paged.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_text_that_was_changed_is_in_no_table(traces, tmp_path):
    path = tmp_path / "all.traces"
    traces.save(path)
    path.write_bytes(path.read_bytes().replace(b"The answer is 1/2.", b"The answer is 1/3."))
    for ask in (cl.Traces.answers, cl.Traces.frame, list):
        with pytest.raises(cl.CotLensError, match=r"Trace 0 of .* is damaged \(its text isn't what was saved"):
            ask(cl.Traces.load(path))


SAVING = """
import sys, cotlens as cl
traces = [cl.Trace.from_text(f"Question {at}?", "word " * 2000, "a") for at in range(20)]
for round in range(1000):
    cl.Traces(traces[: 10 + round % 10]).save(sys.argv[1])
    print(round, flush=True)
"""


def test_a_save_that_is_killed_leaves_what_was_saved_before(tmp_path):
    path = tmp_path / "many.traces"
    for seconds in (0.01, 0.023):
        child = subprocess.Popen([sys.executable, "-c", SAVING, str(path)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(seconds)  # amid one of the saves that follow
        child.kill()
        child.wait()
        child.stdout.close()
        found = cl.Traces.load(path)
        assert 10 <= len(found) <= 19 and {len(trace.thought.split()) for trace in found} == {2000}


def test_no_more_are_kept_in_memory_than_a_few(tmp_path):
    cl.Traces(cl.Trace.from_text(f"Question {at}?", "t", "a") for at in range(200)).save(tmp_path / "many.traces")
    source = pages.Pages(cl.Trace, tmp_path / "many.traces")
    assert len({trace.id for trace in source}) == 200
    assert len(source._kept) == 64


@pytest.mark.parametrize("at", [3, 20, 40, 400, -200, -40])
def test_a_damaged_file_is_refused(traces, at, tmp_path):
    path = tmp_path / "all.traces"
    traces.save(path)
    body = bytearray(path.read_bytes())
    for damaged in (bytes(body[:at]), bytes(body[:at]) + bytes([body[at] ^ 0x55]) + bytes(body[at:][1:])):
        path.write_bytes(damaged)
        with contextlib.suppress(cl.CotLensError):
            assert cl.Traces.load(path) == traces  # what was hit is padding


def test_an_empty_collection_is_one_too(tmp_path):
    cl.Traces().save(tmp_path / "none.traces")
    assert cl.Traces.load(tmp_path / "none.traces") == []
    with pytest.raises(cl.CotLensError, match="No traces can be read"):
        cl.Traces.load(tmp_path / "nothing.traces")


def test_lines_of_messages_for_other_programs(tmp_path):
    """Texts alone: what was asked, the thought apart, and the answer; the readers know them again."""
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How many?"}]
    plain = cl.Trace.from_text("1 + 1?", "One and\none\u2028\ud800.", "\u201c2\u201d")
    given = cl.Traces([plain, cl.Trace.from_text(asked, "3.", "It is 3.")])
    given.to_jsonl(path := tmp_path / "traces.jsonl")
    read = cl.read(path)
    assert [trace.prompt for trace in read] == ["1 + 1?", "Be brief.\n\nHow many?"]
    assert [trace.thought for trace in read] == [without_halves(trace.thought) for trace in given]
    assert [trace.answer for trace in read] == [trace.answer for trace in given]


def test_a_number_that_turned_in_a_file_of_traces_is_noticed(tmp_path):
    """Wherever a bit turns, each trace is what was saved, or said to be damaged; a file without checksums opens."""
    first, second = (cl.Trace.from_text("What is 12 + 7?", f"12 + 7 = {n}.", f"{n}") for n in (19, 18))
    saved = [dataclasses.replace(one, logprobs=np.linspace(-3, -1, len(one.token_ids))) for one in (first, second)]
    cl.Traces(saved).save(path := tmp_path / "t.traces")
    whole, drawn, noticed = path.read_bytes(), random.Random(0), 0
    at = whole.rindex(saved[1].logprobs.tobytes()) + 2
    for place in (at, *(drawn.randrange(len(whole)) for _ in range(60))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            found = list(cl.Traces.load(path))
        except cl.CotLensError as error:
            noticed += "damaged" in str(error)
            continue
        assert [one.id for one in found] == [one.id for one in saved]
        assert all(np.array_equal(one.logprobs, two.logprobs) for one, two in zip(found, saved, strict=True))
    assert noticed > 20
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
    assert cl.Traces.load(path)[0].id == first.id, "the others are read"
    with pytest.raises(cl.CotLensError, match=r"Trace 1 of .* is damaged \(its logprobs isn't what was saved\)"):
        cl.Traces.load(path)[1]
    path.write_bytes(whole.replace(b'"sums"', b'"gone"').replace(b'"whole"', b'"other"'))
    assert [one.id for one in cl.Traces.load(path)] == [one.id for one in saved]
