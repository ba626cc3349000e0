"""Log-probabilities of given tokens: requests whose answers measure their prompts, or the one token that they write."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import BackendError, InputError
from cotlens.models.contract import Branch, BranchScore, Meter, TokenSet
from cotlens.models.endpoint.client import AGAIN, CompletionsClient
from cotlens.models.endpoint.dialect import FORCED, Dialect
from cotlens.models.endpoint.errors import ServerRefusal
from cotlens.models.endpoint.probing import place_of, table_of
from cotlens.models.generation.samples import TokenMeasurements
from cotlens.models.generation.traces import Measured

T = TypeVar("T")
_RIVALS = 2  # best tokens to ask for: the best one that isn't the token itself is among them
_FEW = 64  # tokens of an edit, say; all of a long text are measured when they are asked for
_USUAL_MOST = 20  # alternatives that vLLM gives unless it was started with more

_LEAST = 1e-30  # probability that stands for none where a logarithm is taken

_Text = tuple[int, ...]
_Place = dict[int, float]
_Table = Sequence[_Place] | Mapping[int, _Place]


@dataclass(frozen=True)
class Scorer:
    """Scores texts by a server; see `score` and `annotate`.

    Args:
        word: a token that is text by itself.
    """

    client: CompletionsClient
    dialect: Dialect
    meter: Meter
    word: int

    def score(self, trunk: _Text, branches: Sequence[Branch]) -> list[BranchScore]:
        """Checked branches without hidden positions, scored one request each; what begins another text is part of it.

        Where a server measures what it writes alone, each token that is scored is a request.

        Raises:
            BackendError: the server gave no log-probabilities, or not those of these tokens.
        """
        texts = [trunk[: branch.prefix] + branch.token_ids for branch in branches]
        wanted: dict[_Text, set[int]] = {}
        for t, b in zip(texts, branches, strict=True):
            if b.asked:
                wanted.setdefault(t, set()).update(b.prefix + index for index in b.asked)
        then = {t: b.sets[-1][1] for t, b in zip(texts, branches, strict=True) if len(b.token_ids) in b.asked}
        k = self.dialect.best if any(branch.sets for branch in branches) else _RIVALS
        tables = self._tables(wanted, k, "scoring", then)
        return [_score(branch, tables.get(text, []), k) for branch, text in zip(branches, texts, strict=True)]

    def annotate(self, ids: _Text, k: int) -> Measured:
        """Log-probability and k best alternatives at every token but the first.

        Raises:
            InputError: k is negative, or more than the server gives.
        """
        check.whole("k", k, 0)
        table = Measured(len(ids), k)
        try:
            places = self._tables({ids: range(1, len(ids))}, max(_RIVALS, k), "reading")[ids]
        except ServerRefusal as refused:
            if k <= _USUAL_MOST:
                raise
            raise InputError(
                f"k={k} alternatives are more than the server gives ({refused.said}); ask for at most {_USUAL_MOST}, "
                "or start it with a larger --max-logprobs."
            ) from None
        notes = noted(range(1, len(ids)), ids[1:], [places[i] for i in range(1, len(ids))], max(1, k))
        if k == 0:
            table.logprobs[notes.at] = notes.logprobs
        else:
            table.put(notes)
        return table

    def known(self, ids: _Text, at: Sequence[int], k: int) -> TokenMeasurements:
        """What is to be noted of the tokens `at` of a text; nothing of many, where each costs a request."""
        if not at or (self.dialect.prompt == FORCED and len(at) > _FEW):
            return TokenMeasurements()
        text = ids[: max(at) + 1]
        places = self._tables({text: at}, max(_RIVALS, k), "reading")[text]
        return noted(at, [ids[i] for i in at], [places[i] for i in at], k)

    def _tables(
        self,
        wanted: Mapping[_Text, Collection[int]],
        k: int,
        label: str,
        then: Mapping[_Text, TokenSet] = MappingProxyType({}),
    ) -> dict[_Text, _Table]:
        """Per text and position the chances of the k best tokens and of the one that stands there.

        Args:
            wanted: texts, and of each the positions that are asked for; others may be missing.
            then: texts of which also what follows them is asked: another text goes on there, or a token is added.
        """
        whole = {text: text if text not in then else (*text, _any_of(then[text])) for text in wanted}
        if self.dialect.prompt == FORCED:
            ends = {text: {at: whole[text][: at + 1] for at in places} for text, places in wanted.items()}
            asked = sorted({end for each in ends.values() for end in each.values()})  # what goes on from one is next
            found = self._places(asked, k, label)
            return {text: {at: found[end] for at, end in each.items()} for text, each in ends.items()}
        asked = [whole[text] for text in _longest(wanted)]
        tables = self._ask(asked, [self.dialect.scoring(text, k) for text in asked], label, table_of)
        told = [self._needed(table) for table in tables]
        return {text: _holding(text, asked, told)[: len(text) + (text in then)] for text in wanted}

    def _places(self, asked: Sequence[_Text], k: int, label: str) -> dict[_Text, _Place]:
        """What was likely where the last token of each text stands."""
        scoring = self.dialect.scoring
        found = self._ask(asked, [scoring(text, k) for text in asked], label, place_of)
        parts = [text for text, place in zip(asked, found, strict=True) if place is None]
        again = self._ask(parts, [scoring(text, k, other=self.word) for text in parts], label, place_of)
        known = {**dict(zip(asked, found, strict=True)), **dict(zip(parts, again, strict=True))}
        return {text: self._needed(place) for text, place in known.items()}

    def _needed(self, told: T | None) -> T:
        if told is None:
            raise BackendError(
                f"The server at {self.client.endpoint} left out log-probabilities of the tokens that were sent; "
                "see whether it was restarted with other settings, and load the model again."
            )
        return told

    def _ask(
        self, asked: Sequence[_Text], bodies: list[dict[str, Any]], label: str, read: Callable[..., T | None]
    ) -> list[T | None]:
        """What is read off the answers to one request per text."""
        found: list[T | None] = [None] * len(asked)
        current, done = control.current(), 0

        def on_data(place: int, data: Any) -> None:
            nonlocal done
            if data == AGAIN:
                return
            found[place] = read(self.dialect.prompt, data, asked[place], self.client.endpoint)
            self.meter.tokens += len(asked[place]) + 1
            self.meter.forwards += 1
            done += 1
            current.report(done, len(asked), label)

        self.client.ask_all(bodies, on_data)
        return found


def _longest(texts: Iterable[_Text]) -> list[_Text]:
    """The texts that don't begin another one, in order."""
    kept: list[_Text] = []
    for text in sorted(set(texts), reverse=True):
        if not kept or kept[-1][: len(text)] != text:
            kept.append(text)
    return kept[::-1]


def _holding(text: _Text, asked: Sequence[_Text], found: Sequence[list[_Place]]) -> list[_Place]:
    """What was found about the text of `asked`, which is in order, that begins with `text`."""
    return found[bisect_left(asked, text)]


def _any_of(one: TokenSet) -> int:
    """A token of the set: one more number that is known of it."""
    return int(np.argmax(one.member))


def _score(branch: Branch, table: _Table, k: int) -> BranchScore:
    n = len(branch.token_ids)
    values, rivals = np.full(n, np.nan, np.float32), np.full(n, np.nan, np.float32)
    rival_ids, greedy_ids = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    for i in range(branch.given, n):
        token, place = branch.token_ids[i], table[branch.prefix + i]
        rival = max((other for other in place if other != token), key=place.__getitem__)
        values[i], rivals[i], rival_ids[i] = place[token], place[rival], rival
        greedy_ids[i] = token if place[token] >= place[rival] else rival
    found = [_sum(one, table[branch.prefix + at], k) for at, one in branch.sets]
    sums, told = (
        np.array([each[:3] for each in found], np.float32).reshape(-1, 3),
        np.array([e[3] for e in found], bool),
    )
    for array in (values, rivals, rival_ids, greedy_ids, sums, told):
        array.setflags(write=False)
    return BranchScore(values, rivals, rival_ids, greedy_ids, sums[:, 0], sums[:, 1], sums[:, 2], told)


def _sum(one: TokenSet, place: _Place, k: int) -> tuple[float, float, float, bool]:
    """The total of a set as far as a place tells it, the best rival, by how much the total may be off, and whether
    the rival is told.

    What isn't told may be in the set or not. The total is the middle of the two in logarithms; where none of the set is
    told, it is the most that it can be, and may be off by any amount. A rival that isn't told is at most as likely as
    the last of the k best.
    """
    ids, values = np.array(list(place)), np.array(list(place.values()))
    known = ids < len(one.member)
    inside, against = np.zeros(len(ids), bool), np.ones(len(ids), bool)
    inside[known], against[known] = one.member[ids[known]], one.rival[ids[known]]
    told = float(np.exp(values[inside]).sum())
    most = told + max(0.0, 1 - float(np.exp(values).sum()))
    rival = float(values[against].max()) if against.any() else float(np.sort(values)[::-1][:k][-1])
    if not told:
        return math.log(max(most, _LEAST)), rival, math.inf, bool(against.any())
    low, high = math.log(told), math.log(most)
    return (low + high) / 2, rival, (high - low) / 2, bool(against.any())


def noted(at: Iterable[int], tokens: Iterable[int], places: Iterable[_Place], k: int) -> TokenMeasurements:
    """Notes of tokens with the k best of their places, -1 and NaN where there are fewer."""
    notes = TokenMeasurements()
    for index, token, place in zip(at, tokens, places, strict=True):
        best = sorted(place, key=place.__getitem__, reverse=True)[:k]
        ids, values = np.full((1, k), -1, np.int32), np.full((1, k), np.nan, np.float32)
        ids[0, : len(best)], values[0, : len(best)] = best, [place[one] for one in best]
        notes.add([index], (np.array([place.get(token, np.nan)], np.float32), ids, values))
    return notes
