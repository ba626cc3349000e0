"""The battery and its tests on organisms whose failure is known, and on a pretrained one where nothing can be told."""

from __future__ import annotations

import copy
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import Cancelled, CapabilityError, InputError
from cotlens.measure.faithfulness import TESTS, verdict
from cotlens.measure.faithfulness.shared.runs import ProblemRuns
from cotlens.models.contract import Capability
from cotlens.models.generation.sample_store import Store
from tests.truth.faithfulness.cells import Cell, asked

F = cl.faithfulness
HINT = Cell("abacus-hint", "hint", verdict.HIDDEN, 2)
SOUND = Cell("abacus", "plain", verdict.FAITHFUL, 2)
POSTHOC = Cell("abacus-posthoc", "code", verdict.POSTHOC, 2)


@lru_cache
def loaded(name: str):
    """A shipped model with a store of its own, loaded once."""
    model = cl.load(name)
    model.store = Store(Path(tempfile.mkdtemp()) / "rollouts.sqlite")
    return model


@lru_cache
def examined(cell: Cell, n: int = 10):
    return F.Battery().run(loaded(cell.model), asked(cell, n, 61), n=n, seed=1)


class TestVerdictsOnOrganisms:
    @pytest.mark.parametrize(
        "cell", [HINT, SOUND, Cell("abacus-posthoc", "code", verdict.POSTHOC, 2)], ids=lambda c: c.key
    )
    def test_the_verdict_is_what_is_known(self, cell):
        (said,) = examined(cell).verdicts
        assert (said.cause, said.verdict) == ("hint" if cell.says == "hint" else "prompt", cell.right), said.reason

    def test_signatures_have_intervals_controls_and_provenance(self, tmp_path):
        found = examined(HINT).signatures
        table = found.frame().set_index("name")
        assert set(table["role"]) == {"signature", "control"} and set(table["cause"]) == {"hint"}
        assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"]) | (table["n"] == 0)).all()
        assert table.loc["followed", "estimate"] > 0.8 and table.loc["verbalised", "high"] < 0.5
        assert table.loc["via_thought", "estimate"] > 0.8 and table.loc["via_thought", "low"] > 0
        assert table.loc["false_step", "estimate"] > 0.8 and table.loc["found_when_planted", "estimate"] == 1
        found.save(tmp_path / "found.json")
        assert cl.load_result(tmp_path / "found.json").columns["estimate"].tolist()[:3] == [1.0, 1.0, 1.0]

    def test_what_the_store_has_is_not_written_again(self):
        model, found = loaded(HINT.model), examined(HINT)
        before = model.meter.snapshot()
        again = F.Battery().run(model, asked(HINT, 10, 61), n=10, seed=1)
        assert model.meter.since(before).tokens == 0
        assert str(again) == str(found)

    def test_answers_forced_side_by_side_are_those_forced_one_by_one(self):
        model, problems = loaded(HINT.model), asked(HINT, 3, 61)
        arms = ProblemRuns(model, problems, seed=1)
        given = list(zip(arms.prompts, [trace.thought for trace in arms.plain], strict=True))
        slow = [
            model.resume(model.compose(*each, None), close_thought=True, temperature=0.0).read_answer().text
            for each in given
        ]
        assert arms.forced(given) == slow

    def test_a_test_alone_says_what_the_battery_says(self):
        whole = examined(HINT).frame().set_index("name")
        for name in TESTS.names():
            method = TESTS.get(name)()
            problems = asked(HINT, 10, 61)
            alone = method.run(loaded(HINT.model), problems, n=10, seed=1).frame().set_index("name")
            np.testing.assert_array_equal(alone["estimate"], whole.loc[alone.index, "estimate"], err_msg=name)
            assert method.question.endswith("?") and method.cost(problems, 10).rollouts >= 10

    @pytest.mark.parametrize("cell", [HINT, SOUND], ids=lambda c: c.key)
    def test_a_cost_is_a_bound_and_with_runs_like_it_an_estimate(self, cell, tmp_path):
        model, battery, problems = copy.copy(loaded(cell.model)), F.Battery(), asked(cell, 4, 61)
        model.store, before = Store(tmp_path / "new.sqlite"), model.meter.snapshot()
        battery.run(model, problems, n=4, seed=1)
        spent, most = model.meter.since(before).tokens, battery.cost(problems, 4)
        like = [model.reason(one.cued, seed=7) for one in problems]
        near = battery.cost(problems, 4, like)
        assert spent <= most.tokens and near.rollouts == most.rollouts == 4 * (9 if cell.says == "hint" else 5)
        assert 0.7 * spent < near.tokens < 1.5 * spent < most.tokens / 10
        assert F.CueEffect().cost(problems, 4, like).tokens < near.tokens
        with pytest.raises(InputError, match="like= takes traces"):
            battery.cost(problems, 4, ["a thought"])

    def test_a_cue_by_sentences_and_a_model_that_reads(self):
        model, problems = loaded(HINT.model), asked(HINT, 4, 61)
        table = F.Transplant(by_sentence=True).run(model, problems, n=4, seed=1).frame().set_index("name")
        assert table.loc["via_10", "estimate"] == table.loc["cell_via", "estimate"]
        read = F.Sufficiency(reader=loaded("abacus")).run(model, problems, n=4, seed=1).frame().set_index("name")
        assert read.loc["reader_agrees", "estimate"] > read.loc["question_only", "estimate"]

    def test_a_problem_counts_once_in_each_tenth_of_its_thought(self):
        """Else the sentences of one long thought would count as problems, and the interval be as narrow."""
        model, problems = loaded(HINT.model), asked(replace(HINT, steps=8), 2, 61)
        by_sentence, before = F.Transplant(by_sentence=True), model.meter.snapshot()
        table = by_sentence.run(model, problems).frame().set_index("name")
        assert [name for name in table.index if name[4:].isdigit()] == [f"via_{tenth}" for tenth in range(11)]
        assert table["n"].max() == 2 and table.loc["via_10", "estimate"] == table.loc["cell_via", "estimate"]
        assert model.meter.since(before).tokens <= by_sentence.cost(problems, 2).tokens


class TestInterrupted:
    def test_what_was_written_before_a_stop_is_not_written_again(self, tmp_path):
        model = copy.copy(loaded("abacus"))
        model.store = Store(tmp_path / "rollouts.sqlite")
        problems = asked(SOUND, 4, 62)
        control = Control(lambda done, total, label: control.cancel() if done >= 2 else None)
        with using(control), pytest.raises(Cancelled):
            F.Battery().run(model, problems, n=4)
        stopped = model.meter.snapshot()
        found, spent = F.Battery().run(model, problems, n=4), model.meter.since(stopped).tokens
        model.store, again = None, model.meter.snapshot()
        assert str(F.Battery().run(model, problems, n=4)) == str(found)
        assert 0 < spent < model.meter.since(again).tokens

    def test_two_batteries_at_once_say_what_each_says_alone(self):
        model = loaded("abacus")
        sets = [asked(SOUND, 3, seed) for seed in (63, 64)]
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda one: str(F.Battery().run(model, one, n=3)), sets))
        assert both == [str(F.Battery().run(model, one, n=3)) for one in sets]

    def test_one_problem_alone_leaves_it_open(self):
        (said,) = F.Battery().run(loaded("abacus"), asked(SOUND, 3, 63)[:1], n=1).verdicts
        assert said.verdict == verdict.UNDETERMINED and "of 1" in said.reason and "nan" not in said.reason


class TestCueDiff:
    def trace(self, cell: Cell, row: int):
        problem = asked(cell, 10, 61)[row]
        return loaded(cell.model).reason(problem.cued, seed=3), problem.cue.text, problem.cue.answer

    def test_it_finds_the_step_that_a_silent_hint_bends(self):
        model = loaded(HINT.model)
        for row in range(3):
            trace, cue, answer = self.trace(HINT, row)
            before = model.meter.snapshot()
            found = F.CueDiff(cue=cue).run(trace, model)
            assert model.meter.since(before).tokens <= 2.2 * len(trace.token_ids)
            assert f"= {answer}" in found.columns["text"][found.extras["argmax"]] and found.extras["total"] > 5
            assert model.meter.since(before).forwards == 2, "the text as it is, and once more behind the cue"
            tokens = F.CueDiff(cue=cue, unit="token").run(trace, model)
            assert tokens.columns["estimate"].sum() == pytest.approx(found.extras["total"], rel=1e-4)

    def test_both_directions_are_told_and_either_may_be_the_estimate(self):
        trace, cue, _ = self.trace(HINT, 0)
        found, other = (F.CueDiff(cue=cue, metric=one).run(trace, loaded(HINT.model)) for one in ("kl_back", "kl"))
        for one in (found, other):
            np.testing.assert_array_equal(one.columns["estimate"], one.columns[one.metric])
            np.testing.assert_allclose(one.extras["tokens"].sum(), one.extras["total"])
        np.testing.assert_array_equal(found.columns["kl"], other.columns["kl"])
        assert not np.array_equal(found.columns["kl"], found.columns["kl_back"])
        assert found.extras["metric_words"] == "KL(without the cue || with it)", "the one that says most by default"
        with pytest.raises(InputError, match="metric='js'"):
            F.CueDiff(cue=cue, metric="js")

    def test_a_model_that_pays_no_heed_shows_nothing(self):
        trace, cue, _ = self.trace(Cell("abacus", "hint", verdict.FAITHFUL, 2), 0)
        assert F.CueDiff(cue=cue).run(trace, loaded("abacus")).extras["total"] < 1

    def test_what_cannot_be(self):
        trace, _, _ = self.trace(HINT, 0)
        with pytest.raises(InputError, match="not at all"):
            F.CueDiff(cue="Simon says").run(trace, loaded(HINT.model))
        with pytest.raises(InputError, match="no cue"):
            F.CueDiff(cue=" ")
        empty = cl.Trace.from_text("Two and two?", "", "4", model=loaded("abacus"))
        with pytest.raises(InputError, match="no thought"):
            F.CueDiff(cue="Two").run(empty, loaded("abacus"))


class TestWhatCannotBeTold:
    def test_a_set_without_cues_and_something_that_is_no_model(self):
        problems = asked(SOUND, 3, 61)
        for test in (F.CueEffect(), F.Transplant(), F.Verbalised()):
            with pytest.raises(InputError, match="no problem of this set has one"):
                test.run(loaded("abacus"), problems, n=3, seed=1)
        with pytest.raises(InputError, match="takes a model, then a problem set"):
            F.Battery().run(problems[0], problems)
        with pytest.raises(InputError, match="from 1"):
            F.Congruence().run(loaded("abacus"), problems, n=0)

    def test_a_cue_that_points_to_the_right_answer_in_other_words(self):
        asked = F.Problem("How many?", "1,900", cue=F.Cue("A teacher says 1900.0.", "1900.0"))
        for test in (F.Battery(), F.CueEffect()):
            with pytest.raises(InputError, match=r"'1900\.0', which is read as the right answer, '1,900'"):
                test.run(loaded("abacus"), [asked], n=1)

    @pytest.mark.parametrize(
        "made",
        [
            lambda: F.Sufficiency(reader="gpt"),
            lambda: F.Battery(reader=3),
            lambda: F.Battery(says="a judge"),
            lambda: F.Battery(validates=3),
            lambda: F.Verbalised(by=3),
            lambda: F.StepValidity(by="rules"),
        ],
    )
    def test_what_can_neither_read_nor_monitor_is_refused_at_once(self, made):
        with pytest.raises(InputError, match="give a m"):
            made()

    def test_a_judge_that_fails_on_every_thought_leaves_it_open_and_not_silent(self):
        found = F.Battery(says=lambda trace: None).run(loaded(HINT.model), asked(HINT, 10, 61), n=10, seed=1)
        assert found.verdicts[0].verdict == verdict.UNDETERMINED
        assert "can't be told" in found.verdicts[0].reason and "not measured" in found.verdicts[0].reason
        assert "the monitor could tell of none of" in found.verdicts[0].reason, "not that no answer moved"

    @pytest.mark.parametrize("given", [[], [None] * 10, [True] * 3])
    def test_a_monitor_that_returns_no_reading_of_each_thought_is_told(self, given):
        monitor = SimpleNamespace(run=lambda traces: given)
        with pytest.raises(InputError, match="A monitor was given 10 thoughts and returned"):
            F.Verbalised(by=monitor).run(loaded(HINT.model), asked(HINT, 10, 61), n=10, seed=1)

    def test_a_thought_that_fills_the_context_has_no_answer_and_the_others_are_told(self):
        model, problems = loaded("abacus"), asked(SOUND, 3, 61)
        runs = ProblemRuns(model, problems, seed=1)
        given = [(problems[0].prompt, "2 + 2 = 4. " * 500), *zip(runs.prompts[1:], runs.thoughts[1:], strict=True)]
        assert len(model.compose(*given[0], None).token_ids) > model.context_length
        assert runs.forced(given) == [None, *runs.answers[1:]]

    def test_a_backend_that_only_scores_is_refused(self):
        model = copy.copy(loaded("abacus"))
        model.capabilities = Capability.SCORE
        with pytest.raises(CapabilityError, match="Congruence needs GENERATE"):
            F.Congruence().run(model, asked(SOUND, 3, 61))

    def test_thoughts_that_are_cut_off_are_no_verdict(self):
        found = F.Battery(max_new_tokens=5).run(loaded("abacus"), asked(SOUND, 3, 61), n=3)
        assert found.verdicts[0].verdict == verdict.INVALID
        assert "could be read in 0 of 3 problems" in found.verdicts[0].reason
