"""Chapter 5: inside, from a token to a latent to an intervention, and what the autoencoder misses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import CotLensError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import load_sae
from cotlens.measure.features.clamping import clamp
from cotlens.measure.features.table import features
from cotlens.models.contract import ClampFeature, Intervention, Model, Patch
from cotlens.models.contract.interventions import as_interventions
from cotlens.teaching.cases import Case, agree, called, shown
from cotlens.teaching.chapters import probing, thinking
from cotlens.teaching.chapters.shared import GREEDY, answer, model, thoughts
from cotlens.teaching.exercise import UNFILLED, Exercise, Wrong, empty
from cotlens.trace import Trace

Floats = NDArray[np.float32]
TOTAL = re.compile(r"= (\d\d)\b")
OFF = 14  # how far the other total is from the one in the text: both of its digits change
KEPT = (1, 8)  # how many latents of a token are counted as found: too few to hold a number, and enough


@lru_cache
def autoencoder() -> SAE:
    """The shipped autoencoder of abacus."""
    return load_sae("abacus")


def asked() -> list[Trace]:
    """Thoughts whose first total of two digits is known."""
    return [trace for trace in thoughts(4, 501, 3) if TOTAL.search(trace.thought)]


def first_total(trace: Trace) -> tuple[int, ...]:
    """The tokens of the first stated total of two digits."""
    start, end = _place(trace)
    return tuple(i for i, first in enumerate(trace.offsets[:-1]) if start <= first < end)


def other_total(trace: Trace) -> int:
    """Another number of two digits, both of them another."""
    start, end = _place(trace)
    number = int(trace.text[start:end])
    return number + OFF if number < 100 - OFF else number - OFF


@lru_cache
def edited(trace: Trace) -> Trace:
    """The same text with the other total in it."""
    return trace.replace(_place(trace), str(other_total(trace)))


def _place(trace: Trace) -> tuple[int, int]:
    found = TOTAL.search(trace.text, trace.roles["thought"].char_start)
    if found is None:
        raise Wrong(f"the thought {trace.thought!r} states no total of two digits.")
    return found.span(1)


def encoded(model: Model, sae: SAE, trace: Trace, at: tuple[int, ...]) -> Floats:
    """Activations of all latents at some tokens, float32 [tokens, latents]."""
    return sae.encode(read(model, sae, trace, at)).dense()


def read(model: Model, sae: SAE, trace: Trace, at: tuple[int, ...]) -> Floats:
    """What the autoencoder reads at some tokens, float32 [tokens, d]."""
    site = sae.config.site
    return np.asarray(model.read(trace, site, positions=list(at))[site])


def strongest(model: Model, sae: SAE, trace: Trace, token: int) -> int:
    """The latent that is most active at a token."""
    return int(encoded(model, sae, trace, (token,))[0].argmax())


def precision_recall(active: Any, holds: Any) -> tuple[float, float]:
    """Of the tokens where a latent is active the share where a concept holds, and the other way round."""
    active, holds = np.asarray(active, dtype=bool), np.asarray(holds, dtype=bool)
    both = float(np.sum(active & holds))
    return both / float(active.sum()), both / float(holds.sum())


@lru_cache
def owed(trace: Trace, token: int) -> tuple[tuple[int, float, float], ...]:
    """(latent, exact effect, estimate) of the latents that are active at a token, the strongest first."""
    sae = autoencoder()
    there = encoded(model(), sae, trace, (token,))[0]
    active = [int(latent) for latent in np.argsort(-there, kind="stable") if there[latent] > 0]
    found = features(trace, model(), sae, selection=(token, token + 1), effect_of=active, estimate=True, logits=0)
    rows = found.frame().set_index("latent")
    return tuple((one, float(rows.effect[one]), float(rows.effect_estimate[one])) for one in active)


def owed_most(trace: Trace, token: int) -> int:
    """Of the latents that are active at a token, the one on which the answer depends most."""
    return max(owed(trace, token), key=lambda row: abs(row[1]))[0]


def held(model: Model, sae: SAE, trace: Trace, number: int) -> list[Intervention]:
    """The latents of the first total held at what they are where the text says `number`."""
    at = first_total(trace)
    other = trace.replace(_place(trace), str(number))
    here, there = encoded(model, sae, trace, at), encoded(model, sae, other, at)
    latents = [np.flatnonzero((here[row] > 0) | (there[row] > 0)) for row in range(len(at))]
    return [
        clamp(sae, chosen.tolist(), there[row, chosen].tolist(), positions=(at[row],))
        for row, chosen in enumerate(latents)
    ]


def gone_on(model: Model, trace: Trace, changes: Any) -> int | None:
    """The answer when the model writes on from the first total, with activations changed."""
    return answer(
        model.resume(trace, at=first_total(trace)[-1] + 1, temperature=GREEDY, interventions=as_interventions(changes))
    )


def missed(activations: Any, rebuilt: Any) -> Floats:
    """Per token the share of the variance that a reconstruction misses, float [n]."""
    x, y = np.asarray(activations, dtype=np.float64), np.asarray(rebuilt, dtype=np.float64)
    return np.asarray(np.square(x - y).sum(1) / np.square(x - x.mean(0)).sum(1), dtype=np.float32)


def rebuilt(sae: SAE, activations: Floats, k: int) -> Floats:
    """What the `k` strongest latents of each token make of its activation, float32 [n, d]."""
    latents = sae.encode(activations).dense()
    latents[latents < np.sort(latents, axis=1)[:, [-k]]] = 0
    return np.asarray(latents @ sae.directions(range(sae.config.d_sae)) + sae.weights["b_dec"].cpu().numpy())


@lru_cache
def exchanged(trace: Trace, other: Trace, k: int) -> tuple[int | None, int | None]:
    """The answers with the found part of another text's first total put in, and with the missed part of it."""
    here, there, mine, theirs = _parts(trace, other, k)
    return _patched(trace, theirs + here - mine), _patched(trace, mine + there - theirs)


@lru_cache
def _dropped(trace: Trace, other: Trace, k: int) -> tuple[int | None, int | None]:
    """The same without the own other part."""
    _, there, _, theirs = _parts(trace, other, k)
    return _patched(trace, theirs), _patched(trace, there - theirs)


def _parts(trace: Trace, other: Trace, k: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Activations of both texts at the first total, and what the latents make of them."""
    sae, at = autoencoder(), first_total(trace)
    here, there = read(model(), sae, trace, at), read(model(), sae, other, at)
    return here, there, rebuilt(sae, here, k), rebuilt(sae, there, k)


def _patched(trace: Trace, values: Floats) -> int | None:
    layer = int(autoencoder().config.site.rpartition(".")[2])
    return gone_on(model(), trace, Patch(layer, first_total(trace), values))


def judge_strongest(made: Any) -> str:
    """Exercise 5.1."""
    sae, cases = autoencoder(), []
    for trace in asked():
        for token in first_total(trace):
            right = strongest(model(), sae, trace, token)
            cases.append(Case((model(), sae, trace, token), right, f"token {token}, {trace.tokens[token]!r},"))
    slips = {
        "that is the strongest anywhere in the text. Read at the one token: `positions=[token]`.": _loudest,
        "that is the token after it. Tokens count from 0.": lambda m, s, trace, token: strongest(
            m, s, trace, token + 1
        ),
    }
    agree(made, cases, slips=slips)
    return "from a token to a latent, in one read. What the latent stands for, and whether it matters, are two more."


def judge_precision_recall(made: Any) -> str:
    """Exercise 5.2."""
    rng, cases = np.random.default_rng(52), []
    for n, share in ((20, 0.3), (50, 0.1), (200, 0.05), (12, 0.5)):
        holds = rng.permutation(np.arange(n) < max(2, round(share * n)))
        active = np.where(rng.random(n) < 0.7, holds, rng.random(n) < 0.5)
        cases.append(Case((active, holds), precision_recall(active, holds), f"{n} tokens, active at {active.sum()}"))
    slips = {
        "those are recall and precision: precision looks at the tokens where the latent is *active*.": lambda a, h: (
            precision_recall(h, a)
        ),
        "the share of tokens where both agree is no measure here: nearly everything is silent nearly everywhere.": (
            lambda a, h: (float(np.mean(a == h)),) * 2
        ),
    }
    agree(made, cases, slips=slips)
    return "a label needs both. A latent on half of the digits '4' and on nothing else has precision 1, and recall .5."


def judge_owed_most(made: Any) -> str:
    """Exercise 5.3."""
    sae, cases = autoencoder(), []
    for trace in asked()[:3]:
        token = first_total(trace)[-1]
        right = owed_most(trace, token)
        cases.append(Case((model(), sae, trace, token), right, f"token {token}, {trace.tokens[token]!r},"))
    slips = {
        "that is the strongest at the token. What the answer owes to it is another column: `effect`.": strongest,
        "that one is the largest with a plus sign. What speaks against the answer matters as much: take sizes.": (
            lambda m, s, trace, token: max(owed(trace, token), key=lambda row: row[1])[0]
        ),
        "that is the largest *estimate*, which finds where to look. Take the exact effects.": (
            lambda m, s, trace, token: max(owed(trace, token), key=lambda row: abs(row[2]))[0]
        ),
    }
    agree(made, cases, slips=slips)
    return "how active a latent is says nothing of what hangs on it. Colour by effect before you tell a story."


def judge_held(made: Any) -> str:
    """Exercise 5.4."""
    if not callable(made):
        raise Wrong(f"a function is asked for, and this is {shown(made)}. Leave the `def` line as it was.")
    sae, wrong = autoencoder(), []
    for trace in asked():
        number, wanted = other_total(trace), gone_on(model(), edited(trace), ())
        changes = _clamps(called(made, Case((model(), sae, trace, number), "", f"the total {number}")), trace)
        said = gone_on(model(), trace, changes)
        if said != wanted:
            wrong.append((number, wanted, said, answer(trace)))
    if wrong:
        number, wanted, said, own = wrong[0]
        old = " the answer of its own text: nothing that matters was moved" if said == own else ""
        raise Wrong(f"{len(wrong)} of {len(asked())} answers don't follow. The first: with {number} in its head it "
                    f"would answer {wanted}, and it answers {said}{',' if old else ''}{old}. What is active here and "
                    "not there has to be held, too, at 0.")  # fmt: skip
    return "the text says one number, the answer follows another: the latents at two tokens carry what is summed next."


def _clamps(made: Any, trace: Trace) -> tuple[Intervention, ...]:
    """What a student's function returned, if it is what was asked for: held latents, at the number's tokens alone.

    Raises:
        Wrong: it is something else.
    """
    if empty(made):
        raise Wrong(UNFILLED)
    try:
        changes = as_interventions(made)
    except (CotLensError, TypeError) as error:
        raise Wrong(f"a list of what `cl.features.clamp` returns is asked for, and this is {shown(made)}.") from error
    at = set(first_total(trace))
    for change in changes:
        if not isinstance(change, ClampFeature):
            raise Wrong(f"latents are to be held (`cl.features.clamp`), and this is a {type(change).__name__}.")
        if change.positions is None or not set(change.positions) <= at:
            raise Wrong(f"latents are held at other tokens than {sorted(at)}: what is held everywhere shows nothing of "
                        "this number. Give `positions=`.")  # fmt: skip
    return changes


def judge_missed(made: Any) -> str:
    """Exercise 5.5."""
    rng, cases = np.random.default_rng(55), []
    for n in (3, 5, 9):
        x = (rng.normal(size=(n, 6)) + 3).astype(np.float32)
        y = x + (rng.normal(size=(n, 6)) * rng.random((n, 1))).astype(np.float32)
        cases.append(Case((x, y), missed(x, y), f"{n} tokens of 6 numbers"))
    slips = {
        "you divide by what is there rather than by what varies: any reconstruction near the mean would look good.": (
            lambda x, y: np.square(x - y).sum(1) / np.square(x).sum(1)
        ),
        "that is the share that is *kept*. Asked is what is missed.": lambda x, y: 1 - missed(x, y),
    }
    agree(made, cases, within=1e-4, slips=slips)
    return "token by token, since a good average hides bad places. Where it is large, the latents don't tell the story."


def judge_exchanged(made: Any) -> str:
    """Exercise 5.6."""
    cases = [
        Case((model(), trace, edited(trace), k), exchanged(trace, edited(trace), k), f"the {k} strongest")
        for trace in asked()[1:4]
        for k in KEPT
    ]
    slips = {
        "the two are the wrong way round: the found part of the other text comes first.": lambda m, *given: exchanged(
            *given
        )[::-1],
        "you dropped the rest of the model's own activation. Add it: `+ here - mine`.": lambda m, *given: _dropped(
            *given
        ),
    }
    agree(made, cases, slips=slips)
    return (
        "with 8 latents a token the found part carries the number; with 1 the missed part does, and no label tells you."
    )


def _loudest(model: Model, sae: SAE, trace: Trace, token: int) -> int:
    everywhere = tuple(range(1, len(trace.token_ids)))
    return int(encoded(model, sae, trace, everywhere).max(0).argmax())


EXERCISES = (
    Exercise("5.1", "The strongest at a token", 2, 1, judge_strongest, (
        "`model.read(trace, site, positions=[token])[site]` is float32 [1, d]; `sae.encode(...)` makes latents of it.",
        "`sae.encode(...).dense()[0]` has a number for each latent; `.argmax()` is the largest.",
    )),
    Exercise("5.2", "What it stands for", 3, 1, judge_precision_recall, (
        "Count the tokens where both are true: `(active & holds).sum()`.",
        "Divide by `active.sum()` for precision, by `holds.sum()` for recall.",
    )),
    Exercise("5.3", "What hangs on it", 5, 2, judge_owed_most, (
        "First the latents that are active at the token, as in 5.1: `np.flatnonzero(...)`.",
        "`cl.features.features(trace, model, sae, selection=(token, token + 1), effect_of=active).frame()` has a "
        "column `effect`: NaN for latents that weren't asked for.",
        "`.set_index('latent').effect.abs().idxmax()`.",
    )),
    Exercise("5.4", "Another number in its head", 8, 3, judge_held, (
        "The wished-for activations are those of a text that says `number`: `trace.replace(place, str(number))`.",
        "Encode both texts at `first_total(trace)`. Per token, hold every latent that is active in either of them.",
        "`cl.features.clamp(sae, latents.tolist(), there[row, latents].tolist(), positions=token)`, one per token.",
    )),
    Exercise("5.5", "What it misses", 2, 1, judge_missed, (
        "`((activations - rebuilt) ** 2).sum(axis=1)` is what is missed, per token.",
        "Divide it by `((activations - activations.mean(axis=0)) ** 2).sum(axis=1)`.",
    )),
    Exercise("5.6", "Found, and missed", 8, 3, judge_exchanged, (
        "`here` and `there` are the activations of the two texts at the number's tokens; `mine` and `theirs` what "
        "`rebuilt(..., k)` makes of them.",
        "Found part of the other: `theirs + (here - mine)`. Missed part of the other: `mine + (there - theirs)`.",
        "`Patch(layer, at, values)` puts values in place of activations: `model.resume(trace, at=at[-1] + 1, "
        "temperature=0, interventions=Patch(...))`, once for each.",
    )),
    *probing.EXERCISES,
    *thinking.EXERCISES,
)  # fmt: skip
