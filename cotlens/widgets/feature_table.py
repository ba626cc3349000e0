"""The view of the latents of a trace: what it shows, as traits, and what a person does in it, as messages."""

from __future__ import annotations

import numpy as np
import traitlets as t

from cotlens.widgets.protocol.feature_table import EffectInfo, Facts, Head, Tokens, Words
from cotlens.widgets.protocol.shared import BranchInfo, Comparison, Job, Piece, TraceDocument
from cotlens.widgets.shared.bundles import View


class FeatureTableView(View):
    """Draws the active latents of a trace; knows no model and no autoencoder.

    All activations cross once, latent by latent (row i has the entries `bounds[i]:bounds[i + 1]` of `tokens` and
    `values`), so that selecting text, sorting and filtering ask Python nothing. Positions are UTF-16 code units of
    `document["text"]` or tokens, bytes are little-endian; an empty dict means absent.

    Messages arrive through `on_msg` as `{"request_id", "kind", ...}`, each wants a last `reply`:
    `cotlens.widgets.protocol.feature_table` declares them, and the shape of each dict.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "feature_table"

    head = t.Dict().tag(sync=True, shape=Head)
    document = t.Dict().tag(sync=True, shape=TraceDocument)
    token_offsets = t.Bytes().tag(sync=True)
    error = t.Bytes().tag(sync=True)
    facts = t.Dict().tag(sync=True, shape=Facts)
    latents = t.Bytes().tag(sync=True)
    bounds = t.Bytes().tag(sync=True)
    tokens = t.Bytes().tag(sync=True)
    values = t.Bytes().tag(sync=True)
    labels = t.List().tag(sync=True, shape=str)
    origins = t.Bytes().tag(sync=True)
    scores = t.Bytes().tag(sync=True)
    corpus = t.Bytes().tag(sync=True)
    words = t.Dict().tag(sync=True, shape=dict[str, Words])
    effect = t.Dict().tag(sync=True, shape=EffectInfo)
    estimate = t.Bytes().tag(sync=True)
    exact = t.Bytes().tag(sync=True)
    selection = t.Dict().tag(sync=True, shape=Tokens)
    branches = t.List().tag(sync=True, shape=BranchInfo)
    comparison = t.Dict(default_value=None, allow_none=True).tag(sync=True, shape=Comparison)
    stream = t.Dict().tag(sync=True, shape=Piece)
    job = t.Dict().tag(sync=True, shape=Job)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        whose = f"{self.head.get('sae', 'no SAE')} of {self.head.get('model', 'none')}"
        if not self.error:  # as where the line is written together with the widget, before anything was read
            return f"<CoTLens feature table: the latents of {whose}; it fills where a kernel runs>"
        return f"<CoTLens feature table: {len(self.latents) // 4:,} active latents of {whose}{self._strongest()}>"

    def _strongest(self) -> str:
        """The latent that the answer owes most to, exact effects before estimates."""
        for name, column in (("measured", self.exact), ("estimated", self.estimate)):
            effects = np.frombuffer(column, "<f4")
            if np.isfinite(effects).any():
                row = int(np.nanargmax(np.abs(effects)))
                latent = int(np.frombuffer(self.latents, "<u4")[row])
                label = f" ({self.labels[row]})" if self.labels[row] else ""
                return f"; largest {name} effect on the answer: {effects[row]:+.3g} of latent {latent}{label}"
        return f"; {self.effect.get('why') or 'effects are not known'}"
