"""SAEs on disk in the format of SAELens: `cfg.json`, `sae_weights.safetensors`, and `sparsity.safetensors` if known.

Nothing here needs SAELens but a release, which its table of names and converters must find. What is written here has a
checksum in its metadata, which SAELens passes over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cotlens._core import files
from cotlens._core.data import loads
from cotlens._core.errors import BackendError, InputError
from cotlens._core.files import PathLike
from cotlens._core.optional import need
from cotlens._core.tensors import check_seal, sealed
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import BIASES, SAE

CONFIG, WEIGHTS_FILE, SPARSITY = "cfg.json", "sae_weights.safetensors", "sparsity.safetensors"
SHIPPED = {"abacus": Path(__file__).parents[3] / "organisms" / "weights" / "sae"}
_LARGEST = {"float16": 65504.0}


def load_sae(source: Any, sae_id: str | None = None, *, site: str | None = None, device: str = "cpu") -> SAE:
    """Load a sparse autoencoder.

    Args:
        source: a folder in the format of SAELens; "abacus", the one that is shipped; a release or Hugging Face
            repository that SAELens knows ("gemma-scope-2b-pt-res-canonical"; needs the extra `cotlens[sae]`); or a
            SAE that SAELens has loaded.
        sae_id: which SAE of a release ("layer_20/width_16k/canonical").
        site: where it reads, in place of the hook point that its files name.
        device: where it computes.

    Raises:
        InputError: no such folder or release, files that are missing, pickled or damaged, an architecture or hook
            point that isn't known, or SAELens isn't installed and is needed.
    """
    if not isinstance(source, (str, Path)):
        return _converted(source, site).to(device)
    if sae_id is None and str(source) in SHIPPED:
        return read_folder(SHIPPED[str(source)], site).to(device)
    if sae_id is None or Path(source).is_dir():
        return read_folder(Path(source), site).to(device)
    return _released(str(source), sae_id, site).to(device)


def read_folder(folder: Path, site: str | None = None) -> SAE:
    """The SAE in a folder; see `load_sae`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    raw = _config(folder)
    path = folder / WEIGHTS_FILE
    if not path.exists():
        pickled = any(folder.glob("*.pt")) or any(folder.glob("*.bin")) or any(folder.glob("*.npz"))
        why = "; pickled weights are never opened, so convert them with SAELens first" if pickled else ""
        raise InputError(f"{folder} holds no {WEIGHTS_FILE}{why}.")
    try:
        weights = load_file(path)
        sparsity = load_file(folder / SPARSITY)["sparsity"] if (folder / SPARSITY).exists() else None
    except (OSError, SafetensorError, KeyError) as error:
        raise InputError(f"The files of the SAE in {folder} are damaged ({error}); get them again.") from error
    for file in (path, folder / SPARSITY):
        check_seal(file, "SAE")
    return _made(raw, weights, sparsity, folder, site)


def save_sae(sae: SAE, folder: PathLike, dtype: str = "float32") -> Path:
    """Write a SAE so that `load_sae` and `sae_lens.SAE.load_from_disk` open it.

    Args:
        dtype: of the file, "float32" or "float16"; both are computed with in float32.

    Raises:
        InputError: the folder can't be written, or a weight is too large for the dtype.
    """
    import torch
    from safetensors.torch import save

    target, kind = Path(folder), getattr(torch, dtype)
    if any(float(tensor.abs().max()) > _LARGEST.get(dtype, float("inf")) for tensor in sae.weights.values()):
        raise InputError(f"A weight of this SAE is too large for {dtype}; write it as float32.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.to("cpu", kind).contiguous() for name, tensor in sae.weights.items()}
        files.write_bytes(target / WEIGHTS_FILE, sealed(save(state, metadata={"format": "pt"})))
        if sae.log_sparsity is not None:
            sparsity = {"sparsity": torch.from_numpy(sae.log_sparsity.copy())}
            files.write_bytes(target / SPARSITY, sealed(save(sparsity)))
        files.write_bytes(target / CONFIG, (json.dumps(sae.config.data(), indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise InputError(
            f"Nothing can be saved in {target}: {error.strerror}; give a folder you may write to."
        ) from error
    return target


def _config(folder: Path) -> dict[str, Any]:
    try:
        raw = loads((folder / CONFIG).read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"There is no SAE in {str(folder)!r}: give a folder with {CONFIG} and {WEIGHTS_FILE}, "
            f"{' or '.join(map(repr, SHIPPED))}, or a release together with sae_id=."
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / CONFIG} can't be read ({error}); get the files of the SAE again.") from error
    if not isinstance(raw, dict):
        raise InputError(f"{folder / CONFIG} holds no table of settings; get the files of the SAE again.")
    return raw


def _made(raw: Mapping[str, Any], weights: Mapping[str, Any], sparsity: Any, folder: Path | None, site: Any) -> SAE:
    """A SAE of what its files hold."""
    import torch

    config = Config.read(raw, site)
    factor = weights.get("scaling_factor")
    if factor is not None and not bool((factor == 1).all()):
        raise InputError("This SAE was fine-tuned with a factor per latent that SAELens 6 no longer reads either.")
    wanted = ("W_enc", "W_dec", "b_dec", *BIASES[config.architecture])
    state = {name: weights[name].detach().to("cpu", torch.float32) for name in wanted if name in weights}
    density = None if sparsity is None else sparsity.detach().float().cpu().numpy()
    return SAE(config, state, density, folder)


def _converted(loaded: Any, site: str | None, sparsity: Any = None) -> SAE:
    """What SAELens has loaded, as a SAE of ours."""
    if not (hasattr(loaded, "cfg") and hasattr(loaded, "state_dict")):
        raise InputError(f"A {type(loaded).__name__} is no SAE; give a folder, a name, or a SAE loaded by SAELens.")
    return _made(loaded.cfg.to_dict(), loaded.state_dict(), sparsity, None, site)


def _released(release: str, sae_id: str, site: str | None) -> SAE:
    sae_lens = need("sae_lens", f"The release {release!r}", "sae")
    try:
        loaded, _, sparsity = sae_lens.SAE.from_pretrained_with_cfg_and_sparsity(release, sae_id)
    except ValueError as error:
        raise InputError(f"SAELens knows no {sae_id!r} of {release!r}: {error}") from error
    except OSError as error:
        raise BackendError(f"{release!r} could not be had from Hugging Face ({error}); check the network.") from error
    made = _converted(loaded, site, sparsity)
    config = replace(made.config, metadata={**made.config.metadata, "release": release, "sae_id": sae_id})
    return replace(made, config=config)
