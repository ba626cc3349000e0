"""Latents of an intermediate number, set to those of another, change the answer as the task's arithmetic says.

A thought is cut right after the sentence "a + b = c." The latents that the next sum owes most to at c's tokens are held
at what they are where the text says c' instead; the text still says c. The model writes on, and its answer is compared
with the symbolic counterfactual: the answer if the running total were c'. The control holds as many random latents,
scaled so that the activation moves as far. `python -m tests.reference.features.test_features_truth` prints the shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import cotlens as cl
from cotlens.measure.features import clamp
from cotlens.measure.stats.proportions import wilson
from cotlens.models.contract import AnswerBranch
from cotlens.organisms import problems
from cotlens.organisms.task.grammar import recognise
from cotlens.trace.align import tokens_covering

TOP = 12
"""Latents per token and text that count as most important, of those active."""


@dataclass(frozen=True)
class Case:
    """A cut thought, the tokens of the number in it, the same text with another number, and what would follow."""

    trace: object
    end: int
    at: range
    other: object
    following: tuple[int, ...]
    answer: str
    wanted: str


def cases(model, n, seed=5):
    """Up to `n` cases from problems of three steps that the model solves."""
    found, rng = [], np.random.default_rng(seed)
    told = problems(2 * n, seed=seed, steps=3, fork=False)
    for problem, trace in zip(told, model.reason([one.prompt for one in told], temperature=0), strict=True):
        said = trace.read_answer()
        if said is not None and said.text == problem.answers[0]:
            case = case_of(trace, problem, rng)
            found += [case] if case is not None else []
        if len(found) == n:
            break
    return found


def case_of(trace, problem, rng):
    """The second running total as it is computed, and the sentences after it; None where it isn't said once there."""
    total, spans = problem.totals()[2], trace.spans("sentence")
    for i, span in enumerate(spans[:-1]):
        move = recognise(trace.text[span.char_start : span.char_end].strip())
        if move is None or move.name != "compute" or move.numbers.get("k") is None:
            continue
        place = trace.text.rfind(str(total), span.char_start, span.char_end)
        if place < 0 or not trace.text[span.char_start : place].rstrip().endswith("="):
            continue
        first, last = tokens_covering(trace.offsets, place, place + len(str(total)))
        for other in rng.permutation(np.arange(10, 100)):
            wanted = problem.answer_if(2, int(other))
            unlike = len(str(other)) == len(str(total)) and other % 10 != total % 10
            if not unlike or wanted < 1 or str(wanted) in problem.answers:
                continue
            changed = trace.replace((place, place + len(str(total))), str(other))
            if len(changed.token_ids) == len(trace.token_ids):
                following = trace.token_ids[span.end : spans[min(i + 2, len(spans) - 1)].end]
                return Case(trace, span.end, range(first, last), changed, following, problem.answers[0], str(wanted))
    return None


def important(model, sae, trace, case):
    """Per token of the number: its latents by how much the next sentences owe to them, and all activations there."""
    branch = AnswerBranch(case.following, 0, len(case.following))
    slopes = model.gradient(trace, branch, sae.config.site, at=case.end, metric="log_probability")
    rows = slice(case.at.start, case.at.stop)
    dense = sae.encode(slopes.activations[sae.config.site][rows]).dense()
    directions = sae.directions(np.arange(sae.config.d_sae))
    effects = np.abs(dense * (slopes.gradients[sae.config.site][rows] @ directions.T))
    counts = np.minimum(TOP, (dense > 0).sum(1))
    return [np.argsort(-row)[:count] for row, count in zip(effects, counts, strict=True)], dense


def changes(model, sae, case, rng):
    """The change of the important latents and the one of random latents, one intervention per token each."""
    mine, own = important(model, sae, case.trace, case)
    theirs, wished = important(model, sae, case.other, case)
    held, control = [], []
    for row, token in enumerate(case.at):
        latents = np.unique(np.concatenate([mine[row], theirs[row]]))
        moved = (wished[row, latents] - own[row, latents]) @ sae.directions(latents)
        held.append(clamp(sae, latents.tolist(), wished[row, latents].tolist(), positions=token))
        others = rng.choice(np.setdiff1d(np.arange(sae.config.d_sae), latents), len(latents), replace=False)
        steps = rng.choice(np.abs(wished[row, latents] - own[row, latents]), len(others))
        length = np.linalg.norm(steps @ sae.directions(others))
        steps = steps * np.linalg.norm(moved) / max(length, 1e-9)
        control.append(clamp(sae, others.tolist(), (own[row, others] + steps).tolist(), positions=token))
    return held, control


def answered(model, case, interventions=()):
    """The answer that the model writes on to from the cut."""
    written = model.resume(case.trace.truncate(case.end), temperature=0.0, interventions=interventions)
    answer = written.read_answer()
    return "" if answer is None else answer.text


def shares(model, sae, n):
    """For important and random latents [answers as the counterfactual says, answers that changed], and the cases."""
    rng, counts, found = np.random.default_rng(0), {"important": [0, 0], "random": [0, 0]}, cases(model, n)
    for case in found:
        for name, change in zip(counts, changes(model, sae, case, rng), strict=True):
            said = answered(model, case, change)
            counts[name][0] += said == case.wanted
            counts[name][1] += said != case.answer
    return counts, len(found)


@pytest.fixture(scope="module")
def abacus():
    return cl.load("abacus")


def test_important_latents_carry_the_number_and_random_ones_do_not(abacus):
    counts, n = shares(abacus, cl.features.load_sae("abacus"), 6)
    assert n >= 4
    assert counts["random"][0] <= 1
    assert counts["important"][0] > counts["random"][0]
    assert wilson(counts["important"][0], n).low > wilson(counts["random"][0], n).low


def test_the_cut_thought_goes_on_as_it_did(abacus):
    """Without a change the answer is the right one, so what changes is the change's doing."""
    for case in cases(abacus, 2):
        assert answered(abacus, case) == case.answer != case.wanted


if __name__ == "__main__":
    reasoner = cl.load("abacus")
    measured, of = shares(reasoner, cl.features.load_sae("abacus"), 40)
    for kind, (right, changed) in measured.items():
        low, high = wilson(right, of)
        print(f"{kind}: {right} of {of} answers follow the arithmetic ({low:.2f} to {high:.2f}), {changed} changed")
