"""How families of reasoning models mark their thoughts: data only.

Sources: the chat templates and documentation of the models named, vLLM's reasoning parsers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """The markers of one family.

    Args:
        name: short, as in `load(..., format=name)`.
        open, close: what begins and ends a thought; "" for none.
        answer: what begins the answer, where it has a marker of its own.
        special: whether the markers hold special tokens and are looked for as ids; otherwise they are ordinary text.
        after_open, before_close, after_close: whitespace that belongs to the format.
        to_answer: marker text between the close and `after_close` when a thought is closed on the model's behalf.
        stops: special tokens that end a turn, beside those that the model declares itself.
    """

    name: str
    open: str
    close: str
    answer: str = ""
    special: bool = True
    after_open: str = "\n"
    before_close: str = "\n"
    after_close: str = "\n\n"
    to_answer: str = ""
    stops: tuple[str, ...] = ()


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
)
CHANNEL = Family(  # Gemma 4
    "channel", open="<|channel>thought", close="<channel|>", before_close="\n", after_close="", stops=("<turn|>",)
)
BRACKETS = Family(
    "brackets", open="[THINK]", close="[/THINK]", after_open="", before_close="", after_close=""
)  # Magistral
SEED = Family("seed", open="<seed:think>", close="</seed:think>", stops=("<seed:eos>",))  # Seed-OSS
THINK = Family("think", open="<think>", close="</think>")  # Qwen3, DeepSeek-R1, GLM, Nemotron, Phi-4
THINK_TEXT = Family("think-text", open="<think>", close="</think>", special=False)  # OLMo 3: markers are ordinary text
PLAIN = Family(
    "plain", open="<think>", close="</think>", special=False, after_open="", before_close="", after_close="\n"
)

FAMILIES = {family.name: family for family in (HARMONY, CHANNEL, BRACKETS, SEED, THINK, THINK_TEXT, PLAIN)}

TURN_ENDS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",  # DeepSeek
    "</s>",
)
"""Special tokens that end a turn in any family that has them."""
