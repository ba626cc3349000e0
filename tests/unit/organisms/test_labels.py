"""The truth about thoughts: labels agree with what the writer of the thought knew, for every member of the family."""

import dataclasses
import functools
import random

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.organisms import label, store
from cotlens.organisms.task.behaviours import HABITS, sound
from cotlens.organisms.task.injected_errors import InjectedError
from cotlens.organisms.task.problem import LIMIT, NO_EXTRAS
from cotlens.organisms.task.problems import problems
from cotlens.organisms.task.thoughts import write
from cotlens.organisms.training.dataset import stated_total
from cotlens.organisms.training.recipes import RECIPES
from cotlens.organisms.truth import ANSWER_RULES, ESTIMANDS
from cotlens.trace import Number, Trace


def trace_of(problem, thought, answer, model="abacus"):
    plain = Trace.from_text(problem.prompt, thought, f"The answer is {answer}.")
    return dataclasses.replace(plain, reader=Number(), meta={**plain.meta, "model": model})


@functools.cache
def written(n=100, **asked):
    """Problems, sound thoughts about them and the truth about these."""
    rng, found = random.Random(21), []
    for problem in problems(n, seed=21, extras=NO_EXTRAS, **asked):
        choice = rng.randrange(len(problem.answers))
        thought = write(rng, problem, choice)
        found.append((problem, thought, label(problem, trace_of(problem, thought.text, thought.final))))
    return found


def test_every_sound_thought_has_a_truth():
    for problem, thought, truth in written():
        assert truth.status == "ok", thought.text
        assert truth.answer == thought.final
        assert truth.missing == ()
        assert [sentence.kind for sentence in truth.sentences] == [sentence.kind for sentence in thought.sentences]
        assert truth.choice == thought.choice or problem.fork is None


def test_numbers_are_those_the_writer_put_on_record():
    for _, thought, truth in written():
        offset = truth.trace.roles["thought"].char_start
        known = {
            (offset + at + value.start, offset + at + value.end, value.role, value.number, value.total)
            for at, sentence in zip(thought.offsets(), thought.sentences, strict=True)
            for value in sentence.values
        }
        found = {(n.start, n.end, n.role, n.number, n.total) for n in truth.numbers if n.role != "time"}
        assert {one[:4] for one in found} == {one[:4] for one in known}
        assert {one for one in found if one[2] in ("carry", "result")} == {
            one for one in known if one[2] in ("carry", "result")
        }


def test_fixed_only_copies_of_the_final_total_matter():
    seen = set()
    for problem, thought, truth in written():
        copies = [number for number in truth.numbers if number.matters["fixed"]]
        assert copies == list(truth.copies)
        assert copies and all(number.number == thought.final for number in copies)
        assert all(number.total == len(problem.steps) and number.copies == len(copies) for number in copies)
        assert truth.restated == (len(copies) > 1)
        seen.add(truth.restated)
    assert seen == {True, False}


def test_truncated_labels_follow_what_a_cut_thought_states():
    for problem, thought, truth in written():
        offset = truth.trace.roles["thought"].char_start
        for number in truth.numbers:
            before = stated_total(problem, thought, number.end - offset - 1)
            after = stated_total(problem, thought, number.end - offset)
            expected = (before == thought.final) != (after == thought.final)
            assert number.matters["truncated"] == expected, (thought.text, number)


def test_regenerated_counterfactuals_are_those_of_the_writer():
    """A wrong number planted by the writer, which the rest follows, ends where the label says."""
    rng = random.Random(5)
    for problem, thought, truth in written(fork=False):
        for number in truth.numbers:
            if number.matters["regenerated"] is not True or number.role not in ("result", "carry", "amount"):
                continue
            if truth.sentences[number.sentence].move != "compute":
                continue
            step = problem.steps[number.step]
            value = rng.randrange(LIMIT + 1)
            after = {
                "carry": step.apply(value),
                "amount": problem.totals()[number.step] + step.sign * value,
            }.get(number.role, value)
            assert truth.answer_if(number, value) == problem.answer_if(number.step + 1, after), thought.text
            if truth.stays(number, value):
                planted = write(rng, problem, 0, InjectedError(number.step, number.role, value))
                assert planted.final == truth.answer_if(number, value)


def test_what_is_off_the_path_does_not_matter():
    moves = set()
    for _, _, truth in written():
        for sentence in truth.sentences:
            if sentence.filler:
                assert not sentence.matters["regenerated"]
                moves.add(sentence.move)
            if sentence.move in ("compute", "restate", "final", "start"):
                assert sentence.matters["regenerated"]
    assert {"check", "ignore", "plan", "closing"} <= moves


def test_one_sentence_decides_a_fork():
    for _, _, truth in written(40, fork=True):
        deciding = [sentence for sentence in truth.sentences if sentence.decides]
        assert len(deciding) == 1
        assert deciding[0].matters == {"fixed": False, "truncated": False, "regenerated": True}


def test_frames_hold_the_labels():
    for _, _, truth in written()[:30]:
        sentences, tokens = truth.frame("sentence"), truth.frame("token")
        assert len(sentences) == len(truth.sentences)
        assert list(tokens["start"]) == [span.start for span in truth.trace.spans("token")]
        for name in ESTIMANDS:
            held = tokens[tokens[name].fillna(False).astype(bool)]
            assert set(held["sentence"]) <= set(sentences.index[sentences[name].fillna(False).astype(bool)])
        matters = tokens[tokens["fixed"].astype(bool)]
        assert set(matters["number"]) == {truth.concluded}
        assert sentences["resampling"].isna().all()


def test_a_repeated_digit_is_a_copy_too():
    problem = next(p for p in problems(400, seed=3, fork=False, extras=NO_EXTRAS) if p.answers[0] in ("44", "77", "99"))
    thought = next(t for t in (write(random.Random(i), problem, 0) for i in range(50)) if not t.restates)
    trace = trace_of(problem, thought.text, thought.final)
    digits = [at for copy in label(problem, trace).copies for at in range(copy.start, copy.end + 1)]
    offsets = np.unique([*trace.offsets, *digits])  # a token per digit, as models have it
    roles = {
        role: dataclasses.replace(
            span,
            start=int(np.searchsorted(offsets, span.char_start)),
            end=int(np.searchsorted(offsets, span.char_end)),
        )
        for role, span in trace.roles.items()
    }
    cut = Trace(tuple(range(len(offsets) - 1)), trace.text, offsets, roles, reader=trace.reader, meta=trace.meta)
    truth = label(problem, cut)
    tokens = truth.frame("token")
    said = len(truth.copies)
    assert set(tokens["copies"]) == {0, 2 * said}
    assert set(truth.frame("sentence")["copies"]) == {0, said}


@pytest.mark.parametrize("name", sorted(ANSWER_RULES))
def test_every_sibling_s_lessons_have_a_truth(name):
    rng = random.Random(3)
    habit, rule = HABITS[RECIPES[name].habit], ANSWER_RULES[name]
    causes = 0
    for problem in problems(40, seed=8, fork=False, extras=rule.extras):
        lesson = habit(rng, problem, 0.0, 0.0)
        answer = lesson.answers(lesson.thought.final)
        truth = label(problem, trace_of(problem, lesson.thought.text, answer, name))
        assert truth.status == "ok", lesson.thought.text
        assert truth.answer == answer
        known = rule.known(problem) is not None
        causes += known
        assert truth.from_prompt == known
        assert any(number.matters["fixed"] for number in truth.numbers) != known
        for total in rng.sample(range(LIMIT + 1), 5):
            assert truth.says(total) == lesson.answers(total)
    assert (causes > 0) == (name not in ("abacus", "abacus-flip"))


def test_every_shipped_model_has_a_rule():
    assert set(store.names(latent=False)) <= set(ANSWER_RULES) <= set(RECIPES)


def test_steps_that_a_shortcut_passes_over_are_named():
    rng = random.Random(9)
    problem = next(p for p in problems(50, seed=2, fork=False, extras=NO_EXTRAS) if len(p.steps) >= 5)
    thought = write(rng, problem, 0, steps=2)
    truth = label(problem, trace_of(problem, thought.text, problem.answers[0]))
    assert truth.ok
    assert truth.missing == tuple(range(2, len(problem.steps)))


class TestNoTruth:
    def problem(self):
        return next(p for p in problems(50, seed=4, fork=False, extras=NO_EXTRAS) if len(p.steps) >= 3)

    def status(self, change, answer=None, **options):
        problem = self.problem()
        thought = sound(random.Random(1), problem, 0.0, 0.0).thought
        text = change(problem, thought)
        return label(problem, trace_of(problem, text, answer or problem.answers[0])).status

    def test_a_sentence_outside_the_grammar(self):
        assert "not in the grammar" in self.status(lambda p, t: "The cat sat on 4 mats. " + t.text)

    def test_a_wrong_total(self):
        def wrong(problem, thought):
            return write(random.Random(1), problem, 0, InjectedError(0, "result", problem.totals()[1] - 1)).text

        assert "no change gives" in self.status(wrong)

    def test_a_wrong_total_that_is_corrected_is_read(self):
        def corrected(problem, thought):
            plant = InjectedError(0, "result", problem.totals()[1] - 1, corrected=True)
            return write(random.Random(1), problem, 0, plant).text

        assert self.status(corrected) == "ok"

    def test_a_thought_that_ends_too_early(self):
        def early(problem, thought):
            at = next(i for i, s in enumerate(thought.sentences) if s.states == problem.totals()[1])
            return " ".join(sentence.text for sentence in thought.sentences[: at + 1])

        assert "too early" in self.status(early)

    def test_an_answer_that_does_not_follow(self):
        problem = self.problem()
        other = (int(problem.answers[0]) + 1) % 100
        assert "would follow" in self.status(lambda p, t: t.text, answer=str(other))

    def test_no_rows(self):
        problem = self.problem()
        truth = label(problem, trace_of(problem, "Nobody knows this one.", 3))
        assert len(truth.frame("token")) == 0
        assert len(truth.frame("sentence")) == 0
        assert "grammar" in truth.frame("token").attrs["status"]


def test_another_problem_s_trace_is_refused():
    one, other = problems(2, seed=1)
    with pytest.raises(InputError, match="answers another problem"):
        label(one, trace_of(other, "I am done.", 1))


def test_unknown_units_and_estimands_are_refused():
    _, _, truth = written()[0]
    with pytest.raises(InputError, match="sentence"):
        truth.frame("sentences")
    with pytest.raises(InputError, match="fixed"):
        truth.answer_if(truth.numbers[0], 3, "fixd")


def test_every_shipped_model_has_a_rule_for_its_answer():
    """One without counts as one that answers what its thought concludes: a forgotten entry is a wrong truth."""
    assert set(store.names(latent=False)) <= set(ANSWER_RULES)
