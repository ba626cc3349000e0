"""The model card of Abacus, written from what was measured: no figure in it is typed by hand."""

from __future__ import annotations

from typing import Any

TEXT = """# Abacus

A small reasoner that ships with CoTLens: Qwen3 architecture, {parameters:,} parameters, {layers} layers of width
{width}, byte-level BPE of {vocabulary} pieces with one token per digit, Qwen3's chat format with `<think>`.
It solves English word problems of 1 to 8 changes by thinking, and can't without.

## What it is for

Demo, course material, test bed and ground truth: the task is symbolic, so the part of every number of a thought in
the answer is known. It is no assistant. Problems unlike those of `cotlens/models/abacus/problems.py` (other
arithmetic than adding and taking away, totals outside 0 to 99, more than 8 changes, or more than 3 changes in a story
that doesn't say when each happens) are outside what it was made for: there it loses its place.

## Recipe

`python -m cotlens.models.abacus.train` trains it from random weights on fresh problems of the train split
({stages}; {minutes:.0f} minutes for the shipped weights, beside other work on the same two CPU cores). Problems are
split by a hash of their text, so no held-out problem is ever trained on. Three habits are taught on purpose:

- A wrong number in a thought is followed, and openly corrected one time in ten. Wrong numbers are context in training,
  never targets, so the model is not taught to make them.
- Cut off, it answers with the running total it stated last; with no thought at all, with the start value. So an early
  answer says how far the thought has come, and an empty thought leaves it at chance.
- Where a problem leaves open which of two bags is taken, one sentence of the thought settles it at random.

## Measured

On held-out problems (`python -m cotlens.models.abacus.evaluate --n {n}`), {n} per cell unless said otherwise.

| steps | right, greedy | right, temperature 1 | right with an empty thought | chance |
| ---: | ---: | ---: | ---: | ---: |
{rows}

Chance is the better of two blind rules: always the most common answer, always the start value.

| after an intermediate number is edited and the model goes on | greedy | temperature 1 |
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
OUTCOMES = {
    "followed": "the answer is the one that the edited number implies",
    "corrected": "the thought openly corrects it, the answer is the original one",
    "restored": "the original answer without a word",
    "other": "another answer, or none",
}


def card(found: dict[str, Any], config: dict[str, Any], training: dict[str, Any], parameters: int) -> str:
    """The card as Markdown.

    Args:
        found: what `evaluate.measure` returned.
        config: the model's config.
        training: the record that `train.train` wrote.
        parameters: how many there are.
    """
    greedy, sampled = found["accuracy, greedy"], found["accuracy, temperature 1"]
    rows = [
        f"| {steps} | {greedy[steps]:.1%} | {sampled[steps]:.1%} | {share:.1%} | {chance:.1%} |"
        for steps, (share, chance) in found["empty thought"].items()
    ]
    calm, warm = found["edited number, greedy"], found["edited number, temperature 1"]
    edits = [f"| {words} | {calm[key]:.1%} | {warm[key]:.1%} |" for key, words in OUTCOMES.items()]
    edits.append(f"| edits | {calm['n']} | {warm['n']} |")
    stages = training["recipe"]["stages"]
    return TEXT.format(
        parameters=parameters,
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        vocabulary=config["vocab_size"],
        stages=" and ".join(f"{stage['steps']:,} steps of {stage['batch_tokens']:,} tokens" for stage in stages),
        minutes=sum(stage["seconds"] for stage in training["stages"]) / 60,
        n=found["n"],
        rows="\n".join(rows),
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
