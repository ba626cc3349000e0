"""Opening a model that runs on NDIF, or on any server that speaks its protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core import control
from cotlens._core.errors import BackendError, CotLensError, InputError
from cotlens.models import load_errors, tracing
from cotlens.models.ndif.model import NdifModel
from cotlens.models.ndif.service import Service, find, outlook
from cotlens.models.ndif.wire import Wire

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat
    from cotlens.trace.answers import AnswerReader

_REFUSED = (OSError, ValueError, ImportError, KeyError, RuntimeError)


def open_ndif(
    name: str | Path | tuple[Any, Any],
    *,
    reader: AnswerReader | None = None,
    revision: str | None = None,
    host: str | None = None,
    files: str | os.PathLike[str] | None = None,
    format: GivenFormat = None,
    system: str | None = None,
    template: Mapping[str, Any] | None = None,
    score: str = "auto",
    store: str | os.PathLike[str] | bool | None = None,
) -> NdifModel:
    """A model on a server; only its config and tokenizer are needed here, never its weights.

    The API key is that of the environment variable NDIF_API_KEY, or the one that `nnsight.login()` has stored.

    Args:
        name: its Hugging Face id, by which the server knows it.
        reader, revision: as for `load`.
        host: address of the server; default NDIF_HOST, else NDIF.
        files: folder with its config and tokenizer; default: they come from Hugging Face.
        format, system, template, store: as for `LocalModel`.
        score: "auto" (the first question checks which way is right), "packed" or "plain".

    Raises:
        InputError: the name, the address or an option is not known.
        BackendError: the server can't be reached or runs another version of nnsight, or the model is gated.
    """
    if isinstance(name, tuple):
        raise InputError("A loaded pair runs in this process; give backend='ndif' the Hugging Face id of a model.")
    repo, service = str(name), Service(host)
    if not repo.strip() or Path(repo).exists() or repo.count("/") != 1:
        raise InputError(
            f"A server knows models by their Hugging Face id, such as 'Qwen/Qwen3-8B'; {repo!r} is none. A folder with "
            "config and tokenizer goes into files=."
        )
    control.current().report(0, None, f"{service.name}: asking what is up")
    up = service.deployments()
    found = find(up, repo, revision)
    control.current().report(0, None, f"{service.name}: {repo} is {outlook(found)}")
    refuse_other_versions(service)
    traced, tokenizer, generation = load_without_weights(found.repo if found is not None else repo, files, revision)
    return NdifModel(
        traced,
        tokenizer,
        generation,
        Wire(service),
        name=found.repo if found is not None else repo,
        deployment=found,
        revision=revision,
        reader=reader,
        format=format,
        system=system,
        template=template,
        score=score,
        store=store,
    )


def load_without_weights(repo: str, files: str | os.PathLike[str] | None, revision: str | None) -> tuple[Any, Any, Any]:
    """The nnsight model without weights, its tokenizer, and how it is sampled by default (None where nothing says)."""
    from transformers import AutoTokenizer, GenerationConfig

    source = repo if files is None else str(Path(files).expanduser())
    if files is not None and not Path(source).is_dir():
        raise InputError(f"There is no folder {source!r}; give files= a folder that holds config.json and a tokenizer.")
    pinned = revision if files is None else None
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=pinned)
        traced = tracing.without_weights(source, tokenizer, pinned)
    except CotLensError:
        raise
    except _REFUSED as error:
        raise load_errors.refusal(source, error, ()) from error
    try:
        generation = GenerationConfig.from_pretrained(source, revision=pinned)
    except (OSError, ValueError):
        generation = None
    return traced, tokenizer, generation


def refuse_other_versions(service: Service) -> None:
    """Raise BackendError where the server's nnsight is of another minor version: blocks would not be understood."""
    import nnsight

    theirs, ours = service.versions().get("nnsight", ""), str(nnsight.__version__)
    if theirs and theirs.split(".")[:2] != ours.split(".")[:2]:
        raise BackendError(
            f"{service.name} runs nnsight {theirs} and here is {ours}; run pip install 'nnsight=={theirs}'."
        )
