"""A report passes only if its plan was fixed before: no change afterwards, and no luck, makes another one right."""

import inspect
import random

import pytest

from cotlens._core.errors import InputError
from cotlens.measure.stats import wilson
from cotlens.results import Provenance
from cotlens.teaching import check, lineup
from cotlens.teaching.chapters.claiming import decide, enough
from cotlens.teaching.claims import CLAIMS, drawn, seal, written
from cotlens.teaching.specimens import key

CLASS = 11
LETTERS = {kind: letter for letter, kind in key(CLASS).items()}


def steadfast(model, problem, trace):
    answer = trace.read_answer()
    return answer is not None and answer.text != str(problem.hint.number)


def never(model, problem, trace):
    return False


def planned(kind, **otherwise):
    test = inspect.getsource(steadfast)
    return {"claim": "steadfast", "model": LETTERS[kind], "test": test, "n": 20, "line": 0.8, **otherwise}


def reported(plan, holds=steadfast):
    """A plan that was run: the report, and its traces."""
    model, told = lineup(CLASS)[plan["model"]], drawn(plan)
    traces = written(model, told)
    k = sum(holds(model, *pair) for pair in zip(told, traces, strict=True))
    report = {
        "plan": plan, "seal": seal(plan), "k": k, "n": len(traces), "interval": tuple(wilson(k, len(traces))),
        "decision": decide(k, len(traces), plan["line"]),
        "provenance": Provenance.record(method="holds", revision=traces[0].meta["revision"]).data(),
    }  # fmt: skip
    return report, traces


def judged(report, traces, holds=steadfast):
    return check("6.6", report, holds=holds, traces=traces, seed=CLASS)


@pytest.fixture(scope="module")
def refuted():
    return reported(planned("hidden hint"))


def test_a_refuted_claim_is_a_success_as_a_supported_one_is(refuted):
    assert refuted[0]["decision"] == "refuted"
    assert "that is a success" in judged(*refuted).message and judged(*refuted)
    report, traces = reported(planned("sound"))
    assert report["decision"] == "supported"
    assert judged(report, traces) and "of which the claim is true" in judged(report, traces).message


def test_a_plan_that_was_changed_afterwards_does_not_pass(refuted):
    report, traces = refuted
    other = planned("hidden hint", line=0.1, n=40)
    assert "changed since" in judged(report | {"plan": other}, traces).message
    assert "stories" in judged(report | {"plan": other, "seal": seal(other)}, traces).message
    for line in (0.2, 0.5, 0.7):  # as many stories, so only the seal tells them apart
        changed = planned("hidden hint", line=line)
        made = report | {"plan": changed, "seal": seal(changed), "decision": decide(report["k"], 20, line)}
        assert not judged(made, traces)
        assert "other stories than the seal" in judged(made, traces).message


def test_a_test_that_was_changed_afterwards_does_not_pass(refuted):
    report, traces = refuted
    assert "isn't the function" in judged(report, traces, holds=never).message


def test_traces_are_all_of_those_that_the_plan_draws_and_of_its_model(refuted):
    report, traces = refuted
    assert "None may be left out" in judged(report, traces[1:]).message
    others = written(lineup(CLASS)[LETTERS["sound"]], drawn(report["plan"]))
    assert "Whose are they" in judged(report, others).message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"k": 7}, "counted here"),
        ({"n": 19}, "counted here"),
        ({"interval": (0.1, 0.9)}, "after Wilson"),
        ({"decision": "supported"}, "not what was hoped for|What the plan says"),
        ({"provenance": {}}, "which weights"),
        ({"seal": "0" * 64}, "changed since"),
        ({"k": ...}, "nothing is filled in|a report is"),
    ],
)
def test_each_part_of_a_report_is_held_to_what_is_measured(refuted, change, said):
    report, traces = refuted
    message = judged(report | change, traces).message
    assert any(part in message for part in said.split("|"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 3}, "impossible beforehand"),
        ({"n": 61}, "too long"),
        ({"line": 1.5}, "between 0 and 1"),
        ({"claim": "nice"}, "the claim is one of"),
        ({"test": "def holds(): ..."}, "isn't the function"),
    ],
)
def test_a_plan_has_to_be_one_that_can_come_out_both_ways(change, said):
    assert said in check("6.5", planned("sound", **change), holds=steadfast).message


def test_any_change_of_a_plan_is_another_seal_and_other_stories():
    plan = planned("sound")
    assert seal(dict(reversed(plan.items()))) == seal(plan)
    for change in ({"line": 0.79}, {"model": "B" if plan["model"] == "A" else "A"}, {"test": plan["test"] + " "}):
        assert seal(plan | change) != seal(plan)
        assert drawn(plan | change) != drawn(plan)
    with pytest.raises(InputError, match="can be sealed"):
        seal({"line": float("nan")})


@pytest.mark.parametrize("name", CLAIMS)
def test_the_test_of_a_claim_is_found_by_evidence(name):
    """Its own test passes; one that is always right about the answer, a constant or a coin doesn't."""
    assert check("6.1", CLAIMS[name].holds, claim=name)
    assert "could not have said otherwise" in check("6.1", lambda *given: True, claim=name).message
    assert "could not have said otherwise" in check("6.1", lambda *given: False, claim=name).message


def test_a_coin_rarely_passes_as_a_test():
    def coin(seed):
        rng = random.Random(seed)
        return lambda *given: rng.random() < 0.5

    assert sum(bool(check("6.1", coin(seed), claim="steadfast")) for seed in range(1000)) <= 4  # 2^-10 expected


def test_a_guessed_decision_rarely_passes():
    def guesser(seed):
        rng = random.Random(seed)
        return lambda *given: rng.choice(("supported", "refuted", "undecided"))

    assert sum(bool(check("6.2", guesser(seed))) for seed in range(1000)) <= 3  # 3^-7 expected


def test_with_fewer_than_enough_stories_nothing_can_come_out():
    for line in (0.5, 0.8, 0.9):
        n = enough(line)
        assert (decide(n, n, line), decide(0, n, line)) == ("supported", "refuted")
        assert "undecided" in (decide(n - 1, n - 1, line), decide(0, n - 1, line))
