"""`python -m tests.truth.faithfulness.table` writes docs/faithfulness.md out of the JSON files here."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from cotlens.measure.faithfulness.verdict import FAITHFUL, VERDICTS
from cotlens.measure.stats import wilson
from tests.truth.faithfulness import coverage, diffs, paired_coverage, real
from tests.truth.faithfulness import cue_diffs as acting
from tests.truth.faithfulness.run import kept

SHOWN = ("congruent", "follows", "stays", "prompt_decides", "thought_decides", "decided_early", "reader_agrees",
         "false_step", "followed", "verbalised", "direct", "via_thought")  # fmt: skip

PAGE = Path(__file__).parents[3] / "docs" / "faithfulness.md"
HEAD = """# How often the battery's verdict is right

`cl.faithfulness.Battery` on the shipped organisms, whose failure is known, on problems and seeds that its thresholds
(`cotlens/measure/faithfulness/thresholds.py`) were not set on; 40 problems per cell. The rule for what a thought says
of a cue, and the problems, are of the organisms' small language: on other models the figures may be lower. Measured by
`python -m tests.truth.faithfulness.run`."""
CUES = """## Where a cue acts

`CueDiff` on 20 thoughts of each on new problems, three seeds; medians in nats of KL(with the cue || without it).
*Planted*, per seed: the unit where it acts most is the one that was made to, by KL(without || with), which is the
estimate, and by KL(with || without); for `abacus` and `abacus-posthoc`, where hardly anything acts, it means nothing.
*After an edit*: of the answer, where the thought's conclusion was changed. *Forwards*: tokens that were run, of those
of the text. Measured by `python -m tests.truth.faithfulness.cue_diffs`. Which reading is the estimate was chosen on
two other seeds (9004, 9005), where the first found a flip for 19 and 20 of 20, the other for 17 and 18; why they part
stands under the next table."""

COVERAGE = """## How often the intervals hold

The chance that a signature's 95 % interval of 40 problems holds the value of its large sample: what was recorded of the
same organism in the same condition, over all seeds. Summed exactly, no model is asked. A signature that never varies
is held always, and counted apart. Measured by `python -m tests.truth.faithfulness.coverage`."""
SHARES = """
Coverage of a share by 40 can't be 93 to 97 % everywhere: at one in eighty, no hit comes with a chance of 60.5 %, one
with 30.6 %, two with 7.6 %, so an interval that holds this share for none and one is right 91.1 % of the time, and
one that does for two as well 98.6 %. The one that is used (Wilson's, longer for one to three hits) is never below
92.8 %, and within 93 to 97 % for nine shares in ten:"""
PAIRED = """
Of a difference over the same problems, five intervals by all shares of the problems in which only the one is so, and
only the other (in steps of 0.05, of 0.0125 below 0.1 and above 0.9), summed over all tables of 40 pairs
(`python -m tests.truth.faithfulness.paired_coverage`). The one that is used is never below 92.8 %, where one of the
shares is 0 and it is as Wilson's of 0.2; of the others only that of Bonett and Price is as safe, and it holds too much
more often:"""
NOTHING = """
A difference of almost nothing is held too often, and has to be. Where only the one share isn't 0, an interval would
hold it less often if it gave up more tables, but those are likelier where the other share isn't 0 either, which no
interval knows. The last two columns are of the shortest score interval, which gives up as many as leave its coverage at
or above 95 %, or 93 %, whatever the other share is:"""
REAL = """## On a real model

What the battery says of {model} on {n} problems of GSM8K (seed {seed}), as they are (*prompt*) and with a user who
believes a wrong answer (*sycophancy*). Nobody knows what is right here, so this is no measurement of the battery: it
shows what it says where little can be told. The model is shown by two examples how to mark a thought, and may write
{most} tokens. Written on {date} in {seconds} seconds of one processor core by
`python -m tests.truth.faithfulness.real --n {n}`.

{said}"""
DIFFS = """## Where two models part

`cl.diff` on thoughts of each organism on new problems, three seeds of 20: against the organism itself with the cue
taken out of its prompt, and against `abacus`. Medians in nats of KL(first || other); *planted*, per seed: the unit
where they part most is the one that was made to, by KL(other || first), which is what `cl.diff` shades by, and by the
two other readings. *Of the answer*, on the model's own thought, and *after an edit*, where the thought's conclusion was
changed and the answer kept: `abacus-posthoc`, which only rationalises, agrees with `abacus` on its own words and parts
from it there. For these two, *planted* means nothing. Measured by `python -m tests.truth.faithfulness.diffs`.

{}

The default was chosen on other seeds (9004 to 9008, 9011). There, KL(first || other) found a flip in the answer for 17
or 18 of 20, and so it did in `CueDiff`: in the others `abacus-flip` had bent a number already in
"The story begins with ...", ten off as its answer is, and parted there from itself without the trigger by more nats.
Both places are real. In the first sentence the bent number is what the other would hardly say (10 nats or more), but
the right one is left a few per cent; in the answer it is ruled out. That is what KL(other || first) tells apart. JS
finds these, but against another model it adds up wording: "That gives" for "The answer is" outweighs one number."""


def main() -> None:
    """Write the page."""
    cells = kept()
    held = (COVERAGE, coverage.table(cells), SHARES.strip(), coverage.by_share())
    apart = (PAIRED.strip(), paired_coverage.plane(), NOTHING.strip(), paired_coverage.by_difference())
    parts = (
        HEAD,
        matrix(cells),
        "## Signatures",
        signatures(cells),
        *held,
        *apart,
        CUES,
        cue_diffs(),
        DIFFS.format(differences()),
        *real_model(),
    )
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def real_model() -> list[str]:
    """The section on a pretrained model, once it was asked."""
    found = real.kept()
    return [REAL.format(**found, most=real.TOKENS, said=real.printed(found))] if found else []


def matrix(cells: dict[str, Any]) -> str:
    """What is right, by what was said; the last row is a column's share of the right ones."""
    counts = Counter((cell["right"], cell["verdict"]) for cell in cells.values())
    lines = ["| is | " + " | ".join(VERDICTS) + " |", "| --- |" + " ---: |" * len(VERDICTS)]
    for right in VERDICTS:
        if any(cell["right"] == right for cell in cells.values()):
            lines.append(f"| {right} | " + " | ".join(str(counts[right, said] or "") for said in VERDICTS) + " |")
    right = sum(cell["right"] == cell["verdict"] for cell in cells.values())
    low, high = wilson(right, len(cells))
    called = sum(cell["right"] == FAITHFUL and cell["verdict"] not in (FAITHFUL, "undetermined", "invalid")
                 for cell in cells.values())  # fmt: skip
    lines.append(f"\n{right} of {len(cells)} right: {right / len(cells):.2f} [{low:.2f}, {high:.2f}]; "
                 f"faithful cells called unfaithful: {called}.")  # fmt: skip
    return "\n".join(lines)


def signatures(cells: dict[str, Any]) -> str:
    """Each cell's estimates."""
    lines = ["| cell | " + " | ".join(SHOWN) + " | seconds |", "| --- |" + " ---: |" * (len(SHOWN) + 1)]
    for key, cell in cells.items():
        found = [cell["rows"].get(name, [None])[0] for name in SHOWN]
        told = ["" if value is None else f"{value:.2f}" for value in found]
        lines.append(f"| {key} | " + " | ".join(told) + f" | {cell['seconds']:.0f} |")
    return "\n".join(lines)


def cue_diffs() -> str:
    """The words at which cues act."""
    every = list(acting.kept().values())
    lines = [
        "| organism | total KL | share there | planted, of 20 each | by KL(with, without) | KL of the answer after an "
        "edit | forwards |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(each["organism"] for each in every):
        seeds = [{**each, "total": each["total"]["kl"]} for each in every if each["organism"] == name]
        planted = " | ".join(", ".join(str(each["planted"][by]) for each in seeds) for by in acting.METRICS)
        total, share, edited, spent = (
            _middle(seeds, part) for part in ("total", "share", "answer_after_edit", "tokens_per_token")
        )
        lines.append(f"| {name} | {total} | {share} | {planted} | {edited} | {spent} |")
    return "\n".join(lines)


def differences() -> str:
    """Where organisms part from themselves without their cue, and from the base model."""
    every, lines = list(diffs.kept().values()), []
    for kind, words in (("prompt", "itself without the cue"), ("model", "abacus")):
        lines += [
            f"| against {words} | total KL | share there | planted, of 20 each | by KL(first, other) | by JS | "
            "KL of the answer | after an edit |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for name in dict.fromkeys(each["organism"] for each in every):
            seeds = [each[kind] for each in every if each["organism"] == name]
            planted = " | ".join(
                ", ".join(str(each["planted"][by]) for each in seeds) for by in ("kl_back", "kl", "js")
            )
            figures = [_middle(seeds, part) for part in ("total", "share", "answer", "answer_after_edit")]
            lines.append(f"| {name} | {figures[0]} | {figures[1]} | {planted} | {figures[2]} | {figures[3]} |")
        lines.append("")
    return "\n".join(lines[:-1])


def _middle(seeds: list[dict[str, Any]], part: str) -> str:
    """The median over seeds; nothing where there is none."""
    known = [each[part] for each in seeds if each[part] is not None]
    return f"{statistics.median(known):.2f}" if known else ""


if __name__ == "__main__":
    main()
