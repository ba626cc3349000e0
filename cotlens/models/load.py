"""`cl.load`: a model by name, folder, or as a loaded pair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens._core.registry import Registry

if TYPE_CHECKING:
    from cotlens.models.contract import Model
    from cotlens.trace.answers import AnswerReader

BACKENDS = Registry("backend", {"local": "cotlens.models.local:LocalModel"})


def load(
    name: str | Path | tuple[Any, Any],
    *,
    backend: str = "local",
    reader: AnswerReader | None = None,
    device: str | None = None,
    dtype: str | None = None,
    revision: str | None = None,
    **options: Any,
) -> Model:
    """Load a model.

    Args:
        name: "abacus" (shipped), a Hugging Face id, a local directory, or a loaded (model, tokenizer) pair.
        backend: "local".
        reader: how its answers are read; default `Number` for shipped models, `Boxed` for others.
        device: "cpu", "cuda", ...; default a GPU where there is one. A loaded pair stays where it is.
        dtype: "float32", "bfloat16", ...; default float32 on a CPU and what the checkpoint holds elsewhere.
        revision: branch, tag or commit of a Hugging Face id.
        options: `format`, `score`, `memory`, `store`, as in `LocalModel`.

    Raises:
        InputError: the name or an option is not known; near names are suggested.
        BackendError: the files are there but can't be loaded.
    """
    kind = BACKENDS.get(backend)
    if isinstance(name, tuple):
        if len(name) != 2:
            raise InputError(f"A loaded pair is (model, tokenizer); {len(name)} things were given.")
        return kind(name[0], name[1], reader=reader, revision=revision, **_known(options))
    text = str(name)
    _known(options)
    if text in _shipped():
        from cotlens.models import abacus
        from cotlens.trace import Number

        pair = abacus.load_pair(text)
        pair[0].to(_device(device)).to(_dtype(dtype) or pair[0].dtype)
        return kind(*pair, name=text, reader=reader or Number(), **options)
    pair = _from_transformers(text, device, dtype, revision)
    return kind(*pair, name=text, reader=reader, **options)


def _shipped() -> list[str]:
    from cotlens.models import abacus

    return list(abacus.names())


def _known(options: dict[str, Any]) -> dict[str, Any]:
    allowed = ("format", "score", "memory", "store")
    for option in options:
        if option not in allowed:
            raise InputError(f"load has no option {option!r}. {did_you_mean(option, allowed)}")
    return options


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
