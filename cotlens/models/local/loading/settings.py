"""How weights are to be loaded: onto which devices, in which precision, quantised or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.optional import need

DeviceMap = str | Mapping[str, Any]
_QUANTIZATIONS = ("8bit", "4bit")
_SPREAD = ("auto", "balanced", "balanced_low_0", "sequential")


@dataclass(frozen=True)
class Loading:
    """What was asked for, checked; see `opening.open_local`.

    Raises:
        InputError: an option is not known, or options contradict each other.
        CapabilityError: a package is missing.
    """

    device: str | None = None
    device_map: DeviceMap | None = None
    max_memory: Mapping[Any, Any] | None = None
    offload_folder: str | os.PathLike[str] | None = None
    dtype: str | None = None
    quantization: str | None = None

    def __post_init__(self) -> None:
        self.kind()
        if self.device_map is None:
            self.where()
            for name in ("max_memory", "offload_folder"):
                if getattr(self, name) is not None:
                    raise InputError(f"{name}= says how a model is spread; give it with device_map='auto'.")
        elif self.device is not None:
            raise InputError("device= and device_map= both say where the model goes; give one of them.")
        elif not isinstance(self.device_map, Mapping) and self.device_map not in _SPREAD:
            raise InputError(
                f"device_map={self.device_map!r} is not known; {did_you_mean(self.device_map, _SPREAD)} Or give a dict "
                "of module names to devices, or device= for one device."
            )
        if self.quantization not in (None, *_QUANTIZATIONS):
            raise InputError(f"quantization={self.quantization!r} is not known; choose '8bit' or '4bit'.")
        if self.quantization is not None:
            need("bitsandbytes", f"quantization={self.quantization!r}", "gpu")
        if self.device_map is not None or self.quantization is not None:
            need("accelerate", "device_map=" if self.device_map is not None else "quantization=", "gpu")

    def where(self) -> str:
        """The device of a model that isn't spread: as asked, else a GPU where there is one."""
        import torch

        if self.device is None:
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            return str(torch.device(self.device))
        except (RuntimeError, TypeError) as error:
            raise InputError(f"device={self.device!r} is not known to torch; use 'cpu' or 'cuda'.") from error

    def kind(self) -> Any:
        """The torch dtype asked for, or None."""
        import torch

        if self.dtype is None:
            return None
        found = getattr(torch, str(self.dtype).removeprefix("torch."), None)
        if not isinstance(found, torch.dtype) or not found.is_floating_point:
            raise InputError(f"dtype={self.dtype!r} is not known; choose 'float32', 'bfloat16' or 'float16'.")
        return found

    def on_cpu(self) -> bool:
        """Whether no GPU takes part."""
        if isinstance(self.device_map, Mapping):
            return all(str(where).split(":")[0] in ("cpu", "disk") for where in self.device_map.values())
        return self.where() == "cpu"

    def arguments(self) -> dict[str, Any]:
        """What `from_pretrained` is to be given."""
        found: dict[str, Any] = {"dtype": self.kind() or ("float32" if self.on_cpu() else "auto")}
        if self.device_map is not None or self.quantization is not None:
            found["device_map"] = self.device_map if self.device_map is not None else {"": self.where()}
        for name in ("max_memory", "offload_folder"):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name)
        if self.quantization is not None:
            found["quantization_config"] = self._quantized()
        return found

    def _quantized(self) -> Any:
        import torch
        from transformers import BitsAndBytesConfig

        if self.quantization == "8bit":
            return BitsAndBytesConfig(load_in_8bit=True)
        computed_in = self.kind() or (torch.float32 if self.on_cpu() else torch.bfloat16)
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed_in)
