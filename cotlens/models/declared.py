"""What a loaded model's files say of it: where sequences end, how it is sampled, which weights it holds."""

from __future__ import annotations

import hashlib
from typing import Any


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


def fingerprint(hf: Any) -> str:
    """Identity of weights without a commit: a hash of names, shapes and a sample of every parameter."""
    digest = hashlib.sha256()
    for name, parameter in hf.named_parameters():
        flat = parameter.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // 64)][:64].float().cpu().numpy()
        digest.update(f"{name}{tuple(parameter.shape)}".encode() + sample.tobytes())
    return f"weights:{digest.hexdigest()[:12]}"
