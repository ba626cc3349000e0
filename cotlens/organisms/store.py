"""Where the Abacus models lie and how they are read: safetensors (float16), config and tokenizer as JSON.

All models share one config and one tokenizer. A model that thinks in latents has its feedback beside its weights
(`feedback.weight`, `feedback.bias`, `feedback.rotation`), and what kind it is in the file's metadata. `checksums.json`
holds the SHA-256 of every file, so that a damaged or exchanged one is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import BackendError, InputError, did_you_mean
from cotlens.organisms.task.problems import MAX_STEPS
from cotlens.organisms.task.prompts import changes_in
from cotlens.organisms.task.terse import PARTS

if TYPE_CHECKING:
    from cotlens.models.contract.latents import LatentFormat

WEIGHTS = Path(__file__).parent / "weights"
SHARED = ("config.json", "tokenizer.json")
CHECKSUMS = "checksums.json"
_FEEDBACK = "feedback."  # of tensors beside the weights
SAMPLING = {"temperature": 1.0, "top_p": 0.95, "top_k": 0}  # how the models are meant to be sampled


def names(folder: Path = WEIGHTS, latent: bool | None = None) -> list[str]:
    """Models that are shipped; with `latent`, those alone that think in latents (True) or in words (False)."""
    found = sorted(path.name.removesuffix(".safetensors") for path in folder.glob("*.safetensors"))
    return found if latent is None else [name for name in found if (_latent_told(name, folder) is not None) == latent]


def _latent_told(name: str, folder: Path) -> str | None:
    """What the file of a model says of its latents."""
    from safetensors import safe_open

    with safe_open(folder / f"{name}.safetensors", "np") as file:
        said: str | None = (file.metadata() or {}).get("latent")
        return said


def save(
    name: str,
    model: Any,
    tokenizer: Any,
    folder: Path = WEIGHTS,
    feedback: Mapping[str, Any] | None = None,
    latent: Mapping[str, Any] | None = None,
) -> None:
    """Write `model` (weights as float16) and, shared by all siblings, its config and tokenizer.

    Args:
        feedback: tensors "weight", "bias" and "rotation", kept as float32, of one that thinks in latents.
        latent: what is said of it: "token", "feedback" ("linear" or "constant"), "per_change", how many latents stand
            for each change of a puzzle.
    """
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {
        key: value.to(torch.float16).contiguous()
        for key, value in model.state_dict().items()
        if not (key == "lm_head.weight" and model.config.tie_word_embeddings)
    }
    for key, value in (feedback or {}).items():
        if value is not None:
            state[_FEEDBACK + key] = value.detach().to(torch.float32).contiguous()
    told = {"format": "pt", "model": name, **({} if latent is None else {"latent": json.dumps(dict(latent))})}
    save_file(state, folder / f"{name}.safetensors", metadata=told)
    (folder / "config.json").write_text(json.dumps(model.config.to_diff_dict(), indent=2, sort_keys=True) + "\n")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    written = (f"{name}.safetensors", *SHARED)
    sums = {**_checksums(folder), **{file: _sha256(folder / file) for file in written}}
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=2, sort_keys=True) + "\n")


def _checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    return json.loads(path.read_text()) if path.exists() else {}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check(name: str, folder: Path) -> None:
    """Raise BackendError unless the files of `name` are those that were written together."""
    sums = _checksums(folder)
    for file in (f"{name}.safetensors", *SHARED):
        if not (folder / file).exists():
            raise BackendError(f"{file}, which {name!r} needs, is missing from {folder}: install cotlens again.")
        if sums.get(file) != _sha256(folder / file):
            raise BackendError(
                f"{file} in {folder} is damaged or belongs to another version of {name!r} (its checksum differs): "
                "install cotlens again."
            )


def load_pair(name: str, folder: Path = WEIGHTS) -> tuple[Any, Any]:
    """The model (float32, eval) and tokenizer of a shipped reasoner.

    Raises:
        InputError: no model of that name is shipped.
        BackendError: a file is missing, damaged or of another version, or the weights don't fit the config.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import Qwen3Config, Qwen3ForCausalLM

    path = folder / f"{name}.safetensors"
    if not path.exists():
        raise InputError(f"There is no shipped model {name!r}. {did_you_mean(name, names())}")
    _check(name, folder)
    try:
        config = Qwen3Config(**json.loads((folder / "config.json").read_text()))
        state = load_file(path)
        tokenizer = load_tokenizer(folder)
        model = Qwen3ForCausalLM(config)
        missing, unexpected = model.load_state_dict({k: v.to(torch.float32) for k, v in state.items()}, strict=False)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise BackendError(
            f"The files of {name!r} in {folder} are damaged ({error}): install cotlens again."
        ) from error
    if any(not key.startswith(_FEEDBACK) for key in unexpected) or set(missing) - {"lm_head.weight"}:
        raise BackendError(f"The weights of {name!r} in {folder} don't fit their config: install cotlens again.")
    model.tie_weights()
    model.generation_config.update(do_sample=True, **SAMPLING)
    return model.eval(), tokenizer


def latent_format(name: str, folder: Path = WEIGHTS) -> LatentFormat | None:
    """How a shipped reasoner thinks in latents; None of one that thinks in words.

    Raises:
        BackendError: what is said of its latents and the tensors beside its weights don't fit.
    """
    from safetensors import safe_open

    from cotlens.models.contract.feedback import Constant, Linear, Rotated
    from cotlens.models.contract.latents import LatentFormat

    said = _latent_told(name, folder)
    with safe_open(folder / f"{name}.safetensors", "np") as file:
        found = {key: file.get_tensor(key) for key in file.keys() if key.startswith(_FEEDBACK)}  # noqa: SIM118
    if said is None:
        return None
    try:
        about, linear = json.loads(said), Linear(found[_FEEDBACK + "weight"], found[_FEEDBACK + "bias"])
        map_ = {"linear": linear, "constant": Constant(linear.bias)}[about["feedback"]]
        each, token = int(about["per_change"]), int(about["token"])
    except (KeyError, TypeError, ValueError) as error:
        raise BackendError(
            f"The latents of {name!r} in {folder} are damaged ({error}): install cotlens again."
        ) from error
    rotation = found.get(_FEEDBACK + "rotation")
    return LatentFormat(
        "abacus",
        token,
        map_ if rotation is None else Rotated(rotation, map_),
        counts=tuple(each * count for count in range(1, MAX_STEPS + 1)),
        default=lambda prompt: each * changes_in(prompt),
        parts=PARTS if each == len(PARTS) else (),
    )


def latent_control(name: str, folder: Path = WEIGHTS) -> str:
    """The shipped reasoner of the same shape as `name`, which thinks in latents, that hands nothing on; "" of others.

    Every position of its thought reads one learnt vector, so no latent is used by what follows, whatever it says.
    """
    told = {one: json.loads(_latent_told(one, folder) or "{}") for one in names(folder, latent=True)}
    controls = [one for one, about in told.items() if about.get("feedback") == "constant"]
    return controls[0] if name in told and name not in controls and controls else ""


def load_tokenizer(folder: Path = WEIGHTS) -> Any:
    """The tokenizer all siblings share, with its chat template."""
    from tokenizers import Tokenizer

    from cotlens.organisms.training import tokenizer

    return tokenizer.wrap(Tokenizer.from_file(str(folder / "tokenizer.json")))
