"""The logit lens: what each layer would say next if it were the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check
from cotlens._core.errors import InputError
from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, RunRecord, check_needs
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace


@dataclass(frozen=True, kw_only=True)
class LogitLens:
    """After every layer: how probable is the next token already, and which one leads?

    A row per layer and token of the thought (or of `tokens`): estimate = log p(the token) when the residual stream at
    the token before it goes straight through the model's end, the final norm with its own statistics of that vector.
    Layer 0 is the token embedding, layer L the model's own prediction. Columns: `layer`; `rank` of the token, 0 for the
    best; `leading`, the token that leads, and `leading_logprob`; `entropy`, nats; `control`, log p at the same place of
    a token that follows another place, drawn with the seed; `floor`, the 97.5 % quantile of the controls of the layer:
    below it nothing about this place is read. Where the embedding says back its own token, as tied weights make it,
    its rows have the status "artefact: ...".

    Args:
        tokens: (start, end) of the tokens to predict; the thought by default.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE
    edit_type: ClassVar[str] = "none"
    unit: ClassVar[str] = "token"

    tokens: tuple[int, int] | None = None

    def cost(self, trace: Trace) -> Cost:
        """One pass over the trace where its activations fit into 256 MB, else some more."""
        return Cost(8 * len(trace.token_ids), 8)

    def run(self, trace: Trace, model: Model, seed: int = 0) -> Result:
        """Read every layer.

        Raises:
            InputError: the trace has no thought and no `tokens` were given, or these aren't two or more of its tokens.
            CapabilityError: the model's activations can't be read or decoded.
        """
        check_needs(self, model)
        record, ids = RunRecord(self, trace, model, seed), trace.token_ids
        start, end = self._extent(trace)
        at = np.arange(start, end)
        moved = np.random.default_rng(check.seed(seed)).integers(1, len(at))
        targets = np.array([ids[start:end], np.roll(ids[start:end], moved)]).T
        parts: list[dict[str, Any]] = []
        for layer, vectors in reading.streams(model, trace, (at - 1).tolist()):
            told = model.decode(vectors, targets, k=1)
            status = reading.echo(told.top_ids[:, 0], ids[start - 1 : end - 1]) if not layer else "exact"
            parts.append(
                {
                    "start": at,
                    "end": at + 1,
                    "text": [trace.tokens[i] for i in at],
                    "estimate": told.logprobs[:, 0].astype(np.float64),
                    "status": [status] * len(at),
                    "layer": np.full(len(at), layer),
                    "rank": told.ranks[:, 0],
                    "leading": reading.words(model, told.top_ids[:, 0].tolist()),
                    "leading_logprob": told.top_logprobs[:, 0],
                    "entropy": told.entropy,
                    "control": told.logprobs[:, 1],
                    "floor": np.full(len(at), np.quantile(told.logprobs[:, 1], 0.975)),
                }
            )
        rows = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
        estimates = rows.pop("estimate")
        sign, zero = "the nearer to 0, the surer the layer is of the token that follows", "certain of it"
        extras = {"layers": model.n_layers + 1, "control": f"tokens that follow {int(moved)} places before"}
        metric = "log-probability of the next token"
        return reading.table(self, rows, estimates, record.provenance(), metric, sign, zero, extras)

    def _extent(self, trace: Trace) -> tuple[int, int]:
        if self.tokens is None:
            if "thought" not in trace.roles:
                raise InputError("This trace has no thought to look into; give tokens=(start, end).")
            start, end = trace.roles["thought"].start, trace.roles["thought"].end
        else:
            (start, end), *_ = check.pairs("tokens", [self.tokens])
        start = max(1, start)
        if not start + 2 <= end <= len(trace.token_ids):
            raise InputError(
                f"A logit lens needs two or more tokens of the trace behind another; tokens {start} to {end} "
                f"of {len(trace.token_ids)} were asked for."
            )
        return start, end
