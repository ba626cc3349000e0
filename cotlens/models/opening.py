"""Opening a model on the local backend: shipped weights, folders, Hugging Face ids, loaded pairs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.models.local import LocalModel

if TYPE_CHECKING:
    from cotlens.trace.answers import AnswerReader


def open_local(
    name: str | Path | tuple[Any, Any],
    *,
    reader: AnswerReader | None = None,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    format: str | None = None,
    score: str = "auto",
    memory: int | None = None,
    store: str | os.PathLike[str] | bool | None = None,
) -> LocalModel:
    """A model in this process.

    Args:
        name, reader, revision: as for `load`.
        device: "cpu", "cuda", ...; default a GPU where there is one. A loaded pair stays where it is.
        dtype: "float32", "bfloat16", ...; default float32 on a CPU and what the checkpoint holds elsewhere.
        format, score, memory, store: as for `LocalModel`.
    """
    options: dict[str, Any] = {"format": format, "score": score, "memory": memory, "store": store}
    if isinstance(name, tuple):
        if len(name) != 2:
            raise InputError(f"A loaded pair is (model, tokenizer); {len(name)} things were given.")
        return LocalModel(name[0], name[1], reader=reader, revision=revision, **options)
    text = str(name)
    if text in _shipped():
        from cotlens.models import abacus
        from cotlens.trace import Number

        pair = abacus.load_pair(text)
        pair[0].to(_device(device)).to(_dtype(dtype) or pair[0].dtype)
        return LocalModel(*pair, name=text, reader=reader or Number(), **options)
    pair = _from_transformers(text, device, dtype, revision)
    return LocalModel(*pair, name=text, reader=reader, **options)


def _shipped() -> list[str]:
    from cotlens.models import abacus

    return list(abacus.names())


def _from_transformers(name: str, device: str | None, dtype: str | None, revision: str | None) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _refuse_unlikely(name)
    where = _device(device)
    kind = _dtype(dtype) or ("float32" if where == "cpu" else "auto")
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        model = AutoModelForCausalLM.from_pretrained(name, revision=revision, dtype=kind)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if Path(name).exists():
            raise BackendError(
                f"The folder {name!r} holds no causal LM that transformers can load: {reason}"
            ) from error
        raise InputError(
            f"There is no model {name!r} here, and it could not be had from Hugging Face ({reason}). "
            f"{did_you_mean(name, _near())}"
        ) from error
    return model.to(where), tokenizer


def _refuse_unlikely(name: str) -> None:
    """Refuse, without asking the network, what looks like a slip of the pen."""
    import difflib

    shipped = _shipped()
    is_path = Path(name).exists()
    if not name.strip():
        raise InputError(f"The model name is empty. {did_you_mean(name, shipped)}")
    if not is_path and "/" not in name and difflib.get_close_matches(name.lower(), shipped, cutoff=0.6):
        raise InputError(f"There is no model called {name!r}. {did_you_mean(name, shipped)}")
    if not is_path and name.startswith((".", "/", "~")):
        raise InputError(f"There is no folder {name!r}; give a folder that holds config.json, weights and a tokenizer.")


def _near() -> list[str]:
    """Names that work without a network: shipped models and what Hugging Face has cached."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cached = [repo.repo_id for repo in scan_cache_dir().repos if repo.repo_type == "model"]
    except (CacheNotFound, OSError, ValueError):
        cached = []
    return [*_shipped(), *cached]


def _device(given: str | None) -> str:
    import torch

    if given is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return str(torch.device(given))
    except RuntimeError as error:
        raise InputError(f"device={given!r} is not known to torch; use 'cpu' or 'cuda'.") from error


def _dtype(given: str | None) -> Any:
    import torch

    if given is None:
        return None
    found = getattr(torch, str(given).removeprefix("torch."), None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError(f"dtype={given!r} is not known; choose 'float32', 'bfloat16' or 'float16'.")
    return found
