"""How families of reasoning models mark their thoughts: data only.

Sources: the chat templates and documentation of the models named, vLLM's reasoning parsers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cotlens._core.errors import InputError


@dataclass(frozen=True)
class Family:
    """The markers of one family.

    Whether a marker is one token or ordinary text is the tokenizer's affair, see `chat_formats.format.Format`.

    Args:
        name: short, as in `load(..., format=name)`.
        open, close: what begins and ends a thought; "" for none.
        answer: what begins the answer, where it has a marker of its own.
        after_open, before_close, after_close: whitespace that belongs to the format.
        to_answer: marker text between the close and `after_close` when a thought is closed on the model's behalf.
        stops: special tokens that end a turn, beside those that the model declares itself.
        system: the system prompt without which there is no thought; "" where none is needed.
        template: variables of the chat template that ask for a thought, beside `enable_thinking` and `thinking`.
        before_open: what stands between a prompt and the marker where there is no chat template, tokenised with the
            prompt; None for a line break by itself.
        channels: whether all that the model writes are messages with a channel each; see `harmony`.
        models: a regular expression on the model's name, for families that no tokenizer and no template gives away.
    """

    name: str
    open: str
    close: str
    answer: str = ""
    after_open: str = "\n"
    before_close: str = "\n"
    after_close: str = "\n\n"
    to_answer: str = ""
    stops: tuple[str, ...] = ()
    system: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)
    models: str = ""
    channels: bool = False
    before_open: str | None = None


HARMONY = Family(  # gpt-oss
    "harmony",
    open="<|channel|>analysis<|message|>",
    close="<|end|>",
    answer="<|channel|>final<|message|>",
    after_open="",
    before_close="",
    after_close="",
    to_answer="<|start|>assistant<|channel|>final<|message|>",
    stops=("<|return|>", "<|call|>"),
    channels=True,
)
CHANNEL = Family(  # Gemma 4
    "channel", open="<|channel>thought", close="<channel|>", before_close="\n", after_close="", stops=("<turn|>",)
)
BRACKETS = Family(  # Magistral
    "brackets", open="[THINK]", close="[/THINK]", after_open="", before_close="", after_close=""
)
SEED = Family("seed", open="<seed:think>", close="</seed:think>", stops=("<seed:eos>",))  # Seed-OSS
THINK = Family(  # Qwen3, QwQ, DeepSeek-R1 and its distills, OLMo 3, Phi-4, GLM, Nemotron 3
    "think", open="<think>", close="</think>", models=r"phi-4-mini-.*reasoning"
)
NEMOTRON = Family(  # on Llama 3.x
    "nemotron",
    open="<think>",
    close="</think>",
    system="detailed thinking on",
    models=r"llama-3.*nemotron-(nano|super|ultra)(?!.*v1[._]5)",
)
PLAIN = Family("plain", open="<think>", close="</think>", after_open="", before_close="", after_close="\n")

# The order in which tokenizers are held to them: `NEMOTRON` and `PLAIN` have the markers of `THINK`.
FAMILIES = {family.name: family for family in (HARMONY, CHANNEL, BRACKETS, SEED, THINK, NEMOTRON, PLAIN)}

TURN_ENDS = (
    "<|im_end|>",
    "<|end|>",  # Phi-4-mini
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",  # DeepSeek
    "</s>",
)
"""Special tokens that end a turn in any family that has them."""


def first_tokens(family: Family) -> list[str]:
    """What would be a special token at the beginning of each of a family's markers."""
    return [_leading(text) for text in (family.open, family.close) if text]


def _leading(marker: str) -> str:
    closer = {"<": ">", "[": "]"}.get(marker[0])
    return marker[: marker.index(closer) + 1] if closer is not None and closer in marker else marker


CONTROL_TEXTS = frozenset(
    (*TURN_ENDS, *(text for family in FAMILIES.values() for text in (*first_tokens(family), *family.stops)))
)
"""What is a control token wherever it is a token of its own, whether or not the tokenizer calls it special."""


def marked(open: str, close: str) -> Family:
    """The family of models that were asked to think between two markers of the user's own.

    Raises:
        InputError: a marker is empty, or they are one and the same.
    """
    for marker in (open, close):
        if not isinstance(marker, str) or not marker.strip():
            raise InputError(f"{marker!r} can't mark a thought; give two texts such as '<reasoning>', '</reasoning>'.")
    if open == close:
        raise InputError(f"{open!r} can't both begin and end a thought; give two different markers.")
    return Family(f"{open}\u2026{close}", open, close)


__all__ = ["CONTROL_TEXTS", "FAMILIES", "PLAIN", "THINK", "TURN_ENDS", "Family", "first_tokens", "marked"]
