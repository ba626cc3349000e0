"""Chat templates: which family a tokenizer belongs to, and what a template makes of a conversation."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cotlens._core import check
from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.models.chat_formats.codec import HFCodec, Part
from cotlens.models.chat_formats.families import FAMILIES, PLAIN, THINK, Family, first_tokens, marked
from cotlens.trace.prompts import Conversation

_SLOT = "\N{ASTERISM}COTLENS0PROMPT0SLOT\N{ASTERISM}"  # stands for a message while its place is found out
_CONTEXT = 400  # characters around a message that are compared
SPELLED = "The {} spells out special tokens; to the model they are characters like any others."
GivenFormat = str | tuple[str, str] | Family | None
Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Rendered:
    """A conversation as the chat template writes it.

    Args:
        parts: what the template wrote, and what the user did.
        asked: which part is the user's last message.
        notes: what the template made of that message.
    """

    parts: list[Part]
    asked: int
    notes: tuple[str, ...]


def render(codec: HFCodec, family: Family, asked: Conversation) -> Rendered:
    """What the chat template makes of a conversation, up to where the model goes on.

    The template sees the real texts, as it may trim them or look into them; where it put them is found in what it
    wrote. Special tokens that a user only spells out are characters.

    Raises:
        BackendError: the template failed, or left the prompt out.
    """
    messages = with_system(asked.messages, family)
    last = asked.asked + len(messages) - len(asked.messages)
    text = _apply(codec, family, messages)
    start, end = _place(codec, family, messages, last, text)
    notes = _told(str(messages[last]["content"]), text[start:end])
    cuts = [(start, end)]
    for place, message in enumerate(messages[:last]):
        if message["role"] == "user" and codec.holds_control_text(str(message["content"])):
            with suppress(BackendError):  # a template may leave earlier turns out
                cuts.append(_place(codec, family, messages, place, text))
    if len(cuts) > 1 or codec.holds_control_text(text[start:end]):
        notes = (*notes, SPELLED.format("prompt"))
    cuts.sort()
    return Rendered(_cut(text, cuts), 2 * cuts.index((start, end)) + 1, notes)


def with_system(messages: Messages, family: Family) -> Messages:
    """The messages after the family's system prompt, unless they have one of their own."""
    if not family.system or any(message["role"] in ("system", "developer") for message in messages):
        return messages
    return [{"role": "system", "content": family.system}, *messages]


def _apply(codec: HFCodec, family: Family, messages: Messages) -> str:
    variables = {"enable_thinking": True, "thinking": True, **family.template}
    try:
        return str(
            codec.tokenizer.apply_chat_template(
                list(map(dict, messages)), tokenize=False, add_generation_prompt=True, **variables
            )
        )
    except Exception as error:
        remedy = "without system=, or with format='plain'" if family.system else "with format='plain'"
        raise BackendError(f"The chat template of this tokenizer failed ({error}); load the model {remedy}.") from error


def _place(codec: HFCodec, family: Family, messages: Messages, which: int, text: str) -> tuple[int, int]:
    """Where the template put one message, as characters of what it wrote.

    It is rendered once more with something else in its place, to be compared. Where the template looked into the
    message, or made another text of it, it is where what stands around it is most alike, else what differs.
    """
    content, other = str(messages[which]["content"]), ""
    slotted = [*messages[:which], {**messages[which], "content": _SLOT}, *messages[which + 1 :]]
    with suppress(BackendError):  # a template may take only what it knows
        other = _apply(codec, family, slotted)
    head, slot, tail = other.rpartition(_SLOT)
    forms = [form for form in dict.fromkeys((content, content.rstrip(), content.lstrip(), content.strip())) if form]
    same = [form for form in forms if slot and other.replace(_SLOT, form) == text]
    if same:
        start = len(head.replace(_SLOT, same[0]))
        found = start, start + len(same[0])
    else:
        found = _likeliest(text, forms, head, tail) or _difference(text, other)
    if found[0] >= found[1]:
        raise BackendError(
            "The chat template of this tokenizer left the prompt out; load the model with format='plain'."
        )
    return found


def _likeliest(text: str, forms: Sequence[str], head: str, tail: str) -> tuple[int, int] | None:
    """Where the first of `forms` that is found stands most as between `head` and `tail`; of equals the last."""
    for form in forms:
        places = [found.start() for found in re.finditer(f"(?={re.escape(form)})", text)]
        alike = [_alike(text[:at][::-1], head[::-1]) + _alike(text[at + len(form) :], tail) for at in places]
        if places:
            _, at = max(zip(alike, places, strict=True))
            return at, at + len(form)
    return None


def _alike(one: str, other: str, most: int = _CONTEXT) -> int:
    """How many of the first characters two texts have in common."""
    pairs = zip(one[:most], other[:most], strict=False)
    return next((at for at, (mine, its) in enumerate(pairs) if mine != its), min(len(one), len(other), most))


def _difference(text: str, other: str) -> tuple[int, int]:
    """What is left of `text` without what it has in common with `other` at its two ends."""
    start = _alike(text, other, len(text))
    return start, len(text) - _alike(text[start:][::-1], other[start:][::-1], len(text))


def _told(content: str, found: str) -> tuple[str, ...]:
    if found.strip() == content.strip():
        return ()
    if found.strip() in content:
        return ("The chat template left out a part of the prompt; the trace's prompt is what it kept.",)
    return ("The chat template rewrote the prompt; the trace's prompt is what it made of it.",)


def _cut(text: str, places: Sequence[tuple[int, int]]) -> list[Part]:
    """A text as a template's parts and, at these places, a user's."""
    parts, at = [], 0
    for start, end in places:
        parts += [(text[at:start], True), (text[start:end], False)]
        at = end
    return [*parts, (text[at:], True)]


def choose(
    codec: HFCodec,
    given: GivenFormat = None,
    *,
    model: str = "",
    system: str | None = None,
    template: Mapping[str, Any] | None = None,
) -> Family:
    """The family of a tokenizer.

    As given, else by the model's name where nothing else would tell, by the special tokens there are, or by what the
    chat template mentions.

    Args:
        given: the name of a family, a pair of markers, or a family.
        model: the model's name.
        system: a system prompt in place of the family's; "" for none.
        template: further variables of the chat template.

    Raises:
        InputError: what was given is no family, or there is no chat template for a system prompt or variables.
    """
    family = _counted_by(codec, model) if given is None else _given(given)
    if system is None and not template:
        return family
    if not getattr(codec.tokenizer, "chat_template", None):
        raise InputError("This tokenizer has no chat template, so it can't take system= or template=; leave them out.")
    if not isinstance(system, str | None):
        raise InputError(f"system={system!r} is not a text; give the system prompt as one string.")
    if system is not None:
        check.text("system", system)
    if not isinstance(template, Mapping | None):
        raise InputError(
            f"template={template!r} is not a dict; give names of the chat template's variables and values."
        )
    chosen = family.system if system is None else system
    return dataclasses.replace(family, system=chosen, template={**family.template, **(template or {})})


def _given(given: Any) -> Family:
    if isinstance(given, Family):
        return given
    if isinstance(given, str):
        if given not in FAMILIES:
            raise InputError(f"There is no format called {given!r}. {did_you_mean(given, FAMILIES)}")
        return FAMILIES[given]
    if isinstance(given, Sequence) and len(given) == 2:
        return marked(*given)
    raise InputError(
        f"format={given!r} is not known; give a name ({', '.join(FAMILIES)}), two markers such as "
        "('<reasoning>', '</reasoning>'), or a Family."
    )


def _counted_by(codec: HFCodec, model: str) -> Family:
    for family in FAMILIES.values():
        if family.models and re.search(family.models, model.lower()):
            return family
    for family in FAMILIES.values():
        if all(codec.is_control_text(token) for token in first_tokens(family)):
            return family
    template = str(getattr(codec.tokenizer, "chat_template", None))
    return THINK if THINK.open in template or THINK.close in template else PLAIN
