"""`cl.load(..., latent=...)`: a model, its tokenizer and how it thinks in latents, from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cotlens._core import check
from cotlens._core.errors import InputError, did_you_mean
from cotlens.models.chat_formats.families import Family
from cotlens.models.contract.latents import LatentFormat
from cotlens.models.local.latents.checkpoints import coconut, codi
from cotlens.models.local.latents.checkpoints.tensors import Tensors, candidates, model_of, read

if TYPE_CHECKING:
    from cotlens.models.model_files import ModelFiles

FAMILIES = {"coconut": coconut, "codi": codi}


@dataclass(frozen=True)
class LatentCheckpoint:
    """A checkpoint of a latent reasoner, for `load(base, latent=...)`.

    Args:
        family: "coconut" or "codi".
        file: its weights; by default they are found in the folder of the model that is loaded, which may hold them,
            config and tokenizer together.
        latents: how many it thinks; by default what its files say.
        alpha: of CODI's adapters (`lora_alpha`).
        ends: whether questions, and latents, are followed by the tokenizer's end token (CODI without `remove_eos`).

    Raises:
        InputError: the family is not known, or a setting is out of range.
    """

    family: str
    file: str | Path | None = None
    latents: int | None = None
    alpha: float = 32.0
    ends: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InputError(f"There is no family of latents {self.family!r}. {did_you_mean(self.family, FAMILIES)}")
        if self.latents is not None:
            check.whole("latents", self.latents, 0, of="LatentCheckpoint")
        check.number("alpha", self.alpha, 0, of="LatentCheckpoint")
        check.flag("ends", self.ends, of="LatentCheckpoint")


def given(latent: Any) -> LatentCheckpoint:
    """What an option names."""
    if isinstance(latent, LatentCheckpoint):
        return latent
    if not isinstance(latent, str):
        names = " or ".join(map(repr, FAMILIES))
        raise InputError(f"latent={str(latent)[:60]} is not known; give {names}, 'soft', or a LatentCheckpoint.")
    return LatentCheckpoint(latent)


def opened(files: ModelFiles, latent: LatentCheckpoint) -> tuple[tuple[Any, Any], LatentFormat, Family]:
    """Model (float32), tokenizer, how it thinks, and in which format it is asked.

    Raises:
        InputError: there is no such checkpoint, it is of another model, or it was saved without its special tokens.
        BackendError: it is damaged, or holds more than tensors.
    """
    kind: ModuleType = FAMILIES[latent.family]
    file, tensors = _found(files, latent, kind)
    config, tokenizer = files.config(), files.tokenizer()
    vocabulary = int(config.get_text_config(decoder=True).vocab_size)
    token, closing = kind.tokens(tokenizer, vocabulary)
    model = model_of(config, kind.weights(tensors), max(token, *closing) + 1, latent.alpha)
    family: Family = kind.FAMILY
    if latent.ends:
        closing = (*closing, int(tokenizer.eos_token_id))
        family = replace(family, before_open=tokenizer.eos_token, to_answer=tokenizer.eos_token)
    return (model, tokenizer), _format(latent, kind, file, tensors, token, closing), family


def _format(
    latent: LatentCheckpoint, kind: ModuleType, file: Path, tensors: Tensors, token: int, closing: tuple[int, ...]
) -> LatentFormat:
    known = (latent.latents,) if latent.latents is not None else kind.counts(file, _settings(file.parent))
    default: int | Callable[[str], int] = known[-1] if known else _unsaid
    return LatentFormat(latent.family, token, kind.feedback(tensors), closing, known or None, default)


def _unsaid(prompt: str) -> int:
    raise InputError(
        "Nothing beside this checkpoint says how many latents it was trained with; give latents= here, or "
        "LatentCheckpoint(family, latents=...) when it is loaded."
    )


def _found(files: ModelFiles, latent: LatentCheckpoint, kind: ModuleType) -> tuple[Path, Tensors]:
    """The file and its tensors."""
    folder = Path(files.where)
    paths = [Path(latent.file)] if latent.file is not None else candidates(folder, kind.OWN)
    if latent.file is not None and paths[0].is_dir():
        paths = candidates(paths[0], kind.OWN)
    for path in paths:
        tensors = read(path)
        if any(name.startswith(kind.SIGN) for name in tensors):
            return path, tensors
    looked = ", ".join(path.name for path in paths[:4]) or f"no file of weights in {folder}"
    raise InputError(
        f"There is no {latent.family} checkpoint: no tensor's name begins with {kind.SIGN!r} ({looked}); give "
        f"LatentCheckpoint({latent.family!r}, file=...)."
    )


def _settings(folder: Path) -> Mapping[str, Any]:
    """What the one file of settings beside a checkpoint says."""
    import yaml

    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if len(found) != 1:
        return {}
    try:
        said = yaml.safe_load(found[0].read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"The settings {found[0].name!r} can't be read; mend or remove the file.") from error
    return said if isinstance(said, Mapping) else {}
