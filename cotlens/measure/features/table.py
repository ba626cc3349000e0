"""The latents of a trace: where each is active and how much, what it stands for, what the answer owes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotlens._core import check
from cotlens.measure.answers.forced import METRIC_WORDS, METRICS
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.dashboard import Dashboard
from cotlens.measure.features.effects import ForcedTarget, exact, first_order, forced_target
from cotlens.measure.features.encoded import POOR, Encoded, encode_text
from cotlens.measure.features.logits import top_logits
from cotlens.measure.features.rows import Rows, active_rows, activity, selected
from cotlens.measure.method import RunRecord, check_needs, check_setting, keeping, made_with
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Span, Trace
from cotlens.trace.notes import with_text

_TOP_TOKENS = 5
AGREE = 0.5
"""Pearson's r of estimated and exact effects, below which the table's note says that the estimates are rough."""
NOT_ASKED = "not asked"
NOT_MEASURED = "not measured: cancelled before it was reached"


@dataclass(frozen=True)
class Features:
    """The settings of one table, as its provenance keeps them; see `features`."""

    sae: str
    site: str
    selection: tuple[int, int] | None
    effect_of: tuple[int, ...]
    estimate: bool
    target: str | None
    metric: str
    sae_fingerprint: str = ""

    @property
    def needs(self) -> Capability:
        """What the model must be able to do."""
        effects = Capability.SCORE | Capability.WRITE if self.effect_of else Capability(0)
        return Capability.READ | effects | (Capability.GRADIENT if self.estimate else Capability(0))


def features(
    trace: Trace,
    model: Model,
    sae: SAE,
    *,
    selection: Span | tuple[int, int] | None = None,
    effect_of: Sequence[int] = (),
    estimate: bool = False,
    target: str | None = None,
    metric: str = "logit_difference",
    logits: int = 64,
    dashboard: Dashboard | None = None,
) -> Result:
    """Which latents of `sae` are active in `trace`, one row per latent, the strongest on the selection first.

    `estimate` is the largest activation on the selection; 0 there means that the latent is active elsewhere only.
    `start`, `end`, `text` are the token where it is largest, on the selection if it is active there. Other columns:

    - latent, label, label_score (F1 on held-out texts), corpus_density: what the SAE's files say; NaN or "" if nothing.
    - maximum, mean (zeros counted), density (share of tokens), n (active tokens): over the trace.
    - effect, effect_estimate: what the answer owes to it (see `effects`), NaN with the reason as effect_status.
    - poor: whether the SAE misses more than half of the variance at that token, so that it doesn't tell its story.

    extras: bounds, tokens, values: all activations, the entries of row i at `bounds[i]:bounds[i + 1]`; error: float32
    per token, the share of variance missed; explained_variance over the trace; top_tokens, raises, lowers per row;
    effect_agreement: Pearson's r of effect and estimate over latents that have both; note: what makes the table
    doubtful. The first token is left out: attention sinks there are unlike all others.

    Args:
        selection: a span, or (start, end) in tokens; the whole trace by default.
        effect_of: latents whose exact effect on the answer is measured by ablation, one pass each.
        estimate: whether the effect of all active latents is estimated to first order; one pass forward and back.
        target, metric: the answer and the metric of effects, as in `importance.Occlusion`.
        logits: for how many leading rows top and bottom logits are computed where the dashboard has none.
        dashboard: labels and densities; by default the file beside the SAE.

    Raises:
        InputError: a SAE of another width or layer than the model, an empty selection, no such latent, or an effect is
            asked for and the trace has no thought or answer.
        CapabilityError: the model's backend can't do what is asked.
        Cancelled: while effects are measured, with the table so far as `partial`.
    """
    check_setting("features", "metric", metric, tuple(METRICS))
    chosen, logits = selected(trace, selection), check.whole("logits", logits, 0)
    settings = Features(
        sae=str(sae.folder.name if sae.folder is not None else sae.config.metadata.get("release", "")),
        sae_fingerprint=sae.fingerprint,
        site=sae.config.site,
        selection=chosen if selection is not None else None,
        effect_of=tuple(check.indices("effect_of", effect_of).tolist()),
        estimate=estimate,
        target=target,
        metric=metric,
    )
    check_needs(settings, model)
    asked = forced_target(model, trace, target, metric) if estimate or settings.effect_of else None
    record = RunRecord(settings, trace, model, 0)
    encoded = encode_text(model, sae, trace)
    rows = active_rows(encoded, chosen, settings.effect_of)
    known = dashboard if dashboard is not None else Dashboard.of(sae)
    words, said = _words(model, sae, rows, known, logits), note(model, sae, encoded)
    guessed = first_order(model, sae, trace, asked) if estimate and asked is not None else {}
    measured: dict[int, tuple[float, float]] = {}

    def result() -> Result:
        columns = {**activity(trace, sae, encoded, rows, chosen, known), **_effects(rows, settings, guessed, measured)}
        extras = _extras(trace, encoded, rows, sae, settings.sae_fingerprint, said)
        extras |= {**words, **_answer(trace, asked, measured, guessed)}
        if extras.get("effect_agreement", 1.0) < AGREE:
            rough = f"The estimates of effects follow the exact ones only at r = {extras['effect_agreement']:.2f}."
            extras["note"] = f"{extras['note']} {rough}".strip()
        return Result(
            kind="features",
            method="Features",
            metric="activation",
            unit="latent",
            columns=columns,
            sign="+ = the latent is active",
            zero="not active on the selection",
            scale_unit="activation",
            provenance=record.provenance(),
            extras=extras,
        )

    if asked is not None and settings.effect_of:
        with keeping(result):
            pairs = exact(model, sae, trace, asked, settings.effect_of)
            for latent, pair in zip(settings.effect_of, pairs, strict=True):
                measured[latent] = pair
    return result()


def _effects(
    rows: Rows, settings: Features, guessed: Mapping[int, float], measured: Mapping[int, tuple[float, float]]
) -> dict[str, Any]:
    wanted, status = set(settings.effect_of), []
    for latent in rows.latents.tolist():
        status.append("exact" if latent in measured else NOT_MEASURED if latent in wanted else NOT_ASKED)
    nothing = (np.nan, np.nan)
    pairs = np.array([measured.get(latent, nothing) for latent in rows.latents.tolist()], np.float64).reshape(-1, 2)
    # To first order, a latent that is active nowhere has no effect; where nothing was estimated, none is known.
    idle = 0.0 if settings.estimate else np.nan
    return {
        "effect": pairs[:, 0] - pairs[:, 1],
        "effect_status": np.array(status, dtype=object),
        "effect_estimate": np.array([guessed.get(latent, idle) for latent in rows.latents.tolist()], np.float64),
    }


def _words(model: Model, sae: SAE, rows: Rows, known: Dashboard | None, logits: int) -> dict[str, Any]:
    """Top and bottom logits per row: the dashboard's, else computed for the leading rows; None for the others."""
    about = [known[int(latent)] if known is not None else {} for latent in rows.latents]
    missing = [row for row, one in enumerate(about[:logits]) if not one]
    direct = top_logits(model, sae, rows.latents[missing]) if missing else []
    for row, one in zip(missing, direct, strict=True):
        about[row] = {"raises": [list(pair) for pair in one.raises], "lowers": [list(pair) for pair in one.lowers]}
    return {name: [one.get(name) for one in about] for name in ("raises", "lowers")}


def _answer(
    trace: Trace, asked: ForcedTarget | None, measured: Mapping[int, tuple[float, float]], guessed: Mapping[int, float]
) -> dict[str, Any]:
    """What effects are effects on, and how far estimate and exact effect agree where both are known."""
    if asked is None:
        return {}
    both = np.array([(before - after, guessed.get(latent, 0.0)) for latent, (before, after) in measured.items()])
    varied = bool(guessed) and len(both) > 2 and bool((np.ptp(both, axis=0) > 0).all())
    return {
        "effect_words": with_text(METRIC_WORDS[asked.metric].format(answer=asked.target), trace.awaits_rerun),
        "effect_sign": f"+ = supports the answer {asked.target!r}",
        "effect_unit": METRICS[asked.metric],
        "effect_baseline": next((before for before, _ in measured.values()), float("nan")),
        "effect_agreement": float(np.corrcoef(both.T)[0, 1]) if varied else float("nan"),
    }


def _extras(trace: Trace, encoded: Encoded, rows: Rows, sae: SAE, fingerprint: str, said: str) -> dict[str, Any]:
    names = trace.tokens
    top = [[names[t] for t in tokens[np.argsort(-values, kind="stable")[:_TOP_TOKENS]]] for tokens, values in rows]
    return {
        "bounds": rows.bounds,
        "tokens": rows.tokens,
        "values": rows.values,
        "top_tokens": top,
        "error": encoded.error,
        "explained_variance": encoded.explained_variance,
        "sae": {
            "architecture": sae.config.architecture,
            "latents": sae.config.d_sae,
            "site": sae.config.site,
            "fingerprint": fingerprint,
        },
        "note": said,
    }


def note(model: Model, sae: SAE, encoded: Encoded) -> str:
    """What makes the table doubtful, "" if nothing does."""
    theirs, ours, notes = sae.config.model_name, model.name, []
    version, weights = (str(sae.config.metadata.get(f"model_{name}") or "") for name in ("revision", "weights"))
    if theirs and theirs.rsplit("/", 1)[-1].lower() != ours.rsplit("/", 1)[-1].lower():
        notes.append(f"The SAE was trained on {theirs!r} and this is {ours!r}.")
    elif apart := made_with(version, weights, model):
        notes.append(f"The SAE was trained on {theirs or 'a model'!r} {apart}.")
    if not encoded.explained_variance > 1 - POOR:
        notes.append(
            f"The SAE explains {encoded.explained_variance:.0%} of the variance here: it may belong to another model, "
            "hook point or normalisation, and its latents don't tell the story of this trace."
        )
    return " ".join(notes)
