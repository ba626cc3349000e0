"""Every family of reasoning models: tokenizer, chat template, texts as such a model writes them, a tiny random model.

Templates behave like the published ones; models have the quirks of their architecture on.
"""

from dataclasses import dataclass, field
from functools import cache

from tests.model import tiny

SENTENCE = "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>"
USER, ASSISTANT = "<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>"
LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
HARMONY = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>")
MISTRAL = ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]")
GEMMA = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
GEMMA4 = ("<bos>", "<eos>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>")

# What all templates of thinking models do with earlier turns: their thoughts are left out.
PAST = "{% set said = m.content.split('</think>')[-1].lstrip('\n') %}"
CHATML = (
    "{% for m in messages %}" + PAST + "<|im_start|>{{ m.role }}\n{{ said }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
)
R1 = (
    "{{ bos_token }}{% for m in messages %}" + PAST + "{% if m.role == 'system' %}{{ said }}"
    f"{{% elif m.role == 'user' %}}{USER}{{{{ said }}}}{{% else %}}{ASSISTANT}{{{{ said }}}}{SENTENCE[1]}{{% endif %}}"
    f"{{% endfor %}}{{% if add_generation_prompt %}}{ASSISTANT}<think>\n{{% endif %}}"
)
GPT_OSS = (
    "<|start|>system<|message|>Reasoning: {{ reasoning_effort | default('medium') }}\n\n"
    "# Valid channels: analysis, commentary, final.<|end|>{% for m in messages %}"
    "{% if m.role == 'system' %}<|start|>developer<|message|># Instructions\n\n{{ m.content }}<|end|>"
    "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
MAGISTRAL = (
    "<s>{% if messages[0].role == 'system' %}[SYSTEM_PROMPT]{{ messages[0].content }}[/SYSTEM_PROMPT]{% else %}"
    "[SYSTEM_PROMPT]Think first, like this: [THINK]thoughts[/THINK] Then answer.[/SYSTEM_PROMPT]{% endif %}"
    "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]{% endif %}{% endfor %}"
)
PHI4 = (
    "<|im_start|>system<|im_sep|>Answer in two parts: <think> thought </think> solution.<|im_end|>"
    "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}"
)
LLAMA3 = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA2 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GEMMA3 = (
    "{{ bos_token }}{% set first = '' %}{% if messages[0].role == 'system' %}"
    "{% set first = messages[0].content + '\n\n' %}{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ first if loop.first }}{{ m.content | trim }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GEMMA_4 = (
    "{{ bos_token }}{% if enable_thinking %}<|turn>system\n<|think|><turn|>\n{% endif %}"
    "{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content | trim }}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n{% if not enable_thinking %}<|channel>thought\n<channel|>{% endif %}"
    "{% endif %}"
)
SEED = (
    "{% for m in messages %}<seed:bos>{{ m.role }}\n{{ m.content }}<seed:eos>{% endfor %}"
    "{% if add_generation_prompt %}<seed:bos>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Fixture:
    """One family.

    Args:
        architecture: of `tiny`.
        kinds: per layer "F" (full attention) or "S" (sliding); "" where attention can't be masked.
        template, specials, markers: of the tokenizer; `markers` are added tokens that aren't special.
        bos, eos: of the tokenizer.
        form: name of the format that is to be found.
        said: what such a model writes after the template: a closed thought "First." and the answer "It is 19.".
        unclosed, empty, bare: the same with the thought "First. Then" open, with an empty thought, without a thought.
        opened: whether the template opens the thought.
        options: of `load`.
    """

    architecture: str
    kinds: str
    template: str
    specials: tuple
    said: str
    unclosed: str
    empty: str
    bare: str = "It is 19."
    eos: str = "<|im_end|>"
    bos: str | None = None
    markers: tuple = ()
    form: str = "think"
    opened: bool = False
    options: dict = field(default_factory=dict)


def think(architecture, kinds, template, specials, *, close="\n</think>\n\n", begin="<think>\n", **rest):
    """A family with <think>, whose template opens it if `begin` is empty."""
    end = rest.get("eos", "<|im_end|>")
    return Fixture(
        architecture, kinds, template, specials,
        said=f"{begin}First.{close}It is 19.{end}",
        unclosed=f"{begin}First. Then",
        empty=f"{begin}{close}It is 19.{end}",
        opened=not begin,
        **rest,
    )  # fmt: skip


ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
BOXED = "The final answer is \\boxed{19}<end_of_turn>"
TAGS = ("<think>", "</think>")
HYBRID = CHATML + "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
OPENED = CHATML + "<think>\n{% endif %}"
DEEPSEEK = {"eos": SENTENCE[1], "bos": SENTENCE[0], "begin": "", "markers": TAGS}
FIXTURES = {
    "qwen3": think("qwen3", "FFF", HYBRID, tiny.SPECIALS, markers=TAGS),
    "qwen3-thinking-2507": think("qwen3_moe", "FFF", OPENED, tiny.SPECIALS, markers=TAGS, begin=""),
    "qwq": think("qwen2", "FFF", OPENED, tiny.SPECIALS, markers=TAGS, begin=""),
    "qwen3.5": think("qwen3_5", "", OPENED, tiny.SPECIALS, markers=TAGS, begin=""),
    "deepseek-r1": think("deepseek_v3", "FFF", R1, (*SENTENCE, USER, ASSISTANT), **DEEPSEEK),
    "r1-distill-llama": think("llama3", "FFF", R1, (*SENTENCE, USER, ASSISTANT), **DEEPSEEK),
    "gpt-oss": Fixture(
        "gpt_oss", "SFS", GPT_OSS, HARMONY,
        said=f"{ANALYSIS}First.<|end|><|start|>assistant{FINAL}It is 19.<|return|>",
        unclosed=f"{ANALYSIS}First. Then",
        empty=f"{ANALYSIS}<|end|><|start|>assistant{FINAL}It is 19.<|return|>",
        bare=f"{FINAL}It is 19.<|return|>",
        eos="<|return|>", form="harmony",
    ),
    "olmo3-think": think(
        "olmo3", "SFS", "<|im_start|>system\nBe helpful.<|im_end|>\n" + CHATML + "<think>{% endif %}",
        tiny.SPECIALS, begin="",
    ),
    "magistral": Fixture(
        "mistral", "SSS", MAGISTRAL, MISTRAL,
        said="[THINK]First.[/THINK]It is 19.</s>", unclosed="[THINK]First. Then", empty="[THINK][/THINK]It is 19.</s>",
        eos="</s>", bos="<s>", form="brackets",
    ),
    "magistral-2509": Fixture(  # it also takes images
        "mistral3", "SSS", MAGISTRAL, MISTRAL,
        said="[THINK]First.[/THINK]It is 19.</s>", unclosed="[THINK]First. Then", empty="[THINK][/THINK]It is 19.</s>",
        eos="</s>", bos="<s>", form="brackets",
    ),
    "phi-4-reasoning": think("phi3", "SSS", PHI4, (*tiny.SPECIALS, "<|im_sep|>", *TAGS), close="</think>\n"),
    "phi-4-mini-reasoning": think(
        "phi3_long", "FFF", PHI4.replace("<think> thought </think> solution", "reasoning, answer"),
        (*tiny.SPECIALS, "<|im_sep|>"), options={"name": "microsoft/Phi-4-mini-reasoning"},
    ),
    "llama-nemotron": think(
        "llama", "FFF", LLAMA3, LLAMA, eos="<|eot_id|>", bos="<|begin_of_text|>", form="nemotron",
        options={"name": "nvidia/Llama-3.1-Nemotron-Nano-8B-v1"},
    ),
    "nemotron-3": think("nemotron_h", "", OPENED, (*tiny.SPECIALS, *TAGS), begin=""),
    "gemma-2": Fixture(
        "gemma2", "SFS", GEMMA2, GEMMA, said=f"First.\n{BOXED}", unclosed="First. Then",
        empty=BOXED, bare="", eos="<eos>", bos="<bos>", form="plain",
    ),
    "gemma-3": Fixture(
        "gemma3_images", "SFS", GEMMA3, GEMMA, said=f"First.\n{BOXED}", unclosed="First. Then",
        empty=BOXED, bare="", eos="<eos>", bos="<bos>", form="plain",
        options={"system": "Think step by step."},
    ),
    "gemma-4": Fixture(
        "gemma4", "SFF", GEMMA_4, GEMMA4, said="<|channel>thought\nFirst.\n<channel|>It is 19.<turn|>",
        unclosed="<|channel>thought\nFirst. Then", empty="<|channel>thought\n<channel|>It is 19.<turn|>",
        eos="<eos>", bos="<bos>", form="channel",
    ),
    "gemma-4-small": Fixture(
        "gemma4_shared", "SFSF", GEMMA_4, GEMMA4, said="<|channel>thought\nFirst.\n<channel|>It is 19.<turn|>",
        unclosed="<|channel>thought\nFirst. Then", empty="<|channel>thought\n<channel|>It is 19.<turn|>",
        eos="<eos>", bos="<bos>", form="channel",
    ),
    "seed-oss": Fixture(
        "seed_oss", "FFF", SEED, ("<seed:bos>", "<seed:eos>", "<seed:think>", "</seed:think>"),
        said="<seed:think>First.</seed:think>It is 19.<seed:eos>", unclosed="<seed:think>First. Then",
        empty="<seed:think></seed:think>It is 19.<seed:eos>", eos="<seed:eos>", form="seed",
    ),
    "markers of one's own": Fixture(
        "llama", "FFF", LLAMA3, LLAMA, said="<reasoning>\nFirst.\n</reasoning>\nIt is 19.<|eot_id|>",
        unclosed="<reasoning>First. Then", empty="<reasoning></reasoning>It is 19.<|eot_id|>",
        eos="<|eot_id|>", bos="<|begin_of_text|>", form="<reasoning>\u2026</reasoning>",
        options={"format": ("<reasoning>", "</reasoning>"), "system": "Think between <reasoning> and </reasoning>."},
    ),
}  # fmt: skip
PACKED = tuple(name for name, fixture in FIXTURES.items() if fixture.kinds)


@cache
def tokenizer(name):
    """The tokenizer of a family."""
    fixture = FIXTURES[name]
    made = tiny.tokenizer(fixture.template, fixture.specials, fixture.markers)
    made.eos_token = fixture.eos
    if fixture.bos is not None:
        made.bos_token = fixture.bos
    return made


@cache
def model(name):
    """The loaded model of a family, shared by all tests of a process."""
    from cotlens.models.local.model import LocalModel

    made = tokenizer(name)
    hf = tiny.hf_model(FIXTURES[name].architecture, len(made))
    return LocalModel(hf, made, **FIXTURES[name].options)
