"""What latents say and what they do, side by side, over many problems and beside a control without feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.answers.forms import form_of
from cotlens.measure.latent import steps
from cotlens.measure.latent.asking import Asked, answers, ask
from cotlens.measure.latent.cases import LatentCase
from cotlens.measure.latent.lens import tokens
from cotlens.measure.latent.steps import Groups
from cotlens.measure.method import RunRecord, check_needs, check_setting
from cotlens.measure.stats import wilson
from cotlens.models.contract import EFFECTS, Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

FEWEST = 2
NOTHING = "not measured: nothing is foretold for these latents"
COUNTED = ("decodable", "follows", "stays", "kept")


@dataclass(frozen=True, kw_only=True)
class DecodableAndUsed:
    """Settings of `decodable_and_used`, as its provenance has them."""

    needs: ClassVar[Capability] = Capability.LATENT | Capability.DECODE
    edit_type: ClassVar[str] = "activation-level: a donor's latent; the latent's mean"
    unit: ClassVar[str] = "latent"

    groups: Groups = 1
    effect: str = "total"
    max_new_tokens: int | None = None

    def __post_init__(self) -> None:
        check_setting("decodable_and_used", "effect", self.effect, EFFECTS)
        object.__setattr__(self, "groups", steps.as_groups("decodable_and_used", self.groups))


def decodable_and_used(
    model: Model,
    cases: Sequence[LatentCase],
    *,
    control_model: Model | None = None,
    groups: Groups = 1,
    effect: str = "total",
    max_new_tokens: int | None = None,
    seed: int = 0,
) -> Result:
    """Which latents can be read, and which are used for what they say?

    Every case is thought about; then, for each group of latents, its latents are exchanged for those of the next case
    (estimate and the column `follows`: share of cases in which the model then gives the foretold answer; `stays`: in
    which it goes on giving its own) and for the mean over the other cases (`kept`: share in which it still gives its
    own). `decodable` is the share of latents of which the lens says what they should. Each share has its 95 % interval
    (Wilson) in `..._low` and `..._high`, and its number of cases in `..._n`. With a control, the columns `control_...`
    are the same of a model without feedback: what can be decoded there isn't used by way of the latents.

    `start` and `end` count latents from 0. Only cases that the model gets right count for `stays` and `kept`; extras
    `right` and `control_right` say how many. A foretold answer that is the right one, or what the model says without an
    exchange, can't tell, and counts for nothing.

    Args:
        cases: problems of one number of latents, two or more.
        control_model: with the same latents and no feedback.
        groups: see `Interchange`.
        effect: see `Interchange`.
        max_new_tokens: as for `reason`: how many words follow the latents at most, 1 or more. By default as many as the
            model writes; those that stand in the thought count for the answer, all others don't.

    Raises:
        InputError: fewer than two cases, or of different numbers of latents.
        CapabilityError: a model can't think in latents.
        Cancelled: between two cases.
    """
    method = DecodableAndUsed(groups=groups, effect=effect, max_new_tokens=max_new_tokens)
    given = _checked(cases)
    record = RunRecord(method, _Set(fingerprint(*(one.prompt for one in given))), model, check.seed(seed))
    counts = _counted(model, given, method, seed)
    columns, extras = _columns(counts), dict[str, Any](right=counts.right, cases=len(given), cells="share")
    if control_model is not None:
        beside = _counted(control_model, given, method, seed)
        columns |= {f"control_{name}": column for name, column in _columns(beside).items()}
        extras |= {"control": control_model.name, "control_right": beside.right}
    estimate, n, rows = columns["follows"], columns["follows_n"], counts.rows
    return Result(
        "latents", "decodable_and_used", "share that follows the donor's latents", "latent",
        {
            "unit": ["latent"] * len(rows),
            "start": np.array([row[0] for row in rows], np.int32),
            "end": np.array([row[-1] + 1 for row in rows], np.int32),
            "text": [steps.name(row) for row in rows],
            "estimate": estimate, "low": columns["follows_low"], "high": columns["follows_high"], "n": n,
            "status": ["ok" if one else NOTHING for one in n],
            **columns,
        },
        "+ = used for what it says", "never followed", "probability", record.provenance(), extras,
    )  # fmt: skip


@dataclass(frozen=True)
class _Set:
    id: str


@dataclass
class _Counts:
    """Of each group, per quantity: [cases] of 0, 1 or NaN where it doesn't count."""

    rows: list[tuple[int, ...]]
    right: int
    seen: dict[str, NDArray[np.float64]]


def _counted(model: Model, cases: Sequence[LatentCase], method: DecodableAndUsed, seed: int) -> _Counts:
    check_needs(method, model)
    traces = _thoughts(model, cases, seed, method.max_new_tokens)
    rows = steps.members(traces[0], method.groups, "decodable_and_used can read and exchange")
    seen = {name: np.full((len(rows), len(cases)), np.nan) for name in COUNTED}
    latents = np.stack([one.latents for one in traces])
    right = 0
    for index, (case, trace) in enumerate(zip(cases, traces, strict=True)):
        control.current().report(index, len(cases), "interchanging")
        other = (index + 1) % len(cases)
        mean = np.stack([steps.mean_of(model)(step) for step in np.delete(latents, index, 0).swapaxes(0, 1)])
        right += _one(model, case, cases[other], trace, (latents[other], mean), rows, method, seen, index)
    control.current().report(len(cases), len(cases), "interchanging")
    return _Counts(rows, right, seen)


def _thoughts(model: Model, cases: Sequence[LatentCase], seed: int, most: int | None) -> list[Trace]:
    """What the model thinks about each case; those with as many latents are written together."""
    found: dict[int, Trace] = {}
    for count in sorted({len(one.says) for one in cases}):
        places = [place for place, one in enumerate(cases) if len(one.says) == count]
        prompts: list[Any] = [cases[place].prompt for place in places]
        written = model.reason(prompts, latents=count, seed=seed, max_new_tokens=most)
        found |= dict(zip(places, written, strict=True))
    return [found[place] for place in range(len(cases))]


def _one(
    model: Model,
    case: LatentCase,
    other: LatentCase,
    trace: Trace,
    fills: tuple[NDArray[np.float32], NDArray[np.float32]],
    rows: Sequence[tuple[int, ...]],
    method: DecodableAndUsed,
    seen: dict[str, NDArray[np.float64]],
    index: int,
) -> bool:
    """Enter one case; whether the model gets it right."""
    told = model.decode_latents(trace.latents, [], k=1).top_ids[:, 0] == tokens(model, case.says, len(case.says))
    foretold = [case.foretells(place, case, other) for place in range(len(rows))]
    asked = [Asked([case.answer, *(value or case.answer for value in foretold)])]
    for row, value in zip(rows, foretold, strict=True):
        donor, mean = fills
        asked.append(Asked([case.answer, value or case.answer], {i: donor[i] for i in row}, method.effect))
        asked.append(Asked([case.answer], {i: mean[i] for i in row}, method.effect))
    [[own, *before], *found] = ask(model, trace, asked, form_of(trace, model, None))
    right = answers(own)
    for place, (row, value) in enumerate(zip(rows, foretold, strict=True)):
        seen["decodable"][place, index] = told[list(row)].mean()
        (still, wanted), (kept,) = found[2 * place], found[2 * place + 1]
        if value is not None and value != case.answer and not answers(before[place]):
            seen["follows"][place, index] = answers(wanted)
            seen["stays"][place, index] = answers(still) if right else np.nan
        seen["kept"][place, index] = answers(kept) if right else np.nan
    return right


def _columns(counts: _Counts) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, seen in counts.seen.items():
        n = np.isfinite(seen).sum(1)
        total = np.nansum(seen, 1)
        interval = wilson(total, n)
        found[name] = np.where(n > 0, total / np.maximum(n, 1), np.nan)
        found |= {f"{name}_low": interval.low, f"{name}_high": interval.high, f"{name}_n": n.astype(np.int32)}
    return found


def _checked(cases: Sequence[LatentCase]) -> list[LatentCase]:
    given = list(cases)
    for one in given:
        if not isinstance(one, LatentCase):
            raise InputError(f"decodable_and_used takes LatentCases; {type(one).__name__} was given.")
    if len(given) < FEWEST:
        raise InputError(
            f"decodable_and_used needs two or more cases, each the next one's donor; {len(given)} were given."
        )
    counts = sorted({len(one.says) for one in given})
    if len(counts) > 1:
        raise InputError(
            f"These cases have {', '.join(map(str, counts))} latents; give cases of one number, a table for each."
        )
    return given
