"""Caches of keys and values: views that share memory, and memory set aside, so that growing copies nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


def fresh_cache() -> DynamicCache:
    """A cache that keeps every token in every layer, sliding ones too, so that masks have one width."""
    return DynamicCache()


def view(cache: Any, length: int) -> DynamicCache:
    """A cache of the first `length` tokens that shares memory with `cache` and may be extended without touching it."""
    new = DynamicCache()
    for layer in cache.layers:
        part = DynamicLayer()
        if layer.is_initialized:
            part.lazy_initialization(layer.keys, layer.values)
            part.keys, part.values = layer.keys[:, :, :length], layer.values[:, :, :length]
        new.layers.append(part)
    return new


class PreallocatedLayer(DynamicLayer):
    """A layer of a cache in memory set aside beforehand, so that growing copies nothing."""

    def reserve(self, layer: Any, length: int, rows: int, capacity: int) -> None:
        """Take over the first `length` tokens of a layer, for `rows` rows of up to `capacity` tokens.

        The layer has one row, which all of them are copies of, or as many.
        """
        self.lazy_initialization(layer.keys, layer.values)
        self._memory = [old.new_empty(rows, old.shape[1], capacity, old.shape[3]) for old in (layer.keys, layer.values)]
        for new, old in zip(self._memory, (layer.keys, layer.values), strict=True):
            new[:, :, :length] = old[:, :, :length]
        self._fill(length)

    def rewind(self, layer: PreallocatedLayer, length: int, rows: int) -> None:
        """Share the memory of the first `rows` rows of `layer`, filled up to `length` tokens."""
        self.lazy_initialization(layer.keys, layer.values)
        self._memory = [part[:rows] for part in layer._memory]
        self._fill(length)

    def holds(self, rows: int, capacity: int) -> bool:
        """Whether there is memory for `rows` sequences of `capacity` tokens."""
        return self._memory[0].shape[0] >= rows and self._memory[0].shape[2] >= capacity

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append tokens; all keys and values."""
        before, after = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        for part, new in zip(self._memory, (key_states, value_states), strict=True):
            part[:, :, before:after] = new
        self._fill(after)
        return self.keys, self.values

    def _fill(self, length: int) -> None:
        self.keys, self.values = (part[:, :, :length] for part in self._memory)


def preallocated(cache: Any, length: int, rows: int, capacity: int) -> DynamicCache:
    """A copy of the first `length` tokens of a cache for `rows` rows each, that grows to `capacity` tokens in place."""
    new = DynamicCache()
    for layer in cache.layers if length else ():
        part = PreallocatedLayer()
        part.reserve(layer, length, rows, capacity)
        new.layers.append(part)
    return new


def rewound(cache: Any, length: int, rows: int) -> DynamicCache:
    """The first `rows` sequences of a preallocated cache, up to `length` tokens; it grows over what came after them."""
    new = DynamicCache()
    for layer in cache.layers:
        part = PreallocatedLayer()
        part.rewind(layer, length, rows)
        new.layers.append(part)
    return new


def has_capacity(cache: Any, rows: int, capacity: int) -> bool:
    """Whether a preallocated cache has memory for `rows` sequences of `capacity` tokens."""
    return all(layer.holds(rows, capacity) for layer in cache.layers)
