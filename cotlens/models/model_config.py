"""What a loaded model's files say of it: where sequences end, how it is sampled, which commit they are of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cotlens._core.registry import resolve

LOOPED = {
    "huginn_raven": (
        "cotlens.models.local.depth.huginn:HuginnConfig",
        "cotlens.models.local.depth.huginn:HuginnForCausalLM",
    ),
    "ouro": ("cotlens.models.local.depth.ouro:OuroConfig", "cotlens.models.local.depth.ouro:OuroForCausalLM"),
}
"""Types of models that transformers has no code for, and this package has: their config and their model."""
_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
_USUAL = (1.0, 1.0, 50)  # temperature, top_p and top_k that transformers takes where a model that samples doesn't say


def auto_class(config: Any) -> Any:
    """The class of transformers that makes a language model of a config, images left aside.

    Some language models come only as the text half of one that also takes images (Magistral 2509).
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    if config.model_type in LOOPED:
        return resolve(LOOPED[config.model_type][1])
    kinds = (AutoModelForCausalLM, AutoModelForImageTextToText)
    return next((kind for kind in kinds if type(config) in kind._model_mapping), AutoModelForCausalLM)


def eos(hf: Any, tokenizer: Any) -> list[int]:
    """Ids that end a sequence."""
    declared = [
        getattr(hf.generation_config, "eos_token_id", None),
        getattr(hf.config, "eos_token_id", None),
        tokenizer.eos_token_id,
    ]
    flat = [
        token for entry in declared if entry is not None for token in (entry if isinstance(entry, list) else [entry])
    ]
    return [int(token) for token in flat]


@dataclass(frozen=True)
class Defaults:
    """How a model is sampled where nothing else is asked for.

    Args:
        temperature, top_p, top_k: see `sampling.Sampling`.
        ignored: other settings of its generation config that change what is written and are not followed here.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    ignored: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, float | int]:
        """As a provenance has them."""
        return {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}

    def notes(self) -> list[str]:
        """What a trace says of settings that were not followed."""
        if not self.ignored:
            return []
        said = ", ".join(f"{name}={value!r}" for name, value in self.ignored.items())
        return [f"The model's generation config asks for {said}, which is not followed here."]


# Settings of transformers' generation that change a text, and the values at which they do nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "min_p": (0, 0.0), "typical_p": (1, 1.0), "top_h": (), "epsilon_cutoff": (0, 0.0), "eta_cutoff": (0, 0.0),
    "repetition_penalty": (1, 1.0), "no_repeat_ngram_size": (0,), "bad_words_ids": (), "sequence_bias": (),
    "suppress_tokens": (), "begin_suppress_tokens": (), "forced_bos_token_id": (), "forced_eos_token_id": (),
    "min_length": (0,), "min_new_tokens": (0,), "exponential_decay_length_penalty": (), "stop_strings": (),
    "num_beams": (1,), "penalty_alpha": (0, 0.0), "guidance_scale": (1, 1.0), "dola_layers": (),
    "watermarking_config": (),
}  # fmt: skip


def sampling_defaults(hf: Any) -> Defaults:
    """What the model's makers recommend, as transformers would follow it.

    Where sampling is on and the number of likeliest tokens isn't given, transformers takes 50. Where they don't
    recommend sampling, it is plain: temperature 1, all tokens.
    """
    config = hf.generation_config
    if config is None:
        return Defaults()
    given = {name: getattr(config, name, None) for name in _NEUTRAL}
    ignored = {name: given[name] for name, same in _NEUTRAL.items() if given[name] not in (None, [], {}, *same)}
    if not getattr(config, "do_sample", False):
        return Defaults(ignored=ignored)
    told = [getattr(config, name, None) for name in ("temperature", "top_p", "top_k")]
    temperature, top_p, top_k = (usual if one is None else one for one, usual in zip(told, _USUAL, strict=True))
    return Defaults(float(temperature), float(top_p), int(top_k), ignored)


def quantised(hf: Any) -> bool:
    """Whether weights are kept in fewer bits than they are computed in; those of a GGUF may be whole by now."""
    quantizer = getattr(hf, "hf_quantizer", None)
    return quantizer is not None and not (
        _method(quantizer) == "gguf" and all(weight.is_floating_point() for weight in hf.parameters())
    )


def precision(hf: Any, kept: str = "") -> str:
    """What weights are computed in, and how they are or were kept where that is less: "float32, from a Q4_1 GGUF".

    Args:
        kept: how the file that they come from keeps them, where the model can't tell.
    """
    computed = str(hf.dtype).removeprefix("torch.")
    for bits in ("8bit", "4bit"):
        if getattr(hf, f"is_loaded_in_{bits}", False):
            return f"{computed}, {bits}"
    quantizer = getattr(hf, "hf_quantizer", None)
    if quantised(hf):
        return f"{computed}, {_method(quantizer)}"
    return f"{computed}, from a {kept} GGUF" if kept else computed if quantizer is None else f"{computed}, from a GGUF"


def _method(quantizer: Any) -> str:
    method = quantizer.quantization_config.quant_method
    return str(getattr(method, "value", method))


def commit(name: str, revision: str | None) -> str:
    """The commit of the Hugging Face repository that a model's config came from; "" where it came from elsewhere.

    Args:
        name: what it was loaded by: a repository, or a folder, which may lie in the hub's cache.
    """
    from huggingface_hub import try_to_load_from_cache

    file: Any = Path(name) if Path(name).exists() else try_to_load_from_cache(name, "config.json", revision=revision)
    found = re.search(r"snapshots[/\\]([0-9a-f]{40})(?:[/\\]|$)", str(file))
    return found[1] if found else ""


def commit_of_pair(config: Any) -> str:
    """The commit that a loaded model came from, as far as it can be told afterwards; "" where it can't.

    Configs of older versions of transformers say it. Else it is the one commit of its repository that the hub's cache
    holds, if that is only one.
    """
    from huggingface_hub import constants

    told, name = getattr(config, "_commit_hash", None), str(getattr(config, "_name_or_path", "") or "")
    if told or not _REPOSITORY.fullmatch(name) or Path(name).exists():
        return str(told or "")
    folder = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots"
    commits = [path.name for path in folder.glob("*")]
    return commits[0] if len(commits) == 1 else ""
