"""What a lens or a probe reads inside, under the sentences of the editor."""

import json

import numpy as np
import pytest

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import InputError


@pytest.fixture(scope="module")
def traces(abacus):
    problems = organisms.problems(24, seed=5, fork=False)
    return [abacus.compose(one.prompt, f"That makes {one.answers[0]}.", str(one.answers[0])) for one in problems]


@pytest.fixture(scope="module")
def probe(abacus, traces):
    """Whether the answer is even, read where the sentence that says it ends."""
    even = lambda trace, at: "even" if int(trace.answer) % 2 == 0 else "odd"  # noqa: E731
    return cl.probes.fit(cl.probes.examples(traces, even, at="sentence"), abacus, layer=2, folds=3)


def entry(page, name):
    (found,) = [each for each in page.view.measures if each["id"] == name]
    return found


def test_the_lens_says_under_each_sentence_what_the_model_says_next(front, trace, abacus):
    page = front(trace)
    assert page.view.inside == {}
    page.act("measure", measure="lens", unit="sentence")
    inside, known = page.view.inside, abacus.annotate(trace)
    assert page.view.shading == {} and page.view.whole == {}
    assert [row["sentence"] for row in inside["rows"]] == list(range(len(trace.spans("sentence"))))
    for row, span in zip(inside["rows"], trace.spans("sentence"), strict=True):
        last = row["parts"][-1]
        assert last["where"].endswith(str(abacus.n_layers))
        assert last["words"] == known.top_pieces[span.end][0]
        assert last["words"].strip() in row["said"]
        assert not row["parts"][0]["clear"], "the embedding says back its own token"
    page.act("measure", measure="occlusion-direct", unit="sentence")
    assert page.view.inside == {} and page.view.shading["complete"]


def test_sentences_are_read_as_all_their_tokens_are(trace, abacus):
    every = cl.lenses.LogitLens().run(trace, abacus).frame().set_index(["layer", "start"])
    ends = cl.lenses.LogitLens(unit="sentence").run(trace, abacus).frame()
    inner = ends[ends["end"] < trace.roles["thought"].end]
    assert len(inner)
    for row in inner.itertuples():
        own = every.loc[row.layer, row.end]
        assert row.estimate == pytest.approx(own["estimate"], abs=1e-5) and row.leading == own["leading"]
    assert set(ends["text"]) == {trace.text[one.char_start : one.char_end] for one in trace.spans("sentence")}


def test_where_the_text_ends_nothing_follows(abacus):
    cut = abacus.compose("How many?", "There are 3. There are 4.", None)
    cut = cut.truncate(cut.roles["thought"].end)
    result = cl.lenses.LogitLens(unit="sentence", tokens=(1, len(cut.token_ids))).run(cut, abacus)
    last = result.frame().query("end == @n", local_dict={"n": len(cut.token_ids)})
    assert len(last) == abacus.n_layers + 1
    assert last["estimate"].isna().all() and last["status"].str.contains("nothing follows").all()
    assert np.isfinite(result.columns["leading_logprob"]).all()


def test_a_probe_says_its_class_and_whether_it_is_above_the_floor(front, traces, probe, abacus):
    trace = traces[0]
    page = front(trace, probe=probe, measure="probe")
    told = probe.read(trace, abacus, [span.end - 1 for span in trace.spans("sentence")])
    assert 0.5 <= probe.floor <= 1
    for row, shares in zip(page.view.inside["rows"], told, strict=True):
        (part,) = row["parts"]
        assert part["words"] == probe.classes[shares.argmax()] and part["clear"] == (shares.max() > probe.floor)
        assert part["value"] == f"{shares.max():.2f} (floor {probe.floor:.2f})".replace("0.", ".")
    assert "probe=probe" in page.editor.code


def test_below_the_floor_a_probe_says_nothing(traces, probe, abacus):
    result = cl.probes.Reading(probe=probe).run(traces[1], abacus)
    above = result.columns["estimate"] > probe.floor
    assert [status == "ok" for status in result.columns["status"]] == above.tolist()
    json.dumps(result.chart().to_dict())


def test_a_probe_that_was_saved_before_there_were_floors_has_none(front, traces, probe, tmp_path):
    probe.save(tmp_path / "new.json")
    assert cl.probes.load_probe(tmp_path / "new.json").floor == probe.floor
    data = json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))
    del data["checksum"]
    held = next(part for part in (data, *data.values()) if isinstance(part, dict) and "floor" in part)
    del held["floor"]
    (tmp_path / "old.json").write_text(json.dumps(data), encoding="utf-8")
    old = cl.probes.load_probe(tmp_path / "old.json")
    assert np.isnan(old.floor)
    page = front(traces[0], probe=old, measure="probe")
    assert all(not row["parts"][0]["clear"] for row in page.view.inside["rows"])
    assert "not known" in page.view.inside["rows"][0]["said"]


def test_a_tuned_lens_reads_where_it_is_given(front, traces, abacus):
    wide = abacus.read(traces[0], "embed", positions=[0])["embed"].shape[1]
    still = cl.lenses.AffineLens(layers=(1, 2), matrices=np.tile(np.eye(wide), (2, 1, 1)), offsets=np.zeros((2, wide)))
    page = front(traces[0], lens=still, measure="lens")
    bare = front(traces[0], measure="lens")
    # Maps that change nothing are the logit lens of their layers, and of the last.
    own = page.editor.result.frame()
    other = bare.editor.result.frame().query("layer in (1, 2, @n)", local_dict={"n": abacus.n_layers})
    assert own["leading"].tolist() == other["leading"].tolist()
    assert "lens" in page.editor.code


def test_what_cannot_read_here_is_said(front, trace, probe, abacus):
    page = front(trace)
    assert not entry(page, "probe")["available"] and "probe=cl.probes.fit" in entry(page, "probe")["reason"]
    assert entry(page, "lens")["group"] == entry(page, "probe")["group"]
    other = cl.load("abacus-posthoc")
    foreign = front(other.compose("How many?", "There are 3. There are 4.", "4"), model=other, probe=probe)
    assert not entry(foreign, "probe")["available"] and "fit one on" in entry(foreign, "probe")["reason"]
    for wrong in ({"lens": "tuned"}, {"probe": "ones"}, {"lens": probe}, {"probe": cl.lenses.LogitLens()}):
        with pytest.raises(InputError):
            cl.CoTEditor(abacus, trace, **wrong)


@pytest.mark.parametrize("thought", ["", "3"])
def test_hardly_any_thought_is_one_sentence_of_why(front, abacus, thought):
    page = front(abacus.compose("How many?", thought, "3"))
    if thought:
        page.act("measure", measure="lens", unit="sentence")
        assert len(page.view.inside["rows"]) == 1
    else:
        assert entry(page, "lens")["reason"] == "the thought is empty"


def test_a_session_and_a_page_keep_what_was_read(front, trace, probe, abacus, tmp_path):
    page = front(trace, measure="lens", probe=probe)
    page.act("measure", measure="probe", unit="sentence")
    page.act("measure", measure="lens", unit="sentence")
    assert page.editor.to_html(tmp_path / "page.html").stat().st_size
    session = cl.Session(tmp_path / "study.cotlens", abacus)
    session.keep(page.editor)
    session.close()
    again = cl.Session.load(tmp_path / "study.cotlens", model=abacus)["editor"]
    assert again.view.inside == page.view.inside
    assert "probe=cl.probes.fit" in next(one for one in again.view.measures if one["id"] == "probe")["reason"]
