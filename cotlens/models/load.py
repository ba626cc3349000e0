"""`cl.load`: a model by name, folder, or as a loaded pair, on a backend."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.registry import Registry

if TYPE_CHECKING:
    from cotlens.models.contract import Model
    from cotlens.trace.answers import AnswerReader

BACKENDS = Registry("backend", {"local": "cotlens.models.opening:open_local"})


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
        name: "abacus" (shipped), a Hugging Face id, a local directory, or a loaded (model, tokenizer) pair.
        backend: "local".
        reader: how its answers are read; default `Number` for shipped models, `Boxed` for others.
        revision: branch, tag or commit of a Hugging Face id.
        options: of the backend; for "local" those of `models.opening.open_local`: `device`, `dtype`, `format`, `score`,
            `memory`, `store`.

    Raises:
        InputError: the name or an option is not known; near names are suggested.
        BackendError: the files are there but can't be loaded.
    """
    opened = BACKENDS.get(backend)
    allowed = [p.name for p in inspect.signature(opened).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in allowed:
            raise InputError(f"load has no option {option!r} for backend={backend!r}. {did_you_mean(option, allowed)}")
    return opened(name, reader=reader, revision=revision, **options)
