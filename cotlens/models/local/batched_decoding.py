"""Many continuations of many prefixes, or prompts, written together with every token computed once.

1. A text and all rollouts that begin somewhere in it share one pass over it: a rollout that says what the text says is
   read off that pass and costs nothing until it says something else.
2. From there on it is a row of a batch of rows of any length (`padded_cache`). Rollouts that have said the same so far
   are one row, which forks when they part.
3. Rows leave as they end, and waiting ones take their place.

A rollout has random numbers of its own, so its text does not depend on what is written beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.architecture.logits import alternatives, check_finite
from cotlens.models.generation.samples import TOP, OpenRollout
from cotlens.models.generation.sampling import choose
from cotlens.models.local import budget
from cotlens.models.local.caches import fresh_cache, view
from cotlens.models.local.padded_cache import PaddedCache

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine

_TOGETHER = {"cpu": 128}  # rollouts in work at once; more rows make no token cheaper
_TOGETHER_ELSEWHERE = 1024


@dataclass
class _Branch:
    """Rollouts that have left their text at one place with one token: `cache` holds what stands before that."""

    cache: Any
    length: int
    rolls: list[OpenRollout]


def roll(
    engine: Engine,
    rolls: Sequence[OpenRollout],
    stop_ids: frozenset[int],
    tell: Callable[[list[OpenRollout]], None],
) -> None:
    """Write `rolls`; `tell` is called with those that have ended, as they end.

    Needs a model that obeys masks. Rollouts of one text should stand together.

    Raises:
        Cancelled: between two tokens.
        BackendError: logits are NaN.
        OutOfMemory: not even one rollout fits.
    """
    waiting, share = list(rolls), 1
    while waiting:
        batch = _Batch(engine, stop_ids, tell, share)
        try:
            batch.write(waiting)
            return
        except OutOfMemory:
            if batch.most == 1:
                raise
            share *= 2
        waiting = [one for one in waiting if not one.finish]
        for one in waiting:
            one.again()


class _Batch:
    """The rows in work, and those that wait; at most 1/`share` of the rollouts that should fit into memory at once."""

    def __init__(
        self, engine: Engine, stop_ids: frozenset[int], tell: Callable[[list[OpenRollout]], None], share: int
    ) -> None:
        self._engine, self._stop_ids, self._tell, self._share = engine, stop_ids, tell, share
        self.most = 1  # rollouts in work
        self._padded: PaddedCache | None = None
        self._rows: list[list[OpenRollout]] = []  # row -> rollouts that have said the same so far
        self._branches: deque[_Branch] = deque()
        self._trunk: tuple[tuple[int, ...], Any] = ((), fresh_cache())

    def write(self, rolls: Sequence[OpenRollout]) -> None:
        """Write all of them."""
        texts = _by_text(rolls)
        longest = max(one.at + one.sampling.max_new_tokens for one in rolls)
        self._walk(texts.popleft())
        self.most = max(1, _fitting(self._engine, self._trunk[1], longest) // self._share)
        while texts or self._branches or self._rows:
            control.current().check()
            room = self.most - sum(map(len, self._rows))
            if room > 0 and self._branches:
                self._admit(room)
            elif room > 0 and texts:
                self._walk(texts.popleft())
            elif self._rows:
                self._step()

    def _walk(self, rolls: list[OpenRollout]) -> None:
        """Run one text and follow the rollouts that repeat it to where each of them leaves it."""
        engine, text = self._engine, rolls[0].text
        coming: dict[int, list[OpenRollout]] = {}
        for one in rolls:
            coming.setdefault(one.at, []).append(one)
        known, cache = self._trunk
        changes = () if rolls[0].latents is None else (rolls[0].latents,)
        words = min(
            (min(one.positions) for one in changes), default=len(text)
        )  # before latents, which others don't share
        first = min([*coming, *(at for one in rolls for at in one.unknown)]) - 1  # from here on logits are asked for
        begin = min(_shared(known, text[:words]), first)
        cache = view(cache, begin) if begin else fresh_cache()
        here: list[OpenRollout] = []
        step = budget.piece(engine, len(text))
        while here or coming:
            control.current().check()
            at = np.arange(begin, min(len(text), begin + step))
            masks, kept = engine.causal(at, begin), at[min(max(0, first - begin), len(at) - 1) :]
            ids = engine.tensor(text[begin : begin + step])
            options: Any = {"masks": masks, "cache": cache, "keep": len(kept), "interventions": changes}
            logits = engine.forward(ids, at, **options)[0][0]
            check_finite(logits.amax(-1), kept)
            _note_text(rolls, kept, logits)
            for row, place in enumerate((kept + 1).tolist()):
                here += coming.pop(place, [])
                if here:
                    here = self._leave(here, logits[row : row + 1].float(), place, cache)
            begin = int(at[-1]) + 1
        self._trunk = (text[: min(begin, words)], cache)

    def _leave(self, here: list[OpenRollout], logits: Tensor, place: int, cache: Any) -> list[OpenRollout]:
        """Let rollouts at `place` of their text say a token; those that say what stands there."""
        said = self._say(here, [0] * len(here), logits)
        text = here[0].text
        stay = said.pop((0, text[place]), []) if place < len(text) else []
        self._branches.extend(_Branch(cache, place, rolls) for rolls in said.values())
        return stay

    def _admit(self, room: int) -> None:
        branch = self._branches.popleft()
        if self._padded is None:
            self._padded = PaddedCache(branch.cache, self.most)
        self._padded.add(branch.cache, branch.length)
        self._rows.append(branch.rolls[:room])
        if branch.rolls[room:]:
            self._branches.appendleft(_Branch(branch.cache, branch.length, branch.rolls[room:]))

    def _step(self) -> None:
        """One more token of every row."""
        padded, engine = self._padded, self._engine
        assert padded is not None
        at = np.array(padded.lengths)[:, None]
        cache = padded.grow()
        logits, _, _ = engine.forward(
            torch.tensor([[row[0].ids[-1]] for row in self._rows], device=engine.device),
            at,
            masks=padded.masks(engine.layout, engine.dtype),
            cache=cache,
            keep=1,
        )
        logits = logits[:, -1].float()
        check_finite(logits.amax(-1), at[:, 0])
        rolls = [one for row in self._rows for one in row]
        said = self._say(rolls, [i for i, row in enumerate(self._rows) for _ in row], logits)
        rows: list[list[OpenRollout]] = [[] for _ in self._rows]
        for (row, _), together in said.items():
            if not rows[row]:
                rows[row] = together
            else:
                padded.fork(row)
                rows.append(together)
        for row in reversed(range(len(rows))):
            if not rows[row]:
                padded.drop(row)
                rows[row] = rows[-1]
                rows.pop()
        self._rows = rows

    def _say(
        self, rolls: list[OpenRollout], rows: list[int], logits: Tensor
    ) -> dict[tuple[int, int], list[OpenRollout]]:
        """One token for every rollout, in `rows` of logits; (row, token) -> those that go on with it."""
        chances = [one.chance() for one in rolls]
        tokens = choose(logits, rows, chances, rolls[0].sampling)
        if rolls[0].measured:
            _note(rolls, logits[rows], tokens)
        parted: dict[tuple[int, int], list[OpenRollout]] = {}
        for one, row, token in zip(rolls, rows, tokens, strict=True):
            one.say(token, self._stop_ids)
            if not one.finish:
                parted.setdefault((row, token), []).append(one)
        ended = [one for one in rolls if one.finish]
        if ended:
            self._tell(ended)
        return parted


def _note(rolls: Sequence[OpenRollout], logits: Tensor, tokens: list[int]) -> None:
    """Note what `logits`, one row per rollout, say of the token that comes next in each."""
    at = np.array([one.at + len(one.ids) for one in rolls])
    found = alternatives(logits, torch.tensor(tokens, device=logits.device), TOP, at - 1)
    for row, one in enumerate(rolls):
        one.notes.add([int(at[row])], tuple(part[row : row + 1] for part in found))  # type: ignore[arg-type]


def _note_text(rolls: Sequence[OpenRollout], at: NDArray[np.int64], logits: Tensor) -> None:
    """Note what the logits after tokens `at` of a text say of those behind them, for whom they are unknown."""
    for one in rolls:
        asked = np.intersect1d(np.asarray(one.unknown, np.int64), at + 1)
        if len(asked):
            ids = torch.tensor([one.text[place] for place in asked], device=logits.device)
            one.notes.add(asked.tolist(), alternatives(logits[asked - 1 - at[0]].float(), ids, TOP, asked - 1))


def _by_text(rolls: Sequence[OpenRollout]) -> deque[list[OpenRollout]]:
    texts: dict[Any, list[OpenRollout]] = {}
    for one in rolls:
        texts.setdefault((one.text, one.start if one.latents is not None else None), []).append(one)
    return deque(texts.values())


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many leading tokens two texts share."""
    n = min(len(first), len(second))
    same = np.asarray(first[:n]) == np.asarray(second[:n])
    return n if bool(same.all()) else int(np.argmin(same))


def _fitting(engine: Engine, cache: Any, longest: int) -> int:
    """How many rollouts of up to `longest` tokens fit into memory, even if no two share anything."""
    token = sum(
        part[:1, :, :1].numel() * part.element_size()
        for layer in cache.layers
        if layer.is_initialized
        for part in (layer.keys, layer.values)
    )
    row = token * longest * 5 // 4 + 32 * engine.layout.vocabulary  # columns to spare; logits, probabilities as float64
    most = _TOGETHER.get(engine.device.type, _TOGETHER_ELSEWHERE)
    return min(most, budget.available(engine) // row)
