"""Finding out what a server can do, by asking it small questions. Nothing is believed that wasn't tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens._core.fingerprint import fingerprint
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.endpoint import errors
from cotlens.models.endpoint.client import AGAIN, CompletionsClient
from cotlens.models.endpoint.dialect import FORCED, SURELY, Dialect
from cotlens.models.endpoint.errors import ServerRefusal
from cotlens.models.endpoint.reply import Chances, PartialCompletion, choices, echo_table, next_place, prompt_table

D = TypeVar("D", bound=Dialect)
TRIAL = "First I add 12 and 7, which gives 19.\n\nWait, let me check: caf\u00e9 = 3 * (4 - 1)?"
LENGTH = 12  # tokens written to compare
_BEST = (20, 8, 5)  # vLLM gives 20 unless it was started with more or fewer, OpenAI 5
_BEST_OF_ONE = (100, *_BEST)  # where an answer is about one place, and may tell more of it
_HOT = 1.5  # a temperature at which two seeds part within a few tokens
_SAME = 0.02  # nats by which two log-probabilities of one token may differ on one server
_ABSENT = (404, 405, 501)  # statuses of a server that doesn't have the path it is asked at
_CLOSE = 0.3  # the same where both were computed in batches of other shapes, in half precision
_ORDER = ["temperature", "top_k", "top_p"]  # that of `Sampling`
_PLAIN: dict[str, Any] = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}  # so that nothing cuts the vocabulary
OPTIONAL_FIELDS: tuple[dict[str, Any], ...] = (
    *({name: value} for name, value in _PLAIN.items()),
    {"skip_special_tokens": False, "spaces_between_special_tokens": False},
    {"return_token_ids": True},
    {"return_tokens_as_token_ids": True},
)


class NoCompletions(BackendError):
    """The server takes no text or token ids to go on from; it may take messages (see `chat_probing`)."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(str(errors.strange(endpoint, "it has no /completions")))


def probe(client: CompletionsClient, model: str, codec: HFCodec, stops: Sequence[int]) -> tuple[Dialect, str]:
    """How `model` is spoken to there, and a fingerprint of what it says.

    Raises:
        InputError: it serves no such model, or with another tokenizer than this one.
        BackendError: no completions endpoint answers, or it refuses the key.
    """
    dialect, ids = Dialect(model), codec.bos + codec.encode_template(TRIAL)
    try:
        read = ask(client, dialect, TRIAL, 1, temperature=0).read
    except ServerRefusal as refused:
        raise unserved(client, model, refused) from None
    _check_tokenizer(client, model, codec, read, len(ids))
    dialect = dataclasses.replace(dialect, ids=_takes_ids(client, dialect, ids))
    prompt: Sequence[int] | str = ids if dialect.ids else TRIAL
    request = [*OPTIONAL_FIELDS, {"stop_token_ids": [int(token) for token in stops]}]
    dialect = dataclasses.replace(dialect, extras=taken(client, dialect, prompt, request))
    dialect = dataclasses.replace(dialect, alternatives=_alternatives(client, dialect, prompt))
    more = {"logprobs": dialect.alternatives} if dialect.alternatives else {}
    bodies = [dialect.body(prompt, LENGTH, temperature=0, stream=one, **more) for one in (False, True)]
    cold = replies_to(client, dialect, prompt, bodies)
    _check_text(client, codec, cold[0])
    dialect = dataclasses.replace(
        dialect,
        tells_ids=all(one.ids or not one.text for one in cold) and any(one.ids for one in cold),
        alternatives=dialect.alternatives if all(_measured(one) for one in cold) else 0,
    )
    dialect = _telling(client, dialect, prompt)
    dialect, hot = sampling(client, dialect, prompt, cold[0])
    if dialect.samples:
        dialect = _ordering(client, dialect, prompt, cold[0])
    if dialect.ids:
        dialect = dataclasses.replace(dialect, prompt=_scoring(client, dialect, codec, ids, cold[0]))
    if dialect.prompt:
        best = _BEST_OF_ONE if dialect.prompt == FORCED else _BEST
        most = (k for k in best if _takes(client, dialect, dialect.scoring(ids, k)))
        dialect = dataclasses.replace(dialect, best=next(most, dialect.best))
    # What is drawn with given random numbers moves with much smaller changes of the weights than what is likeliest.
    replies = [cold[0], *hot] if dialect.seeds else cold[:1]
    return dialect, served(replies)


def served(replies: Iterable[PartialCompletion]) -> str:
    """A fingerprint of a server's texts."""
    return f"served:{fingerprint(*(one.text for one in replies))[:12]}"


def ask(client: CompletionsClient, dialect: Dialect, prompt: Any, most: int, **more: Any) -> PartialCompletion:
    """The answer to one request for up to `most` tokens after a prompt."""
    return replies_to(client, dialect, prompt, [dialect.body(prompt, most, **more)])[0]


def replies_to(
    client: CompletionsClient, dialect: Dialect, prompt: Any, bodies: list[dict[str, Any]]
) -> list[PartialCompletion]:
    """Answers to requests of one prompt, sent all at once."""
    found = [dialect.reply(client.endpoint, prompt) for _ in bodies]

    def on_data(place: int, data: Any) -> None:
        if data == AGAIN:
            found[place] = dialect.reply(client.endpoint, prompt)
        else:
            found[place].take(data)

    client.ask_all(bodies, on_data, path=dialect.path)
    return found


def unserved(client: CompletionsClient, model: str, refused: ServerRefusal) -> Exception:
    """What to raise where the first question is refused: no such model, no completions, or what was said."""
    names = [str(entry.get("id")) for entry in client.listed()]
    if model in refused.said or (names and model not in names):
        up = did_you_mean(model, names) if names else "Give the name that the server was started with."
        return InputError(f"The server at {client.endpoint} serves no model {model!r} ({refused.said}). {up}")
    return NoCompletions(client.endpoint) if refused.status in _ABSENT or "chat" in refused.said.lower() else refused


def _takes_ids(client: CompletionsClient, dialect: Dialect, ids: list[int]) -> bool:
    """Whether token ids are taken as such: not refused, not read as a text, and nothing is put before them."""
    try:
        return ask(client, dialect, ids, 1, temperature=0).read in (0, len(ids))
    except ServerRefusal:
        return False


def taken(
    client: CompletionsClient, dialect: Dialect, prompt: Any, request: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The fields that the server takes: all of them, or those that it takes one by one."""
    everything = {name: value for field in request for name, value in field.items()}
    body = dialect.body(prompt, 1, temperature=0)
    if _takes(client, dialect, {**body, **everything}):
        return everything
    return {
        name: value for field in request if _takes(client, dialect, {**body, **field}) for name, value in field.items()
    }


def _takes(client: CompletionsClient, dialect: Dialect, body: dict[str, Any]) -> bool:
    try:
        client.ask(body, dialect.path)
    except ServerRefusal:
        return False
    return True


def _alternatives(client: CompletionsClient, dialect: Dialect, prompt: Sequence[int] | str) -> int:
    """The most alternatives that may be asked for, of those worth asking for."""
    from cotlens.models.generation.samples import TOP

    for k in (TOP, 5, 1):
        if _takes(client, dialect, dialect.body(prompt, 1, temperature=0, logprobs=k)):
            return k
    return 0


def _telling(client: CompletionsClient, dialect: Dialect, prompt: Any) -> Dialect:
    """The dialect with log-probabilities in every request where ids come with these alone."""
    if not dialect.tells_ids or ask(client, dialect, prompt, 2, temperature=0).ids:
        return dialect
    return dataclasses.replace(dialect, extras={**dialect.extras, "logprobs": 1})


def _ordering(client: CompletionsClient, dialect: Dialect, prompt: Any, cold: PartialCompletion) -> Dialect:
    """The dialect with llama.cpp's order of samplers where the server obeys it.

    By itself llama.cpp cuts to a nucleus before it divides by the temperature, and does what else it was started with.
    """
    try:  # without a nucleus among the samplers, one of almost nothing changes nothing
        free = ask(client, dialect, prompt, LENGTH, temperature=_HOT, top_p=0.01, seed=11, samplers=_ORDER[:1])
    except ServerRefusal:
        return dialect
    return dialect if _same(free, cold) else dataclasses.replace(dialect, extras={**dialect.extras, "samplers": _ORDER})


def shows(client: CompletionsClient, dialect: Dialect, token: int, text: str) -> bool:
    """Whether a special token that the server is made to write is in its text: many take the field and do nothing."""
    if "skip_special_tokens" not in dialect.extras:
        return False
    try:
        return text in ask(client, dialect, TRIAL, 1, temperature=0, logit_bias={str(token): SURELY}).text
    except ServerRefusal:
        return False


def _measured(one: PartialCompletion) -> bool:
    return bool(one.ids) and len(one.logprobs) == len(one.tops) == len(one.ids)


def _check_tokenizer(client: CompletionsClient, model: str, codec: HFCodec, read: int, n: int) -> None:
    """Raise InputError where the server reads the trial text as other tokens than the tokenizer here.

    Args:
        read: how many tokens the server counted in it; 0 where it doesn't say.
        n: how many there are here, with what the tokenizer puts before a text.
    """
    mine = codec.encode_template(TRIAL)
    try:
        told = client.ask_root(
            {"model": model, "prompt": TRIAL, "add_special_tokens": False, "content": TRIAL}, "/tokenize"
        )  # a prompt to vLLM, content to llama.cpp
    except ServerRefusal:
        told = {}
    theirs = told.get("tokens") or None
    if theirs is not None and list(theirs) != mine:
        raise _other(f"it reads {TRIAL[:12]!r}... as tokens {list(theirs)[:4]}..., this one as {mine[:4]}...")
    if theirs is None and read and read not in (len(mine), n):
        raise _other(f"it reads a text as {read} tokens that this one reads as {n}")


def _check_text(client: CompletionsClient, codec: HFCodec, found: PartialCompletion) -> None:
    """Raise InputError where the ids that came back stand for another text here."""
    mine = b"".join(codec.pieces(found.ids)).decode("utf-8", "replace")
    if found.ids and "\ufffd" not in mine + found.text and found.text.strip() not in mine:
        raise _other(f"it wrote {found.text.strip()[:20]!r} in tokens that this one reads as {mine.strip()[:20]!r}")


def _other(why: str) -> InputError:
    return InputError(
        f"The server's tokenizer is another than the one given here: {why}; give tokenizer= of the model that is "
        "served (a folder, a Hugging Face id, or a loaded tokenizer)."
    )


def sampling(
    client: CompletionsClient, dialect: D, prompt: Any, cold: PartialCompletion
) -> tuple[D, tuple[PartialCompletion, PartialCompletion]]:
    """Whether temperature and seeds do what they should, and whether log-probabilities stay those of temperature 1.

    Also what was drawn with two seeds.
    """
    more = {"logprobs": dialect.alternatives} if dialect.alternatives else {}
    bodies = [dialect.body(prompt, LENGTH, temperature=_HOT, top_p=1.0, seed=seed, **more) for seed in (11, 12, 11)]
    first, other, again = [replies_to(client, dialect, prompt, [body])[0] for body in bodies]
    samples = not _same(first, other) or not _same(first, again)
    seeds = "alone" if samples and _same(first, again) and not _same(first, other) else ""
    if seeds:
        crowd = replies_to(client, dialect, prompt, bodies * 2)
        if all(_same(one, alone) for one, alone in zip(crowd, [first, other, again] * 2, strict=True)):
            seeds = "together"
    raw = bool(dialect.alternatives) and abs(_best(first) - _best(cold)) < _SAME
    return dataclasses.replace(dialect, samples=samples, seeds=seeds, raw=raw), (first, other)


def _same(one: PartialCompletion, other: PartialCompletion) -> bool:
    return (one.ids, one.text) == (other.ids, other.text)


def _best(one: PartialCompletion) -> float:
    """The largest log-probability at the first token."""
    return max(one.tops[0].values(), default=np.nan) if one.tops else np.nan


def _scoring(
    client: CompletionsClient, dialect: Dialect, codec: HFCodec, ids: list[int], cold: PartialCompletion
) -> str:
    """How the server gives log-probabilities of a prompt: those of the tokens sent, and equal to what it wrote."""
    text = tuple(ids + cold.ids[:4])
    for way in ("prompt_logprobs", "echo"):
        trial = dataclasses.replace(dialect, prompt=way)
        try:
            data = client.ask(trial.scoring(text, 2))
        except ServerRefusal:
            continue
        table = table_of(way, data, text, client.endpoint)
        if table is None:
            continue
        values = [place[token] for place, token in zip(table[len(ids) :], text[len(ids) :], strict=True)]
        known = np.asarray(cold.logprobs[: len(values)])
        if dialect.raw and not np.allclose(values, known, atol=_CLOSE):
            continue
        return way
    tops = cold.tops[0] if cold.tops and dialect.tells_ids and dialect.raw else {}
    words = {token: value for token, value in tops.items() if "\ufffd" not in _shown(codec, token)}
    return FORCED if words and _forced(client, dialect, ids, words) else ""


def _shown(codec: HFCodec, token: int) -> str:
    return codec.pieces([token])[0].decode("utf-8", "replace")


def _forced(client: CompletionsClient, dialect: Dialect, ids: list[int], known: Chances) -> bool:
    """Whether a token that the server is made to write comes with its own log-probability: the least likely known."""
    trial, (token, value) = dataclasses.replace(dialect, prompt=FORCED), min(known.items(), key=lambda one: one[1])
    text = (*ids, token)
    try:
        place = place_of(FORCED, client.ask(trial.scoring(text, 2)), text, client.endpoint)
    except ServerRefusal:
        return False
    return place is not None and abs(place[token] - value) < _SAME


def place_of(way: str, data: Mapping[str, Any], ids: tuple[int, ...], where: str) -> Chances | None:
    """What an answer to `Dialect.scoring` says of the place of a prompt's last token; None where not of that token."""
    found = choices(data, where)
    place = next_place(found[0]) if len(found) == 1 else {}
    return place if ids[-1] in place and len(place) > 1 else None


def table_of(way: str, data: Mapping[str, Any], ids: tuple[int, ...], where: str) -> list[dict[int, float]] | None:
    """What an answer to `Dialect.scoring` says of every token of the prompt; None unless it is about these tokens."""
    found = choices(data, where)
    if len(found) != 1:
        raise errors.strange(where, f"it gave {len(found)} choices where one was asked for")
    table = echo_table(found[0], ids) if way == "echo" else prompt_table(found[0])
    if table is None or len(table) != len(ids):
        return None
    complete = all(token in place and len(place) > 1 for token, place in zip(ids[1:], table[1:], strict=True))
    return table if complete else None
