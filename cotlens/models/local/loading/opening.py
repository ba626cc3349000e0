"""Opening a model on the local backend: shipped weights, folders, Hugging Face ids, loaded pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from cotlens._core.errors import CotLensError, InputError
from cotlens.models import load_errors, shipped
from cotlens.models.local.latents import soft
from cotlens.models.local.latents.checkpoints.opening import LatentCheckpoint, given, opened
from cotlens.models.local.loading import planning, steps
from cotlens.models.local.loading.settings import DeviceMap, Loading
from cotlens.models.local.model import LocalModel
from cotlens.models.model_config import LOOPED, commit
from cotlens.models.model_files import ModelFiles

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat
    from cotlens.trace.answers import AnswerReader

T = TypeVar("T")
# What transformers and the Hub raise for a model that can't be had; RuntimeError holds running out of memory, and a
# file of weights that was cut off is a SafetensorError, settings that contradict each other a StrictDataclassError.
_REFUSED = (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError, StrictDataclassError)


def open_local(
    name: str | Path | tuple[Any, Any],
    *,
    reader: AnswerReader | None = None,
    revision: str | None = None,
    device: str | None = None,
    device_map: DeviceMap | None = None,
    max_memory: Mapping[Any, Any] | None = None,
    offload_folder: str | os.PathLike[str] | None = None,
    dtype: str | None = None,
    quantization: str | None = None,
    format: GivenFormat = None,
    system: str | None = None,
    template: Mapping[str, Any] | None = None,
    score: str = "auto",
    memory: int | None = None,
    store: str | os.PathLike[str] | bool | None = None,
    latent: str | LatentCheckpoint | None = None,
    dry_run: bool = False,
) -> LocalModel | planning.Plan:
    """A model in this process.

    Args:
        name, reader, revision: as for `load`.
        device: "cpu", "cuda", ...; default a GPU where there is one. A loaded pair stays where it is.
        device_map: in place of `device`, to spread a model over GPUs and offload what does not fit: "auto", or module
            names to devices, "cpu" or "disk". Needs accelerate.
        max_memory: how much "auto" may take of each device, {0: "20GiB", "cpu": "60GiB"}.
        offload_folder: where weights go that are offloaded to disk, if their files can't be read in place.
        dtype: "float32", "bfloat16", ...; default float32 on a CPU and what the checkpoint holds elsewhere.
        quantization: "8bit" or "4bit" (NF4), by bitsandbytes.
        format, system, template, score, memory, store: as for `LocalModel`.
        latent: of a checkpoint that thinks in latents: "coconut" or "codi", or a `LatentCheckpoint` that says more;
            "soft" for soft thinking, which any model can be asked for.
        dry_run: load nothing, and return a `planning.Plan` that says what would be loaded and what it needs.

    Raises:
        InputError: a name or an option is not known, or options contradict each other.
        CapabilityError: a package is missing.
        BackendError: the model is gated, or its files can't be loaded.
        OutOfMemory: it does not fit.
    """
    loading = Loading(device, device_map, max_memory, offload_folder, dtype, quantization)
    spoken: dict[str, Any] = {"format": format, "system": system, "template": template}
    options: dict[str, Any] = {**spoken, "score": score, "memory": memory, "store": store}
    softly = latent == soft.NAME
    if latent is not None and not softly and (isinstance(name, tuple) or str(name) in shipped.names()):
        raise InputError("latent= opens a checkpoint's files; give their folder, or leave it out.")
    if isinstance(name, tuple):
        _check_pair(name)
        _refuse_spreading(loading, "A loaded pair stays as it is; load it by name")
        if dry_run:
            return planning.of_loaded(*name, **spoken)
        form = soft.format_of(*name) if softly else None
        return LocalModel(name[0], name[1], reader=reader, revision=revision, latent=form, **options)
    text = str(name)
    if text in shipped.names():
        _refuse_spreading(loading, f"{text!r} takes a few MB; load another model")
        pair = _shipped(text, loading)
        if dry_run:
            return planning.of_loaded(*pair, **spoken, name=text)
        form = soft.format_of(*pair) if softly else shipped.latent_format(text)
        return LocalModel(*pair, name=text, reader=reader or _number(), latent=form, **options)
    load_errors.unlikely(text, shipped.names())
    if latent is not None and not softly:
        _refuse_spreading(loading, "A checkpoint of a latent reasoner is loaded whole; load its base")
        pair, form, family = _refusing(text, lambda: opened(ModelFiles.of(text, revision), given(latent)))
        pair = pair[0].to(loading.where()).to(loading.kind() or pair[0].dtype), pair[1]
        options["format"] = family if format is None else format
        return LocalModel(*pair, name=text, revision=revision, reader=reader, latent=form, **options)
    if dry_run:
        return _refusing(text, lambda: planning.of_named(text, revision, loading, **spoken))
    pair, kept = _refusing(text, lambda: _from_transformers(text, revision, loading))
    found, form = commit(text, revision), soft.format_of(*pair) if softly else None
    options |= {"revision": found or revision, "commit": found, "kept": kept, "latent": form}
    return LocalModel(*pair, name=text, reader=reader, **options)


def _from_transformers(name: str, revision: str | None, loading: Loading) -> tuple[tuple[Any, Any], str]:
    """(model, tokenizer), and how a GGUF keeps its weights."""
    files = ModelFiles.of(name, revision)
    if files.header is not None and loading.quantization is not None:
        raise InputError("The weights of a GGUF are dequantised when they are loaded; leave out quantization=.")
    arguments = loading.arguments()
    steps.begin(name, steps.CONFIG)
    config = files.config()
    steps.begin(name, steps.TOKENIZER)
    tokenizer = files.tokenizer(config)
    if config.model_type in LOOPED:
        _refuse_spreading(loading, "A model that thinks in depth is loaded whole; load another")
    steps.begin(name, steps.WEIGHTS)
    model = files.model(config, **arguments)
    pair = (model if "device_map" in arguments else model.to(loading.where())), tokenizer
    return pair, files.header.kept if files.header is not None else ""


def _refusing(name: str, fn: Callable[[], T]) -> T:
    try:
        return fn()
    except CotLensError:
        raise
    except _REFUSED as error:
        raise load_errors.refusal(name, error, shipped.names()) from error


def _check_pair(pair: tuple[Any, ...]) -> None:
    from torch.nn import Module
    from transformers import PreTrainedTokenizerBase

    if len(pair) != 2:
        raise InputError(f"A loaded pair is (model, tokenizer); {len(pair)} things were given.")
    model, tokenizer = pair
    if not (isinstance(model, Module) and all(hasattr(model, part) for part in ("config", "generation_config"))):
        raise InputError(
            f"A loaded pair is (model, tokenizer), and {type(model).__name__} is no language model of transformers; "
            "give what AutoModelForCausalLM.from_pretrained returned."
        )
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        hint = "its .tokenizer" if hasattr(tokenizer, "tokenizer") else "what AutoTokenizer.from_pretrained returned"
        raise InputError(
            f"A loaded pair is (model, tokenizer), and {type(tokenizer).__name__} is no tokenizer of transformers; "
            f"give {hint}."
        )


def _refuse_spreading(loading: Loading, why: str) -> None:
    if loading.device_map is not None or loading.quantization is not None:
        raise InputError(f"{why} to give device_map= or quantization=.")


def _shipped(name: str, loading: Loading) -> tuple[Any, Any]:
    hf, tokenizer = shipped.load_pair(name)
    return hf.to(loading.where()).to(loading.kind() or hf.dtype), tokenizer


def _number() -> AnswerReader:
    from cotlens.trace import Number

    return Number()
