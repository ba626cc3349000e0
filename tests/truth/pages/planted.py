"""The truth on pretrained weights, as a section of docs/truth.md and a short table of README."""

from __future__ import annotations

from typing import Any

from tests.truth import settings
from tests.truth.pages.markdown import number, share, shown, table


def section(found: dict[str, Any]) -> str:
    """All figures."""
    if not found["problems"]:
        return (
            "## A truth on pretrained weights\n\nNot measured yet: `python -m tests.truth.planted.rollouts`, then "
            "`python -m tests.truth.planted.measures`, and this page has a section of them."
        )
    truth = found["truth"]
    text = (
        "## A truth on pretrained weights\n\n"
        "SmolLM2-135M-Instruct is asked for a number of three digits that one of "
        f"{settings.PLANTED_SENTENCES} sentences of a thought says; the others say other numbers in the same words, "
        "and the needed one stands at every place equally often. Problems count whose own answer gives that number in "
        f"{settings.PLANTED_COPIED:.0%} of {settings.PLANTED_ROLLOUTS} rollouts or more: {found['copied']} of "
        f"{found['tried']} tried; {found['problems']} were measured. The truth is by {settings.PLANTED_ROLLOUTS} "
        "rollouts per sentence, in which the model writes that sentence anew and then its own answer (temperature .2, "
        "top-p .9); effect: share of right answers to the thought as it is, less that. "
        "Intervals are over problems; those of single sentences are Newcombe's."
    )
    effects = table(
        ("effect by rollouts", "", "mean", "interval above 0"),
        [
            ["needed sentence", "", shown(truth["needed"], sign=True), _of(truth["needed_above_0"])],
            ["other sentences", "", shown(truth["others"], sign=True), _of(truth["others_above_0"])],
            ["the largest of the others", "", shown(truth["largest_other"], sign=True), ""],
        ],
    )
    probabilities = "; ".join(f"{form}: {shown(figure)}" for form, figure in found["probability"].items() if figure)
    note = (
        "Every measure on the same thoughts, the answer forced in three formats. The probability of the right answer, "
        f"forced after the whole thought: {probabilities or 'not measured'}. Agreement: mean rank correlation of a "
        "measure's scores of the sentences of a thought between two formats."
    )
    return "\n\n".join([text, effects, note, _finding(found), "Between formats:", _agreement(found)])


def _finding(found: dict[str, Any]) -> str:
    rows = []
    for name, measure in found["measures"].items():
        for form, figures in measure["forms"].items():
            if figures["auroc"]:
                rows.append([name, form, *_figures(figures)])
    rows += [[name, "no model", *_figures(figures)] for name, figures in found["baselines"].items() if figures["auroc"]]
    return table(("measure of a sentence", "format", "n", "AUROC", "better than position by", "needed one first"), rows)


def _figures(figures: dict[str, Any]) -> list[str]:
    return [str(figures["auroc"]["n"]), shown(figures["auroc"]), shown(figures["better"], sign=True),
            share(figures["first"])]  # fmt: skip


def _agreement(found: dict[str, Any]) -> str:
    rows = [
        [name, pair, str(figures["spearman"]["n"]), shown(figures["spearman"]), shown(figures["kendall"])]
        for name, measure in found["measures"].items()
        for pair, figures in measure["agree"].items()
        if figures["spearman"]
    ]
    return table(("measure", "formats", "n", "Spearman", "Kendall"), rows)


def brief(found: dict[str, Any]) -> str:
    """A row per measure: AUROC of each format, and how well the formats agree."""
    forms = list(found["probability"])
    rows = []
    for name, measure in found["measures"].items():
        known = [figures["auroc"] for figures in measure["forms"].values() if figures["auroc"]]
        if known:
            each = [measure["forms"].get(form, {}).get("auroc") for form in forms]
            shared = [] if len(measure["forms"]) == len(forms) else known
            cells = [shown(one) for one in each] if not shared else [shown(shared[0]), "", ""]
            rows.append([name, str(min(one["n"] for one in known)), *cells, _least(measure["agree"])])
    rows += [[f"*{name}, no model*", str(one["auroc"]["n"]), shown(one["auroc"]), "", "", ""]
             for name, one in found["baselines"].items() if one["auroc"]]  # fmt: skip
    text = (
        f"And on SmolLM2-135M-Instruct, in {found['problems']} thoughts of {settings.PLANTED_SENTENCES} sentences of "
        f"which one alone holds the number that is asked for, by {settings.PLANTED_ROLLOUTS} rollouts of each: AUROC "
        "of that sentence with the answer forced in three formats, and the lowest rank correlation between two of them."
    )
    return f"{text}\n\n{table(('measure of a sentence', 'n', *forms, 'between formats'), rows, left=1)}"


def _least(agree: dict[str, Any]) -> str:
    known = [figures["spearman"] for figures in agree.values() if figures["spearman"]]
    return number(min(one["value"] for one in known)) if known else ""


def _of(counts: list[int]) -> str:
    return f"{counts[0]} of {counts[1]}"
