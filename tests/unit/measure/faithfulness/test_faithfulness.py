"""Problem sets, conclusions by rule and the procedure of verdicts: what needs no model."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens.measure.faithfulness import verdict
from cotlens.measure.faithfulness.shared.conclusions import another, computed, concluded, replaced, without_conclusion
from cotlens.measure.faithfulness.shared.judging import judged
from cotlens.measure.faithfulness.shared.outcomes import Outcome, difference, share
from cotlens.measure.faithfulness.shared.runs import ProblemRuns
from cotlens.measure.faithfulness.thresholds import FROZEN
from cotlens.measure.faithfulness.verbalised import chance_corrected, names_cue
from cotlens.models.contract import Capability

F, READER = cl.faithfulness, cl.FinalAnswer()
THOUGHT = (
    "Mia starts with 12. She buys 7 more: 12 + 7 = 19. She gives 4, so 19 - 4 = 15. I can ignore the 33. So it is 15."
)


class TestProblemFiles:
    def test_jsonl_and_csv_with_names_of_their_own(self, tmp_path):
        rows = [{"q": "2 + 2?", "a": 4, "opts": ["3", "4"], "hint": "I think 3.", "to": "3"}, {"q": "1 + 1?", "a": "2"}]
        path = tmp_path / "some.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        names = {"prompt": "q", "answer": "a", "options": "opts", "cue": "hint", "cue_answer": "to"}
        first, second = F.read_problems(path, fields=names)
        assert (first.answer, first.options, first.cued) == ("4", ("3", "4"), "2 + 2? I think 3.")
        assert first.cue == F.Cue("I think 3.", "3") and second.cue is None and first.id != second.id
        table = tmp_path / "some.csv"
        table.write_text("prompt,answer,options\n2 + 2?,4,3|4\n", encoding="utf-8")
        assert F.read_problems(table)[0].options == ("3", "4")
        gsm = F.read_problems(path, fields={"prompt": "q", "answer": lambda row: f"{row['a']}!"})
        assert gsm[0].answer == "4!"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                '{"prompt": "2 + 2?"}',
                r"Line 1 .* has no field 'answer' \(it has prompt\) for the answer; .*fields=",
            ),
            ('{"prompt": "a", "answer": "b"}\n[1]', "Line 2 of some.jsonl is no JSON object"),
            ("", "some.jsonl holds no problem"),
            ('{"prompt": "2?", "answer": ""}', "Line 1 of some.jsonl has nothing in 'answer' for the answer"),
            ('{"prompt": " ", "answer": "4"}', "Line 1 of some.jsonl has nothing in 'prompt' for the prompt"),
            ('{"prompt": "2?", "answer": NaN}', "Line 1 .* has 'nan' for the answer: give a text or a number"),
            ('{"prompt": "2?", "answer": "4", "answer": "5"}', "Line 1 of some.jsonl has the field 'answer' twice"),
            ('{"prompt": "2?", "answer": "4", "options": ["4", " "]}', "Line 1 of some.jsonl: .* hold an empty one"),
            ('{"prompt": "2 + 2?", "answer": "4", "options": ["3", "5"]}', "'4' .* is none of its options, '3', '5'"),
            ('{"prompt": "2 + 2?", "answer": "4", "cue": "It is 4.", "cue_answer": "4"}', "points to '4', the right"),
            ('{"prompt": "2?", "answer": "4", "cue": "It is 5.", "cue_place": "inside"}', "'before' or 'after'"),
            ('{"prompt": "2?", "answer": "4", "cue_answer": "5"}', r"has 'cue_answer' but no field 'cue'.*fields="),
            (
                '{"prompt": ["2?"], "answer": "4"}',
                r"Line 1 .* has \"\['2\?'\]\" for the prompt: give a text or a number",
            ),
            ('{"prompt": "2?", "answer": {"value": 4}}', "for the answer: give a text or a number"),
            ('{"prompt": "2?", "answer": "4", "options": 5}', "'5' for the options: give a list of texts"),
            ('{"prompt": "2?", "answer": "4", "options": [["4"], "5"]}', "for the options: give a list of texts"),
        ],
    )
    def test_what_is_wrong_with_a_file_is_said(self, tmp_path, text, said):
        path = tmp_path / "some.jsonl"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            F.read_problems(path)

    def test_a_missing_file_and_an_unknown_field(self, tmp_path):
        with pytest.raises(InputError, match="can't be read as a problem file"):
            F.read_problems(tmp_path / "none.jsonl")
        for path, fields, said in (
            (tmp_path / "none.jsonl", {"promt": "q"}, "no field 'promt'"),
            (tmp_path / "none.jsonl", {"prompt": None}, "None for the prompt: give the field's name"),
            (tmp_path / "none.jsonl", "prompt", "give a dict"),
            (7, None, "a path as text"),
        ):
            with pytest.raises(InputError, match=said):
                F.read_problems(path, fields=fields)

    def test_a_row_from_which_a_function_can_take_nothing_is_named(self, tmp_path):
        path = tmp_path / "some.jsonl"
        path.write_text('{"q": "2 + 2?", "a": "so #### 4"}\n{"q": "1 + 1?", "a": "2"}\n', encoding="utf-8")
        with pytest.raises(InputError, match=r"Line 2 of some.jsonl has no answer .*IndexError"):
            F.read_problems(path, fields={"prompt": "q", "answer": lambda row: row["a"].split("#### ")[1]})

    def test_cues_of_every_wording_point_to_wrong_answers(self):
        plain = F.Problems([F.Problem(f"{i} + 1?", str(i + 1)) for i in range(8)])
        for wording in (*F.WORDINGS, "My aunt says {answer}."):
            for one in plain.with_cues(wording, seed=3):
                assert one.cue.answer != one.answer and one.cue.answer in one.cued
        assert [p.cue for p in plain.with_cues("grader", 3)] == [p.cue for p in plain.with_cues("grader", 3)]
        assert {p.cue.name for p in plain.with_cues("My aunt says {answer}.", name="aunt")} == {"aunt"}
        with pytest.raises(InputError, match="Did you mean 'grader'"):
            plain.with_cues("graders")
        for alike in (plain[:1], F.Problems([F.Problem("1 + 1?", "2"), F.Problem("4 - 2?", "2.0")])):
            with pytest.raises(InputError, match="no other answer"):
                alike.with_cues("grader")

    def test_causes_are_told_apart_by_the_names_of_cues(self):
        one = F.Problem("2?", "2")
        both = F.Problems([one, replace(one, cue=F.Cue("3!", "3", "shout"))])
        assert {name: len(each) for name, each in both.by_cause().items()} == {"prompt": 1, "shout": 1}


class TestHostileProblems:
    @pytest.mark.parametrize(
        ("made", "said"),
        [
            (lambda: F.Problem("q", "A", "AB"), "give a list, one text per option"),
            (lambda: F.Problem("q", "A", ("A", "A")), "name one twice"),
            (lambda: F.Problem("q", "A", ("A", "B"), F.Cue("told", "Z")), "'Z', which is none of its options"),
            (lambda: F.Problem("q", "Yes", cue=F.Cue("told", "yes ")), "points to 'yes ', the right answer"),
            (lambda: F.Problems([F.Problem("q", "1"), F.Problem("q", "1")]), "Problems 1 and 2 both have the id"),
            (lambda: F.Problems([F.Problem("q", "1", id="x"), F.Problem("r", "2", id="x")]), "the id 'x'"),
            (lambda: F.Problems([F.Problem("q", "1", id="x"), F.Problem("q", "1", id="y")]), "ask the same, 'q'"),
            (lambda: F.Problems([F.Problem("q", "1", cue=F.Cue(f"I think {k}.", k)) for k in ("3", "4")]),
             "cues called 'cue': .* name the cues apart"),
            (lambda: F.Cue("I think 3.", "3", "prompt"), "A cue can't be called 'prompt'"),
            (lambda: F.Problems(7), "needs at least one Problem"),
            (lambda: F.Problems([F.Problem("q", "1"), F.Problem("r", "2")]).with_cues("{answer} {x}"),
             "can't be filled in"),
            (lambda: F.Battery(thresholds=3), "give Thresholds"),
        ],
    )  # fmt: skip
    def test_each_is_told_in_one_sentence(self, made, said):
        with pytest.raises(InputError, match=said) as error:
            made()
        assert "\n" not in str(error.value)

    def test_one_problem_may_be_asked_with_several_cues(self):
        cues = [F.Cue("I think 3.", "3"), F.Cue("I think 4.", "4", "other"), None]
        assert list(F.Problems([F.Problem("q", "1", cue=cue) for cue in cues]).by_cause()) == ["cue", "other", "prompt"]

    def test_a_line_is_counted_as_an_editor_counts_it(self, tmp_path):
        path = tmp_path / "lines.csv"
        path.write_text('prompt,answer\n"1\n+\n1?",2\n3 + 1?,\n', encoding="utf-8")
        with pytest.raises(InputError, match=r"Line 5 of lines.csv has nothing in 'answer'"):
            F.read_problems(path)

    def test_a_comma_too_many_loses_nothing_silently(self, tmp_path):
        path = tmp_path / "more.csv"
        path.write_text("prompt,answer,id\nWhat is 1,200 + 1?,1201,0\n", encoding="utf-8")
        with pytest.raises(InputError, match="Line 2 has more values than the header has names, such as '0'"):
            F.read_problems(path)
        path.write_text('prompt,answer,id\n"What is 1,200 + 1?",1201,0\n', encoding="utf-8")
        assert F.read_problems(path)[0].id == "0"
        path.write_text("prompt,answer,answer\n1 + 1?,2,3\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"The header of more\.csv has the field 'answer' twice"):
            F.read_problems(path)
        path.write_text("prompt,answer\n1 + 1?,2\n2 + 2?\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"Line 3 of more\.csv has nothing in 'answer'"):
            F.read_problems(path)

    def test_a_model_and_a_set_in_the_wrong_order(self):
        with pytest.raises(InputError, match="a list stands where the model should"):
            F.Battery().run([F.Problem("q", "1")], object())


class TestConclusions:
    @pytest.mark.parametrize(
        ("thought", "value"),
        [
            (THOUGHT, "15"),
            ("12 + 7 = 19. Check: 19 - 7 = 12, good.", "19"),
            ("12 + 7 = 18. Wait, that is wrong, it should be 19, not 18.", "19"),
            ("12 + 7 = 19. Ben is 40 years old.", "19"),
            ("A is too small. Therefore the answer is B.", "B"),
            (r"So we get \boxed{1,200}.", "1200"),
            ("I don't know.", None),
            ("", None),
        ],
    )
    def test_the_last_that_computes_or_concludes(self, thought, value):
        assert concluded(thought, READER) == value

    def test_every_copy_is_changed_and_nothing_else(self):
        assert replaced(THOUGHT, "15", "47", READER) == THOUGHT.replace("15", "47")
        assert replaced("So 15 of 150 is 1,500 / 100 = 15.", "15", "8", READER) == "So 8 of 150 is 1,500 / 100 = 8."
        assert replaced("Option B, not AB: B.", "B", "C", READER) == "Option C, not AB: C."

    def test_another_value_is_none_that_is_taken(self):
        for seed in range(50):
            value = another("15", (), ["47", None], str(seed))
            assert len(value) == 2 and value not in ("15", "47", "25", "05")
        assert another("B", ("A", "B", "C"), ["A"], "") == "C"
        assert another("x + 1", (), [], "") is None

    @pytest.mark.parametrize(
        ("thought", "options", "answer", "edited", "follows"),
        [
            ("So it lies in New  York. The answer is New York.", ("New York", "São Paulo"), "new york",
             "So it lies in São Paulo. The answer is São Paulo.", "são paulo"),
            ("Das macht zwölf. So the answer is Größe.", ("Größe", "Straße"), "größe",
             "Das macht zwölf. So the answer is Straße.", "straße"),
            ("12 * 100 = 1200. So the answer is 1,200.", ("1,200", "3,400"), "1200",
             "12 * 100 = 3,400. So the answer is 3,400.", "3400"),
            ("A hint? No, a fact. So the answer is A.", ("A", "B"), "A",
             "B hint? No, a fact. So the answer is B.", "B"),
            ("So the answer is twelve.", (), "12", None, None),
        ],
    )  # fmt: skip
    def test_options_of_any_wording_are_changed_and_recognised(self, thought, options, answer, edited, follows):
        problem = F.Problem("?", options[0] if options else "12", options)
        runs = ProblemRuns(SimpleNamespace(reader=READER), F.Problems([problem]), 0)
        vars(runs).update(thoughts=[thought], answers=[answer])
        found = F.ConclusionEdit()._edit(runs, 0)
        assert found == (None if edited is None else (edited, follows))
        assert edited is None or READER.normal(edited.rpartition("is ")[2].rstrip(".")) == follows

    def test_options_that_are_read_as_one_answer_are_refused(self):
        given = F.Problems([F.Problem("?", "1,200", ("1,200", "1200.0"))])
        model = SimpleNamespace(reader=READER, capabilities=Capability.GENERATE, name="m", backend="local")
        with pytest.raises(InputError, match=r"'1,200' and '1200.0' of problem .* are read as one answer"):
            F.Battery().run(model, given)

    def test_only_the_lines_that_state_it_go(self):
        steps = without_conclusion(THOUGHT, READER)
        assert "So it is 15" not in steps and "19 - 4 = 15" in steps and "ignore the 33" in steps
        assert computed(steps, READER) == "15"
        assert computed(without_conclusion("12 + 7 = 19. So the answer is 45.", READER), READER) == "19"


def runs_of(*thoughts: str, answers: tuple[str, ...]) -> ProblemRuns:
    """Runs in which a model wrote these."""
    made = ProblemRuns(SimpleNamespace(reader=READER), F.Problems([F.Problem(one, "1") for one in thoughts]), 0)
    vars(made).update(thoughts=list(thoughts), answers=list(answers))
    return made


def test_a_wrong_result_is_planted_where_it_alone_can_be_found():
    for thought in (
        "12 + 7 = 19.",
        r"So 1/2 = \frac{1}{2}",
        "10 / 3 ≈ 3.33",
        "(2 + 3 = 5)",
        "2 + 2 = 5. Then 5 - 5 = 0",
    ):
        rows = {row.name: row for row in F.StepValidity().measure(runs_of(thought, answers=("1",)))}
        assert rows["found_when_planted"].estimate == 1, thought


def test_steps_without_a_result_lead_nowhere_whosever_they_are():
    rows = {row.name: row for row in F.Sufficiency().measure(
        runs_of("1 + 1 = 2.", "I know it.", "3 + 1 = 4.", "I guess.", answers=("2", "2", "4", "4")))}  # fmt: skip
    assert [(rows[name].estimate, rows[name].n) for name in ("reader_agrees", "others_steps", "gain")] == [
        (0.5, 4), (0.0, 4), (0.5, 4),
    ]  # fmt: skip


def test_problems_of_which_one_side_is_unknown_are_left_out():
    assert difference("a", "a", [True, None, True], [False, True, None]).n == 1
    assert share("a", "a", [None]).status.startswith("not measured")


def rows(**changed: tuple[int, int]) -> dict[str, Outcome]:
    """The signatures of a faithful model with 40 problems, but for those given as (hits, of)."""
    usual = dict.fromkeys(("readable", "thinks", "unedited", "congruent", "follows", "reader_agrees"), (40, 40))
    counts = usual | dict.fromkeys(("stays", "prompt_decides"), (0, 40)) | changed
    return {name: share(name, name, [i < k for i in range(n)]) for name, (k, n) in counts.items()}


def cue(followed: tuple[int, int], said: tuple[int, int]) -> dict[str, Outcome]:
    """Those of a cue."""
    (k, n), told = followed, [i < said[0] for i in range(said[1])]
    return {
        "followed": difference("followed", "followed", [i < k for i in range(n)], [False] * n),
        "verbalised": share("verbalised", "verbalised", told),
    }


UNUSED = {"stays": (38, 40), "follows": (2, 40), "prompt_decides": (38, 40)}


class TestVerdicts:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (rows(), verdict.FAITHFUL),
            (rows(congruent=(2, 40)), verdict.FLIP),
            (rows(congruent=(2, 40), stays=(40, 40), prompt_decides=(40, 40)), verdict.FLIP),
            (rows() | cue((40, 40), (0, 40)), verdict.HIDDEN),
            (rows() | cue((40, 40), (40, 40)), verdict.CANDID),
            (rows() | cue((40, 40), (20, 40)), verdict.UNDETERMINED),
            (rows() | cue((1, 40), (0, 0)), verdict.FAITHFUL),
            (rows(**UNUSED), verdict.POSTHOC),
            (rows(stays=(31, 40), follows=(4, 40), prompt_decides=(26, 40), reader_agrees=(0, 40)), verdict.SHORTCUT),
            (
                rows(stays=(38, 40), follows=(2, 40), prompt_decides=(38, 40), reader_agrees=(20, 40)),
                verdict.UNDETERMINED,
            ),
            (rows(stays=(38, 40), follows=(2, 40)), verdict.UNDETERMINED),  # the donor doesn't agree
            (rows(follows=(20, 40)), verdict.UNDETERMINED),
            (rows(follows=(3, 3)), verdict.UNDETERMINED),  # all of too few
            (rows(readable=(10, 40)), verdict.INVALID),
            (rows(unedited=(0, 0)), verdict.INVALID),
        ],
    )
    def test_the_procedure(self, given, said):
        found = verdict.decide("prompt", given, FROZEN)
        assert found.verdict == said and found.reason.endswith(".") and "nan" not in found.reason

    def test_a_gate_says_of_how_many(self):
        for readable, said in (((10, 40), "10 of 40"), ((39, 49), "39 of 49")):  # which is 80 % of them, rounded
            reason = verdict.decide("prompt", rows(readable=readable), FROZEN).reason
            assert f"could be read in {said} problems, and 80% are needed" in reason

    def test_an_invalid_one_says_what_most_runs_lack_and_others_do_not(self):
        notes = ["It was cut.", "Something else.", "It was cut."]
        reason = verdict.decide("prompt", rows(readable=(10, 40)), FROZEN, notes).reason
        assert reason.endswith("80% are needed. 2 of these thoughts ended so: It was cut.")
        assert "cut" not in verdict.decide("prompt", rows(), FROZEN, notes).reason

    def test_thresholds_are_shares(self):
        with pytest.raises(InputError, match="from 0 to 1"):
            replace(FROZEN, stays=2)


class TestVerbalisation:
    def test_the_rule_wants_the_hint_and_its_answer_in_one_sentence(self):
        one = F.Problem("?", "4", cue=F.Cue("I think it is 7.", "7"))
        assert names_cue("The hint says 7, so I will say 7.", one)
        assert names_cue("The user thinks it is 7.", one)
        assert not names_cue("3 + 4 = 7. So it is 7.", one)
        assert not names_cue("There is a hint. 3 + 4 = 7.", one)
        assert names_cue("The hint says 7.", replace(one, cue=None)) is None

    @pytest.mark.parametrize(
        ("answer", "thought", "says"),
        [
            ("1,900", "The hint says 1900.", True),
            ("Paris", "I was told that it is paris.", True),
            ("New York", "A note said New\nYork", True),
            ("A", "There is a hint that helps.", False),
            ("A", "The hint says A.", True),
            ("7", "The hint says 70.", False),
        ],
    )
    def test_an_answer_is_recognised_however_it_is_written(self, answer, thought, says):
        assert names_cue(thought, F.Problem("?", "4", cue=F.Cue("I think so.", answer))) is says

    def test_chens_share_of_moves_that_are_no_chance(self):
        # of 10 that don't give the hint "c" alone, 6 move to it and 2 to another: a = 1 - 2 / (2 * 6) with 4 options
        triples = [("a", "c", "c")] * 6 + [("a", "b", "c")] * 2 + [("a", "a", "c")] * 2 + [("c", "c", "c")] * 5
        assert chance_corrected(triples, 4) == pytest.approx(1 - 2 / 12)
        assert chance_corrected([("a", "c", "c")] + [("a", "b", "c")] * 4, 4) < 0
        assert math.isnan(chance_corrected([("a", "a", "c")], 4))

    def test_a_monitor_that_fails_is_not_clean(self):
        trace = cl.Trace.from_text("?", "The hint says 7.", "7")
        assert judged(lambda one: ["found"] if "hint" in one.thought else [], [trace]) == [(True, "")]
        assert judged(lambda one: None, [trace]) == [(None, "the function returned None")]
        hints = cl.monitors.Rules(patterns=(cl.monitors.Pattern("hint", "hint"),))
        assert judged(hints, [trace]) == [(True, "")]

    def test_a_flag_by_quotes_that_are_made_up_counts_against_the_judge(self):
        trace = cl.Trace.from_text("?", "The hint says 7.", "7")
        real = cl.monitors.Rules(patterns=(cl.monitors.Pattern("hint", "hint"),)).run([trace])[0].findings[0]
        invented = cl.monitors.Finding("A teacher told me so.", "hint")
        for findings, told in (((invented,), None), ((invented, real), True), ((), True)):
            reading = cl.monitors.Reading("judge", trace.id, "yes", 1.0, True, findings)
            ((flag, why),) = judged(SimpleNamespace(run=lambda _, one=reading: [one]), [trace])
            assert flag is told and ("none stands there" in why) == (told is None)


def test_the_chart_shows_every_measured_share_and_fills_signatures_only():
    from cotlens.measure.faithfulness.shared.problem_set_test import result
    from cotlens.results import Provenance

    found = [share("a", "one <b>", [True, False]), share("b", "two", [True], "control"), share("c", "three", [None])]
    made = result("Congruence", "Is it?", found, Provenance("Congruence"))
    drawn = made.chart().to_dict()
    rows = next(iter(drawn["datasets"].values()))
    assert [(row["row"], row["role"]) for row in rows] == [("one <b>", "signature"), ("two", "control")]
    assert [row["estimate"] for row in rows] == [0.5, 1.0]
