"""Which latents are active where, and how much: the sparse form that everything here works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Latents:
    """Active latents of n tokens, row by row (CSR); within a token in rising order of the latent.

    Args:
        bounds: int64 [n + 1]; the entries of token t are `bounds[t]:bounds[t + 1]`.
        index: int64 [entries], the latent.
        values: float32 [entries], its activation, above 0.
        width: how many latents there are.
        shift, scale: float32 [n], how the activations were normalised before encoding: (x - shift) / scale; None where
            they weren't. Decoding undoes it.
    """

    bounds: NDArray[np.int64]
    index: NDArray[np.int64]
    values: NDArray[np.float32]
    width: int
    shift: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def tokens(self) -> NDArray[np.int64]:
        """int64 [entries], the token of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    @property
    def l0(self) -> NDArray[np.int64]:
        """int64 [n], how many latents are active at each token."""
        return np.diff(self.bounds)

    def of(self, latent: int) -> NDArray[np.float32]:
        """float32 [n], the activation of one latent at every token; 0 where it is not active."""
        found = np.zeros(len(self), np.float32)
        mine = self.index == latent
        found[self.tokens[mine]] = self.values[mine]
        return found

    def dense(self) -> NDArray[np.float32]:
        """float32 [n, width]. Large: for few tokens or few latents."""
        full = np.zeros((len(self), self.width), np.float32)
        full[self.tokens, self.index] = self.values
        return full

    def transposed(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """(active latents rising, bounds, tokens, values): the entries latent by latent, tokens rising within each."""
        order = np.argsort(self.index, kind="stable")
        active, starts = np.unique(self.index[order], return_index=True)
        return active, np.append(starts, len(order)), self.tokens[order], self.values[order]

    @staticmethod
    def join(parts: Sequence[Latents], width: int) -> Latents:
        """The tokens of all parts, one after the other."""
        bounds = np.concatenate([[0], *(part.l0 for part in parts)]).cumsum()
        empty = np.empty(0, np.float32)

        def merged(name: str) -> NDArray[np.float32] | None:
            rows = [getattr(part, name) for part in parts]
            return None if not rows or rows[0] is None else np.concatenate(rows)

        return Latents(
            bounds,
            np.concatenate([np.empty(0, np.int64), *(part.index for part in parts)]),
            np.concatenate([empty, *(part.values for part in parts)]),
            width,
            merged("shift"),
            merged("scale"),
        )
