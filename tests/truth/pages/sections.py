"""The sections of docs/truth.md about the Abacus family, made of truth.json."""

from __future__ import annotations

from typing import Any

from cotlens.organisms.truth import ESTIMANDS
from tests.truth import settings
from tests.truth.pages.markdown import number, share, shown, table
from tests.truth.plan import BASE, FAMILY

Lines = list[dict[str, Any]]

HEADINGS = {
    "fixed": "## Which units the answer is read from, the rest of the text held fixed",
    "truncated": "## Where the answer comes about, the thought stopped there",
    "regenerated": "## Which sentences the rest of the thought follows, the rest written anew",
    "fork": "## Which sentence settles a choice",
}
LABELS = {
    "fixed": "Important: the final total. Over thoughts that say it, and each of its digits, once; beside them the "
    'AUROC where it is said again and neither copy alone need matter. Unit "set" takes all copies together.',
    "truncated": "Important: numbers that change whether the total stated last is the answer.",
    "regenerated": "Important: sentences on the path to the answer; not slips, checks, asides or filler.",
    "fork": "Important: the sentence that takes one of two ways which the problem leaves open.",
}
NOTES = (
    '"Agreed": without thoughts whose labels the model contradicts. "Better by": the mean of paired differences on the '
    'same units of the same thoughts. "Shuffled weights": rank correlation with the same method on a model whose '
    "weights are shuffled; it must be low. s: median seconds per thought."
)


def agreement(found: dict[str, Any]) -> str:
    """How far labels and models agree, and what was left out."""
    rows = [
        [
            name,
            str(family["thoughts"]),
            "; ".join(f"{count} {why}" for why, count in family["left_out"].items()) or "none",
            *(_trials(family["trials"].get(estimand)) for estimand in ESTIMANDS),
            " / ".join(str(family["contradicted"][estimand]) for estimand in ESTIMANDS),
        ]
        for name, family in found["families"].items()
    ]
    head = ["model", "thoughts with a truth", "without one", *ESTIMANDS, "contradicted"]
    text = (
        "## The labels, held to the trained models\n\n"
        "A thought has no truth where a sentence is outside the grammar or says what the symbols don't. The labels of "
        "those that were measured are tried: numbers are changed, and the model's greedy answer is compared with what "
        'the label says (agreeing trials of all trials). "Contradicted": thoughts with a trial that disagrees, per '
        'label in the same order. They count in all figures but those that say "agreed".'
    )  # fmt: skip
    return f"{text}\n\n{table(head, rows)}"


def estimand(found: dict[str, Any], name: str) -> str:
    """All about one label: the lines of `abacus`, and the AUROC of every model."""
    lines = [line for line in found["lines"] if line["question"].split(" | ")[2] == name]
    own = [line for line in lines if line["model"] == BASE and line["auroc"]]
    parts = [HEADINGS[name], LABELS[name], ranking(own), NOTES]
    if len({line["model"] for line in lines}) > 1:
        parts += ["AUROC of each model, n in brackets:", across(lines)]
    return "\n\n".join(parts)


def ranking(lines: Lines) -> str:
    """One model's lines."""
    again = any(line["said_again"] for line in lines)
    head = ["method", "unit", "n", "AUROC", "agreed", "best baseline", "better by", "AP", *(["said again"] * again),
            "shuffled weights", "s"]  # fmt: skip
    return table(head, [_line(line, again) for line in lines])


def _line(line: dict[str, Any], again: bool) -> list[str]:
    name, unit, _ = line["question"].split(" | ")
    best = min(line["better"], key=lambda what: line["better"][what]["value"])
    insane = line["shuffled"] and line["shuffled"]["value"] >= settings.INSANE
    agreed = line["agreed"] if line["agreed"] and line["agreed"]["n"] < line["auroc"]["n"] else None
    return [
        f"{name}: *{line['mark']}*" if line["mark"] else name,
        unit,
        str(line["auroc"]["n"]),
        shown(line["auroc"], digits=3),
        shown(agreed, digits=3, n=True) if agreed else "the same",
        f"{best} {shown(line['beside'][best])}",
        shown(line["better"][best], digits=3, sign=True),
        shown(line["precision"]),
        *([shown(line["said_again"])] * again),
        shown(line["shuffled"], sign=True) + (": *fails*" if insane else ""),
        f"{line['seconds']:.2f}",
    ]


def across(lines: Lines) -> str:
    """The AUROC of all models side by side, with that of position on the same units."""
    known = {(line["question"], line["model"]): line for line in lines if line["auroc"]}
    asked = [question for question, model in known if model == BASE]
    models = [name for name in FAMILY if any(model == name for _, model in known)]
    rows = []
    for question in asked:
        if any((question, model) in known for model in models if model != BASE):
            name, unit, _ = question.split(" | ")
            rows.append([name, unit, *(_brief(known.get((question, model))) for model in models)])
    return table(["method, and position on the same units", "unit", *models], rows)


def _brief(line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    own, position = line["auroc"], line["beside"]["position"]
    return f"{number(own['value'])} / {number(position['value'])} ({own['n']})"


def forks(found: dict[str, Any]) -> str:
    """The table of forks: estimates held to the exact value."""
    text = (
        "Its importance follows from the model's own probabilities, and is 0 for all other sentences. Thoughts whose "
        f"way is settled in a known sentence with at least {settings.COVERED:.0%} probability; {settings.ROLLOUTS} "
        "rollouts per sentence."
    )
    head = ["method", "exact value", "n", "error", "bias", "error elsewhere", "interval covers", "covers 0 elsewhere",
            "ranks first"]  # fmt: skip
    rows = [
        [
            line["question"].split(" | ")[0],
            line["exact"],
            str(line["error"]["n"]),
            shown(line["error"], digits=3),
            shown(line["bias"], digits=3, sign=True),
            shown(line["elsewhere"], digits=3),
            *(share(line[name]) for name in ("covers", "covers_zero", "first")),
        ]
        for line in found["forks"]
    ]
    return f"{text}\n\n{table(head, rows)}"


def copies(found: dict[str, Any]) -> str:
    """What leaving one copy out misses."""
    rows = [[effect, str(figure["n"]), shown(figure, digits=3)] for effect, figure in found["copies"].items() if figure]
    text = (
        "## What leaving one out misses\n\n"
        "Where the final total is said more than once: the largest effect of hiding one copy, as a share of the effect "
        "of hiding all of them (occlusion)."
    )
    return f"{text}\n\n{table(['effect', 'n', 'share'], rows)}"


def called(found: dict[str, Any]) -> str:
    """Recall beside false alarms, by a method's own test or by a threshold."""
    rows = []
    for line in found["lines"]:
        calls = line["calls"]
        if calls and (calls["alarms"] or calls["dead"]):
            name, unit, label = line["question"].split(" | ")
            by = "its own test" if calls["own_test"] else "no test: threshold"
            alarms, dead = (_counted(calls[kind], calls["units"][i]) for i, kind in enumerate(("alarms", "dead")))
            rows.append([name, f"{label}, {unit}", line["model"], by, share(calls["recall"]), alarms, dead])
    text = (
        "## What is called important, rightly and wrongly\n\n"
        "Recall: share of the important units that are called important; false alarms: share of the unimportant units "
        'of the same thoughts; "nothing matters": share of all units of thoughts whose answer was decided in the '
        "prompt. Means over thoughts (n) of shares of units; where no unit is called in any of n thoughts the interval "
        "ends at 1 - .025^(1/n), the rule of three: a smaller rate can't be told from none. A method without a test "
        f"of its own never calls anything; for it a score counts that {settings.CAUGHT:.0%} of the important units of "
        f"every {_nth(settings.SPLIT)} thought of `abacus` reach, and those thoughts are left out here."
    )
    head = ["method", "label, unit", "model", "called by", "recall", "false alarms", "nothing matters"]
    return f"{text}\n\n{table(head, rows, left=4)}"


def _counted(figure: dict[str, Any] | None, units: int) -> str:
    return f"{share(figure)} of {units}, n = {figure['n']}" if figure else ""


def _nth(count: int) -> str:
    return {2: "second", 3: "third", 4: "fourth"}[count]


def _trials(counts: list[int] | None) -> str:
    return f"{100 * counts[0] / counts[1]:.1f}% of {counts[1]}" if counts and counts[1] else ""
