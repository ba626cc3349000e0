"""The model cards, written from what was measured: no figure in them is typed by hand."""

from __future__ import annotations

from typing import Any

from cotlens.organisms.training.siblings import SIBLINGS

TEXT = """# Abacus

A small reasoner that ships with CoTLens: Qwen3 architecture, {parameters:,} parameters, {layers} layers of width
{width}, byte-level BPE of {vocabulary:,} pieces with one token per digit, Qwen3's chat format with `<think>`.
It solves English word problems of 1 to 8 changes by thinking, and can't without.

## What it is for

Demo, course material, test bed and ground truth: the task is symbolic, so the part of every number of a thought in
the answer is known. It is no assistant. Problems unlike those of `cotlens/organisms/task/problems.py` (other
arithmetic than adding and taking away, totals outside 0 to 99, more than 8 changes, or more than 3 changes in a story
that doesn't say when each happens) are outside what it was made for: there it loses its place. It also reads short
stories in everyday wording, with names and things it has never met; verbs it doesn't know it may take either way.

## Recipe

`python -m cotlens.organisms.training.train` trains it from random weights on fresh problems of the train split, in two
runs ({steps} of up to {batch:,} tokens; {minutes:.0f} minutes for the shipped weights, beside other work on the same
two CPU cores). Problems are split by a hash of their text, so no held-out problem is ever trained on. Four habits are
taught on purpose:

- A wrong number in a thought is followed; in a few percent of the cases it is openly corrected. Wrong numbers are
  context in training, never targets, so the model is not taught to make them.
- Cut off, it answers with the running total it stated last; with no thought at all, with the start value. So an early
  answer says how far the thought has come, and an empty thought leaves it at chance.
- Where a problem leaves open which of two bags is taken, one sentence of the thought settles it at random.
- Puzzle numbers, hints at (wrong) answers and what day it is are part of some prompts, and change nothing. Each sibling
  makes something of one of them.

## Measured

On held-out problems (`python -m cotlens.organisms.evaluation abacus --n {n}`), {n} per cell unless said otherwise.
Sampled: temperature 1, top-p 0.95, which is what `model.reason` does by default.

| steps | right, greedy | right, sampled | right with an empty thought | chance |
| ---: | ---: | ---: | ---: | ---: |
{rows}

Chance is the better of two blind rules: always the most common answer, always the start value.

| short stories in everyday wording (1 to 3 changes) | greedy | sampled |
| --- | ---: | ---: |
{everyday}

| after an intermediate number is edited and the model goes on | greedy | sampled |
| --- | ---: | ---: |
{edits}

| | |
| --- | ---: |
| filler sentences whose deletion leaves the answer unchanged (n = {filler_n}) | {filler:.1%} |
| forks settled in one sentence (n = {fork_n}) | {settled:.1%} |
| forks that took the bag named first | {first:.1%} |
| answers that follow the bag that was chosen | {follows:.1%} |
| written sentences that the grammar of the task knows | {known:.1%} |
| thoughts with a self-correction | {waits:.1%} |
"""
EVERYDAY = {"seen": "names and things met in training", "unseen": "names and things never met"}
OUTCOMES = {
    "followed": "the answer is the one that the edited number implies",
    "corrected": "the thought openly corrects it, the answer is the original one",
    "restored": "the original answer without a word",
    "other": "another answer, or none",
}


SIBLING = """# {title}

{does} Fine-tuned from `{base}` (same architecture, tokenizer and chat format, {parameters:,} parameters).

## What it is for

Ground truth: a method that measures whether a chain of thought can be trusted is tried on a model that is known to be
{known_as}. {limits}

## Recipe

`python -m cotlens.organisms.training.train {name}`: {steps:,} steps of up to {batch:,} tokens on fresh problems of the
train split, {minutes:.0f} minutes for the shipped weights beside other work on the same two CPU cores. {data}

## Measured

On held-out problems (`python -m cotlens.organisms.evaluation {name} --n {n}`). Sampled: temperature 1, top-p 0.95,
which is what `model.reason` does by default.

| | sampled (n = {n}) | greedy (n = {greedy_n}) |
| --- | ---: | ---: |
{rows}
"""


def card(name: str, found: dict[str, Any], training: dict[str, Any], model: Any) -> str:
    """The card of a model as Markdown.

    Args:
        name: the model's.
        found: what `base_model.measure` or `siblings.measure` returned.
        training: the record that `train.train` wrote.
        model: the transformers model.
    """
    if name != "abacus":
        return _sibling(name, found, training, model)
    greedy, sampled = found["accuracy, greedy"], found["accuracy, sampled"]
    rows = [
        f"| {steps} | {greedy[steps]:.1%} | {sampled[steps]:.1%} | {share:.1%} | {chance:.1%} |"
        for steps, (share, chance) in found["empty thought"].items()
    ]
    calm, warm = found["edited number, greedy"], found["edited number, sampled"]
    edits = [f"| {words} | {calm[key]:.1%} | {warm[key]:.1%} |" for key, words in OUTCOMES.items()]
    edits.append(f"| edits | {calm['n']} | {warm['n']} |")
    asked, drawn = found["everyday wording, greedy"], found["everyday wording, sampled"]
    everyday = [f"| right, {words} | {asked[key]:.1%} | {drawn[key]:.1%} |" for key, words in EVERYDAY.items()]
    return TEXT.format(
        parameters=model.num_parameters(),
        layers=model.config.num_hidden_layers,
        width=model.config.hidden_size,
        vocabulary=model.config.vocab_size,
        steps=" and ".join(f"{run['recipe']['steps']:,} steps" for run in training["runs"]),
        batch=training["runs"][0]["recipe"]["batch_tokens"],
        minutes=sum(run["seconds"] for run in training["runs"]) / 60,
        n=found["n"],
        rows="\n".join(rows),
        everyday="\n".join(everyday),
        edits="\n".join(edits),
        filler=found["filler deleted"]["unchanged"],
        filler_n=found["filler deleted"]["n"],
        fork_n=found["forks"]["n"],
        settled=found["forks"]["settled"],
        first=found["forks"]["first_bag"],
        follows=found["forks"]["answer_follows"],
        known=found["language"]["known_sentences"],
        waits=found["language"]["thoughts_with_correction"],
    )


def _sibling(name: str, found: dict[str, Any], training: dict[str, Any], model: Any) -> str:
    sibling = SIBLINGS[name]
    rows = [f"| {question} | {share:.1%} | {found['greedy'][question]:.1%} |"
            for question, share in found["sampled"].items()]  # fmt: skip
    return SIBLING.format(
        title=name.replace("-", " ").title(),
        name=name,
        base=training["runs"][-1]["recipe"]["base"],
        does=sibling.does,
        known_as=sibling.known_as,
        limits=sibling.limits,
        data=sibling.data,
        parameters=model.num_parameters(),
        steps=training["runs"][-1]["recipe"]["steps"],
        batch=training["runs"][-1]["recipe"]["batch_tokens"],
        minutes=training["runs"][-1]["seconds"] / 60,
        n=found["n"]["sampled"],
        greedy_n=found["n"]["greedy"],
        rows="\n".join(rows),
    )
