"""A pass that begins at a later layer, from the stream that stands before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from cotlens.models.architecture.layout import Layout


class _Skipped(nn.Module):
    """Stands in for a layer that isn't run: what goes in comes out, or the stream that is known to stand there.

    All else that a decoder asks of its layers, such as their kind of attention, the layer itself tells.
    """

    def __init__(self, layer: nn.Module, stream: Tensor | None) -> None:
        super().__init__()
        self.__dict__.update(skipped=layer, stream=stream)  # not as a part: its weights are elsewhere already

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["skipped"], name)

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        stream: Tensor | None = self.__dict__["stream"]
        return hidden_states if stream is None else stream


@contextmanager
def starting(hf: nn.Module, layout: Layout, before: tuple[int, Tensor] | None) -> Iterator[None]:
    """Within, a pass runs the layers from a later one on; embedding, positions and masks are made as ever.

    Args:
        before: number of the first layer that is run, at least 1, and the stream before it; None for all layers.
    """
    if before is None:
        yield
        return
    first, stream = before[0], before[1].to(hf.dtype)
    layers, decoder = [hf.get_submodule(path) for path in layout.layers], hf.get_submodule(layout.decoder)
    name = layout.layers[0].split(".")[-2]
    stack = decoder._modules[name]
    skipped = [_Skipped(layer, stream if index == first - 1 else None) for index, layer in enumerate(layers[:first])]
    decoder._modules[name] = nn.ModuleList([*skipped, *layers[first:]])
    try:
        yield
    finally:
        decoder._modules[name] = stack


def share(n: int, first: int, layers: int) -> int:
    """How many tokens through the whole model cost as much as n from layer `first` on, rounded up."""
    return -(-n * (layers - first) // layers)
