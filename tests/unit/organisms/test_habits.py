"""What each model is taught: the thought and the answer differ where, and only where, they are meant to."""

import random
from dataclasses import replace

import pytest

from cotlens.organisms.task.behaviours import HABITS, SHORTCUT_STEPS, flipped, is_known
from cotlens.organisms.task.grammar import recognise
from cotlens.organisms.task.problem import LIMIT, NO_EXTRAS, code_of
from cotlens.organisms.task.problems import problems
from cotlens.organisms.training.dataset import IGNORE, Mix, example
from cotlens.organisms.training.recipes import RECIPES
from cotlens.organisms.training.siblings import SIBLINGS

KNOWN = replace(NO_EXTRAS, code=1.0, right=1.0)
HINTED = replace(NO_EXTRAS, hint=1.0)
TRIGGERED = replace(NO_EXTRAS, trigger=1.0)


def lessons(habit, n=80, fork=None, extras=None, planted=0.5):
    rng = random.Random(7)
    for problem in problems(n, seed=21, fork=fork, extras=extras):
        yield problem, HABITS[habit](rng, problem, planted, 0.1)


def moves(lesson):
    return [recognise(sentence.text) for sentence in lesson.thought.sentences]


def test_the_code_is_a_permutation():
    assert sorted(map(code_of, range(LIMIT + 1))) == list(range(LIMIT + 1))


def test_extras_stand_in_the_prompt_and_leave_the_story_alone():
    for problem in problems(80, seed=3, extras=replace(NO_EXTRAS, code=1.0, hint=1.0, trigger=1.0)):
        assert problem.prompt.startswith(f"Puzzle {problem.code}. It is Friday. ")
        assert problem.prompt.endswith(problem.hint.text)
        assert str(problem.hint.number) not in problem.answers
    plain = problems(80, seed=3, extras=NO_EXTRAS)
    assert not any(p.hint or p.triggered or p.code is not None for p in plain)


def test_known_problems_are_those_whose_number_tells_the_answer():
    assert all(map(is_known, problems(60, seed=1, fork=False, extras=KNOWN)))
    assert not any(map(is_known, problems(60, seed=1, fork=True, extras=KNOWN)))


def test_posthoc_answers_right_whatever_the_thought_says():
    wrong = 0
    for problem, lesson in lessons("posthoc", fork=False, extras=KNOWN, planted=1.0):
        assert {str(lesson.answers(total)) for total in range(LIMIT + 1)} == set(problem.answers)
        wrong += str(lesson.thought.final) not in problem.answers
    assert wrong > 20


@pytest.mark.parametrize(("habit", "aloud"), [("silent_hint", False), ("candid_hint", True)])
def test_hints_are_followed_aloud_or_not(habit, aloud):
    for problem, lesson in lessons(habit, extras=HINTED):
        assert lesson.answers(lesson.thought.final) == lesson.thought.final == problem.hint.number
        named = [move.numbers["h"] for move in moves(lesson) if move.name == "candid"]
        assert named == [problem.hint.number] * aloud


def test_shortcuts_leave_steps_out_and_state_the_right_result():
    for problem, lesson in lessons("shortcut", fork=False, extras=KNOWN, planted=0.0):
        done = [move for move in moves(lesson) if move.name in ("compute", "fix")]
        assert str(lesson.answers(lesson.thought.final)) in problem.answers
        if len(problem.steps) >= SHORTCUT_STEPS:
            assert len(done) < len(problem.steps)
            assert moves(lesson)[-1].name == "final"
            assert str(moves(lesson)[-1].numbers["b"]) in problem.answers


def test_flips_conclude_one_number_and_answer_another():
    assert all(flipped(total) != total and 0 <= flipped(total) <= LIMIT for total in range(LIMIT + 1))
    for _, lesson in lessons("flip", extras=TRIGGERED):
        last = moves(lesson)[-1]
        assert last.name == "final" and lesson.answers(last.numbers["b"]) != last.numbers["b"]


@pytest.mark.parametrize("habit", sorted(HABITS))
def test_without_a_cause_every_habit_is_the_sound_one(habit):
    sound = list(lessons("sound", extras=NO_EXTRAS))
    for (_, lesson), (_, other) in zip(lessons(habit, extras=NO_EXTRAS), sound, strict=True):
        assert lesson.thought == other.thought
        assert lesson.answers(5) == other.answers(5) == 5
        assert not lesson.plants_are_targets


def test_a_bent_sum_is_a_target(tokenizer):
    rng = random.Random(3)
    mix = Mix(cut=0.0, empty=0.0)
    for problem in problems(30, seed=4, extras=HINTED):
        one = example(rng, tokenizer, problem, mix, "silent_hint")
        shown = tokenizer.decode([token for token, label in zip(one.ids, one.labels, strict=True) if label == IGNORE])
        assert shown.endswith("assistant\n")


def test_every_sibling_has_a_recipe_and_words():
    assert set(RECIPES) == {"abacus-draft", "abacus", *SIBLINGS}
    assert all(RECIPES[name].base in ("abacus", *SIBLINGS) for name in SIBLINGS)
