"""Text from a server: streams for samples that someone watches, plain requests for many rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cotlens._core import control
from cotlens._core.errors import BackendError
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.contract import Meter
from cotlens.models.endpoint import errors
from cotlens.models.endpoint.chat import Conversations
from cotlens.models.endpoint.client import AGAIN, CompletionsClient
from cotlens.models.endpoint.dialect import SEEDS, Dialect, as_text
from cotlens.models.endpoint.reply import PartialCompletion
from cotlens.models.endpoint.scores import Scorer, noted
from cotlens.models.generation.samples import TOP, OpenRollout, Sample, TokenMeasurements
from cotlens.models.generation.sampling import Sampling

_READ = 0.9  # share of the tokens sent that a server must have read: it may count its own way, but not leave out


@dataclass(frozen=True)
class Writer:
    """Writes by a server.

    Args:
        scorer: measures tokens of a prefix; None where the server can't.
        end: the token that ends a turn, as a list; put where the server says only that it stopped.
        context: the most tokens in a sequence.
        conversations: for a server that takes messages: which ones a prefix begins with.
    """

    client: CompletionsClient
    dialect: Dialect
    codec: HFCodec
    meter: Meter
    scorer: Scorer | None
    end: list[int]
    context: int
    conversations: Conversations | None = None

    def write(
        self,
        prefix: Sequence[int],
        samples: list[Sample],
        sampling: Sampling,
        stop_ids: frozenset[int],
        unknown: Sequence[int] = (),
        on_token: Callable[[int, int], None] | None = None,
    ) -> None:
        """Fill in `samples`, all of them at once; see `decoding.write`."""
        prompt = self._prompt(prefix)
        bodies = [self._body(prompt, sampling, sample.index, watched=True) for sample in samples]
        known = TokenMeasurements() if self.scorer is None else self.scorer.known(tuple(prefix), list(unknown), TOP)
        for sample in samples:
            _copy(known, sample.notes)
        said = [self.dialect.reply(self.client.endpoint, prompt) for _ in samples]
        telling = _TokenNotifier(len(prefix), on_token, self._seeded(sampling))

        def on_data(place: int, data: Any) -> None:
            if data == AGAIN:
                said[place] = self.dialect.reply(self.client.endpoint, prompt)
                telling.again(samples[place].index)
                return
            said[place].take(data)
            self._check_length(said[place], sampling.max_new_tokens)
            self._check_read(said[place], len(prefix))
            control.current().report(max(1, sum(len(one.ids) for one in said)), None, "writing")
            telling.notify(
                samples[place].index, lambda received: self._fresh(said[place], received, sampling, stop_ids)
            )

        try:
            self.client.ask_all(bodies, on_data, self._together(sampling), self.dialect.path)
        finally:
            for sample, one in zip(samples, said, strict=True):
                self._fill(sample, one, prefix, sampling, stop_ids)

    def roll(
        self, rolls: Sequence[OpenRollout], stop_ids: frozenset[int], take: Callable[[list[OpenRollout]], None]
    ) -> None:
        """Write rollouts, many requests at once. Those of one prefix go one after the other."""
        prompts = {(roll.start, roll.at): self._prompt(roll.text[: roll.at]) for roll in _firsts(rolls)}
        bodies = [self._body(prompts[roll.start, roll.at], roll.sampling, roll.index) for roll in rolls]

        def on_data(place: int, data: Any) -> None:
            if data == AGAIN:
                return
            roll = rolls[place]
            said = self.dialect.reply(self.client.endpoint, prompts[roll.start, roll.at])
            said.take(data)
            self._check_read(said, roll.at)
            self._check_length(said, roll.sampling.max_new_tokens)
            roll.ids[:], finish = self._ids(said, roll.text[: roll.at], roll.sampling.max_new_tokens, stop_ids)
            roll.finish = finish or "length"  # all has come, and nothing says that it ended
            self._count(said, roll.at, len(roll.ids))
            take([roll])

        together = min((self._together(roll.sampling) for roll in rolls), default=1)
        self.client.ask_all(bodies, on_data, together, self.dialect.path)

    def _prompt(self, prefix: Sequence[int]) -> Any:
        """A prefix as the server takes it; InputError where it takes text and would make other tokens of it."""
        if self.conversations is not None:
            return self.conversations.prompt(prefix)
        return list(prefix) if self.dialect.ids else as_text(self.codec, prefix)

    def _body(self, prompt: Any, sampling: Sampling, index: int, watched: bool = False) -> dict[str, Any]:
        """The request for one sample; BackendError where the server always takes the most probable token."""
        if sampling.temperature > 0 and not self.dialect.samples:
            raise BackendError(
                f"The server at {self.client.endpoint} takes the most probable token at every temperature, so it can't "
                "sample; ask with temperature=0, or start it with sampling on (do_sample in its generation config)."
            )
        more: dict[str, Any] = {"stream": watched}
        if watched and self.dialect.alternatives:
            more["logprobs"] = self.dialect.alternatives
        return self.dialect.body(
            prompt,
            sampling.max_new_tokens,
            seed=sampling.number(index, SEEDS) % SEEDS,
            **self.dialect.sampling(sampling),
            **more,
        )

    def _seeded(self, sampling: Sampling) -> bool:
        return sampling.temperature == 0 or bool(self.dialect.seeds)

    def _together(self, sampling: Sampling) -> int:
        alone = sampling.temperature > 0 and self.dialect.seeds == "alone"
        return 1 if alone else self.client.together

    def _fresh(
        self, said: PartialCompletion, received: _Received, sampling: Sampling, stop_ids: frozenset[int]
    ) -> list[int]:
        """Tokens that haven't been told of; where only text comes, those of each piece."""
        if said.ids:
            return _cut(told(self.codec, said)[0], sampling.max_new_tokens, stop_ids)[0][received.tokens :]
        fresh, received.text = said.text[len(received.text) :], max(received.text, said.text, key=len)
        return self.codec.encode_template(fresh)

    def _fill(
        self,
        sample: Sample,
        said: PartialCompletion,
        prefix: Sequence[int],
        sampling: Sampling,
        stop_ids: frozenset[int],
    ) -> None:
        start = len(prefix)
        sample.ids[:], sample.finish = self._ids(said, prefix, sampling.max_new_tokens, stop_ids)
        self._count(said, start, len(sample.ids))
        n = min(len(sample.ids), len(said.logprobs), len(said.tops), told(self.codec, said)[1])
        plain = sampling.temperature == sampling.top_p == 1 and not sampling.top_k
        if n and (self.dialect.raw or plain):
            places = [
                {**top, token: value}
                for top, token, value in zip(said.tops[:n], said.ids[:n], said.logprobs[:n], strict=True)
            ]
            _copy(noted(range(start, start + n), sample.ids[:n], places, TOP), sample.notes)

    def _check_length(self, said: PartialCompletion, most: int) -> None:
        """Raise BackendError where a text ended for its length before it had that: vLLM fits it to its context."""
        written = max(len(said.ids), said.written)
        if said.finish == "length" and said.ids and written < most:
            raise errors.cut(self.client.endpoint, written, most)

    def _check_read(self, said: PartialCompletion, sent: int) -> None:
        """Raise BackendError where the server says that it read fewer tokens than were sent."""
        if 0 < said.read < sent * _READ:
            raise errors.shortened(self.client.endpoint, said.read, sent)

    def _behind(self, said: PartialCompletion, prefix: Sequence[int]) -> list[int]:
        """The tokens of a text, without what the server was left to write first.

        Raises:
            BackendError: it wrote that in other tokens, such as a space with the word after it.
        """
        held = said.held if said.text else 0
        ids = self.codec.encode_template((said.rest if held else "") + said.text)
        if ids[:held] != list(prefix[len(prefix) - held :]):
            raise errors.other_space(self.client.endpoint, said.rest, said.came)
        return ids[held:]

    def _ids(
        self, said: PartialCompletion, prefix: Sequence[int], most: int, stop_ids: frozenset[int]
    ) -> tuple[list[int], str]:
        """The tokens of an answer to those of `prefix`, up to the first that ends it, and how it ended."""
        if said.ids:
            kept, finish = _cut(told(self.codec, said)[0], most, stop_ids)
        else:  # as many as the tokenizer makes of the text, which may be more than the server wrote
            ids = self._behind(said, prefix)
            kept, finish = _cut(ids, len(ids) + 1, stop_ids)
        if finish or said.finish != "stop":
            return kept, finish or said.finish
        written = max(len(kept), said.written)
        if said.stop is None and (written >= most or max(len(prefix), said.read) + written >= self.context):
            return kept, "length"  # it says that the text ended, but no token did: there was no room for more
        last = [said.stop] if said.stop is not None else [] if said.ids else self.end
        return (kept if kept[-1:] == last else [*kept, *last]), "stop"

    def _count(self, said: PartialCompletion, read: int, written: int) -> None:
        self.meter.tokens += (said.read or read) + (said.written or written)
        self.meter.forwards += max(1, said.written or written)


@dataclass
class _Received:
    """What someone who listens to a sample has been told: how many tokens, and of what text."""

    tokens: int = 0
    text: str = ""


class _TokenNotifier:
    """Tells of the tokens of sample 0 as they come: once each, also when a connection broke and it was begun anew.

    Args:
        start: where its first token stands.
        seeded: whether what is begun anew says the same again; otherwise all of it is told again.
    """

    def __init__(self, start: int, on_token: Callable[[int, int], None] | None, seeded: bool) -> None:
        self._start, self._on_token, self._seeded, self._received = start, on_token, seeded, _Received()

    def notify(self, index: int, fresh: Callable[[_Received], list[int]]) -> None:
        """A piece of sample `index` has come; `fresh` says which of its tokens are new."""
        if self._on_token is None or index != 0:
            return
        for token in fresh(self._received):
            self._on_token(self._start + self._received.tokens, token)
            self._received.tokens += 1

    def again(self, index: int) -> None:
        """Sample `index` is begun anew."""
        if index == 0 and not self._seeded:
            self._received = _Received()


def _firsts(rolls: Sequence[OpenRollout]) -> list[OpenRollout]:
    """One roll per prefix."""
    return list({(roll.start, roll.at): roll for roll in rolls}.values())


def told(codec: HFCodec, said: PartialCompletion) -> tuple[list[int], int]:
    """The tokens of an answer, and how many of them come before the first that was left out.

    Where the text that came with a token is more than its own, it is the text of those before it, too.
    """
    ids: list[int] = []
    first = len(said.ids)
    for at, (token, piece, word) in enumerate(zip(said.ids, codec.pieces(said.ids), said.words, strict=False)):
        spelled = word.encode("utf-8", "replace")
        whole = len(spelled) > len(piece) and spelled.endswith(piece)
        ids += codec.encode(word) if whole else [token]
        first = min(first, at) if whole else first
    return (ids if said.words else said.ids), first


def _cut(ids: Sequence[int], most: int, stop_ids: frozenset[int]) -> tuple[list[int], str]:
    """At most `most` tokens, up to the first that ends a text, and how it ended."""
    for i, token in enumerate(ids[:most]):
        if token in stop_ids:
            return list(ids[: i + 1]), "stop"
    return list(ids[:most]), "length" if len(ids) >= most else ""


def _copy(notes: TokenMeasurements, into: TokenMeasurements) -> None:
    into.at += notes.at
    into.logprobs += notes.logprobs
    into.top_ids += notes.top_ids
    into.top_logprobs += notes.top_logprobs
