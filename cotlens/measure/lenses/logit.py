"""The logit lens: what each layer would say next if it were the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cotlens.measure.lenses import reading
from cotlens.measure.method import Cost, check_needs, check_setting
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
        unit: "token", or "sentence" to read the last token of every sentence alone: `text` is the sentence then, and
            the token is the one that follows it.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE
    edit_type: ClassVar[str] = "none"

    tokens: tuple[int, int] | None = None
    unit: str = "token"

    def __post_init__(self) -> None:
        check_setting("LogitLens", "unit", self.unit, reading.UNITS)

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
        return reading.next_tokens(self, trace, model, seed)
