"""Why a model could not be opened, in one sentence each; what transformers and the Hub raise is many lines long."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cotlens._core import check
from cotlens._core.errors import BackendError, CotLensError, InputError, OutOfMemory, did_you_mean

_ADAPTERS = "adapter_config.json"  # of PEFT


def unlikely(name: str, shipped: Sequence[str]) -> None:
    """Refuse, without asking the network, what looks like a slip of the pen."""
    is_path = bool(name.strip()) and check.path("name", name, of="load").exists()
    if not name.strip():
        raise InputError(f"The model name is empty. {did_you_mean(name, shipped)}")
    if not is_path and "/" not in name and difflib.get_close_matches(name.lower(), shipped, cutoff=0.6):
        raise InputError(f"There is no model called {name!r}. {did_you_mean(name, shipped)}")
    if not is_path and (name.startswith((".", "/", "~")) or name.lower().endswith(".gguf")):
        what = "file" if name.lower().endswith(".gguf") else "folder"
        raise InputError(
            f"There is no {what} {name!r}; give a folder that holds config.json, weights and a tokenizer, or a GGUF."
        )


def refusal(name: str, error: BaseException, shipped: Sequence[str]) -> CotLensError:
    """What to raise for an error while `name` was loaded."""
    from huggingface_hub import errors as hub
    from huggingface_hub.constants import ENDPOINT
    from torch import OutOfMemoryError

    chain = list(_chain(error))
    text = " ".join(str(error).split())
    if any(isinstance(one, OutOfMemoryError) for one in chain):
        return OutOfMemory(
            f"{name!r} does not fit into the memory of the device; give device_map='auto' or quantization='4bit', and "
            "see load(..., dry_run=True) for what it needs."
        )
    if any(isinstance(one, hub.GatedRepoError) for one in chain):
        return BackendError(
            f"{name!r} is gated: ask for access at {ENDPOINT}/{name}, then log in with `hf auth login` or set HF_TOKEN."
        )
    if "trust_remote_code" in text or "custom code" in text:
        return BackendError(
            f"{name!r} brings code of its own, which CoTLens doesn't run; load it with transformers yourself and give "
            "load((model, tokenizer))."
        )
    if (Path(name) / _ADAPTERS).exists():
        return BackendError(
            f"The folder {name!r} holds adapters without the model they belong to; load that with transformers, put "
            "them on it with PEFT's PeftModel.from_pretrained, and give load((model, tokenizer))."
        )
    if Path(name).exists():
        what = "folder" if Path(name).is_dir() else "file"
        return BackendError(f"The {what} {name!r} holds no causal LM that transformers can load: {first_line(error)}")
    if any(isinstance(one, ImportError) for one in chain):
        return BackendError(f"{name!r} needs a package that is not installed: {text[:300]}")
    return InputError(
        f"There is no model {name!r} here, and it could not be had from Hugging Face ({_why(chain)}). "
        f"{did_you_mean(name, [*shipped, *_cached()])}"
    )


def _why(chain: Sequence[BaseException]) -> str:
    from huggingface_hub import constants
    from huggingface_hub import errors as hub

    if any(isinstance(one, hub.RevisionNotFoundError) for one in chain):
        return "it has no such revision"
    if any(isinstance(one, hub.RepositoryNotFoundError) for one in chain):
        return "it isn't there, or it is private and you are not logged in"
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set, and it is not in the cache"
    if any(isinstance(one, (hub.LocalEntryNotFoundError, ConnectionError, TimeoutError)) for one in chain):
        return f"{constants.ENDPOINT} can't be reached; connect, or give a folder that holds the model"
    return first_line(chain[0])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def first_line(error: BaseException) -> str:
    """What an error says first, with the line that it announces."""
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def _cached() -> list[str]:
    """Names that work without a network: what Hugging Face has cached."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return [repo.repo_id for repo in scan_cache_dir().repos if repo.repo_type == "model"]
    except (CacheNotFound, OSError, ValueError):
        return []
