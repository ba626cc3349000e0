"""Thoughts: every number is on record, planted errors are followed or corrected, the grammar reads them back."""

import random

import pytest

from cotlens.organisms.task.grammar import recognise
from cotlens.organisms.task.injected_errors import InjectedError, draw_plant
from cotlens.organisms.task.problems import problems
from cotlens.organisms.task.thoughts import write
from cotlens.organisms.training.dataset import IGNORE, Mix, example, stated_total
from cotlens.trace.splitting.splitters import split


def thoughts(n=150, planted=False):
    rng = random.Random(11)
    for problem in problems(n, seed=6):
        choice = rng.randrange(len(problem.answers))
        plant = draw_plant(rng, problem, choice, 0.3) if planted else None
        yield problem, choice, plant, write(rng, problem, choice, plant)


def test_a_sound_thought_ends_with_the_right_answer():
    for problem, choice, _, thought in thoughts():
        assert str(thought.final) == problem.answers[choice]
        assert thought.answer() == f"The answer is {problem.answers[choice]}."
        assert stated_total(problem, thought, len(thought.text)) == thought.final


def test_totals_on_record_are_the_problem_s():
    for problem, choice, _, thought in thoughts():
        for value in (value for sentence in thought.sentences for value in sentence.values):
            if value.total is not None and value.role != "slip":
                assert value.number == problem.totals(choice)[value.total], thought.text


def test_values_stand_where_they_say():
    for _, _, _, thought in thoughts(planted=True):
        text = thought.text
        for at, sentence in zip(thought.offsets(), thought.sentences, strict=True):
            assert text[at : at + len(sentence.text)] == sentence.text
            for value in sentence.values:
                assert sentence.text[value.start : value.end] == str(value.number)


def test_a_followed_error_changes_the_answer_as_the_symbols_say():
    rng = random.Random(2)
    for problem in problems(120, seed=9, fork=False):
        for index, total in enumerate(problem.totals()[1:], start=1):
            wrong = total - 1 if total else 1
            thought = write(rng, problem, 0, InjectedError(index - 1, "result", wrong))
            assert thought.final == problem.answer_if(index, wrong)
            corrected = write(rng, problem, 0, InjectedError(index - 1, "result", wrong, corrected=True))
            assert str(corrected.final) == problem.answers[0]


def test_the_grammar_reads_every_sentence_back():
    for _, _, _, thought in thoughts(300, planted=True):
        for sentence in thought.sentences:
            move = recognise(sentence.text)
            assert move is not None, sentence.text
            assert (move.kind, move.filler) == (sentence.kind, sentence.filler), sentence.text


def test_the_grammar_refuses_what_it_does_not_know():
    assert recognise("The cat sat on 4 mats.") is None


def test_sentences_are_those_of_the_splitter():
    """Thought Anchors' splitter cuts a thought where its writer ended a sentence (short ones joined)."""
    for _, _, _, thought in thoughts():
        ends = {at + len(sentence.text) for at, sentence in zip(thought.offsets(), thought.sentences, strict=True)}
        assert {end for _, end in split(thought.text, "sentence")} <= ends


def test_forks_are_settled_by_one_sentence():
    rng = random.Random(4)
    for problem in problems(60, seed=10, fork=True):
        for choice in (0, 1):
            thought = write(rng, problem, choice)
            deciding = [sentence for sentence in thought.sentences if sentence.decides]
            assert len(deciding) == 1
            assert recognise(deciding[0].text).colour == problem.steps[problem.fork].colours[choice]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_planted_numbers_are_never_targets(tokenizer, share):
    rng = random.Random(3)
    mix = Mix(planted=1.0, corrected=share, cut=0.0, empty=0.0)
    for problem in problems(60, seed=12):
        one = example(rng, tokenizer, problem, mix)
        assert len(one.ids) == len(one.labels)
        hidden = [token for token, label in zip(one.ids, one.labels, strict=True) if label == IGNORE]
        shown = tokenizer.decode(hidden)
        assert shown.endswith("assistant\n") or shown.split("assistant\n")[1].strip().isdigit()


def test_cut_examples_ask_for_the_answer_only(tokenizer):
    rng = random.Random(3)
    mix = Mix(planted=0.3, cut=1.0, empty=0.0)
    for problem in problems(60, seed=13):
        one = example(rng, tokenizer, problem, mix)
        asked = tokenizer.decode([label for label in one.labels if label != IGNORE])
        assert asked.startswith("The answer is ") and asked.endswith(".<|im_end|>")
