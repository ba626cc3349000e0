"""Where things happen in a pass: the modules of the traced model, in the order in which they run."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import nnsight

from cotlens.models.architecture.layout import EMBED, HEADS, Layout
from cotlens.models.local.placement import input_device, offloaded, staying
from cotlens.models.tracing.changes import Change
from cotlens.models.tracing.clamping import Clamp

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from cotlens.models.architecture.masks import Masks

# order in which the parts of a layer run
RANK = {"embed": 0, "mask": 1, "heads": 2, "attn_out": 3, "mlp_out": 4, "resid_post": 5}


class _Offloaded(nnsight.TransformersModel):
    """A model whose weights are "meta" between passes; nnsight would send what goes in to where they are."""

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return input_device(self._module)


def wrap(hf: Any, tokenizer: Any) -> Any:
    """The nnsight model around a loaded one, which stays where it is."""
    kind = _Offloaded if offloaded(hf) else nnsight.TransformersModel
    with warnings.catch_warnings(), staying(hf), _unasked():
        warnings.simplefilter("ignore", FutureWarning)
        return kind(hf, tokenizer=tokenizer)


@contextmanager
def _unasked() -> Iterator[None]:
    """No list of all that a pipeline of transformers takes, of which nnsight makes one for a class of our own, too."""
    said = logging.getLogger("transformers.pipelines.base")
    before, said.disabled = said.disabled, True
    try:
        yield
    finally:
        said.disabled = before


def without_weights(name: str, tokenizer: Any, revision: str | None = None) -> Any:
    """The nnsight model of a folder or Hugging Face id that runs elsewhere: its modules without their weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nnsight.TransformersModel(name, task="text-generation", tokenizer=tokenizer, revision=revision)


def steps(
    traced: Any, layout: Layout, masks: Masks | None, changes: Sequence[Change], sites: Sequence[str]
) -> list[tuple[Any, Tensor | None, list[Any], bool, str]]:
    """(module, its mask, its edits, whether of what goes in, site to return or "") in the order in which they run."""
    places: dict[tuple[int, int], list[Any]] = {}

    def place(layer: int, kind: str, path: str) -> list[Any]:
        layer = -1 if kind == EMBED else layer  # whether it was named as a site or as layer 0's input
        return places.setdefault((layer, RANK[kind]), [path, None, [], kind == HEADS, ""])

    for layer, mask in (masks.per_layer if masks is not None else {}).items():
        place(layer, "mask", layout.path("attn_out", layer))[1] = mask
    for change in changes:
        path = layout.embed if change.site == "embed" else layout.module(change.site, change.layer)
        clamp, values = (vars(change.values), None) if isinstance(change.values, Clamp) else (None, change.values)
        place(change.layer, change.site, path)[2].append((change.adds, change.rows, values, clamp))
    for site in sites:
        path, layer = layout.site(site)
        place(layer, site.split(".")[0], path)[4] = site
    return [(envoy(traced, path), *rest) for _, (path, *rest) in sorted(places.items(), key=lambda item: item[0])]


def envoy(traced: Any, path: str) -> Any:
    """The part of the traced model at a dotted path; the model itself at ""."""
    for part in path.split(".") if path else ():
        traced = traced[int(part)] if part.isdigit() else getattr(traced, part)
    return traced
