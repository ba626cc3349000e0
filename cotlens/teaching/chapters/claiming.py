"""Chapter 6: from a finding to a claim that could have been refuted."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cotlens.measure.stats import wilson
from cotlens.teaching.cases import Case, agree, called, same, shown
from cotlens.teaching.chapters.shared import model
from cotlens.teaching.claims import CLAIMS, claim_of, drawn, seal, written
from cotlens.teaching.exercise import Exercise, Wrong, empty
from cotlens.teaching.specimens import KINDS, key, lineup
from cotlens.trace import Trace

FIELDS = ("claim", "model", "test", "n", "line")
REPORTED = ("plan", "seal", "k", "n", "interval", "decision", "provenance")
TRIED = 5  # stories of each of two known models
AGAIN = 3  # traces that are written again, to see that they are the model's own
MOST = 60  # stories, so that a plan runs in a minute


def decide(k: int, n: int, line: float) -> str:
    """What `k` of `n` say of the claim that its rate is above `line`."""
    low, high = wilson(k, n)
    return "supported" if low > line else "refuted" if high < line else "undecided"


def enough(line: float) -> int:
    """The fewest stories with which both could come out."""
    n = 1
    while decide(n, n, line) != "supported" or decide(0, n, line) != "refuted":
        n += 1
    return n


def judge_test(made: Any, claim: str = "") -> str:
    """Exercise 6.1."""
    one, cases = claim_of({"claim": claim}), _cases(claim)
    same_everywhere = (
        "your test comes out {} for a model of which the claim is known to be false as well as for one of which it is "
        "true. Whatever it says of the next model, it could not have said otherwise."
    )
    slips: dict[str, Callable[..., Any]] = {
        same_everywhere.format("true"): lambda *given: True,
        same_everywhere.format("false"): lambda *given: False,
        "it is true where the claim is false, and the other way round.": lambda *given: not one.holds(*given),
    }
    agree(_as_bool(made), cases, slips=slips)
    return "it tells a model of which the claim is true from one of which it isn't. So it may be asked about a third."


@lru_cache
def _cases(claim: str) -> tuple[Case, ...]:
    """What a claim's own test says of a model of which it is true, and of one of which it isn't."""
    one, cases = CLAIMS[claim], []
    for kind in (one.true_of[0], one.false_of[0]):
        asked, told = model(KINDS[kind]), one.stories(TRIED, 601)
        for problem, trace in zip(told, written(asked, told), strict=True):
            given = (asked, problem, trace)
            about = f"a model of the kind {kind!r}, which answered {trace.answer.strip()!r},"
            cases.append(Case(given, one.holds(*given), about))
    return tuple(cases)


def judge_decide(made: Any) -> str:
    """Exercise 6.2."""
    counts = ((24, 24, 0.8), (22, 24, 0.8), (0, 24, 0.8), (15, 24, 0.8), (9, 24, 0.8), (6, 10, 0.5), (60, 100, 0.5))
    cases = [Case(given, decide(*given), f"{given[0]} of {given[1]} against {given[2]}") for given in counts]
    slips = {
        "you compared the share itself. 22 of 24 is above .8, and so would a rate of .75 give now and then: compare "
        "the interval's ends.": lambda k, n, line: "supported" if k / n > line else "refuted",
        "you never refute. An interval that lies below the line says that the claim is false.": lambda k, n, line: (
            "supported" if wilson(k, n).low > line else "undecided"
        ),
    }
    agree(made, cases, slips=slips)
    return "three outcomes, and 'undecided' is one: it says that n was too small, not that there is nothing."


def judge_seal(made: Any) -> str:
    """Exercise 6.3."""
    plans: tuple[Any, ...] = (
        {"claim": "needs", "n": 24, "line": 0.8},
        {"n": 24, "line": 0.8, "claim": "needs"},
        {"claim": "needs", "n": 24, "line": 0.75},
        {"claim": "é, ü, 数", "more": {"b": [1, 2], "a": None}},
    )
    cases = [Case((plan,), seal(plan), f"the plan {plan}") for plan in plans]
    slips = {
        "the order of the keys makes a difference in yours, so one plan has two seals. Sort them.": (
            lambda plan: seal_of(plan, sort_keys=False)
        ),
        "the spaces of `json.dumps` are in yours: `separators=(',', ':')`.": lambda plan: seal_of(
            plan, separators=(", ", ": ")
        ),
        "letters beyond ASCII are escaped in yours: `ensure_ascii=False`, then `.encode()`.": lambda plan: seal_of(
            plan, ensure_ascii=True
        ),
        "its spaces and its escapes of letters beyond ASCII are still those of plain `json.dumps`: "
        "`separators=(',', ':')` and `ensure_ascii=False`.": lambda plan: seal_of(
            plan, separators=(", ", ": "), ensure_ascii=True
        ),
        "that is plain `json.dumps`: sort the keys, leave out the spaces, leave letters as they are.": (
            lambda plan: seal_of(plan, sort_keys=False, separators=(", ", ": "), ensure_ascii=True)
        ),
    }
    agree(made, cases, slips=slips)
    return "one plan, one seal; any change, another. Give the seal to somebody, and keep the plan."


def seal_of(plan: Any, **otherwise: Any) -> str:
    """The seal with one rule broken, as a typical slip makes it."""
    rules = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False, **otherwise}
    return hashlib.sha256(json.dumps(plan, **rules).encode()).hexdigest()


def judge_enough(made: Any) -> str:
    """Exercise 6.4."""
    cases = [Case((line,), enough(line), f"a line of {line}") for line in (0.5, 0.8, 0.9, 0.05)]
    slips = {
        "with that many the claim could be supported; could it be refuted, too? (Look at a low line.)": _supporting,
        "that is one story short: the interval has to lie beyond the line, not on it.": lambda line: enough(line) - 1,
    }
    agree(made, cases, slips=slips)
    return "fewer, and it is settled beforehand what won't come out. This many is a minimum: it allows no exception."


def _supporting(line: float) -> int:
    n = 1
    while decide(n, n, line) != "supported":
        n += 1
    return n


def judge_plan(made: Any, holds: Any = None) -> str:
    """Exercise 6.5."""
    sealed = seal(checked_plan(made, holds))
    return f"sealed as {sealed[:16]}... Write that down where you can't change it: from now on the plan is fixed."


def checked_plan(made: Any, holds: Any) -> Mapping[str, Any]:
    """A plan whose test is `holds` and that could come out both ways.

    Raises:
        Wrong: it isn't.
    """
    if not isinstance(made, Mapping) or set(made) != set(FIELDS):
        raise Wrong(f"a plan is a dict with {', '.join(FIELDS)}, and this is {shown(made)}.")
    if made["claim"] not in CLAIMS or made["model"] not in key(0):
        raise Wrong(f"the claim is one of {', '.join(CLAIMS)}, the model one of {', '.join(key(0))}.")
    if made["test"] != source(holds):
        raise Wrong("the test in the plan isn't the function `holds` as it is now. A plan fixes the test as well.")
    line, n = made["line"], made["n"]
    if not isinstance(line, float) or not 0 < line < 1 or not isinstance(n, int):
        raise Wrong(f"the line is a rate between 0 and 1 and n a whole number; these are {shown(line)} and {shown(n)}.")
    if n < enough(line):
        raise Wrong(f"with {n} stories and a line of {line} one of the two outcomes is impossible beforehand: take "
                    f"{enough(line)} or more, or another line.")  # fmt: skip
    if n > MOST:
        raise Wrong(f"{n} stories take too long here: at most {MOST}.")
    return made


def source(function: Any) -> str:
    """The text of a function, by which a plan fixes its test; "" where there is none."""
    try:
        return inspect.getsource(function)
    except (TypeError, OSError):
        return ""


def judge_report(made: Any, holds: Any = None, traces: Any = (), seed: int = 0) -> str:
    """Exercise 6.6."""
    if not isinstance(made, Mapping) or not set(REPORTED) <= set(made) or empty(dict(made)):
        raise Wrong(f"a report is a dict with {', '.join(REPORTED)}, and this is {shown(made)}.")
    if seal(made["plan"]) != made["seal"]:
        raise Wrong("the seal isn't that of the plan in the report: one of the two was changed since.")
    plan = checked_plan(made["plan"], holds)
    _check_traces(plan, list(traces), seed)
    _check_numbers(made, plan, holds, list(traces), seed)
    kind, claim = key(seed)[plan["model"]], claim_of(plan)
    known = (
        "of which the claim is true" if kind in claim.true_of
        else "of which it is false" if kind in claim.false_of
        else "of which nothing was known here"
    )  # fmt: skip
    won = {
        "refuted": "refuted, and that is a success: you said beforehand what would show you wrong, and it did.",
        "supported": "supported: it could have been refuted, and wasn't.",
        "undecided": "undecided, and said so: a larger n is the next plan, with a seal of its own.",
    }[made["decision"]]
    return f"{won} {plan['model']} is of the kind {kind!r}, {known}."


def _check_traces(plan: Mapping[str, Any], traces: Sequence[Any], seed: int) -> None:
    told = drawn(plan)
    if not all(isinstance(trace, Trace) for trace in traces) or len(traces) != len(told):
        raise Wrong(f"the plan says {len(told)} stories, and there are {len(traces)} traces. None may be left out.")
    if [trace.prompt for trace in traces] != [problem.prompt for problem in told]:
        raise Wrong("these traces are about other stories than the seal of this plan draws. A plan that was changed "
                    "after a look has another seal: run it on the stories that this one draws.")  # fmt: skip
    again = written(lineup(seed)[plan["model"]], told[:AGAIN])
    if [trace.text for trace in again] != [trace.text for trace in traces[:AGAIN]]:
        raise Wrong(f"written again by model {plan['model']}, these traces come out otherwise. Whose are they?")


def _check_numbers(
    made: Mapping[str, Any], plan: Mapping[str, Any], holds: Any, traces: Sequence[Trace], seed: int
) -> None:
    asked, told, claim = lineup(seed)[plan["model"]], drawn(plan), claim_of(plan)
    found = [
        called(_as_bool(holds), Case((asked, *pair), "", "a trace of the report"))
        for pair in zip(told, traces, strict=True)
    ]
    rows = zip(told[:AGAIN], traces[:AGAIN], found[:AGAIN], strict=True)
    if any(mine != claim.holds(asked, problem, trace) for problem, trace, mine in rows):
        raise Wrong("your test says of one of these traces what isn't so: does 6.1 still pass with this claim?")
    k, n = sum(found), len(traces)
    if made["k"] != k or made["n"] != n:
        raise Wrong(
            f"the report says {shown(made['k'])} of {shown(made['n'])}; counted here it is another number of {n}."
        )
    if not same(made["interval"], tuple(wilson(k, n)), 2e-3):
        raise Wrong(f"the interval of {k} of {n} is another: 95 %, after Wilson, as (low, high).")
    if made["decision"] != decide(k, n, plan["line"]):
        raise Wrong(f"{k} of {n} against a line of {plan['line']} is not {shown(made['decision'])}. What the plan says "
                    "counts, not what was hoped for.")  # fmt: skip
    _check_provenance(made["provenance"], traces[0])


def _check_provenance(made: Any, trace: Trace) -> None:
    if not isinstance(made, Mapping) or made.get("revision") != trace.meta["revision"]:
        raise Wrong("the provenance doesn't say which weights were asked: `revision`, as in `traces[0].meta`.")
    if "cotlens" not in (made.get("versions") or {}):
        raise Wrong("the provenance doesn't say with which versions it was measured: `versions`, with cotlens in it.")


def _as_bool(made: Any) -> Any:
    """The student's function with 0 and 1 and numpy's flags as bool; anything else as it is."""
    if not callable(made):
        return made

    def flag(*given: Any) -> Any:
        found = made(*given)
        return bool(found) if not empty(found) and found is not None else found

    return flag


EXERCISES = (
    Exercise("6.1", "A test that could refute it", 8, 3, judge_test, (
        "For which model would the claim be false? What would you see there, and in which of its texts?",
        "`needs` asks the model again, with an empty thought (3.1). The others read the trace: `trace.thought`, "
        "`trace.read_answer()`.",
        "steadfast: the answer is not `problem.hint.number`. concludes: the last `= (\\d+)` is the answer. complete: "
        "there are four of them. needs: the answer without a thought is not in `problem.answers`.",
    )),
    Exercise("6.2", "Supported, refuted, undecided", 4, 2, judge_decide, (
        "The interval of 2.3, after Wilson: where does it lie, seen from the line?",
        "All above: supported. All below: refuted. Else: undecided.",
    )),
    Exercise("6.3", "The seal", 3, 2, judge_seal, (
        "`json.dumps(plan, sort_keys=True, separators=(',', ':'), ensure_ascii=False)` is one text for one plan.",
        "`hashlib.sha256(text.encode()).hexdigest()`.",
    )),
    Exercise("6.4", "How many, at least?", 3, 2, judge_enough, (
        "Count n up from 1 until both `decide(n, n, line)` and `decide(0, n, line)` say something.",
        "`decide(n, n, line) == 'supported' and decide(0, n, line) == 'refuted'`.",
    )),
    Exercise("6.5", "Write it down before", 4, 1, judge_plan, (
        "Choose a model by its letter, a line such as 0.8, and an n that 6.4 allows.",
        "`{'claim': CLAIM, 'model': 'A', 'test': inspect.getsource(holds), 'n': 24, 'line': 0.8}`.",
    )),
    Exercise("6.6", "Run it, and report", 6, 3, judge_report, (
        "`stories = drawn(plan)`, `traces = written(specimens[plan['model']], stories)`.",
        "`k = sum(holds(model, problem, trace) for problem, trace in zip(stories, traces))`.",
        "The interval is `interval(k, n)`, the decision `decide(k, n, plan['line'])`, the provenance "
        "`Provenance.record(method='holds', revision=traces[0].meta['revision']).data()`.",
    )),
)  # fmt: skip
