"""Direct logit attribution: what each part of the model writes into the difference of two answers' logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cotlens._core.errors import CapabilityError
from cotlens.measure.answers.forms import Form, check_form
from cotlens.measure.method import RunRecord, check_needs
from cotlens.measure.patching.pair import pair_of
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

REST = "rest"
EPSILONS = (1e-6, 1e-5, 1e-8, 0.0)  # that norms add to the mean square; which one, the model's own logits say
_OFF = 1e-3  # share by which the norm found may miss the model's own


@dataclass(frozen=True, kw_only=True)
class DirectLogits:
    """What the embedding and every attention and MLP add to m = logit(source's answer) - logit(base's) of the base.

    A row per part, at the token that predicts the deciding one: estimate = its output, divided by the norm of the final
    stream and put through gain and output embedding. All rows add up to m (the extra `total`) to rounding; the row
    "rest" is what the stream holds beside these parts (what norms behind them change, biases), 0 in most models. This
    is what a part writes itself; what others make of it, patches show.

    Args:
        form: in which words the answer is given; see `EarlyAnswer`.
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE | Capability.SCORE
    edit_type: ClassVar[str] = "forced answer"
    unit: ClassVar[str] = "part"

    form: Form = None

    def __post_init__(self) -> None:
        check_form("DirectLogits", self.form)

    def run(
        self, base: Trace, source: Trace, model: Model, seed: int = 0, *, answers: tuple[str, str] | None = None
    ) -> Result:
        """One reading of the base.

        Raises:
            InputError: as of `PatchGrid.run`.
            CapabilityError: the model can't be read or decoded, or its end is more than a norm and an embedding.
        """
        check_needs(self, model)
        pair = pair_of(base, source, model, answers, self.form)
        record = RunRecord(self, pair, model, seed)
        last, layers = f"resid_post.{model.n_layers - 1}", range(model.n_layers)
        parts = ["embed", *(f"{kind}.{layer}" for layer in layers for kind in ("attn_out", "mlp_out"))]
        try:
            seen = model.read(pair.base.text, [*parts, last], positions=[len(pair.base.ids) - 1])
        except CapabilityError as error:
            raise CapabilityError(
                f"Direct logits add up the attention and the MLP of every layer, which {model.name!r} doesn't show: "
                "use PatchGrid, whose resid_post every model that can be read has."
            ) from error
        final = seen[last].astype(np.float64)
        own, other = pair.base.own, pair.base.other
        told = model.decode(final.astype(np.float32), [[other, own]])
        total = float(told.logprobs[0, 0]) - float(told.logprobs[0, 1])
        table = np.concatenate([seen[part].astype(np.float64) for part in parts])
        table = np.concatenate([table, final - table.sum(0)])
        norm = _norm(final[0], float(_apart(model, final, own, other)[0]), total)
        # Divided before they are unembedded: large logits are rounded by more than the sum may be off.
        values = _apart(model, table / norm, own, other)
        names = [*parts, REST]
        columns: dict[str, Any] = {
            "start": [len(pair.base.ids) - 1] * len(names), "end": [len(pair.base.ids)] * len(names), "text": names,
            "estimate": values, "low": values, "high": values, "n": [1] * len(names), "status": ["exact"] * len(names),
            "layer": [int(name.split(".")[1]) if "." in name else (-1 if name == "embed" else model.n_layers)
                      for name in names],
        }  # fmt: skip
        return Result(
            "direct", "DirectLogits", f"logit of {pair.source.answer!r} - logit of {pair.base.answer!r}", "part",
            columns, "+ = supports the source's answer", "tells neither", "logits", record.provenance(),
            {"total": total, "sum": float(values.sum())},
        )  # fmt: skip


def _apart(model: Model, vectors: NDArray[np.float64], own: int, other: int) -> NDArray[np.float64]:
    """By how much each vector raises the logit of `other` above that of `own`, the norm's division left out."""
    written = model.unembed(vectors.astype(np.float32)).astype(np.float64)
    found: NDArray[np.float64] = written[:, other] - written[:, own]
    return found


def _norm(final: NDArray[np.float64], raw: float, total: float) -> float:
    """What the final norm divides by: the root mean square of the stream, or its standard deviation.

    Raises:
        CapabilityError: neither gives the logits that the model gives.
    """
    spread = ((final**2).mean(), final.var())
    known = [float(np.sqrt(square + small)) for square in spread for small in EPSILONS]
    best = min(known, key=lambda norm: abs(raw / norm - total))
    if abs(raw / best - total) > _OFF * max(1.0, abs(total)):
        raise CapabilityError(
            "This model's logits are more than a norm and an output embedding of its stream (a cap or a bias), so that "
            "its parts don't add up to them: use PatchGrid."
        )
    return best
