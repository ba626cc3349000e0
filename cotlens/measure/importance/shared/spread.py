"""One measure in several forms of the answer: how far its result depends on the words in which the answer is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import InputError
from cotlens.measure.answers.forms import described, form_of
from cotlens.measure.stats import spearman
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.answers import AnswerForm

AGREE, APART = 0.8, 0.2
"""Forms agree where effects have at least this rank correlation, and probabilities are at most so far apart."""

SPREAD = "ok: low and high are over the forms"


def as_forms(method: str, forms: Any) -> tuple[str | AnswerForm, ...]:
    """At least two different forms; raises InputError."""
    found = () if isinstance(forms, str | AnswerForm) else tuple(forms)
    if len(found) < 2 or len(set(found)) != len(found) or not all(isinstance(one, str | AnswerForm) for one in found):
        raise InputError(
            f"{method} was given forms={forms!r}: give at least two different ones, by name or as AnswerForms."
        )
    return found


def over_forms(method: Any, forms: Sequence[str | AnswerForm], trace: Trace, model: Model, seed: int = 0) -> Result:
    """A measure of a forced answer in several forms, as one result.

    Its rows are those of the first form, with the least and the most of all forms as `low` and `high`. Extras: `forms`,
    their names and words; `form_estimates` [forms, rows]; `form_correlation` [forms, forms], Spearman's rho of the
    effects; `forms_agree`, and `forms_status` in words: they don't where a rho is below 0.8, or where probabilities of
    the answer are more than 0.2 apart in some row; those rows say so in their status.

    Args:
        method: a measure with a setting `form`, such as EarlyAnswer, Occlusion or Gradient.

    Raises:
        InputError: fewer than two forms, or one that there isn't; and what the method raises.
    """
    chosen = as_forms(type(method).__name__, forms)
    words = [form_of(trace, model, form) for form in chosen]
    results = [replace(method, form=form).run(trace, model, seed) for form in words]
    estimates = np.array([one.columns["estimate"] for one in results], dtype=np.float64)
    rho = np.array([[spearman(a, b) for b in estimates] for a in estimates])
    apart = _apart(results)
    first = results[0]
    measured = np.asarray(np.isfinite(estimates).all(axis=0))
    status = [_status(one, ok, far) for one, ok, far in zip(first.columns["status"], measured, apart, strict=True)]
    columns = {
        **first.columns,
        "low": np.where(measured, estimates.min(axis=0), np.nan),
        "high": np.where(measured, estimates.max(axis=0), np.nan),
        "status": status,
    }
    return replace(first, columns=columns, extras={**first.extras, **_said(words, estimates, rho, apart)})


def _apart(results: Sequence[Result]) -> NDArray[np.float64]:
    """Per row, how far the probabilities of the answer are apart; NaN where the measure has none."""
    rows = len(results[0].columns["estimate"])
    if results[0].metric == "probability":
        found = np.array([one.columns["estimate"] for one in results], dtype=np.float64)
    elif "probability" in results[0].columns:
        found = np.array([one.columns["probability"] for one in results], dtype=np.float64)
    else:
        return np.full(rows, np.nan)
    return np.ptp(found, axis=0)


def _status(before: str, measured: bool, apart: float) -> str:
    if not measured:
        return str(before) if str(before).startswith("not measured") else "not measured: one of the forms was not"
    return f"the forms disagree: p differs by {apart:.2f} between them" if apart > APART else "ok"


def _said(
    words: Sequence[AnswerForm], estimates: NDArray[np.float64], rho: NDArray[np.float64], apart: NDArray[np.float64]
) -> dict[str, Any]:
    least = float(np.nanmin(rho)) if np.isfinite(rho).any() else float("nan")
    most = float(np.nanmax(apart)) if np.isfinite(apart).any() else float("nan")
    agree = not (least < AGREE or most > APART)
    status = f"the forms {'agree' if agree else 'disagree'}: rank correlation of the effects at least {least:.2f}"
    if np.isfinite(most):
        status += f", p at most {most:.2f} apart"
    return {
        "forms": [described(form) for form in words],
        "form_estimates": estimates,
        "form_correlation": rho,
        "forms_agree": agree,
        "forms_status": status,
    }
