"""What loading a model would take: `load(..., dry_run=True)` reads its config and tokenizer, but no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from cotlens.models.architecture.layout import ANY_LENGTH, describe
from cotlens.models.chat_formats import templates
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.local import budget, placement
from cotlens.models.model_config import auto_class
from cotlens.models.model_files import ModelFiles

if TYPE_CHECKING:
    from cotlens.models.local.loading.settings import Loading

_UNITS = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
_BLOCK = 64  # weights that share one float32 scale under NF4


@dataclass(frozen=True, repr=False)
class Plan:
    """What would be loaded, and what it needs; printed, it says so in a few lines.

    Args:
        name: of the model.
        architecture: its class in transformers.
        parameters: how many there are; tied ones count once.
        dtype: in which weights would be held.
        quantization: "8bit", "4bit", what the checkpoint itself holds, or "".
        weights: bytes of all weights.
        cache: bytes of keys and values per 1,000 tokens of one sequence; None if unknown.
        context: the most tokens in a sequence.
        devices: device -> bytes of weights that would go there.
        free: device -> bytes that are free there for it; None where the device doesn't say.
        format: name of the reasoning format.
        scoring: which way of scoring is expected, and why; a trial decides when the model is loaded.
    """

    name: str
    architecture: str
    parameters: int
    dtype: str
    quantization: str
    weights: int
    cache: int | None
    context: int
    devices: Mapping[str, int]
    free: Mapping[str, int | None]
    format: str
    scoring: str

    @property
    def fits(self) -> bool | None:
        """Whether weights and the cache of 1,000 tokens fit into what is free on every device; None if unknown."""
        rooms = {device: room for device, room in self.free.items() if device != "disk"}
        if None in rooms.values():
            return None
        return all(need + (self.cache or 0) <= (rooms.get(device) or 0) for device, need in self._held().items())

    def __repr__(self) -> str:
        held = f"{self.quantization} weights, computed in {self.dtype}" if self.quantization else self.dtype
        cache = "unknown" if self.cache is None else _size(self.cache)
        places = ", ".join(f"{device} {_size(need)}{_of(self.free[device])}" for device, need in self.devices.items())
        length = "of any length" if self.context >= ANY_LENGTH else f"{self.context:,} tokens"
        verdict = {True: "it fits", False: "it does not fit", None: "whether it fits is unknown"}[self.fits]
        return "\n".join(
            (
                f"{self.name} \u00b7 {self.architecture}",
                f"  weights  {self.parameters:,} parameters, {held}: {_size(self.weights)}",
                f"  cache    {cache} per 1,000 tokens, context {length}",
                f"  devices  {places}: {verdict}",
                f"  format   {self.format}",
                f"  scoring  {self.scoring}",
            )
        )

    def _held(self) -> dict[str, int]:
        return {device: need for device, need in self.devices.items() if device != "disk"}


def _size(count: int) -> str:
    unit = next((unit for unit in ("GiB", "MiB") if count >= _UNITS[unit]), "KiB")
    return f"{count / _UNITS[unit]:,.1f} {unit}"


def _of(room: int | None) -> str:
    return "" if room is None else f" of {_size(room)} free"


def of_named(name: str, revision: str | None, loading: Loading, **spoken: Any) -> Plan:
    """The plan of a folder or Hugging Face id.

    Args:
        spoken: format, system and template, as for `LocalModel`.
    """
    files = ModelFiles.of(name, revision)
    config = files.config()
    tokenizer = files.tokenizer(config)
    dtype = loading.arguments()["dtype"]
    if not isinstance(dtype, torch.dtype):
        dtype = torch.float32 if dtype == "float32" else getattr(config, "dtype", None) or torch.float32
    with torch.device("meta"):  # in bfloat16, which all kernels know
        hf = auto_class(config).from_config(config, dtype=torch.bfloat16)
    sizes = _sizes(hf, dtype, loading.quantization)
    weights, kept = sum(sizes.values()), getattr(config, "quantization_config", None)
    if kept is not None and (stored := _files(name, revision)) is not None:
        sizes = {path: size * stored // weights for path, size in sizes.items()}
    quantization = loading.quantization or ("" if kept is None else str(dict(kept).get("quant_method", "quantised")))
    devices = _spread(hf, sizes, loading)
    return _plan(name, hf, tokenizer, dtype, quantization, devices, _free(devices), spoken)


def of_loaded(hf: Any, tokenizer: Any, *, name: str = "", **spoken: Any) -> Plan:
    """The plan of a model that is there already: what it takes where it is."""
    hf = placement.bare(hf)
    devices: dict[str, int] = {}
    for parameter in hf.parameters():
        device = str(parameter.device)
        devices[device] = devices.get(device, 0) + parameter.numel() * parameter.element_size()
    known = name or str(getattr(hf.config, "_name_or_path", "") or type(hf).__name__)
    free = {device: None if room is None else room + devices[device] for device, room in _free(devices).items()}
    return _plan(known, hf, tokenizer, hf.dtype, "", devices, free, spoken)


def _plan(
    name: str,
    hf: Any,
    tokenizer: Any,
    dtype: torch.dtype,
    quantization: str,
    devices: Mapping[str, int],
    free: Mapping[str, int | None],
    spoken: Mapping[str, Any],
) -> Plan:
    layout = describe(hf)
    family = templates.choose(
        HFCodec(tokenizer), spoken["format"], model=name, system=spoken["system"], template=spoken["template"]
    )
    trial = "if a trial at loading agrees"
    return Plan(
        name=name,
        architecture=type(hf).__name__,
        parameters=sum(parameter.numel() for parameter in hf.parameters()),
        dtype=str(dtype).removeprefix("torch."),
        quantization=quantization,
        weights=sum(devices.values()),
        cache=_cache(hf, dtype),
        context=layout.context,
        devices=devices,
        free=free,
        format=family.name,
        scoring=f"forked, {trial}, because {layout.no_mask}" if layout.no_mask else f"packed, {trial}",
    )


def _free(devices: Mapping[str, int]) -> dict[str, int | None]:
    return {device: None if device in ("disk", "meta") else budget.free(torch.device(device)) for device in devices}


def _sizes(hf: Any, dtype: torch.dtype, quantization: str | None) -> dict[str, int]:
    """Bytes of every parameter by its path; bitsandbytes leaves alone what is not a linear layer, and the output."""
    output = hf.get_output_embeddings()
    linear = {
        f"{path}.weight": module
        for path, module in hf.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    }
    found = {}
    for path, parameter in hf.named_parameters():
        size = parameter.numel() * dtype.itemsize
        if path in linear and quantization == "8bit":
            size = parameter.numel() + 4 * parameter.shape[0]
        elif path in linear and quantization == "4bit":
            size = parameter.numel() // 2 + 4 * -(-parameter.numel() // _BLOCK)
        found[path] = size
    return found


def _spread(hf: Any, sizes: Mapping[str, int], loading: Loading) -> dict[str, int]:
    """Device -> bytes."""
    if loading.device_map is None:
        return {loading.where(): sum(sizes.values())}
    chosen = loading.device_map if isinstance(loading.device_map, Mapping) else _inferred(hf, sizes, loading)
    found: dict[str, int] = {}
    for path, size in sizes.items():
        owners = [part for part in chosen if part == "" or path == part or path.startswith(f"{part}.")]
        where = _device(chosen[max(owners, key=len)]) if owners else "cpu"
        found[where] = found.get(where, 0) + size
    return found


def _inferred(hf: Any, sizes: Mapping[str, int], loading: Loading) -> Mapping[str, Any]:
    """How accelerate would spread the model over what there is."""
    from accelerate import infer_auto_device_map

    per_parameter = max(1, round(sum(sizes.values()) / max(1, sum(p.numel() for p in hf.parameters()))))
    dtype = {1: torch.int8, 2: torch.bfloat16}.get(per_parameter, torch.float32)
    kept_whole = list(getattr(hf, "_no_split_modules", None) or [])
    found: Mapping[str, Any] = infer_auto_device_map(
        hf, max_memory=loading.max_memory, no_split_module_classes=kept_whole, dtype=dtype
    )
    return found


def _device(where: Any) -> str:
    return f"cuda:{where}" if isinstance(where, int) else str(where)


def _files(name: str, revision: str | None) -> int | None:
    """Bytes of the weight files of a checkpoint; None if nobody can say."""
    if Path(name).exists():
        return sum(path.stat().st_size for path in Path(name).glob("*.safetensors")) or None
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        files = HfApi().model_info(name, revision=revision, files_metadata=True).siblings or []
    except (HfHubHTTPError, OSError):
        return None
    return sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors")) or None


def _cache(hf: Any, dtype: torch.dtype) -> int | None:
    """Bytes of keys and values per 1,000 tokens, from what one token leaves behind in a pass."""
    token = torch.zeros(1, 1, dtype=torch.long, device=placement.input_device(hf))
    try:
        with torch.no_grad():
            cache = hf(input_ids=token, use_cache=True).past_key_values
        parts = [part for layer in cache.layers if (part := _parts(layer)) is not None]
    except Exception:  # some models can't run without weights; then nothing is said
        return None
    return 1000 * dtype.itemsize * sum(parts) if parts else None


def _parts(layer: Any) -> int | None:
    keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
    return None if keys is None or values is None else keys.numel() + values.numel()
