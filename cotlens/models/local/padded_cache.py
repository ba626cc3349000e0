"""A cache for sequences of different lengths that grow together: every row ends in the same column.

Rows are aligned at their ends, so that one step of all of them writes one column, and masks hide what stands to the
left of a row. Rows come, fork and go at any time; live rows are always the first ones. Keys carry their positions in
them, so that columns can be moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from cotlens.models.architecture.layout import SLIDING, Layout
from cotlens.models.architecture.masks import Masks

if TYPE_CHECKING:
    from torch import Tensor

_SPARE = 64  # columns that are free after the columns were moved, at least
_FIRST_ROWS = 8


class PaddedCache:
    """Room for the keys and values of many rows.

    Args:
        like: a cache of one sequence of the model at hand; it says which layers there are and how large.
        most: how many rows there will be at most.
    """

    def __init__(self, like: Any, most: int) -> None:
        self._most = most
        self._layers = [_Layer(layer) if layer.is_initialized else DynamicLayer() for layer in like.layers]
        self._full = [layer for layer in self._layers if isinstance(layer, _Layer)]
        self._rows = self._columns = 0
        self.lengths: list[int] = []
        self.end = 0  # the column after the last one that is filled

    @property
    def width(self) -> int:
        """Columns that the longest row takes."""
        return max(self.lengths, default=0)

    def add(self, cache: Any, length: int) -> None:
        """A new last row: the first `length` tokens of a cache of one sequence."""
        self._ensure_capacity(1, max(length, self.width))
        row = len(self.lengths)
        for mine, theirs in zip(self._layers, cache.layers, strict=True):
            if isinstance(mine, _Layer):
                mine.stored_keys[row, :, self.end - length : self.end] = theirs.keys[0, :, :length]
                mine.stored_values[row, :, self.end - length : self.end] = theirs.values[0, :, :length]
        self.lengths.append(length)

    def fork(self, row: int) -> None:
        """A new last row that is a copy of `row`."""
        self._ensure_capacity(1, self.width)
        self._copy(row, len(self.lengths))
        self.lengths.append(self.lengths[row])

    def drop(self, row: int) -> None:
        """Give up `row`; the last row takes its place."""
        last = len(self.lengths) - 1
        if row != last:
            self._copy(last, row)
            self.lengths[row] = self.lengths[last]
        self.lengths.pop()

    def grow(self) -> Any:
        """A cache that writes one more token of every row when the model is run with it."""
        self._ensure_capacity(0, self.width, ahead=1)
        rows, first = len(self.lengths), self.end - self.width
        for layer in self._full:
            layer.open(rows, first, self.end)
        self.lengths = [length + 1 for length in self.lengths]
        self.end += 1
        cache = DynamicCache()
        cache.layers = list(self._layers)
        return cache

    def masks(self, layout: Layout, dtype: torch.dtype) -> Masks:
        """The masks of the step that `grow` has opened: every row sees its own columns, within its window."""
        lengths = torch.tensor(self.lengths, device=self._full[0].device)
        back = torch.arange(self.width - 1, -1, -1, device=lengths.device)  # how many tokens back each column lies
        own = back[None] < lengths[:, None]
        near = own if layout.window is None else own & (back < layout.window)
        ready = {
            kind: (near if kind == SLIDING else own).to(dtype).sub_(1).mul_(torch.finfo(dtype).max)[:, None, None]
            for kind in set(layout.kinds)
        }
        return Masks(ready if layout.mixed else ready[layout.kinds[0]])

    def _copy(self, source: int, target: int) -> None:
        columns = slice(self.end - self.lengths[source], self.end)
        for layer in self._full:
            for stored in (layer.stored_keys, layer.stored_values):
                stored[target, :, columns] = stored[source, :, columns]

    def _ensure_capacity(self, rows: int, width: int, ahead: int = 0) -> None:
        """Make sure that `rows` more rows, `width` columns before the end and `ahead` after it are there."""
        wanted = len(self.lengths) + rows
        if self.end >= width and self.end + ahead <= self._columns and wanted <= self._rows:
            return
        if wanted > self._rows:
            self._rows = min(self._most, max(wanted, _FIRST_ROWS, 2 * self._rows))
        old = slice(self.end - self.width, self.end)
        self._columns = max(width + _SPARE, width * 5 // 4)
        new = slice(width - self.width, width)
        for layer in self._full:
            layer.move(self._rows, self._columns, len(self.lengths), old, new)
        self.end = width


class _Layer(DynamicLayer):
    """One layer's keys and values, [rows, heads, columns, width], and the window of them that is in use."""

    def __init__(self, like: Any) -> None:
        super().__init__()
        self.is_initialized, self.dtype, self.device = True, like.keys.dtype, like.keys.device
        self.stored_keys: Tensor = like.keys.new_zeros((0, like.keys.shape[1], 0, like.keys.shape[3]))
        self.stored_values: Tensor = like.values.new_zeros((0, like.values.shape[1], 0, like.values.shape[3]))

    def open(self, rows: int, first: int, end: int) -> None:
        """Use the columns [first, end) of the first `rows` rows; the next update fills column `end`."""
        self._rows, self._first, self._end = rows, first, end
        self.keys, self.values = self.stored_keys[:rows, :, first:end], self.stored_values[:rows, :, first:end]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Put one token per row into its column; all columns of the window."""
        rows, first, end = self._rows, self._first, self._end
        self.stored_keys[:rows, :, end] = key_states[:, :, 0]
        self.stored_values[:rows, :, end] = value_states[:, :, 0]
        self.keys = self.stored_keys[:rows, :, first : end + 1]
        self.values = self.stored_values[:rows, :, first : end + 1]
        return self.keys, self.values

    def move(self, rows: int, columns: int, live: int, old: slice, new: slice) -> None:
        """Another size, with the `live` first rows' columns `old` at `new`."""
        for name in ("stored_keys", "stored_values"):
            before = getattr(self, name)
            after = before.new_zeros((rows, before.shape[1], columns, before.shape[3]))
            after[:live, :, new] = before[:live, :, old]
            setattr(self, name, after)
        self.keys = self.values = torch.empty(0)
