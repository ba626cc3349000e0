"""The task: right by construction, splits apart by construction."""

import random
import re

import pytest

from cotlens.organisms.task.problem import LIMIT, split_of
from cotlens.organisms.task.problems import MAX_STEPS, draw, problems
from cotlens.organisms.training import dataset


@pytest.mark.parametrize("steps", range(1, MAX_STEPS + 1))
def test_totals_stay_in_range_whichever_way_a_fork_goes(steps):
    for problem in problems(40, seed=7, steps=steps):
        assert len(problem.steps) == steps
        for choice in range(len(problem.answers)):
            assert all(0 <= total <= LIMIT for total in problem.totals(choice))


def test_every_amount_stands_in_the_prompt():
    for problem in problems(100, seed=8):
        said = [int(number) for number in re.findall(r"\d+", problem.prompt)]
        wanted = [problem.start, *(amount for step in problem.steps for amount in step.amounts)]
        for number in wanted:
            said.remove(number)


def test_a_fork_has_two_answers_and_the_rest_one():
    assert all(len(set(problem.answers)) == 2 for problem in problems(50, seed=1, fork=True))
    assert all(len(problem.answers) == 1 for problem in problems(50, seed=1, fork=False))


def test_the_counterfactual_of_the_true_total_is_the_answer():
    for problem in problems(50, seed=2, fork=False):
        for index, total in enumerate(problem.totals()):
            assert str(problem.answer_if(index, total)) == problem.answers[0]
            assert problem.answer_if(index, total + 3) == problem.answer_if(index, total) + 3


def test_problems_are_deterministic_and_distinct():
    first, again = problems(60, seed=3), problems(60, seed=3)
    assert first == again
    assert len({problem.prompt for problem in first}) == 60
    assert problems(60, seed=4) != first


def test_splits_are_disjoint_and_training_never_sees_the_others():
    rng = random.Random(0)
    parts = {split: {p.prompt for p in problems(150, seed=5, split=split)} for split in ("train", "validation", "test")}
    for split, prompts in parts.items():
        assert {split_of(prompt) for prompt in prompts} == {split}
    assert not parts["train"] & parts["test"] and not parts["train"] & parts["validation"]
    assert {split_of(draw(rng).prompt) for _ in range(200)} == {"train", "validation", "test"}


def test_training_examples_are_of_the_train_split(tokenizer):
    stream = dataset.stream(tokenizer, seed=0)
    for _ in range(60):
        text = tokenizer.decode(next(stream).ids)
        prompt = text.split("<|im_start|>user\n")[1].split("<|im_end|>")[0]
        assert split_of(prompt) == "train"
