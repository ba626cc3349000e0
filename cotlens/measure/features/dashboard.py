"""What is known of every latent of an autoencoder from a body of texts, in one file beside it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cotlens._core import control, files
from cotlens._core.errors import InputError
from cotlens._core.frozen import frozen_array
from cotlens.measure.features.activations import SINK
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.concepts import Describe, concepts_of
from cotlens.measure.features.labels import UNLABELLED, label_latents
from cotlens.measure.features.latents import Latents
from cotlens.measure.features.logits import top_logits
from cotlens.models.contract import Model
from cotlens.trace import Trace

if TYPE_CHECKING:
    import pandas

FORMAT = "cotlens-dashboard/1"
FILE = "dashboard.json"
BEFORE, AFTER = 12, 4  # tokens of a context around the one where the latent is most active
_NUMBERS = ("latents", "density", "maximum", "score")
_LISTS = ("label", "contexts", "raises", "lowers")


@dataclass(frozen=True, eq=False)
class Dashboard:
    """One row per latent that was active somewhere.

    Args:
        latents: int64 [rows], rising.
        density: float32 [rows], share of tokens at which it was active.
        maximum: float32 [rows], its largest activation.
        label: what it is called, "" where no concept fits; see `labels`.
        score: float32 [rows], F1 of the label on texts it was not chosen on; NaN where there is none.
        contexts: [before, token, after, activation] where it is most active, one per text at most, strongest first.
        raises, lowers: [token, logit added at activation 1] on the direct path, most extreme first.
        about: what it was measured on, as data.
    """

    latents: NDArray[np.int64]
    density: NDArray[np.float32]
    maximum: NDArray[np.float32]
    label: list[str]
    score: NDArray[np.float32]
    contexts: list[list[list[Any]]]
    raises: list[list[list[Any]]]
    lowers: list[list[list[Any]]]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            object.__setattr__(self, name, frozen_array(getattr(self, name), getattr(self, name).dtype))
        wrong = [name for name in (*_NUMBERS, *_LISTS) if len(getattr(self, name)) != len(self.latents)]
        if wrong:
            raise InputError(f"A dashboard of {len(self.latents)} latents has other lengths in {', '.join(wrong)}.")

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, latent: int) -> dict[str, Any]:
        """All that is known of one latent, by name; empty where it was never active."""
        row = int(np.searchsorted(self.latents, latent))
        if row == len(self) or self.latents[row] != latent:
            return {}
        return {name: getattr(self, name)[row] for name in (*_NUMBERS[1:], *_LISTS)}

    def frame(self) -> pandas.DataFrame:
        """The table as a pandas frame, latents as its index."""
        import pandas

        columns = {name: getattr(self, name) for name in (*_NUMBERS[1:], *_LISTS)}
        return pandas.DataFrame(columns, index=pandas.Index(self.latents, name="latent"))

    def save(self, folder: files.PathLike, limit: int | None = None) -> Path:
        """Write `dashboard.json`. Above `limit` bytes, contexts are left out, the weakest of each latent first.

        Raises:
            InputError: the folder can't be written, or the limit can't be met.
        """
        for kept in range(max((len(one) for one in self.contexts), default=0), -1, -1):
            payload = replace(self, contexts=[one[:kept] for one in self.contexts])._payload()
            if limit is None or len(json.dumps(payload)) + 128 <= limit:
                return files.write(Path(folder) / FILE, FORMAT, payload)
        raise InputError(f"The dashboard of {len(self)} latents doesn't fit {limit} bytes even without contexts.")

    def _payload(self) -> dict[str, Any]:
        numbers = {name: np.round(getattr(self, name).astype(float), 5).tolist() for name in _NUMBERS[1:]}
        numbers |= {"latents": self.latents.tolist()}
        lists = {name: getattr(self, name) for name in _LISTS}
        return dict(files.plain({**numbers, **lists, "about": self.about}, "dashboard"))

    @classmethod
    def load(cls, folder: files.PathLike) -> Dashboard | None:
        """The dashboard beside a SAE, or None where there is no such file.

        Raises:
            InputError: the file is damaged.
        """
        path = Path(folder) / FILE
        if not path.exists():
            return None
        found = files.revive(files.read(path, FORMAT, "dashboard"))
        try:
            numbers: dict[str, Any] = {name: np.array(found[name], np.float32) for name in _NUMBERS[1:]}
            lists: dict[str, Any] = {name: list(found[name]) for name in _LISTS}
            return cls(latents=np.array(found["latents"], np.int64), **numbers, **lists, about=found["about"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is a damaged dashboard ({error}); make it again.") from error

    @classmethod
    def of(cls, sae: SAE) -> Dashboard | None:
        """The dashboard beside a SAE; None, with a warning, where the one there was made of other weights.

        Raises:
            InputError: the file is damaged.
        """
        found = None if sae.folder is None else cls.load(sae.folder)
        made_of = "" if found is None else found.about.get("sae", "")
        if not made_of or made_of == _content(sae):
            return found
        warnings.warn(
            f"The dashboard in {sae.folder} was made of another autoencoder than the one that lies there, so it is not "
            "used; make it again with make_dashboard.",
            stacklevel=2,
        )
        return None


def make_dashboard(
    model: Model,
    sae: SAE,
    traces: Sequence[Trace],
    *,
    describe: Describe | None = None,
    contexts: int = 5,
    logits: int = 5,
) -> Dashboard:
    """Look at every latent of `sae` over `traces`, none of which should be among those it was trained on.

    Labels are chosen on every second trace and scored on the others. The first token of a trace is left out.

    Args:
        describe: adds concepts to those that labels are chosen from: trace -> {name: bool [tokens]}.
        contexts, logits: how many of each a latent gets.

    Raises:
        InputError: fewer than two traces, or the SAE doesn't fit the model.
        Cancelled: between two traces.
    """
    if len(traces) < 2:
        raise InputError("Labels are chosen on one half of the traces and scored on the other; give two or more.")
    latents = _encoded(model, sae, traces)
    lengths = np.array([len(trace.token_ids) for trace in traces])
    origin = np.repeat(np.arange(len(traces)), lengths)
    known = concepts_of(traces, describe)
    labels = label_latents(latents, known.flags, known.names, origin % 2 == 0)
    active, bounds, tokens, values = latents.transposed()
    direct = top_logits(model, sae, active, logits)
    rows = [slice(bounds[i], bounds[i + 1]) for i in range(len(active))]
    starts = np.append(0, lengths.cumsum())
    best = [_strongest(tokens[row], values[row], origin, contexts) for row in rows]
    mine = [labels.get(int(latent), UNLABELLED) for latent in active]
    return Dashboard(
        latents=active,
        density=(np.diff(bounds) / (len(origin) - SINK * len(traces))).astype(np.float32),
        maximum=np.array([values[row].max() for row in rows], np.float32),
        label=[label.text for label in mine],
        score=np.array([label.score for label in mine], np.float32),
        contexts=[[_context(traces[origin[t]], t - starts[origin[t]], a) for t, a in some] for some in best],
        raises=[[list(pair) for pair in one.raises] for one in direct],
        lowers=[[list(pair) for pair in one.lowers] for one in direct],
        about={
            "model": model.name,
            "revision": model.revision,
            "weights": getattr(model, "weights", ""),
            "sae": _content(sae),
            "traces": len(traces),
            "tokens": int(len(origin) - SINK * len(traces)),
            "concepts": len(known.names),
        },
    )


def _content(sae: SAE) -> str:
    """What identifies a SAE, by its weights in half precision, in which it may be saved afterwards."""
    import torch

    most = torch.finfo(torch.float16).max
    weights = {name: tensor.clamp(-most, most).half().float() for name, tensor in sae.weights.items()}
    return replace(sae, weights=weights).fingerprint


def _encoded(model: Model, sae: SAE, traces: Sequence[Trace]) -> Latents:
    """Latents of all tokens of all traces, none at the first of each."""
    current, parts = control.current(), []
    for done, trace in enumerate(traces):
        current.check()
        current.report(done, len(traces), "looking at latents")
        with control.using(current.silent()):
            found = sae.encode(model.read(trace, sae.config.site)[sae.config.site][SINK:])
        parts.append(replace(found, bounds=np.append([0] * SINK, found.bounds), shift=None, scale=None))
    current.report(len(traces), len(traces), "looking at latents")
    return Latents.join(parts, sae.config.d_sae)


def _strongest(
    tokens: NDArray[np.int64], values: NDArray[np.float32], origin: NDArray[np.int64], most: int
) -> list[tuple[int, float]]:
    """(token, activation) of the strongest token of each trace, strongest first, `most` at most."""
    order = np.argsort(-values, kind="stable")
    _, first = np.unique(origin[tokens[order]], return_index=True)
    chosen = order[np.sort(first)][:most]
    return [(int(tokens[i]), round(float(values[i]), 3)) for i in chosen]


def _context(trace: Trace, at: int, value: float) -> list[Any]:
    offsets = trace.offsets
    start, end = offsets[max(0, at - BEFORE)], offsets[min(len(trace.token_ids), at + 1 + AFTER)]
    text = trace.text
    return [text[start : offsets[at]], text[offsets[at] : offsets[at + 1]], text[offsets[at + 1] : end], value]
