"""Finding out whether a chat endpoint goes on from the beginning of an answer, and how it wants that said.

A server that goes on from a text goes on from its own text as it did before: what it writes most probably after a
beginning B is R; after B and the first half of R it must be the other half. One that drops the beginning writes what it
writes without any; one that takes it as a finished turn writes something else. The beginning is one that no model would
choose by itself, so that what is repeated can be told from what is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cotlens._core.errors import CapabilityError
from cotlens.models.chat_formats.format import Format
from cotlens.models.endpoint.chat import CONTENT, FLAGS, PLACES, ChatDialect, ChatPrompt, Conversations, PartialChat
from cotlens.models.endpoint.client import CompletionsClient
from cotlens.models.endpoint.errors import ServerRefusal
from cotlens.models.endpoint.probing import OPTIONAL_FIELDS, ask, sampling, served, taken, unserved

QUESTION = "Mia has 12 pears. She buys 7 more. How many pears does Mia have?"
BEGINNING = "She has 41 at first."  # what no model writes by itself, and all can go on from
DROPS = "it silently drops the beginning of an answer that it is sent"
FINISHED = "it takes the beginning of an answer as a finished turn"
REFUSES = "it refuses the beginning of an answer"
TRIMS = "it leaves out the white space with which it goes on"
_SPACES = {" ": " \t\r\v\f\u00a0", "\n": "\n"}  # what is tried, and what is taken off with it
_LENGTH = 24  # tokens written to compare
_FEWER = 2  # tokens by which two counts of one text may differ, one by the server and one here


def probe_chat(client: CompletionsClient, model: str, form: Format, stops: Sequence[int]) -> tuple[ChatDialect, str]:
    """How `model` is spoken to there, and a fingerprint of what it says.

    Raises:
        InputError: it serves no such model.
        CapabilityError: there is no chat template here, so nobody knows which tokens messages are.
        BackendError: no chat endpoint answers either.
    """
    if not form.templated:
        raise CapabilityError(
            f"The server at {client.endpoint} takes messages only, and the tokenizer given for {model!r} has no chat "
            "template to say which tokens they are; give tokenizer= of the model that is served."
        )
    prompt, dialect = Conversations(form).add(QUESTION), ChatDialect(model, form=form)
    try:
        cold = ask(client, dialect, prompt, _LENGTH, temperature=0)
        assert isinstance(cold, PartialChat)
    except ServerRefusal as refused:
        raise unserved(client, model, refused) from None
    fields = [*OPTIONAL_FIELDS[:-2], {"stop_token_ids": [int(token) for token in stops]}]
    dialect = dataclasses.replace(
        dialect,
        extras=taken(client, dialect, prompt, fields),
        takes_seed=bool(taken(client, dialect, prompt, [{"seed": 1}])),
        summarises=cold.hidden,
    )
    dialect = _going_on(client, dialect, prompt, cold)
    dialect, hot = sampling(client, dialect, prompt, cold)
    return dialect, served([cold, *hot] if dialect.seeds else [cold])


def _going_on(client: CompletionsClient, dialect: ChatDialect, prompt: ChatPrompt, cold: PartialChat) -> ChatDialect:
    """The dialect with the first way in which the server goes on from a beginning, else with why it doesn't."""
    reasons = set()  # of what came in the field that all servers know: others may just be overlooked
    for flags in FLAGS:
        for place in PLACES if not dialect.form.plain else (CONTENT,):
            trial = dataclasses.replace(dialect, flags=flags, place=place)
            try:
                echoes = _repeats(client, trial, prompt)
                trial = dataclasses.replace(trial, echoes=echoes)
                why = _trial(client, trial, prompt, cold)
            except ServerRefusal:
                why = REFUSES
            if not why:
                return _trimming(client, trial, prompt)
            if place == CONTENT:
                reasons.add(why)
    return dataclasses.replace(dialect, why=next(why for why in (TRIMS, DROPS, FINISHED, REFUSES) if why in reasons))


def _begun(form: Format, prompt: ChatPrompt, more: str = "", before: str = "") -> ChatPrompt:
    opened = "" if prompt.lead or form.plain else form.family.open + form.family.after_open
    return dataclasses.replace(prompt, written=opened + before + BEGINNING + more)


def _trimming(client: CompletionsClient, dialect: ChatDialect, prompt: ChatPrompt) -> ChatDialect:
    """The dialect with the white space that makes no difference where a begun turn starts, and where it ends."""
    plain = ask(client, dialect, _begun(dialect.form, prompt), _LENGTH, temperature=0)

    def alike(**white: str) -> bool:
        # twice, as one space is no token of its own before a word
        twice = {where: 2 * space for where, space in white.items()}
        one = ask(client, dialect, _begun(dialect.form, prompt, **twice), _LENGTH, temperature=0)
        texts = [one.text, plain.text]
        if dialect.echoes:  # the white space may be that of what is repeated
            texts = [text.strip() for text in texts]
        return texts[0] == texts[1] and one.read == plain.read

    starts = dialect.form.plain or dialect.place != CONTENT  # else a marker stands there
    return dataclasses.replace(
        dialect,
        trims_start="".join(spaces for white, spaces in _SPACES.items() if starts and alike(before=white)),
        trims_end="".join(spaces for white, spaces in _SPACES.items() if alike(more=white)),
    )


def _repeats(client: CompletionsClient, dialect: ChatDialect, prompt: ChatPrompt) -> bool:
    """Whether the server's answer begins with the beginning that it was sent."""
    return BEGINNING in ask(client, dialect, _begun(dialect.form, prompt), _LENGTH, temperature=0).text


def _trial(client: CompletionsClient, dialect: ChatDialect, prompt: ChatPrompt, cold: PartialChat) -> str:
    """Why one way of asking doesn't make the server go on; "" where it does."""
    form = dialect.form
    begun = _begun(form, prompt)
    first = ask(client, dialect, begun, _LENGTH, temperature=0)
    if first.text == cold.text:
        return FINISHED if first.read > cold.read + _FEWER else DROPS
    half = _half(first.text)
    second = ask(client, dialect, _begun(form, prompt, half), _LENGTH, temperature=0)
    rest = first.text[len(half) :]
    counts = [(cold, begun.written), (first, half)]
    grown = [one.read - before.read for before, one in ((cold, first), (first, second)) if before.read and one.read]
    if any(
        abs(n - len(form.codec.encode_template(text))) > _FEWER for n, (_, text) in zip(grown, counts, strict=False)
    ):
        return FINISHED
    apart = bool(cold.thought) and isinstance(first, PartialChat) and not first.thought
    if rest.strip() and not apart and second.text.startswith(rest):
        return ""
    return TRIMS if rest.strip() and second.text[:1].strip() and second.text.startswith(rest.lstrip()) else FINISHED


def _half(text: str) -> str:
    """The first half of a text, up to a space: there most tokenizers cut it whatever follows."""
    spaces = [at for at in range(1, len(text)) if text[at] == " " and text[at - 1] != " "]
    return text[: min(spaces, key=lambda at: abs(at - len(text) // 2))] if spaces else text[: len(text) // 2]
