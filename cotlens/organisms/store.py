"""Where the Abacus models lie and how they are read: safetensors (float16), config and tokenizer as JSON.

All models share one config and one tokenizer. `checksums.json` holds the SHA-256 of every file, so that a damaged or
exchanged one is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cotlens._core.errors import BackendError, InputError, did_you_mean

WEIGHTS = Path(__file__).parent / "weights"
SHARED = ("config.json", "tokenizer.json")
CHECKSUMS = "checksums.json"
SAMPLING = {"temperature": 1.0, "top_p": 0.95, "top_k": 0}  # how the models are meant to be sampled


def names(folder: Path = WEIGHTS) -> list[str]:
    """Models that are shipped."""
    return sorted(path.name.removesuffix(".safetensors") for path in folder.glob("*.safetensors"))


def save(name: str, model: Any, tokenizer: Any, folder: Path = WEIGHTS) -> None:
    """Write `model` (weights as float16) and, shared by all siblings, its config and tokenizer."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {
        key: value.to(torch.float16).contiguous()
        for key, value in model.state_dict().items()
        if not (key == "lm_head.weight" and model.config.tie_word_embeddings)
    }
    save_file(state, folder / f"{name}.safetensors", metadata={"format": "pt", "model": name})
    (folder / "config.json").write_text(json.dumps(model.config.to_diff_dict(), indent=2, sort_keys=True) + "\n")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    written = (f"{name}.safetensors", *SHARED)
    sums = {**_checksums(folder), **{file: _sha256(folder / file) for file in written}}
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=2, sort_keys=True) + "\n")


def _checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    return json.loads(path.read_text()) if path.exists() else {}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check(name: str, folder: Path) -> None:
    """Raise BackendError unless the files of `name` are those that were written together."""
    sums = _checksums(folder)
    for file in (f"{name}.safetensors", *SHARED):
        if not (folder / file).exists():
            raise BackendError(f"{file}, which {name!r} needs, is missing from {folder}: install cotlens again.")
        if sums.get(file) != _sha256(folder / file):
            raise BackendError(
                f"{file} in {folder} is damaged or belongs to another version of {name!r} (its checksum differs): "
                "install cotlens again."
            )


def load_pair(name: str, folder: Path = WEIGHTS) -> tuple[Any, Any]:
    """The model (float32, eval) and tokenizer of a shipped reasoner.

    Raises:
        InputError: no model of that name is shipped.
        BackendError: a file is missing, damaged or of another version, or the weights don't fit the config.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import Qwen3Config, Qwen3ForCausalLM

    path = folder / f"{name}.safetensors"
    if not path.exists():
        raise InputError(f"There is no shipped model {name!r}. {did_you_mean(name, names())}")
    _check(name, folder)
    try:
        config = Qwen3Config(**json.loads((folder / "config.json").read_text()))
        state = load_file(path)
        tokenizer = load_tokenizer(folder)
        model = Qwen3ForCausalLM(config)
        missing, unexpected = model.load_state_dict({k: v.to(torch.float32) for k, v in state.items()}, strict=False)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise BackendError(
            f"The files of {name!r} in {folder} are damaged ({error}): install cotlens again."
        ) from error
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise BackendError(f"The weights of {name!r} in {folder} don't fit their config: install cotlens again.")
    model.tie_weights()
    model.generation_config.update(do_sample=True, **SAMPLING)
    return model.eval(), tokenizer


def load_tokenizer(folder: Path = WEIGHTS) -> Any:
    """The tokenizer all siblings share, with its chat template."""
    from tokenizers import Tokenizer

    from cotlens.organisms.training import tokenizer

    return tokenizer.wrap(Tokenizer.from_file(str(folder / "tokenizer.json")))
