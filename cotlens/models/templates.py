"""Chat templates: which family a tokenizer belongs to, and what a template puts around a prompt."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cotlens._core import check
from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.models.codec import HFCodec
from cotlens.models.families import FAMILIES, PLAIN, THINK, Family, first_tokens, marked

_SLOT = "COTLENS0PROMPT0SLOT"  # stands for the prompt while the chat template is rendered
GivenFormat = str | tuple[str, str] | Family | None


def around_prompt(tokenizer: Any, family: Family) -> tuple[str, str]:
    """The chat template's text before and after the user's prompt.

    Raises:
        BackendError: the template failed, or left the prompt out.
    """
    messages = [{"role": "user", "content": _SLOT}]
    if family.system:
        messages.insert(0, {"role": "system", "content": family.system})
    variables = {"enable_thinking": True, "thinking": True, **family.template}
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **variables)
    except Exception as error:
        remedy = "without system=, or with format='plain'" if family.system else "with format='plain'"
        raise BackendError(f"The chat template of this tokenizer failed ({error}); load the model {remedy}.") from error
    head, slot, tail = text.rpartition(_SLOT)
    if not slot:
        raise BackendError(
            "The chat template of this tokenizer left the prompt out; load the model with format='plain'."
        )
    return head, tail


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
    family = _told(codec, model) if given is None else _given(given)
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


def _told(codec: HFCodec, model: str) -> Family:
    for family in FAMILIES.values():
        if family.models and re.search(family.models, model.lower()):
            return family
    for family in FAMILIES.values():
        if all(codec.special(token) for token in first_tokens(family)):
            return family
    template = str(getattr(codec.tokenizer, "chat_template", None))
    return THINK if THINK.open in template or THINK.close in template else PLAIN
