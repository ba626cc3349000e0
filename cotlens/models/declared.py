"""What a loaded model's files say of it: where sequences end, how it is sampled, which weights it holds."""

from __future__ import annotations

import hashlib
from typing import Any

from cotlens.models.placement import present


def auto_class(config: Any) -> Any:
    """The class of transformers that makes a language model of a config, images left aside.

    Some language models come only as the text half of one that also takes images (Magistral 2509).
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

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


def sampling_defaults(hf: Any) -> tuple[float, float]:
    """(temperature, top_p) that the model's makers recommend, 1 where they are silent."""
    config = hf.generation_config
    if config is None or not getattr(config, "do_sample", False):
        return 1.0, 1.0
    temperature, top_p = config.temperature, config.top_p
    return 1.0 if temperature is None else float(temperature), 1.0 if top_p is None else float(top_p)


def precision(hf: Any) -> str:
    """What weights are computed in, and how they are kept where that is less: "bfloat16", "bfloat16, 4bit"."""
    computed = str(hf.dtype).removeprefix("torch.")
    for bits in ("8bit", "4bit"):
        if getattr(hf, f"is_loaded_in_{bits}", False):
            return f"{computed}, {bits}"
    quantizer = getattr(hf, "hf_quantizer", None)
    if quantizer is None:
        return computed
    method = quantizer.quantization_config.quant_method
    return f"{computed}, {getattr(method, 'value', method)}"


def fingerprint(hf: Any) -> str:
    """Identity of weights without a commit: a hash of names, shapes and a sample of every parameter."""
    digest = hashlib.sha256()
    tied = getattr(hf, "all_tied_weights_keys", None) or {}
    for path, module in hf.named_modules():
        with present(module):
            for part, parameter in module.named_parameters(recurse=False):
                name = f"{path}.{part}" if path else part
                if name in tied:
                    continue
                flat = parameter.detach().reshape(-1)
                sample = flat[:: max(1, flat.numel() // 64)][:64].float().cpu().numpy()
                digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return f"weights:{digest.hexdigest()[:12]}"
