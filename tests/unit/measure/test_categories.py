"""Categories of sentences: by rules and by hand, how far two agree, and importance by category."""

import dataclasses

import numpy as np
import pytest

import cotlens as cl
from cotlens.results import Provenance, Result

SENTENCES = {
    "Okay, so the problem is asking how many pears Mia has now.": "problem_setup",
    "First, I need to add the pears that she buys.": "plan_generation",
    "There are two people in this story, and both have fruit.": "fact_retrieval",
    "That is 12 + 7 = 19, and then 19 - 4 = 15.": "active_computation",
    "Hmm, I'm not sure that she gave them to Tom.": "uncertainty_management",
    "Let me double-check the numbers that I used.": "self_checking",
    "Again I get 12 + 7 - 4 = 15, just as before.": "self_checking",
    "Therefore she still owns more than she began with.": "result_consolidation",
    "So the final answer is 15 pears for Mia.": "final_answer_emission",
    "Ziggedy bop shoo wop, la la la la.": "unknown",
}


@pytest.fixture
def trace():
    return cl.Trace.from_text("How many?", " ".join(SENTENCES), "15")


def result(trace, values, **parts):
    spans = trace.spans("sentence")
    columns = {
        "start": [span.start for span in spans],
        "end": [span.end for span in spans],
        "text": ["x"] * len(spans),
        "estimate": values,
        "low": [np.nan] * len(spans),
        "high": [np.nan] * len(spans),
        "n": [1] * len(spans),
        "status": ["not measured: test" if np.isnan(value) else "exact" for value in values],
    }
    words = {"metric": "log-probability", "sign": "+", "zero": "0", "scale_unit": "nats", **parts}
    return Result(
        "importance",
        "Test",
        unit="sentence",
        columns=columns,
        provenance=Provenance("Test", trace_id=trace.id),
        **words,
    )


def test_rules_know_what_a_sentence_does(trace):
    tags = cl.categories.tag(trace)
    assert dict(zip(SENTENCES, tags.categories, strict=True)) == SENTENCES
    assert set(tags.sources) == {"rules"}
    assert tags.frame()["text"].tolist() == list(SENTENCES)
    assert all(0 <= confidence <= 1 for confidence in tags.confidences)


def test_a_person_overrules(trace):
    tags = cl.categories.tag(trace).by_hand({9: "fact_retrieval"})
    assert (tags.categories[9], tags.sources[9], tags.confidences[9]) == ("fact_retrieval", "hand", 1.0)
    assert tags.sources[:9] == ("rules",) * 9
    with pytest.raises(cl.CotLensError, match="Did you mean 'fact_retrieval'"):
        tags.by_hand({0: "fact_retrievel"})
    with pytest.raises(cl.CotLensError, match="from 0 to 9"):
        tags.by_hand({10: "unknown"})


def test_kappa_is_what_cohen_says(trace):
    tags = cl.categories.tag(trace)
    assert cl.categories.agreement(tags, tags).kappa == 1
    other = tags.by_hand({0: "unknown", 1: "unknown"})
    found = cl.categories.agreement(tags, other)
    # 8 of 10 alike; by chance: 0.3 * 0.1 unknown, 0.2 * 0.2 checks, six categories of 0.1 * 0.1 less the two changed
    expected = 0.1 * 0.3 + 0.2 * 0.2 + 5 * 0.01
    assert found.observed == 0.8
    assert found.kappa == pytest.approx((0.8 - expected) / (1 - expected))
    assert found.low < found.kappa < found.high
    assert found.frame().loc["problem_setup", "unknown"] == 1
    alone = tags.by_hand(dict.fromkeys(range(10), "unknown"))
    assert np.isnan(cl.categories.agreement(alone, alone).kappa)
    one = cl.categories.agreement(tags, alone)
    assert one.kappa == 0 and np.isnan([one.low, one.high]).all() and "the second rater said one label" in repr(one)


def test_other_sentences_cannot_agree(trace):
    other = cl.categories.tag(cl.Trace.from_text("Why?", "One sentence only is here.", "15"))
    with pytest.raises(cl.CotLensError, match="same sentences"):
        cl.categories.agreement(cl.categories.tag(trace), other)


def test_importance_is_averaged_by_category_and_drawn_by_trace(trace):
    second = cl.Trace.from_text("How many?", " ".join(list(SENTENCES)[:4]), "15")
    tags = [cl.categories.tag(trace), cl.categories.tag(second)]
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, np.nan, 9.0, 10.0]
    found = cl.categories.importance([result(trace, values), result(second, [3.0, 2.0, 1.0, 0.0])], tags)
    frame = found.frame().set_index("text")
    assert frame.loc["problem_setup", "estimate"] == 2.0
    assert (frame.loc["problem_setup", "low"], frame.loc["problem_setup", "high"]) == (1.0, 3.0)
    assert frame.loc["plan_generation", ["estimate", "low", "high"]].tolist() == [2.0, 2.0, 2.0]
    assert frame.loc["self_checking", ["estimate", "n", "traces"]].tolist() == [7.0, 2, 1]
    assert np.isnan(frame.loc["self_checking", "low"])
    assert "one trace only" in frame.loc["self_checking", "status"]
    assert np.isnan(frame.loc["result_consolidation", "estimate"])
    assert "no sentence" in frame.loc["result_consolidation", "status"]
    assert frame["share"].sum() == pytest.approx(1)


def test_its_chart_has_a_row_per_category_and_bars_where_several_traces_have_it(trace, tmp_path):
    second = cl.Trace.from_text("How many?", " ".join(list(SENTENCES)[:4]), "15")
    tags = [cl.categories.tag(trace), cl.categories.tag(second)]
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, np.nan, 9.0, 10.0]
    found = cl.categories.importance([result(trace, values), result(second, [3.0, 2.0, 1.0, 0.0])], tags)
    chart = found.chart()
    (rows,) = (rows for rows in chart.to_dict()["datasets"].values() if len(rows) > 1)
    assert [row["category"] for row in rows][-1].startswith("result consolidation (0 in 0")
    assert rows[0]["estimate"] == max(row["estimate"] for row in rows if row["estimate"] is not None)
    assert {row["category"]: row["low"] for row in rows}["self checking (2 in 1 trace)"] is None
    chart.save(tmp_path / "chart.svg")
    assert "problem setup (2 in 2 traces)" in (tmp_path / "chart.svg").read_text()


def test_it_is_the_same_under_a_seed_and_can_be_saved(trace, tmp_path):
    tags, one = [cl.categories.tag(trace)] * 2, result(trace, list(map(float, range(10))))
    two = result(trace, list(map(float, range(10, 0, -1))))
    first, again = (cl.categories.importance([one, two], tags, seed=3) for _ in range(2))
    assert first.frame().equals(again.frame())
    first.save(tmp_path / "result.json")
    assert cl.load_result(tmp_path / "result.json").frame().equals(first.frame())


def test_what_does_not_belong_together_is_refused(trace):
    tags, one = cl.categories.tag(trace), result(trace, [0.0] * 10)
    other = cl.Trace.from_text("Why?", "One sentence only is here.", "15")
    with pytest.raises(cl.CotLensError, match="1 results and 2 assignments"):
        cl.categories.importance([one], [tags, tags])
    with pytest.raises(cl.CotLensError, match="2 measures"):
        cl.categories.importance([one, result(trace, [0.0] * 10, metric="probability")], [tags, tags])
    with pytest.raises(cl.CotLensError, match="same traces"):
        cl.categories.importance(one, cl.categories.tag(other))
    with pytest.raises(cl.CotLensError, match="unit='sentence'"):
        cl.categories.importance(dataclasses.replace(one, unit="token"), tags)
    with pytest.raises(cl.CotLensError, match="no sentence that has a category"):
        cl.categories.importance(one, cl.categories.tag(trace, spans=trace.spans("sentence")[:3]))
