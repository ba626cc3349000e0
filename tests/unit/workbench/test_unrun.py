"""An edit that the model has not gone on from is never shown as if it had."""

import dataclasses
import json

import pytest

import cotlens as cl
from cotlens.trace.notes import CUT_OPEN, ENDED_OPEN
from cotlens.workbench.shared.compare import CUT, KEPT, WENT_ON
from cotlens.workbench.steering_panel.sources import of_token


def edited(trace, kind):
    place = trace.text.index("44", trace.roles["thought"].char_start)
    return {
        "replace": lambda: trace.replace((place, place + 2), "54"),
        "delete": lambda: trace.delete((place, place + 2)),
        "insert": lambda: trace.insert((place, place + 2), "10 + "),
        "truncate": lambda: trace.truncate(trace.spans("sentence")[2]),
    }[kind]()


@pytest.fixture(params=["replace", "delete", "insert", "truncate"])
def unrun(request, given):
    return edited(given, request.param)


def test_text_answer_and_status_say_which_text_they_are_of(front, unrun):
    page = front(unrun)
    assert page.view.document["rerun_at"] == unrun.resume_at and page.view.document["rewritten_from"] is None
    assert page.current["awaits_rerun"] and page.current["answer"] is None and page.current["p"] is None
    assert page.current["label"] != "edited", "the branch is named after its edit"
    assert not page.view.branches[0]["awaits_rerun"] and page.view.branches[0]["answer"] == "17"
    comparison = page.view.comparison
    assert comparison["note"] == (CUT if unrun.edit.kind == "truncate" else KEPT)
    # what stands for the answer after the edit is the likeliest one that the model would give, not the old text's
    rows = {row["answer"]: row["after"] for row in comparison["rows"] if row["answer"] != "other"}
    assert comparison["after"]["answer"] == max(rows, key=rows.get)
    assert "not rerun" in repr(page.view) and "answer" not in repr(page.view)
    assert "not rerun" in repr(unrun) and "answer '17'" not in repr(unrun)
    assert "not rerun" in unrun._repr_html_() and ("<dd" not in unrun._repr_html_().partition(">answer<")[2])


def test_one_button_reruns_it(front, given):
    unrun = edited(given, "replace")
    page = front(unrun)
    page.act("rerun", token=page.view.document["rerun_at"])
    new = page.editor.trace
    assert new.edit == unrun.edit or (new.edit.new, new.edit.old) == ("54", "44")
    assert new.rewritten_from == unrun.resume_at and new.text.startswith(given.text[: unrun.edit.start] + "54")
    assert page.view.document["rerun_at"] is None and not page.current["awaits_rerun"]
    assert page.current["answer"] == new.read_answer().text and page.current["label"] == "44 → 54"
    assert page.view.comparison["before"]["answer"] == "17" and page.view.comparison["note"] == WENT_ON
    assert page.view.code.rstrip().count("model.resume(trace, ") == 1


def test_a_rerun_that_writes_the_same_text_is_a_rerun(front, given):
    page = front(given)
    page.act("limits", max_new_tokens=100, temperature=0)
    page.act("edit", **page.place("44."), text="54.")
    unrun = dataclasses.replace(page.editor.trace, rewritten_from=None)
    page = front(unrun)
    page.act("limits", max_new_tokens=100, temperature=0)
    page.act("rerun", token=page.view.document["rerun_at"])
    assert page.editor.trace.token_ids == unrun.token_ids and page.editor.trace.rewritten_from == unrun.resume_at
    assert page.view.document["rerun_at"] is None and not page.current["awaits_rerun"]
    assert page.current["answer"] == unrun.read_answer().text and page.view.comparison["note"] == WENT_ON
    page.act("goto", branch=page.current["parent"])
    assert page.current["awaits_rerun"], "the edit without its rerun is a branch still"


def test_a_text_that_was_cut_goes_on_from_the_cut(front, given):
    unrun = edited(given, "truncate")
    page = front(unrun)
    assert page.view.document["rerun_at"] == len(unrun.token_ids), "just after the last token"
    page.act("rerun", token=len(unrun.token_ids))
    assert len(page.editor.trace.token_ids) > len(unrun.token_ids)
    assert page.editor.trace.token_ids[: len(unrun.token_ids)] == unrun.token_ids


def test_a_file_keeps_that_it_was_not_rerun(front, given, abacus, tmp_path):
    edited(given, "replace").save(tmp_path / "edited.json")
    page = front(cl.Trace.load(tmp_path / "edited.json", model=abacus))
    assert page.current["awaits_rerun"] and page.view.document["rerun_at"] is not None


def test_the_whole_thought_can_be_closed(front, given):
    page = front(given)
    end = given.roles["thought"].end
    page.act("truncate", token=end)
    new = page.editor.trace
    assert new.token_ids[:end] == given.token_ids[:end] and new.thought == given.thought
    assert page.current["label"] == "cut at its end" and new.read_answer() is not None


def test_remarks_on_how_a_text_ended_go_with_its_end(given):
    noted = dataclasses.replace(given, meta={**given.meta, "notes": ["Read with Number().", ENDED_OPEN, CUT_OPEN]})
    assert noted.truncate(noted.spans("sentence")[1]).meta["notes"] == ["Read with Number()."]


def test_results_say_that_the_answer_is_of_the_text_before_the_edit(front, given, abacus):
    unrun, words = edited(given, "replace"), "of the text before the edit"
    for method in (cl.importance.Occlusion(unit="sentence"), cl.importance.Resampling(unit="sentence", n=2)):
        result = method.run(unrun, abacus)
        assert words in result.extras["metric_words"]
        assert words in cl.ImportanceMap(result).scores[0]["metric"]
        assert "text before the edit" in " ".join(json.dumps(result.chart().to_dict()).split())
        assert words not in method.run(given, abacus).extras["metric_words"]
    assert words in front(unrun).view.shading["metric_words"]


def test_effects_of_latents_say_so_too(given, abacus):
    unrun, words, sae = edited(given, "replace"), "of the text before the edit", cl.features.load_sae("abacus")
    result = cl.features.features(unrun, abacus, sae, estimate=True)
    assert words in result.extras["effect_words"]
    assert "text before the edit" in " ".join(json.dumps(result.chart().to_dict()).replace('", "', " ").split())
    table = cl.FeatureTable(abacus, unrun, sae)
    assert table.wait(120) and words in table.view.effect["words"]
    whole = cl.features.features(given, abacus, sae, estimate=True)
    assert words not in whole.extras["effect_words"]


def test_maps_and_panels_say_whose_answer_they_show(given, abacus):
    unrun = edited(given, "replace")
    result = cl.importance.EarlyAnswer(unit="sentence").run(unrun, abacus)
    assert cl.ImportanceMap(result, trace=unrun).context["whose"] == "of the text before the edit"
    assert (
        cl.ImportanceMap(cl.importance.EarlyAnswer(unit="sentence").run(given, abacus), trace=given).context["whose"]
        == ""
    )
    panel = cl.SteeringPanel(abacus, unrun, of_token(abacus, unrun, unrun.token_ids[40]))
    assert panel.wait(60) and panel.view.tries[0]["answer"] is None
