"""What a model remembers between passes, copied, shared and put side by side, whatever its shape.

A cache is a tree: objects of transformers, dicts and lists, with tensors as leaves, one row per sequence. Keys and
values of attention grow by a token at a time and are never written to, so copies share them; all other tensors, the
states of recurrences and convolutions, are of one size and may be written to in place, so copies own theirs. Whether
that holds for a model is tried when it is loaded (`scoring.verification`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from cotlens.models.local.caches import PreallocatedLayer

if TYPE_CHECKING:
    from torch import Tensor

_GROWN = ("keys", "values")
_ROWS = {"indexer_position_ids": 1}  # where the rows are not the first dimension
Change = Callable[[list["Tensor"], bool], "Tensor"]
"""(tensors in one place of several trees, whether they grow with the text) -> the tensor in that place."""


def copied(cache: Any) -> Any:
    """The same cache again, to be extended without touching this one."""
    return _mapped([cache], lambda found, grown: found[0] if grown else found[0].clone())


def joined(caches: Sequence[Any]) -> Any:
    """One cache with the rows of several.

    Keys of shorter texts stand to the right, behind zeros that a mask has to hide.
    """
    alone = all(one is caches[0] for one in caches)
    return _mapped(caches, _repeated if alone else _joined)


def picked(cache: Any, rows: Sequence[int]) -> Any:
    """A cache of these rows, each as often as it is named, to be extended without touching this one."""
    if list(rows) == list(range(rows[0], rows[-1] + 1)):  # keys of neighbours need no copy
        ends = slice(rows[0], rows[-1] + 1)
        return _mapped([cache], lambda found, grown: found[0][ends] if grown else found[0][ends].clone())
    return _mapped([cache], lambda found, _: found[0][torch.tensor(rows, device=found[0].device)])


def taken_back(before: Any, after: Any) -> Any:
    """The cache `after` some tokens as if they had written nothing but keys, which a mask has to hide."""
    return _mapped([before, after], lambda found, grown: found[1] if grown else found[0].clone())


def with_room(cache: Any, more: int) -> Any:
    """The same cache, whose keys grow by `more` tokens in place, where a token at a time would copy all before each.

    Nothing else here takes it before it is `without_room`.
    """

    def roomy(layer: Any) -> Any:
        part = PreallocatedLayer()
        rows, length = layer.keys.shape[0], layer.keys.shape[-2]
        part.reserve(layer, length, rows, length + more)
        return part

    return _exchanged(cache, lambda layer: type(layer) is DynamicLayer and layer.is_initialized, roomy)


def without_room(cache: Any) -> Any:
    """The same cache with layers as transformers has them, which share its memory."""

    def plain(layer: Any) -> Any:
        part = DynamicLayer()
        part.lazy_initialization(layer.keys, layer.values)
        part.keys, part.values = layer.keys, layer.values
        return part

    return _exchanged(cache, lambda layer: isinstance(layer, PreallocatedLayer), plain)


def size(cache: Any) -> tuple[int, int]:
    """Bytes of the states, and bytes of all keys and values."""
    parts = list(_leaves(cache))
    own, keys = (sum(t.numel() * t.element_size() for t, grown in parts if grown is kind) for kind in (False, True))
    return own, keys


def attending(cache: Any) -> tuple[int, ...]:
    """The layers that keep keys of the tokens they have seen."""
    keys = [getattr(layer, "keys", None) for layer in getattr(cache, "layers", ())]
    return tuple(i for i, one in enumerate(keys) if isinstance(one, torch.Tensor) and one.numel())


def lean(cache: Any, longer: Any) -> None:
    """Let keys and values be views of those of a `longer` cache of the same text, so that theirs can be freed."""
    for mine, theirs in zip(getattr(cache, "layers", ()), getattr(longer, "layers", ()), strict=False):
        if isinstance(mine, DynamicLayer) and not isinstance(mine, DynamicSlidingWindowLayer) and mine.is_initialized:
            n = mine.keys.shape[-2]
            mine.keys, mine.values = theirs.keys[..., :n, :], theirs.values[..., :n, :]


def _exchanged(cache: Any, which: Callable[[Any], bool], other: Callable[[Any], Any]) -> Any:
    """A cache with another in place of some of its layers."""
    new = copy.copy(cache)
    if hasattr(cache, "layers"):
        new.layers = [other(layer) if which(layer) else layer for layer in cache.layers]
    return new


def _mapped(parts: Sequence[Any], change: Change, grown: bool = False) -> Any:
    """A tree like each of `parts`, which are of one shape."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return change(list(parts), grown) if first.ndim else first
    if isinstance(first, dict):
        return {key: _mapped([part[key] for part in parts], change) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_mapped(each, change) for each in zip(*parts, strict=True))
    if _is_node(first):
        new = copy.copy(first)
        for name in vars(first):
            inner = [getattr(part, name) for part in parts]
            setattr(new, name, _mapped(inner, _along(_ROWS.get(name, 0), change), _grows(first, name)))
        return new
    if type(first) is int:  # how long a text is that a window has moved along: padded, all are as long as the longest
        return max(parts)
    return first


def _along(rows: int, change: Change) -> Change:
    """A change of tensors whose rows are another dimension than the first."""
    if not rows:
        return change
    return lambda found, grown: change([one.movedim(rows, 0) for one in found], grown).movedim(0, rows)


def _leaves(part: Any, grown: bool = False) -> Iterator[tuple[Tensor, bool]]:
    if isinstance(part, torch.Tensor):
        yield part, grown
    elif isinstance(part, (dict, list, tuple)):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _leaves(inner)
    elif _is_node(part):
        for name, inner in vars(part).items():
            yield from _leaves(inner, _grows(part, name))


def _is_node(part: Any) -> bool:
    """An object that may hold tensors: a cache, or a layer of one."""
    ours = type(part).__module__.split(".")[0].startswith("transformers")
    return ours and hasattr(part, "__dict__") and not isinstance(part, (type, torch.nn.Module, PreTrainedConfig))


def _grows(part: Any, name: str) -> bool:
    return name in _GROWN and isinstance(part, DynamicLayer)


def _repeated(found: list[Tensor], grown: bool) -> Tensor:
    if len(found[0]) > 1:
        return _joined(found, grown)
    one = found[0].expand(len(found), *found[0].shape[1:])
    return one if grown else one.clone(memory_format=torch.contiguous_format)


def _joined(found: list[Tensor], grown: bool) -> Tensor:
    lengths = [one.shape[-2] for one in found] if grown else [0]
    if min(lengths) == max(lengths):
        return torch.cat(found)
    rows = [len(one) for one in found]
    new = found[0].new_zeros((sum(rows), *found[0].shape[1:-2], max(lengths), found[0].shape[-1]))
    for one, part in zip(found, new.split(rows), strict=True):
        part[..., max(lengths) - one.shape[-2] :, :] = one
    return new
