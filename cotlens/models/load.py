"""`cl.load`: a model by name, folder, or as a loaded pair, on a backend."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core import check
from cotlens._core.errors import CapabilityError, InputError, did_you_mean
from cotlens._core.registry import Registry
from cotlens.models.contract.capability import Capability, remedy

# nnsight will put a `save` on every object, which these classes of anyio (below every asynchronous client of httpx, and
# made when first used) can't bear while they are made: they are made before it, unless nnsight was there first.
with suppress(TypeError):
    import anyio.streams.file
    import anyio.streams.tls  # noqa: F401
    from anyio.abc import SocketAttribute  # noqa: F401

if TYPE_CHECKING:
    from cotlens.models.contract import Model
    from cotlens.trace.answers import AnswerReader

BACKENDS = Registry(
    "backend",
    {
        "local": "cotlens.models.local.loading.opening:open_local",
        "ndif": "cotlens.models.ndif.opening:open_ndif",
        "vllm": "cotlens.models.endpoint.opening:open_endpoint",
    },
)

DECIDING = ("format", "system", "template", "dtype", "latent")
"""Options that decide what is read and written; the others say where and how fast."""


def load(
    name: str | Path | tuple[Any, Any],
    *,
    backend: str = "local",
    reader: AnswerReader | None = None,
    revision: str | None = None,
    **options: Any,
) -> Model:
    """Load a model.

    Args:
        name: "abacus" (shipped), a Hugging Face id, a local directory, a GGUF file, or a loaded (model, tokenizer)
            pair. A GGUF is dequantised, and needs the extra `cotlens[gguf]`.
        backend: "local" (in this process), "ndif" (on NDIF or a server like it) or "vllm" (a server that speaks
            OpenAI's completions, or without `endpoint` vLLM in this process).
        reader: how its answers are read; default `Number` for shipped models, `FinalAnswer` for others.
        revision: branch, tag or commit of a Hugging Face id.
        options: of the backend; for "local" those of `local.loading.opening.open_local`: `device`, `device_map`,
            `max_memory`, `offload_folder`, `dtype`, `quantization`, `format`, `system`, `template`, `score`, `memory`,
            `store`, `latent` for a checkpoint that thinks in latents ("coconut", "codi") or softly ("soft"), and
            `dry_run`, which loads nothing and returns a `Plan`; for "ndif" those of `ndif.opening.open_ndif`: `host`,
            `files`, `format`, `system`, `template`, `score`, `store`; for "vllm" those of
            `endpoint.opening.open_endpoint`: `endpoint`, `tokenizer`, `context_length`, `format`, `system`,
            `template`, `store`, `together`, `timeout`, `retries`, `key`, `dtype`, `engine`.

    Raises:
        InputError: the name or an option is not known; near names are suggested.
        BackendError: the files are there but can't be loaded.
    """
    opened = BACKENDS.get(check.text("backend", backend))
    revision = None if revision is None else check.text("revision", revision)
    allowed = [p.name for p in inspect.signature(opened).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if "latent" in options and "latent" not in allowed:
        raise CapabilityError(f"backend={backend!r} can't think in latents; {remedy(Capability.LATENT, str(backend))}.")
    for option in options:
        if option not in allowed:
            raise InputError(f"load has no option {option!r} for backend={backend!r}. {did_you_mean(option, allowed)}")
    model = opened(name, reader=reader, revision=revision, **options)
    if not options.get("dry_run"):
        model.asked = {name: _as_text(options[name]) for name in DECIDING if options.get(name) is not None}
    return model


def _as_text(option: Any) -> Any:
    """An option as a literal where there is one: a dtype by its name."""
    return str(option).removeprefix("torch.") if type(option).__module__ == "torch" else option
