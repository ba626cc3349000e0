"""`cl.load(name, backend="vllm")` without an endpoint: vLLM in this process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens.models import model_config, shipped
from cotlens.models.architecture.layout import describe
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import find
from cotlens.models.embedded.client import EngineClient
from cotlens.models.embedded.model import EmbeddedModel
from cotlens.models.embedded.starting import start, vllm_version
from cotlens.models.embedded.whitebox import EngineWhitebox
from cotlens.models.endpoint.model import Extent
from cotlens.models.endpoint.probing import TRIAL, probe
from cotlens.models.generation.sample_store import open_store
from cotlens.models.identity import of_files

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat
    from cotlens.trace.answers import AnswerReader


def open_embedded(
    name: str,
    loaded: Any,
    files: Any,
    *,
    reader: AnswerReader | None,
    revision: str | None,
    context_length: int | None,
    format: GivenFormat,
    system: str | None,
    template: Mapping[str, Any] | None,
    store: str | os.PathLike[str] | bool | None,
    together: int,
    dtype: str | None,
    engine: Mapping[str, Any],
) -> EmbeddedModel:
    """A model in a vLLM engine of this process; see `endpoint.opening.open_endpoint`.

    Args:
        loaded: its tokenizer.
        files: what its files say: `config`, `generation_config`.

    Raises:
        CapabilityError: vLLM isn't installed.
        InputError, BackendError: it can't be started.
    """
    form = find(HFCodec(loaded), model_config.eos(files, loaded), format, model=name, system=system, template=template)
    folder = _shipped(name)
    arguments = {"max_num_seqs": together, "revision": revision, "max_model_len": context_length, **engine}
    arguments["dtype"] = dtype or ("auto" if folder is None else "float32")
    given = {key: value for key, value in arguments.items() if value is not None}
    running = start(name if folder is None else folder.name, given)
    files_at = _folder(name if folder is None else folder.name, revision)
    weights = "" if files_at is None else of_files(files_at)
    if folder is not None:
        folder.cleanup()
    client = EngineClient(running, together)
    dialect, fingerprint = probe(client, name, form.codec, sorted(form.stop_ids))
    settings = running.vllm_entrypoint.llm_engine.vllm_config.model_config
    skeleton = _without_weights(settings.hf_config)
    # Its kernels change what stands behind a module, not what goes into one.
    layout = replace(describe(skeleton), projections=(), head_width=0)
    whitebox = EngineWhitebox(client, name, skeleton, layout)
    known = [vllm_version(), weights or [name, revision, fingerprint], sorted(map(str, engine.items()))]
    holds = whitebox.holds(form.codec.encode_template(TRIAL))
    return EmbeddedModel(
        client,
        dialect,
        form,
        Extent(layout.vocabulary, int(settings.max_model_len), layout.n_layers),
        name=name,
        revision=revision or weights or fingerprint,
        known=json.dumps(known),
        weights=weights,
        defaults=model_config.sampling_defaults(files),
        reader=reader,
        store=open_store(store),
        whitebox=whitebox if holds else None,
        dtype=str(settings.dtype).removeprefix("torch."),
    )


def _folder(source: str, revision: str | None) -> Path | None:
    """Where the files of a model lie that was just loaded: its folder, or its place in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    if Path(source).exists():
        return Path(source)
    found = try_to_load_from_cache(source, "config.json", revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def _without_weights(config: Any) -> Any:
    """The model without its weights."""
    import torch

    with torch.device("meta"):
        return model_config.auto_class(config).from_config(config)


def _shipped(name: str) -> tempfile.TemporaryDirectory[str] | None:
    """A folder with the files of a shipped model; None for others."""
    if name not in shipped.names():
        return None
    folder = tempfile.TemporaryDirectory()
    for part in shipped.load_pair(name):
        part.save_pretrained(Path(folder.name))
    return folder
