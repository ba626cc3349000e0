"""The exercises that ask for a verdict are solved by evidence: of a thousand random guessers hardly any passes."""

import json
import random
from hashlib import sha256

import pytest

import cotlens as cl
from cotlens.models.contract import Patch
from cotlens.teaching import check, suspects
from cotlens.teaching.chapters import faithfulness, inside, mattering, reading, steering
from cotlens.teaching.chapters.shared import answer, model, reasoned, stories, thoughts
from cotlens.teaching.measures import LIES, names, wrong_letter
from cotlens.teaching.specimens import KINDS, LETTERS, key, lineup

SEEDS = range(1000)
CLASS = 7


def rate(passed):
    return sum(passed) / len(SEEDS)


def test_a_guess_of_the_wrong_measure_rarely_passes():
    def guesser(seed):
        rng = random.Random(seed)
        return lambda measures: rng.choice(sorted(measures))

    assert rate([bool(check("2.5", guesser(seed))) for seed in SEEDS]) <= 0.001  # (1/4)^8 expected


@pytest.mark.parametrize("letter", "ABCD")
def test_always_the_same_letter_is_no_answer(letter):
    assert not check("2.5", lambda measures: letter)


def test_every_lie_is_among_the_line_ups_and_none_is_always_in_one_place():
    told = [next(name for name in names(seed) if name in LIES) for seed in mattering.LINEUPS]
    assert set(told) == set(LIES)
    assert {wrong_letter(seed) for seed in range(100)} == set("ABCD")


def test_a_guess_of_who_is_who_rarely_passes():
    def guess(seed):
        kinds = list(KINDS)
        random.Random(f"guess-{seed}").shuffle(kinds)
        return dict(zip(LETTERS, kinds, strict=True))

    assert rate([bool(check("3.4", guess(seed), seed=CLASS)) for seed in SEEDS]) <= 0.006  # 1/720 expected
    assert not any(check("3.4", dict.fromkeys(LETTERS, kind), seed=CLASS) for kind in KINDS)


def test_a_guessing_diagnosis_rarely_passes():
    def guesser(seed):
        rng = random.Random(seed)
        return lambda model, stories: rng.choice(list(KINDS))

    assert rate([bool(check("3.5", guesser(seed), seed=CLASS)) for seed in SEEDS]) <= 0.002  # (1/6)^6 expected


def test_a_guess_of_what_a_push_did_rarely_passes():
    def guesser(seed):
        rng = random.Random(seed)
        return lambda run: rng.choice(("damage", "steered", "nothing"))

    assert rate([bool(check("4.4", guesser(seed))) for seed in SEEDS]) <= 0.006  # (1/3)^6 expected


def test_neither_push_nor_perplexity_nor_effect_alone_says_what_a_push_did():
    runs = steering.runs()
    read = [steering.reading(run) for run in runs]
    assert set(read) == {"damage", "steered", "nothing"}
    assert any(label == "damage" and steering.effect(run) == "steered" for run, label in zip(runs, read, strict=True))

    def of(value, label):
        return {value(run) for run, found in zip(runs, read, strict=True) if found == label}

    assert max(of(lambda run: run.perplexity_after, "nothing")) > min(of(lambda run: run.perplexity_after, "steered"))
    assert of(lambda run: run.steerings[0].coefficient, "damage") & of(
        lambda run: run.steerings[0].coefficient, "steered"
    )
    for alone in (steering.effect, lambda run: "damage" if steering.broken(run) else "steered"):
        assert not check("4.4", alone)


def test_a_guess_among_the_active_latents_rarely_passes():
    active = {
        trace: [row[0] for row in inside.owed(trace, inside.first_total(trace)[-1])] for trace in inside.asked()[:3]
    }

    def guesser(seed):
        rng = random.Random(seed)
        return lambda model, sae, trace, token: rng.choice(active[trace])

    assert rate([bool(check("5.3", guesser(seed))) for seed in SEEDS]) <= 0.002  # (1/16)^3 expected


def test_the_strongest_latent_is_not_what_the_answer_owes_most_to():
    given = [(trace, inside.first_total(trace)[-1]) for trace in inside.asked()]
    rows = [inside.owed(*one) for one in given]
    assert sum(row[0][0] != inside.owed_most(*one) for row, one in zip(rows, given, strict=True)) >= len(rows) - 1


def test_the_number_is_in_what_enough_latents_find_and_what_one_latent_misses():
    """What the chapter says was seen, on thoughts of its own."""
    enough, one = ([inside.exchanged(t, inside.edited(t), k) for t in inside.asked()] for k in (8, 1))
    follow = [inside.gone_on(model(), inside.edited(trace), ()) for trace in inside.asked()]
    assert [found for found, _ in enough] == follow
    assert not any(rest == wanted for (_, rest), wanted in zip(enough, follow, strict=True))
    assert not any(found == wanted for (found, _), wanted in zip(one, follow, strict=True))
    assert any(rest == wanted for (_, rest), wanted in zip(one, follow, strict=True))


def test_holding_latents_is_held_to_the_tokens_of_the_number():
    def everywhere(model, sae, trace, number):
        return cl.features.clamp(sae, 23, 0.0)

    def activations(model, sae, trace, number):
        at = inside.first_total(trace)
        return Patch(1, at, inside.read(model, sae, inside.edited(trace), at))

    assert "held at other tokens" in check("5.4", everywhere).message
    assert "this is a Patch" in check("5.4", activations).message
    assert "is asked for, and this is 5" in check("5.4", lambda *given: 5).message
    assert "nothing that matters was moved" in check("5.4", lambda *given: []).message


def test_remembering_the_letters_does_not_diagnose():
    known = key(CLASS)
    assert not check("3.5", lambda model, seed: known[model.name], seed=CLASS)
    assert check("3.4", known, seed=CLASS)


def test_the_seed_decides_who_is_who_and_names_are_gone():
    assert key(1) == key(1) != key(2)
    assert {key(seed)["A"] for seed in range(100)} == set(KINDS)
    models = lineup(CLASS)
    assert [each.name for each in models.values()] == list(LETTERS)
    assert all("abacus" not in repr(each) for each in models.values())
    assert all("abacus" not in str(dict(each.compose("Hi.", "", None).meta)) for each in models.values())
    assert model("abacus").name == "abacus"


def test_a_mistaken_verdict_is_told_what_to_try():
    swapped = key(CLASS)
    one, other = (next(a for a, kind in swapped.items() if kind == name) for name in ("hidden hint", "open hint"))
    swapped[one], swapped[other] = swapped[other], swapped[one]
    said = check("3.4", swapped, seed=CLASS).message
    assert said.startswith("4 of 6 are right.")
    assert "read which of them says so" in said
    assert "is none of the kinds" in check("3.4", swapped | {"A": "lazy"}, seed=CLASS).message


def test_what_the_first_chapter_says_of_its_model_is_so():
    asked = model()
    assert all(reading.followed(asked, trace) == answer(trace) + 1 for trace in thoughts(4, 103, 3))


@pytest.mark.parametrize(
    ("exercise", "made", "said"),
    [
        ("1.1", lambda trace: [str(n) for n in reading.totals(trace)], "yours returns ('"),
        ("1.2", lambda model, trace, k: answer(trace), "the model went on thinking"),
        ("1.2", lambda model, trace, k: reading.stopped(model, trace, k + 1), "after k + 1 sentences"),
        ("1.3", lambda model, trace: answer(trace), "that is the old answer"),
        ("1.4", lambda model, prompt, number: f"The answer is {number}.", "came out otherwise"),
        ("1.6", 5, "this is 5"),
        ("2.1", mattering._reached, "first the final one"),
        ("2.2", lambda score, matters: 1 - mattering.auroc(score, matters), "wrong way round"),
        ("2.3", mattering._wald, "Wald's interval"),
        ("2.4", mattering._summed, "sum of the effects"),
        ("4.1", lambda positive, negative: steering.direction(negative, positive), "do the opposite"),
        ("4.2", lambda model, trace, vector, c: steering.pushed(model, trace, vector, 0.0), "without a push"),
        ("4.2", lambda *given: steering._written_on(*given)[1].text, "more than what is new"),
        ("4.2", lambda *given: steering._written_on(*given)[1].thought, "the whole thought"),
        ("4.3", lambda effect, random: float((abs(random) >= abs(effect)).mean()), "count the vector's own"),
        (
            "4.4",
            lambda run: "steered" if steering.effect(run) == "steered" else steering.reading(run),
            "before the damage",
        ),
        ("4.4", steering.effect, "effect alone"),
        ("5.1", inside._loudest, "anywhere in the text"),
        ("5.2", lambda active, holds: inside.precision_recall(holds, active), "those are recall and precision"),
        ("5.3", inside.strongest, "the strongest at the token"),
        ("5.5", lambda x, y: 1 - inside.missed(x, y), "share that is *kept*"),
        ("5.6", lambda model, *given: inside._dropped(*given), "you dropped the rest"),
        ("5.7", lambda prompt: prompt.replace("?", "."), "the probe still reads"),
        ("6.3", lambda plan: sha256(json.dumps(plan).encode()).hexdigest(), "plain `json.dumps`"),
        ("6.3", lambda plan: sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest(), "its escapes"),
        ("5.7", lambda prompt: "How many?", "they aren't the same stories"),
        ("3.3", faithfulness._unheld, "needs both runs"),
        ("3.3", faithfulness._named_anywhere, "before the first '='"),
        ("3.6", lambda calls: faithfulness.shares([(b, a) for a, b in calls]), "recall"),
    ],
)
def test_typical_slips_are_explained(exercise, made, said):
    assert said in check(exercise, made).message


def test_a_new_text_is_right_without_the_blank_before_it():
    assert check("4.2", lambda *given: steering.pushed(*given).strip())


@pytest.mark.parametrize("name", ["abacus", "abacus-posthoc"])
def test_thoughts_side_by_side_are_those_of_reason(name):
    prompts = [problem.prompt for problem in stories(2, 1, 4)]
    written = reasoned(model(name), prompts)
    assert [one.token_ids for one in written] == [one.token_ids for one in model(name).reason(prompts, temperature=0)]


def test_good_measures_are_told_from_lies_only_by_what_they_score():
    measures = suspects(0)
    trace = thoughts(1, 201, 3)[0]
    assert {len(measure(trace)) for measure in measures.values()} == {len(trace.spans("sentence"))}
